"""``patuh history`` and ``patuh compare``: how things stood, and what changed."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text as Line

from commands.check import language_option
from commands.common import ASSESSMENT, OUTPUT, console
from compliance import history_store
from compliance.assessment import read
from compliance.errors import PatuhError
from compliance.history import continued, earlier
from reports import terminal
from reports.presentation import Language, run_view, say


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=OUTPUT / history_store.FILE_NAME)
@language_option
def history(file: Path, language: Language) -> None:
    """List the assessments so far, fleet by fleet, the newest last.

    FILE is where 'patuh check' keeps them, by default with the reports.
    """
    with history_store.opened(file) as kept:
        fleets = kept.fleets()
    for fleet in fleets:
        table = Table(box=None, pad_edge=False)
        for name in ("created", "score", "status-fail", "status-error", "by-nobody", "mended"):
            table.add_column(say(name, language), justify="left" if name == "created" else "right", overflow="fold")
        for run in fleet.runs:
            shown = run_view(run, fleet.timezone, language)
            counts = (shown.fails, shown.errors, shown.nobody, shown.mended)
            table.add_row(shown.moment, shown.score, *map(str, counts))
        console.print(Line(fleet.name, style="bold"))
        console.print(table)
        console.print()


@click.command()
@click.argument("before", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("after", type=click.Path(path_type=Path, dir_okay=False), default=OUTPUT / ASSESSMENT)
@language_option
def compare(before: Path, after: Path, language: Language) -> None:
    """Tell what changed from one assessment to another."""
    first, second = read(before), read(after)
    if first.created > second.created:
        raise PatuhError("is newer than the other", where=str(before), mend="Name the earlier assessment first.")
    if (first.fleet, first.local) != (second.fleet, second.local):
        raise PatuhError(say("other-fleet", language), where=str(before), mend="Compare assessments of one fleet.")
    terminal.show_changes(continued(second, earlier(first)), console, language)
