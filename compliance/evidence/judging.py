"""How a rule over records is written and judged.

A rule is a function ``(evidence, saw)`` marked with the control that it decides and the kinds of records that it reads.
It says what it saw, record by record: the finding names the file and line, the date and the figure. Where no record is
kept, the control is *missing*; where the newest is too old, it is *overdue*; where a record that the rule reads holds
mistakes, nothing passes.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from compliance.assessment import Finding, Observation, Reason, Status
from compliance.checking import Context, NotApplicable, Saw, judge
from compliance.evidence.fields import Record
from compliance.evidence.store import Records
from compliance.fleet import Fleet
from compliance.parameters import ResolvedParameter

YEAR = datetime.timedelta(days=365)
RECENT = datetime.timedelta(days=31)
HOLDING_TOLD = 10
R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Evidence:
    """What rules look at; ``now`` is the fleet's own time, as in its records, ``controls`` what is decided."""

    records: Records
    fleet: Fleet
    figures: dict[str, ResolvedParameter]
    now: datetime.datetime
    controls: tuple[str, ...] = ()

    @property
    def today(self) -> datetime.date:
        """The day in the fleet's time zone."""
        return self.now.date()

    def figure(self, name: str) -> int:
        """A figure in force."""
        return self.figures[name].value

    def days(self, name: str) -> datetime.timedelta:
        """A figure in force that counts days."""
        return datetime.timedelta(days=self.figure(name))

    def of(self, kind: type[R]) -> list[R]:
        """All records of a kind, the oldest first."""
        return self.records.of(kind)

    def year(self, kind: type[R]) -> list[R]:
        """The records of the past 365 days."""
        return self._since(kind, YEAR)

    def recent(self, kind: type[R]) -> list[R]:
        """The records of the past 31 days."""
        return self._since(kind, RECENT)

    def _since(self, kind: type[R], span: datetime.timedelta) -> list[R]:
        return [one for one in self.of(kind) if self.today - span <= one.day <= self.today]

    def cases(self, found: list[R]) -> list[R]:
        """The same list, where there is something to judge.

        :raises NotApplicable: when it is empty.
        """
        if not found:
            raise NotApplicable("no-case")
        return found


EvidenceRule = Callable[[Evidence, Saw], None]


@dataclass(frozen=True)
class Decision:
    """A rule with the kinds of records that it reads."""

    rule: EvidenceRule
    kinds: tuple[type[Record], ...]


_RULES: dict[str, Decision] = {}


def decides(control: str, *kinds: type[Record]) -> Callable[[EvidenceRule], EvidenceRule]:
    """Register a function as the rule that decides a control from records of these kinds."""

    def register(rule: EvidenceRule) -> EvidenceRule:
        if control in _RULES:
            raise ValueError(f"two rules decide {control}")
        _RULES[control] = Decision(rule, kinds)
        return rule

    return register


def all_rules() -> dict[str, Decision]:
    """Every rule over records by its control."""
    from compliance.evidence.rules import (  # noqa: F401 (they register themselves)
        access,
        assets,
        backup,
        colocation,
        monitoring,
        people,
        power,
        room,
        work,
    )

    return dict(_RULES)


def kinds_of(control: str) -> tuple[type[Record], ...]:
    """The kinds of records that decide a control; none for a control that this suite's records do not decide."""
    decision = all_rules().get(control)
    return decision.kinds if decision else ()


def assess(control: str, evidence: Evidence) -> Finding:
    """What the records say of a control."""
    decision = all_rules()[control]
    missing = [kind for kind in decision.kinds if not evidence.records.keeps(kind)]
    if missing:
        files = ", ".join(kind.kind.file for kind in missing)
        return Finding(
            control=control,
            host=None,
            status=Status.MISSING,
            reason=Reason(message="no-record", values={"file": files}),
        )

    def as_check(_host: object, _context: Context, saw: Saw) -> None:
        decision.rule(evidence, saw)

    finding = judge(control, as_check, None, Context(name="", parameters=evidence.figures))
    wrong = [kind for kind in decision.kinds if kind in evidence.records.problems]
    if wrong and finding.status in (Status.PASS, Status.NOT_APPLICABLE):
        files = ", ".join(kind.kind.file for kind in wrong)
        reason = Reason(message="records-wrong", values={"file": files})
        finding = finding.model_copy(update={"status": Status.ERROR, "reason": reason})
    return finding.model_copy(update={"host": None, "observations": _telling(finding.observations)})


def _telling(observations: list[Observation]) -> list[Observation]:
    """All that does not hold, and of what holds the last few: a year of good entries is told by its count."""
    bad = [one for one in observations if not one.holds]
    good = [one for one in observations if one.holds]
    if len(good) <= HOLDING_TOLD:
        return observations
    more = Observation(subject="…", expected="…", observed=f"+{len(good) - HOLDING_TOLD}", holds=True)
    return [*bad, *good[-HOLDING_TOLD:], more]


# --- What rules say in the same way -----------------------------------------------------------------------------------


def place(record: Record) -> str:
    """A record as a subject: its file and line, and its day."""
    file, _, line = record.where.replace("\\", "/").rpartition("/")[2].partition(":")
    return f"{file}:{line.partition(':')[0]} ({record.day.isoformat()})"


def noted(saw: Saw, record: Record, name: str, *, holds: bool | None = None, expected: str = "noted") -> None:
    """A field of a record that must be filled in, or must hold."""
    value = getattr(record, name)
    label = str(type(record).model_fields[name].alias)
    good = value not in (None, (), False) if holds is None else holds
    saw(f"{place(record)}: {label}", expected=expected, observed=shown(value), holds=good)


def shown(value: object) -> str:
    """A value as a person reads it."""
    if value is None or value == ():
        return "—"
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def in_order(saw: Saw, record: Record, *names: str) -> None:
    """Dates of a record that must be there, each not before the one before it.

    A date and a moment are compared by their days.
    """
    last: datetime.date | None = None
    for name in names:
        value = getattr(record, name)
        day = value.date() if isinstance(value, datetime.datetime) else value
        expected = f">= {last.isoformat()}" if last else "YYYY-MM-DD"
        noted(saw, record, name, holds=day is not None and (last is None or day >= last), expected=expected)
        last = day or last


def fresh(evidence: Evidence, saw: Saw, what: str, days: list[datetime.date], figure: str) -> None:
    """Something that is due every so many days: the newest is in time, and the past year has no gap."""
    limit = evidence.figure(figure)
    past = sorted({day for day in days if day <= evidence.today})
    if not past:
        saw(what, expected=f"<= {limit} d", observed="—", holds=False, late=True)
        return
    newest = past[-1]
    saw.due(newest + datetime.timedelta(days=limit), what)
    age = (evidence.today - newest).days
    saw(what, expected=f"<= {limit} d", observed=f"{newest.isoformat()} ({age} d)", holds=age <= limit, late=True)
    for earlier, later in itertools.pairwise(past):
        gap = (later - earlier).days
        if gap > limit and later > evidence.today - YEAR:
            saw(f"{what}: {earlier} … {later}", expected=f"<= {limit} d", observed=f"{gap} d", holds=False)
