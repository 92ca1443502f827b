"""How a check is written and judged.

A check is a function ``test_…(host, context, saw)`` marked with the control that it assesses. It records what
it sees, whether that is good or bad, with ``saw``; it raises :class:`NotApplicable` or :class:`CannotTell` when
there is nothing to judge or no way to. A check that records nothing has not checked anything: an error.
"""

from __future__ import annotations

import datetime
import importlib
import pkgutil
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import pytest
import testinfra.host

from compliance.assessment import TEXT_MAX, Due, Finding, Observation, Reason, Status
from compliance.connection import CannotRun, Unreachable
from compliance.evidence.store import Records
from compliance.fleet import Fleet, Host, LoadedFleet
from compliance.parameters import ResolvedParameter

# Of one finding; those of honest servers have up to 24.
OBSERVATIONS_MAX = 200


class NotApplicable(Exception):
    """The control asks nothing of this host; ``message`` is a key of the catalogue of messages."""

    def __init__(self, message: str, **values: str) -> None:
        super().__init__(message)
        self.reason = Reason(message=message, values=values)


class CannotTell(Exception):
    """What was seen does not decide the control; ``detail`` says what was missing."""


class NoRecord(Exception):
    """The record that would decide is not kept; carries the name of its file."""


class UndeclaredFleet(CannotTell):
    """The control can only be judged against a declared fleet, and there is none."""


@dataclass
class Context:
    """What is declared: the host, its fleet, its records, and the figures in force; the first three are None without
    an inventory."""

    name: str
    parameters: dict[str, ResolvedParameter]
    host: Host | None = None
    fleet: Fleet | None = None
    records: Records | None = None

    @classmethod
    def of(cls, loaded: LoadedFleet, name: str, records: Records) -> Self:
        """What is declared of one host of a fleet."""
        return cls(name, loaded.parameters, loaded.fleet.hosts[name], loaded.fleet, records)

    def parameter(self, name: str) -> int:
        """A figure in force."""
        return self.parameters[name].value

    @property
    def declared(self) -> Host:
        """What is declared of the host.

        :raises UndeclaredFleet: without an inventory.
        """
        if self.host is None:
            raise UndeclaredFleet("needs a declared fleet")
        return self.host

    @property
    def declared_fleet(self) -> Fleet:
        """What is declared of the fleet.

        :raises UndeclaredFleet: without an inventory.
        """
        if self.fleet is None:
            raise UndeclaredFleet("needs a declared fleet")
        return self.fleet

    @property
    def kept_records(self) -> Records:
        """The records beside the inventory.

        :raises UndeclaredFleet: without an inventory.
        """
        if self.records is None:
            raise UndeclaredFleet("needs a declared fleet")
        return self.records


@dataclass
class Saw:
    """What a check has seen."""

    observations: list[Observation] = field(default_factory=list)
    late: list[Observation] = field(default_factory=list)
    due_next: Due | None = None

    def due(self, on: datetime.date, what: str) -> None:
        """Note that something is due on a day; of several, the first counts."""
        if self.due_next is None or on < self.due_next.on:
            self.due_next = Due(on=on, what=_text(what))

    def __call__(
        self, subject: str, *, expected: Any, observed: Any, holds: bool | None = None, late: bool = False
    ) -> None:
        """Record one observation; without ``holds``, it holds when observed equals expected.

        :param late: what does not hold was not done in time, and would hold if it were done now.
        """
        self.observations.append(
            Observation(
                subject=_text(subject),
                expected=_text(expected),
                observed=_text(observed),
                holds=bool(observed == expected if holds is None else holds),
            )
        )
        if late:
            self.late.append(self.observations[-1])


def _text(value: Any) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        value = ", ".join(map(str, sorted(value, key=str) if isinstance(value, set | frozenset) else value)) or "—"
    text = str(value).replace("\t", " ")  # configuration files are full of them
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


Check = Callable[[testinfra.host.Host, Context, Saw], None]


