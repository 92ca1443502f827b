"""What the lab consists of, read from ``machines.yml``, and where its files lie."""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict

from compliance.errors import PatuhError

REPOSITORY = Path(__file__).resolve().parent.parent
# Elsewhere when the checkout is read-only: commands/environment.py decides.
CACHE = Path(os.environ.get("PATUH_CACHE") or REPOSITORY / ".cache")
IMAGE_RECIPE = Path(__file__).resolve().parent / "image"
MACHINES_FILE = Path(__file__).resolve().parent / "machines.yml"
SYSTEM_DISK_MB = 3072


def serial_number(machine: str) -> str:
    """The serial number that a machine's firmware tells."""
    return f"PATUH-{machine}"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Segment(_Strict):
    """A network segment: its prefixes, and the router's addresses in it (always host number 1)."""

    ipv4: ipaddress.IPv4Network
    ipv6: ipaddress.IPv6Network

    def address4(self, host_number: int) -> str:
        """The IPv4 address of a host in this segment, without the prefix length."""
        return str(self.ipv4[host_number])

    def address6(self, host_number: int) -> str:
        """The IPv6 address of a host in this segment, without the prefix length."""
        return str(self.ipv6[int(str(host_number), 16)])


class Peer(_Strict):
    """A computer of the lab that is only a network namespace."""

    segment: str
    host_number: int


class RemovableDisk(_Strict):
    """The disk that the machine's offline backups go to."""

    size_mb: int
    filesystem_uuid: str


class RaidDisks(_Strict):
    """Blank disks for an array."""

    count: int
    size_mb: int


class Machine(_Strict):
    """A virtual machine of the lab, or a container."""

    suite: str
    segment: str
    host_number: int
    ssh_port: int
    packages: list[str]
    memory_mb: int = 640
    removable_disk: RemovableDisk | None = None
    raid_disks: RaidDisks | None = None
    container: bool = False
    # What is not Debian proper, such as the kernel modules of ZFS in contrib.
    archive_areas: list[str] = ["main"]

    def specification(self, name: str) -> dict[str, str]:
        """What it consists of, as its entry in the register of devices says it (the kind ``device-register``)."""
        blank = self.raid_disks.count * self.raid_disks.size_mb if self.raid_disks else 0
        return {
            "prosesor": "1",
            "ram_gib": f"{self.memory_mb / 1024:g}",
            "disk_gib": f"{(SYSTEM_DISK_MB + blank) / 1024:.2f}",
            "nomor_seri": serial_number(name),
            "domain": f"{name}.lab.example",
        }


class Topology(_Strict):
    """The whole lab."""

    segments: dict[str, Segment]
    peers: dict[str, Peer]
    common_packages: list[str]
    machines: dict[str, Machine]

    @classmethod
    def load(cls, file: Path = MACHINES_FILE) -> Self:
        """Read ``machines.yml``, or another file like it."""
        return cls.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


class Instance:
    """One running copy of the lab: its name decides its namespaces, its folder and its ports.

    A name with a file of its own beside ``machines.yml`` has the machines of that file, with other ports and
    addresses, so that all can run side by side.
    """

    def __init__(self, name: str = "lab") -> None:
        self.name = name
        own = MACHINES_FILE.with_name(f"{name}.yml")
        self.topology = Topology.load(own if own.exists() else MACHINES_FILE)
        self.folder = CACHE / "lab" / name

    @cached_property
    def router_namespace(self) -> str:
        """The namespace that holds the bridges and routes between them."""
        return f"patuh-{self.name}"

    def peer_namespace(self, peer: str) -> str:
        """The namespace that stands for a peer."""
        return f"patuh-{self.name}-{peer}"

    def ssh_port(self, machine: str) -> int:
        """The port on 127.0.0.1 that leads to the machine's SSH server, by way of the workstation."""
        return self.topology.machines[machine].ssh_port

    def machine_folder(self, machine: str) -> Path:
        """Where the machine's disks, console log and control socket lie."""
        return self.folder / machine


def private_key() -> Path:
    """The controller's SSH key for the lab's machines, made at first use."""
    key = CACHE / "lab" / "id_ed25519"
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "patuh-lab", "-f", str(key)], check=True)
    return key


def known_hosts(machine: str) -> Path:
    """The file with the machine's host key; a file a machine, so that several can be started at once."""
    return CACHE / "lab" / "host_keys" / machine


def as_root(command: Sequence[str]) -> list[str]:
    """The command as root: itself when we are root, else through sudo."""
    return list(command) if os.geteuid() == 0 else ["sudo", "--", *command]


def run_as_root(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command as root and raise a mendable error with its own words when it fails."""
    done = subprocess.run(as_root(command), text=True, capture_output=True, check=False, **options)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise PatuhError(
            f"'{' '.join(command)[:200]}' failed: {said[-1] if said else f'exit {done.returncode}'}",
            mend="Run 'patuh doctor' to see what this computer lacks.",
        )
    return done


def require_free_space(folder: Path, needed_mb: int) -> None:
    """Refuse to start what would fill the disk.

    :raises PatuhError: when fewer than ``needed_mb`` megabytes are free below ``folder``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(folder).free // 2**20
    if free_mb < needed_mb:
        raise PatuhError(
            f"only {free_mb} MB free in {folder}, {needed_mb} MB needed",
            mend="Free some space ('patuh lab down --purge' removes images and machines) and run again.",
        )
