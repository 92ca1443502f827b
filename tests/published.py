"""Tables of trials on virtual machines, kept in ``docs/`` so that everybody can read what was seen."""

from __future__ import annotations

import re
from collections.abc import Iterable

from commands.common import REPOSITORY


def row(*cells: object) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    columns = list(head)
    return "\n".join([row(*columns), "|---" * len(columns) + "|", *(row(*cells) for cells in rows)])


def rows_of(name: str) -> list[list[str]]:
    """The rows of the table in ``docs/<name>.md``; none without such a file."""
    path = REPOSITORY / "docs" / f"{name}.md"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |")) for line in lines if line[:2] == "| "]
    return [[cell.replace("\\|", "|") for cell in one] for one in rows[1:]]


def publish(name: str, title: str, *paragraphs: str) -> None:
    """Write ``docs/<name>.md``; ``python -m tests.<name>`` is what writes it again."""
    program = f"python -m tests.{name.replace('-', '_')}"
    text = "\n\n".join([f"# {title}", f"<!-- written by '{program}' -->", *paragraphs])
    (REPOSITORY / "docs" / f"{name}.md").write_text(text + "\n", encoding="utf-8")
