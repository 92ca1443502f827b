"""What falls due, by whom, also as a calendar; waivers; and the commands around records."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from icalendar import Calendar

from commands.__main__ import patuh
from compliance import assess, due, fleet
from compliance.assessment import Due, Finding, Status
from compliance.catalogue import default_catalogue
from compliance.errors import InvalidInput
from compliance.evidence import kinds, store
from compliance.evidence.store import folder_of
from lab import sample_records
from tests.unit.samples import sample
from tests.unit.test_evidence_rules import TODAY, lab

REPOSITORY = Path(__file__).resolve().parents[2]
NOON = datetime.datetime.combine(TODAY, datetime.time(5), datetime.UTC)  # noon in Jakarta


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the lab's inventory with a year of records and all regulations."""
    inventory = tmp_path_factory.mktemp("city") / "lab"
    shutil.copytree(REPOSITORY / "inventory" / "lab", inventory, ignore=shutil.ignore_patterns("records"))
    variables = inventory / "group_vars" / "all.yml"
    every = ", ".join(default_catalogue().regulations)
    text = variables.read_text(encoding="utf-8").replace("[jambi-31-2017]", f"[{every}]")
    variables.write_text(text, encoding="utf-8")
    sample_records.write(folder_of(inventory), lab().fleet, TODAY)
    return inventory


def items(city: Path, at: datetime.datetime = NOON) -> list[due.Item]:
    return due.items(fleet.load(city, default_catalogue()), default_catalogue(), None, at)


def test_what_falls_due_is_listed_by_office_and_day(city: Path) -> None:
    found = items(city)
    assert [(one.in_charge, one.on) for one in found] == sorted((one.in_charge, one.on) for one in found)
    by_control = {one.control: one for one in found}
    # Ten controls wait for the next inspection: it is due once.
    (inspection,) = [one for one in found if one.what == "pemeriksaan-bulanan.csv"]
    assert inspection.on == TODAY + datetime.timedelta(days=21)
    assert inspection.title == kinds.MonthlyInspection.kind.title
    assert inspection.in_charge == "Administrator ruang server"
    assert by_control["power.generator-test"].on == TODAY - datetime.timedelta(days=14)
    assert by_control["staff.assignment-letter"].on == TODAY + datetime.timedelta(days=20)
    assert by_control["staff.assignment-letter"].in_charge == "Seksi Infrastruktur"
    waivers = [one for one in found if one.title == due.WAIVER_ENDS]
    assert [(one.control, (one.on - TODAY).days) for one in waivers] == [("power.generator-refuel", 25)]


def test_the_day_is_the_fleet_s_own(city: Path) -> None:
    """Late in the evening of Greenwich it is the next morning in Jakarta."""
    late = datetime.datetime(2026, 11, 20, 17, 30, tzinfo=datetime.UTC)
    assert items(city, late)[0].today == TODAY
    assert items(city, late - datetime.timedelta(hours=1))[0].today == TODAY - datetime.timedelta(days=1)


def test_what_only_servers_know_comes_from_the_last_check_of_the_same_fleet(city: Path) -> None:
    loaded = fleet.load(city, default_catalogue())
    told = Finding(
        control="ssh.server-installed",
        host="web01",
        status=Status.PASS,
        due=Due(on=TODAY + datetime.timedelta(days=3), what="admin-a"),
    )
    last = sample().model_copy(update={"findings": [told], "fleet": loaded.fleet.fleet_name})
    found = due.items(loaded, default_catalogue(), last, NOON)
    (one,) = [one for one in found if one.control == "ssh.server-installed"]
    assert one.what == "web01: admin-a"
    assert one.soon
    others = last.model_copy(update={"fleet": "Kota Lain"})
    assert not [
        one for one in due.items(loaded, default_catalogue(), others, NOON) if one.control == "ssh.server-installed"
    ]


def test_waivers_cover_what_they_name_while_they_last(city: Path) -> None:
    loaded = fleet.load(city, default_catalogue())
    evidence = assess.gather(loaded, default_catalogue(), [], NOON)
    waivers = evidence.of(kinds.Waiver)

    def waived(control: str, status: Status, days: int = 0, host: str | None = None) -> Status:
        finding = Finding(control=control, host=host, status=status)
        return assess._waived(finding, waivers, TODAY + datetime.timedelta(days=days)).status

    control = sample_records.WAIVED
    assert waived(control, Status.FAIL) is Status.WAIVED
    assert waived(control, Status.OVERDUE) is Status.WAIVED
    assert waived(control, Status.MISSING) is Status.WAIVED
    assert waived(control, Status.FAIL, 25) is Status.WAIVED
    assert waived(control, Status.FAIL, 26) is Status.FAIL
    assert waived(control, Status.FAIL, -56) is Status.FAIL
    assert waived(control, Status.ERROR) is Status.ERROR
    assert waived(control, Status.PASS) is Status.PASS
    assert waived("room.temperature", Status.FAIL) is Status.FAIL
    assert waived(sample_records.WAIVER_EXPIRED, Status.FAIL) is Status.FAIL
    waivers = [waivers[0].model_copy(update={"hosts": ("web01",)})]
    assert waived(waivers[0].control, Status.FAIL, host="db01") is Status.FAIL


def run(*arguments: str) -> Result:
    return CliRunner().invoke(patuh, arguments)


def test_an_entry_is_added_and_found_again(city: Path) -> None:
    done = run(
        *("record", "fuel", "-i", str(city), "--tanggal", TODAY.isoformat()),
        *("--level", "55,5", "--petugas", "petugas-c"),
    )
    assert done.exit_code == 0, done.output
    last = store.load(folder_of(city)).of(kinds.Fuel)[-1]
    assert (last.on, str(last.level), last.officer) == (TODAY, "55.5", "petugas-c")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--tanggal", "2026-02-30", "--sisa-pct", "50", "--petugas", "a"), "tanggal (2026-02-30) is no day"),
        (("--tanggal", "2026-02-20", "--petugas", "a"), "sisa_pct is missing"),
        (("--tanggal", "2999-02-20", "--sisa-pct", "50", "--petugas", "a"), "lies in the future"),
    ],
)
def test_a_wrong_entry_is_refused_and_nothing_changes(city: Path, arguments: tuple[str, ...], told: str) -> None:
    before = (folder_of(city) / "bahan-bakar.csv").read_bytes()
    attached = set((folder_of(city) / "lampiran").iterdir())
    done = run("record", "fuel", "-i", str(city), "--attach", str(REPOSITORY / "LICENSE"), *arguments)
    assert set((folder_of(city) / "lampiran").iterdir()) == attached
    assert isinstance(done.exception, InvalidInput)
    assert told in str(done.exception)
    assert (folder_of(city) / "bahan-bakar.csv").read_bytes() == before


def test_mistakes_in_the_records_are_listed(city: Path) -> None:
    done = run("record", "check", "-i", str(city))
    assert "penghapusan-cadangan.csv:3: tanggal (2026-02-30) is no day of the calendar" in str(done.exception)


def test_the_calendar_holds_what_is_due(city: Path, tmp_path: Path) -> None:
    path = tmp_path / "due.ics"
    done = run("due", "-i", str(city), "--days", "3660", "--calendar", str(path), "--language", "en")
    assert done.exit_code == 0, done.output
    events = Calendar.from_ical(path.read_bytes()).walk("VEVENT")
    assert len(events) >= 20
    assert len({str(event["uid"]) for event in events}) == len(events)
    assert kinds.MonthlyInspection.kind.title.en in {str(one["summary"]) for one in events}
