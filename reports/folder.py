"""The folder in which the reports of one assessment lie: what belongs there, and its list.

The list, ``manifest.sha256``, names every file with its SHA-256 sum, as ``sha256sum --check`` reads it. It is written
last: what is as it says are the reports of one assessment, with nothing left over, half-written or brought in.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from compliance.assessment import FILE_NAME as ASSESSMENT
from compliance.assessment import Assessment, printable, read
from compliance.errors import InvalidInput, PatuhError
from compliance.history_store import FILE_NAME as HISTORY
from compliance.reading import read_bytes
from compliance.writing import DRAFTS, write_together
from reports import html, junit, metrics, ohdf, oscal, pdf, sarif, spreadsheet
from reports.presentation import LANGUAGES, Language

MANIFEST = "manifest.sha256"
SIGNATURE = f"{MANIFEST}.sig"
STATEMENT = "signed.yml"
TROUBLE_SHOWN = 200
LIST_BYTES_MAX = 10_000_000
NOT_LISTED = frozenset(
    {
        *(MANIFEST, SIGNATURE, ".DS_Store", "Thumbs.db", "desktop.ini"),
        *(f"{HISTORY}{end}" for end in ("", "-journal", "-wal", "-shm")),
    }
)
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_Render = Callable[[], bytes | dict[str, bytes]]


def _documents(assessment: Assessment, language: Language) -> dict[str, _Render]:
    """How every report is made, by its file's name; OSCAL is a folder of several."""
    return {
        "report.html": lambda: html.render(assessment, language).encode(),
        **{f"report.{one}.pdf": partial(pdf.render, assessment, one) for one in LANGUAGES},
        "findings.xlsx": lambda: spreadsheet.render(assessment, language),
        "findings.csv": lambda: spreadsheet.render_csv(assessment, language),
        "junit.xml": lambda: junit.render(assessment),
        "findings.sarif": lambda: sarif.render(assessment),
        "metrics.prom": lambda: metrics.render(assessment),
        "ohdf.json": lambda: ohdf.render(assessment, language),
        "oscal": lambda: oscal.render(assessment, language),
    }


def _file_names(assessment: Assessment) -> set[str]:
    """The names of every file that is written for an assessment, whether it could be made or not."""
    documents = set(_documents(assessment, "id")) - {"oscal"}
    return {ASSESSMENT, *documents, *(f"oscal/{name}" for name in oscal.file_names(assessment))}


def is_report(name: str) -> bool:
    """Whether a file's name, from its folder, is one that reports have."""
    patterns = (ASSESSMENT, "report.html", "report.*.pdf", "findings.*", "junit.xml", "metrics.prom", "ohdf.json")
    return any(fnmatch.fnmatchcase(name, one) for one in (*patterns, "oscal/*.json"))


def former(folder: Path) -> Assessment | None:
    """The assessment whose reports lie in a folder, and may be replaced; None where there are none.

    :raises PatuhError: when a file there would be overwritten and is not known to be of an assessment.
    """
    path = folder / ASSESSMENT
    mend = "Move it elsewhere, or name another folder with --output."
    if path.exists():
        try:
            return read(path)
        except PatuhError as error:
            raise PatuhError(error.problem, where=error.where, mend=mend) from error
    for name in sorted(one.relative_to(folder).as_posix() for one in (*folder.glob("*"), *folder.glob("oscal/*"))):
        if is_report(name) or name in (MANIFEST, SIGNATURE, STATEMENT):
            raise PatuhError("is there without an assessment: it is not Patuh's", where=str(folder / name), mend=mend)
    return None


def render(assessment: Assessment, language: Language) -> tuple[dict[str, bytes], list[PatuhError]]:
    """Every report by its name, and what is to be told of those that could not be made."""
    files = {ASSESSMENT: assessment.document}
    problems: list[PatuhError] = []
    for name, document in _documents(assessment, language).items():
        try:
            made = document()
        except Exception as error:  # whatever a server's words made of it, the other reports are to be had
            why = f"could not be made: {type(error).__name__}: {printable(str(error))[:TROUBLE_SHOWN]}"
            mend = f"The others are written; tell Patuh's makers, with {ASSESSMENT}."
            problems.append(PatuhError(why, where=name, mend=mend))
            continue
        files |= (
            {f"{name}/{file}": content for file, content in made.items()} if isinstance(made, dict) else {name: made}
        )
    return files, problems


