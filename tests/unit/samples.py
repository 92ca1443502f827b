"""Assessments to make reports of: small, with every state, and with what a hostile server would say."""

from __future__ import annotations

import datetime
import re
import shutil
from pathlib import Path

from compliance.assess import _assemble
from compliance.assessment import (
    AssessedHost,
    AssessedWaiver,
    Assessment,
    Due,
    Finding,
    LogEntry,
    Measure,
    Observation,
    Reason,
    Series,
    Status,
    Waived,
    printable,
)
from compliance.catalogue import Assessed, default_catalogue
from compliance.fleet import Signatory
from compliance.history import continued, earlier
from compliance.parameters import resolve

BEGAN = datetime.datetime(2026, 11, 21, 2, 30, tzinfo=datetime.UTC)
REGULATION = "jambi-31-2017"
HOSTILE = "</td><script>document.title='owned'</script>\x1b[2J=HYPERLINK(\"x\")../../etc/passwd‮"


PEOPLES_KEYS = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIACUP/XNsyPCLosiN8lYLV3X1eHyYN9jtq/3OnbqTdhs satu",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINJpQTcVaD9c3VU3oT7cTIn6Yd9nQ3mAGWSOsMBRXbus dua",
)


def filled_example(folder: Path) -> Path:
    """The example as a city copies it, with its people's keys."""
    shutil.copytree(Path(__file__).resolve().parents[2] / "inventory" / "example", folder)
    variables = folder / "group_vars" / "all.yml"
    text = variables.read_text(encoding="utf-8")
    for key in PEOPLES_KEYS:
        text = re.sub(r'"<ganti[^"]*"', key, text, count=1)
    variables.write_text(text, encoding="utf-8")
    return folder


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
            facts={"kernel": text, "memory": "3.9", "booted": "2026-11-20 07:00:00"},
            log=[LogEntry(at=BEGAN, who=text, what=text, why=text)],
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
        began=BEGAN,
        seconds=12.5,
        local=False,
        series=_series(hosts),
        letterhead=["PEMERINTAH KOTA CONTOH", text],
        signatory=Signatory(place="Kota Contoh", position=printable(text), nip="19700101 199503 1 001"),
        waivers=[
            AssessedWaiver(
                control="room.temperature",
                hosts=[],
                reason=text,
                approver=text,
                first=datetime.date(2026, 6, 1),
                last=datetime.date(2026, 12, 1),
            )
        ],
    )


def sample_with_history(
    text: str = "observed", hosts: tuple[str, ...] = ("web01", "db01"), runs: int = 6
) -> Assessment:
    """The same after earlier assessments, each of which found another part of it mended or broken."""
    last: Assessment | None = None
    whole = sample(text, hosts)
    for number in range(runs, -1, -1):
        findings = [
            finding.model_copy(update={"status": Status.FAIL, "due": None, "waived": None})
            if number and (place + number) % 9 == 0
            else finding
            for place, finding in enumerate(whole.findings)
        ]
        score = whole.score.model_copy(update={"held": sum(finding.status is Status.PASS for finding in findings)})
        created = BEGAN - datetime.timedelta(days=7 * number)
        one = whole.model_copy(update={"findings": findings, "created": created, "score": score})
        last = continued(one, earlier(last) if last else None)
    assert last is not None
    return last


def _series(hosts: tuple[str, ...]) -> list[Series]:
    days = [BEGAN.date() - datetime.timedelta(days=number) for number in range(60, -1, -1)]
    climate = [(day, 20.5 + day.day % 3, 21.0 + day.day % 4) for day in days]
    disk = [(day, 60 + place / 2, 60 + place / 2) for place, day in enumerate(days)]
    return [
        Series(measure=Measure.TEMPERATURE, least=20, most=22, days=climate),
        *(Series(measure=Measure.DISK, host=host, most=90, days=disk) for host in hosts),
    ]
