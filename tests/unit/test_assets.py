"""The register of devices against the server: what it says must be there, and what is there it must say."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from compliance.assessment import Finding, Status
from compliance.checking import Context, all_checks, judge
from compliance.errors import PatuhError
from compliance.evidence import store
from compliance.evidence.kinds import Device
from compliance.evidence.store import Records
from tests.unit.fakes import Answer, Host
from tests.unit.test_recorded import recorded_fleet

CONTROL = "asset.facts-match"
HOST = "debian12"
GIB = 2**30
ANSWERS: dict[str, Answer | str] = {
    "ip -j address": '[{"ifname": "eth0", "addr_info": [{"local": "10.31.10.31"}, {"local": "fd31:10::31"}]}]',
    "lscpu": "# Socket,Core,CPU\n0,0,0\n0,0,1\n0,1,2\n0,1,3\n",
    "lsmem": f"Total online memory: {100 * GIB}\n",
    "lsblk": f'{{"blockdevices": [{{"name": "vda", "type": "disk", "size": {200 * GIB}, "uuid": null}}]}}',
    "product_serial": "SN-1\n",
    "hostname": "debian12.lab.example\n",
    "getent": "127.0.1.1 STREAM debian12.lab.example\n",
}
SPECIFICATION: dict[str, Any] = {
    "prosesor": "2",
    "ram_gib": "100",
    "disk_gib": "200",
    "nomor_seri": "SN-1",
    "domain": "debian12.lab.example",
}


def device(**changes: Any) -> Device:
    entry = {"kode": "SRV-1", "nama": "a", "fungsi": "b", "dipasang": "2026-01-01", "status": "aktif", "server": HOST}
    return store.validated(Device, {**entry, "spesifikasi": SPECIFICATION, **changes})


def judged(
    register: list[Device] | None, answers: dict[str, Answer | str] | None = None, machine: str = "physical"
) -> Finding:
    records = Records(Path(), {} if register is None else {Device: list(register)})
    context = Context.of(recorded_fleet(), HOST, records)
    assert context.host is not None
    context = dataclasses.replace(context, host=context.host.model_copy(update={"machine": machine}))
    return judge(CONTROL, all_checks()[CONTROL], Host({**ANSWERS, **(answers or {})}), context)


def bad(finding: Finding) -> list[str]:
    return [seen.subject for seen in finding.observations if not seen.holds]


def test_a_server_as_registered_passes() -> None:
    assert judged([device()]).status is Status.PASS


@pytest.mark.parametrize("count", ["1", "2", "4"])
def test_processors_may_be_counted_as_sockets_cores_or_threads(count: str) -> None:
    assert judged([device(spesifikasi={**SPECIFICATION, "prosesor": count})]).status is Status.PASS


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prosesor", "3"),
        ("prosesor", None),
        ("ram_gib", "95.2"),
        ("ram_gib", "105.3"),
        ("ram_gib", None),
        ("disk_gib", "190.4"),
        ("disk_gib", "210.6"),
        ("disk_gib", None),
        ("nomor_seri", "SN-2"),
        ("nomor_seri", None),
        ("domain", "lain.lab.example"),
    ],
)
def test_each_difference_fails_by_its_name(field: str, value: str | None) -> None:
    specification = {name: one for name, one in {**SPECIFICATION, field: value}.items() if one is not None}
    finding = judged([device(spesifikasi=specification)])
    assert (finding.status, bad(finding)) == (Status.FAIL, [field])


@pytest.mark.parametrize(("field", "value"), [("ram_gib", "95.3"), ("ram_gib", "105.2"), ("disk_gib", "190.5")])
def test_sizes_may_be_five_per_cent_off(field: str, value: str) -> None:
    assert judged([device(spesifikasi={**SPECIFICATION, field: value})]).status is Status.PASS


def test_a_virtual_machine_needs_no_serial_number_but_a_registered_one_counts() -> None:
    without = {name: one for name, one in SPECIFICATION.items() if name != "nomor_seri"}
    assert judged([device(spesifikasi=without)], machine="virtual").status is Status.PASS
    assert judged([device()], {"product_serial": "SN-2"}, machine="virtual").status is Status.FAIL


def test_a_name_that_leads_to_the_server_is_its_own() -> None:
    answers: dict[str, Answer | str] = {"hostname": "x\n", "getent": "10.31.10.31 STREAM debian12.lab.example\n"}
    assert judged([device()], answers).status is Status.PASS
    for said in ("10.31.10.99 STREAM x\n", Answer(rc=2)):
        assert bad(judged([device()], {**answers, "getent": said})) == ["domain"]


def test_an_address_that_is_declared_must_be_there() -> None:
    said = '[{"ifname": "eth0", "addr_info": [{"local": "10.31.10.31"}]}]'
    assert bad(judged([device()], {"ip -j address": said})) == ["fd31:10::31"]


@pytest.mark.parametrize(
    "register",
    [[], [device(server="debian13")], [device(status="dihapuskan")], [device(), device(kode="SRV-2")]],
    ids=["empty", "another", "out of service", "twice"],
)
def test_a_server_has_one_entry_in_service(register: list[Device]) -> None:
    finding = judged(register)
    assert (finding.status, bad(finding)) == (Status.FAIL, [Device.kind.file])


def test_an_entry_without_a_specification_fails() -> None:
    assert bad(judged([device(spesifikasi=None)])) == ["spesifikasi"]


def test_without_a_register_it_is_missing_and_a_wrong_one_decides_nothing() -> None:
    assert judged(None).status is Status.MISSING
    context = Context.of(
        recorded_fleet(), HOST, Records(Path(), {Device: [device()]}, {Device: [PatuhError("wrong", mend="Mend.")]})
    )
    found = judge(CONTROL, all_checks()[CONTROL], Host(ANSWERS), context)
    assert found.status is Status.ERROR


@pytest.mark.parametrize("command", sorted(set(ANSWERS) - {"product_serial", "hostname"}))
def test_what_the_server_does_not_say_is_no_pass(command: str) -> None:
    for said in (Answer(rc=127), Answer("?"), Answer("")):
        assert judged([device()], {command: said}).status is not Status.PASS or command == "getent"
