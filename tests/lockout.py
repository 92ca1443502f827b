"""Nobody is locked out: changes that would shut the controller out, made by the real playbook on virtual machines.

``python -m tests.lockout`` starts from the proof's compliant servers, does each case on both, and keeps a table in
``docs/lockout.md``: what was done, how long no new connection was possible, and what the run said. A case is good when
the server is reachable again within 90 seconds and has its old state back.
"""

from __future__ import annotations

import concurrent.futures
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from commands.common import REPOSITORY, Steps
from lab import virtual_machines
from lab.topology import CACHE, Instance, run_as_root
from tests.proof.__main__ import Proof
from tests.published import publish, row, rows_of, table

SECONDS_MAX = 90
# What a lock-out could come from, in its effective form; times and counters left out.
STATE = """
cat /etc/ssh/sshd_config.d/* /etc/pam.d/* /etc/sudoers /etc/sudoers.d/* /etc/patuh/firewall.nft
sshd -T; nft -s list table inet patuh; ls -A /var/lib/patuh/guard
"""


@dataclass(frozen=True)
class Case:
    """One way in which an administrator could be shut out."""

    name: str
    arguments: tuple[str, ...]
    says: str
    before: str = "true"
    disturb: Callable[[Run], None] | None = None
    kept: bool = False  # whether the change is good and stays
    playbook: bool = True  # else an ad-hoc command
    inventory: tuple[str, str] | None = None  # a change to the inventory: what stands there, and what instead


class Watch(threading.Thread):
    """Tries a new connection every second and remembers the longest time without one."""

    def __init__(self, instance: Instance, host: str) -> None:
        super().__init__(daemon=True)
        self.command = virtual_machines.ssh_command(instance, host, "sudo -n true")
        self.command[1:1] = ["-o", "ConnectTimeout=3"]
        self.ended = threading.Event()
        self.last = time.monotonic()
        self.longest = 0.0

    def run(self) -> None:
        """Try until told to end."""
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                code = subprocess.run(self.command, capture_output=True, timeout=15, check=False).returncode
            except subprocess.TimeoutExpired:
                code = 1
            if code == 0:
                self.longest = max(self.longest, time.monotonic() - self.last)
                self.last = time.monotonic()
            self.ended.wait(max(0.0, 1 - (time.monotonic() - began)))


class Run:
    """A run of the playbook against one host."""

    def __init__(self, instance: Instance, host: str, case: Case) -> None:
        self.instance = instance
        self.host = host
        inventory = REPOSITORY / "inventory" / "proof"
        if case.inventory:
            inventory = Path(tempfile.mkdtemp(prefix="inventory-", dir=instance.folder)) / "proof"
            shutil.copytree(REPOSITORY / "inventory" / "proof", inventory)
            for file in inventory.rglob("*.yml"):
                file.write_text(file.read_text(encoding="utf-8").replace(*case.inventory), encoding="utf-8")
        what = ["ansible-playbook", "playbooks/site.yml", "--limit", host] if case.playbook else ["ansible", host]
        self.process = subprocess.Popen(
            [*what, "-i", str(inventory), *case.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "PATUH_LAB_FILES": str(CACHE / "lab")},
            start_new_session=True,
        )
        self.said: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)

    def wait_for(self, words: re.Pattern[str]) -> None:
        """Wait until the run says something."""
        while self.process.poll() is None and not any(words.search(line) for line in self.said):
            time.sleep(0.05)

    def finish(self) -> str:
        """Everything that the run said, once it has ended."""
        self.process.wait()
        self.reader.join(5)
        return "".join(self.said)


LOADING = re.compile(r"TASK \[(firewall : Load|ssh : Configure)")


def kill_controller(run: Run) -> None:
    """Kill the controller at any moment while the change is loaded."""
    run.wait_for(LOADING)
    time.sleep(random.uniform(3, 6))
    os.killpg(run.process.pid, signal.SIGKILL)


def drop_network(run: Run) -> None:
    """Take the workstation off the network for longer than the host waits."""
    run.wait_for(LOADING)
    time.sleep(2)
    # Each server's case has a rule of its own: the network is back when the last has gone.
    number = str(1 + list(run.instance.topology.machines).index(run.host))
    for change, seconds in (("add", 70), ("del", 0)):
        for family in ("-4", "-6"):
            rule = ["ip", family, "rule", change, "pref", number, "blackhole"]
            run_as_root(["ip", "netns", "exec", run.instance.peer_namespace("workstation"), *rule])
        time.sleep(seconds)


