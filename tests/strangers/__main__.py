"""Servers that others set up: verdicts are right for what is asked, and ``apply`` destroys nothing that it finds.

``python -m tests.strangers`` makes the servers of ``lab/strangers.yml`` into what the files beside this one say, tries
from outside what can be reached, compares the verdicts with the truth, applies, and looks again. It writes the table
``docs/strangers.md``.
"""

from __future__ import annotations

import concurrent.futures
import re
import subprocess
from pathlib import Path

import click
import yaml
from pydantic import BaseModel, ConfigDict

from commands.apply import run_playbook
from commands.common import REPOSITORY, Steps
from commands.doctor import install_packages
from compliance import fleet
from compliance.assess import assess_fleet
from compliance.assessment import Finding, Status
from compliance.catalogue import default_catalogue
from compliance.errors import PatuhError
from lab import virtual_machines
from lab.topology import Instance, run_as_root
from tests.published import publish, table

INVENTORY = REPOSITORY / "inventory" / "strangers"
DOCUMENT = REPOSITORY / "docs" / "strangers.md"
# A connection that is refused or silent is not open.
TRY = "import socket, sys; sys.exit(socket.socket().connect_ex((sys.argv[1], int(sys.argv[2]))) != 0)"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Truth(_Strict):
    """What is true of a control on a server, why, and what the finding must name."""

    verdict: Status
    because: str
    seen: str = ""


class Apply(_Strict):
    """What ``apply`` does there: what it says or why it refuses, what must stay, and what is true after it."""

    keeps: str
    says: str = ""
    refuses: str = ""
    reachable: dict[str, bool]
    then: dict[str, Status] = {}


class Stranger(_Strict):
    """A server of somebody else's."""

    summary: str
    setup: str
    listen: int | None = None
    reachable: dict[str, bool]
    truth: dict[str, Truth]
    apply: Apply


