"""Every rule over records: a year in which all holds passes, and each way of not holding fails for its own reason."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance import fleet
from compliance.assessment import Finding, Status
from compliance.catalogue import Assessed, default_catalogue
from compliance.errors import PatuhError
from compliance.evidence import consistency, kinds, store
from compliance.evidence.fields import Record
from compliance.evidence.judging import Evidence, all_rules, assess
from compliance.evidence.store import Records
from compliance.parameters import resolve
from lab import sample_records

REPOSITORY = Path(__file__).resolve().parents[2]
TODAY = datetime.date(2026, 11, 21)
NOON = datetime.time(12)


@cache
def lab() -> fleet.LoadedFleet:
    loaded = fleet.load(REPOSITORY / "inventory" / "lab", default_catalogue())
    every = list(default_catalogue().regulations)
    return loaded.model_copy(
        update={
            "fleet": loaded.fleet.model_copy(update={"regulations": every}),
            "parameters": resolve(default_catalogue(), every, {}),
        }
    )


def at(folder: Path, today: datetime.date) -> Evidence:
    now = datetime.datetime.combine(today, NOON)
    records = consistency.check(store.load(folder), lab().fleet, default_catalogue(), now)
    return Evidence(records, lab().fleet, lab().parameters, now, tuple(all_rules()))


@pytest.fixture(scope="session")
def perfect(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("perfect") / "records"
    sample_records.write(folder, lab().fleet, TODAY, gaps=False)
    return at(folder, TODAY)


Where = int | Callable[[Any], bool]


Change = Callable[[Evidence], Evidence]


def changed(evidence: Evidence, **values: Any) -> Evidence:
    return dataclasses.replace(evidence, **values)


def with_entries(evidence: Evidence, kind: type[Record], entries: list[Record]) -> Evidence:
    every = {**evidence.records.entries, kind: entries}
    return changed(evidence, records=Records(evidence.records.folder, every, evidence.records.problems))


def copied(one: Record, changes: dict[str, Any]) -> Record:
    new = one.model_copy(update={name: value(one) if callable(value) else value for name, value in changes.items()})
    new._where = one._where
    return new


def chosen(found: list[Any], where: Where) -> set[int]:
    if isinstance(where, int):
        return {where % len(found)}
    picked = {number for number, one in enumerate(found) if where(one)}
    assert picked, "the edit changes nothing"
    return picked


def edit(kind: type[Record], where: Where = -1, **changes: Any) -> Change:
    """Entries of a kind with other values; what is a function gets the entry."""

    def on(evidence: Evidence) -> Evidence:
        found: list[Any] = evidence.records.of(kind)
        picked = chosen(found, where)
        edited = [copied(one, changes) if number in picked else one for number, one in enumerate(found)]
        return with_entries(evidence, kind, edited)

    return on


def drop(kind: type[Record], where: Where) -> Change:
    """Without some entries of a kind; the file is kept."""

    def on(evidence: Evidence) -> Evidence:
        found: list[Any] = evidence.records.of(kind)
        picked = chosen(found, where)
        return with_entries(evidence, kind, [one for number, one in enumerate(found) if number not in picked])

    return on


def plus(kind: type[Record], where: int = -1, **changes: Any) -> Change:
    """One entry more: another's copy with other values."""

    def on(evidence: Evidence) -> Evidence:
        found: list[Any] = evidence.records.of(kind)
        return with_entries(evidence, kind, [*found, copied(found[where], changes)])

    return on


def all_of(*changes: Change) -> Change:
    def on(evidence: Evidence) -> Evidence:
        for change in changes:
            evidence = change(evidence)
        return evidence

    return on


def declared(**values: Any) -> Change:
    """The fleet declared otherwise."""
    return lambda evidence: changed(evidence, fleet=evidence.fleet.model_copy(update=values))


def unkept(kind: type[Record]) -> Change:
    """Without the file of a kind."""

    def on(evidence: Evidence) -> Evidence:
        entries = {one: found for one, found in evidence.records.entries.items() if one is not kind}
        return changed(evidence, records=Records(evidence.records.folder, entries))

    return on


def mistake(kind: type[Record]) -> Change:
    """A mistake in the file of a kind."""
    wrong = {kind: [PatuhError("wrong", mend="mend it")]}
    return lambda evidence: changed(evidence, records=Records(evidence.records.folder, evidence.records.entries, wrong))


def everything(_one: Any) -> bool:
    return True


def ago(days: int) -> datetime.date:
    return TODAY - datetime.timedelta(days=days)


def moment(days: int, hour: int = 10) -> datetime.datetime:
    return datetime.datetime.combine(ago(days), datetime.time(hour))


def inside(name: str, **changes: Any) -> Callable[[Any], Any]:
    """A part of a document with changes; what is a function gets the part's old value."""
    return lambda one: getattr(one, name).model_copy(update=changes)


def work(*names: str) -> Callable[[kinds.WorkOrder], bool]:
    return lambda one: one.work in names and one.started is not None


def vendor(visit: kinds.Visit) -> bool:
    return visit.visitor is kinds.Visitor.VENDOR


def newer_than(days: int) -> Callable[[Any], bool]:
    return lambda one: one.day > ago(days)


def between(first: int, last: int) -> Callable[[Any], bool]:
    return lambda one: ago(first) < one.day < ago(last)


def planned(*days: int, done: int | None = None) -> tuple[kinds.PlannedItem, ...]:
    """Items of a plan that were due so many days ago."""
    return tuple(
        kinds.PlannedItem(device="web01", task="x", due=ago(day), done=None if done is None else ago(done))
        for day in days
    )


