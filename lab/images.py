"""Disk images of newly installed Debian servers, made once per recipe.

A root directory is made by mmdebstrap, turned into an ext4 file system by ``mke2fs -d`` (no loop device is
needed) and kept under the hash of everything that went into it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.topology import (
    CACHE,
    IMAGE_RECIPE,
    SYSTEM_DISK_MB,
    Machine,
    Topology,
    private_key,
    require_free_space,
    run_as_root,
)

Progress = Callable[[str], None]
# The machine's own key, made with the image: what the controller knows it by.
HOST_KEY = "ssh_host_ed25519_key.pub"


def recipe_hash(name: str, machine: Machine, topology: Topology) -> str:
    """The hash of all that decides an image: packages, addresses, scripts and the controller's key."""
    digest = hashlib.sha256()
    segment = topology.segments[machine.segment]
    for part in (name, machine.model_dump_json(), segment.model_dump_json(), *topology.common_packages):
        digest.update(part.encode() + b"\0")
    for file in sorted(IMAGE_RECIPE.iterdir()):
        digest.update(file.read_bytes())
    digest.update(Path(f"{private_key()}.pub").read_bytes())
    digest.update(b"3")  # raised when what this module does to an image changes
    return digest.hexdigest()[:16]


def image_folder(name: str, machine: Machine, topology: Topology) -> Path:
    """Where the image with its kernel and initrd lies, or will lie."""
    return CACHE / "images" / f"{name}-{recipe_hash(name, machine, topology)}"


def build_image(name: str, machine: Machine, topology: Topology, progress: Progress) -> Path:
    """Make the machine's image unless it is cached; the folder appears whole or not at all."""
    folder = image_folder(name, machine, topology)
    if folder.exists():
        return folder
    require_free_space(CACHE, 4000)
    progress(f"{name}: installing Debian {machine.suite}")
    work = CACHE / "images" / f".{name}.making"
    run_as_root(["rm", "-rf", str(work)])
    work.mkdir(parents=True)
    root = work / "root"
    segment = topology.segments[machine.segment]
    environment = {
        "LAB_HOSTNAME": name,
        "LAB_NAMESERVER": "10.0.2.3",  # slirp4netns' forwarder, reached through the lab's router
        "LAB_IPV4": f"{segment.address4(machine.host_number)}/{segment.ipv4.prefixlen}",
        "LAB_IPV6": f"{segment.address6(machine.host_number)}/{segment.ipv6.prefixlen}",
        "LAB_GATEWAY4": segment.address4(1),
        "LAB_GATEWAY6": segment.address6(1),
        "LAB_NTP_SERVER": topology.segments["admin"].address4(topology.peers["workstation"].host_number),
        "LAB_PUBLIC_KEY": f"{private_key()}.pub",
        "LAB_IMAGE_DIR": str(IMAGE_RECIPE),
        "LAB_KIND": "container" if machine.container else "machine",
    }
    packages = [*topology.common_packages, *machine.packages]
    run_as_root(
        [
            "env",
            *(f"{key}={value}" for key, value in environment.items()),
            "mmdebstrap",
            "--quiet",
            "--mode=root",
            "--variant=important",
            "--aptopt=Acquire::Retries 3",
            f"--components={','.join(machine.archive_areas)}",
            # The installer leaves the package lists on the server; so do we.
            "--skip=cleanup/apt/lists",
            f"--include={','.join(packages)}",
            f"--customize-hook={IMAGE_RECIPE / 'customize.sh'}",
            machine.suite,
            str(root),
        ]
    )
    run_as_root(["cp", str(root / "etc/ssh" / HOST_KEY), str(work / HOST_KEY)])
    if machine.container:
        shutil.move(work, folder)
        return folder
    progress(f"{name}: writing the disk image")
    raw = work / "disk.raw"
    run_as_root(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", str(root), str(raw), f"{SYSTEM_DISK_MB}M"])
    run_as_root(["qemu-img", "convert", "-O", "qcow2", str(raw), str(work / "disk.qcow2")])
    for target, link in (("vmlinuz", "vmlinuz"), ("initrd", "initrd.img")):
        run_as_root(["sh", "-c", 'cp -L "$1"/"$2" "$3"', "sh", str(root), link, str(work / target)])
    run_as_root(["rm", "-rf", str(root), str(raw)])
    run_as_root(["chmod", "-R", "a+rX", str(work)])
    shutil.move(work, folder)
    return folder


def make_overlay(base: Path, overlay: Path) -> None:
    """A disk that starts as the image and keeps only what the machine changes."""
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(base), str(overlay)], check=True
    )


def make_blank_disk(path: Path, size_mb: int) -> None:
    """A new disk without anything on it."""
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), f"{size_mb}M"], check=True)


def make_removable_disk(path: Path, size_mb: int, filesystem_uuid: str) -> None:
    """A disk with an empty file system that is known by its UUID, as an administrator prepares it."""
    raw = path.with_suffix(".raw")
    subprocess.run(["qemu-img", "create", "-q", "-f", "raw", str(raw), f"{size_mb}M"], check=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "cadangan", "-U", filesystem_uuid, str(raw)], check=True)
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", str(raw), str(path)], check=True)
    raw.unlink()
