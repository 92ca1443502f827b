"""Hosts as containers: systemd-nspawn on an overlay of a cached root directory, each in a namespace of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from lab.network import NAMESPACES, spawn
from lab.topology import Instance, as_root, run_as_root

ROOT_FOLDER = "root"


def _overlay(instance: Instance, name: str) -> Path:
    return instance.machine_folder(name) / "merged"


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
    spawn(
        [
            *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", f"--machine={name}"),
            *(f"--directory={merged}", f"--network-namespace-path={NAMESPACES / instance.peer_namespace(name)}"),
            *("--capability=CAP_NET_ADMIN", "--console=pipe"),
        ],
        folder / "console.log",
    )


def is_running(instance: Instance, name: str) -> bool:
    """Whether something runs in the container's namespace."""
    namespace = instance.peer_namespace(name)
    if not (NAMESPACES / namespace).exists():
        return False
    listed = subprocess.run(
        as_root(["ip", "netns", "pids", namespace]), capture_output=True, text=True, check=False
    ).stdout
    return bool(listed.strip())


def unmount(instance: Instance) -> None:
    """Take the overlays away, once the containers have ended."""
    for name, machine in instance.topology.machines.items():
        if machine.container and os.path.ismount(_overlay(instance, name)):
            run_as_root(["umount", "--lazy", str(_overlay(instance, name))])
