"""Assessments to make reports of: small, with every state, and with what a hostile server would say."""

from __future__ import annotations

import datetime

from compliance.assess import _assemble
from compliance.assessment import AssessedHost, Assessment, Due, Finding, Observation, Reason, Status, Waived
from compliance.catalogue import Assessed, default_catalogue
from compliance.parameters import resolve

REGULATION = "jambi-31-2017"
HOSTILE = "</td><script>document.title='owned'</script>\x1b[2J=HYPERLINK(\"x\")../../etc/passwd‮"


def sample(text: str = "observed", hosts: tuple[str, ...] = ("web01", "db01")) -> Assessment:
    """An assessment in which each host control has each state on some host."""
    catalogue = default_catalogue()
    wanted = catalogue.controls_for([REGULATION])
    states = (Status.PASS, Status.FAIL, Status.ERROR, Status.NOT_APPLICABLE)
    findings = []
    for number, control in enumerate(wanted):
        if control.assessed is Assessed.EVIDENCE:
            continue
        for place, host in enumerate(hosts if control.assessed is Assessed.HOST else (None,)):
            status = states[(number + place) % 7 if (number + place) % 7 < 4 else 0]
            holds = status is not Status.FAIL
            reasons = {
                Status.ERROR: Reason(message="cannot-tell", values={"detail": text}),
                Status.NOT_APPLICABLE: Reason(message="virtual-machine"),
            }
            seen = [Observation(subject=text, expected="no", observed=text, holds=holds)]
            findings.append(
                Finding(
                    control=control.id,
                    host=host,
                    status=status,
                    reason=reasons.get(status),
                    observations=seen if status in (Status.PASS, Status.FAIL) else [],
                )
            )
    for number, control in enumerate(one for one in wanted if one.assessed is Assessed.EVIDENCE):
        status = (Status.MISSING, Status.OVERDUE, Status.PASS, Status.WAIVED, Status.FAIL)[number % 5]
        waived = Waived(reason=text, approver=text, until=datetime.date(2026, 12, 1), status=Status.FAIL)
        findings.append(
            Finding(
                control=control.id,
                host=None,
                status=status,
                reason=Reason(message="no-record", values={"file": text}) if status is Status.MISSING else None,
                observations=[]
                if status is Status.MISSING
                else [Observation(subject=text, expected="31", observed=text, holds=status is Status.PASS)],
                due=Due(on=datetime.date(2026, 12, 1), what=text) if status is Status.OVERDUE else None,
                waived=waived if status is Status.WAIVED else None,
            )
        )
    assessed = [
        AssessedHost(
            name=host,
            role="web",
            zone="dmz",
            machine="virtual",
            owner=text,
            answered=place == 0,
            silence=None if place == 0 else text,
            system=text,
        )
        for place, host in enumerate(hosts)
    ]
    return _assemble(
        catalogue,
        [REGULATION],
        wanted,
        assessed,
        findings,
        resolve(catalogue, [REGULATION], {}),
        fleet=f"Kota Contoh {text}",
        timezone="Asia/Jakarta",
        began=datetime.datetime(2026, 11, 21, 2, 30, tzinfo=datetime.UTC),
        seconds=12.5,
        local=False,
    )
