"""Files that people edit: whatever is in them, they are taken, or one clear error says what is wrong with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance import breaking, catalogue, fleet
from compliance.assessment import read
from compliance.errors import PatuhError
from reports import html
from tests.unit.samples import sample

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOGUE = catalogue.default_catalogue()
# What people and programs put where something else belongs.
VALUES = [
    "",
    "[]",
    "{}",
    "null",
    "-1",
    "1e400",
    "0x1F",
    "99999999999999999999",
    "2026-02-30",
    "yes",
    "'",
    '"',
    "\t",
    "[[[",
    "&a [*a, *a]",
    "!!python/object:os.system {}",
    "{{ lookup('pipe', 'id') }}",
    "!vault x",
    "../../etc/passwd",
    "=1+1",
    "<script>",
    "\x1b[2J",
    "\udcff",
    "\u202e",
    "é" * 4000,
]


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, float, str]:
    """What is done at which place of a file: with which text."""
    kind = draw(st.sampled_from(["value", "line", "twice", "gone", "cut", "swap", "insert"]))
    return kind, draw(st.floats(0, 0.999)), draw(st.sampled_from(VALUES) | st.text(max_size=20))


def edited(text: str, edit: tuple[str, float, str]) -> bytes:
    kind, place, value = edit
    lines = text.splitlines()
    at = int(place * len(lines))
    line = lines[at]
    indent = line[: len(line) - len(line.lstrip(" "))]
    if kind == "value":
        lines[at] = f"{line.partition(':')[0]}: {value}"
    elif kind == "line":
        lines[at] = indent + value
    elif kind == "twice":
        lines.insert(at, line)
    elif kind == "gone":
        del lines[at]
    elif kind == "cut":
        lines = [*lines[:at], line[: len(line) // 2]]
    elif kind == "swap":
        lines[at], lines[-1] = lines[-1], lines[at]
    else:
        lines.insert(at, value)
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


MANY = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=150
)
FEW = settings(MANY, max_examples=25)


@pytest.mark.parametrize("file", ["hosts.yml", "group_vars/all.yml"])
@FEW
@given(edit=edits())
def test_any_inventory_is_taken_or_told(tmp_path: Path, file: str, edit: tuple[str, float, str]) -> None:
    folder = tmp_path / "inventory"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(REPOSITORY / "inventory" / "example", folder)
    path = folder / file
    path.write_bytes(edited(path.read_text(encoding="utf-8"), edit))
    try:
        assert fleet.load(folder, CATALOGUE).fleet.hosts
    except PatuhError as error:
        assert str(error).strip()
        assert "Traceback" not in str(error)


@MANY
@given(edit=edits())
def test_any_regulation_is_taken_or_told(tmp_path: Path, edit: tuple[str, float, str]) -> None:
    path = tmp_path / "edited.yml"
    text = (catalogue.FOLDER / "regulations" / "jambi-31-2017.yml").read_text(encoding="utf-8")
    path.write_bytes(edited("\n".join(text.splitlines()[:90]), edit))
    try:
        catalogue.load_regulation(path)
    except PatuhError as error:
        assert "edited.yml" in str(error)


@MANY
@given(edit=edits())
def test_any_breaks_are_taken_or_told(tmp_path: Path, edit: tuple[str, float, str]) -> None:
    text = (catalogue.FOLDER / "breaks" / "backup.yml").read_text(encoding="utf-8")
    (tmp_path / "edited.yml").write_bytes(edited(text, edit))
    try:
        breaking.load(tmp_path)
    except PatuhError as error:
        assert "edited.yml" in str(error)


@MANY
@given(edit=edits())
def test_any_assessment_is_taken_and_can_be_reported_or_told(tmp_path: Path, edit: tuple[str, float, str]) -> None:
    path = tmp_path / "assessment.json"
    path.write_bytes(edited(sample().model_dump_json(indent=1), edit))
    try:
        found = read(path)
    except PatuhError as error:
        assert "assessment.json" in str(error)
        return
    document = html.render(found)
    assert document.count("<script") == 1
    assert "\x1b" not in document


def test_variables_that_are_none_are_told_with_their_file(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory"
    shutil.copytree(REPOSITORY / "inventory" / "example", inventory)
    (inventory / "group_vars" / "all.yml").write_text("text\n")
    with pytest.raises(PatuhError, match=r"group_vars/all\.yml:1.*no set of variables"):
        fleet.load(inventory, catalogue.default_catalogue())
