"""What the probes from outside share."""

from __future__ import annotations

import pytest

from lab.topology import Instance

PORT_OFFSETS = {"lab": 0, "molecule": 100}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which instance of the lab is probed."""
    parser.addoption("--lab", default="lab", choices=sorted(PORT_OFFSETS), help="the instance of the lab to probe")


@pytest.fixture(scope="session")
def instance(request: pytest.FixtureRequest) -> Instance:
    """The instance of the lab."""
    name = request.config.getoption("--lab")
    return Instance(name, PORT_OFFSETS[name])
