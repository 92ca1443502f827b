"""Where a verdict turns: real servers' answers with one figure or word changed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from compliance.assessment import Status
from compliance.checking import Check, Context, all_checks, judge
from tests import recordings
from tests.unit.test_recorded import recorded_fleet


@dataclass(frozen=True)
class Case:
    """An answer changed: in the output of the commands like ``command``, ``found`` is replaced by ``instead``."""

    control: str
    command: str
    found: str
    instead: str
    status: Status


def verdict(case: Case, check: Check | None = None) -> Status:
    """What a check says of a compliant server with the answer changed."""
    (_, compliant) = recordings.read()[0]
    host, answers = next(iter(compliant.items()))
    changed = dict(answers)
    hits = 0
    for command, (code, out, err) in answers.items():
        if re.search(case.command, command):
            out, replaced = re.subn(case.found, case.instead, out, flags=re.MULTILINE)
            hits += replaced
            changed[command] = (code, out, err)
    assert hits, f"nothing like {case.found!r} in the answer to {case.command!r}"
    loaded = recorded_fleet()
    context = Context(host, loaded.parameters, loaded.fleet.hosts[host], loaded.fleet)
    check = check or all_checks()[case.control]
    return judge(case.control, check, recordings.replay(host, changed), context).status


PASS, FAIL, ERROR = Status.PASS, Status.FAIL, Status.ERROR
BOUNDARIES: list[Case] = []


@pytest.mark.parametrize("case", BOUNDARIES, ids=lambda case: f"{case.control}: {case.instead}")
def test_the_verdict_turns_where_it_should(case: Case) -> None:
    assert verdict(case) is case.status
