"""``patuh apply``: the playbook with its progress in a line per task."""

from __future__ import annotations

import collections
import json
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any

import ansible_runner
import click

from commands.check import inventory_option
from commands.common import REPOSITORY, Steps
from compliance import fleet
from compliance.catalogue import default_catalogue
from compliance.errors import PatuhError


class Watcher:
    """Turns the runner's events into lines, and remembers what failed."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.failed: dict[str, str] = {}
        self.changed: collections.Counter[str] = collections.Counter()
        self.words: list[str] = []

    def __call__(self, event: dict[str, Any]) -> bool:
        """Take one event; False keeps the runner from storing it as a file."""
        data = event.get("event_data", {})
        name, kind = data.get("task", ""), event.get("event")
        if kind == "playbook_on_task_start" and not name.startswith("Validating arguments"):
            role = data.get("role")
            self.steps(f"{role}: {name}" if role else name)
        elif kind == "runner_on_ok":
            self.changed[data.get("host", "")] += bool(data.get("res", {}).get("changed"))
            for warning in data.get("res", {}).get("warnings", []):
                self.words.append(str(warning))
                self.steps(f"note: {warning}")
        elif kind in ("runner_on_failed", "runner_on_unreachable") and not data.get("ignore_errors"):
            result = data.get("res", {})
            said = [*str(result.get("stderr", "")).strip().splitlines(), result.get("msg", "failed")]
            self.failed[data.get("host", "")] = f"{name}: {said[-2] if len(said) > 1 else said[-1]}"
        elif kind in ("error", "verbose"):
            self.words.append(event.get("stdout", ""))
        return False


def run_playbook(playbook: str, inventory: Path, steps: Steps, *arguments: str) -> Watcher:
    """Run a playbook.

    :raises PatuhError: naming the hosts on which it failed, and why.
    """
    watcher = Watcher(steps)
    scratch = tempfile.mkdtemp(prefix="patuh-run-")
    try:
        run = ansible_runner.run(
            private_data_dir=scratch,
            project_dir=str(REPOSITORY),
            playbook=f"playbooks/{playbook}",
            inventory=str(inventory.resolve()),
            cmdline=shlex.join(arguments) or None,
            event_handler=watcher,
            quiet=True,
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if watcher.failed:
        told = "\n".join(f"{host}: {why}" for host, why in watcher.failed.items())
        raise PatuhError(f"{playbook} did not finish:\n{told}", mend="Mend that and run the same command again.")
    if run.status == "canceled":
        raise KeyboardInterrupt
    if run.rc != 0:
        raise PatuhError(
            f"{playbook} ended with {run.rc}: {' '.join(watcher.words)[-600:]}", mend="Mend that and run again."
        )
    return watcher


@click.command()
@inventory_option
@click.option("--tags", help="Only these roles, such as 'ssh,firewall'.")
@click.option("--limit", help="Only these hosts, as Ansible understands it.")
@click.option("--check", "check_mode", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--reason", help="Why, for each server's maintenance log.")
def apply(inventory: Path, tags: str | None, limit: str | None, check_mode: bool, reason: str | None) -> None:
    """Make servers comply (playbooks/site.yml)."""
    fleet.load(inventory, default_catalogue())
    arguments = [*(("--tags", tags) if tags else ()), *(("--limit", limit) if limit else ())]
    if check_mode:
        arguments.append("--check")
    if reason:
        arguments += ["-e", json.dumps({"maintenance_log_reason": reason})]
    watcher = run_playbook("site.yml", inventory, Steps(), *arguments)
    for host in sorted(watcher.changed):
        word = "would change" if check_mode else "changed"
        click.echo(f"{host}: {watcher.changed[host]} {word}")
