"""Regulations, their clauses and the controls that satisfy them: what the suite knows of the law."""

from __future__ import annotations

import difflib
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from compliance import strict_yaml
from compliance.errors import InvalidInput, PatuhError

FOLDER = Path(__file__).resolve().parent
PARAMETERS = "compliance/parameters.yml"
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")]


class Strict(BaseModel):
    """A model that knows all its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Strict):
    """The same text in Indonesian and in English."""

    id: str = Field(min_length=1)
    en: str = Field(min_length=1)


class ClauseKind(StrEnum):
    """What a clause does; the first five ask for something."""

    OBLIGATION = "obligation"
    PROHIBITION = "prohibition"
    RECOMMENDATION = "recommendation"
    PROCEDURE_STEP = "procedure-step"
    RECORD = "record"
    HEADING = "heading"
    DEFINITION = "definition"
    SCOPE = "scope"
    LEGAL = "legal"

    @property
    def asks(self) -> bool:
        """Whether somebody must do, not do, or record something."""
        return self not in (self.HEADING, self.DEFINITION, self.SCOPE, self.LEGAL)


class Clause(Strict):
    """One place in a regulation, summarised in our own words."""

    clause: str
    parent: str | None = None
    counts_with: str | None = Field(
        default=None, description="The clause that this one repeats, or is the other branch of: not counted twice"
    )
    kind: ClauseKind
    topic: str
    summary: Text
    controls: list[str] = []
    figures: dict[str, StrictInt] = Field(default={}, description="Figures that bind, by the parameter that they set.")
    facts: dict[str, Any] = Field(default={}, description="What else the text says that can be written as a value.")
    note: Text | None = None


class Regulation(Strict):
    """A regulation with all its clauses in the order of its text."""

    id: Identifier
    title: Text
    citation: str
    clauses: list[Clause]


class Severity(StrEnum):
    """How much harm comes from a control that does not hold."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Assessed(StrEnum):
    """Where a control's truth is found."""

    HOST = "host"
    FLEET = "fleet"
    EVIDENCE = "evidence"


class Control(Strict):
    """A property that holds or not, shared by all regulations."""

    id: Identifier
    title: Text
    rationale: Text
    severity: Severity
    assessed: Assessed
    role: str | None = None
    part_of: str | None = None
    parameters: list[str] = []


class Strictest(StrEnum):
    """Which of two values of a parameter binds more."""

    LOWEST = "lowest"
    HIGHEST = "highest"


class Parameter(Strict):
    """A figure that roles and checks share, with the default where no clause sets it."""

    default: int
    unit: str
    strictest: Strictest
    title: Text


class Catalogue(Strict):
    """Everything known, with the references between its parts checked."""

    regulations: dict[str, Regulation]
    controls: dict[str, Control]
    parameters: dict[str, Parameter]

    def controls_of(self, clause: Clause) -> list[Control]:
        """The controls that satisfy a clause, a control with parts being replaced by them."""
        found: list[Control] = []
        for identifier in clause.controls:
            parts = [control for control in self.controls.values() if control.part_of == identifier]
            found += parts or [self.controls[identifier]]
        return found

    def controls_for(self, regulations: list[str]) -> list[Control]:
        """The controls that the regulations ask for, each once, in the order of their areas."""
        wanted = {
            control.id
            for regulation in regulations
            for clause in self.regulations[regulation].clauses
            for control in self.controls_of(clause)
        }
        return [control for control in self.controls.values() if control.id in wanted]

    def clauses_for(self, control: Control, regulations: list[str]) -> list[tuple[str, str]]:
        """The (regulation, clause) pairs that a control serves."""
        return [
            (regulation, clause.clause)
            for regulation in regulations
            for clause in self.regulations[regulation].clauses
            if control in self.controls_of(clause)
        ]


def suggestion(word: str, known: list[str], see: str = "compliance/controls/") -> str:
    """A sentence that names the closest known word, or all of them when they are few, or where they stand."""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Allowed: {', '.join(sorted(known))}." if len(known) <= 15 else f"See {see}."


def readable(error: ValidationError, document: strict_yaml.Document, prefix: strict_yaml.KeyPath = ()) -> InvalidInput:
    """A pydantic error as problems with file, line, key and value."""
    problems = []
    for detail in error.errors():
        location = tuple(part for part in detail["loc"] if not (isinstance(part, str) and "[" in part))
        key = ".".join(map(str, (*prefix, *location))) or "the file"
        value = detail.get("input")
        shown = "" if isinstance(value, dict | list) or detail["type"] == "missing" else f" ({value!r:.80})"
        problems.append(
            PatuhError(
                f"{key}{shown}: {detail['msg'][0].lower()}{detail['msg'][1:]}",
                where=document.where((*prefix, *location)),
                mend="Mend this value.",
            )
        )
    return InvalidInput(problems)


def load_regulation(path: Path) -> tuple[Regulation, strict_yaml.Document]:
    """Read one regulation's file.

    :raises InvalidInput: naming file, line and column of everything wrong in it.
    """
    document = strict_yaml.load(path)
    return _regulation(document), document


