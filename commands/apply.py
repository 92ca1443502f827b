"""``patuh apply``: the playbook with its progress in a line per task."""

from __future__ import annotations

import collections
import datetime
import json
import re
import shlex
import shutil
import tempfile
import zoneinfo
from pathlib import Path
from typing import Any

import ansible_runner
import click

from commands.common import REPOSITORY, Steps, this_person
from commands.inventory import Inventory, inventory_option
from compliance import fleet, host_keys
from compliance.assessment import printable
from compliance.errors import PatuhError
from compliance.evidence import store
from compliance.evidence.kinds import ConfigurationChange

# What ansible-runner would set for us otherwise, or leave to the person's environment. It switches the check of host
# keys off unless it is told (config/_base.py of 2.4); that is decided by our vars plugin in any case, which this finds.
ENVIRONMENT = {
    "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
    "ANSIBLE_HOST_KEY_CHECKING": "True",
    "ANSIBLE_PARAMIKO_HOST_KEY_CHECKING": "True",
}
# Ansible's own colours; whatever else a server says in control signs is shown as such.
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Watcher:
    """Turns the runner's events into lines, and remembers what failed."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.failed: dict[str, str] = {}
        self.changed: collections.Counter[str] = collections.Counter()
        self.changed_roles: dict[str, dict[str, None]] = collections.defaultdict(dict)
        self.said: dict[str, str] = {}
        self.words: list[str] = []

    def __call__(self, event: dict[str, Any]) -> bool:
        """Take one event; False keeps the runner from storing it as a file."""
        data = event.get("event_data", {})
        name, kind = data.get("task", ""), event.get("event")
        if kind == "playbook_on_task_start" and not name.startswith("Validating arguments"):
            role = data.get("role")
            self.steps(f"{role}: {name}" if role else name)
        elif kind == "runner_on_ok":
            host, result = data.get("host", ""), data.get("res", {})
            self.changed[host] += bool(result.get("changed"))
            if result.get("changed"):
                self.changed_roles[host].setdefault(data.get("role") or name)
            self.said[host] = result.get("stdout", "")
            for warning in data.get("res", {}).get("warnings", []):
                self.words.append(printable(str(warning)))
                self.steps(f"note: {warning}")
        elif kind in ("runner_on_failed", "runner_on_unreachable") and not data.get("ignore_errors"):
            result = data.get("res", {})
            said = [*str(result.get("stderr", "")).strip().splitlines(), result.get("msg", "failed")]
            self.failed[data.get("host", "")] = printable(f"{name}: {said[-2] if len(said) > 1 else said[-1]}")
        elif kind in ("error", "verbose"):
            self.words.append(printable(ANSI.sub("", event.get("stdout", ""))))
        return False


def run_playbook(
    playbook: str,
    inventory: Path,
    steps: Steps,
    *arguments: str,
    watcher: Watcher | None = None,
    vault: Inventory | None = None,
) -> Watcher:
    """Run a playbook.

    :param watcher: a watcher of the caller's, who wants to know also what was done before it failed.
    :param vault: who knows the passwords of the inventory's vault.
    :raises PatuhError: naming the hosts on which it failed, and why.
    """
    watcher = watcher or Watcher(steps)
    scratch = tempfile.mkdtemp(prefix="patuh-run-")
    try:
        opened = vault.vault_arguments(Path(scratch)) if vault else []
        run = ansible_runner.run(
            private_data_dir=scratch,
            project_dir=str(REPOSITORY),
            playbook=f"playbooks/{playbook}",
            inventory=str(inventory.resolve()),
            cmdline=shlex.join([*arguments, *opened]) or None,
            event_handler=watcher,
            quiet=True,
            envvars=ENVIRONMENT | (vault.environment if vault else {}),
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if watcher.failed:
        told = "\n".join(f"{host}: {why}" for host, why in watcher.failed.items())
        unknown = [host for host, why in watcher.failed.items() if host_keys.refused(why)]
        mend = "Mend that and run the same command again."
        if unknown:
            mend = f"Compare the key on the server's console: 'patuh trust {' '.join(unknown)} -i {inventory}'. {mend}"
        raise PatuhError(f"{playbook} did not finish:\n{told}", mend=mend)
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
def apply(inventory: Inventory, tags: str | None, limit: str | None, check_mode: bool, reason: str | None) -> None:
    """Make servers comply (playbooks/site.yml)."""
    loaded = inventory.load(whole=True)
    arguments = [*(("--tags", tags) if tags else ()), *(("--limit", limit) if limit else ())]
    if check_mode:
        arguments.append("--check")
    if reason:
        arguments += ["-e", json.dumps({"maintenance_log_reason": reason})]
    steps = Steps()
    watcher = Watcher(steps)
    try:
        run_playbook("site.yml", inventory.path, steps, *arguments, watcher=watcher, vault=inventory)
    finally:
        if not check_mode:
            log_changes(loaded, watcher, reason or "patuh apply")
    for host in sorted(watcher.changed):
        word = "would change" if check_mode else "changed"
        click.echo(f"{host}: {watcher.changed[host]} {word}")


def log_changes(loaded: fleet.LoadedFleet, watcher: Watcher, why: str) -> None:
    """Enter what changed into the log of configuration changes (Tegal 3.1.5.6), an entry for each server.

    Beside that, each server keeps its own maintenance log.
    """
    now = datetime.datetime.now(zoneinfo.ZoneInfo(loaded.fleet.timezone)).strftime("%Y-%m-%d %H:%M")
    entries = [
        {
            "waktu": now,
            "perangkat": host,
            "isi": f"{why}: {', '.join(roles)}",
            "petugas": this_person(),
            # Whatever a role changes is proved by it, or put back: when all ended well, it was tested.
            "diuji": "tidak" if watcher.failed else "ya",
            "keterangan": "dicatat oleh patuh apply",
        }
        for host, roles in sorted(watcher.changed_roles.items())
    ]
    if entries:
        store.add(store.folder_of(loaded.source), ConfigurationChange, entries)
