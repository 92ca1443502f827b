"""The summary that a person at a terminal reads, also a narrow one."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text as Line

from compliance.assessment import Assessment
from reports.presentation import Language, View

COLOURS = {"pass": "green", "fail": "bold red", "error": "yellow", "overdue": "magenta", "missing": "cyan"}


def show(assessment: Assessment, console: Console, language: Language = "id", every_finding: bool = False) -> None:
    """Print verdict, score, coverage, the regulations' tallies and the findings that need mending."""
    view = View(language, assessment)
    console.print(Line(f"{view.say('title')} · {assessment.fleet}", style="bold"))
    console.print(Line(f"{view.say('created')}: {view.created}", style="dim"))
    console.print()
    for sentence in view.verdict:
        console.print(Line(sentence, style="bold" if sentence is view.verdict[0] else ""))
    console.print(f"[bold]{escape(view.say('score'))}: {escape(view.score)}[/]  {escape(view.formula)}")
    if view.changed:
        console.print(Line(view.changed))
    console.print(Line(view.coverage))
    for name, silence in view.silences:
        console.print(Line(f"✗ {name}: {silence}", style="bold red"))
    for regulation in view.regulations:
        words = ", ".join(f"{chip.sign} {count} {chip.word}" for chip, count in regulation.tally)
        console.print(Line(f"{regulation.citation}: {words}"))
    troubled = [control for control in view.controls.values() if control.troubled]
    if not troubled:
        console.print(Line(view.say("nothing-to-do"), style="green"))
        return
    shown = troubled if every_finding else view.first_to_do
    table = Table(box=None, pad_edge=False, expand=False)
    table.add_column(view.say("first-to-do") if not every_finding else view.say("evidence"), overflow="fold")
    table.add_column(view.say("hosts"), overflow="fold")
    for control in shown:
        line = Line(f"{control.chip.sign} {control.title}", style=COLOURS.get(control.chip.name, ""))
        line.append(f"\n  {control.id}", style="dim")
        line.append(f"\n  {view.why(control)}", style="dim")
        table.add_row(line, ", ".join(dict.fromkeys(finding.host for finding in control.troubled)))
    console.print()
    console.print(table)


def show_changes(assessment: Assessment, console: Console, language: Language = "id") -> None:
    """Print what is otherwise than in the assessment before."""
    view = View(language, assessment)
    console.print(Line(view.changed, style="bold"))
    for worse in (True, False):
        changes = [change for change in view.changes if change.worse is worse]
        if not changes:
            continue
        table = Table(box=None, pad_edge=False, title_justify="left")
        table.add_column(view.say("became-worse" if worse else "became-better"), overflow="fold")
        table.add_column(view.say("hosts"), overflow="fold")
        table.add_column("", overflow="fold")
        for change in changes:
            line = Line(change.title)
            line.append(f"\n  {change.control}", style="dim")
            words = Line(f"{change.was.word} → ")
            words.append(f"{change.now.sign} {change.now.word}", style=COLOURS.get(change.now.name, ""))
            if change.open_days:
                words.append(f"\n{change.open_days}", style="dim")
            table.add_row(line, change.host, words)
        console.print()
        console.print(table)
