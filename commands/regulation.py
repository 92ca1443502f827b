"""``patuh regulation``: a city's own regulation as one file."""

from __future__ import annotations

from pathlib import Path

import click

from commands.common import console
from compliance import catalogue
from compliance.errors import PatuhError

SCAFFOLD = """\
# {title}. Every clause once, in the order of the text, in your own words: its sentences stay in the text.
# 'patuh regulation validate' checks this file; docs/add-a-regulation.md explains every field.
id: {id}
title:
  id: {title}
  en: {title}
citation: {citation}
clauses:
  # A chapter or section: it asks for nothing itself.
  - clause: "1"
    kind: heading
    topic: scope
    summary:
      id: "Bab pertama."
      en: "The first chapter."
  # What somebody must do. 'controls' names what satisfies it: see compliance/controls/.
  - clause: "1.1"
    parent: "1"
    kind: obligation
    topic: backup
    summary:
      id: "Server dicadangkan ke media luring."
      en: "Servers are backed up to offline media."
    controls: [backup.offline-scheduled]
    # Figures that the text sets, by the names in compliance/parameters.yml; the strictest regulation wins.
    figures:
      backup_files_days_max: 31
"""


@click.group()
def regulation() -> None:
    """Add a regulation of your own, and check it."""


@regulation.command()
@click.argument("identifier", metavar="ID")
@click.option("--title", required=True, help="The regulation's title.")
@click.option("--citation", required=True, help="How it is cited in short, such as 'Perwali 5/2026'.")
def new(identifier: str, title: str, citation: str) -> None:
    """Begin a regulation's file with two clauses to write over."""
    path = catalogue.FOLDER / "regulations" / f"{identifier}.yml"
    if path.exists():
        raise PatuhError("exists already", where=str(path), mend="Choose another id, or edit that file.")
    text = SCAFFOLD.format(id=identifier, title=_quoted(title), citation=_quoted(citation))
    catalogue.validate_text(text, path)
    path.write_text(text, encoding="utf-8")
    console.print(str(path), markup=False, soft_wrap=True)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@regulation.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
def validate(files: tuple[Path, ...]) -> None:
    """Check regulations: the given files, or all that the suite knows. Errors name file and line."""
    for path in files or sorted((catalogue.FOLDER / "regulations").glob("*.yml")):
        found = catalogue.validate(path)
        asks = sum(clause.kind.asks for clause in found.clauses)
        console.print(f"{path}: {len(found.clauses)} clauses, {asks} ask for something", markup=False, soft_wrap=True)
