"""Redundancy, standby servers and the recovery site (Jambi B.5, E.1.i, H.2.b, H.2.e, H.2.f)."""

from __future__ import annotations

from compliance.checking import NotApplicable, Saw
from compliance.fleet import Fleet
from compliance.fleet_rules import Figures, decides


@decides("availability.redundancy")
def critical_services_have_a_substitute(fleet: Fleet, figures: Figures, saw: Saw) -> None:
    """Critical services are declared, each with what takes over."""
    saw(
        "patuh_critical_services",
        expected=">= 1",
        observed=len(fleet.critical_services),
        holds=bool(fleet.critical_services),
    )
    for service in fleet.critical_services:
        saw(
            service.name,
            expected="substitute",
            observed=service.substitute,
            holds=bool(service.substitute.strip()),
        )


@decides("availability.standby-server")
def standby_servers_equal_their_originals(fleet: Fleet, figures: Figures, saw: Saw) -> None:
    """A declared standby has the role, zone and services of the server that it stands by for."""
    standbys = {name: host for name, host in fleet.hosts.items() if host.standby_of is not None}
    if not standbys:
        raise NotApplicable("no-standby-declared")
    for name, host in standbys.items():
        original = fleet.hosts[str(host.standby_of)]
        for field in ("role", "zone", "services", "databases"):
            same = getattr(host, field) == getattr(original, field)
            saw(
                f"{name}: {field}",
                expected=str(host.standby_of),
                observed="equal" if same else "different",
                holds=same,
            )


@decides("availability.drc")
def the_recovery_site_is_elsewhere(fleet: Fleet, figures: Figures, saw: Saw) -> None:
    """A recovery site is declared, and it is not the main site."""
    saw(
        "patuh_recovery_site",
        expected=f"≠ {fleet.site or '—'}",
        observed=fleet.recovery_site or "—",
        holds=bool(fleet.recovery_site and fleet.site) and fleet.recovery_site != fleet.site,
    )
