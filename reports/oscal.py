"""The regulations and an assessment in NIST's OSCAL 1.2.1, for the tools that speak it.

A catalog for each regulation with a control for each clause; a component definition that says which of this suite's
controls serve which clause; assessment results with a finding for each clause that asks for something; a plan of action
with an item for each finding that is open. Identifiers are made from what they name, and stay the same from run to run.
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator
from typing import Any

from compliance.assessment import (
    AssessedClause,
    AssessedRegulation,
    Assessment,
    Finding,
    Status,
)
from compliance.history import OPEN
from reports.presentation import Language, View
from reports.views import ClauseView, FindingView, RegulationView

VERSION = "1.2.1"
NAMESPACE = "https://patuh.example/ns/oscal"
Document = dict[str, Any]
SATISFIED = frozenset({Status.PASS, Status.NOT_APPLICABLE})


def render(assessment: Assessment, language: Language = "en") -> dict[str, bytes]:
    """Every document by the name of its file."""
    view = View(language, assessment)
    documents: dict[str, Document] = {
        f"catalog-{regulation.id}.json": {"catalog": _catalog(view, regulation, assessed)}
        for regulation, assessed in zip(view.regulations, assessment.regulations, strict=True)
    }
    observations = {_place(finding): _observation(view, finding) for finding in assessment.findings}
    documents["component-definition.json"] = {"component-definition": _components(view)}
    documents["assessment-results.json"] = {"assessment-results": _results(view, observations)}
    if items := [finding for finding in assessment.findings if finding.status in (*OPEN, Status.WAIVED)]:
        documents["plan-of-action-and-milestones.json"] = {
            "plan-of-action-and-milestones": _plan(view, items, observations)
        }
    return {
        name: json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
        for name, document in documents.items()
    }


def file_names(assessment: Assessment) -> set[str]:
    """The names of all documents that there can be of an assessment."""
    documents = ("component-definition", "assessment-results", "plan-of-action-and-milestones")
    return {f"{one}.json" for one in (*documents, *(f"catalog-{each.id}" for each in assessment.regulations))}


def clause_id(regulation: str, clause: str) -> str:
    """A clause as an OSCAL token, the same in every document."""
    return f"{regulation}_{clause}"


def _uuid(*names: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join((NAMESPACE, *names))))


def _place(finding: Finding) -> tuple[str, str | None]:
    return finding.control, finding.host


def _instant(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).isoformat(timespec="seconds")


def _line(text: str) -> str:
    """A text where OSCAL wants one line."""
    return " ".join(text.split()) or "—"


def _metadata(view: View, title: str) -> Document:
    return {
        "title": _line(title),
        "last-modified": _instant(view.assessment.created),
        "version": view.assessment.version,
        "oscal-version": VERSION,
    }


def _property(name: str, value: str) -> Document:
    return {"name": name, "ns": NAMESPACE, "value": _line(value)}


# --- Regulations ------------------------------------------------------------------------------------------------------


def _catalog(view: View, regulation: RegulationView, assessed: AssessedRegulation) -> Document:
    below: dict[str | None, list[tuple[ClauseView, AssessedClause]]] = {}
    for worded, clause in zip(regulation.clauses, assessed.clauses, strict=True):
        below.setdefault(clause.parent, []).append((worded, clause))

    def control(worded: ClauseView, clause: AssessedClause) -> Document:
        own = clause_id(regulation.id, clause.clause)
        parts = [{"id": f"{own}_statement", "name": "statement", "prose": worded.summary}]
        if worded.note:
            parts.append({"id": f"{own}_guidance", "name": "guidance", "prose": worded.note})
        found: Document = {
            "id": own,
            "class": clause.kind.value,
            "title": _line(worded.summary),
            "props": [{"name": "label", "value": clause.clause}],
            "parts": parts,
        }
        if clause.clause in below:
            found["controls"] = [control(*one) for one in below[clause.clause]]
        return found

    return {
        "uuid": _uuid("catalog", regulation.id),
        "metadata": _metadata(view, f"{regulation.citation}: {regulation.title}"),
        "controls": [control(*one) for one in below[None]],
    }


def _components(view: View) -> Document:
    def implementation(regulation: RegulationView) -> Document:
        return {
            "uuid": _uuid("implementation", regulation.id),
            "source": f"catalog-{regulation.id}.json",
            "description": regulation.title,
            "implemented-requirements": [
                {
                    "uuid": _uuid("requirement", regulation.id, clause.number),
                    "control-id": clause_id(regulation.id, clause.number),
                    "description": "; ".join(f"{control.title}. {control.mend}" for control in clause.controls),
                    "props": [_property("control", control.id) for control in clause.controls],
                }
                for clause in regulation.clauses
                if clause.controls
            ],
        }

    return {
        "uuid": _uuid("component-definition", view.assessment.fleet),
        "metadata": _metadata(view, "Patuh"),
        "components": [
            {
                "uuid": _uuid("component"),
                "type": "software",
                "title": "Patuh",
                "description": view.say("title"),
                "control-implementations": [implementation(regulation) for regulation in view.regulations],
            }
        ],
    }


# --- An assessment ----------------------------------------------------------------------------------------------------


def _told(view: View, worded: FindingView) -> str:
    seen = view.seen(worded, holding=True)
    return "\n".join(filter(None, [worded.reason, *seen])) or worded.chip.word


def _observation(view: View, finding: Finding) -> Document:
    worded = view.finding(finding)
    by_machine = view.assessment.control(finding.control).assessed == "host"
    found: Document = {
        "uuid": _uuid("observation", view.assessment.fleet, finding.control, finding.host or ""),
        "title": f"{finding.control} ({worded.host})",
        "description": _told(view, worded),
        "props": [_property("control", finding.control), _property("status", finding.status.value)],
        "methods": ["TEST" if by_machine else "EXAMINE"],
        "collected": _instant(view.assessment.created),
    }
    if finding.host is not None:
        subject = {"subject-uuid": _host_uuid(view, finding.host), "type": "inventory-item", "title": finding.host}
        found["subjects"] = [subject]
    return found


def _host_uuid(view: View, host: str) -> str:
    return _uuid("host", view.assessment.fleet, host)


def _results(view: View, observations: dict[tuple[str, str | None], Document]) -> Document:
    assessment = view.assessment
    by_control: dict[str, list[str]] = {}
    for (control, _), observation in observations.items():
        by_control.setdefault(control, []).append(observation["uuid"])
    plan = _uuid("assessment-plan", assessment.fleet)
    result: Document = {
        "uuid": _uuid("result", assessment.fleet, _instant(assessment.created)),
        "title": f"{assessment.fleet}: {view.score}",
        "description": " ".join(view.verdict),
        "start": _instant(assessment.created),
        "end": _instant(assessment.created + datetime.timedelta(seconds=assessment.duration_seconds)),
        "reviewed-controls": {
            "control-selections": [
                {
                    "include-controls": [
                        {"control-id": clause_id(regulation.id, clause.clause)}
                        for regulation, clause in _asking(assessment)
                    ]
                }
            ]
        },
        "observations": list(observations.values()),
        "findings": [_finding(view, regulation, clause, by_control) for regulation, clause in _asking(assessment)],
    }
    if assessment.hosts:
        result["local-definitions"] = {
            "inventory-items": [
                {"uuid": _host_uuid(view, host.name), "description": " ".join(filter(None, [host.name, host.system]))}
                for host in assessment.hosts
            ]
        }
    return {
        "uuid": _uuid("assessment-results", assessment.fleet, _instant(assessment.created)),
        "metadata": _metadata(view, f"{view.say('title')}: {assessment.fleet}"),
        "import-ap": {"href": f"#{plan}"},
        "results": [result],
        "back-matter": {
            "resources": [
                {
                    "uuid": plan,
                    "title": view.say("method"),
                    "description": view.say(
                        "tool-version", version=assessment.version, seconds=assessment.duration_seconds
                    ),
                }
            ]
        },
    }


def _asking(assessment: Assessment) -> Iterator[tuple[AssessedRegulation, AssessedClause]]:
    for regulation in assessment.regulations:
        for clause in regulation.clauses:
            if clause.verdict is not Status.INFORMATION:
                yield regulation, clause


def _finding(
    view: View, regulation: AssessedRegulation, clause: AssessedClause, by_control: dict[str, list[str]]
) -> Document:
    target: Document = {
        "type": "statement-id",
        "target-id": f"{clause_id(regulation.id, clause.clause)}_statement",
        "status": {"state": "satisfied" if clause.verdict in SATISFIED else "not-satisfied"},
    }
    if clause.verdict is Status.NOT_APPLICABLE:
        target["implementation-status"] = {"state": "not-applicable"}
    found: Document = {
        "uuid": _uuid("finding", view.assessment.fleet, regulation.id, clause.clause),
        "title": f"{regulation.citation} {clause.clause}: {view.chip(clause.verdict).word}",
        "description": view.text(clause.summary),
        "props": [_property("verdict", clause.verdict.value)],
        "target": target,
    }
    if related := [one for control in clause.controls for one in by_control.get(control, [])]:
        found["related-observations"] = [{"observation-uuid": one} for one in dict.fromkeys(related)]
    return found


def _plan(view: View, items: list[Finding], observations: dict[tuple[str, str | None], Document]) -> Document:
    controls = view.controls

    def item(finding: Finding) -> Document:
        control, worded = controls[finding.control], view.finding(finding)
        told = {
            "status": finding.status.value,
            "in-charge": control.in_charge,
            "since": finding.since.isoformat() if finding.since else "",
            "due": finding.due.on.isoformat() if finding.due else "",
            "accepted-until": finding.waived.until.isoformat() if finding.waived else "",
        }
        return {
            "uuid": _uuid("item", view.assessment.fleet, finding.control, finding.host or ""),
            "title": _line(f"{control.title} ({worded.host})"),
            "description": control.mend,
            "props": [_property(name, value) for name, value in told.items() if value],
            "related-observations": [{"observation-uuid": observations[_place(finding)]["uuid"]}],
        }

    return {
        "uuid": _uuid("plan", view.assessment.fleet, _instant(view.assessment.created)),
        "metadata": _metadata(view, f"{view.say('first-to-do')}: {view.assessment.fleet}"),
        "system-id": {"id": _line(view.assessment.fleet)},
        "observations": [observations[_place(finding)] for finding in items],
        "poam-items": [item(finding) for finding in items],
    }