def vendor_newest(visit: kinds.Visit) -> bool:
    return vendor(visit) and visit.day > ago(31)


CONFIGURATION, UPGRADE = (kinds.Work.CONFIGURATION,), (kinds.Work.OS_UPGRADE,)
INSTALLATION = (kinds.Work.HARDWARE_INSTALLATION,)
DECOMMISSIONING, MAINTENANCE = (kinds.Work.DECOMMISSIONING,), (kinds.Work.MAINTENANCE,)
BAD = kinds.Condition.BAD


def bad_item(name: str) -> dict[str, Any]:
    return {name: lambda one: getattr(one, name).model_copy(update={"condition": BAD})}


old_survey = drop(kinds.RoomSurvey, everything), edit(kinds.RoomSurvey, on=ago(366))
old_inspections = drop(kinds.MonthlyInspection, newer_than(32))
K = kinds


def backup(**changes: Any) -> Change:
    return edit(K.Colocation, lambda one: one.backup is not None, backup=inside("backup", **changes))


# By control: ways in which it does not hold.
FAILS: dict[str, list[Change]] = {
    "room.temperature": [
        edit(K.RoomClimate, temperature=Decimal("22.1")),
        edit(K.RoomClimate, -5, temperature=Decimal("19.9")),
        drop(K.RoomClimate, newer_than(32)),
    ],
    "room.humidity": [
        edit(K.RoomClimate, humidity=Decimal("65.1")),
        edit(K.RoomClimate, humidity=Decimal("34.9")),
        drop(K.RoomClimate, newer_than(32)),
    ],
    "room.climate-log": [
        drop(K.RoomClimate, newer_than(2)),
        drop(K.RoomClimate, -100),
        drop(K.RoomClimate, everything),
    ],
    "room.climate-correction": [
        edit(K.RoomClimate, lambda one: one.temperature > 22, correction=None),
        drop(K.RoomClimate, between(120, 117)),
    ],
    "room.climate-escalation": [
        edit(K.RoomClimate, lambda one: one.temperature > 22, reported=None),
        edit(K.RoomClimate, lambda one: one.temperature > 22, reported=ago(118)),
    ],
    "room.inspection-monthly": [
        drop(K.MonthlyInspection, newer_than(32)),
        drop(K.MonthlyInspection, -4),
        edit(K.MonthlyInspection, -3, clean=BAD),
    ],
    "room.report-monthly": [
        edit(K.MonthlyInspection, reported=None),
        edit(K.MonthlyInspection, -2, reported_to=None),
        edit(K.MonthlyInspection, cooling=None),
        edit(K.MonthlyInspection, reported=ago(100)),
    ],
    "access.rack-locked": [edit(K.MonthlyInspection, racks_locked=BAD), old_inspections],
    "room.no-packing": [edit(K.MonthlyInspection, no_foreign_goods=BAD), old_inspections],
    "room.clean": [edit(K.MonthlyInspection, clean=BAD), old_inspections],
    "power.panel-locked": [edit(K.MonthlyInspection, panel_locked=BAD), old_inspections],
    "room.raised-floor": [edit(K.MonthlyInspection, raised_floor=BAD), edit(K.RoomSurvey, **bad_item("raised_floor"))],
    "room.airflow": [edit(K.MonthlyInspection, airflow=BAD), edit(K.RoomSurvey, **bad_item("airflow")), *old_survey],
    "equipment.cabling-separated": [
        edit(K.MonthlyInspection, cabling=BAD),
        edit(K.RoomSurvey, **bad_item("cabling_separated")),
    ],
    "room.sizing": [edit(K.RoomSurvey, **bad_item("size")), *old_survey],
    "room.secured": [edit(K.RoomSurvey, **bad_item("secured")), *old_survey],
    "room.emergency-exit": [edit(K.RoomSurvey, **bad_item("emergency_exit")), *old_survey],
    "room.telephone": [edit(K.RoomSurvey, **bad_item("telephone")), *old_survey],
    "room.thermometer": [edit(K.RoomSurvey, **bad_item("thermometer")), *old_survey],
    "room.cooling-placement": [edit(K.RoomSurvey, **bad_item("cooling_placement")), *old_survey],
    "equipment.utp-568b": [edit(K.RoomSurvey, **bad_item("cabling_568b")), *old_survey],
    "power.circuit-protection": [
        edit(K.RoomSurvey, **bad_item("mcb")),
        edit(K.RoomSurvey, **bad_item("surge_protection")),
        edit(K.RoomSurvey, **bad_item("generator")),
    ],
    "room.cooling": [edit(K.RoomSurvey, heat_kw=Decimal("14.1")), edit(K.RoomSurvey, **bad_item("cooling"))],
    "room.fire-suppression": [
        edit(K.RoomSurvey, fire_agent="Air bertekanan"),
        edit(K.RoomSurvey, fire_checked=ago(366)),
        edit(K.RoomSurvey, **bad_item("fire_suppression")),
        edit(K.MonthlyInspection, fire_suppression=BAD),
    ],
    "access.cctv": [edit(K.RoomSurvey, cctv_days_kept=Decimal(29)), edit(K.RoomSurvey, **bad_item("cctv"))],
    "access.door-authentication": [
        edit(K.RoomSurvey, door_factors=("kunci",)),
        edit(K.RoomSurvey, **bad_item("door_authentication")),
    ],
    "access.restricted": [edit(K.RoomSurvey, access_list=()), edit(K.RoomSurvey, **bad_item("secured"))],
    "room.conduct": [edit(K.Visit, rules_kept=False), edit(K.StaffEntry, rules_kept=None)],
    "room.post-visit-check": [edit(K.Visit, vendor, room_after=BAD), edit(K.Visit, vendor, room_after=None)],
    "access.visitor-request-form": [edit(K.Visit, vendor, request=None)],
    "access.visitor-authorised": [
        edit(K.Visit, permitted_by=None),
        edit(K.Visit, permitted=None),
        edit(K.Visit, permitted=lambda one: one.entered + datetime.timedelta(minutes=1)),
    ],
    "access.visitor-escort": [edit(K.Visit, escort=None)],
    "access.visitor-log": [edit(K.Visit, left=None), edit(K.Visit, activity=None)],
    "access.staff-log": [edit(K.StaffEntry, left=None)],
    "access.identity-deposit": [
        edit(K.Visit, identity=K.Deposit.DEPOSITED),
        edit(K.Visit, identity=None),
        edit(K.Visit, lambda one: not vendor(one), gadgets=K.Deposit.DEPOSITED),
    ],
    "access.door-locked": [edit(K.Visit, door_locked=False), edit(K.StaffEntry, door_locked=None)],
    "access.recording-limited": [
        edit(K.Visit, recording=K.Recording.ANYTHING),
        edit(K.Visit, vendor, recording=K.Recording.OWN_DEVICE),
        edit(K.Visit, recording=None),
    ],
    "access.visit-minutes": [
        edit(K.Visit, vendor, minutes=None),
        edit(K.Visit, vendor, minutes="BA-x"),
        edit(K.Minutes, signatories=("petugas-a",)),
    ],
    "asset.removal-authorised": [
        edit(K.Removal, approved_by=None),
        edit(K.Removal, approved=None),
        edit(K.Removal, approved=lambda one: one.on + datetime.timedelta(days=1)),
    ],
    "power.ups-inspection": [
        declared(ups_units=[]),
        drop(K.UpsCertificate, newer_than(185)),
        edit(K.UpsCertificate, condition=BAD),
        edit(K.UpsCertificate, valid_until=ago(21)),
        edit(K.UpsCertificate, everything, ups="lain"),
    ],
    "power.generator": [
        drop(K.RoomSurvey, everything),
        plus(K.RoomSurvey, on=ago(10), **bad_item("generator")),
        edit(K.RoomSurvey, **bad_item("generator")),
        edit(K.GeneratorTest, condition=BAD),
        drop(K.GeneratorTest, everything),
    ],
    "power.generator-test": [
        edit(K.GeneratorTest, at=lambda one: one.at.replace(hour=15, minute=59)),
        edit(K.GeneratorTest, at=lambda one: one.at.replace(hour=7, minute=30)),
        drop(K.GeneratorTest, newer_than(32)),
        drop(K.GeneratorTest, -4),
        edit(K.GeneratorTest, at=datetime.datetime(2026, 11, 17, 15, 59)),
    ],
    "power.fuel-log": [drop(K.Fuel, newer_than(32)), drop(K.Fuel, -4)],
    "power.electrical-inspection": [drop(K.ElectricalInspection, newer_than(32)), drop(K.ElectricalInspection, -4)],
    "power.escalation": [
        edit(K.ElectricalInspection, lambda one: one.relay is BAD, reported=None),
        edit(K.ElectricalInspection, lambda one: one.relay is BAD, reported=ago(175)),
        edit(K.ElectricalInspection, lambda one: one.relay is BAD, recommendation=None),
        edit(K.GeneratorTest, -3, condition=BAD),
    ],
    "power.outage-log": [
        edit(K.PowerOutage, began=moment(1, 11), ended=None),
        edit(K.PowerOutage, ended=None),
        edit(K.PowerOutage, generator_ran=None),
    ],
    "power.generator-refuel": [
        edit(K.PowerOutage, 1, refuelled=None),
        edit(K.PowerOutage, 1, refuelled=moment(210, 16)),
        edit(K.PowerOutage, 1, refuelled=moment(210, 6)),
        edit(K.PowerOutage, -1, ended=None),
    ],
    "backup.portable-offsite": [
        drop(K.BackupMedium, newer_than(32)),
        edit(K.BackupMedium, newer_than(32), servers=("web01", "db01")),
        edit(K.BackupMedium, newer_than(32), outside_the_room=False),
    ],
    "backup.media-review": [
        drop(K.MediaReview, newer_than(185)),
        edit(K.MediaReview, condition=BAD),
        drop(K.MediaReview, between(200, 100)),
    ],
    "backup.semester-recap": [
        drop(K.BackupRecap, newer_than(185)),
        edit(K.BackupRecap, first=ago(329)),
    ],
    "backup.purge-report": [edit(K.Purge, remarks=None)],
    "restore.tested": [
        plus(K.Restore, began=moment(100), ended=moment(100, 11), succeeded=None),
        plus(K.Restore, began=moment(100), ended=moment(100, 11), verified=None),
        drop(K.Restore, newer_than(185)),
        edit(K.Restore, newer_than(185), succeeded=False),
        edit(K.Restore, verified=None),
        edit(K.Restore, -2, succeeded=None),
    ],
    "restore.fallback-plan": [
        all_of(drop(K.RecoveryPlan, everything), declared(critical_services=[])),
        drop(K.RecoveryPlan, everything),
        edit(K.RecoveryPlan, services=("lain",)),
        edit(K.Restore, -2, succeeded=False),
    ],
    "restore.request-approved": [
        edit(K.Restore, lambda one: not one.drill, request=None),
        edit(K.Restore, lambda one: not one.drill, approved_by=None),
        edit(K.Restore, lambda one: not one.drill, approved=lambda one: one.day + datetime.timedelta(days=1)),
    ],
    "restore.media-ready": [edit(K.Restore, medium_read=None), edit(K.Restore, medium_read=False)],
    "restore.report": [
        edit(K.Restore, reported=None),
        edit(K.Restore, reported=ago(41)),
        edit(K.Restore, size=None),
        edit(K.Restore, source=None),
    ],
    "availability.drc-visited": [
        plus(K.RecoverySite, visited=ago(10), copies_seen=False),
        plus(K.RecoverySite, visited=ago(10), services=("lain",)),
        edit(K.RecoverySite, visited=ago(366)),
        edit(K.RecoverySite, site="lain"),
        edit(K.RecoverySite, copies_seen=False),
        edit(K.RecoverySite, services=("lain",)),
    ],
    "backup.request": [backup(requested=ago(-1))],
    "backup.plan": [
        backup(planned=None),
        backup(planned=ago(305)),
        backup(schedule=None),
        backup(days=None),
        backup(goes_on=None),
        backup(runs=(ago(301),)),
    ],
    "backup.executed-to-plan": [
        backup(runs=(ago(270),)),
        backup(days=None),
        backup(days=Decimal(29)),
        backup(stopped=None),
    ],
    "backup.termination": [
        backup(stop_requested=None),
        backup(stopped=None),
        backup(stopped=ago(111)),
        backup(stop_notice=None),
        backup(stop_notice=ago(101)),
        backup(runs=(ago(270), ago(99))),
    ],
    "change.work-order": [
        edit(K.WorkOrder, work(*CONFIGURATION), started=lambda one: moment((TODAY - one.ordered).days + 1))
    ],
    "change.impact-analysis": [
        edit(K.WorkOrder, work(*CONFIGURATION), analysis=None),
        edit(K.WorkOrder, work(*UPGRADE), analysis=inside("analysis", on=ago(244))),
    ],
    "change.authorised": [
        edit(K.WorkOrder, work(*CONFIGURATION), approved=None),
        edit(K.WorkOrder, work(*CONFIGURATION), approved_by=None),
        edit(K.WorkOrder, work(*CONFIGURATION), approved=lambda one: one.started.date() + datetime.timedelta(days=1)),
    ],
    "change.outage-escalation": [
        edit(K.WorkOrder, work(*UPGRADE), head_told=None),
        edit(K.WorkOrder, work(*UPGRADE), head_told=ago(244)),
    ],
    "change.outage-notice": [
        edit(K.WorkOrder, work(*UPGRADE), users_told=None),
        edit(K.WorkOrder, work(*UPGRADE), users_told=ago(244)),
    ],
    "change.executed": [
        edit(K.WorkOrder, work(*INSTALLATION), ended=None),
        edit(K.WorkOrder, work(*INSTALLATION), result=None),
    ],
    "change.tested": [
        edit(K.WorkOrder, work(*UPGRADE), tested=None),
        edit(K.WorkOrder, work(*UPGRADE), test=None),
        edit(K.WorkOrder, work(*UPGRADE), tested=ago(246)),
    ],
    "change.rollback": [edit(K.WorkOrder, lambda one: one.result is K.Result.FAILED, reverted=None)],
    "change.config-log": [
        drop(K.ConfigurationChange, -1),
        edit(K.ConfigurationChange, tested=None),
        edit(K.ConfigurationChange, remarks=None),
        edit(K.ConfigurationChange, order="PK-x"),
    ],
    "change.config-documentation": [
        edit(K.WorkOrder, work(*CONFIGURATION), documentation=None),
        edit(K.WorkOrder, work(*UPGRADE), documentation=inside("documentation", result=None)),
    ],
    "change.report": [
        edit(K.WorkOrder, work(*CONFIGURATION), reported=None),
        edit(K.WorkOrder, work(*UPGRADE), reported=ago(246)),
    ],
    "software.suitability": [
        edit(K.WorkOrder, work(*UPGRADE), analysis=inside("analysis", suitable=None)),
        edit(K.WorkOrder, lambda one: one.result is K.Result.POSTPONED, result=K.Result.SUCCEEDED),
    ],
    "capacity.checked": [
        edit(K.WorkOrder, work(*INSTALLATION), analysis=inside("analysis", capacity=None)),
        edit(K.WorkOrder, work(*INSTALLATION), analysis=inside("analysis", capacity=False)),
        edit(K.Colocation, capacity_checked=None),
        edit(K.Colocation, capacity=None),
    ],
    "capacity.shortage-report": [
        edit(
            K.WorkOrder,
            lambda one: one.result is K.Result.POSTPONED,
            analysis=inside("analysis", suitable=False, reported=None),
        ),
        edit(K.WorkOrder, lambda one: one.result is K.Result.POSTPONED, result=None),
    ],
    "backup.before-upgrade": [
        edit(K.WorkOrder, work(*UPGRADE), backed_up=None),
        edit(K.WorkOrder, work(*UPGRADE), backed_up=moment(245, 11)),
    ],
    "decommission.feasibility": [
        edit(K.WorkOrder, work(*DECOMMISSIONING), analysis=None),
        edit(K.WorkOrder, work(*DECOMMISSIONING), analysis=inside("analysis", reported=None)),
        edit(K.WorkOrder, work(*DECOMMISSIONING), analysis=inside("analysis", on=ago(184))),
    ],
    "decommission.data-wiped": [edit(K.WorkOrder, work(*DECOMMISSIONING), wipe=None)],
    "decommission.executed": [
        edit(K.Device, lambda one: one.id == "PWR-9", state=K.DeviceState.ACTIVE),
        edit(K.WorkOrder, work(*DECOMMISSIONING), object="SRV-1"),
        edit(K.Device, lambda one: one.id == "PWR-9", host="web01"),
    ],
    "decommission.report": [
        edit(K.WorkOrder, work(*DECOMMISSIONING), documentation=None),
        edit(K.WorkOrder, work(*DECOMMISSIONING), reported=None),
    ],
    "maintenance.request": [
        edit(K.WorkOrder, work(*MAINTENANCE), requested=None),
        edit(K.WorkOrder, work(*MAINTENANCE), requested_by=None),
        edit(K.WorkOrder, work(*MAINTENANCE), requested=ago(99)),
    ],
    "maintenance.device-form": [
        edit(K.WorkOrder, work(*MAINTENANCE), devices=()),
        edit(K.WorkOrder, work(*MAINTENANCE), attachment=None),
    ],
    "maintenance.report": [
        edit(K.WorkOrder, work(*MAINTENANCE), reported=None),
        edit(K.WorkOrder, work(*MAINTENANCE), result=None),
    ],
    "maintenance.review": [
        edit(K.WorkOrder, work(*MAINTENANCE), reviewed=None),
        edit(K.WorkOrder, work(*MAINTENANCE), reviewed_by=None),
        edit(K.WorkOrder, work(*MAINTENANCE), reviewed=ago(95)),
    ],
    "maintenance.archive": [
        edit(K.WorkOrder, work(*MAINTENANCE), filed=None),
        edit(K.Minutes, filed=None),
        edit(K.MonthlyInspection, filed=None),
    ],
    "maintenance.plan": [
        edit(K.MaintenancePlan, last=ago(1)),
        edit(K.MaintenancePlan, first=ago(-1)),
        edit(K.MaintenancePlan, items=lambda one: tuple(item for item in one.items if item.device != "dns01")),
    ],
    "maintenance.executed-to-plan": [
        edit(K.MaintenancePlan, items=planned(365, -14)),
        edit(K.MaintenancePlan, items=planned(1)),
        edit(K.MaintenancePlan, items=planned(500)),
        edit(K.MaintenancePlan, items=lambda one: tuple(item.model_copy(update={"done": None}) for item in one.items)),
        edit(
            K.MaintenancePlan,
            items=lambda one: tuple(
                item.model_copy(update={"done": item.due + datetime.timedelta(days=1)}) for item in one.items
            ),
        ),
    ],
    "software.install-authorised": [
        edit(K.Software, installed=ago(365), order=None),
        edit(K.Software, order=None),
        edit(K.Software, order="PK-x"),
    ],
    "asset.register": [
        edit(K.Device, lambda one: one.id == "PWR-9", host="dns01"),
        drop(K.Device, lambda one: one.host == "dns01"),
        edit(K.Device, lambda one: one.host == "dns01", host="web01"),
        edit(K.Device, lambda one: one.host == "dns01", state=K.DeviceState.DECOMMISSIONED),
    ],
    "asset.labels": [
        edit(K.Device, label=None),
        edit(K.Device, label=inside("label", code="x")),
        edit(K.Device, label=inside("label", both_cable_ends=False)),
    ],
    "asset.staging": [
        edit(K.Device, receipt=None),
        edit(K.Device, receipt=inside("receipt", staged=None)),
        edit(K.Device, receipt=inside("receipt", docked=ago(100))),
    ],
    "asset.receiving-inspection": [
        edit(K.Device, receipt=None),
        edit(K.Device, receipt=inside("receipt", inspected=ago(1))),
        edit(K.Device, receipt=inside("receipt", sound=False)),
        edit(K.Device, receipt=inside("receipt", complete=None)),
        edit(K.Device, receipt=inside("receipt", approved_by=None)),
    ],
    "equipment.install-standard": [edit(K.Device, standard=None)],
    "asset.topology-documented": [
        edit(K.Device, installed=TODAY),
        plus(K.Topology, on=ago(10), devices=("SRV-1",)),
        drop(K.Topology, everything),
        edit(K.Topology, devices=("SRV-1",)),
        edit(K.Topology, on=ago(181)),
    ],
    "software.register": [drop(K.Software, lambda one: one.server == "dns01")],
    "procurement.unsupported-handled": [
        edit(K.UnsupportedApplication, decision=None),
        edit(K.UnsupportedApplication, decided_by=None),
    ],
    "governance.tia-942": [edit(K.TiaAssessment, on=ago(366)), drop(K.TiaAssessment, everything)],
    "raid.replacement-record": [edit(K.DiskReplacement, new_serial="HD-001")],
    "monitoring.analysis": [edit(K.MonitoringReport, analysis=None)],
    "monitoring.report": [
        drop(K.MonitoringReport, lambda one: one.subject is K.Subject.NETWORK),
        drop(K.MonitoringReport, newer_than(32)),
        edit(K.MonitoringReport, reported_to=None),
    ],
    "monitoring.escalation": [
        edit(K.Incident, 0, reported=None),
        edit(K.Incident, 0, reported=moment(218)),
        edit(K.Incident, 0, analysis=None),
        edit(K.Incident, 0, recommendation=None),
    ],
    "monitoring.repair-approved": [
        edit(K.Incident, 0, approved=None),
        edit(K.Incident, 0, approved=moment(218, 11)),
    ],
    "incident.reported": [
        edit(K.Incident, reported=None),
        edit(K.Incident, reported=moment(33)),
        edit(K.Incident, reported_to=None),
        edit(K.Incident, reported=moment(36)),
    ],
    "monitoring.connectivity-record": [
        edit(K.IspOutage, contacted=None),
        edit(K.IspOutage, contacted=moment(23)),
    ],
    "network.isp-bandwidth": [
        declared(isps=[]),
        all_of(declared(isps=lab().fleet.isps[:1]), drop(K.IspContract, lambda one: one.isp == "isp-a")),
        edit(K.IspContract, international_mbps=Decimal("4.9")),
        edit(K.IspContract, contention="1:4"),
        edit(K.IspContract, measurements=()),
        edit(K.IspContract, measurements=lambda one: (one.measurements[0].model_copy(update={"mbps": Decimal(4)}),)),
        edit(K.IspContract, measurements=lambda one: (one.measurements[0].model_copy(update={"on": ago(185)}),)),
        edit(K.IspContract, last=ago(1)),
        drop(K.IspContract, -1),
    ],
    "network.isp-sla": [
        declared(isps=[]),
        all_of(
            declared(isps=lab().fleet.isps[:1]),
            edit(K.IspOutage, ended=lambda one: one.began + datetime.timedelta(hours=80)),
        ),
        edit(K.IspContract, sla=Decimal("98.9")),
        all_of(
            drop(K.IspOutage, newer_than(200)),
            edit(K.IspOutage, ended=lambda one: one.began + datetime.timedelta(days=300.5) / 100 * 1.001),
        ),
        edit(K.IspOutage, lambda one: one.day > ago(200), ended=lambda one: one.began + datetime.timedelta(hours=50)),
        edit(K.IspContract, last=ago(1)),
    ],
    "remote-access.session-log": [edit(K.RemoteSession, ended=None)],
    "remote-access.port-window": [
        edit(K.PortWindow, closed=None),
        edit(K.PortWindow, closed=lambda one: one.ends + datetime.timedelta(minutes=1)),
    ],
    "staff.assignment-letter": [
        edit(K.AssignmentLetter, last=ago(1)),
        edit(K.AssignmentLetter, first=ago(-1)),
        drop(K.AssignmentLetter, everything),
    ],
    "staff.competence": [
        edit(K.AssignmentLetter, everything, trainings=lambda one: one.trainings[:2]),
        edit(K.AssignmentLetter, everything, last=ago(1)),
    ],
    "accounts.superuser-rotation-record": [
        drop(K.PasswordChange, newer_than(91)),
        edit(K.PasswordChange, coordinated_with="petugas-a"),
    ],
    "accounts.offboarding-record": [
        drop(K.Offboarding, everything),
        edit(K.Offboarding, disabled=None),
        edit(K.Offboarding, disabled=lambda one: one.left + datetime.timedelta(days=2)),
        edit(K.Offboarding, passwords_changed=None),
        edit(K.Offboarding, disabled_by=None),
    ],
    "colocation.tenant-register": [
        edit(K.Colocation, lambda one: one.backup is not None, contact=None),
        edit(K.Colocation, lambda one: one.backup is not None, server=None),
        edit(K.Colocation, lambda one: one.backup is not None, server="lain"),
    ],
    "colocation.request": [
        edit(K.Colocation, domain=None),
        edit(K.Colocation, active_from=None),
        edit(K.Colocation, permanent=None),
        edit(K.Colocation, disposed=None),
        edit(K.Colocation, disposed=ago(321)),
    ],
    "colocation.clarification": [
        edit(K.Colocation, 0, capacity_checked=None),
        edit(K.Colocation, clarified=None),
        edit(K.Colocation, clarified=ago(315)),
    ],
    "colocation.approval": [
        edit(K.Colocation, 0, decided_by=None),
        edit(K.Colocation, 0, decision=None),
        edit(K.Colocation, 0, decided=ago(304)),
        edit(K.Colocation, lambda one: one.decision is K.Decision.REFUSED, reasons=None),
        edit(K.Colocation, lambda one: one.decision is K.Decision.REFUSED, handed_over=ago(300)),
    ],
    "colocation.decision-notice": [
        edit(K.Colocation, 0, notified=None),
        edit(K.Colocation, 0, notified=ago(315)),
        edit(K.Colocation, lambda one: one.capacity is False, decided=None, notified=None),
    ],
    "colocation.handover": [
        edit(K.Colocation, 0, handed_over_by=None),
        edit(K.Colocation, 0, received_by=None),
        edit(K.Colocation, 0, specification_checked=None),
        edit(K.Colocation, 0, attachment=None),
    ],
    "colocation.tenure": [
        edit(K.Colocation, lambda one: one.backup is not None, valid_until=ago(1)),
        edit(K.Colocation, lambda one: one.backup is not None, valid_until=None),
    ],
    "colocation.withdrawal": [
        edit(K.Colocation, lambda one: one.withdrawn is not None, withdrawal_approved=None),
        edit(K.Colocation, lambda one: one.withdrawn is not None, withdrawal_approved=ago(169)),
        edit(K.Colocation, lambda one: one.withdrawn is not None, server="web01"),
    ],
    "accounts.no-secrets-in-forms": [
        edit(K.Colocation, 0, admin_secret=None),
        edit(K.Colocation, 0, admin_secret="Rahasia123"),
    ],
    "records.complete": [mistake(K.Fuel)],
    "records.kept": [unkept(K.Fuel)],
}
EVENING: dict[str, Any] = {"began": moment(1, 12), "ended": None}
LEFT_YESTERDAY: dict[str, Any] = {"left": ago(1), "disabled": None, "passwords_changed": None}
# By control: changes after which it holds all the same, such as a figure that is just reached.
HOLDS: dict[str, list[Change]] = {
    "access.visitor-log": [edit(K.Visit, entered=moment(0, 4), left=None)],
    "access.staff-log": [edit(K.StaffEntry, entered=moment(0, 4), left=None)],
    "access.visitor-authorised": [edit(K.Visit, permitted=lambda one: one.entered)],
    "asset.removal-authorised": [edit(K.Removal, approved=lambda one: one.on)],
    "asset.register": [edit(K.Device, lambda one: one.id == "PWR-9", host="arsip01")],
    "asset.receiving-inspection": [
        edit(K.Device, receipt=lambda one: one.receipt.model_copy(update={"inspected": one.installed}))
    ],
    "asset.topology-documented": [
        edit(K.Topology, on=ago(139)),
        plus(K.Device, state=K.DeviceState.DECOMMISSIONED, id="x"),
    ],
    "backup.semester-recap": [
        all_of(
            plus(K.BackupRecap, 0, on=ago(480), first=ago(600), last=ago(490)),
            plus(K.BackupRecap, 0, on=ago(365), first=ago(400), last=ago(366)),
        )
    ],
    "restore.fallback-plan": [plus(K.Restore, succeeded=False, fallback="salinan sebelumnya")],
    "restore.request-approved": [edit(K.Restore, lambda one: not one.drill, approved=lambda one: one.day)],
    "backup.request": [backup(requested=TODAY)],
    "backup.plan": [backup(planned=ago(304)), backup(planned=ago(270))],
    "backup.executed-to-plan": [backup(planned=ago(301)), backup(runs=tuple(map(ago, range(270, 50, -30))))],
    "backup.termination": [backup(stopped=ago(110), stop_notice=ago(110), runs=(ago(110),))],
    "colocation.tenure": [
        edit(K.Colocation, lambda one: one.backup is not None, valid_until=TODAY),
        edit(K.Colocation, lambda one: one.backup is not None, permanent=True, valid_until=None),
    ],
    "incident.reported": [
        edit(K.Incident, reported=lambda one: one.seen),
        edit(K.Incident, reported=lambda one: one.seen + datetime.timedelta(days=1)),
        edit(K.Incident, seen=moment(1, 12), reported=None),
    ],
    "monitoring.repair-approved": [edit(K.Incident, 0, approved=lambda one: one.repaired)],
    "network.isp-bandwidth": [
        edit(K.IspContract, last=TODAY),
        edit(K.IspContract, first=TODAY),
        edit(K.IspContract, international_mbps=Decimal(5)),
        edit(K.IspContract, measurements=lambda one: (one.measurements[0].model_copy(update={"mbps": Decimal(5)}),)),
    ],
    "network.isp-sla": [
        edit(K.IspContract, sla=Decimal(99)),
        # Of 300 and a half days since the contract began, a hundredth.
        all_of(
            drop(K.IspOutage, newer_than(200)),
            edit(K.IspOutage, ended=lambda one: one.began + datetime.timedelta(days=300.5) / 100),
        ),
    ],
    "remote-access.session-log": [edit(K.RemoteSession, **EVENING)],
    "remote-access.port-window": [
        edit(K.PortWindow, closed=lambda one: one.ends),
        edit(K.PortWindow, ends=datetime.datetime.combine(TODAY, NOON), closed=None),
    ],
    "accounts.offboarding-record": [
        edit(K.Offboarding, disabled=lambda one: one.left + datetime.timedelta(days=1)),
        edit(K.Offboarding, **LEFT_YESTERDAY),
    ],
    "power.generator-test": [
        edit(K.GeneratorTest, at=lambda one: one.at.replace(hour=16, minute=0)),
        edit(K.GeneratorTest, at=lambda one: one.at.replace(hour=7, minute=29)),
        edit(K.GeneratorTest, at=datetime.datetime(2026, 11, 7, 10)),  # a Saturday
    ],
    "power.ups-inspection": [edit(K.UpsCertificate, valid_until=lambda one: one.on)],
    "power.escalation": [
        edit(K.ElectricalInspection, lambda one: one.relay is BAD, reported=ago(176)),
        plus(K.ElectricalInspection, on=ago(1), relay=BAD, reported=None, recommendation="ganti"),
    ],
    "power.outage-log": [edit(K.PowerOutage, **EVENING)],
    "power.generator-refuel": [edit(K.PowerOutage, ended=lambda one: one.began + datetime.timedelta(hours=8))],
    "room.climate-correction": [
        edit(K.RoomClimate, temperature=Decimal(23), correction="AC kedua"),
        all_of(
            drop(K.RoomClimate, between(120, 117)),
            edit(K.RoomClimate, lambda one: one.day == ago(117), at=moment(118, 8)),
        ),
        all_of(
            drop(K.RoomClimate, newer_than(3)),
            plus(K.RoomClimate, at=moment(2, 12), temperature=Decimal(23), correction="AC kedua"),
        ),
    ],
    "room.climate-escalation": [
        edit(K.RoomClimate, lambda one: one.temperature > 22, reported=ago(119)),
        plus(K.RoomClimate, at=moment(1, 12), temperature=Decimal(23), reported=None),
    ],
    "room.temperature": [
        edit(K.RoomClimate, temperature=Decimal(22)),
        edit(K.RoomClimate, temperature=Decimal(20)),
        drop(K.RoomClimate, newer_than(31)),
    ],
    "room.humidity": [edit(K.RoomClimate, humidity=Decimal(65)), edit(K.RoomClimate, humidity=Decimal(35))],
    "room.inspection-monthly": [
        edit(K.MonthlyInspection, -3, clean=BAD, follow_up="dibersihkan"),
        edit(K.MonthlyInspection, on=ago(31)),
    ],
    "room.clean": [edit(K.MonthlyInspection, on=ago(31)), edit(K.MonthlyInspection, -2, clean=BAD)],
    "room.sizing": [
        edit(K.RoomSurvey, on=ago(365)),
        plus(K.RoomSurvey, on=ago(200), **bad_item("size")),
    ],
    "room.cooling": [edit(K.RoomSurvey, heat_kw=Decimal(14))],
    "room.fire-suppression": [edit(K.RoomSurvey, fire_checked=ago(365))],
    "access.cctv": [edit(K.RoomSurvey, cctv_days_kept=Decimal(30))],
    "room.post-visit-check": [
        edit(K.Visit, lambda one: not vendor(one), room_after=None),
        edit(K.Visit, vendor_newest, left=None, room_after=None),
    ],
    "change.authorised": [edit(K.WorkOrder, work(*CONFIGURATION), approved=lambda one: one.started.date())],
    "change.impact-analysis": [
        edit(
            K.WorkOrder,
            work(*CONFIGURATION),
            analysis=lambda one: one.analysis.model_copy(update={"on": one.started.date()}),
        )
    ],
    "change.executed": [edit(K.WorkOrder, work(*INSTALLATION), started=moment(31), ended=None)],
    "change.config-documentation": [
        edit(
            K.WorkOrder,
            work(*DECOMMISSIONING),
            documentation=lambda one: one.documentation.model_copy(update={"result": None}),
        )
    ],
    "backup.before-upgrade": [edit(K.WorkOrder, work(*UPGRADE), backed_up=lambda one: one.started)],
    "decommission.feasibility": [
        edit(K.WorkOrder, work(*DECOMMISSIONING), analysis=inside("analysis", on=ago(185), reported=ago(185)))
    ],
    "maintenance.archive": [
        all_of(drop(K.WorkOrder, work(*MAINTENANCE)), edit(K.MonthlyInspection, everything, reported=None, filed=None))
    ],
    "maintenance.executed-to-plan": [
        edit(K.MaintenancePlan, items=planned(366, 0)),
        edit(K.MaintenancePlan, items=(*planned(-5, done=1), *planned(-14))),
        edit(K.MaintenancePlan, items=planned(0)),
        edit(K.MaintenancePlan, items=planned(10, done=10)),
    ],
    "software.install-authorised": [edit(K.Software, installed=ago(366), order=None)],
    "governance.tia-942": [edit(K.TiaAssessment, on=ago(365))],
}


