"""Makes the Python environment that the lock files describe, unless it is there, and runs the command line in it.

Run by the launcher with whatever Python it found, so only the standard library is there. A new environment is made
beside the old one, which goes on working until the new one is whole. Where the checkout cannot be written to, the
environment and all caches lie in the user's data folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

RUN_LOCK = "requirements.lock"
TEST_LOCK = "requirements-test.lock"
WHEELS = "wheels"  # what a bundle brings along
SUMS = "SHA256SUMS"
WHOLE = "whole"  # the file that says which lock files an environment holds
LINK = ".venv"
FREE_MB_MIN = 400
# Complete locks need no resolver; and what is built from source fetches requirements that no lock holds.
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet", "--no-deps", "--require-hashes")
PIP_ONLY_WHEELS = ("--only-binary", ":all:")
SAYS_NETWORK = re.compile(
    r"name resolution|Name or service|NewConnectionError|ConnectTimeout|Max retries|timed out|Network is unreachable"
    r"|No matching distribution|Connection (refused|reset)|ProxyError|SSLError",
    re.IGNORECASE,
)


class CannotMake(Exception):
    """The environment could not be made; the text says why and what to do."""


def say(text: str) -> None:
    """Tell the person who waits."""
    print(f"patuh: {text}", file=sys.stderr, flush=True)


def state_folder(root: Path) -> Path:
    """Where the environment and the caches lie: the checkout, or the user's data folder when it is read-only."""
    if os.access(root, os.W_OK):
        return root
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / "patuh" / hashlib.sha256(str(root).encode()).hexdigest()[:12]


