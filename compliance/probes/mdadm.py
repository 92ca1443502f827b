"""Linux software RAID, as the kernel and ``mdadm --detail`` know it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output, succeeds
from compliance.probes.arrays import Array

REDUNDANT_LEVELS = ("raid1", "raid4", "raid5", "raid6", "raid10")
BAD_STATES = ("degraded", "FAILED", "Not Started")


def arrays(host: testinfra.host.Host) -> list[Array]:
    """All md arrays, those that do not run included; none when the kernel has no md.

    A device node may outlive its array for a while: what runs stands in ``/proc/mdstat``.

    :raises CannotTell: when that cannot be read, or mdadm is absent or its words are not understood.
    """
    if not succeeds(host, "test -e /proc/mdstat"):
        return []
    entries = read_mdstat(output(host, "cat /proc/mdstat"))
    # "/md127/0" is a volume in a container, "-md127/0" one whose monitor is held back, as while its shape is changed.
    containers = {one.name: one for one in entries if one.external and not one.external.startswith(("/", "-"))}
    return [_array(host, one, entries, containers) for one in entries if one.name not in containers]


@dataclass(frozen=True)
class Entry:
    """An array in ``/proc/mdstat``.

    ``external`` is what keeps its metadata: a format (``imsm``, ``ddf``) for a container of disks, the container's name
    with the number of the volume for a volume in it. ``wanted`` and ``working`` count its devices, where it says.
    """

    name: str
    active: bool
    level: str
    devices: tuple[str, ...]
    spares: int
    external: str | None
    wanted: int | None
    working: int | None


def read_mdstat(text: str) -> list[Entry]:
    """The arrays of ``/proc/mdstat`` by their names, running or not."""
    found = []
    for name, state, rest, more in re.findall(
        r"^(md\S+) : ([a-z]+)\b(?: \([a-z-]+\))?(.*)\n((?:[ \t]+\S.*\n?)*)", text, re.MULTILINE
    ):
        external = re.search(r"super external:(\S+)", more)
        counts = re.search(r"\[(\d+)/(\d+)\]", more)
        found.append(
            Entry(
                name=name,
                active=state == "active",
                level=next((word for word in rest.split() if "[" not in word), "?"),
                devices=tuple(re.findall(r"(\S+?)\[\d+\]", rest)),
                spares=rest.count("(S)"),
                external=external[1] if external else None,
                wanted=int(counts[1]) if counts else None,
                working=int(counts[2]) if counts else None,
            )
        )
    return sorted(found, key=lambda one: one.name)


def _array(host: testinfra.host.Host, entry: Entry, entries: list[Entry], containers: dict[str, Entry]) -> Array:
    device = f"/dev/{entry.name}"
    if not entry.active:
        return Array(device, "md", "inactive", False, "inactive", False, failed=0, spares=0, runs=False)
    container = containers.get(entry.external.strip("/-").partition("/")[0]) if entry.external else None
    lost = (entry.wanted or 0) - (entry.working or 0)
    if lost:  # the kernel's own words are enough to say what is wrong
        redundant = entry.level in REDUNDANT_LEVELS
        array = Array(device, "md", entry.level, redundant, "degraded", False, failed=lost, spares=entry.spares)
    else:
        array = detail(host, device)
    if container:
        # Disks of the container that no volume uses stand in for any of them.
        used = {one for other in entries if other is not container for one in other.devices if other.external}
        array = replace(array, spares=len(set(container.devices) - used))
    return array


def configuration(host: testinfra.host.Host) -> str:
    """The words of mdadm.conf(5) and of the files beside it."""
    return output(host, "cat /etc/mdadm/mdadm.conf /etc/mdadm/mdadm.conf.d/*.conf 2>/dev/null", codes=(0, 1))


def spare_groups(config: str) -> dict[str, str]:
    """The spare-group of each array by its UUID; within a group the monitor moves spares (mdadm.conf(5))."""
    groups = {}
    for line in re.sub(r"\n[ \t]+", " ", config).splitlines():
        words = dict(word.partition("=")[::2] for word in line.split()[1:] if "=" in word)
        if line.lower().startswith("array ") and "spare-group" in words and "UUID" in words:
            groups[words["UUID"]] = words["spare-group"]
    return groups


def detail(host: testinfra.host.Host, device: str) -> Array:
    """What mdadm says of an array.

    :raises CannotTell: when mdadm is absent or its words are not understood.
    """
    return parse_detail(device, output(host, "PATH=$PATH:/sbin:/usr/sbin; mdadm --detail %s", device))


def parse_detail(device: str, text: str) -> Array:
    """Read the words of ``mdadm --detail``.

    :raises CannotTell: when a line that must be there is not.
    """
    fields = dict(re.findall(r"^ *([A-Za-z ]+?) : (.*?) *$", text, re.MULTILINE))
    try:
        level, state, members = fields["Raid Level"], fields["State"], int(fields.get("Raid Devices", 2))
        # What takes the place of another disk stands in for no other any more.
        busy = len(re.findall(r"^.* spare rebuilding\b", text, re.MULTILINE))
        return Array(
            name=device,
            kind="md",
            level=level if members > 1 else f"{level} [{members}]",
            redundant=level in REDUNDANT_LEVELS and members > 1,
            state=state,
            healthy=not any(word in state for word in BAD_STATES),
            failed=int(fields["Failed Devices"]),
            # A volume in a container of external metadata has none of its own.
            spares=max(0, int(fields["Spare Devices"]) - busy) if "Container" not in fields else 0,
            uuid=fields.get("UUID", ""),
        )
    except (KeyError, ValueError) as error:
        raise CannotTell(f"mdadm --detail {device}: {error} is missing or not understood") from error
