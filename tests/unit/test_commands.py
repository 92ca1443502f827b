"""The command line: help everywhere, and mistakes end in one clear message and a status that is not zero."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest

from commands.apply import Watcher, log_changes
from commands.common import Steps
from commands.restore import answer, as_record
from compliance import fleet
from compliance.catalogue import default_catalogue
from compliance.evidence import store
from compliance.evidence.kinds import ConfigurationChange, Restore
from tests.unit.samples import filled_example

REPOSITORY = Path(__file__).resolve().parents[2]


def patuh(*arguments: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "commands", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin:/usr/sbin"},
    )


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["check"],
        ["apply"],
        ["restore"],
        ["report"],
        ["demo"],
        ["test"],
        ["lab"],
        ["lab", "up"],
        ["doctor"],
        ["completion"],
    ],
)
def test_help(command: list[str]) -> None:
    done = patuh(*command, "--help")
    assert done.returncode == 0
    assert "Usage: patuh" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "-i", "nowhere"], "nowhere: there is no such inventory. Copy inventory/example"),
        (["check", "-i", "inventory/lab", "--limit", "web1"], "unknown host 'web1'. Did you mean 'web01'?"),
        (["apply", "-i", "nowhere"], "there is no such inventory"),
        (["restore", "web1", "files"], "unknown host 'web1'. Did you mean 'web01'?"),
        (["report", "nowhere.json"], "nowhere.json: cannot be read"),
        (["report", "pyproject.toml"], "pyproject.toml: is no assessment"),
        (["chekc"], "No such command 'chekc'"),
        (["lab", "ssh", "web99"], "unknown machine"),
    ],
)
def test_mistakes(arguments: list[str], words: str) -> None:
    done = patuh(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_completion_scripts() -> None:
    for shell in ("bash", "zsh", "fish"):
        done = patuh("completion", shell)
        assert "_PATUH_COMPLETE" in done.stdout


def test_a_busy_port_of_the_lab_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from compliance.errors import PatuhError
    from lab.network import check_ports_free
    from lab.topology import Instance

    instance = Instance("test-ports")
    with socket.socket() as other:
        # The lab's own port may be in use: its machines may be up.
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        monkeypatch.setattr(Instance, "ssh_port", lambda self, machine: port)
        other.listen()
        with pytest.raises(PatuhError, match=r"machines\.web01\.ssh_port: port \d+ on 127\.0\.0\.1 is in use"):
            check_ports_free(instance, ["web01"])
    check_ports_free(instance, ["web01"])


def test_a_full_disk_is_told_before_images_are_built(tmp_path: Path) -> None:
    from compliance.errors import PatuhError
    from lab.topology import require_free_space

    with pytest.raises(PatuhError, match=r"only \d+ MB free in .*patuh lab down --purge"):
        require_free_space(tmp_path, 10**9)


def _watched(*events: dict[str, object]) -> Watcher:
    watcher = Watcher(Steps())
    for event in events:
        watcher({"event": "runner_on_ok", "event_data": event})
    return watcher


def test_what_a_playbook_changes_is_logged_server_by_server(tmp_path: Path) -> None:
    loaded = fleet.load(filled_example(tmp_path / "city"), default_catalogue())
    loaded = loaded.model_copy(update={"source": tmp_path})
    watcher = _watched(
        {"host": "portal", "role": "ssh", "task": "Configure", "res": {"changed": True}},
        {"host": "portal", "role": "ssh", "task": "Prove", "res": {"changed": True}},
        {"host": "portal", "role": "firewall", "task": "Load", "res": {"changed": True}},
        {"host": "basisdata", "role": "ssh", "task": "Configure", "res": {"changed": False}},
    )
    log_changes(loaded, watcher, "SPK-7")
    log_changes(loaded, _watched(), "nothing")
    watcher.failed["portal"] = "no"
    log_changes(loaded, watcher, "SPK-8")
    first, second = store.load(store.folder_of(tmp_path)).of(ConfigurationChange)
    assert (first.device, first.substance, first.tested) == ("portal", "SPK-7: ssh, firewall", True)
    assert (second.substance, second.tested) == ("SPK-8: ssh, firewall", False)


ENTRY = {
    "when": "2026-02-28T20:30:00+00:00",
    "seconds": 95,
    "kind": "files",
    "ok": True,
    "medium": "6b2f-0d1e",
    "archives": [{"archive": "a", "files": 2, "bytes": 1_500_000}, {"archive": "b", "files": 1, "bytes": 600_000}],
}


def test_a_drill_is_recorded_in_the_fleets_own_time() -> None:
    record = store.validated(Restore, as_record(answer(json.dumps(ENTRY), "web01"), "web01", "Asia/Makassar", None))
    assert record.began == datetime.datetime(2026, 3, 1, 4, 30)
    assert record.ended == datetime.datetime(2026, 3, 1, 4, 31)
    assert (record.object, record.drill, record.succeeded, record.medium_read) == ("a, b", True, True, True)
    assert record.size is not None
    assert float(record.size) == 2.1
    assert record.verified is not None
    assert "3 berkas" in record.verified


def test_a_restore_in_earnest_that_failed_says_why() -> None:
    failed = {**ENTRY, "ok": False, "error": "no declared medium is present", "archives": []}
    record = store.validated(Restore, as_record(answer(json.dumps(failed), "web01"), "web01", "Asia/Jakarta", "SPK-9"))
    assert (record.drill, record.request, record.succeeded, record.verified) == (False, "SPK-9", False, None)
    assert record.remarks is not None
    assert "no declared medium" in record.remarks