def power_off(run: Run) -> None:
    """Take the power away while the change waits to be confirmed, and give it back."""
    run.wait_for(LOADING)
    time.sleep(4)
    virtual_machines.monitor(run.instance, run.host, "system_reset")


def second_administrator(run: Run) -> None:
    """Somebody else applies at the same time."""
    run.wait_for(re.compile(r"TASK \[accounts"))
    other = Run(run.instance, run.host, Case("", ("--tags", "ssh"), ""))
    run.said.append(f"second administrator: {other.finish()}")


RESTORED = r"no new connection succeeds|was not kept"
CASES = [
    Case(
        "the firewall does not admit the controller",
        ("--tags", "firewall", "-e", '{"firewall_workstations": ["10.31.30.99"]}'),
        RESTORED,
    ),
    Case("the firewall admits SSH on another port", ("--tags", "firewall", "-e", "firewall_ssh_port=2222"), RESTORED),
    Case(
        "sshd refuses the controller's user",
        ("--tags", "ssh", "-e", '{"ssh_administrators": ["admin-a"]}'),
        RESTORED,
    ),
    Case(
        "sshd refuses the controller's address",
        ("--tags", "ssh", "-e", '{"ssh_workstations": ["10.31.30.99"]}'),
        RESTORED,
    ),
    Case(
        "sshd offers nothing that the controller knows",
        (
            *("--tags", "ssh", "-e"),
            '{"ssh_kex_algorithms": {"bookworm": ["diffie-hellman-group1-sha1"], '
            '"trixie": ["diffie-hellman-group1-sha1"]}}',
        ),
        RESTORED,
    ),
    Case(
        "sshd would not start with its configuration",
        ("--tags", "ssh", "-e", '{"ssh_kex_algorithms": {"bookworm": ["no-such"], "trixie": ["no-such"]}}'),
        r"sshd -t' refuses the change",
    ),
    Case(
        "sshd would not start: a vendor's file, which waits for a reload, names an address that the server lacks",
        ("--tags", "ssh"),
        r"sshd would start at no address",
        before="echo 'ListenAddress 192.0.2.9' >/etc/ssh/sshd_config.d/90-vendor.conf",
    ),
    Case(
        "the SSH port changes: a vendor's file, which waits for a reload, names another",
        ("--tags", "ssh"),
        r"sshd listens on port 22 now",
        before="echo 'Port 2222' >/etc/ssh/sshd_config.d/90-vendor.conf",
    ),
    Case(
        "PAM lets nobody in",
        ("--tags", "os_hardening", "-e", "os_hardening_session_timeout_seconds=600"),
        RESTORED,
        before="printf 'Name: vendor\\nDefault: yes\\nPriority: 2000\\nAccount-Type: Primary\\n"
        "Account:\\n\\trequisite pam_deny.so\\n' >/usr/share/pam-configs/vendor",
    ),
    Case(
        "sudo's rules would be broken: a vendor's file has a mistake",
        ("--tags", "os_hardening", "-e", "os_hardening_banner=x"),
        r"visudo -c' refuses the change",
        before="printf 'Defaults use_pty (\\n' >/etc/sudoers.d/vendor; chmod 440 /etc/sudoers.d/vendor",
    ),
    Case(
        "the administrators' list omits the user who runs the play",
        ("--tags", "ssh"),
        r"the SSH server would shut it out",
        inventory=("patuh_automation_account: patuh", "patuh_automation_account: other"),
    ),
    Case(
        "the controller is killed between load and confirmation",
        ("--tags", "firewall", "-e", "firewall_ssh_port=2222"),
        "",
        disturb=kill_controller,
    ),
    Case(
        "the controller is killed between load and confirmation, and sshd refuses it",
        ("--tags", "ssh", "-e", '{"ssh_workstations": ["10.31.30.99"]}'),
        "",
        disturb=kill_controller,
    ),
    Case(
        "the power fails between load and confirmation, and sshd refuses the controller",
        ("--tags", "ssh", "-e", '{"ssh_workstations": ["10.31.30.99"]}'),
        "",
        disturb=power_off,
    ),
    Case(
        "the network drops between load and confirmation",
        ("--tags", "firewall", "-e", "firewall_ssh_port=2222"),
        RESTORED,
        disturb=drop_network,
    ),
    Case(
        "the power fails between load and confirmation",
        ("--tags", "firewall", "-e", "firewall_ssh_port=2222"),
        "",
        disturb=power_off,
    ),
    Case(
        "two administrators apply at once",
        ("--tags", "accounts,ssh,firewall"),
        r"This host is being changed by another run",
        disturb=second_administrator,
        kept=True,
    ),
]


