"""The server room: climate, monthly inspections, surveys (Jambi B.2, E.1, E.2, II.monitoring; Tegal 6.4)."""

from __future__ import annotations

import datetime
from decimal import Decimal

from compliance.checking import Saw
from compliance.evidence.fields import Record
from compliance.evidence.judging import Evidence, decides, fresh, in_order, noted, place
from compliance.evidence.kinds import Condition, MonthlyInspection, RoomClimate, RoomSurvey, StaffEntry, Visit, Visitor

CORRECTED_WITHIN = datetime.timedelta(days=2)


def _range(evidence: Evidence, quantity: str) -> tuple[int, int]:
    return evidence.figure(f"{quantity}_min"), evidence.figure(f"{quantity}_max")


def _in_range(evidence: Evidence, quantity: str, value: Decimal) -> bool:
    least, most = _range(evidence, quantity)
    return least <= value <= most


def _departures(evidence: Evidence) -> list[RoomClimate]:
    return [reading for reading in evidence.year(RoomClimate) if not _is_good(evidence, reading)]


def _is_good(evidence: Evidence, reading: RoomClimate) -> bool:
    return _in_range(evidence, "temperature_c", reading.temperature) and _in_range(
        evidence, "humidity_pct", reading.humidity
    )


def _readings(evidence: Evidence, saw: Saw, quantity: str, name: str, unit: str) -> None:
    least, most = _range(evidence, quantity)
    expected = f"{least}…{most} {unit}"
    recent = evidence.recent(RoomClimate)
    values = [getattr(reading, name) for reading in recent]
    span = f" ({min(values)}…{max(values)} {unit})" if values else ""
    saw(RoomClimate.kind.file, expected=">= 1", observed=f"{len(recent)}{span}", holds=bool(recent), late=True)
    for reading, value in zip(recent, values, strict=True):
        if not least <= value <= most:
            saw(place(reading), expected=expected, observed=f"{value} {unit}", holds=False)


@decides("room.temperature", RoomClimate)
def temperature_is_in_range(evidence: Evidence, saw: Saw) -> None:
    """Every reading of the past month is within the figures in force."""
    _readings(evidence, saw, "temperature_c", "temperature", "°C")


@decides("room.humidity", RoomClimate)
def humidity_is_in_range(evidence: Evidence, saw: Saw) -> None:
    """Every reading of the past month is within the figures in force."""
    _readings(evidence, saw, "humidity_pct", "humidity", "%")


@decides("room.climate-log", RoomClimate)
def climate_is_logged(evidence: Evidence, saw: Saw) -> None:
    """Readings follow each other within the interval in force."""
    fresh(evidence, saw, RoomClimate.kind.file, [one.day for one in evidence.of(RoomClimate)], "climate_log_days_max")


@decides("room.climate-correction", RoomClimate)
def departures_are_corrected(evidence: Evidence, saw: Saw) -> None:
    """Every reading out of range has a correction, and a reading in range soon after."""
    readings = evidence.of(RoomClimate)
    for reading in evidence.cases(_departures(evidence)):
        noted(saw, reading, "correction")
        until = reading.at + CORRECTED_WITHIN
        better = next((r for r in readings if reading.at < r.at <= until and _is_good(evidence, r)), None)
        saw(
            f"{place(reading)}: ✓",
            expected=f"<= {until:%Y-%m-%d %H:%M}",
            observed=f"{better.at:%Y-%m-%d %H:%M}" if better else "—",
            holds=better is not None or evidence.now <= until,
        )


@decides("room.climate-escalation", RoomClimate)
def departures_are_reported(evidence: Evidence, saw: Saw) -> None:
    """Every reading out of range was reported within the time in force."""
    limit = evidence.figure("report_days_max")
    for reading in evidence.cases(_departures(evidence)):
        last = reading.day + datetime.timedelta(days=limit)
        told = reading.reported
        noted(
            saw,
            reading,
            "reported",
            expected=f"<= {last}",
            holds=(told is not None and reading.day <= told <= last) or (told is None and evidence.today <= last),
        )


# --- Monthly inspections ----------------------------------------------------------------------------------------------


