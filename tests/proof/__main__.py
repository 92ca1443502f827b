"""Proof of every check, on virtual machines: compliant, it passes; broken, it fails for the right reason; healed by
the role, it passes again, a further run changes nothing, and a reboot neither.

``python -m tests.proof`` proves everything on a Debian 12 and a Debian 13 server and writes ``compliance/proved.yml``;
``--only`` and ``--due`` prove a part. Breaks that touch different controls share a round.
"""

from __future__ import annotations

import concurrent.futures
import datetime
import fnmatch
import hashlib
import re
import subprocess
from pathlib import Path
from subprocess import PIPE
from typing import Any

import click
import testinfra.host
import yaml

from commands.apply import run_playbook
from commands.common import REPOSITORY, Steps
from commands.doctor import install_packages
from compliance import breaking, fleet
from compliance.assess import assess_fleet
from compliance.assessment import Finding, Status
from compliance.breaking import NamedBreak
from compliance.catalogue import default_catalogue
from compliance.checking import all_checks
from compliance.connection import remote_host
from lab import virtual_machines
from lab.topology import Instance
from tests import recordings
from tests.recordings import Answers

SNAPSHOT = "compliant"
BEFORE = "installed"
UNTIL_CLOCK_SYNCHRONISED = "timeout 180 sh -c 'until timedatectl show | grep -q NTPSynchronized=yes; do sleep 1; done'"
SCRIPTS_SECONDS_MAX = 600  # for all that is done to a server before it is looked at; the longest take two minutes
Findings = dict[tuple[str, str], Finding]


