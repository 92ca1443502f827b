"""Offline backups (Jambi H.2.b to H.2.d, H.2.g; Tegal 7.1, 7.2, 7.5)."""

from __future__ import annotations

import datetime
import re
from typing import Any, Literal

from testinfra.host import Host

from compliance.checking import CannotTell, Context, Saw, assesses
from compliance.checks.shared import unit_runs
from compliance.probes import output, records, succeeds, systemd
from compliance.probes.sockets import listeners

# How each kind of database server tells its databases, one a line.
DATABASE_SERVERS = {
    frozenset(
        {"mariadbd", "mysqld", "mariadb.service", "mysql.service"}
    ): "mariadb --batch --skip-column-names -e 'SHOW DATABASES'",
    frozenset(
        {"postgres", "postgresql.service"}
    ): "cd / && runuser -u postgres -- psql -XAtc 'SELECT datname FROM pg_database'",
}
DATABASE_UNITS = sorted(unit for programs in DATABASE_SERVERS for unit in programs if unit.endswith(".service"))
SYSTEM_DATABASES = {
    "information_schema",
    "performance_schema",
    "mysql",
    "sys",
    "template0",
    "template1",
    "postgres",
    "#mysql50#lost+found",  # a directory of the file system, which MariaDB takes for one
}

OWN_SERVICES = ("patuh-backup@files.service", "patuh-backup@databases.service")
NOT_MOUNTED, USED = "not mounted", "used by a backup that runs now"
MONTH = 31  # days
STAMP = re.compile(r"-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z$")


def _holds_something(archive: dict[str, Any]) -> bool:
    size = archive.get("bytes")
    return isinstance(size, int) and size > 0


def _newest(entries: list[records.Entry], kind: str, source: str) -> records.Entry | None:
    """The newest successful run of a kind that holds a source."""
    for entry in reversed(entries):
        if entry.get("ok") is not True or entry.get("kind") != kind:
            continue
        archives = entry.get("archives", [])
        if any(source in archive.get("source", []) and _holds_something(archive) for archive in archives):
            return entry
    return None


def _entries(host: Host, context: Context) -> list[records.Entry]:
    """The records of backups.

    :raises CannotTell: when another tool makes them and leaves none.
    """
    found = records.entries(host, "backup")
    if context.declared.backup_timers and not found:
        timers = ", ".join(context.declared.backup_timers.values())
        raise CannotTell(f"what {timers} backs up is not known: it leaves no records in {records.FOLDER}/backup.jsonl")
    return found


def _last_result(host: Host, timer: str) -> str:
    """How the last run of a timer's service ended, as systemd remembers it.

    :raises CannotTell: when it has not run since the host was started.
    """
    unit = systemd.properties(host, timer, "Unit").get("Unit", "")
    service = systemd.properties(host, unit, "Result", "ExecMainExitTimestampMonotonic")
    if service.get("ExecMainExitTimestampMonotonic", "0") == "0":
        raise CannotTell(f"{unit} has not run since this server was started")
    return service.get("Result", "?")


def _medium(host: Host, uuid: str, context: Context) -> str:
    """What a medium is doing: where it is mounted, unless a backup is being made at this moment."""
    if not succeeds(host, "findmnt -rn -S UUID=%s", uuid):
        return NOT_MOUNTED
    timers = context.declared.backup_timers
    services = [systemd.properties(host, timer, "Unit").get("Unit", "") for timer in timers.values()]
    for service in services or OWN_SERVICES:
        # Not "active": a service that stays so after its work (RemainAfterExit) would excuse the medium for ever.
        if systemd.properties(host, service).get("ActiveState") in ("activating", "deactivating"):
            return USED
    # Once more: a backup may have ended in between.
    where = output(host, "findmnt -rn -o TARGET -S UUID=%s", uuid, codes=(0, 1))
    return ", ".join(where.splitlines()) or NOT_MOUNTED


@assesses("backup.coverage")
def test_everything_is_covered(host: Host, context: Context, saw: Saw) -> None:
    """Each declared path and database is in a recent archive, and no database is forgotten."""
    declared = context.declared
    entries = _entries(host, context)
    for kind, sources, limit in (
        ("files", declared.backup_paths, context.parameter("backup_files_days_max")),
        ("databases", declared.databases, context.parameter("backup_database_days_max")),
    ):
        for source in sources:
            newest = _newest(entries, kind, source)
            age = None if newest is None else records.age_days(host, newest)
            if newest is not None:
                saw.due(records.due(newest, limit), source)
            saw(
                source,
                expected=f"<= {limit} d",
                observed="never" if age is None else f"{age:.1f} d",
                holds=age is not None and age <= limit,
            )
    saw(
        "declared for backup",
        expected=">= 1",
        observed=len(declared.backup_paths) + len(declared.databases),
        holds=bool(declared.backup_paths or declared.databases),
    )
    # One that is reached by its socket alone listens nowhere.
    running = {listener.program for listener in listeners(host)}
    running |= {unit for unit in DATABASE_UNITS if systemd.properties(host, unit)["ActiveState"] == "active"}
    for programs, ask in DATABASE_SERVERS.items():
        if running & programs:
            there = set(output(host, ask).splitlines()) - SYSTEM_DATABASES
            forgotten = sorted(there - set(declared.databases))
            saw("databases not declared", expected="—", observed=forgotten, holds=not forgotten)


