"""The first command: two complete lock files, and an environment that is made beside the one that works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import environment
from tests import locks

REPOSITORY = Path(__file__).resolve().parents[2]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^a-z0-9-]", one)[0] for one in requirements}


def pinned(path: Path) -> set[str]:
    return {pin.partition("==")[0] for pin in locks.entries(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("path", [locks.RUN, locks.TEST])
def test_a_lock_file_holds_pins_and_hashes_and_nothing_else(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "".join(f"{pin} \\\n{hashes}" for pin, hashes in locks.entries(text).items()) == text
    # An extra would be looked for anew by the resolver of old pips; an address is somebody's mirror.
    assert "[" not in text
    assert "://" not in text


def test_every_direct_dependency_is_locked_where_it_belongs() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    run, test = pinned(locks.RUN), pinned(locks.TEST)
    assert names(project["project"]["dependencies"]) <= run
    assert names(project["dependency-groups"]["test"]) <= run | test
    assert not run & test
    assert not names(project["project"]["dependencies"]) & names(project["dependency-groups"]["test"])


# --- The launcher, with lock files of one small package that lies beside it -----------------------------------------


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases of a package, as wheels."""
    import zipfile

    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        with zipfile.ZipFile(folder / f"sample-{version}-py3-none-any.whl", "w") as wheel:
            info = f"sample-{version}.dist-info"
            wheel.writestr("sample.py", f"version = {version!r}\n")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: sample\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return folder


