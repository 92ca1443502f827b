"""What cannot be known is an error, and what asks nothing is not applicable: seen on virtual machines.

``python -m tests.unknown`` takes rights, tools and answers away from the compliant servers of the proof, one at a time,
and keeps a table in ``docs/unknown.md``: how many verdicts were what, and the score. Nothing may pass that could not be
looked at; where only the words change, no verdict may.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from commands.common import REPOSITORY, Steps
from compliance import fleet
from compliance.assess import assess_fleet
from compliance.assessment import Assessment, Status
from lab import virtual_machines
from lab.topology import CACHE, Instance
from tests.proof.__main__ import Proof
from tests.published import publish, row, rows_of, table
from tests.unit.test_hostile import asked

SILENT_SECONDS_MAX = 240
KINDS = (Status.PASS, Status.FAIL, Status.ERROR, Status.NOT_APPLICABLE)


@dataclass(frozen=True)
class Case:
    """Something that is taken away, and the controls that must then have a status."""

    name: str
    script: str = "true"
    status: Status = Status.ERROR
    controls: Callable[[str], bool] = lambda control: False
    others_stay: bool = True
    inventory: tuple[str, str] | None = None
    disturb: Callable[[Proof], None] | None = None


def needs(*tools: str) -> Callable[[str], bool]:
    """Whether the check of a control runs one of these tools."""
    return lambda control: any(tool in command.split() for tool in tools for command in asked(control))


def pause(proof: Proof) -> None:
    """Let the servers stop answering in the middle of the checks."""

    def later() -> None:
        time.sleep(8)
        for host in proof.hosts:
            virtual_machines.monitor(proof.instance, host, "stop")

    threading.Thread(target=later, daemon=True).start()


def is_raid(control: str) -> bool:
    """Whether a control is about RAID."""
    return control.startswith("raid.")


HIDE = 'for tool in {0}; do mv "$(PATH=$PATH:/sbin:/usr/sbin command -v $tool)" /root/; done'
COMPLIANT = Case("compliant")
CASES = [
    Case("sudo asks for a password", "rm /etc/sudoers.d/patuh", controls=lambda control: True),
    Case("sudo was removed", "mv /usr/bin/sudo /root/", controls=lambda control: True),
    Case("nft was removed", HIDE.format("nft"), controls=needs("nft", "/usr/local/sbin/patuh-firewall-in-effect")),
    Case("sysctl was removed", HIDE.format("sysctl"), controls=needs("sysctl")),
    Case("findmnt and mdadm were removed", HIDE.format("findmnt mdadm"), controls=needs("findmnt", "mdadm")),
    Case(
        "/etc/shadow cannot be read",
        "mv /etc/shadow /root/shadow; mkdir /etc/shadow",
        controls=lambda control: any("/etc/shadow" in command for command in asked(control)),
        others_stay=False,
    ),
    Case(
        "the server speaks Indonesian",
        "echo 'id_ID.UTF-8 UTF-8' >>/etc/locale.gen; locale-gen >/dev/null; echo LANG=id_ID.UTF-8 >/etc/default/locale;"
        " echo LC_ALL=id_ID.UTF-8 >>/etc/environment",
    ),
    Case("the server stops answering half-way", disturb=pause, others_stay=False),
    Case(
        "a virtual machine without declared arrays",
        status=Status.NOT_APPLICABLE,
        controls=is_raid,
        inventory=("patuh_machine: physical", "patuh_machine: virtual"),
    ),
    Case(
        "a physical server whose arrays are gone",
        "umount /srv; mdadm --stop /dev/md0",
        status=Status.FAIL,
        controls=lambda control: is_raid(control) and control != "raid.inspection-14d",
    ),
]


def assess(proof: Proof, case: Case) -> Assessment:
    """Check the proof's servers, with the inventory as the case has it."""
    inventory = proof.inventory
    if case.inventory:
        inventory = Path(tempfile.mkdtemp(prefix="inventory-", dir=proof.instance.folder)) / "proof"
        shutil.copytree(proof.inventory, inventory)
        hosts = inventory / "hosts.yml"
        text = hosts.read_text(encoding="utf-8").replace(*case.inventory)
        hosts.write_text(text.replace("      patuh_raid_arrays: [/dev/md0]\n", ""), encoding="utf-8")
    return assess_fleet(fleet.load(inventory, proof.catalogue), proof.catalogue)


def trouble(case: Case, before: Assessment, after: Assessment, seconds: float) -> list[str]:
    """What is wrong with the verdicts of a case."""
    was = {(f.host, f.control): f.status for f in before.findings if f.host}
    wrong = []
    for finding in after.findings:
        if not finding.host:
            continue
        place = f"{finding.host}: {finding.control} is {finding.status}"
        if case.controls(finding.control):
            if finding.status is not case.status:
                wrong.append(f"{place}, not {case.status}")
            elif case.status is Status.ERROR and not finding.reason:
                wrong.append(f"{place} without a reason")
        elif case.others_stay and finding.status is not was[finding.host, finding.control]:
            wrong.append(f"{place}, was {was[finding.host, finding.control]}: {finding.reason}")
    if case.disturb and after.score.held >= before.score.held:
        wrong.append("the score did not go down")
    if seconds > SILENT_SECONDS_MAX:
        wrong.append(f"it took {seconds:.0f} s")
    return wrong


@click.command()
@click.option("--only", default="", help="Only cases with these words; the others keep their rows.")
def main(only: str) -> None:
    """Take things away."""
    steps = Steps()
    os.environ["PATUH_LAB_FILES"] = str(CACHE / "lab")  # a copy of the inventory stands elsewhere
    proof = Proof(Instance("proof"), REPOSITORY / "inventory" / "proof", steps)
    proof.prepare()
    proof.restore()
    before = assess(proof, COMPLIANT)
    rows = []
    bad = 0
    for case in [COMPLIANT, *CASES]:
        if only not in case.name:
            continue
        steps(case.name)
        for host in proof.hosts:
            virtual_machines.monitor(proof.instance, host, "cont")  # a former case may have stopped it
        proof.restore()
        proof.run_on_each(case.name, [(case.name, case.script)])
        if case.disturb:
            case.disturb(proof)
        began = time.monotonic()
        after = assess(proof, case)
        wrong = trouble(case, before, after, time.monotonic() - began)
        bad += bool(wrong)
        count = Counter(f.status for f in after.findings if f.host)
        score = f"{after.score.held} of {after.score.assessed}"
        rows.append((case.name, *(count[kind] for kind in KINDS), score, "; ".join(wrong)[:1500] or "right"))
        print(row(*rows[-1]), flush=True)
    if not bad:
        tried = {one[0]: one for one in [*rows_of("unknown"), *(list(map(str, one)) for one in rows)]}
        publish(
            "unknown",
            "What cannot be known, and what asks nothing",
            "Taken away from two virtual machines that complied, one at a time; the figures are the verdicts of the\n"
            "controls that a server decides, of both together. Each verdict was compared with what it had to be: an\n"
            "error with its reason for what could no longer be looked at, the same as before for everything else.",
            table(
                ("what was done", *KINDS, "findings that hold", "verdicts"),
                [tried[case.name] for case in [COMPLIANT, *CASES] if case.name in tried],
            ),
        )
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
