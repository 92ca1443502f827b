"""``patuh check`` and ``patuh report``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click

from commands.common import ASSESSMENT, OUTPUT, REPOSITORY, console, host_progress, write_reports
from compliance import assess, fleet
from compliance.assessment import TROUBLE, Assessment, read
from compliance.catalogue import default_catalogue, suggestion
from compliance.errors import PatuhError
from compliance.history import continued
from reports import terminal
from reports.presentation import Language

DEFAULT_REGULATION = "jambi-31-2017"

inventory_option = click.option(
    "-i",
    "--inventory",
    type=click.Path(path_type=Path),
    default=REPOSITORY / "inventory" / "lab",
    show_default="inventory/lab",
    help="The fleet's inventory folder.",
)
output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=OUTPUT,
    show_default=True,
    help="Where the reports go.",
)
language_option = click.option(
    "--language",
    type=click.Choice(["id", "en"]),
    default="id",
    show_default=True,
    help="Language of the reports.",
)


@click.command()
@inventory_option
@click.option("--limit", multiple=True, metavar="HOST", help="Only this host; may be given several times.")
@click.option("--local", is_flag=True, help="Assess this computer, without an inventory and without changing it.")
@click.option("--all", "every", is_flag=True, help="Show every finding that needs mending, not just the first.")
@output_option
@language_option
def check(inventory: Path, limit: tuple[str, ...], local: bool, every: bool, output: Path, language: Language) -> None:
    """Assess servers, read-only, and write the reports.

    Exits with 0 when everything that could be checked holds, with 1 when something does not.
    """
    assessment = assess_local() if local else assess_inventory(inventory, limit)
    # What is known of some servers only must not take the place of what is known of all.
    finish(assessment, output.with_name(f"{output.name}-partial") if limit else output, language, every)


def assess_local() -> Assessment:
    """Assess this computer."""
    with host_progress("check") as progress:
        return assess.assess_local(default_catalogue(), [DEFAULT_REGULATION], cast(assess.Progress, progress))


def assess_inventory(inventory: Path, limit: tuple[str, ...] = ()) -> Assessment:
    """Assess the hosts of an inventory."""
    catalogue = default_catalogue()
    loaded = fleet.load(inventory, catalogue)
    for name in limit:
        if name not in loaded.fleet.hosts:
            raise PatuhError(f"unknown host '{name}'", mend=suggestion(name, list(loaded.fleet.hosts)))
    with host_progress("check") as progress:
        return assess.assess_fleet(loaded, catalogue, list(limit) or None, cast(assess.Progress, progress))


def finish(assessment: Assessment, output: Path, language: Language, every: bool = False) -> None:
    """Write the reports, show the summary, and exit by the verdict."""
    show(assessment, output, language, every)
    tally = assessment.score.tally
    sys.exit(1 if any(tally[status] for status in TROUBLE) else 0)


def show(assessment: Assessment, output: Path, language: Language, every: bool = False) -> None:
    """Write the reports and show the summary."""
    assessment = continued(assessment, _last(output / ASSESSMENT))
    page = write_reports(assessment, output, language)
    terminal.show(assessment, console, language, every)
    console.print()
    console.print(str(page), markup=False, soft_wrap=True)


def _last(path: Path) -> Assessment | None:
    """The assessment before, if there is one that can be read."""
    try:
        return read(path) if path.exists() else None
    except PatuhError as error:
        console.print(f"{error}", markup=False, soft_wrap=True)
        return None


@click.command()
@click.argument("assessment", type=click.Path(path_type=Path, dir_okay=False), default=OUTPUT / ASSESSMENT)
@output_option
@language_option
def report(assessment: Path, output: Path, language: Language) -> None:
    """Write the reports of an assessment again."""
    console.print(str(write_reports(read(assessment), output, language)), markup=False, soft_wrap=True)
