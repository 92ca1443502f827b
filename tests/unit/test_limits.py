"""An interrupted check, a full disk, a report that fails, a flood: what is known is kept, and one message says so."""

from __future__ import annotations

import io
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from commands.apply import Watcher
from commands.common import Steps, write_reports
from commands.restore import answer
from compliance.assess import HOST_CHARACTERS_MAX, HOST_OBSERVATIONS_MAX
from compliance.assessment import Assessment, Finding, Observation, Reason, Status, read
from compliance.checking import within_budget
from compliance.errors import InvalidInput, PatuhError
from reports import html, junit, metrics, ohdf, oscal, pdf, sarif, site, spreadsheet, terminal
from reports.presentation import LANGUAGES, View
from tests.unit.samples import sample

REPOSITORY = Path(__file__).resolve().parents[2]


def patuh(*arguments: str, cwd: Path, path: str = "", **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "commands", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": f"{path}:/usr/bin:/bin:/usr/sbin", "HOME": str(cwd)},
        **options,
    )


def test_an_interrupted_check_ends_within_two_seconds_and_keeps_what_it_knows(tmp_path: Path) -> None:
    """One server hangs in a command, with a child of its own; the other has taken the connection and says nothing."""
    stub = tmp_path / "bin" / "systemctl"
    stub.parent.mkdir()
    stub.write_text(f"#!/bin/sh\nsleep 300 &\necho $! >{tmp_path}/hangs\nwait\n")
    stub.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        inventory = tmp_path / "inventory"
        shutil.copytree(REPOSITORY / "inventory" / "lab", inventory)
        (inventory / "host_vars").mkdir(exist_ok=True)
        port = mute.getsockname()[1]
        for name, connection in {
            "web01": "ansible_connection: local\n",
            "db01": f"ansible_host: 127.0.0.1\nansible_port: {port}\n",
        }.items():
            (inventory / "host_vars" / f"{name}.yml").write_text(connection)
        limits = ["--limit", "web01", "--limit", "db01"]
        # What a shell starts in the background ignores Ctrl-C, and hands that on to whatever it starts.
        run = patuh(
            *("check", "-i", str(inventory), *limits),
            cwd=tmp_path,
            path=str(stub.parent),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        until = time.monotonic() + 60
        while not (tmp_path / "hangs").exists() or not (tmp_path / "hangs").read_text().strip():
            assert run.poll() is None, run.communicate()
            assert time.monotonic() < until
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, err = run.communicate(timeout=60)
        assert time.monotonic() - began < 2
    assert run.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not (tmp_path / "output").exists()
    known = read(tmp_path / "output-partial" / "assessment.json")
    assert not known.complete
    unasked = [one for one in known.findings if one.host == "db01"]
    assert {one.reason.message for one in unasked if one.reason} == {"interrupted"}
    left = Path(f"/proc/{int((tmp_path / 'hangs').read_text())}/stat")
    # Ended, and at most yet to be collected by its new parent.
    assert not left.exists() or left.read_text().rpartition(")")[2].split()[0] == "Z"
    page = write_reports(known, tmp_path / "again", "id").read_text(encoding="utf-8")
    assert View("id", known).say("interrupted") in page


def test_an_incomplete_assessment_says_so_in_every_report(tmp_path: Path) -> None:
    assessment = sample().model_copy(update={"complete": False})
    for language in LANGUAGES:
        words = View(language, assessment).say("interrupted")
        path = tmp_path / "report.pdf"
        path.write_bytes(pdf.render(assessment, language))
        first = ["pdftotext", "-l", "1", str(path), "-"]
        printed = subprocess.run(first, capture_output=True, text=True, check=True).stdout
        screen = io.StringIO()
        terminal.show(assessment, Console(file=screen, width=200), language)
        for text in (
            printed,
            html.render(assessment, language),
            screen.getvalue(),
            junit.render(assessment, language).decode(),
            sarif.render(assessment, language).decode(),
            ohdf.render(assessment, language).decode(),
            oscal.render(assessment, language)["assessment-results.json"].decode(),
            spreadsheet.render_csv(assessment, language).decode(),
        ):
            assert words in " ".join(text.split())
        assert words in spreadsheet.rows(assessment, language)[0][1]
    assert 'patuh_assessment_complete{fleet="Kota Contoh observed"} 0' in metrics.render(assessment).decode()


def test_an_assessment_of_before_is_complete() -> None:
    document = json.loads(sample().document)
    del document["complete"]
    assert Assessment.model_validate(document).complete


def test_a_report_that_fails_is_named_and_the_others_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reports(sample(), tmp_path, "id")
    real = pdf.render

    def fails(assessment: Assessment, language: Any = "id") -> bytes:
        if language == "id":
            raise ArithmeticError("\x1b[31m1e30")
        return real(assessment, language)

    monkeypatch.setattr("reports.pdf.render", fails)
    newer = sample("newer")
    with pytest.raises(InvalidInput, match=r"report\.id\.pdf: could not be made: ArithmeticError: .\[31m1e30"):
        write_reports(newer, tmp_path, "id")
    assert not (tmp_path / "report.id.pdf").exists()
    assert read(tmp_path / "assessment.json") == newer
    assert newer.digest in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert {"report.en.pdf", "findings.xlsx", "oscal"} <= {path.name for path in tmp_path.iterdir()}


def _no_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize("place", ["output", "/proc/nowhere/output", "a-file/output"])
def test_a_place_without_room_is_told_before_the_check(place: str, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")
    room = _no_room if place == "output" else None
    began = time.monotonic()
    run = patuh("check", "--local", "-o", place, cwd=tmp_path, preexec_fn=room)
    _, err = run.communicate(timeout=120)
    assert time.monotonic() - began < 60
    assert run.returncode == 2
    assert f"patuh: {place}: cannot be written: " in err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


def test_a_disk_that_fills_up_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "output"
    write_reports(sample(), folder, "id")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (tmp_path / "new.json").write_bytes(sample("new").document)
    size = (tmp_path / "new.json").stat().st_size + 1000

    def room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    run = patuh("report", "new.json", "-o", "output", cwd=tmp_path, preexec_fn=room)
    _, err = run.communicate(timeout=120)
    assert run.returncode == 2
    assert "output/assessment.json: cannot be written: " in err
    assert "Traceback" not in err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert not list(folder.glob(".*"))


def test_reports_are_their_owners_alone_until_they_are_published(tmp_path: Path) -> None:
    folder = tmp_path / "output"
    write_reports(sample(), folder, "id")
    assert {path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*")) if path.is_dir()} == {0o700}
    # A folder that others may use, too, stays as it is; the reports in it are their owner's.
    folder.chmod(0o1777)
    write_reports(sample(), folder, "id")
    assert folder.stat().st_mode & 0o7777 == 0o1777
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}
    before = os.umask(0o077)
    try:
        site.publish(folder, tmp_path / "site")
    finally:
        os.umask(before)
    served = [tmp_path / "site", *(tmp_path / "site").rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in served if path.is_dir()} == {0o755}
    assert {path.stat().st_mode & 0o777 for path in served if path.is_file()} == {0o644}


FINDINGS = st.lists(
    st.lists(st.tuples(st.text(max_size=20), st.booleans()), max_size=30).map(
        lambda seen: Finding(
            control="a.b",
            host="h",
            status=Status.FAIL,
            observations=[Observation(subject=text, expected="", observed="", holds=holds) for text, holds in seen],
        )
    ),
    max_size=8,
)


@settings(max_examples=200)
@given(FINDINGS, st.integers(0, 60), st.integers(0, 400))
def test_a_budget_is_kept_and_what_holds_goes_first(found: list[Finding], most: int, characters: int) -> None:
    kept = within_budget(found, most, characters)
    seen = [one for finding in kept for one in finding.observations]
    assert len(seen) <= most or not sum(finding.left_out for finding in kept)
    for before, after in zip(found, kept, strict=True):
        assert len(after.observations) + after.left_out == len(before.observations)
        assert after.status is before.status
    if any(finding.left_out for finding in kept):
        assert sum(len(one.subject) for one in seen) <= characters
        assert len(seen) <= most
        bad = sum(not one.holds for finding in found for one in finding.observations)
        assert not any(one.holds for one in seen) or sum(not one.holds for one in seen) == bad


def test_a_flood_of_one_server_is_cut_and_every_reader_is_told() -> None:
    flood = [Observation(subject="s" * 600, expected="e" * 600, observed="o" * 600, holds=False)] * 200
    assessment = sample()
    controls = list(dict.fromkeys(one.control for one in assessment.findings if one.host == "web01"))[:16]
    flooded = [
        one.model_copy(update={"observations": flood}) if one.host == "web01" and one.control in controls else one
        for one in assessment.findings
    ]
    kept = within_budget([one for one in flooded if one.host == "web01"], HOST_OBSERVATIONS_MAX, HOST_CHARACTERS_MAX)
    assert (
        sum(len(o.subject + o.expected + o.observed) for one in kept for o in one.observations) <= HOST_CHARACTERS_MAX
    )
    assert all(one.observations for one in kept if one.control in controls)
    cut = assessment.model_copy(update={"findings": [*kept, *(one for one in flooded if one.host != "web01")]})
    view = View("en", cut)
    left_out = sum(one.left_out for one in kept)
    assert left_out >= 16 * 200 - HOST_CHARACTERS_MAX // 1800
    assert f"{left_out} observations are left out" in " ".join(view.verdict)
    assert "observations are left out" in html.render(cut)
    assert len(pdf.render(cut)) < 3_000_000


def test_each_silent_server_is_named_once_with_its_own_reason() -> None:
    assessment = sample(hosts=("web01", "db01", "mail01"))
    reasons = {"db01": "Connection refused", "mail01": "Host key verification failed."}
    hosts = [
        host.model_copy(update={"answered": host.name not in reasons, "silence": reasons.get(host.name)})
        for host in assessment.hosts
    ]
    findings = [
        one.model_copy(
            update={
                "status": Status.ERROR,
                "observations": [],
                "reason": Reason(message="host-silent", values={"detail": reasons[one.host]}),
            }
        )
        if one.host in reasons
        else one
        for one in assessment.findings
    ]
    screen = io.StringIO()
    silent = assessment.model_copy(update={"hosts": hosts, "findings": findings})
    terminal.show(silent, Console(file=screen, width=200), "en", every_finding=True)
    for name, reason in reasons.items():
        assert screen.getvalue().count(reason) == 1
        assert f"{name}: the server did not answer: {reason}" in screen.getvalue()
    assert "2 of 3 servers did not answer: db01, mail01." in View("en", silent).verdict


ESCAPES = "\x1b]0;owned\x07\x9b2J\r\u202e"


def steers(text: str) -> bool:
    return any(not sign.isprintable() and sign != "\n" for sign in text)


def test_what_a_playbook_says_of_a_server_does_not_steer_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    watcher = Watcher(Steps())
    for event in (
        {"event": "playbook_on_task_start", "event_data": {"task": ESCAPES}},
        {"event": "runner_on_ok", "event_data": {"host": "h", "task": "t", "res": {"warnings": [ESCAPES]}}},
        {"event": "runner_on_failed", "event_data": {"host": "h", "task": "t", "res": {"msg": ESCAPES}}},
        {"event": "runner_on_unreachable", "event_data": {"host": "i", "task": "t", "res": {"stderr": ESCAPES}}},
        {"event": "error", "stdout": ESCAPES},
    ):
        watcher(event)
    out, err = capfd.readouterr()
    assert "owned" in err
    assert not steers(out + err)
    assert not steers("".join([*watcher.failed.values(), *watcher.words]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "ssh.keys-only", "--assessment", "hostile.json"],
        ["history", "hostile.json"],
        ["compare", "hostile.json", "hostile.json"],
        ["report", "hostile.json", "-o", "again"],
        ["report", "of-a-server.json"],
        ["verify", "again", "--signers", f"{ESCAPES}"],
        ["restore", ESCAPES, "files", "-i", str(REPOSITORY / "inventory" / "lab")],
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_no_command_lets_a_servers_words_steer_the_terminal(arguments: list[str], tmp_path: Path) -> None:
    document = sample(hosts=("web01",)).document.decode()
    spoilt = document.replace("observed", json.dumps(ESCAPES)[1:-1])
    (tmp_path / "hostile.json").write_text(spoilt, encoding="utf-8")
    (tmp_path / "of-a-server.json").write_text(json.dumps({ESCAPES: 1}), encoding="utf-8")
    out, err = patuh(*arguments, cwd=tmp_path).communicate(timeout=120)
    assert out + err
    assert not steers(out + err)
    assert "Traceback" not in err


ENTRY: dict[str, Any] = {
    "when": "2026-02-28T20:30:00+00:00",
    "seconds": 95,
    "kind": "files",
    "ok": True,
    "medium": "6b2f-0d1e",
    "archives": [{"archive": "a", "files": 2, "bytes": 1_500_000}],
}


CHANGES: list[dict[str, Any]] = [
    {"when": "0001-01-01T00:00:00+00:00"},
    {"when": "9999-12-31T23:59:59+00:00"},
    {"when": "2026-02-28T20:30:00"},
    {"when": 5},
    {"seconds": 1e30},
    {"seconds": -1},
    {"seconds": "95"},
    {"kind": "everything"},
    {"ok": "yes"},
    {"ok": 1},
    {"archives": []},
    {"archives": {}},
    {"archives": [{"archive": ESCAPES, "files": "2", "bytes": 1}]},
    {"archives": [{"archive": "a", "files": 2, "bytes": float("inf")}]},
    {"archives": [{"archive": "a" * 1000, "files": 2, "bytes": 2}]},
    {"medium": None},
    {"medium": ""},
]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        "\x1b[2J",
        "[" * 60_000,
        "\udcff",
        '{"ok": ' + "9" * 5000 + "}",
        *(json.dumps(ENTRY | one) for one in CHANGES),
    ],
)
def test_a_restore_that_answers_garbage_is_one_clear_error(text: str) -> None:
    with pytest.raises(PatuhError, match=r"^web01: its answer about the restore is not understood: ") as told:
        answer(text, "web01")
    assert not steers(str(told.value))


def test_what_a_restore_says_of_its_failure_is_shortened_and_printable() -> None:
    said = answer(json.dumps(ENTRY | {"ok": False, "archives": [], "error": ESCAPES * 1000}), "web01")
    assert not steers(said.error)
    assert len(said.error) == 300
