"""A server room without a network: a bundle is unpacked there, checks a server and shows what would change on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_modules import REPOSITORY

from lab.topology import CACHE, Instance, run_as_root

INSTANCE = Instance("containers")
WORKSTATION = INSTANCE.peer_namespace("workstation")
SERVER = "web02"


@pytest.fixture
def room() -> Iterator[list[str]]:
    """Begins a command on the administrators' workstation, which reaches the servers and nothing else."""
    segments = INSTANCE.topology.segments
    gateway, gateway6 = segments["admin"].address4(1), segments["admin"].address6(1)
    ip = ["ip", "-n", WORKSTATION, "route"]
    ip6 = ["ip", "-n", WORKSTATION, "-6", "route"]
    servers = str(segments["dmz"].ipv4)
    run_as_root([*ip, "replace", servers, "via", gateway])
    run_as_root([*ip, "delete", "default"])
    run_as_root([*ip6, "delete", "default"])
    try:
        yield ["ip", "netns", "exec", WORKSTATION]
    finally:
        run_as_root([*ip, "replace", "default", "via", gateway])
        run_as_root([*ip6, "replace", "default", "via", gateway6])
        run_as_root([*ip, "delete", servers, "via", gateway])


def test_a_bundle_checks_a_server_and_shows_what_would_change_without_a_network(
    room: list[str], tmp_path: Path
) -> None:
    packed = tmp_path / "bundle.tar.gz"
    making = [sys.executable, "-m", "commands", "bundle", "-o", str(packed)]
    subprocess.run(making, cwd=REPOSITORY, check=True, capture_output=True, timeout=300)
    with tarfile.open(packed) as archive:
        archive.extractall(tmp_path / "room", filter="data")
    (patuh,) = (tmp_path / "room").glob("*/patuh")
    inventory = patuh.parent / "inventory" / "city"
    shutil.copytree(REPOSITORY / "inventory" / "containers", inventory)
    machine = INSTANCE.topology.machines[SERVER]
    address = INSTANCE.topology.segments[machine.segment].address4(machine.host_number)
    hosts = (inventory / "hosts.yml").read_text(encoding="utf-8")
    hosts = hosts.replace("ansible_host: 127.0.0.1", f"ansible_host: {address}")
    hosts = hosts.replace(f"ansible_port: {machine.ssh_port}", "ansible_port: 22")
    (inventory / "hosts.yml").write_text(hosts, encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    plain = {"HOME": str(home), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*room, str(patuh), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**plain, "PATUH_LAB_FILES": str(CACHE / "lab")},
            cwd=home,
            timeout=600,
            check=False,
        )

    outside = subprocess.run(
        [*room, sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 443), 5)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Network is unreachable" in outside.stderr
    checked = run("check", "-i", str(inventory), "--limit", SERVER, "-o", str(home / "output"))
    assert checked.returncode in (0, 1), checked.stdout
    # Of some servers, so it does not stand in the place of the whole fleet's.
    assessment = json.loads((home / "output-partial" / "assessment.json").read_text(encoding="utf-8"))
    seen = [one for one in assessment["findings"] if one.get("host") == SERVER and one["status"] == "pass"]
    assert len(seen) > 20, checked.stdout
    shown = run("apply", "-i", str(inventory), "--limit", SERVER, "--tags", "ssh", "--check")
    assert shown.returncode == 0, shown.stdout
    assert os.access(patuh.parent / ".venv" / "bin" / "python", os.X_OK)
