"""Work on devices, from its order to its file (Tegal 1, 3, 4, 5; Batam; Kaltim; Jateng)."""

from __future__ import annotations

import datetime

from compliance.checking import Saw
from compliance.evidence.judging import RECENT, Evidence, decides, in_order, noted, place
from compliance.evidence.kinds import (
    Colocation,
    ConfigurationChange,
    Device,
    DeviceState,
    MaintenancePlan,
    Minutes,
    MonthlyInspection,
    Result,
    Software,
    Work,
    WorkOrder,
)

# Work that changes what runs; maintenance and decommissioning have rules of their own.
CHANGES = (
    Work.HARDWARE_INSTALLATION,
    Work.SOFTWARE_INSTALLATION,
    Work.FACILITY_INSTALLATION,
    Work.CONFIGURATION,
    Work.HARDWARE_UPGRADE,
    Work.OS_UPGRADE,
)
TESTED = (Work.CONFIGURATION, Work.HARDWARE_UPGRADE, Work.OS_UPGRADE)


def _orders(evidence: Evidence, *works: Work) -> list[WorkOrder]:
    """The orders of the past year, of some kinds of work or of all."""
    return [order for order in evidence.year(WorkOrder) if not works or order.work in works]


def _begun(evidence: Evidence, *works: Work) -> list[WorkOrder]:
    return [order for order in _orders(evidence, *works) if order.started is not None]


def _ended(evidence: Evidence, *works: Work) -> list[WorkOrder]:
    return [order for order in _orders(evidence, *works) if order.ended is not None]


def _before_the_start(saw: Saw, order: WorkOrder, name: str) -> None:
    """A date that must not be after the work began; before it began, it may still come."""
    value = getattr(order, name)
    day = value.date() if isinstance(value, datetime.datetime) else value
    start = order.started.date() if order.started else None
    noted(
        saw,
        order,
        name,
        expected=f"<= {start}" if start else "YYYY-MM-DD",
        holds=start is None or (day is not None and day <= start),
    )


@decides("change.work-order", WorkOrder)
def work_is_ordered(evidence: Evidence, saw: Saw) -> None:
    """Every piece of work was ordered before it began."""
    for order in evidence.cases(_orders(evidence)):
        _before_the_start(saw, order, "ordered")


@decides("change.impact-analysis", WorkOrder)
def impact_is_analysed(evidence: Evidence, saw: Saw) -> None:
    """Before every change that began, somebody weighed which services it would disturb, and for how long."""
    for order in evidence.cases(_begun(evidence, *CHANGES)):
        assert order.started
        done = order.analysis.on if order.analysis else None
        last = order.started.date()
        saw(
            f"{place(order)}: analisis",
            expected=f"<= {last}",
            observed=done or "—",
            holds=done is not None and done <= last,
        )


@decides("change.authorised", WorkOrder)
def changes_are_permitted(evidence: Evidence, saw: Saw) -> None:
    """Every configuration was permitted before it began."""
    for order in evidence.cases(_begun(evidence, Work.CONFIGURATION)):
        noted(saw, order, "approved_by")
        _before_the_start(saw, order, "approved")


def _stopping(evidence: Evidence) -> list[WorkOrder]:
    return evidence.cases([order for order in _begun(evidence) if order.analysis and order.analysis.stops])


@decides("change.outage-escalation", WorkOrder)
def the_head_is_told_of_outages(evidence: Evidence, saw: Saw) -> None:
    """Before services stopped, the agency head was told."""
    for order in _stopping(evidence):
        _before_the_start(saw, order, "head_told")


@decides("change.outage-notice", WorkOrder)
def users_are_told_of_outages(evidence: Evidence, saw: Saw) -> None:
    """Before services stopped, their users were told."""
    for order in _stopping(evidence):
        _before_the_start(saw, order, "users_told")


@decides("change.executed", WorkOrder)
def work_is_carried_out(evidence: Evidence, saw: Saw) -> None:
    """Every change that began has its end and result, unless it goes on for less than a month."""
    for order in evidence.cases(_begun(evidence, *CHANGES)):
        assert order.started
        goes_on = order.ended is None and evidence.today - order.started.date() <= RECENT
        noted(saw, order, "ended", expected="YYYY-MM-DD HH:MM", holds=order.ended is not None or goes_on)
        if order.ended:
            noted(saw, order, "result")


