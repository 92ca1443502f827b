"""Every check against what real servers answered: compliant ones pass, broken ones fail for the right reason."""

from __future__ import annotations

from functools import cache

import pytest

from compliance import breaking, fleet
from compliance.assessment import Finding, Status
from compliance.breaking import NamedBreak
from compliance.catalogue import default_catalogue
from compliance.checking import Context, all_checks, judge
from compliance.fleet import LoadedFleet
from lab.topology import REPOSITORY
from tests import recordings

CHECKS = all_checks()


@cache
def recorded_fleet() -> LoadedFleet:
    """The fleet that the recorded servers belong to."""
    return fleet.load(REPOSITORY / "inventory" / "proof", default_catalogue())


@cache
def _recordings() -> list[recordings.Recording]:
    return recordings.read()


@cache
def _breaks() -> dict[str, NamedBreak]:
    return {str(one): one for one in breaking.load(known=CHECKS)}


def finding(control: str, host: str, answers: recordings.HostAnswers) -> Finding:
    loaded = recorded_fleet()
    context = Context(host, loaded.parameters, loaded.fleet.hosts[host], loaded.fleet)
    return judge(control, CHECKS[control], recordings.replay(host, answers), context)


@pytest.mark.parametrize("control", sorted(CHECKS))
def test_a_compliant_server_passes(control: str) -> None:
    ((_, compliant), *_) = _recordings()
    for host, answers in compliant.items():
        found = finding(control, host, answers)
        assert found.status is Status.PASS, (host, found)
        assert found.observations


@pytest.mark.parametrize("name", sorted(_breaks()))
def test_a_broken_server_fails_for_the_right_reason(name: str) -> None:
    ((_, compliant), *broken) = _recordings()
    one = _breaks()[name]
    (together, answers) = next((done, answers) for done, answers in broken if name in done)
    expected = breaking.expected_of(_breaks()[other] for other in together)
    for host, own in answers.items():
        before = finding(one.control, host, compliant[host])
        after = finding(one.control, host, own)
        assert breaking.unexpected(before, after, expected[one.control]) is None, (host, after)
