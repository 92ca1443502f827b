"""The regulations, controls and checks fit together, and nothing is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from compliance.catalogue import Assessed, default_catalogue, load_regulation
from compliance.checking import all_checks
from compliance.errors import InvalidInput
from compliance.fleet_rules import all_rules
from reports.presentation import messages

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOGUE = default_catalogue()


# The ids of all clauses, as a reading of the five texts apart from this project's files has them.
CLAUSES = {
    "jambi-31-2017": 199,
    "batam-06-2018": 56,
    "tegal-sop-pusat-data": 397,
    "jateng-067-798": 71,
    "kaltim-065-2-519": 25,
}


@pytest.mark.parametrize("regulation", CLAUSES)
def test_every_clause_once_and_in_order(regulation: str) -> None:
    wanted = (Path(__file__).parent / "data" / f"{regulation}.clauses.txt").read_text(encoding="utf-8").split()
    assert [clause.clause for clause in CATALOGUE.regulations[regulation].clauses] == wanted
    assert len(wanted) == CLAUSES[regulation]


def test_clauses_that_count_with_another_ask_for_no_more_than_it() -> None:
    for regulation in CATALOGUE.regulations.values():
        clauses = {clause.clause: clause for clause in regulation.clauses}
        for clause in regulation.clauses:
            if clause.counts_with is not None:
                assert clause.kind.asks
                # The reader is told why: by a note, or because it is a branch within the step that decides.
                noted = clause.note or clauses[clause.counts_with].note
                assert noted or clause.parent == clause.counts_with, clause.clause


def test_every_clause_that_asks_has_a_control_and_no_other_has() -> None:
    for regulation in CATALOGUE.regulations.values():
        for clause in regulation.clauses:
            assert bool(CATALOGUE.controls_of(clause)) is clause.kind.asks, clause.clause


def test_every_control_is_asked_for() -> None:
    wanted = {control.id for control in CATALOGUE.controls_for(list(CATALOGUE.regulations))}
    groups = {control.part_of for control in CATALOGUE.controls.values()}
    assert set(CATALOGUE.controls) - wanted - groups == set()


def test_every_host_control_has_exactly_one_check_and_every_fleet_control_a_rule() -> None:
    groups = {control.part_of for control in CATALOGUE.controls.values()}

    def of(kind: Assessed) -> set[str]:
        return {c.id for c in CATALOGUE.controls.values() if c.assessed is kind and c.id not in groups}

    assert set(all_checks()) == of(Assessed.HOST)
    assert set(all_rules()) == of(Assessed.FLEET)


def test_every_role_named_by_a_control_exists() -> None:
    for control in CATALOGUE.controls.values():
        if control.role is not None:
            assert (REPOSITORY / "roles" / control.role / "tasks" / "main.yml").exists(), control.id


def test_every_parameter_that_code_uses_is_known() -> None:
    used: set[str] = set()
    for path in (REPOSITORY / "compliance" / "checks").glob("*.py"):
        used.update(re.findall(r'parameter\("(\w+)"\)', path.read_text(encoding="utf-8")))
    for path in (REPOSITORY / "roles").rglob("*.yml"):
        used.update(re.findall(r"patuh_plan\.parameters\.(\w+)", path.read_text(encoding="utf-8")))
    assert used
    assert used <= set(CATALOGUE.parameters)


def test_no_expression_of_a_role_holds_what_ansible_takes_for_a_backslash() -> None:
    """An expression's text has its line ends from YAML: ``'\\n'`` would be written as two signs into a file."""
    for path in (REPOSITORY / "roles").rglob("*.yml"):
        for text in _texts(yaml.safe_load(path.read_text(encoding="utf-8"))):
            for expression in re.findall(r"\{\{.*?\}\}", text, re.DOTALL):
                assert r"\n" not in expression, f"{path}: {expression}"


def _texts(document: object) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict | list):
        for one in document.values() if isinstance(document, dict) else document:
            yield from _texts(one)


def test_every_reason_that_code_gives_has_a_message_in_both_languages() -> None:
    used: set[str] = set()
    for path in (REPOSITORY / "compliance").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        used.update(re.findall(r'(?:NotApplicable\(|message=)"([a-z-]+)"', text))
    assert used
    assert {f"reason-{one}" for one in used} <= set(messages())


def test_every_area_of_controls_has_a_name() -> None:
    areas = {identifier.partition(".")[0] for identifier in default_catalogue().controls}
    assert {f"area-{area}" for area in areas} == {key for key in messages() if key.startswith("area-")}


def test_every_message_that_documents_use_exists() -> None:
    used: set[str] = set()
    for path in (*(REPOSITORY / "reports").glob("*.py"), *(REPOSITORY / "reports" / "templates").glob("*.j2")):
        used.update(re.findall(r"""say\(["']([a-z-]+)["']""", path.read_text(encoding="utf-8")))
    assert used <= set(messages())


def test_placeholders_are_the_same_in_both_languages() -> None:
    for key, text in messages().items():
        assert set(re.findall(r"\{(\w+)\}", text.id)) == set(re.findall(r"\{(\w+)\}", text.en)), key


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("ssh.protocol-2,", "ssh.protocol2,"), "unknown control 'ssh.protocol2'. Did you mean 'ssh.protocol-2'?"),
        (("clause: G.4\n", "clause: G.3\n"), "clause G.3 is given twice"),
        (("kind: prohibition", "kind: prohibitions"), "kind ('prohibitions')"),
        (("citation: Perwali", "citatoin: Perwali"), "citatoin"),
        (
            ("disk_used_pct_max:", "disk_use_pct_max:"),
            "sets the unknown parameter 'disk_use_pct_max'. Did you mean 'disk_used_pct_max'?",
        ),
        (("disk_used_pct_max: 90", "disk_used_pct_max: '90'"), "disk_used_pct_max ('90')"),
        (("disk_used_pct_max: 90", "disk_used_pct_max: 90.5"), "disk_used_pct_max (90.5)"),
    ],
)
def test_a_wrong_regulation_is_told_with_file_and_line(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    from compliance.catalogue import FOLDER, load

    text = (FOLDER / "regulations" / "jambi-31-2017.yml").read_text(encoding="utf-8")
    (tmp_path / "regulations").mkdir()
    (tmp_path / "regulations" / "jambi-31-2017.yml").write_text(text.replace(*change, 1), encoding="utf-8")
    (tmp_path / "controls").symlink_to(FOLDER / "controls")
    (tmp_path / "parameters.yml").symlink_to(FOLDER / "parameters.yml")
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path)
    assert expected in str(caught.value)
    assert re.search(r"jambi-31-2017\.yml:\d+:\d+: ", str(caught.value))


def test_a_broken_regulation_file_is_told_with_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.yml"
    path.write_text("id: x\ntitle: [", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"broken\.yml:\d+:\d+: is not valid YAML"):
        load_regulation(path)
