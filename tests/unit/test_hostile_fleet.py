"""One hostile server in a fleet: it loses its own verdicts, and costs the others and the reports nothing.

The whole way is gone: every command of every check over real pipes to a program that answers what it likes, through the
assessment into every report. The other two servers answer as real ones did.
"""

from __future__ import annotations

import json
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import testinfra.host
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands.common import write_reports
from compliance import assess
from compliance.assessment import Assessment, Finding, Status, read
from compliance.catalogue import default_catalogue
from compliance.connection import PersistentBackend, Shell
from compliance.fleet import LoadedFleet
from tests import recordings
from tests.unit.test_hostile import GARBAGE, SILENCE_IS_GOOD
from tests.unit.test_recorded import recorded_fleet

PROGRAM = Path(__file__).with_name("hostile_server.py")
HOSTILE = "debian14"
REPORTS = {
    *("assessment.json", "report.html", "report.id.pdf", "report.en.pdf", "findings.xlsx", "findings.csv"),
    *("junit.xml", "findings.sarif", "metrics.prom", "ohdf.json"),
    *("oscal/component-definition.json", "oscal/assessment-results.json", "oscal/catalog-jambi-31-2017.json"),
}


@cache
def honest() -> recordings.HostAnswers:
    return recordings.compliant()["debian12"]


@cache
def fleet_of_three() -> LoadedFleet:
    """The recorded fleet, and one more."""
    loaded = recorded_fleet()
    hosts = {**loaded.fleet.hosts, HOSTILE: loaded.fleet.hosts["debian12"]}
    fleet = loaded.fleet.model_copy(update={"hosts": hosts})
    return loaded.model_copy(update={"fleet": fleet, "connections": {name: {} for name in hosts}})


def script(
    answers: recordings.HostAnswers | None = None,
    *,
    otherwise: tuple[int, str, str] = (127, "", "sh: 1: not found"),
    status: str | None = None,
    honest_ones: int = 10**6,
    then: str = "answer",
    pause: float = 0,
    promptly: tuple[str, ...] = (),
) -> dict[str, Any]:
    """What the hostile server does: after so many honest answers of a connection it pauses before each but those that
    it gives promptly, floods, or closes."""
    return {
        "answers": {
            command: (code, *(text.encode("utf-8", "surrogateescape").decode("latin-1") for text in (out, err)))
            for command, (code, out, err) in (honest() if answers is None else answers).items()
        },
        "otherwise": otherwise,
        "status": status,
        "honest": honest_ones,
        "then": then,
        "pause": pause,
        "promptly": promptly,
    }


def with_answer(part: str, said: bytes) -> recordings.HostAnswers:
    """An honest server that answers the commands in which a part occurs in its own way."""
    answers = dict(honest())
    known = [command for command in answers if part in command]
    for command in known or [part]:
        answers[command] = (0, said.decode("utf-8", "surrogateescape"), "")
    return answers


def assessed(folder: Path, does: dict[str, Any], only: list[str] | None = None) -> Assessment:
    path = folder / "script.json"
    path.write_text(json.dumps(does), encoding="ascii")

    def connect(_connection: dict[str, Any], name: str) -> testinfra.host.Host:
        if name != HOSTILE:
            return recordings.replay(name, recordings_of(name))
        return testinfra.host.Host(PersistentBackend(Shell([sys.executable, "-I", str(PROGRAM), str(path)]), name))

    return assess.assess_fleet(fleet_of_three(), default_catalogue(), only, connect=connect)


@cache
def recordings_of(name: str) -> recordings.HostAnswers:
    return recordings.compliant()[name]


def others(assessment: Assessment) -> list[Finding]:
    return [finding for finding in assessment.findings if finding.host not in (None, HOSTILE)]


@cache
def without_it() -> list[Finding]:
    return others(assessed(Path("/tmp"), script(), ["debian12", "debian13"]))


def own(assessment: Assessment) -> list[Finding]:
    return [finding for finding in assessment.findings if finding.host == HOSTILE]