@assesses("backup.offline-scheduled")
def test_offline_backups_are_scheduled(host: Host, context: Context, saw: Saw) -> None:
    """Timers are enabled, the last run of each succeeded, and the medium is not left mounted."""
    declared = context.declared
    kinds: tuple[Literal["files", "databases"], ...] = ("files", "databases") if declared.databases else ("files",)
    for kind in kinds:
        if not declared.backup_timers:
            unit_runs(host, saw, f"patuh-backup-{kind}.timer")
            runs = [entry for entry in records.entries(host, "backup") if entry.get("kind") == kind]
            last = "never" if not runs else "ok" if runs[-1].get("ok") is True else str(runs[-1].get("error"))
            saw(f"{kind}: last run", expected="ok", observed=last)
        elif timer := declared.backup_timers.get(kind):
            unit_runs(host, saw, timer)
            saw(f"{kind}: last run", expected="success", observed=_last_result(host, timer))
        else:
            saw(f"{kind}: timer", expected="declared", observed="—", holds=False)
    for uuid in declared.removable_media:
        seen = _medium(host, uuid, context)
        saw(uuid, expected=NOT_MOUNTED, observed=seen, holds=seen in (NOT_MOUNTED, USED))
    saw(
        "declared media",
        expected=">= 1",
        observed=len(declared.removable_media),
        holds=bool(declared.removable_media),
    )


@assesses("backup.encrypted")
def test_backups_are_encrypted(host: Host, context: Context, saw: Saw) -> None:
    """The passphrase is there for root alone, and every repository that was written has its key exported."""
    entries = [entry for entry in _entries(host, context) if entry.get("ok") is True]
    if context.declared.backup_timers:
        saw("runs", expected=">= 1", observed=len(entries), holds=bool(entries))
        clear = [entry["when"].date().isoformat() for entry in entries if entry.get("encrypted") is not True]
        saw("runs without encryption", expected="—", observed=clear, holds=not clear)
        return
    stat = output(host, "stat -c '%%a %%U' %s", "/etc/patuh/backup.passphrase", codes=(0, 1))
    saw("/etc/patuh/backup.passphrase", expected="600 root", observed=stat.strip() or "absent")
    written = {entry.get("medium") for entry in entries}
    keys = output(host, "ls /var/lib/patuh/backup-keys", codes=(0, 2)).split()
    saw("encrypted repositories", expected=">= 1", observed=len(written), holds=bool(written))
    for medium in sorted(map(str, written)):
        saw(medium, expected="key", observed="key" if f"{medium}.key" in keys else "no key")


def _recent_runs(host: Host, context: Context, saw: Saw) -> list[records.Entry]:
    """The successful runs of the past month, of which there must be one."""
    runs = [one for one in _entries(host, context) if one.get("ok") is True and records.age_days(host, one) <= MONTH]
    saw("runs", expected=">= 1", observed=len(runs), holds=bool(runs))
    return runs


def _shown(entry: records.Entry) -> str:
    return str(entry["when"].isoformat(timespec="minutes"))


def _dated(name: str) -> bool:
    stamp = STAMP.search(name)
    try:
        return stamp is not None and bool(datetime.datetime.fromisoformat(stamp.group(1)))
    except ValueError:  # such as a thirteenth month
        return False


@assesses("backup.timestamped-names")
def test_archives_carry_date_and_time(host: Host, context: Context, saw: Saw) -> None:
    """The name of every archive ends with a date and time."""
    names = [
        str(archive.get("archive")) for run in _recent_runs(host, context, saw) for archive in run.get("archives", [])
    ]
    odd = [name for name in names if not _dated(name)]
    saw("names without date and time", expected="—", observed=odd, holds=not odd)


@assesses("backup.media-ready")
def test_media_have_room(host: Host, context: Context, saw: Saw) -> None:
    """Before its newest run, each medium had room for another of the same size."""
    newest = {(run.get("medium"), run.get("kind")): run for run in _recent_runs(host, context, saw)}
    for (medium, kind), run in newest.items():
        sizes = [archive.get("bytes") for archive in run.get("archives", [])]
        need = sum(size for size in sizes if isinstance(size, int))
        free = run.get("free_bytes")
        saw(f"{medium} ({kind})", expected=f">= {need} B", observed=free, holds=isinstance(free, int) and free >= need)


@assesses("backup.access-traceable")
def test_runs_name_who_started_them(host: Host, context: Context, saw: Saw) -> None:
    """Every run says by which timer, service run or person it was started."""
    nobody = [_shown(run) for run in _recent_runs(host, context, saw) if not run.get("by")]
    saw("runs by nobody", expected="—", observed=nobody, holds=not nobody)


@assesses("backup.report")
def test_runs_are_reported_completely(host: Host, context: Context, saw: Saw) -> None:
    """Every run reports its kind, medium, length, and each archive with source and size."""
    lacking = [
        f"{_shown(run)}: {name}"
        for run in _recent_runs(host, context, saw)
        for name in ("kind", "medium", "seconds", "archives")
        if run.get(name) in (None, "", [])
    ]
    lacking += [
        f"{_shown(run)}: {name}"
        for run in _recent_runs(host, context, Saw())
        for archive in run.get("archives", [])
        for name in ("archive", "source", "bytes")
        if archive.get(name) in (None, "", [])
    ]
    saw("what reports lack", expected="—", observed=lacking, holds=not lacking)


@assesses("backup.purge-1y")
def test_old_archives_are_deleted(host: Host, context: Context, saw: Saw) -> None:
    """After its newest run, no medium kept an archive for longer than the figure in force."""
    limit = context.parameter("backup_retention_days_max")
    newest = {(run.get("medium"), run.get("kind")): run for run in _recent_runs(host, context, saw)}
    for (medium, kind), run in newest.items():
        if "oldest" not in run:
            raise CannotTell(f"the records of {medium} do not say how old its oldest archive is")
        age = (run["when"] - datetime.datetime.fromisoformat(run["oldest"])).days
        saw(f"{medium} ({kind}): oldest", expected=f"<= {limit} d", observed=f"{age} d", holds=age <= limit)
