"""``patuh due``: what falls due, by who is in charge, also as a calendar."""

from __future__ import annotations

import datetime
import itertools
from pathlib import Path

import click
from icalendar import Calendar, Event
from rich.table import Table

from commands.check import language_option
from commands.common import ASSESSMENT, OUTPUT, console
from commands.inventory import Inventory, inventory_option
from compliance import due
from compliance.assessment import read
from compliance.catalogue import default_catalogue
from compliance.writing import write_whole
from reports.presentation import Language, say


@click.command("due")
@inventory_option
@click.option("--days", type=click.IntRange(0, 3660), default=30, show_default=True, help="How far to look ahead.")
@click.option(
    "--calendar", type=click.Path(path_type=Path, dir_okay=False), help="Write an iCalendar file (.ics) as well."
)
@language_option
def due_(inventory: Inventory, days: int, calendar: Path | None, language: Language) -> None:
    """List what falls due: inspections, tests, contracts, waivers, passwords, backups; and what is late already.

    What servers alone know, such as passwords and backups, comes from the last 'patuh check' of the same fleet.
    """
    catalogue = default_catalogue()
    loaded = inventory.load()
    last = OUTPUT / ASSESSMENT
    assessment = read(last) if last.exists() else None
    found = due.items(loaded, catalogue, assessment, datetime.datetime.now(datetime.UTC))
    found = [item for item in found if (item.on - item.today).days <= days]
    for office, items in itertools.groupby(found, key=lambda item: item.in_charge):
        table = Table(box=None, pad_edge=False, title=office or say("nobody-in-charge", language), title_justify="left")
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for item in items:
            late = item.on < item.today
            title = getattr(item.title, language)
            where = f" ({item.what})" if item.what else ""
            table.add_row(
                item.on.isoformat(), f"{title}{where}", style="bold red" if late else "yellow" if item.soon else ""
            )
        console.print(table)
        console.print()
    if not found:
        console.print(say("nothing-due", language, days=days))
    if calendar is not None:
        write_whole(calendar, _calendar(found, loaded.fleet.fleet_name, language))
        console.print(str(calendar), markup=False, soft_wrap=True)


def _calendar(found: list[due.Item], fleet_name: str, language: Language) -> bytes:
    """An iCalendar of all-day events (RFC 5545); the same item keeps its identity when it is written again."""
    calendar = Calendar()
    calendar.add("prodid", "-//Patuh//due//")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"Patuh: {fleet_name}")
    for item in found:
        event = Event()
        event.add("uid", f"{item.control}-{item.on.isoformat()}-{item.digest}@patuh")
        event.add("dtstamp", datetime.datetime.now(datetime.UTC))
        event.add("dtstart", item.on)
        event.add("dtend", item.on + datetime.timedelta(days=1))
        event.add("summary", getattr(item.title, language))
        event.add("description", "\n".join(filter(None, [item.what, item.in_charge, *item.clauses])))
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
