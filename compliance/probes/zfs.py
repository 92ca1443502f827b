"""ZFS pools, as ``zpool status`` knows them."""

from __future__ import annotations

import re

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import is_there, output
from compliance.probes.arrays import Array

# Parts of a pool whose loss loses no data that is at rest (zpoolconcepts(7)).
EXPENDABLE = ("logs", "cache", "spares")
GOOD_STATES = ("ONLINE", "AVAIL", "INUSE")


def pools(host: testinfra.host.Host) -> list[Array]:
    """Every imported pool; none where ZFS is not installed.

    :raises CannotTell: when zpool does not answer or its words are not understood.
    """
    if not is_there(host, "zpool"):
        return []
    listed = host.run("PATH=$PATH:/sbin:/usr/sbin; zpool list -H -o name")
    if listed.rc != 0 and "modprobe zfs" in listed.stderr:
        return []  # the tools alone: without the module nothing can be imported
    if listed.rc != 0:
        raise CannotTell(f"zpool list: {(listed.stderr.strip().splitlines() or [f'exit {listed.rc}'])[-1]:.120}")
    names = listed.stdout.split()
    return [parse_status(name, output(host, "PATH=$PATH:/sbin:/usr/sbin; zpool status -P %s", name)) for name in names]


def parse_status(name: str, text: str) -> Array:
    """Read the words of ``zpool status``: the state, and the tree of devices by its indentation.

    :raises CannotTell: when the pool's state or its tree is not there.
    """
    state = re.search(r"^ *state: (\S+)$", text, re.MULTILINE)
    tree = re.search(r"^config:\n\s*\n(.*?)(?:\n\s*\n|\Z)", text, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\t( *)(\S+)(?: +(\S+))?", tree.group(1), re.MULTILINE)[1:] if tree else []
    if not state or not rows or rows[0][1] != name:
        raise CannotTell(f"zpool status {name}: the state or the devices are missing")
    section, levels, failed, spares, in_use = "", [], 0, 0, 0
    for number, (indent, device, its_state) in enumerate(rows):
        if not indent:
            section = device
            continue
        leaf = number + 1 == len(rows) or len(rows[number + 1][0]) <= len(indent)
        if section == "spares":
            spares += its_state == "AVAIL"
            in_use += its_state == "INUSE"
        elif len(indent) == 2 and section not in EXPENDABLE:
            levels.append("disk" if leaf else re.sub(r"[-:].*", "", device))
        if leaf and section != "cache":
            failed += its_state not in GOOD_STATES
    if not levels:
        raise CannotTell(f"zpool status {name}: no devices")
    # A pool may call itself ONLINE and yet have lost data, or have stopped on a write that failed.
    errors = re.search(r"^errors: (.*)$", text, re.MULTILINE)
    lost = errors is not None and errors[1] != "No known data errors"
    troubled = "ONLINE, data errors" if lost else "ONLINE, spare in use" if in_use else ""
    return Array(
        name=name,
        kind="zfs",
        level=", ".join(dict.fromkeys(levels)),
        redundant=all(re.fullmatch(r"mirror|raidz\d?|draid\d?", level) for level in levels),
        state=troubled if state.group(1) == "ONLINE" and troubled else state.group(1),
        healthy=state.group(1) == "ONLINE" and not failed + in_use and not lost,
        # A spare that stands in is a disk that nobody has replaced yet.
        failed=failed + in_use,
        spares=spares,
    )
