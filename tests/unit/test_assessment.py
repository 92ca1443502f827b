"""Scores, verdicts and the plan: nothing is rounded away, and nothing that was expected goes missing."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from compliance import assess, fleet
from compliance.assessment import SCHEMA_FILE, TROUBLE, Assessment, Score, Status, read, tally, worst
from compliance.catalogue import Assessed, default_catalogue
from compliance.errors import PatuhError
from reports.presentation import View
from tests.unit.samples import REGULATION, sample

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("held", "of", "tenths"), [(999, 1000, 999), (1999, 2000, 999), (2000, 2000, 1000), (0, 0, 0), (1, 3, 333)]
)
def test_the_score_never_rounds_a_failure_away(held: int, of: int, tenths: int) -> None:
    assert Score(held=held, assessed=of, tally=tally([])).tenths == tenths


def test_the_worst_finding_decides() -> None:
    order = [Status.FAIL, Status.ERROR, Status.MISSING, Status.PASS, Status.NOT_APPLICABLE]
    for number, status in enumerate(order):
        assert worst(order[number:][::-1]) is status
    assert worst([]) is Status.NOT_APPLICABLE


def test_counts_agree() -> None:
    assessment = sample()
    assert sum(assessment.score.tally.values()) == len(assessment.findings)
    clauses = assessment.regulations[0].clauses
    assert sum(assessment.regulations[0].tally.values()) == len(clauses) == 199
    assert assessment.coverage.total == sum(clause.kind.asks for clause in clauses)
    assert assessment.score.held < assessment.score.assessed


def test_an_error_counts_as_not_holding() -> None:
    assessment = sample()
    scored = [f for f in assessment.findings if f.status in (Status.PASS, *TROUBLE)]
    assert assessment.score.assessed == len(scored)
    assert assessment.score.held == sum(f.status is Status.PASS for f in scored)


def test_silent_hosts_are_errors_for_everything_planned() -> None:
    catalogue = default_catalogue()
    loaded = fleet.load(REPOSITORY / "inventory" / "lab", catalogue)
    nowhere = {
        name: {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_user": "x"} for name in loaded.fleet.hosts
    }
    assessment = assess.assess_fleet(loaded.model_copy(update={"connections": nowhere}), catalogue)
    planned = [c.id for c in catalogue.controls_for(loaded.fleet.regulations) if c.assessed is Assessed.HOST]
    for host in assessment.hosts:
        own = [finding for finding in assessment.findings if finding.host == host.name]
        assert not host.answered
        assert host.silence
        assert [finding.control for finding in own] == planned
        assert {finding.status for finding in own} == {Status.ERROR}


def test_the_schema_in_the_repository_describes_assessments() -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(sample().model_dump_json()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema_version": 1}, schema)


def test_an_assessment_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "assessment.json"
    path.write_text(sample().model_dump_json(), encoding="utf-8")
    assert read(path) == sample()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema_version": 2}', "\0"])
def test_other_files_are_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "assessment.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PatuhError, match="is no assessment"):
        read(path)


def test_what_to_do_first_is_what_fails_and_matters_most() -> None:
    assessment = sample()
    first = [assessment.control(identifier) for identifier in assessment.first_to_do]
    assert 3 <= len(first) <= 5
    assert all(any(f.status is Status.FAIL for f in assessment.findings_of(c.id)) for c in first)
    assert first[0].severity == "high"


def test_local_assessment_of_this_computer_changes_nothing_and_guesses_nothing() -> None:
    catalogue = default_catalogue()
    assessment: Assessment = assess.assess_local(catalogue, [REGULATION])
    assert assessment.local
    assert assessment.hosts[0].answered
    for control in catalogue.controls_for([REGULATION]):
        for finding in assessment.findings_of(control.id):
            if control.assessed is Assessed.FLEET:
                assert finding.reason is not None
                assert finding.reason.message == "undeclared-fleet"


def test_a_status_that_a_tally_leaves_out_is_none() -> None:
    assessment = sample()
    document = json.loads(assessment.document)
    del document["score"]["tally"]["overdue"]
    document["regulations"][0]["tally"] = {}
    found = Assessment.model_validate(document)
    assert found.score.tally[Status.OVERDUE] == 0
    assert View("id", found).regulations[0].states == []