def assesses(control: str) -> pytest.MarkDecorator:
    """Mark a check with the control that it assesses; plain ``pytest`` understands the mark, too."""
    return pytest.mark.control(control)


def all_checks() -> dict[str, Check]:
    """Every check by its control, from the modules below ``compliance.checks``."""
    import compliance.checks

    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(compliance.checks.__path__):
        if not module.name.startswith("test_"):
            continue
        for name, function in vars(importlib.import_module(f"compliance.checks.{module.name}")).items():
            if name.startswith("test_"):
                (mark,) = [mark for mark in function.pytestmark if mark.name == "control"]
                control = mark.args[0]
                if control in found:
                    raise ValueError(f"two checks assess {control}")
                found[control] = function
    return found


def judge(control: str, check: Check, host: testinfra.host.Host, context: Context) -> Finding:
    """Run one check and turn whatever happens into a finding; what cannot be told is an error, never a pass.

    :raises Unreachable: when the connection to the host is gone, for the caller to deal with the host as a whole.
    """
    saw = Saw()
    status, reason = Status.ERROR, None
    try:
        check(host, context, saw)
        if not saw.observations:
            reason = Reason(message="nothing-observed")
        elif all(observation.holds for observation in saw.observations):
            status = Status.PASS
        else:
            bad = [observation for observation in saw.observations if not observation.holds]
            status = Status.OVERDUE if all(observation in saw.late for observation in bad) else Status.FAIL
    except NotApplicable as error:
        status, reason = Status.NOT_APPLICABLE, error.reason
    except NoRecord as error:
        status, reason = Status.MISSING, Reason(message="no-record", values={"file": str(error)})
    except UndeclaredFleet:
        reason = Reason(message="undeclared-fleet")
    except (CannotTell, CannotRun) as error:
        reason = Reason(message="cannot-tell", values={"detail": _text(error)})
    except Unreachable:
        raise
    except Exception as error:  # a check must not end the assessment, whatever a host's output made of it
        last = traceback.extract_tb(error.__traceback__)[-1]
        detail = f"{type(error).__name__}: {error} ({last.name}:{last.lineno})"
        reason = Reason(message="cannot-tell", values={"detail": _text(detail)})
    if status in (Status.ERROR, Status.MISSING) and any(not observation.holds for observation in saw.observations):
        # What was seen before the trouble already decides: one violation is enough.
        status = Status.FAIL
    seen = saw.observations
    return Finding(
        control=control,
        host=context.name,
        status=status,
        reason=reason,
        # Of a flood, those that do not hold first.
        observations=seen if len(seen) <= OBSERVATIONS_MAX else sorted(seen, key=_holds)[:OBSERVATIONS_MAX],
        left_out=max(0, len(seen) - OBSERVATIONS_MAX),
        due=saw.due_next,
    )


def within_budget(findings: list[Finding], observations: int, characters: int) -> list[Finding]:
    """The findings of one server with as much of what was seen as a report has room for.

    Each finding keeps what does not hold before what does, and its first before another's second.
    """
    order = sorted(
        (one.holds, place, number, at)
        for number, finding in enumerate(findings)
        for place, (at, one) in enumerate(sorted(enumerate(finding.observations), key=lambda pair: pair[1].holds))
    )
    kept: set[tuple[int, int]] = set()
    for _, _, number, at in order:
        one = findings[number].observations[at]
        characters -= len(one.subject) + len(one.expected) + len(one.observed)
        if characters < 0 or len(kept) >= observations:
            break
        kept.add((number, at))
    if len(kept) == len(order):
        return findings
    return [
        finding.model_copy(
            update={
                "observations": [one for at, one in enumerate(finding.observations) if (number, at) in kept],
                "left_out": finding.left_out + sum((number, at) not in kept for at in range(len(finding.observations))),
            }
        )
        for number, finding in enumerate(findings)
    ]


def _holds(one: Observation) -> bool:
    return one.holds
