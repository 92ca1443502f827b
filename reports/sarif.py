"""The findings as SARIF 2.1.0, for whatever collects results of checks."""

from __future__ import annotations

import datetime
import json
from typing import Any

from compliance.assessment import Assessment, Finding, Status
from compliance.catalogue import Severity
from reports.presentation import Language, View

KINDS = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.OVERDUE: "fail",
    Status.WAIVED: "fail",
    Status.ERROR: "review",
    Status.MISSING: "open",
    Status.NOT_APPLICABLE: "notApplicable",
}
LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def render(assessment: Assessment, language: Language = "en") -> bytes:
    """The document: a rule per control, a result per finding; an accepted risk is a suppressed result."""
    view = View(language, assessment)
    index = {control.id: number for number, control in enumerate(assessment.controls)}
    rules = [
        {
            "id": control.id,
            "shortDescription": {"text": view.text(control.title)},
            "fullDescription": {"text": view.text(control.rationale)},
            "help": {"text": view.mend(control)},
            "defaultConfiguration": {"level": LEVELS[control.severity]},
            "properties": {"clauses": control.clauses, "assessed": control.assessed},
        }
        for control in assessment.controls
    ]

    def result(finding: Finding) -> dict[str, Any]:
        worded = view.finding(finding)
        failing = view.seen(worded)
        kind = KINDS[finding.status]
        control = assessment.controls[index[finding.control]]
        found: dict[str, Any] = {
            "ruleId": finding.control,
            "ruleIndex": index[finding.control],
            "kind": kind,
            "level": LEVELS[control.severity] if kind == "fail" else "none",
            "message": {"text": "; ".join(filter(None, [worded.reason, *failing])) or worded.chip.word},
            "locations": [{"logicalLocations": [{"name": worded.host, "kind": "resource"}]}],
            "properties": {"status": finding.status.value},
        }
        if finding.waived is not None:
            found["suppressions"] = [{"kind": "external", "status": "accepted", "justification": worded.reason}]
        return found

    ended = assessment.created.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "Patuh", "version": assessment.version, "rules": rules}},
                "invocations": [
                    {
                        "executionSuccessful": assessment.complete,
                        "endTimeUtc": ended,
                        "toolExecutionNotifications": [
                            {"level": "warning", "message": {"text": caution}} for caution in view.cautions
                        ],
                    }
                ],
                "results": [result(finding) for finding in assessment.findings],
            }
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
