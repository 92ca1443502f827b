"""What an assessment carries on from the one before it: since when findings are open, what changed, the runs so far."""

from __future__ import annotations

import datetime
import zoneinfo
from collections import Counter

from compliance.assessment import (
    TROUBLE,
    WORST_FIRST,
    Assessment,
    Change,
    Finding,
    Run,
    Status,
)

RUNS_KEPT = 400
OPEN = frozenset({*TROUBLE, Status.MISSING})
Place = tuple[str, str | None]


def continued(assessment: Assessment, before: Assessment | None) -> Assessment:
    """The assessment, carrying on from the one before it; another fleet's is left aside.

    A finding that was in trouble before is open since then; one that is newly so, since this assessment.
    """
    if before is not None and (before.fleet, before.local) != (assessment.fleet, assessment.local):
        before = None
    today = _day(assessment)
    earlier = {_place(finding): finding for finding in before.findings} if before else {}
    findings = []
    for finding in assessment.findings:
        last = earlier.get(_place(finding))
        was_open = last is not None and last.status in OPEN
        since = (last.since if last and was_open and last.since else today) if finding.status in OPEN else None
        findings.append(finding.model_copy(update={"since": since}))
    return assessment.model_copy(
        update={
            "findings": findings,
            "before": before.created if before else None,
            "changes": _changes(findings, earlier, today),
            "history": [*before.history, summary(before)][-RUNS_KEPT:] if before else [],
        }
    )


def _changes(findings: list[Finding], earlier: dict[Place, Finding], today: datetime.date) -> list[Change]:
    """The findings whose status is another than before: what became worse first, the worst of it first."""
    changes = []
    for finding in findings:
        last = earlier.get(_place(finding))
        if last is None or last.status is finding.status:
            continue
        ended = last.status in OPEN and finding.status not in OPEN and last.since is not None
        days = (today - last.since).days if ended and last.since else None
        changes.append(
            Change(control=finding.control, host=finding.host, was=last.status, now=finding.status, open_days=days)
        )
    return sorted(changes, key=lambda one: (not one.worse, WORST_FIRST.index(one.now)))


def summary(assessment: Assessment) -> Run:
    """A past assessment in a few figures."""
    areas: dict[str, Counter[Status]] = {}
    for finding in assessment.findings:
        areas.setdefault(finding.control.partition(".")[0], Counter())[finding.status] += 1
    return Run(
        created=assessment.created,
        held=assessment.score.held,
        assessed=assessment.score.assessed,
        tally=assessment.score.tally,
        coverage=assessment.coverage,
        regulations={regulation.id: regulation.tally for regulation in assessment.regulations},
        areas={area: dict(counted) for area, counted in sorted(areas.items())},
        mended_after_days=[change.open_days for change in assessment.changes if change.open_days is not None],
    )


def _place(finding: Finding) -> Place:
    return finding.control, finding.host


def _day(assessment: Assessment) -> datetime.date:
    return assessment.created.astimezone(zoneinfo.ZoneInfo(assessment.timezone)).date()
