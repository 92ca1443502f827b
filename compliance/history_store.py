"""The history of fleets: every assessment in a few figures, and how each finding stood after the last one.

It is a file of SQLite of its own, so that it does not go when the reports beside it are replaced, by whichever fleet's.
Nothing in it is ever removed.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from compliance.assessment import Assessment, Run, Status
from compliance.errors import PatuhError
from compliance.history import Earlier, earlier

FILE_NAME = "history.sqlite"
APPLICATION = int.from_bytes(b"PTUH", "big")
VERSION = 1
OTHERS_SECONDS = 60.0  # how long another check, which writes its own run, is waited for
SCHEMA = f"""
CREATE TABLE fleet (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, local INTEGER NOT NULL, timezone TEXT NOT NULL, UNIQUE (name, local)
) STRICT;
CREATE TABLE run (
    id INTEGER PRIMARY KEY, fleet INTEGER NOT NULL REFERENCES fleet, created TEXT NOT NULL, figures TEXT NOT NULL,
    UNIQUE (fleet, created)
) STRICT;
CREATE TABLE standing (
    fleet INTEGER NOT NULL REFERENCES fleet, control TEXT NOT NULL, host TEXT, status TEXT NOT NULL, since TEXT
) STRICT;
CREATE INDEX standing_of_fleet ON standing (fleet);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""


class _Damaged(Exception):
    """Something in the store that no check has written."""


@dataclass(frozen=True)
class FleetRuns:
    """All assessments of a fleet, the oldest first; ``local`` is a computer that assessed itself."""

    name: str
    local: bool
    timezone: str
    runs: list[Run]


class HistoryStore:
    """An open store; :func:`opened` opens one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def fleets(self) -> list[FleetRuns]:
        """Every fleet with its runs."""
        rows = self._connection.execute("SELECT id, name, local, timezone FROM fleet ORDER BY id").fetchall()
        return [FleetRuns(name, bool(local), timezone, self._runs(one)) for one, name, local, timezone in rows]

    def earlier(self, assessment: Assessment) -> Earlier | None:
        """What is known of the assessments of the same fleet; None before the first."""
        fleet = self._fleet(assessment)
        # A check that began earlier and ended later knows nothing of the other.
        runs = [run for run in self._runs(fleet) if run.created < assessment.created] if fleet is not None else []
        if not runs:
            return None
        rows = self._connection.execute("SELECT control, host, status, since FROM standing WHERE fleet = ?", (fleet,))
        try:
            standing = {
                (control, host): (Status(status), datetime.date.fromisoformat(since) if since else None)
                for control, host, status, since in rows
            }
        except ValueError as error:
            raise _Damaged(str(error)) from error
        return Earlier(runs, standing)

    def take_in(self, assessment: Assessment) -> None:
        """Add whatever an assessment and the history that it carries tell of runs that are not known yet.

        Earlier versions kept the history there alone; and a run may have ended between its reports and its record.
        """
        self._write(assessment, earlier(assessment) if assessment.complete else Earlier(assessment.history, {}))

    def record(self, assessment: Assessment) -> None:
        """Add an assessment, which :func:`compliance.history.continued` has carried on from those before."""
        told = earlier(assessment)
        self._write(assessment, Earlier(told.runs[-1:], told.standing))

    def _write(self, assessment: Assessment, told: Earlier) -> None:
        self._connection.execute(
            "INSERT INTO fleet (name, local, timezone) VALUES (?, ?, ?)"
            " ON CONFLICT (name, local) DO UPDATE SET timezone = excluded.timezone",
            (assessment.fleet, assessment.local, assessment.timezone),
        )
        fleet = self._fleet(assessment)
        known = self._runs(fleet) if fleet is not None else []
        self._connection.executemany(
            "INSERT INTO run (fleet, created, figures) VALUES (?, ?, ?) ON CONFLICT (fleet, created) DO NOTHING",
            [(fleet, run.created.isoformat(), run.model_dump_json()) for run in told.runs],
        )
        if not told.standing or (known and known[-1].created >= assessment.created):
            return  # how things stand is what the newest run says
        self._connection.execute("DELETE FROM standing WHERE fleet = ?", (fleet,))
        self._connection.executemany(
            "INSERT INTO standing (fleet, control, host, status, since) VALUES (?, ?, ?, ?, ?)",
            [
                (fleet, control, host, status.value, since.isoformat() if since else None)
                for (control, host), (status, since) in told.standing.items()
            ],
        )

    def _fleet(self, assessment: Assessment) -> int | None:
        key = (assessment.fleet, assessment.local)
        row = self._connection.execute("SELECT id FROM fleet WHERE name = ? AND local = ?", key).fetchone()
        return int(row[0]) if row else None

    def _runs(self, fleet: int) -> list[Run]:
        rows = self._connection.execute("SELECT figures FROM run WHERE fleet = ?", (fleet,))
        try:
            return sorted((Run.model_validate_json(figures) for (figures,) in rows), key=lambda run: run.created)
        except ValidationError as error:
            raise _Damaged(error.errors()[0]["msg"]) from error


@contextlib.contextmanager
def opened(path: Path, *, writing: bool = False) -> Iterator[HistoryStore]:
    """A store; what is written is kept together at the end, or not at all when anything is raised.

    :param writing: begin a store where there is none, and be the only one who writes.
    :raises PatuhError: when the file is no history, or a newer Patuh's, or cannot be read or written.
    """

    def told(problem: str, mend: str = "Move it elsewhere, or name another file with --history.") -> PatuhError:
        return PatuhError(problem, where=str(path), mend=mend)

    if not path.exists() and not writing:
        raise told("is missing", "Run 'patuh check' first, or name the file of the history.")
    if path.exists() and not path.is_file():
        raise told("is no plain file")
    try:
        if writing:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        # What a run that was killed left beside it is cleared up by whoever may write.
        uri = f"{path.absolute().as_uri()}?mode={'rw' if os.access(path, os.W_OK) else 'ro'}"
        connection = sqlite3.connect(uri, uri=True, timeout=OTHERS_SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise told(f"cannot be opened: {why}") from error
    with contextlib.closing(connection):
        try:
            connection.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            application, version = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
                if not writing:
                    raise told("is empty", "Run 'patuh check' first, or name the file of the history.")
                for statement in SCHEMA.strip().removesuffix(";").split(";"):
                    connection.execute(statement)
            elif application != APPLICATION:
                raise told("is no history of Patuh's")
            elif version > VERSION:
                raise told("is the history of a newer Patuh", "Update Patuh, or name another file with --history.")
            yield HistoryStore(connection)
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            mend = "Wait for the other run, or free some room, or let this account write there, and run it again."
            raise told(f"cannot be read or written: {error}", mend) from error
        except sqlite3.Error as error:
            raise told(f"cannot be read or written: {error}") from error
        except _Damaged as error:
            raise told(f"holds what no check has written: {error}") from error
