"""Redundancy, standby servers and the recovery site (Jambi B.5, E.1.i, H.2.b, H.2.e, H.2.f)."""

from __future__ import annotations

from compliance.checking import NotApplicable, Saw
from compliance.fleet import Fleet
from compliance.fleet_rules import Figures, SeenHosts, decides, seen_on
from compliance.probes.facts import Hardware

# The regulation asks that a standby replaces its original at once, and names no figure.
BEHIND_SECONDS_MAX = 300


@decides("availability.redundancy")
def critical_services_have_a_substitute(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
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
def standby_servers_equal_their_originals(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """A declared standby has the role, zone and services of the server that it stands by for, and is its equal."""
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
        is_, was = seen_on(seen, name), seen_on(seen, str(host.standby_of))
        if is_ and was and is_.hardware and was.hardware:
            _are_alike(saw, name, is_.hardware, was.hardware, data=bool(host.databases))


def _are_alike(saw: Saw, name: str, standby: Hardware, original: Hardware, *, data: bool) -> None:
    """Same system and packages, capacity no less, data fresh."""
    saw(f"{name}: Debian", expected=original.system, observed=standby.system)
    either = original.packages.items() ^ standby.packages.items()
    differing = sorted({package for package, _ in either})
    saw(f"{name}: packages", expected="equal", observed=differing or "equal", holds=not differing)
    for what in ("processors", "memory_gib", "disks_gib"):
        least, there = getattr(original, what), getattr(standby, what)
        saw(f"{name}: {what}", expected=f">= {least:g}", observed=f"{there:g}", holds=there >= least)
    if data:
        behind = standby.replication_seconds
        saw(
            f"{name}: replication",
            expected=f"<= {BEHIND_SECONDS_MAX} s",
            observed="—" if behind is None else f"{behind} s",
            holds=behind is not None and behind <= BEHIND_SECONDS_MAX,
        )


@decides("availability.drc")
def the_recovery_site_is_elsewhere(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """A recovery site is declared, and it is not the main site."""
    saw(
        "patuh_recovery_site",
        expected=f"≠ {fleet.site or '—'}",
        observed=fleet.recovery_site or "—",
        holds=bool(fleet.recovery_site and fleet.site) and fleet.recovery_site != fleet.site,
    )