class Trial:
    """The strangers' servers, and what was found wrong with our verdicts and deeds."""

    def __init__(self, steps: Steps, only: str) -> None:
        self.steps = steps
        self.instance = Instance("strangers")
        folder = Path(__file__).parent
        self.strangers = {
            name: Stranger.model_validate(yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8")))
            for name in self.instance.topology.machines
            if only in name
        }
        self.wrong: list[str] = []

    def note(self, trouble: str) -> None:
        """Remember what is wrong, and say so at once."""
        self.steps(f"WRONG {trouble}")
        self.wrong.append(trouble)

    def prepare(self) -> None:
        """Bring the servers up and make them what their owners made them, once."""
        new = [name for name in self.strangers if not self.marker(name).exists()]
        if new:
            virtual_machines.up(self.instance, self.steps, new)
            with concurrent.futures.ThreadPoolExecutor() as pool:
                list(pool.map(self.make, new))
        for name in self.strangers:
            virtual_machines.monitor(self.instance, name, "loadvm made")
            virtual_machines.wait_for_ssh(self.instance, name)

    def make(self, name: str) -> None:
        """Make one server what its owner made it."""
        self.steps(f"{name}: {self.strangers[name].summary}")
        code, said = self.run(name, f"set -e\n{self.strangers[name].setup}")
        if code != 0:
            raise PatuhError(f"{name} could not be set up: {said[-400:]}", mend="Mend its file in tests/strangers.")
        if port := self.strangers[name].listen:
            self.run(name, f"systemd-run --quiet --unit=percobaan python3 -m http.server --bind :: {port}")
        virtual_machines.monitor(self.instance, name, "savevm made")
        self.marker(name).touch()

    def marker(self, name: str) -> Path:
        """The file that says that a server was made."""
        return self.instance.machine_folder(name) / "made"

    def run(self, name: str, script: str) -> tuple[int, str]:
        """Run a shell script as root; its exit status and its words."""
        command = virtual_machines.ssh_command(self.instance, name, "sudo -n sh -s 2>&1")
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def reach(self, name: str, expected: dict[str, bool], when: str) -> None:
        """Try connections from the lab's peers, over both versions of IP."""
        machine = self.instance.topology.machines[name]
        segment = self.instance.topology.segments[machine.segment]
        for who, wanted in expected.items():
            peer, port = who.split()
            for address in (segment.address4(machine.host_number), segment.address6(machine.host_number)):
                if ":" in address and name == "docker" and port != "22":
                    continue  # Docker publishes over IPv4 only by default
                family = "socket.AF_INET6" if ":" in address else ""
                command = ["ip", "netns", "exec", self.instance.peer_namespace(peer), "timeout", "5", "python3", "-c"]
                try:
                    run_as_root([*command, TRY.replace("socket()", f"socket({family})"), address, port])
                    open_ = True
                except PatuhError:
                    open_ = False
                if open_ is not wanted:
                    self.note(f"{name}: {when}: {who} ({address}) is {'open' if open_ else 'closed'}")

    def findings(self) -> dict[tuple[str, str], Finding]:
        """What the checks say."""
        catalogue = default_catalogue()
        assessment = assess_fleet(fleet.load(INVENTORY, catalogue), catalogue)
        return {(f.host, f.control): f for f in assessment.findings if f.host in self.strangers}

    def judge(self) -> dict[tuple[str, str], Finding]:
        """Compare every verdict whose truth is known."""
        findings = self.findings()
        for name, stranger in self.strangers.items():
            for control, truth in stranger.truth.items():
                finding = findings[name, control]
                shown = f"{finding.reason or ''} " + "; ".join(
                    f"{one.subject}: {one.observed}" for one in finding.observations if not one.holds
                )
                if finding.status is not truth.verdict:
                    self.note(f"{name}: {control} is {finding.status}, not {truth.verdict}: {shown}")
                elif truth.seen not in shown:
                    self.note(f"{name}: {control} does not name '{truth.seen}': {shown}")
        return findings

    def apply(self, name: str) -> None:
        """Apply to one server: what it had must stay, or the run must refuse before it touches anything."""
        expected = self.strangers[name].apply
        _, before = self.run(name, expected.keeps)
        try:
            said = " ".join(run_playbook("site.yml", INVENTORY, self.steps, "--limit", name).words)
            refused = False
        except PatuhError as error:
            said, refused = str(error), True
        if refused is not bool(expected.refuses) or not re.search(expected.refuses or expected.says, said):
            self.note(f"{name}: apply {'refused' if refused else 'went through'}: {said[-600:]}")
        if (after := self.run(name, expected.keeps)[1]) != before:
            self.note(f"{name}: apply changed what it had to keep:\n{before}\nis now\n{after}")
        self.reach(name, expected.reachable, "after apply")
        self.steps(f"{name}: {'apply refused' if refused else 'applied'}")

    def judge_again(self) -> None:
        """Compare the verdicts that ``apply`` was to change, or to leave."""
        findings = self.findings()
        for name, stranger in self.strangers.items():
            for control, verdict in stranger.apply.then.items():
                if (finding := findings[name, control]).status is not verdict:
                    shown = "; ".join(f"{one.subject}: {one.observed}" for one in finding.observations if not one.holds)
                    self.note(f"{name}: after apply {control} is {finding.status}, not {verdict}: {shown}")

    def publish(self, findings: dict[tuple[str, str], Finding]) -> None:
        """Keep the table of hosts, controls, verdicts and truths; servers that were not tried keep theirs."""
        sections = kept(DOCUMENT)
        for name, stranger in self.strangers.items():
            suite = self.instance.topology.machines[name].suite
            verdicts = [
                (f"`{control}`", findings[name, control].status, truth.because)
                for control, truth in stranger.truth.items()
            ]
            does = f"refuses: “{stranger.apply.refuses}”" if stranger.apply.refuses else "goes through"
            sections[name] = "\n\n".join(
                [
                    f"## `{name}` (Debian {suite})",
                    f"{stranger.summary}.",
                    table(("control", "verdict", "truth"), verdicts),
                    f"`apply` {does.replace(chr(92), '')}; unchanged by it: `{stranger.apply.keeps}`."
                    + "".join(f" `{control}` is *{verdict}* then." for control, verdict in stranger.apply.then.items()),
                ]
            )
        publish("strangers", "Strangers' servers", *(sections[name] for name in sorted(sections)))


def kept(document: Path) -> dict[str, str]:
    """The sections of the document as it is, by the server's name."""
    text = document.read_text(encoding="utf-8") if document.exists() else ""
    parts = re.split(r"^(?=## `)", text, flags=re.MULTILINE)[1:]
    return {part.split("`")[1]: part.strip() for part in parts}


@click.command()
@click.option("--only", default="", help="Only servers with these letters.")
@click.option("--check-only", is_flag=True, help="Leave out applying.")
def main(only: str, check_only: bool) -> None:
    """Judge servers that others set up."""
    steps = Steps()
    install_packages(steps)
    trial = Trial(steps, only)
    trial.prepare()
    for name, stranger in trial.strangers.items():
        trial.reach(name, stranger.reachable, "as found")
    steps("checking")
    findings = trial.judge()
    if not check_only:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(trial.apply, trial.strangers))
        trial.judge_again()
    steps(f"{len(trial.strangers)} servers, {len(trial.wrong)} wrong")
    for line in trial.wrong:
        click.echo(line)
    if not (trial.wrong or check_only):
        trial.publish(findings)
    raise SystemExit(1 if trial.wrong else 0)


if __name__ == "__main__":
    main()
