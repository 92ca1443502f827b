"""Two runs never change a host at the same time: the very commands that a host gets, in folders of this computer."""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ROUNDS = 200


def loaded() -> ModuleType:
    """The action plugin, which Ansible imports by its path, too."""
    spec = importlib.util.spec_from_file_location("preflight", REPOSITORY / "plugins/action/patuh_preflight.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


preflight = loaded()


def command(note: Path, mine: str, dead: str = "") -> str:
    words = {"folder": note.parent, "note": note, "mine": mine, "dead": dead}
    return str(preflight.TURN.format(**{name: shlex.quote(str(word)) for name, word in words.items()}))


def turn(note: Path, mine: str, dead: str = "") -> str:
    said = subprocess.run(["sh", "-c", command(note, mine, dead)], capture_output=True, text=True, check=False).stdout
    return said.strip().removeprefix("turn=")


def release(note: Path, mine: str) -> None:
    script = preflight.RELEASE.format(folder=note.parent, note=note, mine=shlex.quote(mine))
    subprocess.run(["sh", "-c", script], check=True)


def test_of_two_that_start_together_exactly_one_proceeds(tmp_path: Path) -> None:
    """Also when a dead run's note lies there: clearing it away must not clear away the other's."""
    note = tmp_path / "run"
    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            note.unlink(missing_ok=True)
            dead = "a dead run" if number % 2 else ""
            if dead:
                note.symlink_to(dead)

            def start(mine: str, dead: str = dead, delay: float = (number % 20) / 1000) -> str:
                time.sleep(delay if mine == "second" else 0)
                return turn(note, mine, dead)

            found = list(pool.map(start, ("first", "second")))
            assert found in (["first"] * 2, ["second"] * 2), f"round {number}"


def test_a_note_binds_however_old_and_only_its_own_run_takes_it_away(tmp_path: Path) -> None:
    note = tmp_path / "run"
    assert turn(note, "long run") == "long run"
    os.utime(note, (0, 0), follow_symlinks=False)
    assert turn(note, "other") == "long run"
    release(note, "other")
    assert turn(note, "other") == "long run"
    assert turn(note, "long run") == "long run"  # another play of the same run
    release(note, "long run")
    assert turn(note, "other") == "other"


def test_a_note_of_an_older_patuh_binds(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("patuh debian 4711\n")
    assert "patuh debian 4711" in turn(tmp_path / "run", "mine")


@pytest.mark.parametrize("full", ["size=4k,nr_inodes=1", "size=4k"])
def test_a_full_run_folder_never_lets_two_proceed(tmp_path: Path, full: str) -> None:
    """Where no note can be made, nobody proceeds; where one can, only who made it."""
    script = f"""
    mount -t tmpfs -o {full} tmpfs {tmp_path}; dd if=/dev/zero of={tmp_path}/filler bs=4k count=9 2>/dev/null
    {command(tmp_path / "run", "first")}
    {command(tmp_path / "run", "second")}
    """
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    expected = ["turn=", "turn="] if "inodes" in full else ["turn=first", "turn=first"]
    assert done.stdout.split() == expected, done.stderr


def test_who_lives_and_who_died_is_told_by_this_computer_alone() -> None:
    child = subprocess.Popen(["sleep", "60"])
    place, start = preflight._place(), preflight._start(child.pid)
    try:
        assert not preflight.has_died(f"a@debian process {child.pid} {place} {start}")
        # The number came again, for another process.
        assert preflight.has_died(f"a@debian process {child.pid} {place} start:1")
    finally:
        child.kill()
        child.wait()
    assert preflight.has_died(f"a@debian process {child.pid} {place} {start}")
    # Another controller of the same name, and another container of the same computer.
    for elsewhere in ("boot:0d3c7a1e-0000-0000-0000-000000000000/4026531836", place + "0"):
        assert not preflight.has_died(f"a@debian process {child.pid} {elsewhere} {start}")
    assert not preflight.has_died("an older Patuh: a debian 4711")


def test_a_run_has_one_name_for_all_its_tasks_and_no_other_run_has_it() -> None:
    """Tasks are children of the run; this process stands in for two runs."""
    script = (
        "import sys; sys.path.insert(0, '.')\nfrom tests.unit.test_turn import preflight; print(preflight.this_run())"
    )
    tasks = [f"{sys.executable} -c {shlex.quote(script)}"] * 2
    runs = [
        subprocess.run(
            ["sh", "-c", "; ".join(tasks) + "; true"], capture_output=True, text=True, check=True, cwd=REPOSITORY
        ).stdout.splitlines()
        for _ in range(2)
    ]
    assert [len(set(run)) for run in runs] == [1, 1]
    assert runs[0][0] != runs[1][0]
