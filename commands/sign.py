"""``patuh sign`` and ``patuh verify``."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import click

from commands.common import ASSESSMENT, OUTPUT
from compliance.assessment import read
from reports import signing
from reports.folder import MANIFEST

folder_argument = click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=OUTPUT)


def signers_option(*, required: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """By which signatures are verified."""
    return click.option(
        "--signers",
        type=click.Path(path_type=Path, dir_okay=False),
        required=required,
        help="The list of who may sign (ssh-keygen's allowed_signers), not from FOLDER.",
    )


revoked_option = click.option(
    "--revoked",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keys that sign no more: public keys, or ssh-keygen's revocation list.",
)


@click.command()
@folder_argument
@click.option("--key", type=click.Path(path_type=Path), required=True, help="The officer's SSH key.")
@click.option("--as", "by", metavar="NAME", required=True, help="The officer's name in allowed_signers.")
def sign(folder: Path, key: Path, by: str) -> None:
    """Sign the reports in FOLDER: each changed byte shows from then on."""
    read(folder / ASSESSMENT)
    signed = signing.sign(folder, key, by, datetime.datetime.now(datetime.UTC).astimezone())
    click.echo(f"{folder / MANIFEST}: signed as {signed.by} with {signed.key}")


@click.command()
@folder_argument
@signers_option(required=True)
@revoked_option
def verify(folder: Path, signers: Path, revoked: Path | None) -> None:
    """Tell who signed the reports in FOLDER, and whether anything was changed since."""
    signed = signing.verify(folder, signers, revoked)
    click.echo(f"{folder}: as signed by {signed.by} on {signed.at.isoformat(' ')} with {signed.key}")
