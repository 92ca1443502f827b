"""The load that sysstat has recorded, as sadf(1) tells it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import is_there

# What sadf is asked for each part of the load.
PARTS = {"CPU": "-u", "RAM": "-r", "disk": "-d", "network": "-n DEV"}
LINES_READ = 400


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
