"""Records are read as people write them, changed whole or not at all, and every mistake is told with its place."""

from __future__ import annotations

import concurrent.futures
import datetime
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.catalogue import default_catalogue
from compliance.errors import InvalidInput, PatuhError
from compliance.evidence import consistency, kinds, store
from compliance.evidence.fields import KINDS, Record
from lab import sample_records
from tests.unit.test_evidence_rules import TODAY, lab

REPOSITORY = Path(__file__).resolve().parents[2]
FUEL = {"tanggal": "2026-11-02", "sisa_pct": "80", "petugas": "petugas-a"}
HEADER = "tanggal,sisa_pct,petugas"


def fine(_entries: list[Record]) -> list[PatuhError]:
    return []


def problems(folder: Path) -> list[str]:
    return [str(problem).replace(f"{folder}/", "") for problem in store.load(folder).all_problems()]


def fuel(folder: Path, text: str) -> list[kinds.Fuel]:
    (folder / "bahan-bakar.csv").write_text(text, encoding="utf-8")
    return store.load(folder).of(kinds.Fuel)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_what_is_written_is_read_again(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "records"
    sample_records.write(folder, lab().fleet, TODAY, gaps=False)
    first = store.load(folder)
    assert not first.all_problems()
    entries = first.of(KINDS[name])
    assert entries
    again = tmp_path / "again"
    (again / "lampiran").mkdir(parents=True)
    for file in (folder / "lampiran").iterdir():
        (again / "lampiran" / file.name).write_bytes(file.read_bytes())
    store.add(again, KINDS[name], [store.written(one) for one in entries])
    assert [store.written(one) for one in store.load(again).of(KINDS[name])] == [store.written(one) for one in entries]


def test_every_field_has_a_name_in_both_languages_and_none_twice() -> None:
    for kind in KINDS.values():
        names = [str(info.alias) for info in kind.model_fields.values()]
        assert len(set(names)) == len(names)
        alike = {"server", "port", "mcb", "ats", "timer", "relay", "ups", "label", "domain", "cctv"}
        assert set(names) & set(kind.model_fields) <= alike


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n2026-11-02,80.5,petugas-a\n",
        "\ufefftanggal;sisa_pct;petugas\r\n2026-11-02;80,5;petugas-a\r\n",
        "officer,on,level\npetugas-a,2026-11-02,80.5\n\n",
        'petugas,tanggal,sisa_pct,keterangan\n"petugas-a",2026-11-02,80.5,"dua\nbaris"\n,,,\n',
        "TANGGAL , Sisa_Pct,petugas,,\n 2026-11-02 , 80.5 , petugas-a ,,\n",
    ],
)
def test_tables_are_read_as_spreadsheets_write_them(text: str, tmp_path: Path) -> None:
    (one,) = fuel(tmp_path, text)
    assert not problems(tmp_path)
    assert (one.on, str(one.level), one.officer) == (datetime.date(2026, 11, 2), "80.5", "petugas-a")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "bahan-bakar.csv: has no header. Put the fields' names in its first row."),
        ("tanggal,sisa\n", "bahan-bakar.csv:1: the column 'sisa' is no field of this kind. Did you mean 'sisa_pct'?"),
        ("tanggal,petugas\n", "bahan-bakar.csv:1: the column 'sisa_pct' is missing. Add it."),
        (
            "tanggal,on,sisa_pct,petugas\n",
            "bahan-bakar.csv:1: the column 'tanggal' is there twice. Keep one of the two.",
        ),
        (
            f"{HEADER}\n2026-11-02,80,a\n2026-11-31,80,a\n",
            "bahan-bakar.csv:3: tanggal (2026-11-31) is no day of the calendar.",
        ),
        (f"{HEADER}\n02/11/2026,80,a\n", "bahan-bakar.csv:2: tanggal (02/11/2026) must be a date as YYYY-MM-DD."),
        (
            f"{HEADER}\n2026-11-02,101,a\n",
            "bahan-bakar.csv:2: sisa_pct (101) input should be less than or equal to 100",
        ),
        (f"{HEADER}\n2026-11-02,8O,a\n", "bahan-bakar.csv:2: sisa_pct (8O) must be a number, such as 21.5."),
        (f"{HEADER}\n2026-11-02,nan,a\n", "bahan-bakar.csv:2: sisa_pct (nan) must be a number, such as 21.5."),
        (f"{HEADER}\n2026-11-02,80\n", "bahan-bakar.csv:2: petugas is missing. Fill it in."),
        (
            f"{HEADER}\n2026-11-02,80,a,b\n",
            "bahan-bakar.csv:2: 'b' stands beyond the last column. Remove it, or name its column.",
        ),
        (
            f"{HEADER}\n2026-11-02,80,=HYPERLINK()\n",
            "bahan-bakar.csv:2: petugas (=HYPERLINK()) is a formula; write its value.",
        ),
        (f"{HEADER}\n2026-11-02,80,a\x1b[2J\n", "holds control characters."),
        (f'{HEADER}\n"a"b,80,a\n', "bahan-bakar.csv:2: is no CSV: "),
    ],
)
def test_mistakes_in_tables_are_told_with_row_and_reason(text: str, told: str, tmp_path: Path) -> None:
    fuel(tmp_path, text)
    assert any(told in one for one in problems(tmp_path)), problems(tmp_path)


