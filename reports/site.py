"""A static site of all published reports, which any web server can serve; who may see it is for that server to say.

Each run has a folder of its own, by fleet and moment, with the reports as they were, signature included; the first page
lists them. Everything on it is read again from the published assessments, so a folder that is removed is forgotten.
"""

from __future__ import annotations

import fnmatch
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from compliance.assessment import FILE_NAME as ASSESSMENT
from compliance.assessment import Assessment, read
from compliance.errors import InvalidInput, PatuhError
from reports import charts
from reports.html import environment
from reports.presentation import LANGUAGES, RUNS_DRAWN, Language, View
from reports.signing import MANIFEST, SIGNATURE, STATEMENT

# What is published, by name: nothing that happens to lie beside the reports.
REPORTS = (
    *(ASSESSMENT, "report.html", "report.*.pdf", "findings.xlsx", "findings.csv", "findings.sarif"),
    *("junit.xml", "metrics.prom", "ohdf.json", "oscal/*.json", MANIFEST, SIGNATURE, STATEMENT),
)


@dataclass(frozen=True)
class Published:
    """A published run: where it lies, as an address from the first page, and what it says."""

    at: str
    assessment: Assessment
    signed: bool

    def view(self, language: Language) -> View:
        """What it says, worded."""
        return View(language, self.assessment)


def publish(folder: Path, site: Path, language: Language = "id") -> Path:
    """Add the reports of a folder to a site and write its first page anew; gives the run's own folder.

    :raises PatuhError: when the folder holds no assessment, or something that is no report.
    """
    assessment = read(folder / ASSESSMENT)
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if not path.is_dir()]
    strangers = [name for name in names if not _is_report(folder / name, name)]
    if strangers:
        raise InvalidInput(
            [PatuhError("is no report", where=str(folder / one), mend="Move it elsewhere.") for one in strangers]
        )
    own = f"{_slug(assessment.fleet)}/{assessment.created:%Y%m%dT%H%M%SZ}"
    target = site / own
    target.parent.mkdir(parents=True, exist_ok=True)
    # The copy takes its place whole or not at all, so that nobody is served half of it.
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
    try:
        for name in names:
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, scratch / name)
        scratch.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    page = site / ".index.html.new"
    page.write_text(first_page(runs(site), language), encoding="utf-8")
    page.replace(site / "index.html")
    return target


def runs(site: Path) -> list[Published]:
    """Every published run, the newest first.

    :raises PatuhError: naming an assessment that cannot be read.
    """
    found = [
        Published(path.parent.relative_to(site).as_posix(), read(path), (path.parent / SIGNATURE).exists())
        for path in sorted(site.glob(f"*/*/{ASSESSMENT}"))
        if not path.parent.name.startswith(".")
    ]
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


def _is_report(path: Path, name: str) -> bool:
    return path.is_file() and not path.is_symlink() and any(fnmatch.fnmatchcase(name, one) for one in REPORTS)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "fleet"
