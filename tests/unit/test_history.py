"""What an assessment carries on: since when, what changed, and how it stood before."""

from __future__ import annotations

import datetime
import io
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from commands.__main__ import patuh
from commands.check import show
from compliance import history
from compliance.assessment import Assessment, Finding, Status, read, tally
from compliance.errors import PatuhError
from compliance.history import OPEN, continued, earlier
from reports import html, pdf, terminal
from reports.presentation import LANGUAGES, Language, View
from tests.unit.samples import sample

SAMPLE = sample()
BASE = [finding.model_copy(update={"since": None}) for finding in SAMPLE.findings[:12]]
FINDING_STATUSES = [status for status in Status if status is not Status.INFORMATION]
STATUSES = st.lists(st.sampled_from(FINDING_STATUSES), min_size=len(BASE), max_size=len(BASE))


def on(day: int, statuses: list[Status]) -> Assessment:
    """An assessment of some findings, so many days after the sample."""
    findings = [one.model_copy(update={"status": status}) for one, status in zip(BASE, statuses, strict=True)]
    score = SAMPLE.score.model_copy(update={"tally": tally(statuses)})
    created = SAMPLE.created + datetime.timedelta(days=day)
    return SAMPLE.model_copy(update={"findings": findings, "created": created, "score": score})


def first_day(days: list[list[Status]], number: int) -> int | None:
    """By hand: since which of the days a finding is open without a break; None when it is not."""
    found = None
    for day, statuses in enumerate(days):
        found = (day if found is None else found) if statuses[number] in OPEN else None
    return found


@given(st.lists(STATUSES, min_size=1, max_size=5))
def test_a_finding_is_open_since_it_last_was_not(days: list[list[Status]]) -> None:
    last: Assessment | None = None
    for day, statuses in enumerate(days):
        last = continued(on(day, statuses), earlier(last) if last else None)
    assert last is not None
    began = SAMPLE.created.date()
    for number, finding in enumerate(last.findings):
        first = first_day(days, number)
        assert finding.since == (None if first is None else began + datetime.timedelta(days=first))
    assert [run.created for run in last.history] == [on(day, days[0]).created for day in range(len(days) - 1)]
    assert [run.tally for run in last.history] == [tally(statuses) for statuses in days[:-1]]


@given(STATUSES, STATUSES)
def test_what_changed_is_told_once_and_the_worst_first(before: list[Status], after: list[Status]) -> None:
    assessment = continued(on(3, after), earlier(continued(on(0, before), None)))
    assert {(change.control, change.host, change.was, change.now) for change in assessment.changes} == {
        (one.control, one.host, was, now) for one, was, now in zip(BASE, before, after, strict=True) if was is not now
    }
    worse = [change.worse for change in assessment.changes]
    assert worse == sorted(worse, reverse=True)
    for change in assessment.changes:
        mended = change.was in OPEN and change.now not in OPEN
        assert change.open_days == (3 if mended else None)


def test_a_long_history_keeps_the_newest() -> None:
    run = history.summary(SAMPLE)
    before = SAMPLE.model_copy(update={"history": [run] * (history.RUNS_KEPT + 5)})
    assert len(continued(SAMPLE, earlier(before)).history) == history.RUNS_KEPT


def worsened() -> tuple[Assessment, Finding, Finding]:
    """The sample ten days later, with one finding that fails now and one that holds again."""
    before = continued(SAMPLE, None)
    broken = next(one for one in SAMPLE.findings if one.status is Status.PASS)
    mended = next(one for one in SAMPLE.findings if one.status is Status.FAIL)
    other = {id(broken): Status.FAIL, id(mended): Status.PASS}
    findings = [one.model_copy(update={"status": other.get(id(one), one.status)}) for one in SAMPLE.findings]
    later = SAMPLE.created + datetime.timedelta(days=10)
    after = SAMPLE.model_copy(update={"findings": findings, "created": later})
    return continued(after, earlier(before)), broken, mended


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_document_tells_what_changed(language: Language) -> None:
    assessment, broken, mended = worsened()
    view = View(language, assessment)
    assert [(one.control, one.worse) for one in view.changes] == [(broken.control, True), (mended.control, False)]
    assert "10" in view.changes[1].open_days
    page = html.render(assessment, language)
    screen = io.StringIO()
    terminal.show(assessment, Console(file=screen, width=200), language)
    for text in (page, screen.getvalue()):
        assert view.changed in text
    screen = io.StringIO()
    terminal.show_changes(assessment, Console(file=screen, width=60), language)
    assert all(one.control in screen.getvalue() for one in (broken, mended))
    assert pdf.render(assessment, language).startswith(b"%PDF")
    assert [run.score for run in view.runs] == [view.score, view.score]


def test_the_next_check_carries_on_and_the_commands_tell_it(tmp_path: Path) -> None:
    show(SAMPLE, tmp_path, "en")
    later = SAMPLE.model_copy(update={"created": SAMPLE.created + datetime.timedelta(days=1)})
    (tmp_path / "first.json").write_bytes((tmp_path / "assessment.json").read_bytes())
    show(later, tmp_path, "en")
    kept = read(tmp_path / "assessment.json")
    assert kept.before == SAMPLE.created
    assert len(kept.history) == 1
    done = CliRunner().invoke(patuh, ["history", str(tmp_path / "history.sqlite"), "--language", "en"])
    assert done.exit_code == 0, done.output
    assert done.output.count(View("en", SAMPLE).score) == 2
    arguments = ["compare", str(tmp_path / "first.json"), str(tmp_path / "assessment.json"), "--language", "en"]
    done = CliRunner().invoke(patuh, arguments)
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(patuh, ["compare", *arguments[2:0:-1]])
    assert "Name the earlier assessment first" in str(done.exception)
    other = SAMPLE.model_copy(update={"fleet": "lain"})
    (tmp_path / "other.json").write_text(other.model_dump_json(), encoding="utf-8")
    done = CliRunner().invoke(patuh, ["compare", str(tmp_path / "other.json"), str(tmp_path / "assessment.json")])
    assert isinstance(done.exception, PatuhError)
