"""Every control and clause can be explained, with what the last assessment says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from commands.__main__ import patuh
from compliance.assessment import Status
from compliance.catalogue import default_catalogue
from compliance.errors import PatuhError
from reports.presentation import LANGUAGES, Language, View
from tests.unit.samples import HOSTILE, sample

CATALOGUE = default_catalogue()


def explain(what: str, assessment: Path, language: Language = "id") -> Result:
    arguments = ["explain", what, "--assessment", str(assessment), "--language", language]
    return CliRunner().invoke(patuh, arguments, env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def assessment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "assessment.json"
    path.write_text(sample(HOSTILE).model_dump_json(), encoding="utf-8")
    return path


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_control_says_why_how_where_and_what_mends_it(assessment: Path, language: Language) -> None:
    known = sample(HOSTILE)
    view = View(language, known)
    for status in (Status.FAIL, Status.PASS, Status.ERROR):
        identifier = next(one.control for one in known.findings if one.status is status and one.host)
        done = explain(identifier, assessment, language)
        assert done.exit_code == 0, done.output
        control = view.controls[identifier]
        flat = " ".join(done.output.split())
        for words in (control.title, control.rationale, control.mend, "✗"):
            assert " ".join(words.split()) in flat
        assert "\x1b[2J" not in done.output


def test_every_control_and_clause_can_be_explained(tmp_path: Path) -> None:
    one_of_each = {control.assessed: control.id for control in CATALOGUE.controls.values()}
    for what in [
        *one_of_each.values(),
        "os.hardening",
        "G.11",
        "g.11",
        "jambi-31-2017/G.11",
        "kaltim-065-2-519/prosedur.1",
    ]:
        done = explain(what, tmp_path / "nothing.json")
        assert done.exit_code == 0, done.output
        assert done.output.strip()


def test_a_number_that_several_regulations_have_is_explained_for_each(tmp_path: Path) -> None:
    shared = [
        one.citation for one in CATALOGUE.regulations.values() if "pencatatan.1" in {c.clause for c in one.clauses}
    ]
    assert len(shared) > 1
    done = explain("pencatatan.1", tmp_path / "nothing.json")
    assert all(citation in done.output for citation in shared)


def test_what_there_is_not_is_told_with_what_was_meant(tmp_path: Path) -> None:
    done = explain("ssh.key-only", tmp_path / "nothing.json")
    assert isinstance(done.exception, PatuhError)
    assert "Did you mean 'ssh.keys-only'?" in str(done.exception)
