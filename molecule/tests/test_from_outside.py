"""What the hosts' neighbours can reach: scans by peers that have addresses of their own, and ssh-audit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.topology import Instance, as_root
from lab.virtual_machines import ssh_command

SCANNED = "1-1200,3000-3400,5000-5500,8000-8200,9000-9200,47808"

# By instance of the lab, exactly what its inventory declares: who finds which ports open.
OPEN_TCP = {
    "lab": {
        ("client", "web01"): {80},
        ("client", "db01"): set(),
        ("client", "dns01"): {53},
        ("workstation", "web01"): {22, 80},
        ("workstation", "db01"): {22},
        ("workstation", "dns01"): {22},
    },
    "proof": {
        ("client", "debian12"): {3306},
        ("client", "debian13"): {3306},
        ("workstation", "debian12"): {22},
        ("workstation", "debian13"): {22},
    },
    "containers": {
        ("client", "web02"): {80},
        ("client", "dns02"): {53},
        ("workstation", "web02"): {22, 80},
        ("workstation", "dns02"): {22},
    },
}
# And which server reaches which port of which other one.
REACHED = {
    "lab": [
        ("web01", "db01", 3306, False),
        ("web01", "db01", 22, False),
        ("web01", "dns01", 53, False),
        ("db01", "dns01", 53, True),
        ("dns01", "db01", 3306, True),
        ("dns01", "db01", 22, False),
        ("db01", "web01", 80, True),
        ("db01", "web01", 22, False),
    ],
    "proof": [
        ("debian12", "debian13", 3306, False),
        ("debian13", "debian12", 3306, False),
        ("debian12", "debian13", 22, False),
        ("debian13", "debian12", 22, False),
    ],
    "containers": [
        ("web02", "dns02", 53, False),
        ("web02", "dns02", 22, False),
        ("dns02", "web02", 80, True),
        ("dns02", "web02", 22, False),
    ],
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each pair of the lab that is probed."""
    lab = metafunc.config.getoption("--lab")
    if "peer" in metafunc.fixturenames:
        metafunc.parametrize(("peer", "machine"), sorted(OPEN_TCP[lab]))
    elif "target" in metafunc.fixturenames:
        metafunc.parametrize(("machine", "target", "port", "reached"), REACHED[lab])
    elif "machine" in metafunc.fixturenames:
        metafunc.parametrize("machine", Instance(lab).topology.machines)


def address(instance: Instance, machine: str, version: int) -> str:
    one = instance.topology.machines[machine]
    segment = instance.topology.segments[one.segment]
    return segment.address4(one.host_number) if version == 4 else segment.address6(one.host_number)


@pytest.mark.parametrize("version", [4, 6])
def test_open_ports_are_exactly_those_declared(instance: Instance, peer: str, machine: str, version: int) -> None:
    scan = subprocess.run(
        as_root(
            [
                *("ip", "netns", "exec", instance.peer_namespace(peer), "nmap", "-n", "-Pn", "-sS", "-oG", "-"),
                *("--min-rate", "400", "--max-retries", "2", "--host-timeout", "120s", "-p", SCANNED),
                *(["-6"] if version == 6 else []),
                address(instance, machine, version),
            ]
        ),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Status: Up" in scan
    assert {int(port) for port in re.findall(r"(\d+)/open/tcp", scan)} == OPEN_TCP[instance.name][peer, machine]


def test_connections_between_segments(
    instance: Instance, machine: str, target: str, port: int, *, reached: bool
) -> None:
    probe = f"timeout 5 bash -c 'exec 3<>/dev/tcp/{address(instance, target, 4)}/{port}' 2>/dev/null && echo reached"
    done = subprocess.run(ssh_command(instance, machine, probe), capture_output=True, text=True, check=False)
    assert (done.stdout.strip() == "reached") is reached


def test_ssh_audit_finds_nothing(instance: Instance, machine: str) -> None:
    program = Path(sys.executable).parent / "ssh-audit"
    done = subprocess.run(
        as_root(
            [
                *("ip", "netns", "exec", instance.peer_namespace("workstation")),
                *(str(program), "--json", "--skip-rate-test", address(instance, machine, 4)),
            ]
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)
    bad = [
        (kind, one["algorithm"], level, words)
        for kind in ("kex", "key", "enc", "mac")
        for one in found[kind]
        for level, words in one.get("notes", {}).items()
        if level in ("fail", "warn")
    ]
    assert found["kex"], "ssh-audit saw no key exchange"
    assert not bad
    assert done.returncode == 0