def test_every_rule_has_a_case_and_every_case_a_rule() -> None:
    assert set(FAILS) == set(all_rules())
    assert all(FAILS.values())
    assert set(HOLDS) <= set(FAILS)


def test_every_control_that_records_decide_has_a_rule_and_no_other() -> None:
    controls = default_catalogue().controls.values()
    assert {one.id for one in controls if one.assessed is Assessed.EVIDENCE} == set(all_rules())


@pytest.mark.parametrize("control", sorted(FAILS))
def test_a_year_in_which_all_is_done_passes(control: str, perfect: Evidence) -> None:
    finding = assess(control, perfect)
    assert finding.status is Status.PASS, [one for one in finding.observations if not one.holds]


@pytest.mark.parametrize(
    ("control", "change"),
    [
        pytest.param(control, one, id=f"{control}-{number}")
        for control, edits in HOLDS.items()
        for number, one in enumerate(edits)
    ],
)
def test_what_is_just_enough_holds(control: str, change: Change, perfect: Evidence) -> None:
    finding = assess(control, change(perfect))
    assert finding.status is Status.PASS, [one for one in finding.observations if not one.holds]


CASES = [
    pytest.param(control, one, id=f"{control}-{n}") for control, edits in FAILS.items() for n, one in enumerate(edits)
]


