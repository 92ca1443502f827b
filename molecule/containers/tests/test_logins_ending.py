"""Who is going to lose the way in is told beforehand; who has lost it already is not told again."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from test_modules import HOSTS, ansible

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIACUP/XNsyPCLosiN8lYLV3X1eHyYN9jtq/3OnbqTdhs"
OURS = "/etc/ssh/sshd_config.d/00-patuh.conf"
# The journal is real; the words are sshd's own, of logins that a converged server does not allow any more.
LOGINS = """
useradd -m -s /bin/bash trial-b; install -d -m 700 ~trial-b/.ssh
say() { logger -t sshd -- "Accepted $*"; }
say password for trial-a from 192.0.2.9 port 5 ssh2
say publickey for trial-a from 192.0.2.9 port 5 ssh2: ECDSA SHA256:abc
say publickey for trial-a from 192.0.2.9 port 5 ssh2: ED25519 SHA256:def
say password for trial-vendor from 192.0.2.9 port 5 ssh2
"""


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> Iterator[str]:
    name = str(request.param)
    ansible(name, "raw", f"{LOGINS}echo '{KEY}' >~trial-b/.ssh/authorized_keys")
    yield name
    ansible(name, "raw", f"userdel -r trial-b 2>/dev/null; [ ! -e {OURS}.off ] || mv {OURS}.off {OURS}; true")


def ending(host: str) -> str:
    arguments = {
        "administrators": [{"name": "trial-a", "keys": [f"{KEY} trial-a"]}],
        "automation_account": "patuh",
        "workstations": ["10.31.30.10"],
    }
    return ansible(host, "logins_ending", json.dumps(arguments))


def test_those_who_will_be_shut_out_are_named_with_the_reasons(host: str) -> None:
    ansible(host, "raw", f"[ ! -e {OURS} ] || mv {OURS} {OURS}.off")
    said = ending(host)
    for reason in ("came with a password", "type ECDSA", "not declared (SHA256:def)", "no declared workstation"):
        assert reason in said, reason
    for name in ("trial-vendor", "trial-b"):
        assert f"{name}:" in said, name
    assert "changed: false" in said


def test_those_who_are_shut_out_today_are_not_named(host: str) -> None:
    ansible(host, "raw", f"[ -e {OURS} ] || echo 'AllowUsers patuh' >{OURS}")
    said = ending(host)
    assert "trial-" not in said
