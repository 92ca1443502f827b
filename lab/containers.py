"""Hosts as containers: systemd-nspawn on an overlay of a cached root directory, each in a namespace of its own."""

from __future__ import annotations

import os
from pathlib import Path

from lab.network import NAMESPACES, spawn
from lab.topology import Instance, run_as_root

ROOT_FOLDER = "root"


def _overlay(instance: Instance, name: str) -> Path:
    return instance.machine_folder(name) / "merged"


def _pidfile(instance: Instance, name: str) -> Path:
    return instance.machine_folder(name) / "nspawn.pid"


def start(instance: Instance, name: str, image: Path) -> None:
    """Start a container, unless it runs."""
    if is_running(instance, name):
        return
    folder = instance.machine_folder(name)
    merged = _overlay(instance, name)
    for part in ("upper", "work", "merged"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    if not os.path.ismount(merged):
        options = f"lowerdir={image / ROOT_FOLDER},upperdir={folder / 'upper'},workdir={folder / 'work'}"
        run_as_root(["mount", "-t", "overlay", "overlay", "-o", options, str(merged)])
    process = spawn(
        [
            # The network's settings are the namespace's own, which systemd-nspawn only knows of one that it made.
            *("env", "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network"),
            *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", f"--machine={name}"),
            *(f"--directory={merged}", f"--network-namespace-path={NAMESPACES / instance.peer_namespace(name)}"),
            *("--capability=CAP_NET_ADMIN", "--console=pipe"),
        ],
        folder / "console.log",
    )
    _pidfile(instance, name).write_text(str(process), encoding="utf-8")


def is_running(instance: Instance, name: str) -> bool:
    """Whether the systemd-nspawn process that was started for the container lives."""
    pidfile = _pidfile(instance, name)
    if not pidfile.exists():
        return False
    command = Path(f"/proc/{pidfile.read_text(encoding='utf-8')}/cmdline")
    # A zombie's command line is empty, and another process that got the number has another one.
    return command.exists() and f"--directory={_overlay(instance, name)}" in command.read_text(encoding="utf-8")


def unmount(instance: Instance) -> None:
    """Take the overlays away, once the containers have ended."""
    for name, machine in instance.topology.machines.items():
        if machine.container and os.path.ismount(_overlay(instance, name)):
            run_as_root(["umount", "--lazy", str(_overlay(instance, name))])
