"""The assessment in the OASIS Heimdall Data Format, for Heimdall and what else reads the results of InSpec."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from compliance.assessment import AssessedControl, Assessment, Finding, Status
from compliance.catalogue import Severity
from reports.presentation import Language, View

STATUSES = {
    Status.PASS: "passed",
    Status.FAIL: "failed",
    Status.OVERDUE: "failed",
    Status.ERROR: "error",
    Status.MISSING: "skipped",
    Status.WAIVED: "skipped",
    Status.NOT_APPLICABLE: "skipped",
}
IMPACTS = {Severity.HIGH: 0.7, Severity.MEDIUM: 0.5, Severity.LOW: 0.3}


def render(assessment: Assessment, language: Language = "en") -> bytes:
    """The document: one profile, a control for each of this suite's, a result for each host."""
    view = View(language, assessment)

    def result(finding: Finding) -> dict[str, Any]:
        worded = view.finding(finding)
        seen = view.seen(worded, holding=finding.status is Status.PASS)
        told = "\n".join(filter(None, [worded.reason, *seen])) or worded.chip.word
        status = STATUSES[finding.status]
        found: dict[str, Any] = {
            "status": status,
            "code_desc": f"{worded.host}: {worded.chip.word}",
            "start_time": assessment.created.isoformat(),
            "run_time": 0.0,
        }
        if status != "passed":
            found["skip_message" if status == "skipped" else "message"] = told
        return found

    def control(one: AssessedControl) -> dict[str, Any]:
        findings = assessment.findings_of(one.id)
        return {
            "id": one.id,
            "title": view.text(one.title),
            "desc": view.text(one.rationale),
            "descriptions": [{"label": "fix", "data": view.mend(one)}],
            "impact": IMPACTS[one.severity],
            "refs": [],
            "tags": {
                "clauses": one.clauses,
                "assessed": one.assessed,
                "verdicts": {finding.host or "": finding.status.value for finding in findings},
            },
            "code": "",
            "source_location": {},
            "results": [result(finding) for finding in findings],
        }

    controls = [control(one) for one in assessment.controls]
    document = {
        "platform": {"name": "patuh", "release": assessment.version, "target_id": assessment.fleet},
        "version": assessment.version,
        "statistics": {"duration": assessment.duration_seconds},
        "profiles": [
            {
                "name": "patuh",
                "version": assessment.version,
                "title": f"{view.say('title')}: {assessment.fleet}",
                "summary": " ".join(view.verdict),
                "sha256": hashlib.sha256(json.dumps(controls, sort_keys=True).encode()).hexdigest(),
                "supports": [],
                "attributes": [],
                "groups": [],
                "controls": controls,
                "status": "loaded",
            }
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
