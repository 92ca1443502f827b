"""``patuh test``: everything that proves the project."""

from __future__ import annotations

import concurrent.futures
import os
import subprocess
import sys
from pathlib import Path

import click

from commands.common import REPOSITORY, Steps
from commands.doctor import install_packages

SCRIPTS = Path(sys.executable).parent
Suite = tuple[str, list[str]]


def _run(script: str) -> str:
    return str(SCRIPTS / script)


# What needs no machines, the longest first: two of them run side by side.
QUICK: list[Suite] = [
    ("unit and property tests", [_run("pytest"), "tests/unit"]),
    ("browser tests", [_run("pytest"), "tests/browser"]),
    ("checks made wrong on purpose", [sys.executable, "-m", "tests.mutation"]),
    ("ansible-lint", [_run("ansible-lint"), "--offline", "--profile", "production"]),
    ("mypy", [_run("mypy")]),
    ("ruff", [_run("ruff"), "check"]),
    ("yamllint", [_run("yamllint"), "--strict", "."]),
]
# At native speed, too, but with roots and containers: these join the quick ones unless only those are wanted.
NATIVE: list[Suite] = [
    ("molecule on containers", [_run("molecule"), "test", "-s", "containers"]),
    ("the first command on fresh roots", [sys.executable, "-m", "tests.bootstrap"]),
]
MACHINES: Suite = ("molecule on virtual machines", [_run("molecule"), "test", "-s", "default"])
# On Molecule's machines, which comply by then: making others comply would take longer than all breaks of a round.
SHARE: Suite = ("a share of the proof", [sys.executable, "-m", "tests.proof", "--running", "--due", "--break-only"])


@click.command()
@click.option("--quick", is_flag=True, help="Leave out what needs machines.")
@click.option("--proof", is_flag=True, help="Only this: see every check fail, and the roles heal, on virtual machines.")
def test(quick: bool, proof: bool) -> None:
    """Run everything that proves the project."""
    if proof:
        raise SystemExit(subprocess.call([sys.executable, "-m", "tests.proof"], cwd=REPOSITORY))
    steps = Steps()
    install_packages(steps, tests=True)
    failed = _side_by_side(QUICK if quick else [QUICK[0], *NATIVE, *QUICK[1:]], steps)
    for name, command in () if quick else (MACHINES, SHARE):
        if not _passes(name, command, steps):
            failed.append(name)
            break
    steps("all that ran passed" if not failed else f"failed: {', '.join(failed)}")
    raise SystemExit(1 if failed else 0)


def _passes(name: str, command: list[str], steps: Steps) -> bool:
    """Run one suite, in sight of whoever waits for it."""
    steps(name)
    passed = subprocess.call(command, cwd=REPOSITORY) == 0
    if not passed:
        steps(f"{name}: FAILED")
    return passed


def _side_by_side(suites: list[Suite], steps: Steps) -> list[str]:
    """Run suites, two at a time, and show what each said when it ends; gives the names of those that failed."""
    failed = []

    def one(suite: Suite) -> tuple[str, subprocess.CompletedProcess[str]]:
        name, command = suite
        steps(name)
        environment = {**os.environ, "NO_COLOR": "1"}
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return name, done

    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for ended in concurrent.futures.as_completed([pool.submit(one, suite) for suite in suites]):
            name, done = ended.result()
            steps(f"{name}: {'passed' if done.returncode == 0 else 'FAILED'}")
            click.echo(done.stdout)
            failed += [] if done.returncode == 0 else [name]
    return failed
