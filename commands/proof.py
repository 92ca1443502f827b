"""``patuh test``: everything that proves the project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from commands.common import REPOSITORY, Steps
from commands.doctor import install_packages

SCRIPTS = Path(sys.executable).parent


def _suites(quick: bool) -> list[tuple[str, list[str]]]:
    """What is run, in order: what is quickly told comes first."""
    run = str(SCRIPTS) + os.sep
    suites = [
        ("ruff", [f"{run}ruff", "check"]),
        ("mypy", [f"{run}mypy"]),
        ("yamllint", [f"{run}yamllint", "--strict", "."]),
        ("ansible-lint", [f"{run}ansible-lint", "--offline", "--profile", "production"]),
        ("unit and property tests", [f"{run}pytest", "tests/unit"]),
        ("checks made wrong on purpose", [sys.executable, "-m", "tests.mutation"]),
        ("browser tests", [f"{run}pytest", "tests/browser"]),
    ]
    if not quick:
        suites.append(("molecule on containers", [f"{run}molecule", "test", "-s", "containers"]))
        suites.append(("molecule on virtual machines", [f"{run}molecule", "test", "-s", "default"]))
        suites.append(("a share of the proof", [sys.executable, "-m", "tests.proof", "--due", "--break-only"]))
    return suites


@click.command()
@click.option("--quick", is_flag=True, help="Leave out the virtual machines.")
@click.option("--proof", is_flag=True, help="Only this: see every check fail, and the roles heal, on virtual machines.")
def test(quick: bool, proof: bool) -> None:
    """Run everything that proves the project."""
    if proof:
        raise SystemExit(subprocess.call([sys.executable, "-m", "tests.proof"], cwd=REPOSITORY))
    steps = Steps()
    install_packages(steps, tests=True)
    failed = []
    for name, command in _suites(quick):
        steps(name)
        if subprocess.call(command, cwd=REPOSITORY) != 0:
            failed.append(name)
            steps(f"{name}: FAILED")
    steps("all passed" if not failed else f"failed: {', '.join(failed)}")
    raise SystemExit(1 if failed else 0)
