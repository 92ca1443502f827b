"""What several commands share."""

from __future__ import annotations

import contextlib
import datetime
import getpass
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from compliance.assessment import FILE_NAME, Assessment
from reports import html, junit, metrics, ohdf, oscal, pdf, sarif, spreadsheet
from reports.presentation import LANGUAGES, Language

REPOSITORY = Path(__file__).resolve().parent.parent
OUTPUT = Path("output")
ASSESSMENT = FILE_NAME

console = Console(highlight=False)
progress_console = Console(stderr=True, highlight=False)


class Steps:
    """Progress as a person and a log file can both follow it: a line per step with the time since the start."""

    def __init__(self) -> None:
        self.started = datetime.datetime.now()

    def __call__(self, text: str) -> None:
        """Say what happens now."""
        elapsed = int((datetime.datetime.now() - self.started).total_seconds())
        progress_console.print(f"[dim]{elapsed // 60:3d}:{elapsed % 60:02d}[/]  ", end="")
        progress_console.print(text, markup=False)


@contextlib.contextmanager
def host_progress(what: str) -> Iterator[object]:
    """A callback for the progress of hosts: live bars in a terminal, a line per host elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    if not sys.stderr.isatty():

        def line(host: str, done: int, of: int) -> None:
            if done == of:
                progress_console.print(f"{what}: {host}: {done}/{of}", markup=False)

        yield line
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=progress_console,
        transient=True,
    ) as bars:
        tasks: dict[str, object] = {}

        def bar(host: str, done: int, of: int) -> None:
            if host not in tasks:
                tasks[host] = bars.add_task(f"{what} {host}", total=of)
            bars.update(tasks[host], completed=done)  # type: ignore[arg-type]

        yield bar


def this_person() -> str:
    """The account of whoever runs the command, also through sudo."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(scratch).chmod(0o644)
        Path(scratch).rename(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def write_reports(assessment: Assessment, folder: Path, language: Language) -> Path:
    """Write the assessment and every report of it; gives the HTML's path."""
    write_whole(folder / ASSESSMENT, assessment.document)
    write_whole(folder / "report.html", html.render(assessment, language).encode())
    for one in LANGUAGES:
        write_whole(folder / f"report.{one}.pdf", pdf.render(assessment, one))
    write_whole(folder / "findings.xlsx", spreadsheet.render(assessment, language))
    write_whole(folder / "findings.csv", spreadsheet.render_csv(assessment, language))
    write_whole(folder / "junit.xml", junit.render(assessment))
    write_whole(folder / "findings.sarif", sarif.render(assessment))
    write_whole(folder / "metrics.prom", metrics.render(assessment))
    write_whole(folder / "ohdf.json", ohdf.render(assessment, language))
    documents = oscal.render(assessment, language)
    for name, content in documents.items():
        write_whole(folder / "oscal" / name, content)
    for old in (folder / "oscal").glob("*.json"):
        if old.name not in documents:  # such as a plan of action when nothing is open any more
            old.unlink()
    return folder / "report.html"
