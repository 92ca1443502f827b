"""How findings come about: unknown is never good, and one violation is enough."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import yaml

from commands.common import REPOSITORY
from compliance.assessment import Status
from compliance.checking import OBSERVATIONS_MAX, CannotTell, Context, NotApplicable, Saw, judge
from compliance.checks import test_os, test_storage
from compliance.connection import CannotRun

CONTEXT = Context(name="host", parameters={})


def run(body: Callable[[Saw], None]) -> tuple[Status, str | None]:
    def check(host: object, context: Context, saw: Saw) -> None:
        body(saw)

    finding = judge("a.b", check, None, CONTEXT)
    return finding.status, finding.reason.message if finding.reason else None


def good(saw: Saw) -> None:
    saw("x", expected="1", observed="1")


def bad(saw: Saw) -> None:
    saw("x", expected="1", observed="2")


def then_raise(first: Callable[[Saw], None] | None, error: Exception) -> Callable[[Saw], None]:
    def body(saw: Saw) -> None:
        if first:
            first(saw)
        raise error

    return body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (good, (Status.PASS, None)),
        (bad, (Status.FAIL, None)),
        (lambda saw: None, (Status.ERROR, "nothing-observed")),
        (then_raise(None, NotApplicable("no-cron")), (Status.NOT_APPLICABLE, "no-cron")),
        (then_raise(good, CannotTell("tool missing")), (Status.ERROR, "cannot-tell")),
        (then_raise(good, CannotRun("too slow")), (Status.ERROR, "cannot-tell")),
        (then_raise(good, ValueError("garbage")), (Status.ERROR, "cannot-tell")),
        (then_raise(good, RecursionError()), (Status.ERROR, "cannot-tell")),
        (then_raise(bad, CannotTell("tool missing")), (Status.FAIL, "cannot-tell")),
    ],
)
def test_verdicts(body: Callable[[Saw], None], expected: tuple[Status, str | None]) -> None:
    assert run(body) == expected


def test_what_was_seen_is_kept_short_and_printable() -> None:
    saw = Saw()
    saw("a\x1b[31mb", expected={"b", "a"}, observed="x" * 10_000, holds=True)
    seen = saw.observations[0]
    assert "\x1b" not in seen.subject
    assert seen.expected == "a, b"
    assert len(seen.observed) == 600


def test_without_an_inventory_the_fleet_is_not_guessed() -> None:
    def check(host: object, context: Context, saw: Saw) -> None:
        saw("zone", expected="dmz", observed=context.declared.zone)

    finding = judge("a.b", check, None, CONTEXT)
    assert finding.status is Status.ERROR
    assert finding.reason is not None
    assert finding.reason.message == "undeclared-fleet"


def test_a_flood_keeps_what_does_not_hold() -> None:
    def flood(host: object, context: Context, saw: Saw) -> None:
        for number in range(5000):
            saw(str(number), expected="0", observed=str(number % 100), holds=number % 100 != 0)

    found = judge("a.b", flood, None, CONTEXT)
    assert found.status is Status.FAIL
    assert len(found.observations) == OBSERVATIONS_MAX
    assert sum(not one.holds for one in found.observations) == 50
    assert found.left_out == 5000 - OBSERVATIONS_MAX


def test_the_role_removes_every_package_that_a_check_refuses() -> None:
    """Else a server would stay unfulfilled that nobody can make comply by applying."""
    variables = REPOSITORY / "roles" / "os_hardening" / "vars" / "main.yml"
    removed = set(yaml.safe_load(variables.read_text(encoding="utf-8"))["os_hardening_packages_removed"])
    assert removed >= test_os.LEGACY_CLIENTS | test_os.UNNEEDED_SERVERS
    compilers = removed - test_os.LEGACY_CLIENTS - test_os.UNNEEDED_SERVERS
    beside = {"build-essential", "dpkg-dev", "ypbind-mt"}  # what comes with them
    assert {name for name in compilers if not test_os.COMPILERS.fullmatch(name)} == beside


def test_the_disk_monitor_leaves_out_the_file_systems_that_the_check_leaves_out() -> None:
    script = (REPOSITORY / "roles" / "disk_monitoring" / "files" / "patuh-disk-space").read_text(encoding="utf-8")
    assert tuple(re.findall(r"-x (\w+)", script)) == test_storage.PSEUDO