def test_other_encodings_are_told(tmp_path: Path) -> None:
    (tmp_path / "bahan-bakar.csv").write_bytes(f"{HEADER}\n2026-11-02,80,caf\xe9\n".encode("latin-1"))
    assert problems(tmp_path) == ["bahan-bakar.csv:2: is not UTF-8 text. Save it as 'CSV UTF-8'."]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\n", "skema-jaringan.yml:1: is no list. Begin each entry with '- '."),
        ("- a\n", "skema-jaringan.yml:1:3: is no entry. Write 'name: value' lines."),
        ("- tanggal: 2026-11-02\n  perangkt: [SW-1]\n", "skema-jaringan.yml:2:3: perangkt (['SW-1']) is no field"),
        ("- tanggal: 2026-11-02\n", "skema-jaringan.yml:1:3: perangkat is missing. Fill it in."),
        ("- tanggal: kemarin\n  perangkat: [SW-1]\n", "skema-jaringan.yml:1:3: tanggal (kemarin) must be a date"),
    ],
)
def test_mistakes_in_documents_are_told_with_line_and_reason(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "skema-jaringan.yml").write_text(text, encoding="utf-8")
    assert any(told.replace(" (['SW-1'])", "") in one for one in problems(tmp_path)), problems(tmp_path)


def test_identity_numbers_are_refused(tmp_path: Path) -> None:
    visit = {"masuk": "2026-11-02 09:00", "golongan": "tamu", "instansi": "x", "keperluan": "x"}
    for number in ("3173012345678901", "3173.0123.4567.8901"):
        with pytest.raises(InvalidInput, match="identity number"):
            store.add(tmp_path, kinds.Visit, [{**visit, "nama": f"KTP {number}"}])
    assert not (tmp_path / "kunjungan.csv").exists()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.one_of(
        st.text(),
        st.lists(st.lists(st.text(max_size=8), max_size=4)).map(
            lambda rows: HEADER + "\n" + "\n".join(",".join(row) for row in rows)
        ),
    )
)
def test_no_text_whatever_ends_in_a_traceback(text: str, tmp_path: Path) -> None:
    for name in ("bahan-bakar.csv", "skema-jaringan.yml"):
        (tmp_path / name).write_text(
            text.encode("utf-8", "surrogatepass").decode("utf-8", "replace"), encoding="utf-8", newline=""
        )
    records = store.load(tmp_path)
    for problem in records.all_problems():
        assert problem.mend


# --- Changing -----------------------------------------------------------------------------------------------------


def test_an_entry_is_added_in_the_file_s_own_form(tmp_path: Path) -> None:
    path = tmp_path / "bahan-bakar.csv"
    path.write_text("petugas;sisa_pct;tanggal\r\na;70;2026-11-01", encoding="utf-8", newline="")
    store.add(tmp_path, kinds.Fuel, [FUEL])
    assert path.read_bytes().decode() == "petugas;sisa_pct;tanggal\r\na;70;2026-11-01\r\npetugas-a;80;2026-11-02\r\n"
    assert len(store.load(tmp_path).of(kinds.Fuel)) == 2


