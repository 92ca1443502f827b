"""Linux software RAID, as the kernel and ``mdadm --detail`` know it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output, succeeds

REDUNDANT_LEVELS = ("raid1", "raid4", "raid5", "raid6", "raid10")


@dataclass(frozen=True)
class Array:
    """One md array."""

    device: str
    level: str
    state: str
    working: int
    failed: int
    spare: int

    @property
    def redundant(self) -> bool:
        """Whether a member may fail without loss."""
        return self.level in REDUNDANT_LEVELS


def arrays(host: testinfra.host.Host) -> list[str]:
    """The devices of all running md arrays; none when the kernel has no md.

    :raises CannotTell: when ``/proc/mdstat`` exists but cannot be read.
    """
    if not succeeds(host, "test -e /proc/mdstat"):
        return []
    found = re.findall(r"^(md\S+) : active", output(host, "cat /proc/mdstat"), re.MULTILINE)
    return sorted(f"/dev/{name}" for name in found)


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
        return Array(
            device=device,
            level=fields["Raid Level"],
            state=fields["State"],
            working=int(fields["Working Devices"]),
            failed=int(fields["Failed Devices"]),
            spare=int(fields["Spare Devices"]),
        )
    except (KeyError, ValueError) as error:
        raise CannotTell(f"mdadm --detail {device}: {error} is missing or not understood") from error
