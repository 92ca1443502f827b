"""``patuh publish``."""

from __future__ import annotations

from pathlib import Path

import click

from commands.check import language_option
from commands.common import OUTPUT, console, tell
from commands.sign import revoked_option, signers_option
from reports import site
from reports.presentation import Language


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=OUTPUT)
@signers_option(required=False)
@revoked_option
@language_option
def publish(directory: Path, folder: Path, signers: Path | None, revoked: Path | None, language: Language) -> None:
    """Add the reports in FOLDER to the static site in DIRECTORY, which lists every run.

    The signatures of all runs are verified by --signers each time. Reports tell how servers are protected and where
    not: serve DIRECTORY only to those who may know.
    """
    if revoked and not signers:
        raise click.UsageError("--revoked needs --signers, the list of who may sign.")
    who = site.Signers(signers, revoked) if signers else None
    target, all_runs, unread = site.publish(folder, directory, language, who)
    for trouble in (*(run.broken for run in all_runs if run.broken), *unread):
        tell(f"patuh: {trouble}", error=True)
    console.print(str(target), markup=False, soft_wrap=True)
