"""``patuh publish``."""

from __future__ import annotations

from pathlib import Path

import click

from commands.check import language_option
from commands.common import OUTPUT, console
from reports import site
from reports.presentation import Language


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=OUTPUT)
@language_option
def publish(directory: Path, folder: Path, language: Language) -> None:
    """Add the reports in FOLDER to the static site in DIRECTORY, which lists every run.

    Reports tell how servers are protected and where not: serve DIRECTORY only to those who may know.
    """
    console.print(str(site.publish(folder, directory, language)), markup=False, soft_wrap=True)
