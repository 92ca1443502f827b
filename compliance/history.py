"""What an assessment carries on from the one before it: since when findings are open, what changed, the runs so far."""

from __future__ import annotations

import datetime
import zoneinfo
from collections import Counter
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Earlier:
    """What is known of the assessments before: the runs, the oldest first, and how things stood after the last."""

    runs: list[Run]
    standing: dict[Place, tuple[Status, datetime.date | None]]


def earlier(assessment: Assessment) -> Earlier:
    """What an assessment tells the next one."""
    standing = {_place(finding): (finding.status, finding.since) for finding in assessment.findings}
    return Earlier([*assessment.history, summary(assessment)], standing)


def continued(assessment: Assessment, before: Earlier | None) -> Assessment:
    """The assessment, carrying on from those of the same fleet before it.

    A finding that was in trouble before is open since then; one that is newly so, since this assessment.
    """
    today = _day(assessment)
    known = before.standing if before else {}
    findings = []
    for finding in assessment.findings:
        status, since = known.get(_place(finding), (None, None))
        opened = (since if status in OPEN and since else today) if finding.status in OPEN else None
        findings.append(finding.model_copy(update={"since": opened}))
    return assessment.model_copy(
        update={
            "findings": findings,
            "before": before.runs[-1].created if before else None,
            "changes": _changes(findings, known, today),
            "history": before.runs[-RUNS_KEPT:] if before else [],
        }
    )


def _changes(
    findings: list[Finding], known: dict[Place, tuple[Status, datetime.date | None]], today: datetime.date
) -> list[Change]:
    """The findings whose status is another than before: what became worse first, the worst of it first."""
    changes = []
    for finding in findings:
        was, since = known.get(_place(finding), (finding.status, None))
        if was is finding.status:
            continue
        ended = was in OPEN and finding.status not in OPEN and since is not None
        days = (today - since).days if ended and since else None
        changes.append(Change(control=finding.control, host=finding.host, was=was, now=finding.status, open_days=days))
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
