"""Nobody is locked out: changes that would shut the controller out, made by the real playbook on virtual machines.

``python -m tests.lockout`` starts from the proof's compliant servers, does each case on both, and keeps a table in
``docs/lockout.md``: what was done, how long no new connection was possible, and what the run said. A case is good when
the server is reachable again within 90 seconds and has its old state back.
"""

from __future__ import annotations

import concurrent.futures
import difflib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from commands.common import REPOSITORY, Steps
from compliance.errors import PatuhError
from lab import virtual_machines
from lab.topology import CACHE, Instance, as_root, run_as_root
from tests.proof.__main__ import Proof
from tests.published import publish, row, rows_of, table

SECONDS_MAX = 90
# What a lock-out could come from, in its effective form; times and counters left out. Units by their links: systemd 252
# takes half a minute under emulation to tell which are enabled, and its caller waits 25 s.
STATE = """
cat /etc/ssh/sshd_config.d/* /etc/pam.d/* /etc/sudoers /etc/sudoers.d/* /etc/patuh/firewall.nft
sshd -T; nft -s list table inet patuh; ls -A /var/lib/patuh/guard
sysctl -a 2>/dev/null | grep -E '^(kernel[.](kptr|dmesg|yama|sysrq)|net[.].*[.](rp_filter|accept_ra|forwarding) )'
for path in /tmp /dev/shm /proc; do findmnt -n -o TARGET,OPTIONS "$path"; done
find /etc/systemd/system -type l -printf '%p %l\n' | sort; systemctl is-active ssh patuh-firewall
echo whole
"""
# The workstation's packets come in by eth0, and answers leave by a second way: strict filtering would drop the first.
# Each way answers for its own address alone, or the gateway may learn the second's for the first.
SECOND_WAY = """
sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
ip link add way1 link eth0 type macvlan mode bridge
for way in all default eth0 way1; do sysctl -qw "net.ipv4.conf.$way.rp_filter=2"; done
own=$(ip -4 -o address show dev eth0 | sed 's#.*inet [0-9.]*[.]\\([0-9]*\\)/.*#\\1#')
ip address add "10.31.10.1$own/24" dev way1 && ip link set way1 up
ip route replace 10.31.30.0/24 via 10.31.10.1 dev way1
"""
# IPv6 as many server rooms have it: the gateway is only known from the router's advertisements.
ADVERTISED = """
while ip -6 route delete default 2>/dev/null; do :; done
sysctl -qw net.ipv6.conf.eth0.accept_ra=1
"""
ADVERTISEMENT_SECONDS = 30
# RFC 4861, 4.2: a router that is a default router for so many seconds, told again and again.
ROUTER = f"""
import socket, struct, time
out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
while True:
    advertisement = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, {ADVERTISEMENT_SECONDS}, 0, 0)
    out.sendto(advertisement, ("ff02::1", 0, 0, socket.if_nametoindex("br-dmz")))
    time.sleep(5)
"""
# As soon as a change is armed: whatever needs room to go back would not find any.
FULL_WHEN_ARMED = """
systemd-run --quiet --unit=fill sh -c '
    until ls /var/lib/patuh/guard/* >/dev/null 2>&1; do sleep 0.1; done
    dd if=/dev/zero of=/fill bs=1M; dd if=/dev/zero of=/fill.rest bs=1'
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
    changes: str = ""  # a pattern of the lines of the state that the change is meant to change


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
        # OpenSSH's own word when the master of shared connections ends in between.
        return "".join(line for line in self.said if not line.startswith("mux_client_request_session"))


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


def advertise(run: Run) -> None:
    """Advertise a gateway for IPv6 for as long as the run lasts and an advertisement holds after it."""
    namespace = ["ip", "netns", "exec", run.instance.router_namespace]
    router = subprocess.Popen(as_root([*namespace, sys.executable, "-c", ROUTER]), stdin=subprocess.DEVNULL)
    try:
        run.process.wait()
        time.sleep(2 * ADVERTISEMENT_SECONDS)
        machine = run.instance.topology.machines[run.host]
        address = run.instance.topology.segments[machine.segment].address6(machine.host_number)
        knock = ["ip", "netns", "exec", run.instance.peer_namespace("workstation"), "ssh-keyscan", "-T", "10", address]
        answer = subprocess.run(as_root(knock), capture_output=True, text=True, check=False).stdout
        run.finish()
        run.said.append(f"By IPv6 sshd {'answers' if answer else 'does not answer'} a minute later.")
    finally:
        run_as_root(["kill", str(router.pid)])
        router.wait()


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
        "the disk is full as soon as the change is armed, and sshd refuses the controller",
        ("--tags", "ssh", "-e", '{"ssh_workstations": ["10.31.30.99"]}'),
        RESTORED,
        before=FULL_WHEN_ARMED,
    ),
    Case(
        "a server with two ways, and reverse-path filtering is made strict by hand",
        ("--tags", "os_hardening", "-e", '{"os_hardening_reverse_path_filter": 1}'),
        RESTORED,
        before=SECOND_WAY,
    ),
    Case(
        "a server with two ways",
        ("--tags", "os_hardening"),
        r"changed=[1-9]",
        before=SECOND_WAY,
        kept=True,
        changes=r"net\.ipv4\.conf\.\w+\.rp_filter = [12]$",
    ),
    Case(
        "a server whose gateway for IPv6 is only known from advertisements",
        ("--tags", "os_hardening"),
        r"By IPv6 sshd answers",
        before=ADVERTISED,
        disturb=advertise,
        kept=True,
    ),
    Case(
        "a gateway that is not declared as one",
        ("--tags", "os_hardening"),
        r"This host forwards packets",
        before="ip link add way2 type bridge; ip address add 10.99.0.1/24 dev way2; ip link set way2 up;"
        " sysctl -qw net.ipv4.ip_forward=1",
    ),
    Case(
        "Debian's own service loads its rules (systemctl reload nftables)",
        (
            "-b",
            "-m",
            "raw",
            "-a",
            "systemctl start nftables; systemctl reload nftables; sleep 1; "
            "nft list table inet patuh >/dev/null && echo the table is there",
        ),
        r"the table is there",
        kept=True,
        playbook=False,
    ),
    Case(
        "another program throws all rules away (nft flush ruleset)",
        ("-b", "-m", "raw", "-a", "nft flush ruleset && echo flushed"),
        r"flushed",
        kept=True,
        playbook=False,
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
    """The effective state of what could lock somebody out; cut short where the server cannot tell all of it."""
    command = virtual_machines.ssh_command(instance, host, "sudo -n sh -s")
    return subprocess.run(command, input=STATE, capture_output=True, text=True, check=False).stdout


def whole_state(instance: Instance, host: str) -> str:
    """The same of a server that may be busy, as just after it was set back."""
    deadline = time.monotonic() + SECONDS_MAX
    while not (said := state(instance, host)).endswith("whole\n"):
        if time.monotonic() > deadline:
            raise PatuhError(f"{host} does not tell its state: {said[-200:]!r}", mend="look at it: './patuh lab shell'")
        time.sleep(2)
    return said


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
    old = whole_state(instance, host)
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
    if (now := state(instance, host)) != old:
        differences = [
            line
            for line in difflib.ndiff(old.splitlines(), now.splitlines())
            if line[0] in "+-" and not (case.changes and re.match(case.changes, line[2:]))
        ]
        if differences:
            wrong.append(f"the old state is not back ({' '.join(' / '.join(differences).split())[:300]})")
    told = (
        f"“{_sentence(case.says, ' '.join(said.split()))}”" if case.says else f"journal: “{guard_said(instance, host)}”"
    )
    if "“”" in told:
        wrong.append(f"said: {' '.join(said.split())[-600:]}")
    if run.process.returncode == 0 and not case.kept:
        wrong.append("the run succeeded")
    return Outcome(longest, told, "; ".join(wrong))


def _publish(new: tuple[str, ...], hosts: list[str]) -> None:
    """Put a case's row in the table, where the others keep theirs."""
    tried = {one[0]: one for one in [*rows_of("lockout"), list(new)]}
    publish(
        "lockout",
        "Nobody is locked out",
        "Done by the real playbook on virtual machines that complied, from the workstation that the firewall\n"
        "admits. The times are the longest without a new connection that became root; without any trouble it is\n"
        "4 s or so under emulation. At the end of each case the SSH, PAM, sudo and firewall configuration, in its\n"
        "files and in force, the network's and the kernel's settings as they run, mounts and units were compared\n"
        "with what they had been.",
        table(
            ("what was done", *hosts, "who said what", "at the end"),
            [tried[case.name] for case in CASES if case.name in tried],
        ),
    )


@click.command()
@click.option("--only", multiple=True, help="Only cases with these words; the others keep their rows.")
def main(only: tuple[str, ...]) -> None:
    """Try to lock ourselves out."""
    steps, instance = Steps(), Instance("proof")
    proof = Proof(instance, REPOSITORY / "inventory" / "proof", steps)
    proof.prepare()
    bad = 0
    for case in CASES:
        if only and not any(words in case.name for words in only):
            continue
        steps(case.name)
        proof.restore()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            # A case that takes the network away takes it from both.
            found = list(pool.map(lambda host, case=case: try_case(instance, host, case), proof.hosts))
        wrong = "; ".join(f"{host}: {one.wrong}" for host, one in zip(proof.hosts, found, strict=True) if one.wrong)
        bad += bool(wrong)
        good = "as it was meant to be" if case.kept else "the old state"
        new = (case.name, *(f"{one.seconds:.0f} s" for one in found), found[0].said, wrong or good)
        print(row(*new), flush=True)
        if not wrong:  # at once, for all of them take more than an hour
            _publish(new, proof.hosts)
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