@pytest.fixture
def checkout(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout with spaces in its path, whose command line tells what it runs in."""
    root = tmp_path / "a folder" / "patuh"
    (root / "commands").mkdir(parents=True)
    shutil.copy(REPOSITORY / "patuh", root)
    shutil.copy(REPOSITORY / "commands" / "environment.py", root / "commands")
    (root / "commands" / "__init__.py").touch()
    (root / "commands" / "__main__.py").write_text(
        "import os, sys, sample\nprint(sample.version, *sys.argv[1:], os.environ.get('PATUH_CACHE', '-'))\n",
        encoding="utf-8",
    )
    shutil.copytree(wheels, root / "wheels")
    (root / environment.TEST_LOCK).write_text("", encoding="utf-8")
    lock(root, "1.0")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    yield root
    subprocess.run(["umount", "-q", str(root)], check=False)


def lock(root: Path, version: str, digest: str | None = None) -> None:
    import hashlib

    wheel = root / "wheels" / f"sample-{version}-py3-none-any.whl"
    found = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
    text = f"sample=={version} \\\n    --hash=sha256:{found}\n"
    (root / environment.RUN_LOCK).write_text(text, encoding="utf-8")


def start(program: Path, *arguments: str, cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.base_prefix) / 'bin'}:/usr/bin:/bin"
    return subprocess.run(
        [str(program), *arguments],
        cwd=cwd,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_from_anywhere_and_through_a_link(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "patuh").symlink_to(checkout / "patuh")
    first = start(tmp_path / "patuh", "check", "--local", cwd=tmp_path)
    assert first.stdout == "1.0 check --local -\n", first.stderr
    again = start(checkout / "patuh")
    assert (again.stdout, again.stderr) == ("1.0 -\n", "")
    assert (checkout / ".venv" / "bin" / "python").exists()


def test_a_newer_release_changes_nothing(checkout: Path) -> None:
    assert start(checkout / "patuh").stdout.startswith("1.0")


def test_a_new_lock_file_makes_a_new_environment_and_the_old_one_stays_until_then(checkout: Path) -> None:
    start(checkout / "patuh")
    old = (checkout / ".venv").resolve()
    lock(checkout, "2.0", digest="0" * 64)
    failed = start(checkout / "patuh")
    assert failed.returncode == 2
    assert "not the one that was locked" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert (checkout / ".venv").resolve() == old
    lock(checkout, "1.0")
    assert start(checkout / "patuh").stdout == "1.0 -\n"
    lock(checkout, "2.0")
    assert start(checkout / "patuh").stdout == "2.0 -\n"
    assert (checkout / ".venv").resolve() != old
    assert old.exists()


def test_the_environment_of_former_days_is_kept_until_the_new_one_is_whole(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    lock(checkout, "1.0", digest="0" * 64)
    assert start(checkout / "patuh").returncode == 2
    assert (checkout / ".venv" / "bin").is_dir()
    assert not (checkout / ".venv").is_symlink()
    lock(checkout, "1.0")
    assert start(checkout / "patuh").stdout == "1.0 -\n"
    assert (checkout / ".venv").is_symlink()


def test_a_package_that_is_not_to_be_had_is_told(checkout: Path) -> None:
    for wheel in (checkout / "wheels").iterdir():
        wheel.unlink()
    done = start(checkout / "patuh")
    assert done.returncode == 2
    assert "Check the network" in done.stderr
    assert len(done.stderr.splitlines()) == 2  # that it is installing, and why that failed
    assert not (checkout / ".venv").exists()


def test_an_environment_whose_python_has_gone_is_made_anew(checkout: Path) -> None:
    start(checkout / "patuh")
    (checkout / ".venv" / "bin" / "python").unlink()
    assert start(checkout / "patuh").stdout == "1.0 -\n"


def test_a_link_that_leads_nowhere_is_set_right(checkout: Path) -> None:
    start(checkout / "patuh")
    link = checkout / ".venv"
    link.unlink()
    link.symlink_to(".venv-gone")
    assert start(checkout / "patuh").stdout == "1.0 -\n"
    assert (link / "bin" / "python").exists()


def test_a_half_made_environment_is_made_anew(checkout: Path) -> None:
    start(checkout / "patuh")
    (checkout / ".venv" / environment.WHOLE).unlink()
    done = start(checkout / "patuh")
    assert done.stdout == "1.0 -\n"
    assert "installing" in done.stderr


def test_two_starts_at_the_same_time_make_one_environment(checkout: Path) -> None:
    path = f"{Path(sys.base_prefix) / 'bin'}:/usr/bin:/bin"
    both = [
        subprocess.Popen([str(checkout / "patuh")], env={**os.environ, "PATH": path}, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [one.communicate()[0] for one in both] == ["1.0 -\n"] * 2


def test_a_bundle_with_a_changed_file_is_refused(checkout: Path) -> None:
    (checkout / environment.SUMS).write_text(f"{'0' * 64}  patuh\n", encoding="utf-8")
    done = start(checkout / "patuh")
    assert done.returncode == 2
    assert "was changed since the bundle was made" in done.stderr


def test_a_bundle_is_refused_on_another_kind_of_processor(checkout: Path, tmp_path: Path) -> None:
    (checkout / environment.SUMS).write_text("", encoding="utf-8")
    launcher = tmp_path / "launcher"
    launcher.write_text(f"#!/bin/sh\nexec setarch i686 '{checkout}/patuh'\n", encoding="utf-8")
    launcher.chmod(0o755)
    done = start(launcher)
    assert (done.returncode, done.stderr) == (
        2,
        "patuh: This bundle is for x86-64 processors, and this one is i686.\n",
    )
    assert not (checkout / ".venv").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts")
def test_a_read_only_checkout_keeps_everything_in_the_users_folder(checkout: Path, tmp_path: Path) -> None:
    subprocess.run(["mount", "--bind", str(checkout), str(checkout)], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(checkout)], check=True)
    done = start(checkout / "patuh")
    home = tmp_path / "home" / ".local" / "share" / "patuh"
    assert done.stdout.startswith(f"1.0 {home}/"), done.stderr
    assert not (checkout / ".venv").exists()
    assert start(checkout / "patuh").stderr == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts")
def test_a_full_disk_is_told_and_leaves_the_old_environment(checkout: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(small)], check=True)
    try:
        shutil.copytree(checkout, small / "patuh")
        done = start(small / "patuh" / "patuh")
        assert done.returncode == 2
        assert "The disk is full" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        subprocess.run(["umount", str(small)], check=True)
