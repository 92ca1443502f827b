"""Every rule over records: a year in which all holds passes, and each way of not holding fails for its own reason."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Edit:
    """Entries of a kind, changed or (without changes) taken away."""

    kind: type[Record]
    where: Where
    changes: dict[str, Any]

    def on(self, evidence: Evidence) -> Evidence:
        found = evidence.records.of(self.kind)
        chosen = (
            {self.where % len(found)}
            if isinstance(self.where, int)
            else {i for i, one in enumerate(found) if self.where(one)}
        )
        assert chosen, "the edit changes nothing"
        edited: list[Record] = []
        for number, one in enumerate(found):
            if number not in chosen:
                edited.append(one)
            elif self.changes:
                new = one.model_copy(update={k: v(one) if callable(v) else v for k, v in self.changes.items()})
                new._where = one._where
                edited.append(new)
        records = Records(evidence.records.folder, {**evidence.records.entries, self.kind: edited})
        return Evidence(records, evidence.fleet, evidence.figures, evidence.now, evidence.controls)


def edit(kind: type[Record], where: Where = -1, **changes: Any) -> Edit:
    return Edit(kind, where, changes)


def drop(kind: type[Record], where: Where) -> Edit:
    return Edit(kind, where, {})


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


CONFIGURATION, UPGRADE = (kinds.Work.CONFIGURATION,), (kinds.Work.OS_UPGRADE,)
INSTALLATION = (kinds.Work.HARDWARE_INSTALLATION,)
DECOMMISSIONING, MAINTENANCE = (kinds.Work.DECOMMISSIONING,), (kinds.Work.MAINTENANCE,)
BAD = kinds.Condition.BAD


def bad_item(name: str) -> dict[str, Any]:
    return {name: lambda one: getattr(one, name).model_copy(update={"condition": BAD})}


old_survey = drop(kinds.RoomSurvey, everything), edit(kinds.RoomSurvey, on=ago(366))
old_inspections = drop(kinds.MonthlyInspection, newer_than(32))
K = kinds


def backup(**changes: Any) -> Edit:
    return edit(K.Colocation, lambda one: one.backup is not None, backup=inside("backup", **changes))


# By control: ways in which it does not hold.
FAILS: dict[str, list[Edit]] = {
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
        drop(K.UpsCertificate, newer_than(185)),
        edit(K.UpsCertificate, condition=BAD),
        edit(K.UpsCertificate, valid_until=ago(21)),
        edit(K.UpsCertificate, everything, ups="lain"),
    ],
    "power.generator": [
        edit(K.RoomSurvey, **bad_item("generator")),
        edit(K.GeneratorTest, condition=BAD),
        drop(K.GeneratorTest, everything),
    ],
    "power.generator-test": [
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
    "power.outage-log": [edit(K.PowerOutage, ended=None), edit(K.PowerOutage, generator_ran=None)],
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
        drop(K.Restore, newer_than(185)),
        edit(K.Restore, newer_than(185), succeeded=False),
        edit(K.Restore, verified=None),
        edit(K.Restore, -2, succeeded=None),
    ],
    "restore.fallback-plan": [
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
        edit(K.MaintenancePlan, items=lambda one: tuple(item.model_copy(update={"done": None}) for item in one.items)),
        edit(
            K.MaintenancePlan,
            items=lambda one: tuple(
                item.model_copy(update={"done": item.due + datetime.timedelta(days=1)}) for item in one.items
            ),
        ),
    ],
    "software.install-authorised": [edit(K.Software, order=None), edit(K.Software, order="PK-x")],
    "asset.register": [
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
        drop(K.Topology, everything),
        edit(K.Topology, devices=("SRV-1",)),
        edit(K.Topology, on=ago(181)),
    ],
    "software.register": [drop(K.Software, lambda one: one.server == "dns01")],
    "procurement.unsupported-handled": [],
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
        edit(K.IspContract, international_mbps=Decimal("4.9")),
        edit(K.IspContract, contention="1:4"),
        edit(K.IspContract, measurements=()),
        edit(K.IspContract, measurements=lambda one: (one.measurements[0].model_copy(update={"mbps": Decimal(4)}),)),
        edit(K.IspContract, measurements=lambda one: (one.measurements[0].model_copy(update={"on": ago(185)}),)),
        edit(K.IspContract, last=ago(1)),
        drop(K.IspContract, -1),
    ],
    "network.isp-sla": [
        edit(K.IspContract, sla=Decimal("98.9")),
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
    "records.complete": [],
    "records.kept": [],
}
# What the model of a record makes sure of already, so that no entry can lack it.
BY_THE_MODEL = {"procurement.unsupported-handled", "records.complete", "records.kept"}


def test_every_rule_has_a_case_and_every_case_a_rule() -> None:
    assert set(FAILS) == set(all_rules())
    assert {control for control, edits in FAILS.items() if not edits} == BY_THE_MODEL


def test_every_control_that_records_decide_has_a_rule_and_no_other() -> None:
    controls = default_catalogue().controls.values()
    assert {one.id for one in controls if one.assessed is Assessed.EVIDENCE} == set(all_rules())


@pytest.mark.parametrize("control", sorted(FAILS))
def test_a_year_in_which_all_is_done_passes(control: str, perfect: Evidence) -> None:
    finding = assess(control, perfect)
    assert finding.status is Status.PASS, [one for one in finding.observations if not one.holds]


CASES = [
    pytest.param(control, one, id=f"{control}-{n}") for control, edits in FAILS.items() for n, one in enumerate(edits)
]


@pytest.mark.parametrize(("control", "change"), CASES)
def test_what_was_not_done_fails(control: str, change: Edit, perfect: Evidence) -> None:
    finding = assess(control, change.on(perfect))
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
