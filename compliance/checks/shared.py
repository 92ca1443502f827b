"""What checks of several areas record in the same way."""

from __future__ import annotations

from testinfra.host import Host

from compliance.checking import CannotTell, Saw
from compliance.probes import systemd

# What also records a server's load, and what also watches it, each in a way of its own that is not looked into here.
OTHER_RECORDERS = (
    "collectd.service",
    "munin-node.service",
    "netdata.service",
    "prometheus-node-exporter.service",
    "snmpd.service",
    "telegraf.service",
    "vnstat.service",
    "zabbix-agent.service",
    "zabbix-agent2.service",
)
OTHER_WATCHERS = (
    *OTHER_RECORDERS,
    "check-mk-agent.socket",
    "icinga2.service",
    "monit.service",
    "nagios-nrpe-server.service",
    "wazuh-agent.service",
)


def unit_runs(host: Host, saw: Saw, name: str) -> None:
    """Record that a timer or service runs now, and will after a reboot."""
    record_unit(saw, name, systemd.properties(host, name, "SubState"))


def own_unit_runs(host: Host, saw: Saw, name: str, others: tuple[str, ...] = OTHER_WATCHERS) -> None:
    """The same of a unit of Patuh's, whose work another program may do.

    :raises CannotTell: when the unit is not there, and one of the others runs.
    """
    unit = systemd.properties(host, name, "SubState")
    if unit["LoadState"] == "not-found":
        refuse_to_guess(host, others)
    record_unit(saw, name, unit)


def refuse_to_guess(host: Host, others: tuple[str, ...]) -> None:
    """Make sure that no other program does the work that is looked for.

    :raises CannotTell: naming the one that runs.
    """
    for other in others:
        if systemd.properties(host, other)["ActiveState"] == "active":
            raise CannotTell(f"{other} runs: what it watches, and whom it tells, is not looked into")


def record_unit(saw: Saw, name: str, unit: dict[str, str]) -> None:
    """Record what systemd says of a unit that must run."""
    # A timer whose last moment is over stays active, and never comes to anything again.
    if unit.get("SubState") == "elapsed":
        unit = {**unit, "ActiveState": "elapsed"}
    saw(name, expected="active", observed=unit["ActiveState"])
    saw(f"{name} at boot", expected="enabled", observed=unit.get("UnitFileState") or "disabled")
