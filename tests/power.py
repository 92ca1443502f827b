"""The power fails: at random moments of ``apply``, and of a backup.

``python -m tests.power`` cuts the power of the proof's servers (their memory is gone, their disks stay as they are)
while a newly installed server is made to comply, gives it back, and looks whether the server boots and lets its
administrator in; cuts the power of the next ``apply``, too; and looks whether the server complies after one more. Then
the same while a compliant server backs up, where no half archive may count as a backup. It adds to the table in
``docs/power.md``; ``--seed`` repeats a run.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import time
from dataclasses import dataclass, replace

import click

from commands.common import REPOSITORY, Steps
from compliance.assessment import Status
from compliance.errors import PatuhError
from lab import virtual_machines
from lab.topology import Instance
from tests.lockout import Case, Run
from tests.proof.__main__ import BEFORE, Proof
from tests.published import publish, row, rows_of, table

APPLY = Case("apply", (), "")
IN_A_ROW = 2  # power cuts before an apply is left to end
FIRST_APPLY_SECONDS = 480  # about what an apply to two newly installed servers takes under emulation
BACKUP_SECONDS = 12
TAKE_SAMPLE = "systemctl start sysstat-collect.service"
RECOVERED = "recovered"
# The state after a backup was cut off: how many runs count, whether each of their archives can be read whole, and
# whether the medium is free; then a further run.
AFTER_BACKUP = """
set -e
records=/var/lib/patuh/records/backup.jsonl
uuid="$(python3 -c 'import json; print(json.load(open("/etc/patuh/backup.json"))["media"][0])')"
findmnt -S "UUID=$uuid" >/dev/null && echo '{"mounted": true}'
grep -c '"ok": true' $records | sed 's/^/{"counted": /; s/$/}/'
systemctl start patuh-backup@files.service && echo '{"next": true}'
mkdir -p /run/look && mount "UUID=$uuid" /run/look
export BORG_BASE_DIR=/var/lib/patuh/borg BORG_PASSCOMMAND='cat /etc/patuh/backup.passphrase'
export BORG_RELOCATED_REPO_ACCESS_IS_OK=yes
borg check --verify-data "/run/look/$(hostname)" >/dev/null 2>&1 && echo '{"whole": true}'
borg list --short "/run/look/$(hostname)" | sort >/run/there
python3 - <<'END' | sort >/run/counted
import json
for line in open("/var/lib/patuh/records/backup.jsonl"):
    entry = json.loads(line)
    if entry["ok"]:
        print("\\n".join(archive["archive"] for archive in entry["archives"]))
