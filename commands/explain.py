"""``patuh explain``: what a control or a clause is about, how it is checked, how it stands, and what mends it."""

from __future__ import annotations

import inspect
from pathlib import Path

import click
from rich.text import Text as Line

from commands.check import language_option
from commands.common import ASSESSMENT, OUTPUT, console
from compliance import breaking
from compliance.assessment import AssessedControl, Assessment, read
from compliance.catalogue import Assessed, Catalogue, Clause, Control, Text, default_catalogue, suggestion
from compliance.checking import all_checks
from compliance.errors import PatuhError
from compliance.evidence import judging
from compliance.fleet_rules import all_rules
from reports.presentation import Language, View, say
from reports.terminal import COLOURS


@click.command()
@click.argument("what", metavar="CONTROL|CLAUSE")
@click.option(
    "--assessment",
    type=click.Path(path_type=Path, dir_okay=False),
    default=OUTPUT / ASSESSMENT,
    help="How it stood in this assessment.",
)
@language_option
def explain(what: str, assessment: Path, language: Language) -> None:
    """Explain a control (ssh.keys-only) or a clause (G.11, or jambi-31-2017/G.11)."""
    catalogue = default_catalogue()
    last = read(assessment) if assessment.exists() else None
    if what in catalogue.controls:
        parts = [one for one in catalogue.controls.values() if one.part_of == what]
        for control in parts or [catalogue.controls[what]]:
            _explain_control(control, catalogue, last, language)
        return
    found = _clauses(what, catalogue)
    if not found:
        known = [
            *catalogue.controls,
            *(clause.clause for one in catalogue.regulations.values() for clause in one.clauses),
        ]
        raise PatuhError(f"no control or clause '{what}'", mend=suggestion(what, known))
    for regulation, clause in found:
        _explain_clause(regulation, clause, catalogue, last, language)


def _clauses(what: str, catalogue: Catalogue) -> list[tuple[str, Clause]]:
    """The clauses of that number, of one regulation or of all."""
    regulation, _, number = what.rpartition("/")
    return [
        (one.id, clause)
        for one in catalogue.regulations.values()
        for clause in one.clauses
        if regulation in ("", one.id) and clause.clause.lower() == number.lower()
    ]


def _told(text: Text, language: Language) -> str:
    return str(getattr(text, language))


def _explain_clause(
    regulation: str, clause: Clause, catalogue: Catalogue, last: Assessment | None, language: Language
) -> None:
    console.print(Line(f"{catalogue.regulations[regulation].citation}, {clause.clause}", style="bold"))
    console.print(Line(_told(clause.summary, language)))
    if clause.note is not None:
        console.print(Line(f"{say('note', language)}: {_told(clause.note, language)}", style="italic"))
    for name, value in (clause.figures | clause.facts).items():
        console.print(Line(f"  {name}: {value}", style="dim"))
    for control in catalogue.controls_of(clause):
        line = Line(f"  {control.id}: {_told(control.title, language)}")
        if last is not None:
            for status in sorted({finding.status for finding in last.findings_of(control.id)}):
                chip = View(language, last).chip(status)
                line.append(f" {chip.sign} {chip.word}", style=COLOURS.get(chip.name, ""))
        console.print(line)
    console.print()


def _explain_control(control: Control, catalogue: Catalogue, last: Assessment | None, language: Language) -> None:
    head = Line(control.id, style="bold")
    head.append(f" ({say(f'severity-{control.severity.value}', language)})", style="dim")
    console.print(head)
    console.print(Line(_told(control.title, language)))
    console.print(Line(f"{say('rationale', language)}: {_told(control.rationale, language)}"))
    clauses = [
        f"{catalogue.regulations[regulation].citation} {clause}"
        for regulation, clause in catalogue.clauses_for(control, list(catalogue.regulations))
    ]
    console.print(Line(f"{say('serves', language)}: {'; '.join(clauses)}"))
    console.print(Line(f"{say('checked-by', language)}: {_how(control)}"))
    for one in breaking.load(known=all_checks()):
        if one.control == control.id:
            console.print(Line(f"  ✗ {one.recipe.summary}", style="dim"))
    if last is None:
        console.print(Line(say("not-assessed", language), style="dim"))
    else:
        _show_findings(control, last, language)
    console.print()


def _how(control: Control) -> str:
    """The first words of the check or rule that decides it."""
    if control.assessed is Assessed.HOST:
        decides: object = all_checks()[control.id]
    elif control.assessed is Assessed.FLEET:
        decides = all_rules()[control.id]
    else:
        decides = judging.all_rules()[control.id].rule
    return " ".join((inspect.getdoc(decides) or "").split())


def _show_findings(control: Control, last: Assessment, language: Language) -> None:
    view = View(language, last)
    assessed: AssessedControl | None = next((one for one in last.controls if one.id == control.id), None)
    if assessed is None:
        console.print(Line(say("not-asked-for", language), style="dim"))
        return
    console.print(Line(f"{view.say('created')}: {view.created}", style="dim"))
    for finding in view.controls[control.id].findings:
        line = Line(f"  {finding.host}: ")
        line.append(f"{finding.chip.sign} {finding.chip.word}", style=COLOURS.get(finding.chip.name, ""))
        line.append("".join(f" ({word})" for word in (finding.since, finding.reason) if word), style="dim")
        console.print(line)
        for told in view.seen(finding):
            console.print(Line(f"    {told}"))
    console.print(Line(view.mend(assessed)))