def held(folder: Path, assessment: Assessment) -> None:
    """What holds of every assessment, whatever one server did."""
    assert others(assessment) == without_it()
    planned = {finding.control for finding in without_it()}
    assert {finding.control for finding in own(assessment)} == planned
    page = write_reports(assessment, folder / "output", "id")
    there = {path.relative_to(page.parent).as_posix() for path in page.parent.rglob("*") if path.is_file()}
    assert there >= REPORTS
    assert read(page.parent / "assessment.json") == assessment


DISK = "disk-space.jsonl"
SAR = "Linux 6.1.0 (db01) \t{day} \t_x86_64_\t(2 CPU)\n00:10:01 CPU %user %idle\nAverage: all 1 {idle}\n"
ABSURD: dict[str, tuple[str, bytes]] = {
    "os-release-latin1": ("cat /etc/os-release", b'PRETTY_NAME="D\xe9bian"\n'),
    "serial-never-programmed": ("product_serial", b"\xff\xff\xff\xff\n"),
    "serial-escapes": ("product_serial", b"\x1b]0;owned\x07\n"),
    "disk-1e30": (DISK, b'{"when": "2026-11-21T03:00:00+00:00", "highest_pct": 1e30}\n'),
    "disk-1e308": (DISK, b'{"when": "2026-11-21T03:00:00+00:00", "highest_pct": 1e308}\n'),
    "disk-nan": (DISK, b'{"when": "2026-11-21T03:00:00+00:00", "highest_pct": NaN}\n'),
    "disk-infinity": (DISK, b'{"when": "2026-11-21T03:00:00+00:00", "highest_pct": -Infinity}\n'),
    "disk-400-digits": (DISK, b'{"when": "2026-11-21T03:00:00+00:00", "highest_pct": ' + b"9" * 400 + b"}\n"),
    "disk-5000-digits": (DISK, b'{"when": "2026-11-21T03:00:00+00:00", "highest_pct": ' + b"9" * 5000 + b"}\n"),
    "disk-year-1": (DISK, b'{"when": "0001-01-01T00:00:00+14:00", "highest_pct": 1}\n'),
    "disk-year-9999": (DISK, b'{"when": "9999-12-31T23:59:59+00:00", "highest_pct": 1}\n'),
    "disk-lists": (DISK, b"[]\n" + b"[" * 60_000),
    "memory-400-digits": ("lsmem", b"Total online memory:  " + b"9" * 400 + b"\n"),
    "memory-5000-digits": ("lsmem", b"Total online memory:  " + b"9" * 5000 + b"\n"),
    "disks-400-digits": ("lsblk", b'{"blockdevices": [{"name": "sda", "type": "disk", "size": ' + b"9" * 400 + b"}]}"),
    "disks-1e400": ("lsblk", b'{"blockdevices": [{"name": "sda", "type": "disk", "size": 1e400}]}'),
    "log-year-1": ("maintenance.jsonl", b'{"when": "0001-01-01T00:00:00", "who": "a", "what": "b", "why": "c"}\n'),
    "log-year-9999": ("maintenance.jsonl", b'{"when": "9999-12-31T23:59:59Z", "who": "a", "what": "b", "why": "c"}\n'),
    "sar-absurd": ("sar -u", SAR.format(day="0001-01-01", idle="-1e300").encode()),
    "booted-9999": ("uptime -s", b"9999-99-99 99:99:99\n"),
}


@pytest.mark.parametrize("case", ABSURD)
def test_an_absurd_answer_costs_nobody_anything(case: str, tmp_path: Path) -> None:
    held(tmp_path, assessed(tmp_path, script(with_answer(*ABSURD[case]))))


@pytest.mark.parametrize("encoding", ["klingon", "", "rot13"])
def test_no_server_chooses_how_it_is_read(encoding: str, tmp_path: Path) -> None:
    ask = "python3 -c 'import locale;print(locale.getpreferredencoding())'"
    answers = {
        **with_answer("cat /etc/os-release", b'PRETTY_NAME="\xe9"\n'),
        ask: (0, encoding, ""),
        ask.replace("python3", "python"): (0, encoding, ""),
    }
    assessment = assessed(tmp_path, script(answers))
    held(tmp_path, assessment)
    assert assessment.hosts[-1].system == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("status", ["x", "0\nBroadcast message", "", "-1", "9" * 100, "\xb2", "0 0", "\xff"])