def not_made_of_the_assessment(folder: Path, mend: str) -> list[PatuhError]:
    """What the folder's list names that is not what its assessment gives, byte by byte, in one of the languages.

    Whoever changed a report can have made the list anew, too; the reports cannot be made to say something else.

    :param mend: what to do about it.
    :raises PatuhError: when there is no assessment or no list.
    """
    assessment = read(folder / ASSESSMENT)
    there = {name: digest for name, digest in listed(folder).items() if name != STATEMENT}
    html_of = {hashlib.sha256(html.render(assessment, one).encode()).hexdigest(): one for one in LANGUAGES}
    wanted = _sums(render(assessment, html_of.get(there.get("report.html", ""), "id"))[0])
    problems = []
    for name in sorted({*wanted, *there}):
        if wanted.get(name) != there.get(name):
            word = (
                "is no report" if name not in wanted else "is missing" if name not in there else "says something else"
            )
            problems.append(PatuhError(f"{word}, by the assessment", where=str(folder / name), mend=mend))
    return problems


def write(folder: Path, files: dict[str, bytes]) -> Assessment | None:
    """Put an assessment with its reports in the place of the former one's, which is given back.

    The former signature goes with the reports that it was of.

    :raises PatuhError: when they would replace what is not Patuh's, or there is no room; then all is as it was.
    """
    before = former(folder)
    gone = {MANIFEST, SIGNATURE, STATEMENT, *(_file_names(before) if before else ())} - set(files)
    manifest = manifest_of(_sums(files))
    write_together(folder, {**files, MANIFEST: manifest}, gone)
    return before


def _sums(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def manifest_of(digests: dict[str, str]) -> bytes:
    """The list of files by their SHA-256, as ``sha256sum`` writes it."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()


def listed(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file by its name, as the folder's list says.

    :raises PatuhError: when there is no list.
    :raises InvalidInput: naming lines that are not of it.
    """
    path = folder / MANIFEST
    if not path.is_file():
        mend = "'patuh report' writes the reports of an assessment anew, with their list."
        raise PatuhError("is missing", where=str(path), mend=mend)
    found: dict[str, str] = {}
    problems = []
    text = read_bytes(path, LIST_BYTES_MAX).decode(errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in found:
            mend = "The list was changed: 'patuh report' writes it anew."
            problems.append(PatuhError("is no line of the list", where=f"{path}:{number}", mend=mend))
        else:
            found[match[2]] = match[1]
    if problems:
        raise InvalidInput(problems)
    return found


def differences(folder: Path, mend: str) -> list[PatuhError]:
    """What is not as the folder's list says.

    :param mend: what to do about it.
    :raises PatuhError: when there is no list, or it is none.
    """
    wanted, there = listed(folder), _digests(folder)
    problems = []
    for name in sorted({*wanted, *there}):
        if wanted.get(name) == there.get(name):
            continue
        word = "has gone" if name not in there else "does not belong there" if name not in wanted else "was changed"
        problems.append(PatuhError(f"{word}, by the list of files", where=str(folder / name), mend=mend))
    return problems


def _digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file by its name in the folder, but for the list, its signature and what is nobody's report:
    the fleets' history, and what file managers leave.

    :raises PatuhError: for what is neither a file nor a folder, or has a name that a list cannot hold.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.startswith(DRAFTS):  # a run that writes now, or was killed
            continue
        if path.is_symlink() or not (path.is_file() or path.is_dir()) or "\n" in name or "\\" in name:
            raise PatuhError("is no plain file", where=str(path), mend="Move it elsewhere.")
        if path.is_file() and name not in NOT_LISTED:
            with path.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
