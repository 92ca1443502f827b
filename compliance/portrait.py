"""What a report shows besides verdicts: what a server consists of, what was done to it, and how measurements went."""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import zoneinfo
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import testinfra.host

from compliance.assessment import LogEntry, Measure, Series
from compliance.checking import CannotTell, Context
from compliance.connection import CannotRun
from compliance.evidence.judging import Evidence
from compliance.evidence.kinds import RoomClimate
from compliance.parameters import ResolvedParameter
from compliance.probes import facts, output, records, sysstat

ENTRIES_SHOWN = 20
LETTERS_SHOWN = 300
# Nothing that is measured in per cent or degrees comes near; beyond it is garbage, and is left out.
MEASURED_MAX = 1e6


@dataclass(frozen=True)
class Portrait:
    """A server as a report shows it; what it did not tell is left out."""

    facts: dict[str, str] = field(default_factory=dict)
    log: list[LogEntry] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)


def of_host(host: testinfra.host.Host, context: Context) -> Portrait:
    """A server's portrait. Nothing here is judged, so what the server does not tell is no error."""
    removable = context.host.removable_media if context.host else []
    asked: dict[str, Callable[[], str]] = {
        "kernel": lambda: output(host, "uname -r").strip(),
        "booted": lambda: output(host, "uptime -s").strip(),
        "processors": lambda: str(facts.processors(host)["threads"]),
        "memory": lambda: f"{facts.memory_gib(host):.1f}",
        "disks": lambda: f"{facts.disks_gib(host, without=removable):.1f}",
        "addresses": lambda: ", ".join(sorted(set().union(*facts.addresses(host).values()))),
        "serial": lambda: facts.serial(host),
    }
    told: dict[str, str] = {}
    for name, ask in asked.items():
        with contextlib.suppress(CannotTell, CannotRun):
            told[name] = ask()[:LETTERS_SHOWN]
    return Portrait({name: value for name, value in told.items() if value}, _log(host), _load(host, context))


def _log(host: testinfra.host.Host) -> list[LogEntry]:
    try:
        lines = output(host, "tail -n %s %s", str(ENTRIES_SHOWN), records.MAINTENANCE_LOG).splitlines()
    except (CannotTell, CannotRun):
        return []
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
            who, what, why = (str(entry[name])[:LETTERS_SHOWN] for name in ("who", "what", "why"))
            at = datetime.datetime.fromisoformat(entry["when"])
            found.append(LogEntry(at=at.astimezone(datetime.UTC), who=who, what=what, why=why))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            continue  # that the log is in order is for its own check to say
    return found


def _load(host: testinfra.host.Host, context: Context) -> list[Series]:
    found = []
    try:
        zone = zoneinfo.ZoneInfo(context.fleet.timezone if context.fleet else "UTC")
        measured = [
            (entry["when"].astimezone(zone).date(), float(entry["highest_pct"]))
            for entry in records.entries(host, "disk-space")
        ]
        most = context.parameters["disk_used_pct_max"].value
        found.append(Series(measure=Measure.DISK, host=context.name, most=most, days=_by_day(measured)))
    except (CannotTell, CannotRun, KeyError, TypeError, ValueError, OverflowError):
        pass
    try:
        for name, days in sysstat.daily(host).items():
            found.append(Series(measure=Measure(name), host=context.name, days=_by_day(days.items())))
    except (CannotTell, CannotRun, ValueError, OverflowError):
        pass
    return [series for series in found if series.days]


def of_room(evidence: Evidence, parameters: dict[str, ResolvedParameter]) -> list[Series]:
    """The room's climate over the past year, as people recorded it."""
    readings = evidence.year(RoomClimate)
    found = []
    for measure, figure in ((Measure.TEMPERATURE, "temperature_c"), (Measure.HUMIDITY, "humidity_pct")):
        days = _by_day((reading.at.date(), float(getattr(reading, measure.value))) for reading in readings)
        least, most = (parameters[f"{figure}_{end}"].value for end in ("min", "max"))
        if days:
            found.append(Series(measure=measure, least=least, most=most, days=days))
    return found


def _by_day(values: Iterable[tuple[datetime.date, float]]) -> list[tuple[datetime.date, float, float]]:
    days: dict[datetime.date, list[float]] = {}
    for day, value in values:
        if math.isfinite(value) and abs(value) <= MEASURED_MAX:
            days.setdefault(day, []).append(value)
    return [(day, min(those), max(those)) for day, those in sorted(days.items())]
