"""Registers of devices and software, labels, the network scheme (Tegal 1, 3.2; Jambi B.1, B.3, E.2, F.4, H.3.a)."""

from __future__ import annotations

from compliance.checking import Saw
from compliance.evidence.judging import Evidence, decides, fresh, noted, place, shown
from compliance.evidence.kinds import (
    Device,
    DeviceState,
    DiskReplacement,
    Software,
    TiaAssessment,
    Topology,
    UnsupportedApplication,
)


def _in_service(evidence: Evidence) -> list[Device]:
    return [device for device in evidence.of(Device) if device.state is not DeviceState.DECOMMISSIONED]


def _new(evidence: Evidence) -> list[Device]:
    return evidence.cases(
        [device for device in evidence.year(Device) if device.state is not DeviceState.DECOMMISSIONED]
    )


@decides("asset.register", Device)
def every_server_is_registered(evidence: Evidence, saw: Saw) -> None:
    """Every server of the inventory has one entry in service, and no entry out of service is still a server."""
    entries = _in_service(evidence)
    for host in evidence.fleet.hosts:
        own = [device.id for device in entries if device.host == host]
        saw(host, expected="1", observed=own, holds=len(own) == 1)
    for device in evidence.of(Device):
        if device.state is DeviceState.DECOMMISSIONED and device.host:
            listed = device.host in evidence.fleet.hosts
            saw(f"{place(device)}: hosts.yml", expected="—", observed=device.host if listed else "—", holds=not listed)


@decides("asset.labels", Device)
def devices_are_labelled(evidence: Evidence, saw: Saw) -> None:
    """Every device in service bears its code, and so do both ends of its cables."""
    for device in evidence.cases(_in_service(evidence)):
        label = device.label
        code = label.code if label else "—"
        saw(f"{place(device)}: label", expected=device.id, observed=code, holds=code == device.id)
        if label:
            ends = label.both_cable_ends
            saw(f"{place(device)}: kabel", expected="ya", observed="ya" if ends else "tidak", holds=ends)


@decides("asset.staging", Device)
def goods_pass_the_dock(evidence: Evidence, saw: Saw) -> None:
    """What was installed in the past year came by the dock and the staging area."""
    for device in _new(evidence):
        receipt = device.receipt
        days = (receipt.docked, receipt.staged, device.installed) if receipt else ()
        way = " → ".join(map(shown, days))
        good = bool(receipt and receipt.staged and receipt.docked <= receipt.staged <= device.installed)
        saw(place(device), expected="bongkar_muat → ruang_persiapan → dipasang", observed=way, holds=good)


@decides("asset.receiving-inspection", Device)
def goods_are_inspected(evidence: Evidence, saw: Saw) -> None:
    """What was installed in the past year was inspected before, complete, sound, and approved."""
    for device in _new(evidence):
        receipt = device.receipt
        inspected = receipt.inspected if receipt else None
        good = inspected is not None and inspected <= device.installed
        saw(f"{place(device)}: diperiksa", expected=f"<= {device.installed}", observed=inspected or "—", holds=good)
        if receipt:
            for label, value in (
                ("diperiksa_oleh", receipt.inspected_by),
                ("disetujui_oleh", receipt.approved_by),
                ("lengkap", receipt.complete),
                ("utuh", receipt.sound),
            ):
                saw(f"{place(device)}: {label}", expected="noted", observed=shown(value), holds=bool(value))


@decides("equipment.install-standard", Device)
def installation_follows_a_standard(evidence: Evidence, saw: Saw) -> None:
    """Every device in service names the manual or standard by which it was installed."""
    for device in evidence.cases(_in_service(evidence)):
        noted(saw, device, "standard")


@decides("asset.topology-documented", Topology, Device)
def the_network_scheme_is_current(evidence: Evidence, saw: Saw) -> None:
    """The newest scheme shows every device in service, and is no older than the newest change of one."""
    schemes = evidence.of(Topology)
    saw(Topology.kind.file, expected=">= 1", observed=len(schemes), holds=bool(schemes))
    if not schemes:
        return
    newest = schemes[-1]
    changed = [day for device in evidence.of(Device) for day in (device.installed, device.state_since) if day]
    last = max((day for day in changed if day <= evidence.today), default=newest.on)
    noted(saw, newest, "on", expected=f">= {last}", holds=newest.on >= last)
    absent = sorted({device.id for device in _in_service(evidence)} - set(newest.devices))
    saw(f"{place(newest)}: perangkat", expected="—", observed=absent, holds=not absent)


@decides("software.register", Software)
def software_is_registered(evidence: Evidence, saw: Saw) -> None:
    """Every server of the inventory has its software listed."""
    listed = {one.server for one in evidence.of(Software)}
    for host in evidence.fleet.hosts:
        saw(host, expected=">= 1", observed=host if host in listed else "—", holds=host in listed)


@decides("procurement.unsupported-handled", UnsupportedApplication)
def unsupported_applications_are_decided(evidence: Evidence, saw: Saw) -> None:
    """For every application that the servers could not carry, somebody decided what to do."""
    for one in evidence.cases(evidence.year(UnsupportedApplication)):
        noted(saw, one, "decision")
        noted(saw, one, "decided_by")


@decides("governance.tia-942", TiaAssessment)
def the_centre_is_assessed(evidence: Evidence, saw: Saw) -> None:
    """The data centre was assessed against TIA-942 in time."""
    found = evidence.of(TiaAssessment)
    fresh(evidence, saw, TiaAssessment.kind.file, [one.on for one in found], "tia_days_max")


@decides("raid.replacement-record", DiskReplacement)
def disk_replacements_are_recorded(evidence: Evidence, saw: Saw) -> None:
    """Every disk that was replaced is recorded, the new one being another than the old."""
    for one in evidence.cases(evidence.year(DiskReplacement)):
        noted(saw, one, "new_serial", expected=f"≠ {one.old_serial}", holds=one.new_serial != one.old_serial)
