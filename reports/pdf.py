"""The report as a tagged PDF (PDF/UA-1) on A4, from the same words as the HTML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typst

from compliance.assessment import Assessment
from reports.presentation import ChangeView, Language, View

TEMPLATES = Path(__file__).resolve().parent / "templates"
LABELS = (
    "title",
    "created",
    "score",
    "coverage",
    "first-to-do",
    "nothing-to-do",
    "by-regulation",
    "clause",
    "summary",
    "verdict",
    "note",
    "hosts",
    "host",
    "role",
    "zone",
    "system",
    "answered",
    "yes",
    "no",
    "method",
    "parameters",
    "figure",
    "source",
    "evidence",
    "subject",
    "expected",
    "observed",
    "on-hosts",
    "page",
    "expiring-waivers",
    "due-soon",
    "by-time",
    "became-worse",
    "became-better",
    "status-fail",
    "status-error",
    "by-nobody",
    "mended",
)


# What the embedded fonts show, beyond Latin; PDF/UA refuses a document with a sign that no font has.
SIGNS_SHOWN = frozenset("–—…≥≤≠→÷×·°✓✗○“”‘’€")


def _shown(value: Any) -> Any:
    """The value with every sign that the fonts lack replaced, so that no server's words can spoil the document."""
    if isinstance(value, str):
        return "".join(
            sign if (sign.isprintable() and ord(sign) < 0x250) or sign in SIGNS_SHOWN or sign == "\n" else "?"
            for sign in value
        )
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return value


def _data(view: View) -> dict[str, object]:
    assessment = view.assessment
    troubled = [control for control in view.controls.values() if control.troubled]
    return {
        "language": view.language,
        "labels": {key: view.say(key) for key in LABELS},
        "fleet": assessment.fleet,
        "created": view.created,
        "verdict": view.verdict,
        "score": view.score,
        "formula": view.formula,
        "coverage": view.coverage,
        "changed": view.changed,
        "runs": [
            [run.moment, run.score, *map(str, (run.fails, run.errors, run.nobody, run.mended))]
            for run in view.runs[-12:]
        ],
        "worse": [_change(change) for change in view.changes if change.worse],
        "better": [_change(change) for change in view.changes if not change.worse],
        "shares": [assessment.coverage.by_machine, assessment.coverage.by_record, assessment.coverage.nobody],
        "expiring": [f"{title}: {when}" for title, when in view.expiring],
        "due": view.due_soon,
        "todo": [
            {
                "title": control.title,
                "sign": control.chip.sign,
                "word": control.chip.word,
                "hosts": ", ".join(dict.fromkeys(finding.host for finding in control.troubled)),
                "mend": control.mend,
            }
            for control in view.first_to_do
        ],
        "regulations": [
            {
                "citation": regulation.citation,
                "title": regulation.title,
                "tally": [f"{chip.sign} {count} {chip.word}" for chip, count in regulation.tally],
                "clauses": [
                    {
                        "number": clause.number,
                        "summary": clause.summary,
                        "note": " ".join(filter(None, [clause.note, clause.counts_with])),
                        "status": clause.chip.name if clause.asks else "",
                        "word": f"{clause.chip.sign} {clause.chip.word}" if clause.asks else "",
                        "trouble": [
                            f"{control.title}: {', '.join(dict.fromkeys(f.host for f in control.troubled))}"
                            for control in clause.controls
                            if control.troubled
                        ],
                    }
                    for clause in regulation.clauses
                ],
            }
            for regulation in view.regulations
        ],
        "hosts": [
            [
                host.name,
                host.role or "—",
                host.zone or "—",
                host.system or "—",
                view.say("yes") if host.answered else f"{view.say('no')}: {host.silence}",
            ]
            for host in assessment.hosts
        ],
        "findings": [
            {
                "title": control.title,
                "host": finding.host,
                "word": f"{finding.chip.sign} {finding.chip.word}",
                "since": finding.since,
                "reason": finding.reason,
                "seen": [list(seen[:3]) for seen in finding.observations if not seen[3]],
            }
            for control in troubled
            for finding in control.troubled
        ],
        "figures": [list(row) for row in view.figures],
        "tool": view.say("tool-version", version=assessment.version, seconds=assessment.duration_seconds),
    }


def _change(change: ChangeView) -> str:
    told = f"{change.title} ({change.host}): {change.was.word} → {change.now.word}"
    return f"{told}, {change.open_days}" if change.open_days else told


def render(assessment: Assessment, language: Language = "id") -> bytes:
    """The document in one language."""
    return bytes(
        typst.compile(
            TEMPLATES / "report.typ",
            root=TEMPLATES,
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(_shown(_data(View(language, assessment))), ensure_ascii=False)},
            pdf_standards=["ua-1"],
        )
    )
