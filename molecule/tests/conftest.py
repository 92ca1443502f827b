"""What the probes from outside share."""

from __future__ import annotations

import pytest

from lab.topology import Instance

LABS = ("lab", "proof", "containers")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which instance of the lab is probed."""
    parser.addoption("--lab", default="lab", choices=LABS, help="the instance of the lab to probe")


@pytest.fixture(scope="session")
def instance(request: pytest.FixtureRequest) -> Instance:
    """The instance of the lab."""
    return Instance(request.config.getoption("--lab"))
