"""A city's own regulation: begun by a command, checked with file and line, and judged without any code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from commands.__main__ import patuh
from compliance import catalogue, fleet
from compliance.errors import InvalidInput, PatuhError
from compliance.parameters import resolve

REPOSITORY = Path(__file__).resolve().parents[2]
NEW = ("regulation", "new", "kota-contoh-5-2026", "--title", 'Perwal "Contoh" 5/2026', "--citation", "Perwali: 5/2026")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is known of the law, to add to."""
    known = tmp_path / "compliance"
    for name in ("regulations", "controls"):
        shutil.copytree(catalogue.FOLDER / name, known / name)
    shutil.copy(catalogue.FOLDER / "parameters.yml", known)
    monkeypatch.setattr(catalogue, "FOLDER", known)
    return known


def run(*arguments: str) -> Result:
    return CliRunner().invoke(patuh, arguments)


def test_a_regulation_is_begun_and_binds_a_fleet(folder: Path) -> None:
    assert run(*NEW).exit_code == 0
    path = folder / "regulations" / "kota-contoh-5-2026.yml"
    assert run("regulation", "validate", str(path)).exit_code == 0
    path.write_text(
        path.read_text(encoding="utf-8").replace("backup_files_days_max: 31", "backup_files_days_max: 3"),
        encoding="utf-8",
    )
    known = catalogue.load(folder)
    assert known.regulations["kota-contoh-5-2026"].title.id == 'Perwal "Contoh" 5/2026'
    # Of two that set the same figure, the strictest binds, and is named.
    figure = resolve(known, ["tegal-sop-pusat-data", "kota-contoh-5-2026"], {})["backup_files_days_max"]
    assert (figure.value, figure.source) == (3, "kota-contoh-5-2026 1.1")
    inventory = folder.parent / "lab"
    shutil.copytree(REPOSITORY / "inventory" / "lab", inventory, ignore=shutil.ignore_patterns("records"))
    variables = inventory / "group_vars" / "all.yml"
    text = variables.read_text(encoding="utf-8").replace("[jambi-31-2017,", "[kota-contoh-5-2026,")
    variables.write_text(text, encoding="utf-8")
    assert fleet.load(inventory, known).parameters["backup_files_days_max"].value == 3


def test_a_regulation_is_not_begun_twice(folder: Path) -> None:
    run(*NEW)
    path = folder / "regulations" / "kota-contoh-5-2026.yml"
    path.write_text("# mine\n", encoding="utf-8")
    done = run(*NEW)
    assert isinstance(done.exception, PatuhError)
    assert "exists already" in str(done.exception)
    assert path.read_text(encoding="utf-8") == "# mine\n"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("[backup.offline-scheduled]", "[backup.offline-schedule]"), "Did you mean 'backup.offline-scheduled'?"),
        (("    controls: [backup.offline-scheduled]\n", ""), "clause 1.1 asks for something, but no control"),
        (
            ("backup_files_days_max: 31", "backup_files_days_max: sebulan"),
            "backup_files_days_max ('sebulan'): input should be a valid integer",
        ),
        (("kind: obligation", "kind: kewajiban"), "kind ('kewajiban')"),
        (
            ('    parent: "1"\n', '    parent: "1"\n    counts_with: "9"\n'),
            "counts with 9, which does not stand before",
        ),
        (('  en: "Perwal', '  english: "Perwal'), "title.english"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(folder: Path, change: tuple[str, str], told: str) -> None:
    run(*NEW)
    path = folder / "regulations" / "kota-contoh-5-2026.yml"
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change), encoding="utf-8")
    done = run("regulation", "validate", str(path))
    assert isinstance(done.exception, InvalidInput)
    assert told in str(done.exception)
    assert str(done.exception).startswith(f"{path}:")
