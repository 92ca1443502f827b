"""An assessment in a reader's language: the sentences, dates and numbers that every document shows.

Nothing here judges; it words what the assessment says.
"""

from __future__ import annotations

import datetime
import re
import statistics
import zoneinfo
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from compliance import strict_yaml
from compliance.assessment import (
    TROUBLE,
    WORST_FIRST,
    AssessedControl,
    AssessedHost,
    Assessment,
    Finding,
    Run,
    Series,
    Status,
    tally,
    worst,
)
from compliance.catalogue import ClauseKind, Text
from compliance.due import in_charge_of, told_once
from compliance.evidence.judging import kinds_of
from compliance.history import OPEN, summary
from reports import charts
from reports.views import (
    ChangeView,
    ChartView,
    Chip,
    ClauseView,
    ControlView,
    FindingView,
    HostView,
    RegulationView,
    RunView,
    TrendView,
)

Language = Literal["id", "en"]
LANGUAGES: tuple[Language, ...] = ("id", "en")
SOON = datetime.timedelta(days=30)
RUNS_DRAWN = 60
NAMES_SHOWN = 10
# Why a whole server tells nothing, which is said of the server and not of each control.
SILENT = frozenset({"host-silent", "host-key-refused"})
UNITS = {"d": "hari", "h": "jam", "min": "menit", "°C": "°C", "%": "%", "Mbps": "Mbps"}
MEASURED = re.compile(rf"((?:[<>]=? )?)(\d+(?:\.\d+)?) ({'|'.join(UNITS)})")
BEGUN = re.compile(r"(console login on) (.+)")
ENDED = re.compile(r"(.+) (at boot)")
ENDED_IN_BRACKETS = re.compile(r"(.+) \((boot|running)\)")
OPEN_LONGEST_SHOWN = 10
# Neither holds nor fails to.
NEITHER = frozenset({Status.NOT_APPLICABLE, Status.INFORMATION, Status.WAIVED})
SIGNS = {
    Status.PASS: "✓",
    Status.FAIL: "✗",
    Status.ERROR: "!",
    Status.OVERDUE: "»",
    Status.MISSING: "○",
    Status.WAIVED: "~",
    Status.NOT_APPLICABLE: "–",
    Status.INFORMATION: "·",
}


@cache
def messages() -> dict[str, Text]:
    """The catalogue of messages."""
    document = strict_yaml.load(Path(__file__).resolve().parent / "messages.yml")
    return {key: Text.model_validate(value) for key, value in document.data.items()}


@cache
def phrases() -> dict[str, str]:
    """What checks say, in Indonesian."""
    document = strict_yaml.load(Path(__file__).resolve().parent / "phrases.yml")
    return {str(key): str(value) for key, value in document.data.items()}


def say(key: str, language: Language, **values: object) -> str:
    """A message of the catalogue in a language, with values put in."""
    text = str(getattr(messages()[key], language))
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def _moment(at: datetime.datetime, timezone: str, language: Language) -> str:
    pattern = "d MMMM yyyy HH.mm z" if language == "id" else "d MMMM yyyy HH:mm z"
    return str(format_datetime(at.astimezone(zoneinfo.ZoneInfo(timezone)), pattern, locale=language))


def _per_cent(tenths: int, language: Language) -> str:
    number = format_decimal(tenths / 10, "0.0", locale=language)
    return f"{number}\N{NO-BREAK SPACE}%" if language == "id" else f"{number}%"


def run_view(run: Run, timezone: str, language: Language) -> RunView:
    """A past assessment in a language, with the time as it was in a time zone."""
    return RunView(
        moment=_moment(run.created, timezone, language),
        score=_per_cent(run.tenths, language),
        fails=run.tally[Status.FAIL] + run.tally[Status.OVERDUE],
        errors=run.tally[Status.ERROR],
        nobody=run.coverage.nobody,
        mended=len(run.mended_after_days),
    )


