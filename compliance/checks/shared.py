"""What checks of several areas record in the same way."""

from __future__ import annotations

from testinfra.host import Host

from compliance.checking import Saw
from compliance.probes import systemd


def unit_runs(host: Host, saw: Saw, name: str) -> None:
    """Record that a timer or service runs now, and will after a reboot."""
    unit = systemd.properties(host, name)
    saw(name, expected="active", observed=unit["ActiveState"])
    saw(f"{name} at boot", expected="enabled", observed=unit.get("UnitFileState") or "disabled")
