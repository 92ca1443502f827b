"""Forty applies in a row: each changes what every guarded role keeps, is confirmed, and leaves nothing behind.

``python -m tests.guard_trial --inventory inventory/containers --tags ssh,firewall`` on servers that run and comply (the
lab's, by ``patuh lab up --name containers``); on virtual machines with all guarded roles, which is the default. A fast
server lost the race between the countdown and the confirmation once, and then refused every later run.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

import click

from commands.common import REPOSITORY
from compliance.catalogue import default_catalogue
from compliance.fleet import load
from lab.topology import CACHE

# An address that nobody has: it comes and goes, so that each apply has something to change.
STRANGER = "198.51.100.77"
LEFT_BEHIND = (
    "ls -A /var/lib/patuh/guard /run/patuh-run 2>/dev/null; "
    "systemctl list-units --all --plain --no-legend --state=failed,active 'patuh-guard-*'; true"
)


def ansible(inventory: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of Ansible against an inventory."""
    return subprocess.run(
        [program, "-i", str(inventory), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "PATUH_LAB_FILES": str(CACHE / "lab")},
    )


@click.command()
@click.option("--inventory", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--tags", default="ssh,firewall,os_hardening", help="Roles that have a guard.")
@click.option("--times", default=40, help="Applies in a row.")
def main(inventory: Path, tags: str, times: int) -> None:
    """Apply again and again, each time with something to change."""
    workstations = [str(one) for one in load(inventory, default_catalogue()).fleet.admin_workstations]
    roles = tags.split(",")
    seconds = []
    for number in range(1, times + 1):
        some = [*workstations, *([STRANGER] if number % 2 else [])]
        values = {
            "ssh_workstations": some,
            "firewall_workstations": some,
            "os_hardening_session_timeout_seconds": 900 - number % 2,
        }
        began = time.monotonic()
        done = ansible(inventory, "ansible-playbook", "playbooks/site.yml", "--tags", tags, "-e", json.dumps(values))
        seconds.append(time.monotonic() - began)
        # A run that changed nothing proved nothing: every guarded role has a change and its confirmation.
        confirmed = len(re.findall(r"^TASK \[\w+ : Prove .*\n(?:ok|\[)", done.stdout, re.MULTILINE))
        changed = [int(count) for count in re.findall(r"changed=(\d+)", done.stdout)]
        if done.returncode or confirmed < len(roles) or not changed or min(changed) < len(roles):
            raise click.ClickException(f"apply {number} of {times}:\n{done.stdout[-6000:]}{done.stderr[-2000:]}")
        click.echo(f"{number}: {seconds[-1]:.0f} s")
    # The last countdowns look once a second whether their change was confirmed.
    time.sleep(5)
    left = ansible(inventory, "ansible", "all", "-m", "raw", "-a", LEFT_BEHIND).stdout
    if "patuh-guard-" in left or re.search(r"^\w+\.[0-9a-f]{8}", left, re.MULTILINE) or "/run/patuh-run" in left:
        raise click.ClickException(f"something stayed behind:\n{left}")
    click.echo(f"{times} applies, none stuck, nothing left behind; {min(seconds):.0f} to {max(seconds):.0f} s each")


if __name__ == "__main__":
    main()
