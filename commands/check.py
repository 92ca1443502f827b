"""``patuh check`` and ``patuh report``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click

from commands.common import (
    ASSESSMENT,
    OUTPUT,
    beside,
    console,
    host_progress,
    progress_console,
    put_reports,
    tell,
    write_reports,
)
from commands.inventory import Inventory, inventory_option
from compliance import assess, history_store, host_keys
from compliance.assessment import TROUBLE, Assessment, read
from compliance.catalogue import default_catalogue, suggestion
from compliance.errors import InvalidInput, PatuhError
from compliance.history import continued
from compliance.writing import require_room
from reports import folder, terminal
from reports.presentation import Language

DEFAULT_REGULATION = "jambi-31-2017"

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


history_option = click.option(
    "--history",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the history of fleets is kept.",
    show_default=f"{history_store.FILE_NAME} in the folder of the reports",
)


@click.command()
@inventory_option
@click.option("--limit", multiple=True, metavar="HOST", help="Only this host; may be given several times.")
@click.option("--local", is_flag=True, help="Assess this computer, without an inventory and without changing it.")
@click.option("--all", "every", is_flag=True, help="Show every finding that needs mending, not just the first.")
@output_option
@history_option
@language_option
def check(
    inventory: Inventory,
    limit: tuple[str, ...],
    local: bool,
    every: bool,
    output: Path,
    history: Path | None,
    language: Language,
) -> None:
    """Assess servers, read-only, and write the reports.

    Exits with 0 when everything that could be checked holds, with 1 when something does not. Limited to some hosts, or
    interrupted, it writes beside the last whole assessment, in a folder ending in -partial, and the history is left as
    it is; interrupted, it exits with 130.
    """
    # What is known in part only must not take the place of what is known of all.
    partial = beside(output, "partial")
    target = partial if limit else output
    store = history or output / history_store.FILE_NAME
    # What would come to nothing in the end is told before a long check.
    for place in (output, partial):
        folder.former(place)
    require_room(target)
    require_room(store.parent)
    if store.exists():
        with history_store.opened(store, writing=True) as kept:
            kept.fleets()
    assessment = assess_local() if local else assess_inventory(inventory, limit)
    if not assessment.complete:
        put_reports(partial, {ASSESSMENT: assessment.document}, assessment.fleet)
        path = partial / ASSESSMENT
        tell(f"\npatuh: interrupted; what is known so far, marked as incomplete: {path}", error=True)
        tell(f"patuh: 'patuh report {path} --output {partial}' makes reports of it", error=True)
        sys.exit(130)
    show(assessment, target, language, every, store=store, record=not limit)
    sys.exit(1 if any(assessment.score.tally[status] for status in TROUBLE) else 0)


def assess_local() -> Assessment:
    """Assess this computer."""
    with host_progress("check") as progress:
        return assess.assess_local(default_catalogue(), [DEFAULT_REGULATION], cast(assess.Progress, progress))


def assess_inventory(inventory: Inventory, limit: tuple[str, ...] = ()) -> Assessment:
    """Assess the hosts of an inventory."""
    catalogue = default_catalogue()
    loaded = inventory.load()
    for name in limit:
        if name not in loaded.fleet.hosts:
            raise PatuhError(f"unknown host '{name}'", mend=suggestion(name, list(loaded.fleet.hosts)))
    with host_progress("check") as progress:
        assessment = assess.assess_fleet(loaded, catalogue, list(limit) or None, cast(assess.Progress, progress))
    if unknown := [host.name for host in assessment.hosts if host_keys.refused(host.silence or "")]:
        hint = f"patuh trust {' '.join(unknown)} -i {inventory.path}"
        progress_console.print(f"compare the keys on the servers' consoles: {hint}", markup=False, soft_wrap=True)
    return assessment


def show(
    assessment: Assessment,
    output: Path,
    language: Language,
    every: bool = False,
    *,
    store: Path | None = None,
    record: bool = True,
) -> None:
    """Carry on from the fleet's history, write the reports and show the summary.

    :param store: where the history is; by default beside the reports.
    :param record: whether the assessment becomes part of the history, as one of the whole fleet does.
    :raises InvalidInput: after all is written, naming each report that could not be made.
    :raises PatuhError: when the place takes no more; the reports are as they were then.
    """
    store = store or output / history_store.FILE_NAME
    before = folder.former(output)
    try:
        if record:
            with history_store.opened(store, writing=True) as kept:
                if before:
                    kept.take_in(before)
                assessment = continued(assessment, kept.earlier(assessment))
        elif store.exists():
            with history_store.opened(store) as kept:
                assessment = continued(assessment, kept.earlier(assessment))
        else:
            assessment = continued(assessment, None)
        # Nobody else waits while they are made. Were the run to end before it is recorded, the next one would find it.
        files, problems = folder.render(assessment, language)
        put_reports(output, files, assessment.fleet)
        if record:
            with history_store.opened(store, writing=True) as kept:
                kept.record(assessment)
    finally:
        terminal.show(assessment, console, language, every)
    if problems:
        raise InvalidInput(problems)
    console.print()
    console.print(str(output / "report.html"), markup=False, soft_wrap=True)


@click.command()
@click.argument("assessment", type=click.Path(path_type=Path, dir_okay=False), default=OUTPUT / ASSESSMENT)
@output_option
@language_option
def report(assessment: Path, output: Path, language: Language) -> None:
    """Write the reports of an assessment again."""
    found, before = read(assessment), folder.former(output)
    if before and before.fleet == found.fleet and before.created > found.created:
        problem = f"is a newer assessment, of {before.created.isoformat(' ', 'seconds')}"
        mend = "Name another folder with --output."
        raise PatuhError(problem, where=str(output / ASSESSMENT), mend=mend)
    if before and before.history and before.created != found.created:
        # Earlier versions kept the history there alone.
        with history_store.opened(output / history_store.FILE_NAME, writing=True) as kept:
            kept.take_in(before)
    console.print(str(write_reports(found, output, language)), markup=False, soft_wrap=True)
