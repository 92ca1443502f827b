"""What documents show, in a reader's language: plain values that :mod:`reports.presentation` words."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.assessment import TROUBLE


@dataclass(frozen=True)
class Chip:
    """A status as a reader sees it: a sign and a word; ``name`` chooses the colour."""

    name: str
    sign: str
    word: str


@dataclass(frozen=True)
class FindingView:
    """One finding, worded."""

    host: str
    chip: Chip
    reason: str
    observations: list[tuple[str, str, str, bool]]
    due: str = ""
    since: str = ""
    silent: bool = False


@dataclass(frozen=True)
class ChangeView:
    """What is otherwise than in the assessment before, worded."""

    control: str
    title: str
    host: str
    was: Chip
    now: Chip
    worse: bool
    open_days: str


@dataclass(frozen=True)
class RunView:
    """An assessment among others, in a few figures."""

    moment: str
    score: str
    fails: int
    errors: int
    nobody: int
    mended: int


@dataclass(frozen=True)
class ControlView:
    """One control with its findings, worded."""

    id: str
    title: str
    rationale: str
    severity: str
    mend: str
    effort: str
    in_charge: str
    clauses: list[str]
    proved: str
    chip: Chip
    findings: list[FindingView]

    @property
    def troubled(self) -> list[FindingView]:
        """The findings that fail, are overdue or could not be told."""
        return [finding for finding in self.findings if finding.chip.name in TROUBLE]


@dataclass(frozen=True)
class ChartView:
    """A chart with its words; ``told`` says in a sentence what it shows."""

    title: str
    told: str
    svg: str
    top: str = ""
    bottom: str = ""
    first: str = ""
    last: str = ""


@dataclass(frozen=True)
class HostView:
    """A server: what it is, what is wrong with it, what holds, and what was done to it lately."""

    name: str
    answered: bool
    silence: str
    cells: list[str]
    declared: list[tuple[str, str]]
    tally: list[tuple[Chip, int]]
    troubled: list[tuple[ControlView, FindingView]]
    others: list[tuple[ControlView, FindingView]]
    log: list[tuple[str, str, str]]
    charts: list[ChartView]


@dataclass(frozen=True)
class TrendView:
    """How the share of what holds went for a regulation or an area."""

    name: str
    now: str
    before: str
    svg: str


@dataclass(frozen=True)
class ClauseView:
    """One clause, worded."""

    number: str
    summary: str
    note: str
    counts_with: str
    since: str
    chip: Chip
    asks: bool
    heading: bool
    controls: list[ControlView]


@dataclass(frozen=True)
class RegulationView:
    """One regulation, worded."""

    id: str
    title: str
    citation: str
    clauses: list[ClauseView]
    tally: list[tuple[Chip, int]]
    states: list[tuple[Chip, int, str]]
    svg: str

    @property
    def summary(self) -> list[str]:
        """The clauses that ask for something by verdict, with their shares."""
        return [f"{chip.sign} {count} {chip.word} ({share})" for chip, count, share in self.states]
