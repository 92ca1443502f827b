"""Documents in other people's formats hold to the published schemas, and a library of the field reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import xmlschema
from pydantic import BaseModel
from trestle.oscal.assessment_results import Model as AssessmentResults
from trestle.oscal.catalog import Model as Catalog
from trestle.oscal.component import Model as ComponentDefinition
from trestle.oscal.poam import Model as PlanOfAction

from compliance.assessment import Assessment
from reports import junit, ohdf, oscal, sarif
from tests.unit.samples import HOSTILE, sample

SCHEMAS = Path(__file__).parent / "data" / "schemas"
pytestmark = pytest.mark.parametrize("assessment", [sample(), sample(HOSTILE)], ids=["plain", "hostile"])


def held_against(name: str) -> Callable[[bytes], list[str]]:
    """What a JSON Schema finds wrong with a document."""
    schema = jsonschema_rs.validator_for(json.loads((SCHEMAS / name).read_text(encoding="utf-8")))
    return lambda document: [f"{one.instance_path}: {one.message}" for one in schema.iter_errors(json.loads(document))]


MODELS: dict[str, type[BaseModel]] = {
    "catalog-jambi-31-2017.json": Catalog,
    "component-definition.json": ComponentDefinition,
    "assessment-results.json": AssessmentResults,
    "plan-of-action-and-milestones.json": PlanOfAction,
}


def test_oscal(assessment: Assessment) -> None:
    documents = oscal.render(assessment)
    assert set(documents) == set(MODELS)
    trouble = held_against("oscal-1.2.3.json")
    for name, document in documents.items():
        assert trouble(document) == [], name
        MODELS[name].model_validate_json(document)


def test_sarif(assessment: Assessment) -> None:
    assert held_against("sarif-2.1.0.json")(sarif.render(assessment)) == []


def test_ohdf(assessment: Assessment) -> None:
    assert held_against("ohdf-exec-json.json")(ohdf.render(assessment)) == []


def test_junit(assessment: Assessment, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_bytes(junit.render(assessment))
    assert [error.reason for error in xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").iter_errors(str(path))] == []


def test_a_document_of_another_form_is_noticed(assessment: Assessment) -> None:
    """A schema that lets anything pass would prove nothing."""
    changes: dict[str, tuple[bytes, Callable[[Any], Any]]] = {
        "oscal-1.2.3.json": (
            oscal.render(assessment)["assessment-results.json"],
            lambda document: document["assessment-results"].pop("metadata"),
        ),
        "sarif-2.1.0.json": (sarif.render(assessment), lambda document: document["runs"][0]["tool"].pop("driver")),
        "ohdf-exec-json.json": (ohdf.render(assessment), lambda document: document["profiles"][0].pop("sha256")),
    }
    for name, (document, change) in changes.items():
        changed = json.loads(document)
        change(changed)
        assert held_against(name)(json.dumps(changed).encode()), name
