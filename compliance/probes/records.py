"""The records that this suite's timers keep on a host: one JSON object a line."""

from __future__ import annotations

import datetime
import json
from typing import Any

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output, succeeds

FOLDER = "/var/lib/patuh/records"
MAINTENANCE_LOG = "/var/log/patuh/maintenance.jsonl"
LINES_READ = 400

Entry = dict[str, Any]


def entries(host: testinfra.host.Host, kind: str) -> list[Entry]:
    """The newest entries of a kind of record, oldest first; none when there is no such file.

    :raises CannotTell: when the file cannot be read or a line is no entry.
    """
    path = f"{FOLDER}/{kind}.jsonl"
    if not succeeds(host, "test -e %s", path):
        return []
    found = []
    for line in output(host, "tail -n %s -- %s", str(LINES_READ), path).splitlines():
        try:
            entry: Entry = json.loads(line)
            entry["when"] = datetime.datetime.fromisoformat(entry["when"])
            if entry["when"].tzinfo is None:
                raise ValueError("a time without its zone")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CannotTell(f"{path}: '{line:.60}' is no entry ({error})") from error
        found.append(entry)
    return found


def now(host: testinfra.host.Host) -> datetime.datetime:
    """The host's own clock, against which its records are dated."""
    text = output(host, "date -u +%s").strip()
    try:
        return datetime.datetime.fromtimestamp(int(text), datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise CannotTell(f"date: '{text:.40}' is not understood") from error


def due(entry: Entry, days: int) -> datetime.date:
    """The day by which something that is due every so many days is due after an entry."""
    moment: datetime.datetime = entry["when"]
    return (moment + datetime.timedelta(days=days)).date()


def age_days(host: testinfra.host.Host, entry: Entry) -> float:
    """How old an entry is, in days.

    :raises CannotTell: when it lies in the future: then a clock is wrong.
    """
    seconds = float((now(host) - entry["when"]).total_seconds())
    if seconds < -300:
        raise CannotTell(f"an entry of {entry['when'].isoformat()} lies in the host's future")
    return max(0.0, seconds) / 86400
