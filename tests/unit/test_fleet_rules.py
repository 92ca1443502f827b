"""Every rule over the fleet holds for the example, and fails for the right reason when the fleet is changed."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compliance import fleet
from compliance.catalogue import default_catalogue
from compliance.checking import CannotTell, NotApplicable, Saw
from compliance.fleet import Fleet, Isp, SegmentKind, Service, Ups
from compliance.fleet_rules import SeenHosts, all_rules
from compliance.probes.facts import Hardware, Seen
from tests.unit.samples import filled_example

with tempfile.TemporaryDirectory() as _folder:
    LOADED = fleet.load(filled_example(Path(_folder) / "city"), default_catalogue())
Change = Callable[[Fleet], Fleet]


def host(name: str, **values: Any) -> Change:
    def change(one: Fleet) -> Fleet:
        return one.model_copy(update={"hosts": {**one.hosts, name: one.hosts[name].model_copy(update=values)}})

    return change


def whole(**values: Any) -> Change:
    return lambda one: one.model_copy(update=values)


def segment(name: str, kind: SegmentKind) -> Change:
    def change(one: Fleet) -> Fleet:
        return one.model_copy(
            update={"segments": {**one.segments, name: one.segments[name].model_copy(update={"kind": kind})}}
        )

    return change


RACK = LOADED.fleet.hosts["basisdata"].rack
BREAKS: dict[str, list[tuple[Change, str]]] = {
    "network.private-segment": [
        (segment("server-privat", SegmentKind.CLIENT), "basisdata"),
        (segment("kantor", SegmentKind.ADMIN), "client segments"),
    ],
    "network.dmz": [
        (segment("server-publik", SegmentKind.PRIVATE), "portal"),
        (host("basisdata", services=[Service(name="postgresql", port=5432)]), "basisdata: open to everybody"),
    ],
    "network.isp-iix": [(whole(isps=[]), "patuh_isps"), (whole(isps=[Isp(name="a", iix=False)]), "a")],
    "network.isp-redundant": [
        (whole(isps=[Isp(name="a", iix=True)]), "patuh_isps"),
        (whole(isps=[Isp(name="a", iix=True), Isp(name="a", iix=True)]), "patuh_isps"),
    ],
    "availability.redundancy": [(whole(critical_services=[]), "patuh_critical_services")],
    "availability.standby-server": [
        (host("basisdata-cadangan", databases=[]), "basisdata-cadangan: databases"),
        (host("basisdata-cadangan", services=[]), "basisdata-cadangan: services"),
    ],
    "availability.drc": [
        (whole(recovery_site=None), "patuh_recovery_site"),
        (whole(recovery_site="Gedung Balai Kota"), "patuh_recovery_site"),
    ],
    "equipment.kvm": [
        (host("basisdata", kvm_port=None), "basisdata"),
        (host("basisdata", kvm_port="kvm-1/4"), "basisdata"),
    ],
    "equipment.rack-mounted": [(host("basisdata", rack=None), "basisdata")],
    "equipment.rack-spacing": [(host("basisdata-cadangan", rack=RACK), "basisdata-cadangan")],
    "power.ups": [(host("basisdata", ups=None), "basisdata"), (host("basisdata", ups="ups-cadangan"), "basisdata")],
    "power.ups-load": [(host("basisdata", watts=2500), "ups-1"), (host("basisdata", watts=None), "ups-1")],
    "power.ups-spare": [
        (whole(ups_units=[]), "patuh_ups_units: spare"),
        (whole(ups_units=[Ups(name="ups-1", capacity_watts=1, spare=True)]), "patuh_ups_units: spare"),
    ],
}
HARDWARE = Hardware("12.12", {"postgresql": "15.1", "zsh": "5"}, 4, 8.0, 200.0, 12)
SEEN: SeenHosts = {
    name: Seen(frozenset(map(str, one.addresses)), HARDWARE if "basisdata" in name else None)
    for name, one in LOADED.fleet.hosts.items()
}


def judged(control: str, one: Fleet, seen: SeenHosts | None = None) -> Saw:
    saw = Saw()
    all_rules()[control](one, LOADED.parameters, SEEN if seen is None else seen, saw)
    return saw


def test_every_rule_has_a_break() -> None:
    assert set(BREAKS) == set(all_rules())


@pytest.mark.parametrize("control", sorted(BREAKS))
def test_the_example_holds(control: str) -> None:
    saw = judged(control, LOADED.fleet)
    assert saw.observations
    assert all(seen.holds for seen in saw.observations)


@pytest.mark.parametrize(("control", "number"), [(name, n) for name, many in BREAKS.items() for n in range(len(many))])
def test_a_broken_fleet_fails_and_says_what_is_broken(control: str, number: int) -> None:
    change, subject = BREAKS[control][number]
    bad = [seen.subject for seen in judged(control, change(LOADED.fleet)).observations if not seen.holds]
    assert any(one == subject or one.startswith(f"{subject} (") for one in bad)


@pytest.mark.parametrize(
    "control", ["equipment.kvm", "equipment.rack-mounted", "equipment.rack-spacing", "power.ups", "power.ups-load"]
)
def test_virtual_machines_alone_have_no_metal_to_judge(control: str) -> None:
    virtual = {name: one.model_copy(update={"machine": "virtual"}) for name, one in LOADED.fleet.hosts.items()}
    with pytest.raises(NotApplicable):
        judged(control, LOADED.fleet.model_copy(update={"hosts": virtual}))


@pytest.mark.parametrize(
    ("name", "changed", "subject"),
    [
        ("basisdata-cadangan", {"system": "12.11"}, "basisdata-cadangan: Debian"),
        ("basisdata-cadangan", {"packages": {"postgresql": "15.0", "zsh": "5"}}, "basisdata-cadangan: packages"),
        ("basisdata", {"packages": {"zsh": "5"}}, "basisdata-cadangan: packages"),
        ("basisdata-cadangan", {"processors": 3}, "basisdata-cadangan: processors"),
        ("basisdata-cadangan", {"memory_gib": 7.9}, "basisdata-cadangan: memory_gib"),
        ("basisdata-cadangan", {"disks_gib": 199.0}, "basisdata-cadangan: disks_gib"),
        ("basisdata-cadangan", {"replication_seconds": 301}, "basisdata-cadangan: replication"),
        ("basisdata-cadangan", {"replication_seconds": None}, "basisdata-cadangan: replication"),
    ],
)
def test_a_standby_that_is_no_equal_fails(name: str, changed: dict[str, Any], subject: str) -> None:
    seen = {**SEEN, name: Seen(frozenset(), dataclasses.replace(HARDWARE, **changed))}
    bad = [
        one.subject for one in judged("availability.standby-server", LOADED.fleet, seen).observations if not one.holds
    ]
    assert bad == [subject]


def test_a_standby_may_have_more_and_lag_a_little() -> None:
    more = dataclasses.replace(HARDWARE, processors=5, memory_gib=9.0, disks_gib=201.0, replication_seconds=300)
    seen = {**SEEN, "basisdata-cadangan": Seen(frozenset(), more)}
    assert all(one.holds for one in judged("availability.standby-server", LOADED.fleet, seen).observations)


@pytest.mark.parametrize(
    ("control", "host", "leg"),
    [
        ("network.dmz", "portal", SegmentKind.PRIVATE),
        ("network.dmz", "portal", SegmentKind.CLIENT),
        ("network.private-segment", "basisdata", SegmentKind.CLIENT),
        ("network.private-segment", "basisdata", SegmentKind.DMZ),
    ],
)
def test_a_leg_in_another_segment_is_seen_on_the_host(control: str, host: str, leg: SegmentKind) -> None:
    name, segment = next((name, one) for name, one in LOADED.fleet.segments.items() if one.kind is leg)
    address = str(next(segment.cidr[0].hosts()))
    seen = {**SEEN, host: Seen(frozenset({address}))}
    bad = [(one.subject, one.observed) for one in judged(control, LOADED.fleet, seen).observations if not one.holds]
    assert bad == [(f"{host}: {name}", address)]


@pytest.mark.parametrize("control", ["network.dmz", "network.private-segment", "availability.standby-server"])
def test_a_host_that_did_not_answer_cannot_be_judged_and_one_that_was_not_asked_is_left_aside(control: str) -> None:
    assert all(one.holds for one in judged(control, LOADED.fleet, {}).observations)
    with pytest.raises(CannotTell):
        judged(control, LOADED.fleet, dict.fromkeys(LOADED.fleet.hosts, CannotTell("silent")))
