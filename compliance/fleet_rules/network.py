"""Segments, the DMZ and the way out (Jambi G.2, G.3, G.13, G.14)."""

from __future__ import annotations

from ipaddress import ip_address

from compliance.checking import NotApplicable, Saw
from compliance.fleet import Fleet, Host, SegmentKind, Zone
from compliance.fleet_rules import Figures, SeenHosts, decides, seen_on


def _segments_of(fleet: Fleet, host: Host) -> dict[str, str]:
    """The kind of segment that each address of a host lies in, ``—`` for none."""
    found = {}
    for address in host.addresses:
        kinds = [
            segment.kind.value for segment in fleet.segments.values() if any(address in net for net in segment.cidr)
        ]
        found[str(address)] = kinds[0] if kinds else "—"
    return found


def _has_no_leg_in(saw: Saw, fleet: Fleet, seen: SeenHosts, name: str, *kinds: SegmentKind) -> None:
    """No interface of a host has an address in segments of these kinds, whatever the inventory declares."""
    host = seen_on(seen, name)
    if host is None:
        return
    for segment, declared in fleet.segments.items():
        if declared.kind in kinds:
            legs = [one for one in sorted(host.addresses) if any(ip_address(one) in net for net in declared.cidr)]
            saw(f"{name}: {segment}", expected="—", observed=legs, holds=not legs)


@decides("network.private-segment")
def private_servers_are_apart(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """Every address of a private server lies in a private segment, where no client is."""
    private = {name: host for name, host in fleet.hosts.items() if host.zone is Zone.PRIVATE}
    if not private:
        raise NotApplicable("no-private-server")
    for name, host in private.items():
        for address, kind in _segments_of(fleet, host).items():
            saw(f"{name} ({address})", expected=SegmentKind.PRIVATE.value, observed=kind)
        _has_no_leg_in(saw, fleet, seen, name, SegmentKind.DMZ, SegmentKind.CLIENT)
    clients = fleet.networks(SegmentKind.CLIENT)
    saw("client segments", expected=">= 1", observed=[str(net) for net in clients], holds=bool(clients))


@decides("network.dmz")
def public_servers_stand_in_a_dmz(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """Every address of a public server lies in a DMZ, and no private server's service is open to everybody."""
    public = {name: host for name, host in fleet.hosts.items() if host.zone is Zone.DMZ}
    if not public:
        raise NotApplicable("no-public-server")
    for name, host in public.items():
        for address, kind in _segments_of(fleet, host).items():
            saw(f"{name} ({address})", expected=SegmentKind.DMZ.value, observed=kind)
        _has_no_leg_in(saw, fleet, seen, name, SegmentKind.PRIVATE, SegmentKind.CLIENT)
    for name, host in fleet.hosts.items():
        if host.zone is Zone.PRIVATE:
            open_to_all = [service.name for service in host.services if "any" in service.sources]
            saw(f"{name}: open to everybody", expected="—", observed=open_to_all, holds=not open_to_all)


@decides("network.isp-iix")
def isps_are_connected_to_iix(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """Every declared provider is connected to IIX."""
    saw("patuh_isps", expected=">= 1", observed=len(fleet.isps), holds=bool(fleet.isps))
    for isp in fleet.isps:
        saw(isp.name, expected="IIX", observed="IIX" if isp.iix else "—")


@decides("network.isp-redundant")
def there_are_several_isps(fleet: Fleet, figures: Figures, seen: SeenHosts, saw: Saw) -> None:
    """At least as many providers as the figure in force."""
    least = figures["isp_min"].value
    saw(
        "patuh_isps",
        expected=f">= {least}",
        observed=len({isp.name for isp in fleet.isps}),
        holds=len({isp.name for isp in fleet.isps}) >= least,
    )
