"""What falls due, and when: from records, waivers and what servers last said."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from compliance import assess
from compliance.assessment import Assessment, Finding
from compliance.catalogue import Catalogue, Text
from compliance.evidence.fields import KINDS
from compliance.evidence.kinds import Waiver
from compliance.fleet import LoadedFleet

SOON_DAYS = 7
WAIVER_ENDS = Text(id="Pengecualian berakhir", en="A waiver expires")


class Titled(Protocol):
    """Something with a title, such as a control."""

    @property
    def title(self) -> Text:
        """The title in both languages."""


@dataclass(frozen=True)
class Item:
    """Something to do by a day."""

    on: datetime.date
    today: datetime.date
    in_charge: str
    control: str
    title: Text
    what: str
    clauses: tuple[str, ...]

    @property
    def soon(self) -> bool:
        """Whether it is due within a week."""
        return (self.on - self.today).days <= SOON_DAYS

    @property
    def digest(self) -> str:
        """A short name of what is due."""
        return hashlib.sha256(self.what.encode()).hexdigest()[:8]


def in_charge_of(control: str, offices: dict[str, str]) -> str:
    """The office that is in charge of a control, by its area."""
    return offices.get(control.partition(".")[0], offices.get("default", ""))


def told_once(findings: list[Finding], titles: Mapping[str, Titled]) -> list[tuple[Finding, Text]]:
    """The findings with something due, each thing once, and what to call it.

    Several controls may be decided by one inspection: that is due once, under the name of its records.
    """
    found: dict[tuple[datetime.date, str | None, str], tuple[Finding, Text]] = {}
    names = {kind.kind.file: kind.kind.title for kind in KINDS.values()}
    for one in findings:
        if one.due is not None:
            title = names.get(one.due.what, titles[one.control].title)
            found.setdefault((one.due.on, one.host, one.due.what), (one, title))
    return list(found.values())


def items(loaded: LoadedFleet, catalogue: Catalogue, last: Assessment | None, at: datetime.datetime) -> list[Item]:
    """Everything with a day, by office and then by day.

    :param last: the last assessment, for what only servers know; another fleet's is left aside.
    """
    fleet = loaded.fleet
    wanted = catalogue.controls_for(fleet.regulations)
    evidence = assess.gather(loaded, catalogue, wanted, at)
    findings: list[Finding] = assess.evidence_findings(wanted, evidence)
    if last is not None and last.fleet == fleet.fleet_name:
        findings += [finding for finding in last.findings if finding.host is not None]
    titles = {control.id: control for control in wanted}

    def item(control: str, on: datetime.date, title: Text, what: str) -> Item:
        clauses = tuple(f"{r} {c}" for r, c in catalogue.clauses_for(titles[control], fleet.regulations))
        office = in_charge_of(control, fleet.in_charge)
        return Item(on, evidence.today, office, control, title, what, clauses)

    found = [
        item(one.control, one.due.on, title, ": ".join(filter(None, [one.host, one.due.what])))
        for one, title in told_once([one for one in findings if one.control in titles], titles)
        if one.due is not None
    ]
    found += [
        item(waiver.control, waiver.last, WAIVER_ENDS, f"{waiver.control}: {waiver.reason}")
        for waiver in evidence.of(Waiver)
        if waiver.control in titles and waiver.last >= evidence.today
    ]
    return sorted(found, key=lambda one: (one.in_charge, one.on, one.control))
