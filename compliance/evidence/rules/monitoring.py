"""What was watched, and what was done about trouble (Tegal 2.4, 6.1, 6.2; Jambi G.1, H.3.c)."""

from __future__ import annotations

import datetime

from compliance.checking import Saw
from compliance.evidence.judging import YEAR, Evidence, decides, fresh, noted
from compliance.evidence.kinds import (
    Incident,
    IspContract,
    IspOutage,
    MonitoringReport,
    PortWindow,
    RemoteSession,
    Subject,
)

DAY = datetime.timedelta(days=1)


@decides("monitoring.analysis", MonitoringReport)
def recordings_are_analysed(evidence: Evidence, saw: Saw) -> None:
    """Every report of the past year says what its recordings show."""
    for report in evidence.cases(evidence.year(MonitoringReport)):
        noted(saw, report, "analysis")


@decides("monitoring.report", MonitoringReport)
def monitoring_is_reported(evidence: Evidence, saw: Saw) -> None:
    """Reports on resources and on the network follow each other within the interval in force."""
    reports = evidence.of(MonitoringReport)
    for subject in (Subject.RESOURCES, Subject.NETWORK):
        days = [report.on for report in reports if report.subject is subject]
        fresh(evidence, saw, subject, days, "monitoring_report_days_max")
    for report in evidence.year(MonitoringReport):
        noted(saw, report, "reported_to")


def _told_in_time(evidence: Evidence, saw: Saw, one: Incident | IspOutage, began: str, told: str) -> None:
    start: datetime.datetime = getattr(one, began)
    said: datetime.datetime | None = getattr(one, told)
    last = start + DAY * evidence.figure("report_days_max")
    in_time = (said is not None and start <= said <= last) or (said is None and evidence.now <= last)
    noted(saw, one, told, expected=f"<= {last:%Y-%m-%d %H:%M}", holds=in_time)


@decides("monitoring.escalation", Incident)
def resource_trouble_is_reported(evidence: Evidence, saw: Saw) -> None:
    """Trouble with resources was reported at once, with an analysis and a recommendation."""
    found = [one for one in evidence.year(Incident) if one.subject is Subject.RESOURCES]
    for one in evidence.cases(found):
        _told_in_time(evidence, saw, one, "seen", "reported")
        noted(saw, one, "analysis")
        noted(saw, one, "recommendation")


@decides("monitoring.repair-approved", Incident)
def repairs_are_approved(evidence: Evidence, saw: Saw) -> None:
    """Every repair was approved before."""
    for one in evidence.cases([one for one in evidence.year(Incident) if one.repaired is not None]):
        good = one.approved is not None and one.repaired is not None and one.approved <= one.repaired
        noted(saw, one, "approved", expected=f"<= {one.repaired:%Y-%m-%d %H:%M}", holds=good)


@decides("incident.reported", Incident)
def incidents_are_reported(evidence: Evidence, saw: Saw) -> None:
    """Trouble with the network and with security was reported at once, and to whom."""
    found = [one for one in evidence.year(Incident) if one.subject in (Subject.NETWORK, Subject.SECURITY)]
    for one in evidence.cases(found):
        _told_in_time(evidence, saw, one, "seen", "reported")
        noted(saw, one, "reported_to")


# --- The way out ----------------------------------------------------------------------------------------------------


@decides("monitoring.connectivity-record", IspOutage)
def providers_are_contacted(evidence: Evidence, saw: Saw) -> None:
    """Every outage of the internet connection was told to its provider."""
    for outage in evidence.cases(evidence.year(IspOutage)):
        _told_in_time(evidence, saw, outage, "began", "contacted")


def _in_force(evidence: Evidence, saw: Saw) -> list[IspContract]:
    """The contract in force of each declared provider."""
    found = []
    saw("patuh_isps", expected=">= 1", observed=len(evidence.fleet.isps), holds=bool(evidence.fleet.isps))
    for isp in evidence.fleet.isps:
        own = [one for one in evidence.of(IspContract) if one.isp == isp.name and one.first <= evidence.today]
        last = max((one.last for one in own), default=None)
        good = last is not None and last >= evidence.today
        saw(isp.name, expected=f">= {evidence.today}", observed=last or "—", holds=good, late=last is not None)
        if last:
            saw.due(last, isp.name)
            found.append(next(one for one in own if one.last == last))
    return found


@decides("network.isp-bandwidth", IspContract)
def bandwidth_suffices(evidence: Evidence, saw: Saw) -> None:
    """Each contract gives the bandwidth in force undivided, and a recent measurement shows it."""
    least = evidence.figure("bandwidth_mbps_min")
    for contract in _in_force(evidence, saw):
        enough = contract.international_mbps >= least
        noted(saw, contract, "international_mbps", expected=f">= {least}", holds=enough)
        noted(saw, contract, "contention", expected="1:1", holds=contract.contention.replace(" ", "") == "1:1")
        newest = max(contract.measurements, key=lambda one: one.on, default=None)
        days = [newest.on] if newest else []
        fresh(evidence, saw, f"{contract.isp}: pengukuran", days, "bandwidth_measurement_days_max")
        if newest:
            saw(
                f"{contract.isp}: {newest.on}",
                expected=f">= {least} Mbps",
                observed=f"{newest.mbps} Mbps",
                holds=newest.mbps >= least,
            )


@decides("network.isp-sla", IspContract, IspOutage)
def availability_suffices(evidence: Evidence, saw: Saw) -> None:
    """Each contract promises the availability in force, and the past year kept it."""
    least = evidence.figure("sla_pct_min")
    for contract in _in_force(evidence, saw):
        noted(saw, contract, "sla", expected=f">= {least} %", holds=contract.sla >= least)
        start = max(evidence.now - YEAR, datetime.datetime.combine(contract.first, datetime.time()))
        down = sum(
            (
                max(min(outage.ended or evidence.now, evidence.now) - max(outage.began, start), datetime.timedelta())
                for outage in evidence.of(IspOutage)
                if outage.isp == contract.isp
            ),
            datetime.timedelta(),
        )
        span = max(evidence.now - start, DAY)
        saw(
            f"{contract.isp}: 365 d",
            expected=f">= {least} %",
            # Rounded down: 98.9999 % is not 99 %.
            observed=f"{int(100_000 * (1 - down / span)) / 1000:.3f} %",
            holds=down * 100 <= span * (100 - least),
        )


# --- Remote access --------------------------------------------------------------------------------------------------


@decides("remote-access.session-log", RemoteSession)
def remote_sessions_are_logged(evidence: Evidence, saw: Saw) -> None:
    """Every remote session has its end."""
    for session in evidence.cases(evidence.year(RemoteSession)):
        goes_on = session.ended is None and evidence.now - session.began <= DAY
        noted(saw, session, "ended", expected="YYYY-MM-DD HH:MM", holds=session.ended is not None or goes_on)


@decides("remote-access.port-window", PortWindow)
def windows_are_closed(evidence: Evidence, saw: Saw) -> None:
    """Every port that was opened for a time was closed when it was up."""
    for window in evidence.cases(evidence.year(PortWindow)):
        closed = window.closed is not None and window.closed <= window.ends
        noted(
            saw,
            window,
            "closed",
            expected=f"<= {window.ends:%Y-%m-%d %H:%M}",
            holds=closed or (window.closed is None and evidence.now <= window.ends),
        )
