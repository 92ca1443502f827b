"""Linux software RAID, as the kernel and ``mdadm --detail`` know it."""

from __future__ import annotations

import re

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output, succeeds
from compliance.probes.arrays import Array

REDUNDANT_LEVELS = ("raid1", "raid4", "raid5", "raid6", "raid10")
BAD_STATES = ("degraded", "FAILED", "Not Started")


def arrays(host: testinfra.host.Host) -> list[Array]:
    """All running md arrays; none when the kernel has no md.

    A device node may outlive its array for a while: what runs stands in ``/proc/mdstat``.

    :raises CannotTell: when that cannot be read, or mdadm is absent or its words are not understood.
    """
    if not succeeds(host, "test -e /proc/mdstat"):
        return []
    found = re.findall(r"^(md\S+) : active", output(host, "cat /proc/mdstat"), re.MULTILINE)
    return [detail(host, f"/dev/{name}") for name in sorted(found)]


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
        level, state = fields["Raid Level"], fields["State"]
        return Array(
            name=device,
            kind="md",
            level=level,
            redundant=level in REDUNDANT_LEVELS,
            state=state,
            healthy=not any(word in state for word in BAD_STATES),
            failed=int(fields["Failed Devices"]),
            spares=int(fields["Spare Devices"]),
            uuid=fields.get("UUID", ""),
        )
    except (KeyError, ValueError) as error:
        raise CannotTell(f"mdadm --detail {device}: {error} is missing or not understood") from error
