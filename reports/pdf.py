"""The report as a tagged PDF (PDF/UA-1) on A4, from the same words as the HTML."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import typst

from compliance.assessment import Assessment
from reports.presentation import Language, View, messages
from reports.views import ChangeView, Chip, ControlView, HostView

TEMPLATES = Path(__file__).resolve().parent / "templates"
# What the embedded fonts show, beyond Latin; PDF/UA refuses a document with a sign that no font has.
SIGNS_SHOWN = frozenset("\N{NO-BREAK SPACE}–—…≥≤≠→÷×·°✓✗○“”‘’€")


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
    return {
        "language": view.language,
        "labels": {key: view.say(key) for key in messages()},
        "letterhead": assessment.letterhead,
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
        "trends": [[title, [dataclasses.asdict(trend) for trend in trends]] for title, trends in view.trends],
        "worse": [_change(change) for change in view.changes if change.worse],
        "better": [_change(change) for change in view.changes if not change.worse],
        "open-for": view.open_for,
        "open-longest": [row[1:] for row in view.open_longest],
        "shares": [assessment.coverage.by_machine, assessment.coverage.by_record, assessment.coverage.nobody],
        "expiring": [f"{title}: {when}" for title, when in view.expiring],
        "due": view.due_soon,
        "todo": [
            {
                "title": control.title,
                "sign": control.chip.sign,
                "word": control.chip.word,
                "hosts": _hosts(control),
                "why": view.why(control),
                "mend": control.mend,
                "effort": f"{view.say('effort')}: {control.effort}.",
                "in-charge": f"{view.say('in-charge')}: {control.in_charge}." if control.in_charge else "",
            }
            for control in view.first_to_do
        ],
        "regulations": [
            {
                "citation": regulation.citation,
                "title": regulation.title,
                "summary": regulation.summary,
                "svg": regulation.svg,
                "clauses": [
                    {
                        "number": clause.number,
                        "summary": clause.summary,
                        "heading": clause.heading,
                        "note": " ".join(filter(None, [clause.note, clause.counts_with])),
                        "status": clause.chip.name if clause.asks else "",
                        "word": _word(clause.chip) if clause.asks else "",
                        "since": clause.since,
                        "trouble": [
                            f"{control.title}: {_hosts(control)}. {control.mend}"
                            for control in clause.controls
                            if control.troubled
                        ],
                    }
                    for clause in regulation.clauses
                ],
            }
            for regulation in view.regulations
        ],
        "hosts": [_host(view, host) for host in view.hosts],
        "room": [dataclasses.asdict(chart) for chart in view.room],
        "controls": [
            {
                **{name: getattr(control, name) for name in ("title", "rationale", "severity", "proved")},
                "clauses": ", ".join(control.clauses),
                "findings": [
                    {
                        **{name: getattr(finding, name) for name in ("host", "since", "reason", "due")},
                        "status": finding.chip.name,
                        "word": _word(finding.chip),
                        "seen": finding.observations,
                    }
                    for finding in control.findings
                ],
            }
            for control in view.controls.values()
        ],
        "waivers": view.waivers,
        "untold": [(control.title, finding.host, finding.reason) for control, finding in view.untold],
        "figures": view.figures,
        "proofs": view.proofs,
        "tool": view.tool,
        "digest": assessment.digest,
        "signature": view.signature,
    }


def _host(view: View, host: HostView) -> dict[str, object]:
    return {
        "name": host.name,
        "cells": host.cells[:3],
        "answered": view.say("yes") if host.answered else f"{view.say('no')}: {host.silence}",
        "tally": [f"{chip.sign} {count} {chip.word}" for chip, count in host.tally],
        "declared": host.declared,
        "troubled": [
            {
                "title": control.title,
                "status": finding.chip.name,
                "word": _word(finding.chip),
                "since": finding.since,
                "seen": "; ".join(filter(None, [finding.reason, *view.seen(finding)])),
                "mend": control.mend,
            }
            for control, finding in host.troubled
        ],
        "charts": [dataclasses.asdict(chart) for chart in host.charts],
        "log": host.log,
    }


def _word(chip: Chip) -> str:
    return f"{chip.sign} {chip.word}"


def _hosts(control: ControlView) -> str:
    return ", ".join(dict.fromkeys(finding.host for finding in control.troubled))


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
            timestamp=int(assessment.created.timestamp()),
        )
    )
