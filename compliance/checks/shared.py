"""What checks of several areas record in the same way."""

from __future__ import annotations

from testinfra.host import Host

from compliance.checking import Saw
from compliance.probes import systemd


def timer_runs(host: Host, saw: Saw, timer: str) -> None:
    """Record that a timer runs now, and will after a reboot."""
    unit = systemd.properties(host, timer)
    saw(timer, expected="active", observed=unit["ActiveState"])
    saw(f"{timer} at boot", expected="enabled", observed=unit.get("UnitFileState") or "disabled")
