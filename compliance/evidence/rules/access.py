"""Visitors and staff in the room, and what leaves it (Jambi E.3, E.4, E.6, II.pemeliharaan; Tegal 2)."""

from __future__ import annotations

import datetime

from compliance.checking import Saw
from compliance.evidence.judging import Evidence, decides, noted
from compliance.evidence.kinds import Deposit, Minutes, Recording, Removal, StaffEntry, Visit, Visitor

SIGNATORIES_MIN = 2
# Who binds themselves to these may not let vendors photograph even their own device (Jambi E.4.a.5).
NO_CAMERAS = "jambi-31-2017"


def _visits(evidence: Evidence) -> list[Visit]:
    return evidence.cases(evidence.year(Visit))


def _vendors(evidence: Evidence) -> list[Visit]:
    return evidence.cases([visit for visit in evidence.year(Visit) if visit.visitor is Visitor.VENDOR])


def _has_left(evidence: Evidence, saw: Saw, stay: Visit | StaffEntry) -> None:
    """An open stay is either going on, or somebody forgot to write down its end."""
    until = stay.entered + datetime.timedelta(hours=evidence.figure("visit_hours_max"))
    going_on = stay.left is None and evidence.now <= until
    noted(saw, stay, "left", expected=f"<= {until:%Y-%m-%d %H:%M}", holds=stay.left is not None or going_on)


@decides("access.visitor-request-form", Visit)
def vendors_asked_by_form(evidence: Evidence, saw: Saw) -> None:
    """Every vendor's visit names its request."""
    for visit in _vendors(evidence):
        noted(saw, visit, "request")


@decides("access.visitor-authorised", Visit)
def visits_were_permitted_beforehand(evidence: Evidence, saw: Saw) -> None:
    """Somebody permitted every visit before it began."""
    for visit in _visits(evidence):
        noted(saw, visit, "permitted_by")
        noted(
            saw,
            visit,
            "permitted",
            expected=f"<= {visit.entered:%Y-%m-%d %H:%M}",
            holds=visit.permitted is not None and visit.permitted <= visit.entered,
        )


@decides("access.visitor-escort", Visit)
def visitors_are_escorted(evidence: Evidence, saw: Saw) -> None:
    """Every visit names its escort."""
    for visit in _visits(evidence):
        noted(saw, visit, "escort")


@decides("access.visitor-log", Visit)
def visits_are_written_down(evidence: Evidence, saw: Saw) -> None:
    """Every visit has its purpose, its end and what was done."""
    for visit in _visits(evidence):
        _has_left(evidence, saw, visit)
        if visit.left is not None:
            noted(saw, visit, "activity")


@decides("access.staff-log", StaffEntry)
def staff_entries_are_written_down(evidence: Evidence, saw: Saw) -> None:
    """Every entry of an officer has its purpose and its end."""
    for entry in evidence.cases(evidence.year(StaffEntry)):
        _has_left(evidence, saw, entry)


@decides("access.identity-deposit", Visit)
def identity_documents_are_deposited(evidence: Evidence, saw: Saw) -> None:
    """An identity document was deposited for every visit, and given back at its end."""
    for visit in _visits(evidence):
        wanted = Deposit.DEPOSITED if visit.left is None else Deposit.RETURNED
        noted(saw, visit, "identity", expected=wanted, holds=visit.identity is wanted)
        if visit.visitor is Visitor.GUEST:
            noted(saw, visit, "gadgets", expected=wanted, holds=visit.gadgets in (wanted, Deposit.NOT_ASKED))


@decides("access.door-locked", Visit, StaffEntry)
def the_door_was_locked_afterwards(evidence: Evidence, saw: Saw) -> None:
    """The door was locked after every stay."""
    visits = [visit for visit in evidence.year(Visit) if visit.left is not None]
    entries = [entry for entry in evidence.year(StaffEntry) if entry.left is not None]
    for visit in visits:
        noted(saw, visit, "door_locked")
    for entry in entries:
        noted(saw, entry, "door_locked")
    if not visits:
        evidence.cases(entries)


@decides("access.recording-limited", Visit)
def recording_is_limited(evidence: Evidence, saw: Saw) -> None:
    """Nobody recorded more than allowed: nothing, a backup, or where cameras are not banned a vendor's own device."""
    for visit in _visits(evidence):
        allowed = {Recording.NOTHING, Recording.BACKUP}
        if visit.visitor is Visitor.VENDOR and NO_CAMERAS not in evidence.fleet.regulations:
            allowed.add(Recording.OWN_DEVICE)
        noted(saw, visit, "recording", expected=" | ".join(sorted(allowed)), holds=visit.recording in allowed)


@decides("access.visit-minutes", Visit, Minutes)
def visits_end_with_minutes(evidence: Evidence, saw: Saw) -> None:
    """Every vendor's visit that ended has minutes, signed by both sides."""
    minutes = {one.number: one for one in evidence.of(Minutes)}
    ended = [visit for visit in evidence.year(Visit) if visit.visitor is Visitor.VENDOR and visit.left is not None]
    for visit in evidence.cases(ended):
        found = minutes.get(visit.minutes or "")
        noted(saw, visit, "minutes", expected=Minutes.kind.file, holds=found is not None)
        if found:
            enough = len(found.signatories) >= SIGNATORIES_MIN
            noted(saw, found, "signatories", expected=f">= {SIGNATORIES_MIN}", holds=enough)


@decides("asset.removal-authorised", Removal)
def goods_leave_with_permission(evidence: Evidence, saw: Saw) -> None:
    """Everything that left was approved by somebody before it did."""
    for removal in evidence.cases(evidence.year(Removal)):
        noted(saw, removal, "approved_by")
        noted(
            saw,
            removal,
            "approved",
            expected=f"<= {removal.on}",
            holds=removal.approved is not None and removal.approved <= removal.on,
        )