@decides("change.tested", WorkOrder)
def changes_are_tested(evidence: Evidence, saw: Saw) -> None:
    """Every configuration and upgrade that succeeded was tested afterwards."""
    done = [order for order in _ended(evidence, *TESTED) if order.result is Result.SUCCEEDED]
    for order in evidence.cases(done):
        in_order(saw, order, "ended", "tested")
        noted(saw, order, "test")


@decides("change.rollback", WorkOrder)
def failed_changes_are_reverted(evidence: Evidence, saw: Saw) -> None:
    """Every change that failed was reverted."""
    for order in evidence.cases([order for order in _begun(evidence) if order.result is Result.FAILED]):
        noted(saw, order, "reverted")


@decides("change.config-log", ConfigurationChange, WorkOrder)
def configurations_are_logged(evidence: Evidence, saw: Saw) -> None:
    """Every configuration that ended is in the log, and every entry of it was tested and has its remarks."""
    changes = evidence.year(ConfigurationChange)
    logged = {change.order for change in changes}
    orders = _ended(evidence, Work.CONFIGURATION)
    for order in orders:
        there = order.number in logged
        saw(
            f"{place(order)}: {order.number}",
            expected=ConfigurationChange.kind.file,
            observed=order.number if there else "—",
            holds=there,
        )
    for change in changes:
        noted(saw, change, "tested")
        noted(saw, change, "remarks")
    if not orders:
        evidence.cases(changes)


@decides("change.config-documentation", WorkOrder)
def changes_are_documented(evidence: Evidence, saw: Saw) -> None:
    """Every configuration, upgrade and decommissioning that ended is documented, changes with their result."""
    for order in evidence.cases(_ended(evidence, *TESTED, Work.DECOMMISSIONING)):
        noted(saw, order, "documentation", expected="tujuan, keadaan_awal, langkah")
        if order.documentation and order.work is not Work.DECOMMISSIONING:
            result = order.documentation.result
            saw(f"{place(order)}: hasil", expected="noted", observed=result or "—", holds=result is not None)


@decides("change.report", WorkOrder)
def changes_are_reported(evidence: Evidence, saw: Saw) -> None:
    """Every change that ended was reported."""
    for order in evidence.cases(_ended(evidence, *CHANGES)):
        in_order(saw, order, "ended", "reported")


@decides("software.suitability", WorkOrder)
def suitability_is_analysed(evidence: Evidence, saw: Saw) -> None:
    """Whether software suits was decided before it was installed or upgraded; what does not suit was postponed."""
    works = (Work.SOFTWARE_INSTALLATION, Work.OS_UPGRADE)
    for order in evidence.cases([one for one in _orders(evidence, *works) if one.started or one.result]):
        suitable = order.analysis.suitable if order.analysis else None
        shown = "—" if suitable is None else "ya" if suitable else "tidak"
        saw(f"{place(order)}: sesuai", expected="ya | tidak", observed=shown, holds=suitable is not None)
        if suitable is False:
            noted(saw, order, "result", expected=Result.POSTPONED, holds=order.result is Result.POSTPONED)


@decides("capacity.checked", WorkOrder, Colocation)
def capacity_is_checked(evidence: Evidence, saw: Saw) -> None:
    """Before hardware was installed, or an agency's server decided on, power, space and network were checked."""
    orders = _begun(evidence, Work.HARDWARE_INSTALLATION)
    for order in orders:
        capacity = order.analysis.capacity if order.analysis else None
        shown = "—" if capacity is None else "ya" if capacity else "tidak"
        saw(f"{place(order)}: kapasitas_cukup", expected="ya", observed=shown, holds=capacity is True)
    decided = [one for one in evidence.year(Colocation) if one.decided is not None]
    for colocation in decided:
        in_order(saw, colocation, "capacity_checked", "decided")
        noted(saw, colocation, "capacity", expected="ya | tidak", holds=colocation.capacity is not None)
    if not orders:
        evidence.cases(decided)


