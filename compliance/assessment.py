"""The assessment: one document that says everything, and that every report is made from."""

from __future__ import annotations

import datetime
import hashlib
import zoneinfo
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from compliance.catalogue import ClauseKind, Severity, Text
from compliance.errors import PatuhError
from compliance.fleet import Signatory
from compliance.parameters import ResolvedParameter
from compliance.reading import read_bytes

SCHEMA_VERSION = 1
FILE_NAME = "assessment.json"
MAX_BYTES = 512_000_000
SCHEMA_FILE = Path(__file__).resolve().parent / "assessment.schema.json"
_Date = TypeVar("_Date", bound=datetime.date)


def printable(text: str) -> str:
    """The text without what could steer a terminal or turn a line around; hosts write what they like."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def printable_lines(text: str) -> str:
    """The same for several lines."""
    return "\n".join(map(printable, text.split("\n")))


Printable = Annotated[str, AfterValidator(printable)]
# What a server may put into one cell of a report.
TEXT_MAX = 600
Told = Annotated[Printable, Field(max_length=TEXT_MAX)]
# Numbers and moments that documents can write and draw; what lies outside is nothing that was measured.
Figure = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


def _imaginable(day: _Date) -> _Date:
    """A day or moment that stays one in every time zone."""
    if not 1970 <= day.year < 9000:
        raise ValueError(f"{day.isoformat()} is no day of a server's")
    return day


def _zoned(moment: datetime.datetime) -> datetime.datetime:
    if moment.tzinfo is None:
        raise ValueError("the moment is without its zone")
    return moment


def _zone(name: str) -> str:
    """The name of a time zone that is known here."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone") from error
    return name


