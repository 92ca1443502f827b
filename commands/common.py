"""What several commands share."""

from __future__ import annotations

import contextlib
import datetime
import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from compliance.assessment import FILE_NAME, Assessment, printable, printable_lines
from compliance.errors import InvalidInput
from reports import folder as reports
from reports.presentation import Language

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
        progress_console.print(printable(text), markup=False)


def tell(text: str, *, error: bool = False) -> None:
    """Say something that may hold a server's own words: none of them steers the terminal."""
    click.echo(printable_lines(text), err=error)


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


def beside(folder: Path, what: str) -> Path:
    """A folder beside another, named after it; also when that is where we are."""
    whole = folder.absolute()
    return (folder if folder.name else whole).with_name(f"{whole.name}-{what}") if whole.name else whole / what


def write_reports(assessment: Assessment, folder: Path, language: Language) -> Path:
    """Write the assessment and every report of it; gives the HTML's path.

    :raises InvalidInput: after all others are written, naming each report that could not be made.
    :raises PatuhError: when the place takes no more, or holds what is not Patuh's.
    """
    files, problems = reports.render(assessment, language)
    put_reports(folder, files, assessment.fleet)
    if problems:
        raise InvalidInput(problems)
    return folder / "report.html"


def put_reports(folder: Path, files: dict[str, bytes], fleet: str) -> None:
    """Put the reports of a fleet in the place of those that are there, and say what was lost by that."""
    signed = (folder / reports.SIGNATURE).exists()
    before = reports.write(folder, files)
    if before and before.fleet != fleet:
        tell(f"{folder}: the reports of '{before.fleet}' that were there are replaced")
    if signed:
        tell(f"{folder}: the reports that were there were signed; the signature is gone with them")
