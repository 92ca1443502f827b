"""The history of a fleet outlives its reports: whatever is checked beside, killed, damaged or newer."""

from __future__ import annotations

import datetime
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands.__main__ import patuh
from commands.check import show
from commands.common import beside, write_reports
from compliance import history_store
from compliance.assessment import Assessment, read
from compliance.errors import PatuhError
from compliance.history import continued, earlier
from compliance.history_store import opened
from tests.unit.samples import sample

SAMPLE = sample()
FILE = history_store.FILE_NAME


def on(day: int, fleet: str = SAMPLE.fleet) -> Assessment:
    """The sample so many days later, of a fleet."""
    return SAMPLE.model_copy(update={"created": SAMPLE.created + datetime.timedelta(days=day), "fleet": fleet})


def moments(file: Path, fleet: str = SAMPLE.fleet) -> list[int]:
    """On which days a fleet was assessed, by the store."""
    with opened(file) as kept:
        runs = next((one.runs for one in kept.fleets() if one.name == fleet), [])
    return [(run.created - SAMPLE.created).days for run in runs]


def test_checking_another_fleet_or_this_computer_in_the_same_place_takes_nothing_away(tmp_path: Path) -> None:
    show(on(0), tmp_path, "en")
    show(on(1, "Lain"), tmp_path, "en")
    show(on(2).model_copy(update={"local": True}), tmp_path, "en")
    show(on(3), tmp_path, "en")
    last = read(tmp_path / "assessment.json")
    assert last.before == SAMPLE.created
    assert [run.created for run in last.history] == [SAMPLE.created]
    began = {finding.since for finding in last.findings if finding.since}
    assert began == {SAMPLE.created.date()}
    assert moments(tmp_path / FILE) == [0, 3]
    assert moments(tmp_path / FILE, "Lain") == [1]


def test_the_history_that_an_earlier_version_kept_in_its_assessment_is_taken_over(tmp_path: Path) -> None:
    first = continued(on(0), None)
    write_reports(continued(on(1), earlier(first)), tmp_path, "en")
    show(on(1, "Lain"), tmp_path, "en")
    show(on(2), tmp_path, "en")
    assert moments(tmp_path / FILE) == [0, 1, 2]
    assert {one.since for one in read(tmp_path / "assessment.json").findings if one.since} == {SAMPLE.created.date()}


def test_it_goes_on_where_the_reports_go_elsewhere_and_without_limited_runs(tmp_path: Path) -> None:
    store = tmp_path / "kept" / "history.sqlite"
    for day in (0, 31):
        show(on(day), tmp_path / f"month{day}", "en", store=store)
    show(on(32), tmp_path / "some", "en", store=store, record=False)
    assert read(tmp_path / "month31" / "assessment.json").before == SAMPLE.created
    assert read(tmp_path / "some" / "assessment.json").before == on(31).created
    assert moments(store) == [0, 31]
    assert store.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "month0" / FILE).exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("assessment.json", b"{}", "assessment.json: is no assessment of this version"),
        ("assessment.json", b"\xff" * 100, "assessment.json: is no assessment of this version"),
        ("report.html", b"my own page", "report.html: is there without an assessment"),
        ("oscal/own-ssp.json", b"{}", "own-ssp.json: is there without an assessment"),
        ("manifest.sha256", b"a list of my own", "manifest.sha256: is there without an assessment"),
        (FILE, b"no database" * 1000, "history.sqlite: cannot be read or written: file is not a database"),
        (FILE, b"", None),
    ],
)
def test_what_cannot_be_read_or_is_not_ours_is_told_and_left_as_it_is(
    tmp_path: Path, name: str, content: bytes, said: str | None
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    if said is None:
        show(SAMPLE, tmp_path, "en")
        assert moments(tmp_path / FILE) == [0]
        return
    with pytest.raises(PatuhError, match=said):
        show(SAMPLE, tmp_path, "en")
    assert (tmp_path / name).read_bytes() == content
    others = [path for path in tmp_path.rglob("*") if path.is_file() and path != tmp_path / name]
    assert all(path.name == FILE for path in others)
    # Before a long check, and not after it.
    arguments = ["-m", "commands", "check", "--local", "-o", str(tmp_path)]
    began = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert began.returncode == 2
    assert "check: " not in began.stderr
    assert (tmp_path / name).read_bytes() == content


def test_files_of_others_in_the_folder_stay(tmp_path: Path) -> None:
    show(on(0), tmp_path, "en")
    (tmp_path / "oscal" / "own-ssp.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")
    show(on(1), tmp_path, "en")
    assert (tmp_path / "oscal" / "own-ssp.json").read_text() == "{}"
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (f"PRAGMA user_version = {history_store.VERSION + 1}", "history of a newer Patuh"),
        ("PRAGMA application_id = 7", "is no history of Patuh's"),
        ("UPDATE run SET figures = '{}'", "holds what no check has written"),
        ("UPDATE standing SET status = 'splendid'", "holds what no check has written"),
        ("DROP TABLE standing", "cannot be read or written"),
    ],
)
def test_a_store_that_is_not_as_checks_write_it_is_told(tmp_path: Path, change: str, said: str) -> None:
    show(on(0), tmp_path, "en")
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute(change)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(PatuhError, match=said):
        show(on(1), tmp_path, "en")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_run_whose_reports_find_no_room_is_not_in_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(on(0), tmp_path, "en")

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("compliance.writing.os.fsync", full)
    with pytest.raises(PatuhError, match="No space left"):
        show(on(1), tmp_path, "en")
    assert moments(tmp_path / FILE) == [0]
    assert read(tmp_path / "assessment.json").created == SAMPLE.created