@decides("room.inspection-monthly", MonthlyInspection)
def the_room_is_inspected(evidence: Evidence, saw: Saw) -> None:
    """Inspections follow each other within the interval in force, and what was bad had a follow-up."""
    days = [one.on for one in evidence.of(MonthlyInspection)]
    fresh(evidence, saw, MonthlyInspection.kind.file, days, "room_inspection_days_max")
    for one in evidence.year(MonthlyInspection):
        if Condition.BAD in [getattr(one, name) for name in ITEMS.values()]:
            noted(saw, one, "follow_up")


@decides("room.report-monthly", MonthlyInspection)
def inspections_are_reported(evidence: Evidence, saw: Saw) -> None:
    """Every inspection of the past year was reported with the state of the cooling, and to whom."""
    for one in evidence.cases(evidence.year(MonthlyInspection)):
        noted(saw, one, "cooling")
        noted(saw, one, "reported_to")
        in_order(saw, one, "on", "reported")


ITEMS = {
    "equipment.rack-positions": "rack_positions",
    "access.rack-locked": "racks_locked",
    "room.no-packing": "no_foreign_goods",
    "room.clean": "clean",
    "room.raised-floor": "raised_floor",
    "room.climate": "climate",
    "room.airflow": "airflow",
    "room.fire-suppression": "fire_suppression",
    "equipment.cabling-separated": "cabling",
    "power.panel-locked": "panel_locked",
}
# What inspections alone decide, and what a survey of the room decides with them or alone.
_INSPECTED = ("access.rack-locked", "room.no-packing", "room.clean", "power.panel-locked")
_BOTH: dict[str, tuple[str, ...]] = {
    "room.raised-floor": ("raised_floor",),
    "room.airflow": ("airflow",),
    "equipment.cabling-separated": ("cabling_separated",),
}
_SURVEYED: dict[str, tuple[str, ...]] = {
    "room.sizing": ("size",),
    "room.secured": ("secured",),
    "room.emergency-exit": ("emergency_exit",),
    "room.telephone": ("telephone",),
    "room.thermometer": ("thermometer",),
    "room.cooling-placement": ("cooling_placement",),
    "equipment.utp-568b": ("cabling_568b",),
    "power.circuit-protection": ("mcb", "surge_protection", "generator"),
}


def _inspected(evidence: Evidence, saw: Saw, name: str) -> None:
    """An item of the newest inspection, which must not be too old."""
    inspections = evidence.of(MonthlyInspection)
    _newest_is_recent(evidence, saw, inspections, "room_inspection_days_max", MonthlyInspection)
    if inspections:
        noted(saw, inspections[-1], name, expected="baik", holds=getattr(inspections[-1], name) is Condition.GOOD)


def _surveyed(evidence: Evidence, saw: Saw, *names: str) -> RoomSurvey | None:
    """Items of the newest survey, which must not be too old."""
    surveys = evidence.of(RoomSurvey)
    _newest_is_recent(evidence, saw, surveys, "room_survey_days_max", RoomSurvey)
    if not surveys:
        return None
    survey = surveys[-1]
    for name in names:
        item = getattr(survey, name)
        label = str(RoomSurvey.model_fields[name].alias)
        detail = f" ({item.detail})" if item.detail else ""
        saw(
            f"{place(survey)}: {label}",
            expected="baik",
            observed=f"{item.condition}{detail}",
            holds=item.condition is Condition.GOOD,
        )
    return survey


def _newest_is_recent(
    evidence: Evidence, saw: Saw, found: list[MonthlyInspection] | list[RoomSurvey], figure: str, kind: type[Record]
) -> None:
    limit = evidence.figure(figure)
    newest = found[-1].day if found else None
    age = (evidence.today - newest).days if newest else None
    saw(
        kind.kind.file,
        expected=f"<= {limit} d",
        observed="—" if age is None else f"{newest} ({age} d)",
        holds=age is not None and age <= limit,
        late=True,
    )
    if newest:
        saw.due(newest + datetime.timedelta(days=limit), kind.kind.file)


