"""What a server consists of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import testinfra.host

from compliance.checking import CannotTell
from compliance.fleet import Fleet
from compliance.probes import is_there, output, packages

GIB = 2**30
VIRTUAL_DISKS = ("loop", "ram", "zram", "fd", "sr", "md", "dm-", "nbd", "zd", "rbd", "drbd")


@dataclass(frozen=True)
class Hardware:
    """What a server consists of, and its system with the version of every package."""

    system: str
    packages: dict[str, str]
    processors: int
    memory_gib: float
    disks_gib: float
    replication_seconds: int | None


@dataclass(frozen=True)
class Seen:
    """What was seen on a host that rules over the whole fleet compare; ``hardware`` of standby pairs only."""

    addresses: frozenset[str]
    hardware: Hardware | None = None


def look(host: testinfra.host.Host, name: str, fleet: Fleet) -> Seen:
    """What rules over the whole fleet want to know of a host.

    :raises CannotTell: when the host does not say.
    """
    declared = fleet.hosts[name]
    paired = declared.standby_of or any(other.standby_of == name for other in fleet.hosts.values())
    hardware = None
    if paired:
        hardware = Hardware(
            system=output(host, "cat /etc/debian_version").strip(),
            packages=packages.versions(host),
            processors=processors(host)["threads"],
            memory_gib=memory_gib(host),
            disks_gib=disks_gib(host, without=declared.removable_media),
            replication_seconds=replication_seconds(host) if declared.standby_of and declared.databases else None,
        )
    return Seen(frozenset().union(*addresses(host).values()), hardware)


def replication_seconds(host: testinfra.host.Host) -> int | None:
    """How far the host's databases lie behind those that they replicate; None when they do not.

    :raises CannotTell: when there is neither MariaDB nor PostgreSQL to ask.
    """
    if is_there(host, "mariadb"):
        said = output(host, "mariadb --execute='SHOW REPLICA STATUS\\G'")
        behind = re.search(r"^\s*Seconds_Behind_Master: (\d+)$", said, re.MULTILINE)
        return _seconds(behind[1]) if behind else None
    if is_there(host, "psql"):
        # While nothing is written there is nothing to replay, however long ago the last transaction was.
        query = (
            "SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()"
            " AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') THEN 0"
            " ELSE ceil(extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END WHERE pg_is_in_recovery()"
        )
        said = output(host, "runuser -u postgres -- psql --tuples-only --no-align --command=%s", query).strip()
        return _seconds(said) if said.isdecimal() else None
    raise CannotTell("neither mariadb nor psql is there to ask how old the data is")


def _seconds(said: str) -> int:
    if len(said) > 12:
        raise CannotTell(f"'{said:.40}' is no number of seconds")
    return int(said)


def processors(host: testinfra.host.Host) -> dict[str, int]:
    """How many processors there are, as people count them: sockets, cores and threads (lscpu(1)).

    :raises CannotTell: when lscpu does not say.
    """
    rows = [line.split(",") for line in output(host, "lscpu --parse=SOCKET,CORE,CPU").splitlines() if line[:1] != "#"]
    if not rows or any(len(row) != 3 for row in rows):
        raise CannotTell("lscpu names no processors")
    return {
        "sockets": len({socket for socket, _, _ in rows}),
        "cores": len({(socket, core) for socket, core, _ in rows}),
        "threads": len(rows),
    }


def memory_gib(host: testinfra.host.Host) -> float:
    """The memory that is fitted and in use, in GiB: unlike /proc/meminfo with what the kernel keeps (lsmem(1)).

    :raises CannotTell: when lsmem does not say.
    """
    said = output(host, "lsmem --bytes --summary=only")
    found = re.search(r"^Total online memory:\s+(\d+)$", said, re.MULTILINE)
    if found is None:
        raise CannotTell(f"lsmem: '{said[:60]}' is not understood")
    return _gib(found[1])


def disks_gib(host: testinfra.host.Host, without: Iterable[str]) -> float:
    """The size of all disks together, in GiB, without those that carry a file system named by its UUID (lsblk(8)).

    :raises CannotTell: when lsblk does not say.
    """
    try:
        devices = json.loads(output(host, "lsblk --json --bytes --output NAME,TYPE,SIZE,UUID"))["blockdevices"]
        found: dict[str, float] = {}
        for one in devices:
            if one["type"] == "disk" and not one["name"].startswith(VIRTUAL_DISKS) and not _uuids(one) & set(without):
                # Several paths to one disk each show the map over them.
                maps = [child["name"] for child in one.get("children", []) if child.get("type") == "mpath"]
                found[maps[0] if maps else one["name"]] = _gib(str(one["size"]))
        return sum(found.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotTell(f"lsblk: not understood ({error})") from error


def _gib(size: str) -> float:
    """A size in bytes, in GiB.

    :raises CannotTell: when it is no number that memory or disks can have: more than 19 digits are beyond 64 bits.
    """
    if not re.fullmatch(r"[0-9]{1,19}", size):
        raise CannotTell(f"'{size:.40}' is no size in bytes")
    return int(size) / GIB


def _uuids(device: dict[str, Any]) -> set[str]:
    own = {device["uuid"]} if device.get("uuid") else set()
    return own.union(*(_uuids(child) for child in device.get("children", [])))


def addresses(host: testinfra.host.Host) -> dict[str, set[str]]:
    """The global addresses by interface (ip-address(8)).

    :raises CannotTell: when ip does not say.
    """
    try:
        interfaces = json.loads(output(host, "PATH=$PATH:/usr/sbin; ip -j address show scope global up") or "[]")
        # What the filter left out stands there as an empty object.
        found = {one["ifname"]: {str(a["local"]) for a in one["addr_info"] if a} for one in interfaces if one}
        return {name: own for name, own in found.items() if own}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotTell(f"ip address: not understood ({error})") from error


# What makers of boards write in the place of a serial number.
NO_SERIALS = (
    "to be filled by o.e.m.",
    "default string",
    "system serial number",
    "not specified",
    "not applicable",
    "none",
    "0",
    "123456789",
    "0123456789",
)


def serial(host: testinfra.host.Host) -> str:
    """The serial number that the firmware tells; empty where it tells none."""
    return output(host, "cat /sys/class/dmi/id/product_serial 2>/dev/null || true").strip()


def names(host: testinfra.host.Host, domain: str) -> set[str]:
    """What tells whose a domain name is: the server's own full name, and the addresses that the name has."""
    own = output(host, "hostname --fqdn || true").strip()
    found = output(host, "getent ahosts %s", domain, codes=(0, 2)).splitlines()
    return {own, *(line.split()[0] for line in found if line.split())}