def test_a_garbled_end_of_an_answer_makes_a_server_silent(status: str, tmp_path: Path) -> None:
    assessment = assessed(tmp_path, script(status=status))
    assert others(assessment) == without_it()
    assert {finding.status for finding in own(assessment)} == {Status.ERROR}
    assert not assessment.hosts[-1].answered
    assert "not understood" in str(assessment.hosts[-1].silence)


GIVES_UP: dict[str, tuple[dict[str, Any], str]] = {
    "hangs": (
        {"honest_ones": 0, "pause": 3600, "promptly": ("cat /etc/os-release",)},
        "2 commands in a row without an answer: no answer within 0 s",
    ),
    "hangs-but-for-the-first-of-each-connection": ({"honest_ones": 1, "pause": 3600}, "took more than 3 s in all"),
    "closes": ({"honest_ones": 1, "then": "close"}, "the connection was closed"),
    "floods": ({"honest_ones": 1, "then": "flood"}, "said more than 32 MiB in all"),
    "at-the-last-second": ({"honest_ones": 1, "pause": 0.2}, "took more than 3 s in all"),
}


@pytest.mark.parametrize("case", GIVES_UP)
def test_a_server_that_only_costs_time_is_given_up(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shell.run, "__defaults__", (0.4,))
    monkeypatch.setattr(assess, "HOST_SECONDS_MAX", 3 if "3 s" in GIVES_UP[case][1] else 60)
    does, reason = GIVES_UP[case]
    without_it()
    began = time.monotonic()
    assessment = assessed(tmp_path, script(**does))
    assert time.monotonic() - began < 20
    assert assessment.hosts[-1].silence == reason
    held(tmp_path, assessment)


def test_whatever_goes_wrong_around_a_server_makes_it_silent(tmp_path: Path) -> None:
    def connect(_connection: dict[str, Any], name: str) -> testinfra.host.Host:
        if name == HOSTILE:
            raise LookupError("no such \x1b[31mway")
        return recordings.replay(name, recordings_of(name))

    assessment = assess.assess_fleet(fleet_of_three(), default_catalogue(), connect=connect)
    assert assessment.hosts[-1].silence == "LookupError: no such \N{REPLACEMENT CHARACTER}[31mway"
    held(tmp_path, assessment)


def never_passes(folder: Path, text: str, code: int) -> None:
    shown = text.encode("utf-8", "surrogateescape").decode("latin-1")
    assessment = assessed(folder, script({}, otherwise=(code, shown, shown)))
    held(folder, assessment)
    passed = {finding.control for finding in own(assessment) if finding.status is Status.PASS}
    assert not passed or (not text.strip() and passed <= SILENCE_IS_GOOD)


GARBAGE_OF_EVERY_COMMAND = [
    "",
    "[]",
    "null\n" * 3,
    '{"nftables": null}',
    "\udcff\udcfe\x1b[2J",
    "9" * 5000,
    "[" * 60_000,
]


@pytest.mark.parametrize("text", GARBAGE_OF_EVERY_COMMAND, ids=range(len(GARBAGE_OF_EVERY_COMMAND)))
@pytest.mark.parametrize("code", [0, 127])
def test_garbage_of_every_command_passes_nothing_and_is_reported(text: str, code: int, tmp_path: Path) -> None:
    never_passes(tmp_path, text, code)


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    text=GARBAGE | st.binary(max_size=80).map(lambda data: data.decode("utf-8", "surrogateescape")),
    code=st.sampled_from([0, 1, 2, 255]),
)
def test_any_garbage_passes_nothing_and_is_reported(text: str, code: int, tmp_path: Path) -> None:
    never_passes(tmp_path, text, code)
