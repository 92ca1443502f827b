"""The load that sysstat has recorded, as sadf(1) tells it."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import is_there, output

# What sadf is asked for each part of the load.
PARTS = {"CPU": "-u", "RAM": "-r", "disk": "-d", "network": "-n DEV"}
LINES_READ = 400
DAYS_READ = 28


@dataclass(frozen=True)
class Sample:
    """The newest sample of one part of the load: when it was taken, and of which devices."""

    at: datetime.datetime
    devices: frozenset[str]


def newest(host: testinfra.host.Host, part: str) -> Sample | None:
    """The newest sample of one of PARTS, of today or else of yesterday; none without sysstat or its files.

    :raises CannotTell: when the files cannot be read.
    """
    if not is_there(host, "sadf"):
        return None
    for day in ("", " -1"):
        command = f"said=$(LC_ALL=C sadf -d{day} -- {PARTS[part]} 2>&1); code=$?"
        done = host.run(f"{command}; printf '%s\\n' \"$said\" | tail -n {LINES_READ}; exit $code")
        if done.rc != 0 and "No such file" not in done.stdout:
            raise CannotTell(f"sadf{day}: {done.stdout.strip()[-200:]}")
        if done.rc == 0 and (sample := _newest(done.stdout)):
            return sample
    return None


def daily(host: testinfra.host.Host) -> dict[str, dict[datetime.date, float]]:
    """The mean use of the processors and of the memory on each day that is recorded, in per cent (sar(1)).

    :raises CannotTell: when the files cannot be read.
    :raises ValueError: when what they say is not understood.
    """
    if not is_there(host, "sar"):
        return {}
    files = f"ls -1t /var/log/sysstat/sa[0-9]* 2>/dev/null | head -n {DAYS_READ}"
    said = output(
        host,
        f"for file in $({files}); do LC_ALL=C S_TIME_FORMAT=ISO sar -u -r -f $file; done"
        " | grep -E '^(Linux|Average)|%'",
    )
    found: dict[str, dict[datetime.date, float]] = {"processor": {}, "memory": {}}
    day: datetime.date | None = None
    names: list[str] = []
    for line in filter(str.strip, said.splitlines()):
        words = line.split()
        if words[0] == "Linux":
            dated = re.search(r"\b\d{4}-\d{2}-\d{2}\b", line)
            day = datetime.date.fromisoformat(dated[0]) if dated else None
        elif words[0] != "Average:":
            names = words
        elif day is not None and len(words) == len(names):
            values = dict(zip(names, words, strict=True))
            if "%idle" in values:
                found["processor"][day] = round(100 - float(values["%idle"]), 2)
            elif "%memused" in values:
                found["memory"][day] = float(values["%memused"])
    return found


def _newest(text: str) -> Sample | None:
    """The last moment in lines of ``host;seconds;time UTC;device;…``; comments and restarts are no samples."""
    rows = [line.split(";") for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = [row for row in rows if "LINUX-RESTART" not in row[-1] and row[-1] != "COMMENT"]
    if not rows:
        return None
    try:
        last = rows[-1][2]
        at = datetime.datetime.strptime(last, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=datetime.UTC)
        return Sample(at, frozenset(row[3] for row in rows if row[2] == last))
    except (IndexError, ValueError) as error:
        raise CannotTell(f"sadf: '{';'.join(rows[-1])[:60]}' is not understood ({error})") from error
