"""YAML as people mean it, with the place of every value.

Stricter than PyYAML: a key given twice is an error, ``no``, ``010`` and ``12:30`` stay text, and tags are
refused; and every value's line and column can be asked for, so that an error can name them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from compliance.errors import InvalidInput, PatuhError

KeyPath = tuple[str | int, ...]

_INTEGER = re.compile(r"^[-+]?(0|[1-9][0-9]*)$")
_FLOAT = re.compile(r"^[-+]?(0|[1-9][0-9]*)\.[0-9]+$")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
MAX_BYTES = 8_000_000
MAX_DEPTH = 40
# Aliases within aliases would make a short file a huge one.
MAX_VALUES = 200_000
PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "float", "int", "null", "str", "timestamp", "value")}
PLAIN_TAGS |= {"!", "tag:yaml.org,2002:merge"}
QUOTED = ("'", '"', "|", ">")


@dataclass(frozen=True)
class Document:
    """What a file holds, and where each of its values stands."""

    path: Path
    data: Any
    lines: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)

    def where(self, key_path: KeyPath = ()) -> str:
        """``file:line:column`` of a value, or of the closest thing around it that exists."""
        for length in range(len(key_path), -1, -1):
            if (place := self.lines.get(tuple(key_path[:length]))) is not None:
                return f"{self.path}:{place[0]}:{place[1]}"
        return str(self.path)


def load(path: Path, tags: frozenset[str] = frozenset()) -> Document:
    """Read a YAML file; values with one of ``tags`` (such as Ansible's ``!vault``) are kept as text.

    :raises InvalidInput: when the file cannot be read or is no strict YAML; names file, line and column.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput([PatuhError("the file is too large", where=str(path), mend="Split it.")])
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidInput(
            [PatuhError(f"cannot be read: {reason}", where=str(path), mend="Check the name and the permissions.")]
        ) from error
    return parse(text, path, tags)


def parse(text: str, path: Path, tags: frozenset[str] = frozenset()) -> Document:
    """Read YAML text as if it came from ``path``.

    :raises InvalidInput: as :func:`load`.
    """
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise InvalidInput(
            [PatuhError(f"is not valid YAML: {error.problem}", where=place, mend="Mend the syntax there.")]
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidInput(
            [PatuhError("is not valid YAML", where=str(path), mend="Remove unreadable characters or nesting.")]
        ) from error
    lines: dict[KeyPath, tuple[int, int]] = {}
    problems: list[PatuhError] = []

    def problem(text: str, mark: yaml.Mark, mend: str) -> None:
        problems.append(PatuhError(text, where=f"{path}:{mark.line + 1}:{mark.column + 1}", mend=mend))

    def build(node: yaml.Node, key_path: KeyPath) -> Any:
        lines.setdefault(key_path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if len(key_path) > MAX_DEPTH or len(lines) > MAX_VALUES:
            # Going on could take for ever.
            problem("holds too much", node.start_mark, "Flatten or split it; an alias may refer to itself.")
            raise InvalidInput(problems)
        if isinstance(node, yaml.MappingNode):
            result: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
                if key is None or key == "<<":
                    problem("a key must be plain text", key_node.start_mark, "Write the keys out.")
                    continue
                if key in result:
                    problem(f"the key '{key}' is given twice", key_node.start_mark, "Keep one of the two.")
                lines[(*key_path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
                result[key] = build(value_node, (*key_path, key))
            return result
        if isinstance(node, yaml.SequenceNode):
            return [build(item, (*key_path, number)) for number, item in enumerate(node.value)]
        return _scalar(cast(yaml.ScalarNode, node))

    def _scalar(node: yaml.ScalarNode) -> Any:
        value = str(node.value)
        if node.tag in tags:
            return value
        if node.tag not in PLAIN_TAGS:
            problem(f"the tag '{node.tag}' is not allowed", node.start_mark, "Write a plain value.")
        if node.style in QUOTED:  # quoted or block text stays text
            return value
        if value.lower() in _WORDS:
            return _WORDS[value.lower()]
        if _INTEGER.match(value):
            return int(value)
        if _FLOAT.match(value):
            return float(value)
        return value

    data = build(node, ()) if node is not None else None
    if problems:
        raise InvalidInput(problems)
    return Document(path, data, lines)