@decides("capacity.shortage-report", WorkOrder)
def shortages_are_reported(evidence: Evidence, saw: Saw) -> None:
    """Where something was short or did not suit, that was reported and the work postponed."""
    short = [
        order
        for order in _orders(evidence, Work.HARDWARE_INSTALLATION, Work.SOFTWARE_INSTALLATION)
        if order.analysis and False in (order.analysis.capacity, order.analysis.suitable)
    ]
    for order in evidence.cases(short):
        assert order.analysis
        told = order.analysis.reported
        saw(f"{place(order)}: dilaporkan", expected="YYYY-MM-DD", observed=told or "—", holds=told is not None)
        noted(saw, order, "result", expected=Result.POSTPONED, holds=order.result is Result.POSTPONED)


@decides("backup.before-upgrade", WorkOrder)
def upgrades_begin_with_a_backup(evidence: Evidence, saw: Saw) -> None:
    """Before every upgrade of an operating system the device was backed up."""
    for order in evidence.cases(_begun(evidence, Work.OS_UPGRADE)):
        done = order.backed_up is not None and order.started is not None and order.backed_up <= order.started
        noted(saw, order, "backed_up", expected=f"<= {order.started:%Y-%m-%d %H:%M}", holds=done)


# --- Decommissioning ------------------------------------------------------------------------------------------------


@decides("decommission.feasibility", WorkOrder)
def decommissioning_is_weighed(evidence: Evidence, saw: Saw) -> None:
    """Before every order to decommission, its feasibility was analysed and reported."""
    for order in evidence.cases(_orders(evidence, Work.DECOMMISSIONING)):
        for label, day in (
            ("analisis", order.analysis.on if order.analysis else None),
            ("dilaporkan", order.analysis.reported if order.analysis else None),
        ):
            good = day is not None and day <= order.ordered
            saw(f"{place(order)}: {label}", expected=f"<= {order.ordered}", observed=day or "—", holds=good)


@decides("decommission.data-wiped", WorkOrder)
def data_is_wiped(evidence: Evidence, saw: Saw) -> None:
    """Every device that was decommissioned had its data erased, by a method and verified."""
    for order in evidence.cases(_ended(evidence, Work.DECOMMISSIONING)):
        wipe = order.wipe
        shown = f"{wipe.on}, {wipe.method}, {wipe.serial}" if wipe else "—"
        saw(f"{place(order)}: penghapusan_data", expected="cara, nomor_seri", observed=shown, holds=wipe is not None)


@decides("decommission.executed", WorkOrder, Device)
def decommissioned_devices_are_gone(evidence: Evidence, saw: Saw) -> None:
    """Every device that was decommissioned is so in the register, and no server of the inventory."""
    register = {device.id: device for device in evidence.of(Device)}
    for order in evidence.cases(_ended(evidence, Work.DECOMMISSIONING)):
        device = register.get(order.object)
        state = device.state if device else "—"
        gone = state is DeviceState.DECOMMISSIONED
        saw(f"{place(order)}: {order.object}", expected=DeviceState.DECOMMISSIONED, observed=state, holds=gone)
        host = device.host if device else order.object
        listed = host in evidence.fleet.hosts
        saw(f"{order.object}: hosts.yml", expected="—", observed=host if listed else "—", holds=not listed)


@decides("decommission.report", WorkOrder)
def decommissioning_is_reported(evidence: Evidence, saw: Saw) -> None:
    """Every decommissioning is documented and was reported."""
    for order in evidence.cases(_ended(evidence, Work.DECOMMISSIONING)):
        noted(saw, order, "documentation", expected="tujuan, keadaan_awal, langkah")
        in_order(saw, order, "ended", "reported")


# --- Maintenance ----------------------------------------------------------------------------------------------------


def _maintenance(evidence: Evidence) -> list[WorkOrder]:
    return evidence.cases(_orders(evidence, Work.MAINTENANCE))


def _maintained(evidence: Evidence) -> list[WorkOrder]:
    return evidence.cases(_ended(evidence, Work.MAINTENANCE))