def test_nothing_is_added_when_anything_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "bahan-bakar.csv"
    path.write_text(f"{HEADER}\n2026-11-01,70,a\n", encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(InvalidInput):
        store.add(tmp_path, kinds.Fuel, [FUEL, {**FUEL, "sisa_pct": "x"}])
    with pytest.raises(InvalidInput, match="has no column 'keterangan'"):
        store.add(tmp_path, kinds.Fuel, [{**FUEL, "keterangan": "x"}])
    assert path.read_bytes() == before
    path.write_text("rusak\n", encoding="utf-8")
    with pytest.raises(InvalidInput):
        store.add(tmp_path, kinds.Fuel, [FUEL])
    assert path.read_text(encoding="utf-8") == "rusak\n"


def test_a_document_is_added_below_what_people_wrote(tmp_path: Path) -> None:
    path = tmp_path / "skema-jaringan.yml"
    path.write_text("# digambar tahun lalu\n- tanggal: 2025-11-02 # lama\n  perangkat: [SW-1]\n", encoding="utf-8")
    store.add(tmp_path, kinds.Topology, [{"tanggal": "2026-11-02", "perangkat": ["SW-1", "SRV-1"]}])
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# digambar tahun lalu\n- tanggal: 2025-11-02 # lama\n")
    assert [len(one.devices) for one in store.load(tmp_path).of(kinds.Topology)] == [1, 2]


def test_a_file_that_cannot_be_read_is_not_added_to(tmp_path: Path) -> None:
    entries: dict[type[Record], dict[str, Any]] = {
        kinds.Fuel: FUEL,
        kinds.Topology: {"tanggal": "2026-11-02", "perangkat": ["SW-1"]},
    }
    for kind, entry in entries.items():
        path = tmp_path / kind.kind.file
        for content in (b"caf\xe9\n", b"a: [\n", b"[{tanggal: 2026-11-01, perangkat: [SW-1]}]\n"):
            path.write_bytes(content)
            with pytest.raises(InvalidInput):
                store.add(tmp_path, kind, [entry])
            assert path.read_bytes() == content


def test_columns_without_a_name_stay_empty(tmp_path: Path) -> None:
    path = tmp_path / "bahan-bakar.csv"
    path.write_text("tanggal,sisa_pct,petugas,,\n", encoding="utf-8")
    store.add(tmp_path, kinds.Fuel, [FUEL])
    assert path.read_text(encoding="utf-8") == "tanggal,sisa_pct,petugas,,\n2026-11-02,80,petugas-a,,\n"


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.in_turn], ids=lambda kind: kind.kind.name)
def test_nothing_ends_before_it_began(kind: type[Record], tmp_path: Path) -> None:
    sample_records.write(tmp_path, lab().fleet, TODAY, gaps=False)
    assert kind.in_turn
    began, ended = (str(kind.model_fields[name].alias) for name in kind.in_turn)
    (entry, *_) = [store.written(one) for one in store.load(tmp_path).of(kind) if getattr(one, kind.in_turn[1])]
    with pytest.raises(InvalidInput, match="the end is before the beginning"):
        store.validated(kind, {**entry, ended: "2001-01-01 00:00" if len(str(entry[began])) > 10 else "2001-01-01"})


ADD = """
import sys
from pathlib import Path
from compliance.evidence import kinds, store
for number in range(20):
    entry = {"tanggal": "2026-11-02", "sisa_pct": str(number), "petugas": sys.argv[2]}
    store.add(Path(sys.argv[1]), kinds.Fuel, [entry])
"""


def test_several_at_once_lose_nothing(tmp_path: Path) -> None:
    def one(name: str) -> int:
        return subprocess.run([sys.executable, "-c", ADD, str(tmp_path), name], cwd=REPOSITORY, check=False).returncode

    with concurrent.futures.ThreadPoolExecutor() as pool:
        assert list(pool.map(one, ["a", "b", "c", "d"])) == [0] * 4
    entries = store.load(tmp_path).of(kinds.Fuel)
    assert sorted((one.officer, int(one.level)) for one in entries) == [(n, i) for n in "abcd" for i in range(20)]