def state(instance: Instance, host: str) -> str:
    """The effective state of what could lock somebody out."""
    command = virtual_machines.ssh_command(instance, host, "sudo -n sh -s")
    return subprocess.run(command, input=STATE, capture_output=True, text=True, check=False).stdout


@dataclass(frozen=True)
class Outcome:
    """What a case did to a host: the longest time without a connection, who said what, and what is wrong."""

    seconds: float
    said: str
    wrong: str


def _sentence(pattern: str, text: str) -> str:
    """From what a pattern matches to the end of its sentence; empty without a match."""
    found = re.search(f"(?:{pattern}).*?(?:\\.(?= |$)|$)", text)
    return found.group(0)[:200] if found else ""


def guard_said(instance: Instance, host: str) -> str:
    """The last words of the guard in the host's journal."""
    command = virtual_machines.ssh_command(instance, host, "sudo -n journalctl -q -t patuh-guard -o cat -n 1")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def try_case(instance: Instance, host: str, case: Case) -> Outcome:
    """Do a case on a host."""
    prepare = virtual_machines.ssh_command(instance, host, "sudo -n sh -s")
    subprocess.run(prepare, input=case.before, capture_output=True, text=True, check=True)
    old = state(instance, host)
    watch = Watch(instance, host)
    watch.start()
    run = Run(instance, host, case)
    if case.disturb:
        case.disturb(run)
    said = run.finish()
    # A countdown may still run: what counts is the state once every change is decided.
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline and (state(instance, host) != old or time.monotonic() - watch.last > 5):
        time.sleep(2)
    watch.ended.set()
    watch.join()
    longest = max(watch.longest, time.monotonic() - watch.last)
    wrong = []
    if longest > SECONDS_MAX:
        wrong.append("not reachable in time")
    if state(instance, host) != old:
        wrong.append("the old state is not back")
    told = (
        f"“{_sentence(case.says, ' '.join(said.split()))}”" if case.says else f"journal: “{guard_said(instance, host)}”"
    )
    if "“”" in told:
        wrong.append(f"said: {' '.join(said.split())[-600:]}")
    if run.process.returncode == 0 and not case.kept:
        wrong.append("the run succeeded")
    return Outcome(longest, told, "; ".join(wrong))


@click.command()
@click.option("--only", default="", help="Only cases with these words; the others keep their rows.")
def main(only: str) -> None:
    """Try to lock ourselves out."""
    steps, instance = Steps(), Instance("proof")
    proof = Proof(instance, REPOSITORY / "inventory" / "proof", steps)
    proof.prepare()
    rows = []
    bad = 0
    for case in CASES:
        if only not in case.name:
            continue
        steps(case.name)
        proof.restore()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            # A case that takes the network away takes it from both.
            found = list(pool.map(lambda host, case=case: try_case(instance, host, case), proof.hosts))
        wrong = "; ".join(f"{host}: {one.wrong}" for host, one in zip(proof.hosts, found, strict=True) if one.wrong)
        bad += bool(wrong)
        good = "the first run's change is kept" if case.kept else "the old state"
        rows.append((case.name, *(f"{one.seconds:.0f} s" for one in found), found[0].said, wrong or good))
        print(row(*rows[-1]), flush=True)
    if not bad:
        tried = {one[0]: one for one in [*rows_of("lockout"), *(list(map(str, one)) for one in rows)]}
        publish(
            "lockout",
            "Nobody is locked out",
            "Done by the real playbook on virtual machines that complied, from the workstation that the firewall\n"
            "admits. The times are the longest without a new connection that became root; without any trouble it is\n"
            "4 s or so under emulation. At the end of each case the SSH, PAM, sudo and firewall configuration, in its\n"
            "files and in force, was compared with what it had been.",
            table(
                ("what was done", *proof.hosts, "who said what", "at the end"),
                [tried[case.name] for case in CASES if case.name in tried],
            ),
        )
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