def _register_items() -> None:
    """One rule per item; what differs is the item alone."""
    for control in _INSPECTED:

        @decides(control, MonthlyInspection)
        def inspected(evidence: Evidence, saw: Saw, control: str = control) -> None:
            _inspected(evidence, saw, ITEMS[control])

    for control, names in _BOTH.items():

        @decides(control, MonthlyInspection, RoomSurvey)
        def both(evidence: Evidence, saw: Saw, control: str = control, names: tuple[str, ...] = names) -> None:
            _inspected(evidence, saw, ITEMS[control])
            _surveyed(evidence, saw, *names)

    for control, names in _SURVEYED.items():

        @decides(control, RoomSurvey)
        def surveyed(evidence: Evidence, saw: Saw, names: tuple[str, ...] = names) -> None:
            _surveyed(evidence, saw, *names)


_register_items()


@decides("room.cooling", RoomSurvey)
def cooling_suffices(evidence: Evidence, saw: Saw) -> None:
    """Cooling works, and carries the heat of the equipment."""
    survey = _surveyed(evidence, saw, "cooling")
    if survey:
        noted(saw, survey, "cooling_kw", expected=f">= {survey.heat_kw}", holds=survey.cooling_kw >= survey.heat_kw)


@decides("room.fire-suppression", MonthlyInspection, RoomSurvey)
def fire_suppression_is_ready(evidence: Evidence, saw: Saw) -> None:
    """Extinguishers are ready, suited to electronics, and were checked in time."""
    _inspected(evidence, saw, "fire_suppression")
    survey = _surveyed(evidence, saw, "fire_suppression")
    if survey:
        water = bool({"air", "water", "sprinkler"} & set(survey.fire_agent.casefold().split()))
        noted(saw, survey, "fire_agent", expected="≠ air", holds=not water)
        last = survey.fire_checked + evidence.days("fire_check_days_max")
        since = evidence.today - evidence.days("fire_check_days_max")
        noted(saw, survey, "fire_checked", expected=f">= {since}", holds=evidence.today <= last)
        saw.due(last, "pemadam_diperiksa")


@decides("access.cctv", RoomSurvey)
def cameras_record(evidence: Evidence, saw: Saw) -> None:
    """Cameras work, and their recordings are kept long enough."""
    survey = _surveyed(evidence, saw, "cctv")
    least = evidence.figure("cctv_days_min")
    if survey:
        noted(saw, survey, "cctv_days_kept", expected=f">= {least}", holds=survey.cctv_days_kept >= least)


@decides("access.door-authentication", RoomSurvey)
def the_door_authenticates(evidence: Evidence, saw: Saw) -> None:
    """The door opens by card, face or fingerprint, not by a key alone."""
    survey = _surveyed(evidence, saw, "door_authentication")
    if survey:
        factors = {factor.casefold() for factor in survey.door_factors}
        noted(
            saw,
            survey,
            "door_factors",
            expected="wajah | sidik jari | kartu",
            holds=bool(factors & {"wajah", "sidik jari", "kartu", "face", "fingerprint", "card"}),
        )


@decides("access.restricted", RoomSurvey)
def those_who_may_enter_are_named(evidence: Evidence, saw: Saw) -> None:
    """The posts that may enter are listed, and the room is closed to others."""
    survey = _surveyed(evidence, saw, "secured", "door_authentication")
    if survey:
        noted(saw, survey, "access_list")


# --- Conduct ----------------------------------------------------------------------------------------------------------


@decides("room.conduct", Visit, StaffEntry)
def the_rules_of_the_room_are_kept(evidence: Evidence, saw: Saw) -> None:
    """Every stay of the past year was noted as keeping to the rules of the room."""
    stays: list[Visit | StaffEntry] = [*evidence.year(Visit), *evidence.year(StaffEntry)]
    for stay in evidence.cases(stays):
        noted(saw, stay, "rules_kept")


@decides("room.post-visit-check", Visit)
def the_room_was_in_order_after_work(evidence: Evidence, saw: Saw) -> None:
    """After every vendor's work the room was looked at, and was in order."""
    left = [one for one in evidence.year(Visit) if one.visitor is Visitor.VENDOR and one.left is not None]
    for visit in evidence.cases(left):
        noted(saw, visit, "room_after", expected="baik", holds=visit.room_after is Condition.GOOD)