class Proof:
    """One instance of the lab on which breaks are proved."""

    def __init__(self, instance: Instance, inventory: Path, steps: Steps) -> None:
        self.instance = instance
        self.inventory = inventory
        self.steps = steps
        self.catalogue = default_catalogue()
        self.roles = {control.id: control.role for control in self.catalogue.controls.values()}
        self.hosts = list(instance.topology.machines)
        self.wrong: list[str] = []
        self.misjudged: set[str] = set()  # controls whose finding on a compliant or broken server was not right
        self.recorded: list[tuple[list[str], Answers]] = []

    def prepare(self) -> None:
        """Bring the servers up and make them comply, unless a snapshot of that is still good."""
        marker, recipe = self.instance.folder / SNAPSHOT, self.recipe()
        if marker.exists() and marker.read_text(encoding="utf-8") == recipe:
            self.steps("the compliant servers are still there")
            return
        virtual_machines.down(self.instance)  # whatever an earlier run left behind
        virtual_machines.up(self.instance, self.steps)
        self.keep_state(BEFORE)
        run_playbook("site.yml", self.inventory, self.steps)
        self.settle()
        self.keep_state(SNAPSHOT)
        marker.write_text(recipe, encoding="utf-8")

    def keep_state(self, snapshot: str) -> None:
        """Keep what every server is now, memory and disks, under a name."""
        for host in self.hosts:
            virtual_machines.monitor(self.instance, host, f"savevm {snapshot}")

    def recipe(self) -> str:
        """A hash of all that decides what a compliant server is."""
        digest = hashlib.sha256(self.instance.topology.model_dump_json().encode())
        folders = ("roles", "playbooks", "plugins", "lab/image")
        for folder in (*(REPOSITORY / one for one in folders), self.inventory):
            for file in sorted(folder.rglob("*")):
                if file.is_file() and file.suffix not in (".pyc", ".md"):
                    digest.update(str(file.relative_to(REPOSITORY)).encode() + file.read_bytes())
        return digest.hexdigest()

    def settle(self) -> None:
        """Wait for what takes a while after a boot or a restart."""
        self.run_on_each("settling", [("clock", UNTIL_CLOCK_SYNCHRONISED)])

    def restore(self, snapshot: str = SNAPSHOT) -> None:
        """Put every server back to the compliant state, or to the newly installed: a fraction of a second each."""
        for host in self.hosts:
            if not virtual_machines.is_running(self.instance, host):
                virtual_machines.power_on(self.instance, host)
            virtual_machines.monitor(self.instance, host, f"loadvm {snapshot}")
        for host in self.hosts:
            virtual_machines.wait_for_ssh(self.instance, host)
        # The clock was put back, too. A jump of it can have the kernel take another source of time and forget that it
        # was synchronised, which is mended at the next poll, half an hour later maybe; a restarted service polls now.
        self.run_on_each("polling", [("clock", "systemctl try-restart systemd-timesyncd.service")])
        self.settle()

    def assess(self) -> tuple[Findings, Answers]:
        """The findings of every host control, and what the servers answered."""
        asked: dict[str, testinfra.host.Host] = {}

        def connect(connection: dict[str, Any], name: str) -> testinfra.host.Host:
            return asked.setdefault(name, remote_host(connection, name))

        assessment = assess_fleet(fleet.load(self.inventory, self.catalogue), self.catalogue, connect=connect)
        self.note([f"{host.name} is silent: {host.silence}" for host in assessment.hosts if not host.answered])
        findings = {(f.host, f.control): f for f in assessment.findings if f.host is not None}
        return findings, {name: recordings.plain(host.backend.answers) for name, host in asked.items()}

    def run_on_each(self, what: str, scripts: list[tuple[str, str]]) -> None:
        """Run named shell scripts as root on every server; whatever does not end well is noted."""

        def one(host: str) -> list[str]:
            text = "".join(
                f"echo 'begun: {name}'\n"
                f"(set -e; umask 022\n{breaking.SHELL_FUNCTIONS}\n{script}\n) >/run/proof.log 2>&1 </dev/null\n"
                f"code=$?; [ $code = 0 ] || echo '{name}:' exit $code: $(tail -n 3 /run/proof.log)\n"
                for name, script in scripts
            )
            command = virtual_machines.ssh_command(self.instance, host, "sudo -n sh -s")
            with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) as process:
                try:
                    out, errors = process.communicate(text, timeout=SCRIPTS_SECONDS_MAX)
                    failed = f"exit {process.returncode}: {errors}" if process.returncode else ""
                except subprocess.TimeoutExpired:
                    process.kill()
                    out, _ = process.communicate()
                    failed = f"not done after {SCRIPTS_SECONDS_MAX} s"
            said = out.splitlines()
            if failed and said:
                failed += f" ({said[-1]})"
            trouble = [line for line in [*said, failed] if line and not line.startswith("begun: ")]
            return [f"{host}: {what}: {line}" for line in trouble]

        with concurrent.futures.ThreadPoolExecutor() as pool:
            for trouble in pool.map(one, self.hosts):
                self.note(trouble)

    def note(self, trouble: list[str]) -> None:
        """Remember what went wrong, and say so at once."""
        for line in trouble:
            self.steps(f"WRONG {line}")
        self.wrong += trouble

    def compare(self, what: str, before: Findings, after: Findings, expected: dict[str, list[str]]) -> None:
        """Note each finding that is not as it should be."""
        unseen = ("host-silent", "host-key-refused")
        silent = {f.host for f in after.values() if f.reason and f.reason.message in unseen}
        for (host, control), finding in before.items():
            if host in silent:
                continue
            subjects = expected.get(control) if finding.status is not Status.NOT_APPLICABLE else None
            if trouble := breaking.unexpected(finding, after[host, control], subjects):
                self.note([f"{host}: {what}: {control} {trouble}"])
                self.misjudged |= {control} if what == "broken" else set()

    def round(self, number: int, breaks: list[NamedBreak], before: Findings, *, heal: bool) -> None:
        """Break, see the checks fail, heal, see them pass, and see that it stays so."""
        say = self.steps
        say(f"round {number}: {len(breaks)} breaks")
        self.restore()
        self.run_on_each("breaking", [(str(one), one.recipe.run) for one in breaks])
        say(f"round {number}: checking the broken servers")
        expected = breaking.expected_of(breaks)
        broken, answers = self.assess()
        self.recorded.append(([str(one) for one in breaks], answers))
        self.compare("broken", before, broken, expected)
        if not heal:
            return
        self.run_on_each("healing", [(str(one), one.recipe.heal) for one in breaks if one.recipe.heal])
        tags = sorted({role for control in expected if (role := self.roles[control])})
        if tags:
            run_playbook("site.yml", self.inventory, say, "--tags", ",".join(tags))
        say(f"round {number}: checking the healed servers")
        self.compare("healed", before, self.assess()[0], {})
        if tags:
            again = run_playbook("site.yml", self.inventory, say, "--tags", ",".join(tags))
            self.note([f"{host}: healed: a further run changed {n} tasks" for host, n in again.changed.items() if n])
        virtual_machines.reboot_all(self.instance, self.hosts)
        self.settle()
        say(f"round {number}: checking the rebooted servers")
        self.compare("rebooted", before, self.assess()[0], {})


