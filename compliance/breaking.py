"""Breaks: how a compliant server comes to violate exactly one control, so that its check can be seen to fail.

They stand in ``breaks/``, a file per area as the controls do. Only the proof (``patuh test --proof``) runs them,
on virtual machines of its own.
"""

from __future__ import annotations

import datetime
import fnmatch
import hashlib
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from compliance import strict_yaml
from compliance.assessment import Finding, Status
from compliance.catalogue import FOLDER, Strict, readable, suggestion
from compliance.checking import all_checks
from compliance.deciding import source_of
from compliance.errors import InvalidInput, PatuhError

# What breaks may use: a Debian package with nothing in it but a name, a version and a section; prints its file.
# It is newer than any that Debian has of that name, or a security update for it could be pending on some days.
# And an archive, as Debian's for security, with an update of such a package, which may need a package more.
SHELL_FUNCTIONS = """
empty_package() {
    mkdir -p "/run/empty/$1/DEBIAN"
    printf 'Package: %s\\nVersion: %s\\nSection: %s\\nArchitecture: all\\nMaintainer: root\\nDescription: empty\\n' \\
        "$1" "${2:-99:1}" "${3:-misc}" >"/run/empty/$1/DEBIAN/control"
    dpkg-deb --build "/run/empty/$1" "/run/empty/$1.deb" >/dev/null
    echo "/run/empty/$1.deb"
}
pending_update() {
    dpkg -i "$(empty_package "$1" 1)"
    mkdir -p "/var/$1-archive"
    cd "/var/$1-archive"
    cp "$(empty_package "$1" 2)" "$1.deb"
    [ -z "${2:-}" ] || cp "$(empty_package "$2" 2)" "$2.deb"
    for package in *.deb; do
        printf 'Package: %s\\nVersion: 2\\nArchitecture: all\\nMaintainer: root\\nDescription: empty\\n' \\
            "${package%.deb}"
        [ "$package" != "$1.deb" ] || [ -z "${2:-}" ] || echo "Depends: $2"
        printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' \\
            "$package" "$(stat -c %s "$package")" "$(sha256sum "$package" | cut -d' ' -f1)"
    done >Packages
    suite="$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)-security"
    printf 'Origin: Debian\\nLabel: Debian-Security\\nSuite: stable-security\\nCodename: %s\\nDate: %s\\n' \\
        "$suite" "$(date -Ru)" >Release
    printf 'SHA256:\\n %s %s Packages\\n' "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)" >>Release
    echo "deb [trusted=yes] file:/var/$1-archive ./" >"/etc/apt/sources.list.d/$1.list"
    apt-get -qq update -o Dir::Etc::sourcelist="/etc/apt/sources.list.d/$1.list" -o Dir::Etc::sourceparts=- \\
        -o APT::Get::List-Cleanup=0
}
forget_update() {
    rm -rf "/etc/apt/sources.list.d/$1.list" "/var/$1-archive" /var/lib/apt/lists/*"$1"*
    dpkg --purge "$1"
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
SHARE = 30  # breaks in the round that follows every change: on two emulated machines about five minutes


class Proof(Strict):
    """When a break was proved on which server, and the digest of the recipe and of what decides the check."""

    digest: str
    on: dict[str, datetime.date]


PROOFS = TypeAdapter(dict[str, dict[str, Proof]])


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

    @property
    def digest(self) -> str:
        """What changes when the recipe or anything that decides the check does: then the proof is void."""
        recipe = self.recipe.model_dump_json(include={"run", "seen", "also", "heal"})
        helped = any(name in recipe for name in re.findall(r"^(\w+)\(\)", SHELL_FUNCTIONS, re.MULTILINE))
        source = source_of(all_checks()[self.control]) + (SHELL_FUNCTIONS if helped else "")
        return hashlib.sha256((recipe + source).encode()).hexdigest()[:12]


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


def proved(breaks: Iterable[NamedBreak]) -> dict[str, dict[str, datetime.date]]:
    """The breaks, as text, that were proved as they and their checks are now, with the day for each server.

    :raises InvalidInput: when the file is not as the proof writes it.
    """
    document = strict_yaml.load(PROVED_FILE)
    try:
        known = PROOFS.validate_python(document.data or {})
    except ValidationError as error:
        raise readable(error, document) from error
    found = ((one, known.get(one.control, {}).get(one.name)) for one in breaks)
    return {str(one): proof.on for one, proof in found if proof and proof.digest == one.digest}


def last_proved() -> dict[str, datetime.date]:
    """By control: the day since which all of its breaks have been proved on every server."""
    breaks = load(known=all_checks())
    when = proved(breaks)
    void = {one.control for one in breaks if str(one) not in when}
    days: dict[str, list[datetime.date]] = {}
    for one in breaks:
        if one.control not in void:
            days.setdefault(one.control, []).extend(when[str(one)].values())
    return {control: min(those) for control, those in days.items()}


def due(breaks: list[NamedBreak], today: datetime.date) -> list[NamedBreak]:
    """One round of breaks: those whose proof is void, and a share of the others that is another one every day.

    The share is a part of a round of the whole proof: those breaks have been seen side by side, and do not touch each
    other in ways that nobody has looked for yet.
    """
    when = proved(breaks)
    chance = random.Random(today.toordinal())  # noqa: S311 (nothing here is secret)
    void = [one for one in breaks if str(one) not in when]
    about = void[0] if void else chance.choice(breaks)
    others = [one for together in rounds(breaks) if about in together for one in together if one not in void]
    chance.shuffle(others)
    first = rounds([*void, *others])[0]
    return first[: max(sum(one in void for one in first), SHARE)]


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
