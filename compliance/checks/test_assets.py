"""The register of devices against the server itself (Batam lampiran.4; Tegal 4.1.5.8; Jateng pencatatan.3)."""

from __future__ import annotations

from testinfra.host import Host

from compliance.checking import CannotTell, Context, NoRecord, Saw, assesses
from compliance.evidence.kinds import Device, DeviceState, Specification
from compliance.probes import facts

# What firmware keeps for itself, and how coarsely people write sizes down.
SIZE_TOLERANCE_PCT = 5


def _specification(context: Context, saw: Saw) -> Specification | None:
    """What the register says that a server consists of; sees whether there is exactly one entry that does."""
    records = context.kept_records
    if not records.keeps(Device):
        raise NoRecord(Device.kind.file)
    if Device in records.problems:
        raise CannotTell(f"{Device.kind.file}: 'patuh record check'")
    own = [
        device
        for device in records.of(Device)
        if device.host == context.name and device.state is not DeviceState.DECOMMISSIONED
    ]
    saw(Device.kind.file, expected="1", observed=[device.id for device in own], holds=len(own) == 1)
    if len(own) != 1:
        return None
    (device,) = own
    if device.specification is None:
        saw("spesifikasi", expected="…", observed="—", holds=False)
    return device.specification


@assesses("asset.facts-match")
def test_server_is_as_registered(host: Host, context: Context, saw: Saw) -> None:
    """Processors, memory, disks, serial number and name are as registered, the addresses as in the inventory."""
    addresses = set().union(*facts.addresses(host).values())
    for address in context.declared.addresses:
        there = str(address) in addresses
        saw(str(address), expected="configured", observed="configured" if there else "absent")
    registered = _specification(context, saw)
    if registered is None:
        return
    counted = facts.processors(host)
    saw(
        "prosesor",
        expected=registered.processors or "—",
        observed=", ".join(f"{number} {what}" for what, number in counted.items()),
        holds=registered.processors in counted.values(),
    )
    disks = facts.disks_gib(host, without=context.declared.removable_media)
    for what, size, written in (
        ("ram_gib", facts.memory_gib(host), registered.memory),
        ("disk_gib", disks, registered.disks),
    ):
        near = written is not None and abs(size - float(written)) * 100 <= SIZE_TOLERANCE_PCT * float(written)
        saw(what, expected="—" if written is None else f"{written:g}", observed=f"{size:.2f}", holds=near)
    if context.declared.machine == "physical" or registered.serial:
        serial = facts.serial(host)
        if serial.lower() in facts.NO_SERIALS and serial != registered.serial:
            raise CannotTell(f"the maker left '{serial}' where the serial number stands")
        saw("nomor_seri", expected=registered.serial or "—", observed=serial or "—")
    if registered.domain:
        known = facts.names(host, registered.domain)
        ours = registered.domain in known or bool(known & addresses)
        saw("domain", expected=registered.domain, observed=known, holds=ours)
