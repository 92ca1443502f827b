"""Racks, KVM and power, as declared (Jambi E.1.h, E.2.b, E.2.c, E.5.b, E.5.d)."""

from __future__ import annotations

from compliance.checking import NotApplicable, Saw
from compliance.fleet import Fleet, Host
from compliance.fleet_rules import Figures, SeenHosts, decides


def _physical(fleet: Fleet) -> dict[str, Host]:
    found = {name: host for name, host in fleet.hosts.items() if host.machine == "physical"}
    if not found:
        raise NotApplicable("no-physical-server")
    return found


@decides("equipment.kvm")
def physical_servers_have_a_kvm_port(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """Every physical server has a KVM port of its own."""
    hosts = _physical(fleet)
    for name, host in hosts.items():
        shared = [other for other, its in hosts.items() if other != name and its.kvm_port == host.kvm_port]
        saw(name, expected="own port", observed=host.kvm_port or "—", holds=bool(host.kvm_port) and not shared)


@decides("equipment.rack-mounted")
def physical_servers_are_in_a_rack(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """Every physical server has a rack and a position."""
    for name, host in _physical(fleet).items():
        saw(
            name,
            expected="rack",
            observed=f"{host.rack.name} U{host.rack.position}" if host.rack else "—",
            holds=host.rack is not None,
        )


@decides("equipment.rack-spacing")
def servers_in_a_rack_do_not_overlap(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """No unit of a rack is taken twice."""
    taken: dict[tuple[str, int], str] = {}
    for name, host in _physical(fleet).items():
        if host.rack is None:
            saw(name, expected="rack", observed="—", holds=False)
            continue
        units = [(host.rack.name, unit) for unit in range(host.rack.position, host.rack.position + host.rack.height)]
        others = sorted({taken[unit] for unit in units if unit in taken})
        taken |= dict.fromkeys(units, name)
        saw(
            name,
            expected="own units",
            observed=others or f"{host.rack.name} U{host.rack.position}",
            holds=not others,
        )


@decides("power.ups")
def physical_servers_are_on_a_ups(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """Every physical server is connected to a declared UPS that is no spare."""
    units = {unit.name for unit in fleet.ups_units if not unit.spare}
    for name, host in _physical(fleet).items():
        saw(name, expected="UPS", observed=host.ups or "—", holds=host.ups in units)


@decides("power.ups-load")
def ups_loads_are_within_capacity(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """The declared watts of the servers on each UPS are within its capacity."""
    hosts = _physical(fleet)
    for unit in fleet.ups_units:
        loads = [host.watts for host in hosts.values() if host.ups == unit.name]
        known = [watts for watts in loads if watts is not None]
        if loads:
            saw(
                unit.name,
                expected=f"<= {unit.capacity_watts} W",
                observed=f"{sum(known)} W",
                holds=len(known) == len(loads) and sum(known) <= unit.capacity_watts,
            )


@decides("power.ups-spare")
def there_is_a_spare_ups(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """At least as many spare UPS as the figure in force, carrying no server."""
    least = figures["spare_ups_min"].value
    loaded = {host.ups for host in fleet.hosts.values()}
    spare = [unit.name for unit in fleet.ups_units if unit.spare and unit.name not in loaded]
    saw("patuh_ups_units: spare", expected=f">= {least}", observed=spare, holds=len(spare) >= least)