END
comm -13 /run/there /run/counted | wc -l | sed 's/^/{"counted_but_not_there": /; s/$/}/'
umount /run/look
"""


@dataclass(frozen=True)
class Cut:
    """What one power cut did; ``wrong`` is empty when the server recovered."""

    host: str
    after: float
    reachable: float
    during: str
    wrong: str


class Power:
    """Power cuts on the proof's servers."""

    def __init__(self, proof: Proof, seed: int) -> None:
        self.proof = proof
        self.instance = proof.instance
        self.random = random.Random(seed)

    def cut(self, host: str) -> float:
        """Take the power away and give it back: the seconds until the server lets somebody in."""
        virtual_machines.power_off(self.instance, host)
        began = time.monotonic()
        virtual_machines.power_on(self.instance, host)
        virtual_machines.wait_for_ssh(self.instance, host)
        return time.monotonic() - began

    def during_apply(self, host: str, moments: list[float]) -> list[Cut]:
        """Cut the power, a few times in a row, while a newly installed server is made to comply."""
        cuts: list[Cut] = []
        for seconds in moments:
            run = Run(self.instance, host, APPLY)
            began = time.monotonic()
            # What a run does last may not be on the disk yet: its end is one more moment to cut the power at.
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.process.wait(seconds)
            after, ended = time.monotonic() - began, run.process.poll() is not None
            wrong = self.failure(run) if ended else ""
            reachable = 0.0
            try:
                reachable = self.cut(host)
            except PatuhError as error:
                wrong = str(error)
            if not ended:
                os.killpg(run.process.pid, signal.SIGKILL)
            # Before a role's own first task, Ansible validates the role's arguments: that goes by the role's name.
            tasks = re.findall(r"^TASK \[(.*?)(?: : Validating arguments.*)?\]", run.finish(), re.MULTILINE)
            cuts.append(Cut(host, after, reachable, "its end" if ended else tasks[-1] if tasks else "its start", wrong))
            if wrong:
                return cuts
        wrong = self.failure(Run(self.instance, host, APPLY))
        return [replace(one, wrong=wrong) for one in cuts]

    def failure(self, run: Run) -> str:
        """Why a run that is left to end failed; empty when it did not."""
        said = run.finish()
        if run.process.returncode == 0:
            return ""
        log = self.instance.folder / f"{run.host}-failed.log"
        log.write_text(said, encoding="utf-8")
        return f"the next apply failed: {log.relative_to(REPOSITORY)}"

    def during_backup(self, host: str, moments: list[float]) -> list[Cut]:
        """Cut the power while a compliant server backs up its files."""
        (seconds,) = moments

        def shell(script: str) -> str:
            command = virtual_machines.ssh_command(self.instance, host, "sudo -n sh -s")
            return subprocess.run(command, input=script, capture_output=True, text=True, check=False).stdout

        before = shell(
            "systemctl start --no-block patuh-backup@files; grep -c '\"ok\": true' /var/lib/patuh/records/*p.jsonl"
        )
        time.sleep(seconds)
        reachable = self.cut(host)
        said: dict[str, object] = {}
        for line in shell(AFTER_BACKUP).splitlines():
            said |= json.loads(line)
        wrong = [
            problem
            for problem, bad in {
                "the medium is still mounted": "mounted" in said,
                "the next backup failed": "next" not in said,
                "the repository is damaged": "whole" not in said,
                "a backup is counted that is not there": said.get("counted_but_not_there") != 0,
            }.items()
            if bad
        ]
        during = "ended before" if said.get("counted") != int(before or 0) else "cut off"
        return [Cut(host, seconds, reachable, during, "; ".join(wrong))]

    def together(self, during_apply: bool) -> list[Cut]:
        """Power cuts on every server, side by side, each at a moment of its own."""
        self.proof.restore(BEFORE if during_apply else "compliant")
        if not during_apply:
            # The compliant state is hours old, its clock too; a server that ran on would have samples of the past hour.
            catch_up = f"date -s @{time.time():.0f}; {TAKE_SAMPLE}; {TAKE_SAMPLE}; sync"
            self.proof.run_on_each("catching up", [("samples", catch_up)])
        deed = self.during_apply if during_apply else self.during_backup
        longest, cuts_each = (FIRST_APPLY_SECONDS, IN_A_ROW) if during_apply else (BACKUP_SECONDS, 1)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            moments = {host: [self.random.uniform(1, longest) for _ in range(cuts_each)] for host in self.proof.hosts}
            cuts = [one for each in pool.map(deed, moments, moments.values()) for one in each]
        self.proof.settle()
        findings, _ = self.proof.assess()
        bad = {
            host: [f.control for f in findings.values() if f.host == host and f.status in (Status.FAIL, Status.ERROR)]
            for host in self.proof.hosts
        }
        return [replace(one, wrong="; ".join(filter(None, [one.wrong, ", ".join(bad[one.host])]))) for one in cuts]


@click.command()
@click.option("--rounds", default=5, help="How often, on each server, of either kind.")
@click.option("--seed", default=None, type=int)
@click.option("--what", type=click.Choice(["apply", "backup", "both"]), default="both")
def main(rounds: int, seed: int | None, what: str) -> None:
    """Cut the power."""
    steps = Steps()
    proof = Proof(Instance("proof"), REPOSITORY / "inventory" / "proof", steps)
    proof.prepare()
    seed = random.randrange(10**6) if seed is None else seed
    power = Power(proof, seed)
    rows = []
    for kind in ("apply", "backup") if what == "both" else (what,):
        for number in range(rounds):
            steps(f"{kind}: {number + 1} of {rounds}")
            for one in power.together(kind == "apply"):
                times = (f"{one.after:.0f} s", f"{one.reachable:.0f} s")
                rows.append((kind, one.host, *times, one.during, one.wrong or RECOVERED, str(seed)))
                print(row(*rows[-1]), flush=True)
    recovered = sum(one[-2] == RECOVERED for one in rows)
    print(f"\n{len(rows)} power cuts, {recovered} recovered (seed {seed})")
    if recovered == len(rows):
        every = [*map(tuple, rows_of("power")), *rows]
        counts = ", ".join(f"{sum(one[0] == kind for one in every)} during {kind}" for kind in ("apply", "backup"))
        publish(
            "power",
            "The power fails",
            "Virtual machines were cut off at random moments and started again: their memory was gone, their disks\n"
            "stayed as they were. An *apply* was cut off while it made a newly installed server comply, and the next\n"
            "one, too; recovered means that the server booted and let its administrator in each time, and that one\n"
            "more apply made every check pass.\n"
            "A *backup* was cut off while it ran; recovered means that the medium was free, the repository whole to\n"
            "its last byte, no archive counted that is not there, the next backup successful, and every check passes.",
            f"{len(every)} power cuts, all recovered: {counts}.",
            table(("during", "server", "cut off after", "lets somebody in after", "at", "", "seed"), every),
        )
    raise SystemExit(0 if recovered == len(rows) else 1)


if __name__ == "__main__":
    main()
