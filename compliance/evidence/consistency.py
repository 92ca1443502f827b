"""What no single record shows: servers that nobody knows, entries from the future, controls that do not exist."""

from __future__ import annotations

import datetime

from compliance.catalogue import Catalogue, suggestion
from compliance.errors import PatuhError
from compliance.evidence.fields import Record
from compliance.evidence.kinds import Colocation, Device, DeviceState, Waiver
from compliance.evidence.store import Records
from compliance.fleet import Fleet

# Fields that name servers of the inventory.
SERVER_FIELDS = ("server", "servers", "hosts", "host")


def check(records: Records, fleet: Fleet, catalogue: Catalogue, now: datetime.datetime) -> Records:
    """The same records, with what contradicts the inventory among their problems.

    :param now: the fleet's own time.
    """
    problems = {kind: list(found) for kind, found in records.problems.items()}
    for kind, entries in records.entries.items():
        for record in entries:
            found = [*_unknown_servers(record, fleet), *_future(record, now)]
            if isinstance(record, Waiver) and record.control not in catalogue.controls:
                mend = suggestion(record.control, list(catalogue.controls))
                found.append(PatuhError(f"kendali '{record.control}' is unknown", where=record.where, mend=mend))
            if found:
                problems.setdefault(kind, []).extend(found)
    return Records(records.folder, records.entries, problems)


def _unknown_servers(record: Record, fleet: Fleet) -> list[PatuhError]:
    if isinstance(record, Device) and record.state is DeviceState.DECOMMISSIONED:
        return []  # it is gone, which is what the register says
    if isinstance(record, Colocation) and (record.withdrawn or not record.handed_over):
        return []  # it is not there any more, or not yet
    found = []
    for name in SERVER_FIELDS:
        value = getattr(record, name, None)
        for server in value if isinstance(value, tuple) else [value] if value else []:
            if server not in fleet.hosts:
                found.append(
                    PatuhError(
                        f"the server '{server}' is not in the inventory",
                        where=record.where,
                        mend=suggestion(server, list(fleet.hosts)),
                    )
                )
    return found


def _future(record: Record, now: datetime.datetime) -> list[PatuhError]:
    """A log tells what happened; a document may speak of the future."""
    if not record.kind.is_log:
        return []
    began = record.moments()[0][1]
    if began.date() <= now.date():
        return []
    return [
        PatuhError(
            f"{began:%Y-%m-%d} lies in the future",
            where=record.where,
            mend="A log holds what has happened: mend the date.",
        )
    ]