@decides("maintenance.request", WorkOrder)
def maintenance_is_requested(evidence: Evidence, saw: Saw) -> None:
    """Every piece of maintenance names who asked for it, and when."""
    for order in _maintenance(evidence):
        noted(saw, order, "requested_by")
        in_order(saw, order, "requested", "ordered")


@decides("maintenance.device-form", WorkOrder)
def the_devices_are_listed(evidence: Evidence, saw: Saw) -> None:
    """Every piece of maintenance has its list of devices, signed and attached."""
    for order in _maintenance(evidence):
        noted(saw, order, "devices")
        noted(saw, order, "attachment")


@decides("maintenance.report", WorkOrder)
def maintenance_is_reported(evidence: Evidence, saw: Saw) -> None:
    """Every piece of maintenance that ended was reported with its result."""
    for order in _maintained(evidence):
        noted(saw, order, "result")
        in_order(saw, order, "ended", "reported")


@decides("maintenance.review", WorkOrder)
def maintenance_is_reviewed(evidence: Evidence, saw: Saw) -> None:
    """Every report was reviewed by somebody."""
    for order in _maintained(evidence):
        noted(saw, order, "reviewed_by")
        in_order(saw, order, "reported", "reviewed")


@decides("maintenance.archive", WorkOrder, Minutes, MonthlyInspection)
def reports_are_filed(evidence: Evidence, saw: Saw) -> None:
    """Maintenance that was reported, all minutes and all reported inspections say where they are filed."""
    orders = [order for order in _ended(evidence, Work.MAINTENANCE) if order.reported]
    minutes = evidence.year(Minutes)
    inspections = [one for one in evidence.year(MonthlyInspection) if one.reported]
    for order in orders:
        noted(saw, order, "filed")
    for one in minutes:
        noted(saw, one, "filed")
    for inspection in inspections:
        noted(saw, inspection, "filed")
    if not orders and not minutes:
        evidence.cases(inspections)


@decides("maintenance.plan", MaintenancePlan)
def maintenance_is_planned(evidence: Evidence, saw: Saw) -> None:
    """A plan covers today, and every server of the inventory."""
    current = [plan for plan in evidence.of(MaintenancePlan) if plan.first <= evidence.today <= plan.last]
    saw(MaintenancePlan.kind.file, expected=f"∋ {evidence.today}", observed=len(current), holds=bool(current))
    if current:
        saw.due(max(plan.last for plan in current), MaintenancePlan.kind.file)
        covered = {item.device for plan in current for item in plan.items}
        for host in evidence.fleet.hosts:
            there = host in covered
            saw(host, expected=MaintenancePlan.kind.file, observed=host if there else "—", holds=there)


@decides("maintenance.executed-to-plan", MaintenancePlan)
def maintenance_runs_to_plan(evidence: Evidence, saw: Saw) -> None:
    """What was due in the past year is done, and was done in time."""
    due = [
        (plan, item)
        for plan in evidence.of(MaintenancePlan)
        for item in plan.items
        if evidence.today - datetime.timedelta(days=365) <= item.due
    ]
    past = [(plan, item) for plan, item in due if item.due < evidence.today]
    for plan, item in past:
        saw(
            f"{place(plan)}: {item.device}, {item.task}",
            expected=f"<= {item.due}",
            observed=item.done or "—",
            holds=item.done is not None and item.done <= item.due,
            late=item.done is None,
        )
    ahead = sorted(item.due for _, item in due if item.due >= evidence.today and item.done is None)
    if ahead:
        saw.due(ahead[0], MaintenancePlan.kind.file)
    if not past:
        saw(MaintenancePlan.kind.file, expected="—", observed="—", holds=bool(due))


@decides("software.install-authorised", Software, WorkOrder)
def installations_are_authorised(evidence: Evidence, saw: Saw) -> None:
    """Everything installed in the past year goes back to an order, or to a remote session that was noted."""
    numbers = {order.number for order in evidence.of(WorkOrder)}
    new = [one for one in evidence.of(Software) if evidence.today - one.installed <= datetime.timedelta(days=365)]
    for one in evidence.cases(new):
        good = one.order in numbers or one.session is not None
        noted(saw, one, "order", expected=WorkOrder.kind.file, holds=good)