@dataclass(frozen=True)
class View:
    """A whole assessment in one language."""

    language: Language
    assessment: Assessment

    def say(self, key: str, **values: object) -> str:
        """A message of the catalogue, with values put in."""
        return say(key, self.language, **values)

    def text(self, text: Text) -> str:
        """A text of the catalogue of regulations."""
        return str(getattr(text, self.language))

    def chip(self, status: Status) -> Chip:
        """A status with its sign and word."""
        return Chip(status.value, SIGNS[status], self.say(f"status-{status.value}"))

    def day(self, day: datetime.date) -> str:
        """A date in words."""
        return str(format_date(day, "d MMMM yyyy", locale=self.language))

    @property
    def today(self) -> datetime.date:
        """The day of the assessment, in the fleet's time zone."""
        return self.assessment.created.astimezone(zoneinfo.ZoneInfo(self.assessment.timezone)).date()

    @property
    def created(self) -> str:
        """When the assessment was made, in the fleet's time zone."""
        return self.moment(self.assessment.created)

    def moment(self, at: datetime.datetime) -> str:
        """A date with its time, in the fleet's time zone."""
        return _moment(at, self.assessment.timezone, self.language)

    @property
    def score(self) -> str:
        """The score in per cent with one decimal, rounded down."""
        return self.per_cent(self.assessment.score.tenths)

    def per_cent(self, tenths: int) -> str:
        """So many tenths of a per cent, with one decimal."""
        return _per_cent(tenths, self.language)

    @property
    def verdict(self) -> list[str]:
        """What the head of office reads first."""
        tally = self.assessment.score.tally
        fails = tally[Status.FAIL] + tally[Status.OVERDUE]
        errors, unseen = tally[Status.ERROR], self.assessment.coverage.nobody
        if fails or errors:
            sentences = [self.say("verdict-fails", fail=fails, error=errors)]
            if unseen:
                sentences.append(self.say("verdict-unseen", count=unseen))
        else:
            sentences = [self.say("verdict-incomplete", count=unseen) if unseen else self.say("verdict-holds")]
        if self.assessment.local:
            sentences.append(self.say("local-note"))
        hosts = self.assessment.hosts
        if silent := [host.name for host in hosts if not host.answered]:
            names = self._some(silent)
            sentences.append(self.say("servers-silent", count=len(silent), of=len(hosts), hosts=names))
        return [*sentences, *self.cautions]

    @property
    def cautions(self) -> list[str]:
        """What a reader must know of this run before believing its figures; every document shows it."""
        told = [] if self.assessment.complete else [self.say("interrupted")]
        left_out: dict[str, int] = {}
        for finding in self.assessment.findings:
            if finding.left_out:
                name = finding.host or self.say("whole-fleet")
                left_out[name] = left_out.get(name, 0) + finding.left_out
        if left_out:
            told.append(self.say("left-out", count=sum(left_out.values()), hosts=self._some(list(left_out))))
        return told

    def _some(self, names: list[str]) -> str:
        """The names, the first of many."""
        more = len(names) - NAMES_SHOWN
        return ", ".join([*names[:NAMES_SHOWN], *([self.say("and-more", count=more)] if more > 0 else [])])

    @property
    def silences(self) -> list[tuple[str, str]]:
        """The hosts that did not answer, each with its own reason."""
        worded = {one.host: self.finding(one).reason for one in self.assessment.findings if _is_silent(one)}
        return [
            (host.name, worded.get(host.name) or host.silence or self.say("reason-interrupted"))
            for host in self.assessment.hosts
            if not host.answered
        ]

    @property
    def changed(self) -> str:
        """How much changed since the assessment before; empty for the first."""
        if self.assessment.before is None:
            return ""
        worse = sum(change.worse for change in self.assessment.changes)
        return self.say(
            "changed",
            date=self.moment(self.assessment.before),
            score=self.per_cent(self.assessment.history[-1].tenths),
            worse=worse,
            better=len(self.assessment.changes) - worse,
        )

    @property
    def changes(self) -> list[ChangeView]:
        """What is otherwise than in the assessment before, what became worse first."""
        titles = {control.id: self.text(control.title) for control in self.assessment.controls}
        return [
            ChangeView(
                control=change.control,
                title=titles[change.control],
                host=change.host or self.say("whole-fleet"),
                was=self.chip(change.was),
                now=self.chip(change.now),
                worse=change.worse,
                open_days="" if change.open_days is None else self.say("open-days", days=change.open_days),
            )
            for change in self.assessment.changes
        ]

    @property
    def runs(self) -> list[RunView]:
        """The assessments so far, this one last."""
        these = [*self.assessment.history, summary(self.assessment)]
        return [run_view(run, self.assessment.timezone, self.language) for run in these]

    @property
    def trends(self) -> list[tuple[str, list[TrendView]]]:
        """How the share of what holds went: of the clauses of each regulation, of the findings of each area."""
        runs = [*self.assessment.history, summary(self.assessment)][-RUNS_DRAWN:]
        citations = {regulation.id: regulation.citation for regulation in self.assessment.regulations}
        scores = [run.held / run.assessed if run.assessed else None for run in runs]
        regulations = [
            self._trend(citations[one], [_share(run.regulations.get(one)) for run in runs]) for one in citations
        ]
        areas = [
            self._trend(self.say(f"area-{one}"), [_share(run.areas.get(one)) for run in runs]) for one in runs[-1].areas
        ]
        return [
            (self.say("score"), [self._trend(self.say("all-findings"), scores)]),
            (self.say("regulations"), regulations),
            (self.say("areas"), areas),
        ]

    def _trend(self, name: str, shares: list[float | None]) -> TrendView:
        told = ["—" if share is None else self.per_cent(int(share * 1000)) for share in shares]
        drawn = charts.bars([share or 0 for share in shares])
        return TrendView(name, told[-1], told[-2] if len(told) > 1 else "—", drawn)

    @property
    def open_for(self) -> str:
        """How long findings stay open, in a sentence; empty while nothing was ever mended and nothing is open."""
        assessment = self.assessment
        mended = [days for run in [*assessment.history, summary(assessment)] for days in run.mended_after_days]
        ages = [(self.today - one.since).days for one in assessment.findings if one.since and one.status in OPEN]
        told = []
        if ages:
            told.append(self.say("open-now", count=len(ages), longest=max(ages)))
        if mended:
            told.append(self.say("mended-after", count=len(mended), days=f"{statistics.median(mended):g}"))
        return " ".join(told)

    @property
    def open_longest(self) -> list[tuple[str, str, str, str]]:
        """What has been open longest: the control with its title, the host and since when."""
        titles = {control.id: self.text(control.title) for control in self.assessment.controls}
        those = [one for one in self.assessment.findings if one.since and one.status in TROUBLE]
        return [
            (one.control, titles[one.control], one.host or self.say("whole-fleet"), self.day(one.since))
            for one in sorted(those, key=lambda one: one.since or self.today)[:OPEN_LONGEST_SHOWN]
            if one.since
        ]

    @property
    def formula(self) -> str:
        """How the score comes about."""
        score = self.assessment.score
        return self.say("score-formula", held=score.held, assessed=score.assessed)

    @property
    def coverage(self) -> str:
        """How much was looked at, and by whom."""
        coverage = self.assessment.coverage
        return self.say(
            "coverage-sentence",
            total=coverage.total,
            machine=coverage.by_machine,
            record=coverage.by_record,
            nobody=coverage.nobody,
        )

    def finding(self, finding: Finding) -> FindingView:
        """A finding, worded."""
        reason = ""
        if finding.reason is not None:
            reason = self.say(f"reason-{finding.reason.message}", **finding.reason.values)
        if finding.waived is not None:
            accepted = finding.waived
            reason = self.say(
                "waived-by", approver=accepted.approver, date=self.day(accepted.until), reason=accepted.reason
            )
        return FindingView(
            host=finding.host or self.say("whole-fleet"),
            chip=self.chip(finding.status),
            reason=reason,
            observations=[
                *(
                    (self.phrase(o.subject), self.phrase(o.expected), self.phrase(o.observed), o.holds)
                    for o in finding.observations
                ),
                *([("…", "…", self.say("and-more", count=finding.left_out), True)] if finding.left_out else []),
            ],
            silent=_is_silent(finding),
            due=self.say("due-next", date=self.day(finding.due.on), what=finding.due.what) if finding.due else "",
            since=self.say("since", date=self.day(finding.since)) if finding.since else "",
        )

    def seen(self, finding: FindingView, *, holding: bool = False) -> list[str]:
        """What was seen, a sentence each: what does not hold, and with ``holding`` all of it."""
        return [
            f"{subject}: {self.say('expected').lower()} {expected}, {self.say('observed').lower()} {observed}"
            for subject, expected, observed, holds in finding.observations
            if holding or not holds
        ]

    def why(self, control: ControlView) -> str:
        """The first thing that was seen of a control that does not hold, in a sentence of one line or two.

        Why a server is silent is its own matter, and no other's reason.
        """
        told = [finding for finding in control.troubled if not finding.silent]
        said = [next(iter(self.seen(finding)), finding.reason) for finding in told]
        return said[0][:160] if said else ""

    @cached_property
    def controls(self) -> dict[str, ControlView]:
        """Every control by its id."""
        found = {}
        by_control: dict[str, list[Finding]] = {}
        for finding in self.assessment.findings:
            by_control.setdefault(finding.control, []).append(finding)
        for control in self.assessment.controls:
            findings = by_control.get(control.id, [])
            found[control.id] = ControlView(
                id=control.id,
                title=self.text(control.title),
                rationale=self.text(control.rationale),
                severity=self.say(f"severity-{control.severity.value}"),
                mend=self.mend(control),
                effort=self.say(f"effort-{'role' if control.role else control.assessed}"),
                in_charge=in_charge_of(control.id, self.assessment.in_charge),
                clauses=control.clauses,
                proved=self.proved(control),
                chip=self.chip(worst([finding.status for finding in findings])),
                findings=[self.finding(finding) for finding in findings],
            )
        return found

    def mend(self, control: AssessedControl) -> str:
        """What mends a control that does not hold."""
        if control.role is not None:
            return self.say("mend-by-role", role=control.role)
        if control.assessed == "evidence":
            files = ", ".join(kind.kind.file for kind in kinds_of(control.id))
            return self.say("mend-by-record", files=files) if files else self.say("mend-by-records")
        return self.say("mend-by-inventory")

    def word(self, key: str, value: str | None) -> str:
        """A declared value in the reader's language, such as the role of a server."""
        known = messages().get(f"{key}-{value}")
        return self.text(known) if known else value or ""

    @cached_property
    def hosts(self) -> list[HostView]:
        """Every server with its own findings."""
        controls = self.controls
        own: dict[str, list[tuple[ControlView, Finding]]] = {}
        for finding in self.assessment.findings:
            if finding.host is not None:
                own.setdefault(finding.host, []).append((controls[finding.control], finding))
        return [self._host(host, own.get(host.name, [])) for host in self.assessment.hosts]

    def _host(self, host: AssessedHost, own: list[tuple[ControlView, Finding]]) -> HostView:
        worded = [(control, self.finding(finding)) for control, finding in own]
        counted = tally([finding.status for _, finding in own])
        words = {key: self.word(key, getattr(host, key)) for key in ("role", "zone", "machine")}
        declared = {**words, "owner": host.owner or "", "system": host.system or ""}
        rows = [(self.say(key), value) for key, value in declared.items() if value]
        return HostView(
            name=host.name,
            answered=host.answered,
            silence="" if host.answered else host.silence or self.say("reason-interrupted"),
            cells=[value or "—" for value in (words["role"], words["zone"], host.system, host.owner)],
            declared=[*rows, *((self.say(f"fact-{name}"), self.fact(value)) for name, value in host.facts.items())],
            tally=[(self.chip(status), count) for status, count in counted.items() if count],
            troubled=[(control, finding) for control, finding in worded if finding.chip.name in TROUBLE],
            others=[(control, finding) for control, finding in worded if finding.chip.name not in TROUBLE],
            log=[(self.moment(entry.at), entry.who, _sentence(entry.what, entry.why)) for entry in host.log[::-1]],
            charts=[self._chart(one) for one in self.assessment.series if one.host == host.name],
        )

    @property
    def room(self) -> list[ChartView]:
        """How the room's climate went."""
        return [self._chart(series) for series in self.assessment.series if series.host is None]

    def _chart(self, series: Series) -> ChartView:
        drawn = charts.days(series.days, series.least, series.most)
        lowest, highest = min(low for _, low, _ in series.days), max(high for _, _, high in series.days)
        told = self.say(
            "chart-told",
            lowest=self.number(lowest),
            highest=self.number(highest),
            first=self.day(drawn.first),
            last=self.day(drawn.last),
        )
        limits = "–".join("" if one is None else self.number(one) for one in (series.least, series.most))
        if limits != "–":
            outside = [
                day
                for day, low, high in series.days
                if (series.least is not None and low < series.least) or (series.most is not None and high > series.most)
            ]
            told += " " + self.say("chart-limits", limits=limits.strip("–"), days=len(outside))
        return ChartView(
            title=self.say(f"measure-{series.measure.value}"),
            told=told,
            svg=drawn.svg,
            top=self.number(drawn.top),
            bottom=self.number(drawn.bottom),
            first=self.day(drawn.first),
            last=self.day(drawn.last),
        )

    def phrase(self, text: str) -> str:
        """What a check says, in the reader's language; names and values as they are."""
        if self.language == "en":
            return text
        if text in phrases():
            return phrases()[text]
        if measured := MEASURED.fullmatch(text):
            return f"{measured[1]}{measured[2].replace('.', ',')} {UNITS[measured[3]]}"
        # Such as 'ssh.service at boot', 'kernel.sysrq (boot)', '/dev/md0: spares'.
        if begun := BEGUN.fullmatch(text):
            return f"{phrases()[begun[1]]} {begun[2]}"
        if ended := ENDED.fullmatch(text):
            return f"{self.phrase(ended[1])} {phrases()[ended[2]]}"
        if ended := ENDED_IN_BRACKETS.fullmatch(text):
            return f"{self.phrase(ended[1])} ({phrases().get(ended[2], ended[2])})"
        head, colon, tail = text.rpartition(": ")
        return f"{head}: {phrases()[tail]}" if colon and tail in phrases() else text

    def fact(self, value: str) -> str:
        """What a server told of itself, with its number or its day in the reader's form."""
        if re.fullmatch(r"\d+\.\d", value):
            return self.number(float(value))
        dated = re.fullmatch(r"(\d{4}-\d{2}-\d{2}) \d{2}:\d{2}:\d{2}", value)
        try:
            return self.day(datetime.date.fromisoformat(dated[1])) if dated else value
        except ValueError:
            return value

    def number(self, value: float) -> str:
        """A number with at most one decimal."""
        return str(format_decimal(value, "#,##0.#", locale=self.language))

    @property
    def waivers(self) -> list[tuple[str, str, str, str, str]]:
        """Every accepted risk: of what, on which hosts, why, by which office, from when to when."""
        titles = {control.id: self.text(control.title) for control in self.assessment.controls}
        return [
            (
                titles.get(waiver.control, waiver.control),
                ", ".join(waiver.hosts) or self.say("whole-fleet"),
                waiver.reason,
                waiver.approver,
                f"{self.day(waiver.first)} – {self.day(waiver.last)}",
            )
            for waiver in self.assessment.waivers
        ]

    @property
    def untold(self) -> list[tuple[ControlView, FindingView]]:
        """What could not be told, and why."""
        return [
            (control, finding)
            for control in self.controls.values()
            for finding in control.findings
            if finding.chip.name == Status.ERROR
        ]

    @property
    def tool(self) -> str:
        """Which version assessed, and for how long."""
        seconds = self.number(self.assessment.duration_seconds)
        return self.say("tool-version", version=self.assessment.version, seconds=seconds)

    @property
    def proofs(self) -> str:
        """How many of the checks of hosts are proved to be able to fail."""
        checks = [control for control in self.assessment.controls if control.assessed == "host"]
        return self.say("proofs", proved=sum(one.proved is not None for one in checks), checks=len(checks))

    @property
    def signature(self) -> list[str]:
        """The lines of the signature block, a blank one where the officer signs; none without an officer."""
        officer = self.assessment.signatory
        if officer is None:
            return []
        name = officer.name or "." * 40
        number = [f"NIP {officer.nip}"] if officer.nip else []
        return [f"{officer.place}, {self.day(self.today)}", officer.position, "", name, *number]

    @property
    def expiring(self) -> list[tuple[str, str]]:
        """The waivers that expire within 30 days, or have expired: what each is for, and what becomes of it."""
        found = []
        titles = {control.id: self.text(control.title) for control in self.assessment.controls}
        for waiver in sorted(self.assessment.waivers, key=lambda one: one.last):
            if waiver.control not in titles or waiver.last > self.today + SOON:
                continue
            key = "waiver-expires" if waiver.last >= self.today else "waiver-expired"
            found.append((titles[waiver.control], self.say(key, date=self.day(waiver.last))))
        return found

    @property
    def due_soon(self) -> list[tuple[str, str, str]]:
        """What falls due within 30 days: the day, what, and who is in charge."""
        controls = {control.id: control for control in self.assessment.controls}
        found = [
            (one.due, one, title)
            for one, title in told_once(self.assessment.findings, controls)
            if one.due is not None and self.today <= one.due.on <= self.today + SOON
        ]
        return [
            (
                self.day(due.on),
                f"{self.text(title)} ({': '.join(filter(None, [one.host, due.what]))})",
                in_charge_of(one.control, self.assessment.in_charge),
            )
            for due, one, title in sorted(found, key=lambda entry: (entry[0].on, entry[0].what))
        ]

    def proved(self, control: AssessedControl) -> str:
        """Since when the check of a control is known to be able to fail."""
        if control.assessed != "host":
            return ""
        if control.proved is None:
            return self.say("never-proved")
        return self.say("proved", date=self.day(control.proved))

    @property
    def filters(self) -> list[Chip]:
        """The verdicts to choose among, the worst first."""
        return [self.chip(status) for status in WORST_FIRST]

    @property
    def first_to_do(self) -> list[ControlView]:
        """What to mend first."""
        controls = self.controls
        return [controls[identifier] for identifier in self.assessment.first_to_do]

    @cached_property
    def regulations(self) -> list[RegulationView]:
        """Every regulation in its own order."""
        controls = self.controls
        since: dict[str, datetime.date] = {}
        for finding in self.assessment.findings:
            if finding.since and finding.status in OPEN:
                since[finding.control] = min(since.get(finding.control, finding.since), finding.since)
        views = []
        for regulation in self.assessment.regulations:
            clauses = []
            for clause in regulation.clauses:
                days = [since[identifier] for identifier in clause.controls if identifier in since]
                clauses.append(
                    ClauseView(
                        number=clause.clause,
                        summary=self.text(clause.summary),
                        note=self.text(clause.note) if clause.note else "",
                        counts_with=self.say("counted-with", clause=clause.counts_with) if clause.counts_with else "",
                        since=self.say("since", date=self.day(min(days))) if days else "",
                        chip=self.chip(clause.verdict),
                        asks=clause.verdict is not Status.INFORMATION,
                        heading=clause.kind is ClauseKind.HEADING,
                        controls=[controls[identifier] for identifier in clause.controls],
                    )
                )
            asking = {status: count for status, count in regulation.tally.items() if status is not Status.INFORMATION}
            parts = per_mille(list(asking.values()))
            views.append(
                RegulationView(
                    id=regulation.id,
                    title=self.text(regulation.title),
                    citation=regulation.citation,
                    clauses=clauses,
                    tally=[(self.chip(status), count) for status, count in regulation.tally.items() if count],
                    states=[
                        (self.chip(status), count, self.per_cent(part))
                        for (status, count), part in zip(asking.items(), parts, strict=True)
                        if count
                    ],
                    svg=charts.parts([(status.value, part) for status, part in zip(asking, parts, strict=True)]),
                )
            )
        return views

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """The figures in force: name, value with unit, and who set it."""
        rows = []
        citations = {regulation.id: regulation.citation for regulation in self.assessment.regulations}
        for name, figure in self.assessment.parameters.items():
            setter, _, clause = figure.source.partition(" ")
            if setter in ("inventory", "default"):
                source = self.say(f"source-{setter}")
            else:
                source = f"{citations.get(setter, setter)} {clause}"
            title = self.text(figure.title) if figure.title else name
            rows.append((title, self.phrase(f"{figure.value} {figure.unit}"), source))
        return rows


def per_mille(counts: list[int]) -> list[int]:
    """Whole shares that sum to 1000 (to 0 of nothing), in which nothing that there is disappears.

    Rounded down, and the rest given to the largest remainders; what would be 0 gets 1 from the largest share.
    """
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    shares = [1000 * count // total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda place: 1000 * counts[place] % total, reverse=True)
    for place in by_remainder[: 1000 - sum(shares)]:
        shares[place] += 1
    for place, count in enumerate(counts):
        if count and not shares[place]:
            shares[shares.index(max(shares))] -= 1
            shares[place] = 1
    return shares


def _share(tally: dict[Status, int] | None) -> float | None:
    """The share of what holds among what applies; None where nothing did."""
    if tally is None:
        return None
    applies = sum(count for status, count in tally.items() if status not in NEITHER)
    return tally.get(Status.PASS, 0) / applies if applies else None


def _is_silent(finding: Finding) -> bool:
    return finding.reason is not None and finding.reason.message in SILENT


def _sentence(what: str, why: str) -> str:
    return f"{what} ({why})" if why else what
