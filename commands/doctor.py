"""``patuh doctor``: what this computer lacks; and shell completion."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import click

from commands.common import REPOSITORY
from compliance.errors import PatuhError
from lab.topology import Instance, run_as_root
from lab.virtual_machines import virtualisation_promised

# The program that shows that a package is there, and the package.
LAB_PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "ssh": "openssh-client",
    "ip": "iproute2",
    "nft": "nftables",
    "slirp4netns": "slirp4netns",
    "socat": "socat",
    "openssl": "openssl",
    "ping": "iputils-ping",
}
TEST_PROGRAMS = {
    "borg": "borgbackup",
    "chromium": "chromium",
    "faketime": "faketime",
    "nmap": "nmap",
    "rsync": "rsync",
    "sshd": "openssh-server",
    "systemd-nspawn": "systemd-container",
    "pdftotext": "poppler-utils",
}
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
FREE_MB_MIN = 8000
MEMORY_MB_MIN = 3500


def missing_packages(programs: dict[str, str]) -> list[str]:
    """The Debian packages whose programs are not there."""
    path = os.environ.get("PATH", "") + os.pathsep + SYSTEM_PATH
    return sorted({package for program, package in programs.items() if shutil.which(program, path=path) is None})


def install_packages(say: Callable[[str], None], *, tests: bool = False) -> None:
    """Install the Debian packages that the lab (and the tests) need and that are missing."""
    missing = missing_packages(LAB_PROGRAMS | (TEST_PROGRAMS if tests else {}))
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise PatuhError(f"missing: {', '.join(missing)}", mend="Install them; this system has no apt-get.")
    say(f"installing {', '.join(missing)}")
    run_as_root(["apt-get", "update", "-qq"])
    run_as_root(
        [
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            *missing,
        ]
    )


def _findings() -> list[tuple[bool, str, str]]:
    """What is there and what is not: whether it is well, what was looked at, what to do."""
    found = []
    version = platform.python_version()
    found.append((True, f"Python {version}", ""))
    lab, tests = missing_packages(LAB_PROGRAMS), missing_packages(TEST_PROGRAMS)
    found.append((not lab, "programs of the lab", f"apt-get install {' '.join(lab)} ('patuh demo' does it)"))
    found.append((not tests, "programs of the tests", f"apt-get install {' '.join(tests)} ('patuh test' does it)"))
    may = os.geteuid() == 0 or subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    found.append((may, "superuser rights", "be root, or let sudo work without asking while the lab is made"))
    free = shutil.disk_usage(REPOSITORY).free // 2**20
    found.append((free >= FREE_MB_MIN, f"{free} MB free", f"{FREE_MB_MIN} MB are needed for images and machines"))
    pages, size = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    memory = pages * size // 2**20
    found.append(
        (
            memory >= MEMORY_MB_MIN,
            f"{memory} MB of memory free",
            f"{MEMORY_MB_MIN} MB are needed for three machines",
        )
    )
    kvm = virtualisation_promised()
    found.append(
        (
            True,
            "hardware virtualisation" if kvm else "no hardware virtualisation: machines are emulated, and slow",
            "",
        )
    )
    tun = Path("/dev/net/tun").exists()
    found.append((tun, "/dev/net/tun", "load the kernel module 'tun': modprobe tun"))
    instance = Instance()
    if not (instance.folder / "network.ready").exists():
        for machine in instance.topology.machines:
            port = instance.ssh_port(machine)
            used = subprocess.run(
                ["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True, check=False
            ).stdout
            found.append(
                (
                    not used.strip(),
                    f"port {port} for {machine}",
                    "end the program that uses it, or see lab/machines.yml",
                )
            )
    return found


@click.command()
def doctor() -> None:
    """Say what this computer lacks for the lab and the tests."""
    trouble = False
    for well, what, mend in _findings():
        click.echo(f"{'✓' if well else '✗'} {what}" + ("" if well else f" — {mend}"))
        trouble |= not well
    raise SystemExit(1 if trouble else 0)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell, such as: source <(patuh completion bash)."""
    environment = {**os.environ, "_PATUH_COMPLETE": f"{shell}_source"}
    raise SystemExit(subprocess.call([str(REPOSITORY / "patuh")], env=environment))
