"""Power: UPS, generator, fuel, electrical devices (Jambi B.2.c, E.5; Tegal 6.3)."""

from __future__ import annotations

import datetime

from compliance.checking import Saw
from compliance.evidence.judging import Evidence, decides, fresh, noted
from compliance.evidence.kinds import (
    Condition,
    ElectricalInspection,
    Fuel,
    GeneratorTest,
    PowerOutage,
    RoomSurvey,
    UpsCertificate,
)

WORKING_HOURS = (datetime.time(7, 30), datetime.time(16, 0))
SATURDAY = 5


def _is_working_time(at: datetime.datetime) -> bool:
    return at.weekday() < SATURDAY and WORKING_HOURS[0] <= at.time() < WORKING_HOURS[1]


def _is_bad(one: ElectricalInspection) -> bool:
    return Condition.BAD in (one.mcb, one.ats, one.timer, one.relay, one.others)


@decides("power.ups-inspection", UpsCertificate)
def ups_are_inspected(evidence: Evidence, saw: Saw) -> None:
    """Each declared UPS was inspected in time by a technician whose certificate was valid, and is in order."""
    certificates = evidence.of(UpsCertificate)
    saw(
        "patuh_ups_units", expected=">= 1", observed=len(evidence.fleet.ups_units), holds=bool(evidence.fleet.ups_units)
    )
    for unit in evidence.fleet.ups_units:
        own = [one for one in certificates if one.ups == unit.name]
        fresh(evidence, saw, unit.name, [one.on for one in own], "ups_inspection_days_max")
        if own:
            noted(saw, own[-1], "condition", expected="baik", holds=own[-1].condition is Condition.GOOD)
            valid = own[-1].valid_until >= own[-1].on
            noted(saw, own[-1], "valid_until", expected=f">= {own[-1].on}", holds=valid)


@decides("power.generator", RoomSurvey, GeneratorTest)
def there_is_a_generator_that_runs(evidence: Evidence, saw: Saw) -> None:
    """The site has a generator, and its last test was good."""
    surveys, tests = evidence.of(RoomSurvey), evidence.of(GeneratorTest)
    saw(RoomSurvey.kind.file, expected=">= 1", observed=len(surveys), holds=bool(surveys))
    if surveys:
        item = surveys[-1].generator
        saw("genset", expected="baik", observed=item.condition, holds=item.condition is Condition.GOOD)
    saw(GeneratorTest.kind.file, expected=">= 1", observed=len(tests), holds=bool(tests))
    if tests:
        noted(saw, tests[-1], "condition", expected="baik", holds=tests[-1].condition is Condition.GOOD)


@decides("power.generator-test", GeneratorTest)
def the_generator_is_tested(evidence: Evidence, saw: Saw) -> None:
    """Tests follow each other within the interval in force, outside working hours."""
    tests = evidence.of(GeneratorTest)
    fresh(evidence, saw, GeneratorTest.kind.file, [one.day for one in tests], "generator_test_days_max")
    for test in evidence.year(GeneratorTest):
        noted(
            saw,
            test,
            "at",
            expected=f"{WORKING_HOURS[1]:%H:%M} … {WORKING_HOURS[0]:%H:%M}",
            holds=not _is_working_time(test.at),
        )


@decides("power.fuel-log", Fuel)
def fuel_is_recorded(evidence: Evidence, saw: Saw) -> None:
    """Readings follow each other within the interval in force."""
    fresh(evidence, saw, Fuel.kind.file, [one.on for one in evidence.of(Fuel)], "fuel_log_days_max")


@decides("power.electrical-inspection", ElectricalInspection)
def electrical_devices_are_inspected(evidence: Evidence, saw: Saw) -> None:
    """Inspections follow each other within the interval in force."""
    days = [one.on for one in evidence.of(ElectricalInspection)]
    fresh(evidence, saw, ElectricalInspection.kind.file, days, "electrical_inspection_days_max")


@decides("power.escalation", ElectricalInspection, GeneratorTest)
def power_trouble_is_reported(evidence: Evidence, saw: Saw) -> None:
    """Whatever was found bad was reported in time, with what is recommended."""
    bad: list[ElectricalInspection | GeneratorTest] = [
        *(one for one in evidence.year(ElectricalInspection) if _is_bad(one)),
        *(one for one in evidence.year(GeneratorTest) if one.condition is Condition.BAD),
    ]
    for one in evidence.cases(bad):
        last = one.day + evidence.days("report_days_max")
        in_time = one.reported is not None and one.day <= one.reported <= last
        noted(
            saw,
            one,
            "reported",
            expected=f"<= {last}",
            holds=in_time or (one.reported is None and evidence.today <= last),
        )
        noted(saw, one, "recommendation")


@decides("power.outage-log", PowerOutage)
def outages_are_written_down(evidence: Evidence, saw: Saw) -> None:
    """Every outage has its beginning, its end, and whether the generator ran."""
    for outage in evidence.cases(evidence.year(PowerOutage)):
        ended = outage.ended is not None or evidence.now - outage.began <= datetime.timedelta(days=1)
        noted(saw, outage, "ended", expected="YYYY-MM-DD HH:MM", holds=ended)
        noted(saw, outage, "generator_ran")


@decides("power.generator-refuel", PowerOutage)
def the_generator_is_refuelled(evidence: Evidence, saw: Saw) -> None:
    """Every outage longer than the generator's reserve has a refuelling within it."""
    reserve = datetime.timedelta(hours=evidence.figure("generator_reserve_hours"))
    long = [one for one in evidence.year(PowerOutage) if (one.ended or evidence.now) - one.began > reserve]
    for outage in evidence.cases(long):
        last = outage.began + reserve
        noted(
            saw,
            outage,
            "refuelled",
            expected=f"<= {last:%Y-%m-%d %H:%M}",
            holds=outage.refuelled is not None and outage.began <= outage.refuelled <= last,
        )