def _record(file: Path, day: int) -> None:
    with opened(file, writing=True) as kept:
        kept.record(continued(on(day), kept.earlier(on(day))))


def test_checks_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pool.starmap(_record, [(tmp_path / FILE, day) for day in range(12)])
    assert sorted(moments(tmp_path / FILE)) == list(range(12))


def test_a_run_that_was_killed_between_its_reports_and_its_record_is_found_by_the_next(tmp_path: Path) -> None:
    show(on(0), tmp_path, "en")
    with opened(tmp_path / FILE) as kept:
        write_reports(continued(on(1), kept.earlier(on(1))), tmp_path, "en")
    show(on(2), tmp_path, "en")
    assert moments(tmp_path / FILE) == [0, 1, 2]
    assert read(tmp_path / "assessment.json").before == on(1).created


def test_an_old_folders_history_is_merged_where_the_fleet_is_known_already(tmp_path: Path) -> None:
    store = tmp_path / "history.sqlite"
    old = continued(on(1), earlier(continued(on(0), None)))
    write_reports(old, tmp_path / "output", "en")
    show(on(2), tmp_path / "other", "en", store=store)
    show(on(3), tmp_path / "output", "en", store=store)
    assert moments(store) == [0, 1, 2, 3]
    # An interrupted assessment is no run, and what it carries is not lost.
    write_reports(old.model_copy(update={"complete": False}), tmp_path / "cut", "en")
    show(on(4), tmp_path / "cut", "en")
    assert moments(tmp_path / "cut" / FILE) == [0, 4]


def test_reports_written_again_take_the_history_of_those_before_over(tmp_path: Path) -> None:
    write_reports(continued(on(1), earlier(continued(on(0), None))), tmp_path, "en")
    (tmp_path / "new.json").write_bytes(on(2).document)
    done = CliRunner().invoke(patuh, ["report", str(tmp_path / "new.json"), "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert moments(tmp_path / FILE) == [0, 1]
    (tmp_path / "old.json").write_bytes(on(0).document)
    done = CliRunner().invoke(patuh, ["report", str(tmp_path / "old.json"), "-o", str(tmp_path)])
    assert "is a newer assessment" in str(done.exception)
    assert read(tmp_path / "assessment.json").created == on(2).created


def test_runs_are_in_the_order_of_time_however_they_ended(tmp_path: Path) -> None:
    for day in (0, 20, 10, 30):
        show(on(day), tmp_path / str(day), "en", store=tmp_path / FILE)
    assert moments(tmp_path / FILE) == [0, 10, 20, 30]
    assert read(tmp_path / "10" / "assessment.json").before == on(0).created
    assert read(tmp_path / "30" / "assessment.json").before == on(20).created


def test_a_history_that_another_run_holds_is_not_told_to_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(on(0), tmp_path, "en")
    monkeypatch.setattr(history_store, "OTHERS_SECONDS", 0.1)
    with opened(tmp_path / FILE, writing=True), pytest.raises(PatuhError, match="Wait for the other run"):
        show(on(1), tmp_path, "en")


def test_the_folder_that_we_are_in_can_be_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert beside(Path(), "partial") == tmp_path.with_name(f"{tmp_path.name}-partial")
    assert beside(Path("output"), "partial") == Path("output-partial")
    show(on(0), Path(), "en")
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize("name", ["report.html", "oscal", "manifest.sha256"])
def test_what_is_in_the_way_is_named_before_anything_is_replaced(tmp_path: Path, name: str) -> None:
    show(on(0), tmp_path, "en")
    path = tmp_path / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.write_text("a file") if name == "oscal" else path.mkdir()
    before = {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()}
    with pytest.raises(PatuhError, match=f"{name}: is in the way"):
        show(on(1), tmp_path, "en")
    assert {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file() and one.name != FILE} == {
        one: content for one, content in before.items() if one.name != FILE
    }
