"""``patuh history`` and ``patuh compare``: how things stood, and what changed."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text as Line

from commands.check import language_option
from commands.common import ASSESSMENT, OUTPUT, console
from compliance.assessment import read
from compliance.errors import PatuhError
from compliance.history import continued
from reports import terminal
from reports.presentation import Language, View, say

assessment_argument = click.argument(
    "assessment", type=click.Path(path_type=Path, dir_okay=False), default=OUTPUT / ASSESSMENT
)


@click.command()
@assessment_argument
@language_option
def history(assessment: Path, language: Language) -> None:
    """List the assessments so far, the newest last."""
    last = read(assessment)
    view = View(language, last)
    table = Table(box=None, pad_edge=False)
    for name in ("created", "score", "status-fail", "status-error", "by-nobody", "mended"):
        table.add_column(view.say(name), justify="left" if name == "created" else "right", overflow="fold")
    for run in view.runs:
        table.add_row(run.moment, run.score, *map(str, (run.fails, run.errors, run.nobody, run.mended)))
    console.print(Line(last.fleet, style="bold"))
    console.print(table)


@click.command()
@click.argument("before", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("after", type=click.Path(path_type=Path, dir_okay=False), default=OUTPUT / ASSESSMENT)
@language_option
def compare(before: Path, after: Path, language: Language) -> None:
    """Tell what changed from one assessment to another."""
    assessment = continued(read(after), read(before))
    if assessment.before is None:
        raise PatuhError(say("other-fleet", language), where=str(before), mend="Compare assessments of one fleet.")
    terminal.show_changes(assessment, console, language)
