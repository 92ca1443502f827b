"""Every rule over the fleet holds for the example, and fails for the right reason when the fleet is changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compliance import fleet
from compliance.catalogue import default_catalogue
from compliance.checking import NotApplicable, Saw
from compliance.fleet import Fleet, Isp, SegmentKind, Service, Ups
from compliance.fleet_rules import all_rules

LOADED = fleet.load(Path(__file__).resolve().parents[2] / "inventory" / "example", default_catalogue())
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


def judged(control: str, one: Fleet) -> Saw:
    saw = Saw()
    all_rules()[control](one, LOADED.parameters, saw)
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