Day = Annotated[datetime.date, AfterValidator(_imaginable)]
Moment = Annotated[datetime.datetime, AfterValidator(_imaginable)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Status(StrEnum):
    """What is known of a control on a host, or of a clause."""

    PASS = "pass"  # noqa: S105 (a verdict)
    FAIL = "fail"
    ERROR = "error"
    OVERDUE = "overdue"
    MISSING = "missing"
    WAIVED = "waived"
    NOT_APPLICABLE = "not-applicable"
    INFORMATION = "information"


# A clause is as bad as the worst finding that bears on it.
WORST_FIRST = (
    Status.FAIL,
    Status.ERROR,
    Status.OVERDUE,
    Status.MISSING,
    Status.WAIVED,
    Status.PASS,
    Status.NOT_APPLICABLE,
)
# What somebody has to do something about.
TROUBLE = frozenset({Status.FAIL, Status.ERROR, Status.OVERDUE})


def _every_status(counts: dict[Status, int]) -> dict[Status, int]:
    return {status: counts.get(status, 0) for status in Status}


# How often each status occurs, every status named.
Tally = Annotated[dict[Status, int], AfterValidator(_every_status)]


class Observation(_Model):
    """One thing that was looked at."""

    subject: Told
    expected: Told
    observed: Told
    holds: bool


class Reason(_Model):
    """Why a finding is as it is: a key of the catalogue of messages, and the values to put into it."""

    message: str
    values: dict[str, Printable] = {}


class Due(_Model):
    """Something that has to be done by a day."""

    on: Day
    what: Told


class Waived(_Model):
    """Why a violation is accepted for a while, by which office, and until when."""

    reason: Printable
    approver: Printable
    until: datetime.date
    status: Status = Field(description="What the finding would be without the waiver")


class Finding(_Model):
    """What is known of one control on one host; without a host, of the fleet."""

    control: Printable
    host: Printable | None
    status: Status
    reason: Reason | None = None
    observations: list[Observation] = []
    left_out: int = Field(default=0, ge=0, description="Observations beyond what a report has room for")
    due: Due | None = None
    waived: Waived | None = None
    since: datetime.date | None = Field(default=None, description="Since when it is in trouble or without a record")


class AssessedControl(_Model):
    """A control with the texts in force when it was assessed."""

    id: str
    title: Text
    rationale: Text
    severity: Severity
    assessed: Literal["host", "fleet", "evidence"]
    role: str | None
    clauses: list[str]
    proved: datetime.date | None = Field(
        default=None, description="Since when its check is proved to fail in every way that is known"
    )


class AssessedClause(_Model):
    """A clause with its verdict; one that repeats another is counted with that one only."""

    clause: str
    parent: str | None
    counts_with: str | None = None
    kind: ClauseKind
    summary: Text
    note: Text | None
    controls: list[str]
    verdict: Status


class AssessedRegulation(_Model):
    """A regulation in its own order, with how many of its clauses stand how."""

    id: str
    title: Text
    citation: str
    clauses: list[AssessedClause]
    tally: Tally


class LogEntry(_Model):
    """An entry of a server's maintenance log."""

    at: Moment
    who: Told
    what: Told
    why: Told


class Measure(StrEnum):
    """What is measured day by day."""

    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    PROCESSOR = "processor"
    MEMORY = "memory"
    DISK = "disk"


class Series(_Model):
    """A measurement day by day, of the room or of a host, with the figures in force that it must keep to."""

    measure: Measure
    host: Printable | None = None
    least: int | None = None
    most: int | None = None
    days: list[tuple[Day, Figure, Figure]] = Field(description="The lowest and the highest value of each day")


class AssessedHost(_Model):
    """A host, whether it answered, what it consists of and what was done to it lately."""

    name: Printable
    role: Printable | None
    zone: Printable | None
    machine: Printable | None
    owner: Printable | None
    answered: bool
    silence: Told | None = None
    system: Told | None = None
    facts: dict[str, Told] = Field(default={}, description="What it consists of, as far as it tells")
    log: list[LogEntry] = Field(default=[], description="The newest entries of its maintenance log, the oldest first")


class AssessedWaiver(_Model):
    """An accepted risk, in force or not."""

    control: Printable
    hosts: list[Printable]
    reason: Printable
    approver: Printable
    first: datetime.date
    last: datetime.date


class Score(_Model):
    """Findings that hold among those that could; errors and what is overdue count as not holding.

    Not counted are findings that do not apply, accepted risks, and what nobody keeps a record of.
    """

    held: int
    assessed: int
    tally: Tally

    @property
    def tenths(self) -> int:
        """Per mille, rounded down: one failure never disappears."""
        return self.held * 1000 // self.assessed if self.assessed else 0


class Coverage(_Model):
    """How many clauses that ask for something were looked at, and by whom."""

    by_machine: int
    by_record: int
    nobody: int

    @property
    def total(self) -> int:
        """All clauses that ask for something."""
        return self.by_machine + self.by_record + self.nobody


class Change(_Model):
    """A finding whose status is another than in the assessment before."""

    control: str
    host: str | None
    was: Status
    now: Status
    open_days: int | None = Field(default=None, description="Of what is mended, for how many days it was open")

    @property
    def worse(self) -> bool:
        """Whether it became worse."""
        return WORST_FIRST.index(self.now) < WORST_FIRST.index(self.was)


class Run(_Model):
    """A past assessment in a few figures."""

    created: datetime.datetime
    held: int
    assessed: int
    tally: Tally
    coverage: Coverage
    regulations: dict[str, Tally] = Field(description="Clauses by status of each regulation")
    areas: dict[str, Tally] = Field(description="Findings by status of each area of controls")
    mended_after_days: list[int]

    @property
    def tenths(self) -> int:
        """The score per mille, rounded down."""
        return self.held * 1000 // self.assessed if self.assessed else 0


class Assessment(_Model):
    """Everything that was found out in one run."""

    schema_version: Literal[1] = 1
    created: Annotated[Moment, AfterValidator(_zoned)]
    duration_seconds: float
    version: str
    fleet: Printable
    timezone: Annotated[str, AfterValidator(_zone)]
    local: bool = False
    complete: bool = Field(default=True, description="False when it was interrupted: it holds what was known by then")
    parameters: dict[str, ResolvedParameter]
    hosts: list[AssessedHost]
    controls: list[AssessedControl]
    findings: list[Finding]
    regulations: list[AssessedRegulation]
    score: Score
    coverage: Coverage
    first_to_do: list[str] = Field(description="Controls to mend first, the most urgent first")
    waivers: list[AssessedWaiver] = []
    before: datetime.datetime | None = Field(default=None, description="When the assessment before was made")
    changes: list[Change] = Field(default=[], description="What is otherwise than in the assessment before")
    history: list[Run] = Field(default=[], description="The earlier assessments, the oldest first")
    series: list[Series] = []
    letterhead: list[Printable] = []
    signatory: Signatory | None = None
    in_charge: dict[str, Printable] = Field(default={}, description="Offices by area of controls, and 'default'")

    @property
    def document(self) -> bytes:
        """The file's content."""
        return self.model_dump_json(indent=1).encode() + b"\n"

    @property
    def digest(self) -> str:
        """The SHA-256 of the file, which every report of it carries."""
        return hashlib.sha256(self.document).hexdigest()

    def findings_of(self, control: str) -> list[Finding]:
        """The findings of one control, in the order of the hosts."""
        return [finding for finding in self.findings if finding.control == control]

    def control(self, identifier: str) -> AssessedControl:
        """A control by its id."""
        return next(control for control in self.controls if control.id == identifier)


def worst(statuses: list[Status]) -> Status:
    """The status that decides among several."""
    return next((status for status in WORST_FIRST if status in statuses), Status.NOT_APPLICABLE)


def tally(statuses: list[Status]) -> dict[Status, int]:
    """How often each status occurs, every status named."""
    return _every_status(Counter(statuses))


def schema() -> dict[str, Any]:
    """The JSON Schema of an assessment file."""
    return Assessment.model_json_schema(mode="serialization")


def read(path: Path) -> Assessment:
    """Read an assessment file.

    :raises PatuhError: when it is no assessment of this version.
    """
    try:
        return Assessment.model_validate_json(read_bytes(path, MAX_BYTES, "Run 'patuh check' first."))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise PatuhError(
            f"is no assessment of this version: {key}: {first['msg']}",
            where=str(path),
            mend="Run 'patuh check' again.",
        ) from error