def workbook(path: Path, rows: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(path)
    return path


def test_a_spreadsheet_is_taken_over_once(tmp_path: Path) -> None:
    header: list[Any] = ["tanggal", "sisa_pct", "petugas"]
    rows = [[datetime.datetime(2026, 11, day), 90 - day / 2, "petugas-a"] for day in (1, 8, 15)]
    source = workbook(tmp_path / "kartu.xlsx", [header, *rows, [None, None, None]])
    folder = tmp_path / "records"
    assert len(store.import_spreadsheet(folder, kinds.Fuel, source, fine)) == 3
    assert len(store.import_spreadsheet(folder, kinds.Fuel, source, fine)) == 0
    workbook(source, [header, *rows, [datetime.datetime(2026, 11, 20), 80, "petugas-a"]])
    assert len(store.import_spreadsheet(folder, kinds.Fuel, source, fine)) == 1
    assert [str(one.level) for one in store.load(folder).of(kinds.Fuel)] == ["89.5", "86", "82.5", "80"]


def test_a_damaged_spreadsheet_changes_nothing_and_every_row_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    store.add(folder, kinds.Fuel, [FUEL])
    before = (folder / "bahan-bakar.csv").read_bytes()
    header = ["tanggal", "sisa_pct", "petugas"]
    good = [datetime.datetime(2026, 11, 3), 80, "a"]
    source = workbook(
        tmp_path / "kartu.xlsx", [header, good, ["besok", 80, "a"], good, [good[0], "=1+1", "a"], [good[0], 80]]
    )
    with pytest.raises(InvalidInput) as caught:
        store.import_spreadsheet(folder, kinds.Fuel, source, fine)
    told = [str(one).replace(f"{tmp_path}/", "") for one in caught.value.problems]
    assert [one.split(" ")[0] for one in told] == ["kartu.xlsx:3:", "kartu.xlsx:5:", "kartu.xlsx:6:"]
    source.write_bytes(source.read_bytes()[:-200])
    with pytest.raises(InvalidInput, match="no workbook"):
        store.import_spreadsheet(folder, kinds.Fuel, source, fine)
    source.write_bytes(b"PK\x03\x04 not a workbook")
    with pytest.raises(InvalidInput, match="no workbook"):
        store.import_spreadsheet(folder, kinds.Fuel, source, fine)
    assert (folder / "bahan-bakar.csv").read_bytes() == before


def test_attachments_are_kept_and_a_changed_byte_is_found(tmp_path: Path) -> None:
    source = tmp_path / "berita acara.pdf"
    source.write_bytes(b"%PDF")
    folder = tmp_path / "records"
    folder.mkdir()
    store.add(folder, kinds.Fuel, [{**FUEL, **store.attach(folder, source)}])
    assert not problems(folder)
    (file,) = (folder / "lampiran").iterdir()
    file.write_bytes(b"%PDf")
    assert "is not what was attached" in problems(folder)[0]
    file.unlink()
    assert "does not exist" in problems(folder)[0]
    outside = {"lampiran": "../berita acara.pdf", "lampiran_sha256": store.sha256(source)}
    with pytest.raises(InvalidInput, match="outside the records"):
        store.add(folder, kinds.Fuel, [{**FUEL, **outside}])


# --- What contradicts the inventory -------------------------------------------------------------------------------


def contradictions(kind: type[Record], entry: dict[str, Any]) -> list[str]:
    records = store.Records(Path(), {kind: [store.validated(kind, entry)]})
    now = datetime.datetime.combine(TODAY, datetime.time(12))
    return [str(one) for one in consistency.check(records, lab().fleet, default_catalogue(), now).all_problems()]


def test_servers_that_nobody_knows_are_told() -> None:
    session = {"mulai": "2026-11-02 09:00", "akun": "v", "keperluan": "x", "petugas": "a"}
    assert contradictions(kinds.RemoteSession, {**session, "server": "web01"}) == []
    (told,) = contradictions(kinds.RemoteSession, {**session, "server": "web1"})
    assert "the server 'web1' is not in the inventory. Did you mean 'web01'?" in told


def test_a_log_does_not_tell_the_future() -> None:
    assert contradictions(kinds.Fuel, {**FUEL, "tanggal": TODAY.isoformat()}) == []
    (told,) = contradictions(kinds.Fuel, {**FUEL, "tanggal": (TODAY + datetime.timedelta(days=1)).isoformat()})
    assert "2026-11-22 lies in the future" in told


WAIVER = {
    "mulai": "2026-01-01",
    "sampai": "2026-12-31",
    "kendali": "room.temperature",
    "alasan": "x",
    "disetujui_oleh": "Kepala Dinas",
}


def test_waivers_last_a_year_at_most_and_name_a_control() -> None:
    assert contradictions(kinds.Waiver, WAIVER) == []
    (told,) = contradictions(kinds.Waiver, {**WAIVER, "kendali": "room.temprature"})
    assert "'room.temprature' is unknown. Did you mean 'room.temperature'?" in told
    with pytest.raises(InvalidInput, match="longer than a year"):
        store.validated(kinds.Waiver, {**WAIVER, "sampai": "2027-01-03"})
    with pytest.raises(InvalidInput, match="sampai is missing"):
        store.validated(kinds.Waiver, {key: value for key, value in WAIVER.items() if key != "sampai"})
