"""``patuh test``: everything that proves the project."""

from __future__ import annotations

import concurrent.futures
import os
import subprocess
import sys
import time
from pathlib import Path

import click

from commands.common import REPOSITORY, Steps
from commands.doctor import install_packages
from compliance import breaking
from compliance.checking import all_checks

SCRIPTS = Path(sys.executable).parent
# The share of the proof takes up to a quarter of an hour, and continuous integration has an hour for everything: later
# than this, what was proved before is not proved again. A check or a break that changed is proved however late it is.
PROVED_AGAIN_WITHIN_SECONDS = 40 * 60

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
MACHINES: list[Suite] = [
    ("molecule on containers", [_run("molecule"), "test", "-s", "containers"]),
    ("molecule on virtual machines", [_run("molecule"), "test", "-s", "default"]),
]
SHARE: Suite = ("a share of the proof", [sys.executable, "-m", "tests.proof", "--due", "--break-only"])


@click.command()
@click.option("--quick", is_flag=True, help="Leave out the virtual machines.")
@click.option("--proof", is_flag=True, help="Only this: see every check fail, and the roles heal, on virtual machines.")
def test(quick: bool, proof: bool) -> None:
    """Run everything that proves the project."""
    if proof:
        raise SystemExit(subprocess.call([sys.executable, "-m", "tests.proof"], cwd=REPOSITORY))
    steps = Steps()
    install_packages(steps, tests=True)
    began = time.monotonic()
    failed = _side_by_side(QUICK, steps)
    share_runs = False
    if not quick:
        failed += [name for name, command in MACHINES if not _passes(name, command, steps)]
        share_runs = share_is_due(time.monotonic() - began)
        if share_runs:
            failed += [] if _passes(*SHARE, steps) else [SHARE[0]]
    if not (quick or share_runs):
        steps(f"left out for lack of time: {SHARE[0]}; nothing that it proves has changed")
    steps("all that ran passed" if not failed else f"failed: {', '.join(failed)}")
    raise SystemExit(1 if failed else 0)


def share_is_due(seconds: float) -> bool:
    """Whether a share of the proof is run after so many seconds: always when the proof of something is void."""
    breaks = breaking.load(known=all_checks())
    return seconds < PROVED_AGAIN_WITHIN_SECONDS or len(breaking.proved(breaks)) < len(breaks)


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
