"""Breaks: how a compliant server comes to violate exactly one control, so that its check can be seen to fail.

They stand in ``breaks/``, a file per area as the controls do. Only the proof (``patuh test --proof``) runs them,
on virtual machines of its own.
"""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from compliance import strict_yaml
from compliance.assessment import Finding, Status
from compliance.catalogue import FOLDER, Strict, readable, suggestion
from compliance.errors import InvalidInput, PatuhError

# What breaks may use: a Debian package with nothing in it but a name, a version and a section; prints its file.
SHELL_FUNCTIONS = """
empty_package() {
    mkdir -p "/run/empty/$1/DEBIAN"
    printf 'Package: %s\\nVersion: %s\\nSection: %s\\nArchitecture: all\\nMaintainer: root\\nDescription: empty\\n' \\
        "$1" "${2:-1}" "${3:-misc}" >"/run/empty/$1/DEBIAN/control"
    dpkg-deb --build "/run/empty/$1" "/run/empty/$1.deb" >/dev/null
    echo "/run/empty/$1.deb"
}
"""


class Break(Strict):
    """One way in which a control comes to be violated."""

    summary: str
    run: str = Field(description="Shell commands, run as root on a compliant server after SHELL_FUNCTIONS.")
    seen: list[str] = Field(description="Subjects of the observations that must not hold any more, as patterns.")
    also: dict[str, list[str]] = Field(default={}, description="Other controls that rightly fail along, likewise.")
    apart: list[str] = Field(
        default=[], description="Controls, as patterns, whose breaks would disturb this one: not in one round."
    )
    heal: str | None = Field(
        default=None, description="What a person does first, where no role may or can: then the role is applied."
    )


BREAKS = TypeAdapter(dict[str, dict[str, Break]])
PROVED_FILE = FOLDER / "proved.yml"
# By control, break and server: the day on which the break was proved there.
Proved = dict[str, dict[str, dict[str, datetime.date]]]


@dataclass(frozen=True)
class NamedBreak:
    """A break with its control and its name."""

    control: str
    name: str
    recipe: Break

    def __str__(self) -> str:
        return f"{self.control}: {self.name}"

    @property
    def expected(self) -> dict[str, list[str]]:
        """For each control that fails, the subjects that must be named."""
        return {self.control: self.recipe.seen, **self.recipe.also}


def load(folder: Path = FOLDER / "breaks", known: Iterable[str] = ()) -> list[NamedBreak]:
    """Read every break, in the order of the files.

    :param known: the controls that there are.
    :raises InvalidInput: naming file, line and column of everything wrong.
    """
    known = list(known)
    found: list[NamedBreak] = []
    problems: list[PatuhError] = []
    for path in sorted(folder.glob("*.yml")):
        document = strict_yaml.load(path)
        try:
            controls = BREAKS.validate_python(document.data or {})
        except ValidationError as error:
            problems += readable(error, document).problems
            continue
        for control, recipes in controls.items():
            for name, recipe in recipes.items():
                found.append(NamedBreak(control, name, recipe))
                problems += [
                    PatuhError(
                        f"the break '{name}' names the unknown control '{one}'",
                        where=document.where((control, name)),
                        mend=suggestion(one, known),
                    )
                    for one in (control, *recipe.also)
                    if one not in known
                ]
    if problems:
        raise InvalidInput(problems)
    return found


def proved() -> Proved:
    """When each break was last proved, and on which server.

    :raises InvalidInput: when the file is not as the proof writes it.
    """
    document = strict_yaml.load(PROVED_FILE)
    try:
        return TypeAdapter(Proved).validate_python(document.data or {})
    except ValidationError as error:
        raise readable(error, document) from error


def last_proved() -> dict[str, datetime.date]:
    """By control: the day since which each of its breaks has been proved on every server."""
    return {
        control: min(day for servers in breaks.values() for day in servers.values())
        for control, breaks in proved().items()
    }


def rounds(breaks: Iterable[NamedBreak]) -> list[list[NamedBreak]]:
    """The breaks in few rounds, so that in a round no break touches the control that another one is about."""
    planned: list[list[NamedBreak]] = []
    for one in breaks:
        for together in planned:
            if not any(_disturb(one, other) or _disturb(other, one) for other in together):
                together.append(one)
                break
        else:
            planned.append([one])
    return planned


def _disturb(one: NamedBreak, other: NamedBreak) -> bool:
    return other.control in one.expected or any(fnmatch.fnmatch(other.control, pattern) for pattern in one.recipe.apart)


def expected_of(breaks: Iterable[NamedBreak]) -> dict[str, list[str]]:
    """For each control that fails when all these breaks are done, the subjects that must be named."""
    expected: dict[str, list[str]] = {}
    for one in breaks:
        for control, subjects in one.expected.items():
            expected.setdefault(control, []).extend(subjects)
    return expected


def unexpected(before: Finding, after: Finding, subjects: list[str] | None) -> str | None:
    """What is wrong with a finding after breaks: None when it is as it should be.

    :param subjects: patterns of the observations that must fail; None when the control must be as before.
    """
    if subjects is None:
        if after.status is not before.status:
            failing = [f"{o.subject}: {o.observed}" for o in after.observations if not o.holds]
            said = failing or (after.reason.values if after.reason else "")
            return f"became {after.status}, which nothing was meant to do: {said}"
        return None
    if before.status is not Status.PASS:
        return f"was {before.status} before"
    if after.status is not Status.FAIL:
        reason = after.reason.values if after.reason else ""
        return f"is {after.status} {reason} and must fail on {subjects}"
    named = [observation.subject for observation in after.observations if not observation.holds]
    missing = [pattern for pattern in subjects if not fnmatch.filter(named, pattern)]
    strangers = [subject for subject in named if not any(fnmatch.fnmatch(subject, pattern) for pattern in subjects)]
    if missing:
        return f"fails, but not on {missing}: {named}"
    return f"fails also on {strangers}" if strangers else None
