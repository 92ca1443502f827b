"""A proof is void when anything that decides its check changes, and only then."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from compliance import breaking
from compliance.checking import all_checks

REPOSITORY = Path(__file__).resolve().parents[2]
TELL = """
import json
from compliance import breaking
from compliance.checking import all_checks
print(json.dumps({str(one): one.digest for one in breaking.load(known=all_checks())}))
"""


@pytest.fixture(scope="module")
def now() -> dict[str, str]:
    """The digest of every break."""
    return {str(one): one.digest for one in breaking.load(known=all_checks())}


def controls(breaks: Iterable[str]) -> set[str]:
    return {one.partition(":")[0] for one in breaks}


@pytest.mark.parametrize(
    ("file", "old", "new", "void", "not_void"),
    [
        # The check itself.
        (
            "checks/test_backup.py",
            "MONTH = 31",
            "MONTH = 3100",
            {"backup.report"},
            {"backup.encrypted", "ssh.keys-only"},
        ),
        # A helper beside it, made to believe everything.
        (
            "checks/test_backup.py",
            "return isinstance(size, int) and size > 0",
            "return True",
            {"backup.coverage"},
            {"backup.encrypted", "os.login-banner"},
        ),
        # A helper that several areas share.
        ("checks/shared.py", "def unit_runs(", "\ndef unit_runs(", set(), {"os.login-banner"}),
        # A probe, and one that it rests on.
        (
            "probes/sockets.py",
            'if not head.startswith("Netid"):',
            "if False:",
            {"backup.coverage"},
            {"backup.encrypted"},
        ),
        (
            "probes/__init__.py",
            "return int(_run(host, command, arguments, (*yes, *no)).rc) in yes",
            "return True",
            {"os.cron-restricted", "backup.offline-scheduled"},
            set(),
        ),
        # A constant of a probe's.
        (
            "probes/accounts.py",
            '"$6$": "SHA-512",',
            '"$6$": "SHA-512", "$1$": "MD5",',
            {"accounts.password-secrecy"},
            {"ssh.protocol-2"},
        ),
        # What a check decides with must count, how a break is described must not.
        ("breaks/backup.yml", "summary: Everybody can read", "summary: Anybody can read", set(), {"backup.encrypted"}),
        (
            "breaks/backup.yml",
            "run: chmod 644 /etc/patuh/backup",
            "run: chmod 604 /etc/patuh/backup",
            {"backup.encrypted"},
            set(),
        ),
    ],
)
def test_what_is_made_wrong_voids_the_proofs_that_rest_on_it(
    now: dict[str, str], tmp_path: Path, file: str, old: str, new: str, void: set[str], not_void: set[str]
) -> None:
    shutil.copytree(REPOSITORY / "compliance", tmp_path / "compliance", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "compliance" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", TELL],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(tmp_path)},
    )
    then = json.loads(done.stdout)
    assert set(then) == set(now)
    changed = controls(one for one in now if then[one] != now[one])
    assert void <= changed
    assert not not_void & changed


def test_the_digest_is_the_same_whatever_order_sets_have(now: dict[str, str]) -> None:
    for seed in ("1", "2"):
        environment = {"PYTHONPATH": str(REPOSITORY), "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", TELL], cwd=REPOSITORY, capture_output=True, text=True, check=True, env=environment
        )
        assert json.loads(done.stdout) == now
