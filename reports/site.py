"""A static site of all published reports, which any web server can serve; who may see it is for that server to say.

Each run has a folder of its own, by fleet and moment, with the reports as they were, signature included; the first page
lists them. Everything on it is read again from the published assessments, so a folder that is removed is forgotten.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from compliance.assessment import FILE_NAME as ASSESSMENT
from compliance.assessment import Assessment, read
from compliance.errors import InvalidInput, PatuhError
from compliance.writing import DRAFTS
from reports import charts
from reports.folder import MANIFEST, SIGNATURE, STATEMENT, differences, is_report, listed
from reports.html import environment
from reports.presentation import LANGUAGES, RUNS_DRAWN, Language, View
from reports.signing import Signed, not_reports, verify


@dataclass(frozen=True)
class Published:
    """A published run: where it lies, as an address from the first page, and what it says."""

    at: str
    assessment: Assessment
    signed: Signed | None = None
    broken: PatuhError | None = None  # why its signature does not hold

    def view(self, language: Language) -> View:
        """What it says, worded."""
        return View(language, self.assessment)


@dataclass(frozen=True)
class Signers:
    """Who may sign: an ``allowed_signers`` file, and what is revoked of it."""

    allowed: Path
    revoked: Path | None = None


def publish(
    folder: Path, site: Path, language: Language = "id", signers: Signers | None = None
) -> tuple[Path, list[Published], list[PatuhError]]:
    """Add the reports of a folder to a site and write its first page anew.

    Gives the run's own folder, all runs, and what is there and cannot be read as a run.

    :param signers: by which signatures are verified, of this run and of those that are there; needed where one is.
    :raises PatuhError: when the folder holds no assessment, something that is not of it, or a signature that does not
        hold; nothing is published then.
    """
    assessment = read(folder / ASSESSMENT)
    # The list of files decides what is of the assessment; that names are those of reports, what may be seen at all.
    problems = not_reports(folder)
    problems += differences(folder, "Publish reports as they were written; what is not of them goes elsewhere.")
    if not assessment.complete:
        mend = "Check once more, to the end."
        problems.append(PatuhError("was interrupted: it is not published", where=str(folder / ASSESSMENT), mend=mend))
    if problems:
        raise InvalidInput(problems)
    own = Published(
        f"{_slug(assessment.fleet)}/{assessment.created:%Y%m%dT%H%M%SZ}", assessment, _signed(folder, signers)
    )
    target = site / own.at
    with _alone(site):
        there, unread = runs(site, signers)
        _refuse_losses(site, target, own, there)
        all_runs = _newest_first([own, *(one for one in there if one.at != own.at)])
        target.parent.mkdir(exist_ok=True)
        target.parent.chmod(0o755)
        # The copy takes its place whole or not at all, so that nobody is served half of it.
        scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=DRAFTS))
        try:
            copy = scratch / "run"
            for name in (*listed(folder), MANIFEST, *((SIGNATURE,) if own.signed else ())):
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / name, copy / name)
            # What was copied is what was verified, whatever happened to the folder meanwhile.
            if differences(copy, "Publish it once more.") or _signed(copy, signers) != own.signed:
                raise PatuhError("was changed while it was published", where=str(folder), mend="Publish it once more.")
            # Reports are their owner's alone; what is published is for a web server to read.
            for path in (copy, *copy.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
            if target.exists():
                target.rename(scratch / "former")
            copy.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        page = site / ".index.html.new"
        page.write_text(first_page(all_runs, language), encoding="utf-8")
        page.chmod(0o644)
        page.replace(site / "index.html")
    return target, all_runs, unread


@contextlib.contextmanager
def _alone(site: Path) -> Iterator[None]:
    """Let nobody else change the site's list of runs meanwhile."""
    if not site.exists():
        site.mkdir(parents=True)
        site.chmod(0o755)
    with (site / ".lock").open("w") as lock:
        (site / ".lock").chmod(0o644)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _refuse_losses(site: Path, target: Path, own: Published, there: list[Published]) -> None:
    """Make sure that nothing is overwritten that is not an earlier state of the same run.

    :raises PatuhError: naming what would be lost.
    """
    first = site / "index.html"
    if first.is_dir() or (first.exists() and not there):
        raise PatuhError("is no first page of this site's", where=str(first), mend="Name a folder of its own.")
    before = next((one for one in there if one.at == own.at), None)
    if before is None and target.exists():
        raise PatuhError("is in the way", where=str(target), mend="Move it elsewhere.")
    if before is None:
        return
    if before.assessment.fleet != own.assessment.fleet:
        mend = "Give the fleets names that differ sooner."
        raise PatuhError(f"is of '{before.assessment.fleet}'", where=str(target), mend=mend)
    if before.signed and not own.signed:
        mend = "Sign the folder first, or remove the published run."
        raise PatuhError("is signed, and what would replace it is not", where=str(target), mend=mend)
    reports = {*(listed(target) if (target / MANIFEST).is_file() else ()), MANIFEST, SIGNATURE, STATEMENT}
    for path in sorted(target.rglob("*")):
        name = path.relative_to(target).as_posix()
        if path.is_file() and name not in reports and not is_report(name):
            raise PatuhError("would be lost", where=str(path), mend="Move it elsewhere.")


def runs(site: Path, signers: Signers | None = None) -> tuple[list[Published], list[PatuhError]]:
    """Every published run, the newest first, each with its signature verified again; and what is none that can be read.

    :raises PatuhError: naming a signature when it is not known who may sign.
    """
    found, unread = [], []
    for path in sorted(site.glob(f"*/*/{ASSESSMENT}")):
        folder = path.parent
        if folder.name.startswith("."):
            continue
        try:
            published = Published(folder.relative_to(site).as_posix(), read(path))
        except PatuhError as error:
            unread.append(PatuhError(f"is not listed: {error.problem}", where=error.where, mend=error.mend))
            continue
        try:
            found.append(dataclasses.replace(published, signed=_signed(folder, signers)))
        except PatuhError as error:
            if signers is None:
                raise
            found.append(dataclasses.replace(published, broken=error))
    return _newest_first(found), unread


def _signed(folder: Path, signers: Signers | None) -> Signed | None:
    """Who signed the reports of a folder; None when nobody did."""
    if not (folder / SIGNATURE).exists() and not (folder / STATEMENT).exists():
        return None
    if signers is None:
        mend = "Name the list of who may sign with --signers."
        raise PatuhError("is a signature that nobody verifies", where=str(folder / SIGNATURE), mend=mend)
    return verify(folder, signers.allowed, signers.revoked)


def _newest_first(found: list[Published]) -> list[Published]:
    return sorted(found, key=lambda one: one.assessment.created, reverse=True)


def first_page(published: list[Published], language: Language = "id") -> str:
    """The list of all runs, fleet by fleet; ``language`` is the one shown first."""
    fleets: dict[str, list[Published]] = {}
    for one in published:
        fleets.setdefault(one.assessment.fleet, []).append(one)
    trends = {
        fleet: charts.bars([one.assessment.score.tenths / 1000 for one in those[:RUNS_DRAWN][::-1]])
        for fleet, those in fleets.items()
    }
    views = [(one, View(one, published[0].assessment)) for one in LANGUAGES]
    return environment().get_template("site.html.j2").render(fleets=fleets, trends=trends, views=views, first=language)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "fleet"
