"""``patuh bundle``: one file from which a computer without a network installs and runs Patuh."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import click
from packaging.requirements import Requirement

from commands.common import REPOSITORY, Steps
from commands.environment import RUN_LOCK, SUMS, WHEELS
from compliance.assess import version
from compliance.errors import PatuhError

PYTHONS = ("3.11", "3.12", "3.13")
# glibc of Debian 12 and before: what wheels for Linux say they need at most (PEP 600).
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)] + ["manylinux2014_x86_64"]


def requirements(lock: str, python: str) -> str:
    """The entries of a lock file that apply to a Python on Debian, without markers: pip would judge those by itself."""
    target = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    kept: list[str] = []
    for block in lock.replace("\\\n    ", " ").splitlines():
        pin, *hashes = block.split(" --hash=")
        requirement = Requirement(pin)
        if requirement.marker is None or requirement.marker.evaluate(target):
            kept.append(f"{requirement.name}{requirement.specifier} " + " ".join(f"--hash={one}" for one in hashes))
    return "\n".join(kept) + "\n"


def download(folder: Path, python: str) -> None:
    """Fetch the wheels for one Python, by their hashes.

    :raises PatuhError: with the last words of pip.
    """
    wanted = requirements((REPOSITORY / RUN_LOCK).read_text(encoding="utf-8"), python)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(wanted)
        file.flush()
        command = [sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        command += ["--require-hashes", "--only-binary", ":all:", "--dest", str(folder), "--python-version", python]
        command += ["--implementation", "cp", *(word for one in PLATFORMS for word in ("--platform", one))]
        done = subprocess.run([*command, "-r", file.name], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise PatuhError(f"pip: {said[-1] if said else 'failed'}", mend="Check the network and run it again.")


def project(folder: Path) -> None:
    """Lay the project's own files into a folder: the last commit's, or what an unpacked bundle holds.

    :raises PatuhError: when neither is there.
    """
    if (REPOSITORY / SUMS).exists():
        for line in (REPOSITORY / SUMS).read_text(encoding="utf-8").splitlines():
            name = line.partition("  ")[2]
            if not name.startswith(f"{WHEELS}/"):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, folder / name)
        return
    command = ["git", "-c", "safe.directory=*", "archive", "--format=tar", "HEAD"]
    try:
        packed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", str(folder)], input=packed, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PatuhError("this is neither a checkout nor a bundle", mend="Run it in a clone of the project.") from error


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write.")
def bundle(output: Path | None) -> None:
    """Make one file from which a computer without any network installs and runs Patuh.

    It holds the project as last committed (an inventory that is not is carried apart), the Python packages that it
    runs with (for Python 3.11 to 3.13 on x86-64), and the SHA-256 of every file. The other computer needs Debian's
    packages python3-venv and openssh-client. There: unpack it, and run './patuh' in its folder.
    """
    steps = Steps()
    name = f"patuh-{version()}"
    output = output or Path(f"{name}.tar.gz")
    with tempfile.TemporaryDirectory(prefix="patuh-bundle-") as scratch:
        wheels = Path(scratch) / WHEELS
        for python in PYTHONS:
            steps(f"fetching packages for Python {python}")
            download(wheels, python)
        steps("writing the bundle")
        folder = Path(scratch) / name
        folder.mkdir()
        project(folder)
        wheels.rename(folder / WHEELS)
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in files]
        (folder / SUMS).write_text("".join(lines), encoding="utf-8")
        written = output.with_name(f".{output.name}.new")
        try:
            with tarfile.open(written, "w:gz") as archive:
                archive.add(folder, name, filter=_anonymous)
            written.replace(output)
        finally:
            written.unlink(missing_ok=True)
    click.echo(f"{output}: {output.stat().st_size // 2**20} MB")
    click.echo(f"sha256 {hashlib.sha256(output.read_bytes()).hexdigest()}: compare it after carrying the file over")


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return info
