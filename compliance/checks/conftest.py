"""Runs the checks by plain pytest, for those used to Testinfra.

    pytest compliance/checks --fleet inventory/lab [--fleet-host web01]

Each host is a parameter of each check; a finding that fails fails the test, one that could not be told is an
error, and one that does not apply is skipped with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import testinfra.host

from compliance import fleet
from compliance.assessment import Status
from compliance.catalogue import default_catalogue
from compliance.checking import Context, Saw, judge
from compliance.connection import remote_host
from compliance.evidence import store


def pytest_addoption(parser: pytest.Parser) -> None:
    """The inventory to check."""
    parser.addoption("--fleet", default="inventory/lab", help="inventory folder whose hosts are checked")
    parser.addoption("--fleet-host", action="append", default=[], help="only this host; may be given several times")


@cache
def _loaded(inventory: str) -> fleet.LoadedFleet:
    return fleet.load(Path(inventory), default_catalogue())


@cache
def _records(inventory: str) -> store.Records:
    return store.load(store.folder_of(Path(inventory)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per check and host."""
    if "context" in metafunc.fixturenames:
        loaded = _loaded(metafunc.config.getoption("--fleet"))
        wanted = metafunc.config.getoption("--fleet-host") or list(loaded.fleet.hosts)
        metafunc.parametrize("context", wanted, indirect=True, scope="session")


@pytest.fixture(scope="session")
def context(request: pytest.FixtureRequest) -> Context:
    """What is declared of the host."""
    inventory = request.config.getoption("--fleet")
    return Context.of(_loaded(inventory), request.param, _records(inventory))


@pytest.fixture(scope="session")
def host(context: Context, request: pytest.FixtureRequest) -> Iterator[testinfra.host.Host]:
    """The host, over one persistent connection."""
    loaded = _loaded(request.config.getoption("--fleet"))
    found = remote_host(loaded.connections[context.name], context.name)
    yield found
    found.backend.shell.close()


@pytest.fixture
def saw() -> Saw:
    """What the check sees; judged by the same code that ``patuh check`` uses."""
    return Saw()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Judge the check instead of merely calling it."""
    arguments: dict[str, Any] = pyfuncitem.funcargs
    mark = pyfuncitem.get_closest_marker("control")
    if mark is None or "saw" not in arguments:
        return None
    finding = judge(mark.args[0], pyfuncitem.obj, arguments["host"], arguments["context"])
    words = "; ".join(
        f"{seen.subject}: expected {seen.expected}, observed {seen.observed}"
        for seen in finding.observations
        if not seen.holds
    )
    reason = f"{finding.reason.message} {finding.reason.values or ''}".strip() if finding.reason else ""
    if finding.status is Status.NOT_APPLICABLE:
        pytest.skip(reason)
    if finding.status is Status.ERROR:
        raise RuntimeError(f"could not be told: {reason}")
    if finding.status is not Status.PASS:
        pytest.fail(words, pytrace=False)
    return True
