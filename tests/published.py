"""Tables of trials on virtual machines, kept in ``docs/`` so that everybody can read what was seen."""

from __future__ import annotations

from collections.abc import Iterable

from commands.common import REPOSITORY


def row(*cells: object) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    columns = list(head)
    return "\n".join([row(*columns), "|---" * len(columns) + "|", *(row(*cells) for cells in rows)])


def publish(name: str, title: str, *paragraphs: str) -> None:
    """Write ``docs/<name>.md``; ``python -m tests.<name>`` is what writes it again."""
    text = "\n\n".join([f"# {title}", f"<!-- written by 'python -m tests.{name}' -->", *paragraphs])
    (REPOSITORY / "docs" / f"{name}.md").write_text(text + "\n", encoding="utf-8")