def _regulation(document: strict_yaml.Document) -> Regulation:
    try:
        regulation = Regulation.model_validate(document.data)
    except ValidationError as error:
        raise readable(error, document) from error
    problems = []
    seen: set[str] = set()
    for number, clause in enumerate(regulation.clauses):
        if clause.counts_with is not None and clause.counts_with not in seen:
            problems.append(
                PatuhError(
                    f"clause {clause.clause} counts with {clause.counts_with}, which does not stand before it",
                    where=document.where(("clauses", number, "counts_with")),
                    mend="Name an earlier clause.",
                )
            )
        if clause.clause in seen:
            problems.append(
                PatuhError(
                    f"clause {clause.clause} is given twice",
                    where=document.where(("clauses", number, "clause")),
                    mend="Keep one of the two.",
                )
            )
        if clause.parent is not None and clause.parent not in seen:
            problems.append(
                PatuhError(
                    f"clause {clause.clause} names the parent {clause.parent}, which does not stand before it",
                    where=document.where(("clauses", number, "parent")),
                    mend="Put the parent first.",
                )
            )
        seen.add(clause.clause)
    if problems:
        raise InvalidInput(problems)
    return regulation


def _references(
    regulation: Regulation,
    document: strict_yaml.Document,
    controls: dict[str, Control],
    parameters: dict[str, Parameter],
) -> list[PatuhError]:
    """What is wrong with the controls and figures that a regulation names."""
    problems = []
    for number, clause in enumerate(regulation.clauses):
        if clause.kind.asks and not clause.controls:
            problems.append(
                PatuhError(
                    f"clause {clause.clause} asks for something, but no control satisfies it",
                    where=document.where(("clauses", number)),
                    mend="Name one under 'controls', or choose another 'kind'.",
                )
            )
        for position, identifier in enumerate(clause.controls):
            if identifier not in controls:
                problems.append(
                    PatuhError(
                        f"clause {clause.clause} names the unknown control '{identifier}'",
                        where=document.where(("clauses", number, "controls", position)),
                        mend=suggestion(identifier, list(controls)),
                    )
                )
        for name in clause.figures:
            if name not in parameters:  # left alone, it would bind nobody
                mend = f"{suggestion(name, list(parameters), PARAMETERS)} What is no parameter belongs under 'facts'."
                problems.append(
                    PatuhError(
                        f"clause {clause.clause} sets the unknown parameter '{name}'",
                        where=document.where(("clauses", number, "figures", name)),
                        mend=mend,
                    )
                )
    return problems


def validate(path: Path) -> Regulation:
    """Read one regulation's file and check it against the suite's controls and parameters.

    :raises InvalidInput: naming file, line and column of everything wrong in it.
    """
    return _validated(strict_yaml.load(path))


def validate_text(text: str, path: Path) -> Regulation:
    """The same for text that is not in the file yet."""
    return _validated(strict_yaml.parse(text, path))


def _validated(document: strict_yaml.Document) -> Regulation:
    regulation = _regulation(document)
    known = default_catalogue()
    problems = _references(regulation, document, known.controls, known.parameters)
    if problems:
        raise InvalidInput(problems)
    return regulation


def load(folder: Path = FOLDER) -> Catalogue:
    """Read all regulations, controls and parameters below a folder and check what they say of each other.

    :raises InvalidInput: naming file, line and column of everything wrong.
    """
    problems: list[PatuhError] = []
    parameters = _load_mapping(folder / "parameters.yml", Parameter)
    controls: dict[str, Control] = {}
    for path in sorted((folder / "controls").glob("*.yml")):
        document = strict_yaml.load(path)
        entries = document.data if isinstance(document.data, list) else []
        for number, entry in enumerate(entries):
            try:
                control = Control.model_validate(entry)
            except ValidationError as error:
                problems += readable(error, document, (number,)).problems
                continue
            if control.id in controls:
                problems.append(
                    PatuhError(
                        f"control {control.id} is given twice",
                        where=document.where((number, "id")),
                        mend="Keep one of the two.",
                    )
                )
            for name in control.parameters:
                if name not in parameters:
                    problems.append(
                        PatuhError(
                            f"control {control.id} uses the unknown parameter '{name}'",
                            where=document.where((number, "parameters")),
                            mend=suggestion(name, list(parameters), PARAMETERS),
                        )
                    )
            controls[control.id] = control
    regulations: dict[str, Regulation] = {}
    for path in sorted((folder / "regulations").glob("*.yml")):
        try:
            regulation, document = load_regulation(path)
        except InvalidInput as error:
            problems += error.problems
            continue
        regulations[regulation.id] = regulation
        problems += _references(regulation, document, controls, parameters)
    if problems:
        raise InvalidInput(problems)
    return Catalogue(regulations=regulations, controls=controls, parameters=parameters)


def _load_mapping(path: Path, model: type[Parameter]) -> dict[str, Parameter]:
    document = strict_yaml.load(path)
    found = {}
    for name, entry in (document.data or {}).items():
        try:
            found[name] = model.model_validate(entry)
        except ValidationError as error:
            raise readable(error, document, (name,)) from error
    return found


@cache
def default_catalogue() -> Catalogue:
    """The catalogue that comes with the suite."""
    return load()
