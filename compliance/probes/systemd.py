"""Units and timers, as the running systemd knows them."""

from __future__ import annotations

import testinfra.host

from compliance.probes import output


def properties(host: testinfra.host.Host, unit: str, *names: str) -> dict[str, str]:
    """Properties of a unit (``systemctl show``); a unit that does not exist has LoadState ``not-found``.

    :raises CannotTell: when systemd does not answer.
    """
    wanted = ("LoadState", "ActiveState", "UnitFileState", *names)
    said = output(host, "systemctl show --property=%s -- %s", ",".join(dict.fromkeys(wanted)), unit)
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def failed_units(host: testinfra.host.Host) -> list[str]:
    """The units in state ``failed``."""
    said = output(host, "systemctl list-units --failed --plain --no-legend --no-pager")
    return [line.split()[0] for line in said.splitlines() if line.split()]
