"""Redundant disks of every kind that Debian offers: md, ZFS and btrfs, as one model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Array:
    """Disks that stand in for each other; ``name`` is md's device, ZFS's pool or btrfs's mount point."""

    name: str
    kind: str
    level: str
    redundant: bool
    state: str
    healthy: bool
    failed: int
    spares: int
    uuid: str = ""
    runs: bool = True
