"""btrfs over several devices, as ``btrfs filesystem usage`` knows it. btrfs has no hot spares."""

from __future__ import annotations

import re

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output
from compliance.probes.arrays import Array

REDUNDANT_PROFILES = ("RAID1", "RAID1C3", "RAID1C4", "RAID10", "RAID5", "RAID6")


def filesystems(host: testinfra.host.Host) -> list[Array]:
    """Every mounted btrfs that spans more than one device, each once.

    :raises CannotTell: when btrfs does not answer or its words are not understood.
    """
    mounts: dict[str, str] = {}
    for line in output(host, "findmnt -rn -t btrfs -o UUID,TARGET", codes=(0, 1)).splitlines():
        uuid, _, target = line.partition(" ")
        mounts.setdefault(uuid, target.encode().decode("unicode_escape"))
    found = []
    for target in mounts.values():
        usage = output(host, "PATH=$PATH:/sbin:/usr/sbin; btrfs filesystem usage -b %s", target)
        errors = output(host, "PATH=$PATH:/sbin:/usr/sbin; btrfs device stats %s", target)
        array = parse_usage(target, usage, errors)
        if array:
            found.append(array)
    return found


def parse_usage(target: str, usage: str, errors: str) -> Array | None:
    """Read the words of ``btrfs filesystem usage`` and ``btrfs device stats``; None for a single device.

    :raises CannotTell: when the profiles or the missing bytes are not there.
    """
    missing = re.search(r"^\s*Device missing:\s+(\d+)$", usage, re.MULTILINE)
    profiles = re.findall(r"^(?:Data|Metadata|System),(\w+): ", usage, re.MULTILINE)
    devices = set(re.findall(r"^ {3}(\S+)\s+\d+$", usage, re.MULTILINE))
    counters = re.findall(r"^\[(.+)\]\.\w+\s+(\d+)$", errors, re.MULTILINE)
    if not missing or not profiles or not devices or not counters:
        raise CannotTell(f"btrfs filesystem usage {target}: the profiles or the devices are missing")
    gone = int(missing.group(1)) > 0
    if len(devices) == 1 and not gone:
        return None
    failing = {device for device, count in counters if int(count)}
    return Array(
        name=target,
        kind="btrfs",
        level=", ".join(dict.fromkeys(profiles)),
        redundant=all(profile in REDUNDANT_PROFILES for profile in profiles),
        state="degraded" if gone else "errors" if failing else "complete",
        healthy=not gone and not failing,
        failed=len(failing) + gone,
        spares=0,
    )