@pytest.mark.parametrize(("control", "change"), CASES)
def test_what_was_not_done_fails(control: str, change: Change, perfect: Evidence) -> None:
    finding = assess(control, change(perfect))
    assert finding.status in (Status.FAIL, Status.OVERDUE), finding
    assert any(not one.holds for one in finding.observations)


@pytest.mark.parametrize("control", sorted(set(FAILS) - {"records.complete", "records.kept"}))
def test_without_its_records_a_control_is_missing(control: str, perfect: Evidence) -> None:
    kinds_read = all_rules()[control].kinds
    assert kinds_read
    for kind in kinds_read:
        entries = {one: found for one, found in perfect.records.entries.items() if one is not kind}
        without = Evidence(Records(Path(), entries), perfect.fleet, perfect.figures, perfect.now)
        assert assess(control, without).status is Status.MISSING


def test_a_kind_that_is_not_kept_is_told(perfect: Evidence) -> None:
    entries = {one: found for one, found in perfect.records.entries.items() if one is not K.Fuel}
    without = Evidence(Records(Path(), entries), perfect.fleet, perfect.figures, perfect.now, tuple(all_rules()))
    finding = assess("records.kept", without)
    assert finding.status is Status.FAIL
    assert [one.subject for one in finding.observations if not one.holds] == ["bahan-bakar.csv"]


def statuses(evidence: Evidence) -> dict[str, Finding]:
    return {control: assess(control, evidence) for control in all_rules()}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(today=st.dates(datetime.date(2026, 11, 12), datetime.date(2032, 12, 31)))
def test_of_a_year_with_gaps_exactly_the_gaps_are_found(today: datetime.date, tmp_path: Path) -> None:
    """Whatever the day: leap days, month ends and turns of the year included."""
    folder = tmp_path / "records"
    sample_records.write(folder, lab().fleet, today)
    found = statuses(at(folder, today))
    wrong = {control for control, finding in found.items() if finding.status is not Status.PASS}
    assert wrong == set(sample_records.GAPS)
    for control, word in sample_records.GAPS.items():
        finding = found[control]
        told = " ".join(f"{one.subject} {one.observed}" for one in finding.observations if not one.holds)
        assert word in told + str(finding.reason), control