def _write_proved(proved_now: list[NamedBreak], hosts: list[str]) -> None:
    """Keep when each break was proved, and on what; breaks that are no more are forgotten."""
    breaks = breaking.load(known=all_checks())
    known = breaking.proved(breaks)
    today = datetime.datetime.now(datetime.UTC).date()
    found: dict[str, dict[str, object]] = {}
    for one in breaks:
        days = dict.fromkeys(hosts, today) if one in proved_now else known.get(str(one))
        if days:
            shown = {host: day.isoformat() for host, day in days.items()}
            found.setdefault(one.control, {})[one.name] = {"digest": one.digest, "on": shown}
    text = "# When each break was last proved, on which server. Written by 'patuh test --proof'.\n"
    breaking.PROVED_FILE.write_text(text + yaml.safe_dump(found), encoding="utf-8")


def _keep_answers(proof: Proof, breaks: list[NamedBreak], *, whole: bool) -> None:
    """Record what the servers answered, for the controls whose every break was seen as it must be.

    What goes wrong in healing comes after it; a script that did not do what it says, a silent server or one that did
    not comply before make the answers worth nothing.
    """
    afterwards = r": (healing|healed|settling|rebooted|broken): "
    if any(not re.search(afterwards, one) for one in proof.wrong):
        return
    controls = _in_every_way(breaks) - proof.misjudged
    if whole and not proof.misjudged:
        recordings.write(proof.recorded)
    elif controls:
        recordings.write(proof.recorded, controls)


def _in_every_way(proved_now: list[NamedBreak]) -> set[str]:
    """The controls of which every break is among those that were proved."""
    left = {one.control for one in breaking.load(known=all_checks()) if one not in proved_now}
    return {one.control for one in proved_now} - left


@click.command()
@click.option("--only", multiple=True, help="Only controls, or breaks ('control: name'), like this pattern.")
@click.option("--due", is_flag=True, help="Only one round: what changed since it was proved, and a rotating share.")
@click.option("--break-only", is_flag=True, help="Leave out healing and rebooting.")
@click.option("--running", is_flag=True, help="On the servers that run, which are known to comply (Molecule's).")
@click.option("--keep", is_flag=True, help="Leave the servers up.")
def main(
    *,
    only: tuple[str, ...],
    due: bool,
    break_only: bool,
    running: bool,
    keep: bool,
) -> None:
    """Prove that every check can fail, for the right reason, and that the roles heal what they say."""
    steps = Steps()
    install_packages(steps)
    proof = Proof(Instance("proof"), REPOSITORY / "inventory" / "proof", steps)
    breaks = breaking.load(known=all_checks())
    if only:
        breaks = [
            one
            for one in breaks
            if any(fnmatch.fnmatch(text, pattern) for pattern in only for text in (one.control, str(one)))
        ]
    if due:
        breaks = breaking.due(breaks, datetime.datetime.now(datetime.UTC).date())
    if running:
        proof.keep_state(SNAPSHOT)
    else:
        proof.prepare()
    proof.restore()
    steps("checking the compliant servers")
    before, answers = proof.assess()
    proof.recorded.append(([], answers))
    proof.note(
        [
            f"{host}: compliant: {control} is {finding.status}: {finding.reason or ''}"
            for (host, control), finding in before.items()
            if finding.status not in (Status.PASS, Status.NOT_APPLICABLE)
        ]
    )
    proved_now: list[NamedBreak] = []
    for number, together in enumerate(breaking.rounds(breaks), 1):
        wrong_before = len(proof.wrong)
        proof.round(number, together, before, heal=not break_only)
        if len(proof.wrong) == wrong_before:
            proved_now += together
    if not keep:
        virtual_machines.down(proof.instance)
    steps(f"{len(breaks)} breaks of {len({one.control for one in breaks})} controls, {len(proof.wrong)} wrong")
    for line in proof.wrong:
        click.echo(line)
    if not due:  # a share is what comes by, of which few controls are proved in every way
        _keep_answers(proof, breaks, whole=not only)
    if not break_only:
        _write_proved(proved_now, proof.hosts)
    raise SystemExit(1 if proof.wrong else 0)


if __name__ == "__main__":
    main()