def digest(*parts: bytes) -> str:
    """A short name for what these parts decide."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()[:12]


def environment_folder(state: Path, run_lock: bytes) -> Path:
    """The folder of the environment for this lock, this Python and this place: its programs hold all three."""
    python = f"{os.path.realpath(sys.executable)} {sys.version_info[:2]}"
    return state / f"{LINK}-{digest(run_lock, python.encode(), str(state).encode())}"


def works(folder: Path, wanted: str) -> bool:
    """Whether an environment was finished with these lock files, and its Python is still there."""
    try:
        marks = (folder / WHOLE).read_text(encoding="utf-8").split()
    except (OSError, UnicodeError):
        return False
    return wanted in marks and os.access(folder / "bin" / "python", os.X_OK)


def _disk_is_full(folder: Path) -> str:
    return f"The disk is full: {FREE_MB_MIN} MB are needed in {folder}. Free some and run again."


def run(command: Sequence[str | Path], log: Path) -> None:
    """Run a step with its output in a log.

    :raises CannotMake: with the step's last words, and what they mean.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with log.open("a", encoding="utf-8") as file:
        done = subprocess.run(
            [str(one) for one in command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**clean, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"},
            check=False,
        )
    if done.returncode == 0:
        return
    text = log.read_text(encoding="utf-8", errors="replace")
    if "No space left" in text or "Disk quota" in text:
        raise CannotMake(_disk_is_full(log.parent))
    # What no terminal shows as text is left out; the mirror may have said it.
    lines = ["".join(sign for sign in line if sign.isprintable()).strip() for line in text.splitlines()]
    last = next((line for line in reversed(lines) if line), "nothing was said")
    if "DO NOT MATCH THE HASHES" in text:
        why = "A package is not the one that was locked: tell whoever keeps this package index."
    elif SAYS_NETWORK.search(text):
        why = (
            "The package index did not answer, or lacks a package. Check the network and run again; 'patuh bundle', "
            "on a computer with a network, makes a file that needs none."
        )
    else:
        why = f"The Python packages could not be installed: {last[:200]}."
    raise CannotMake(f"{why} All that was said: {log}")


def verify_bundle(root: Path) -> None:
    """Hold every file of an unpacked bundle against the list that came with it.

    :raises CannotMake: naming the first file that is missing or another one.
    """
    for line in (root / SUMS).read_text(encoding="utf-8").splitlines():
        wanted, _, name = line.partition("  ")
        path = root / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            raise CannotMake(f"{path} is missing or was changed since the bundle was made. Unpack the bundle again.")


def install(root: Path, folder: Path, lock: str, log: Path) -> None:
    """Install what a lock file names, by its hashes, and see that it fits together."""
    # A bundle brings what a user runs; what the tests need besides comes from the index.
    bundled: list[str | Path] = []
    if lock == RUN_LOCK and (root / WHEELS).is_dir():
        bundled = ["--no-index", "--find-links", root / WHEELS]
    run([folder / "bin/python", "-I", *PIP, *PIP_ONLY_WHEELS, *bundled, "-r", root / lock], log)
    run([folder / "bin/python", "-I", "-m", "pip", "--disable-pip-version-check", "check"], log)


def make(root: Path, state: Path, folder: Path, wanted: dict[str, str]) -> None:
    """Make the environment, or complete it, and let the link point to it.

    :raises CannotMake: leaving the link, and what it points to, as they were.
    """
    state.mkdir(parents=True, exist_ok=True)
    with (state / f"{LINK}.lock").open("w", encoding="utf-8") as lock_file:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another start of Patuh is installing; waiting for it")
            fcntl.flock(lock_file, fcntl.LOCK_EX)
        log = state / f"{LINK}.log"
        log.unlink(missing_ok=True)
        missing = [lock for lock, mark in wanted.items() if not works(folder, mark)]
        if RUN_LOCK in missing:
            if shutil.disk_usage(state).free < FREE_MB_MIN * 2**20:
                raise CannotMake(_disk_is_full(state))
            if (root / SUMS).exists():
                if platform.machine() != "x86_64":
                    raise CannotMake(f"This bundle is for x86-64 processors, and this one is {platform.machine()}.")
                verify_bundle(root)
            say(f"installing the Python packages of {RUN_LOCK} (a minute or two)")
            if folder.exists():
                shutil.rmtree(folder)  # never finished, or of a Python that has gone: the link does not lead to it
            run([sys.executable, "-I", "-m", "venv", folder], log)
            install(root, folder, RUN_LOCK, log)
            finish(folder, wanted[RUN_LOCK])
            missing.remove(RUN_LOCK)
        for lock in missing:
            say(f"installing the Python packages of {lock}, which only the tests need")
            install(root, folder, lock, log)
            finish(folder, wanted[lock])
        point_to(state, folder)


def finish(folder: Path, mark: str) -> None:
    """Note that an environment holds a lock file, once all of it is there."""
    path = folder / WHOLE
    marks = path.read_text(encoding="utf-8").split() if path.exists() else []
    scratch = folder / f"{WHOLE}.new"
    scratch.write_text(" ".join(dict.fromkeys([*marks, mark])), encoding="utf-8")
    scratch.replace(path)


def point_to(state: Path, folder: Path) -> None:
    """Swap the link ``.venv`` to an environment; then those that neither it nor the former one is may go."""
    link = state / LINK
    former = state / str(link.readlink()) if link.is_symlink() else None
    if former == folder:
        return
    if former is None and link.exists():  # an environment of the time before there were links
        former = state / f"{LINK}-before"
        shutil.rmtree(former, ignore_errors=True)
        link.rename(former)
    scratch = state / f"{LINK}.new"
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(folder.name)
    scratch.replace(link)
    for other in state.glob(f"{LINK}-*"):
        if other not in (folder, former):
            shutil.rmtree(other, ignore_errors=True)


def prepare(root: Path, arguments: list[str]) -> tuple[Path, dict[str, str]]:
    """Make sure of the environment; gives its Python, and the variables by which the command line runs in it.

    :raises CannotMake: when it is not there and could not be made.
    """
    state = state_folder(root)
    run_lock, test_lock = (root / RUN_LOCK).read_bytes(), (root / TEST_LOCK).read_bytes()
    folder = environment_folder(state, run_lock)
    wanted = {RUN_LOCK: digest(run_lock)}
    if arguments[:1] == ["test"]:
        wanted[TEST_LOCK] = digest(run_lock, test_lock)
    link = state / LINK
    if not all(works(folder, mark) for mark in wanted.values()) or link.resolve() != folder.resolve():
        make(root, state, folder, wanted)
    variables = {
        **os.environ,
        "PYTHONPATH": str(root),
        "ANSIBLE_CONFIG": str(root / "ansible.cfg"),
        "PATH": f"{folder / 'bin'}:{os.environ.get('PATH', os.defpath)}",
    }
    if state != root:
        variables |= {
            "PATUH_CACHE": str(state / "cache"),
            "PATUH_LAB_FILES": str(state / "cache" / "lab"),
            "PYTHONPYCACHEPREFIX": str(state / "cache" / "pycache"),
        }
    return folder / "bin" / "python", variables


if __name__ == "__main__":
    try:
        python, variables = prepare(Path(sys.argv[1]), sys.argv[2:])
    except CannotMake as error:
        say(str(error))
        sys.exit(2)
    except OSError as error:
        say(f"{error.filename}: {error.strerror}. Mend the path, its permissions or the space, and run it again.")
        sys.exit(2)
    except KeyboardInterrupt:
        say("interrupted; run the same command again to go on")
        sys.exit(130)
    # -P: a folder named "commands" where the person stands is none of ours.
    os.execve(python, [str(python), "-P", "-m", "commands", *sys.argv[2:]], variables)  # noqa: S606 (a list, never a shell)
