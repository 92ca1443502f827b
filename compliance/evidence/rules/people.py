"""People and their duties, and the records themselves (Kaltim kualifikasi; Jambi G.9, G.10; Batam)."""

from __future__ import annotations

from compliance.checking import Saw
from compliance.evidence.fields import KINDS
from compliance.evidence.judging import Evidence, all_rules, decides, fresh, noted
from compliance.evidence.kinds import AssignmentLetter, Offboarding, PasswordChange, TrainingSubject


@decides("staff.assignment-letter", AssignmentLetter)
def staff_are_assigned(evidence: Evidence, saw: Saw) -> None:
    """Everybody in charge holds a letter that is in force."""
    newest = {letter.officer: letter for letter in sorted(evidence.of(AssignmentLetter), key=lambda one: one.last)}
    saw(AssignmentLetter.kind.file, expected=">= 1", observed=len(newest), holds=bool(newest))
    for letter in newest.values():
        in_force = letter.first <= evidence.today <= letter.last
        noted(saw, letter, "last", expected=f">= {evidence.today}", holds=in_force)
        saw.due(letter.last, f"{AssignmentLetter.kind.file}: {letter.number}")


@decides("staff.competence", AssignmentLetter)
def staff_are_trained(evidence: Evidence, saw: Saw) -> None:
    """Those in charge were trained in each subject that the work needs."""
    current = [one for one in evidence.of(AssignmentLetter) if one.first <= evidence.today <= one.last]
    trained = {training.subject: one.number for one in current for training in one.trainings}
    for subject in TrainingSubject:
        saw(subject, expected=AssignmentLetter.kind.file, observed=trained.get(subject, "—"), holds=subject in trained)


@decides("accounts.superuser-rotation-record", PasswordChange)
def password_changes_are_coordinated(evidence: Evidence, saw: Saw) -> None:
    """Superuser passwords are changed in time, by two who know of it."""
    changes = evidence.of(PasswordChange)
    fresh(evidence, saw, PasswordChange.kind.file, [one.on for one in changes], "superuser_password_days_max")
    for change in evidence.year(PasswordChange):
        other = change.coordinated_with != change.officer
        noted(saw, change, "coordinated_with", expected=f"≠ {change.officer}", holds=other)


@decides("accounts.offboarding-record", Offboarding)
def leavers_are_followed_up(evidence: Evidence, saw: Saw) -> None:
    """Everybody declared as having left is recorded, with their account disabled and passwords changed in time."""
    records = {one.account: one for one in evidence.of(Offboarding)}
    left = [person for person in evidence.fleet.administrators if person.state == "left"]
    for person in evidence.cases(left):  # type: ignore[type-var]
        record = records.get(person.name)
        saw(person.name, expected=Offboarding.kind.file, observed=record.left if record else "—", holds=bool(record))
        if record is None:
            continue
        last = record.left + evidence.days("offboarding_days_max")
        for name in ("disabled", "passwords_changed"):
            value = getattr(record, name)
            good = value <= last if value is not None else evidence.today <= last
            noted(saw, record, name, expected=f"<= {last}", holds=good)
        if record.disabled:
            noted(saw, record, "disabled_by")


@decides("records.complete")
def records_are_complete(evidence: Evidence, saw: Saw) -> None:
    """No record holds a mistake or lacks what it needs."""
    for kind in KINDS.values():
        if not evidence.records.keeps(kind):
            continue
        problems = evidence.records.problems.get(kind, [])
        saw(
            kind.kind.file,
            expected="0",
            observed="0" if not problems else f"{len(problems)}: {problems[0].problem}",
            holds=not problems,
        )


@decides("records.kept")
def records_are_kept(evidence: Evidence, saw: Saw) -> None:
    """Every kind of record that a control in force reads is kept."""
    wanted = {kind for control in evidence.controls for kind in all_rules()[control].kinds}
    for kind in KINDS.values():
        if kind in wanted:
            there = evidence.records.keeps(kind)
            saw(kind.kind.file, expected="✓", observed="✓" if there else "—", holds=there)
