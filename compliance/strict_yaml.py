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
from compliance.reading import read_text

KeyPath = tuple[str | int, ...]

_INTEGER = re.compile(r"^[-+]?(0|[1-9][0-9]*)$")
_FLOAT = re.compile(r"^[-+]?(0|[1-9][0-9]*)\.[0-9]+$")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
MAX_BYTES = 8_000_000
MAX_DEPTH = 40
MAX_DIGITS = 30  # what no figure, year or number of a person needs; Python itself ends at 4,300
# Aliases within aliases would make a short file a huge one.
MAX_VALUES = 200_000
PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "float", "int", "null", "str", "timestamp", "value")}
PLAIN_TAGS |= {"!", "tag:yaml.org,2002:merge"}
QUOTED = ("'", '"', "|", ">")


class _Loader(yaml.CSafeLoader):
    """A loader that ends at too deep a nesting, before the composer's recursion has used up the stack."""

    depth = 0

    def descend_resolver(self, current_node: yaml.Node | None, current_index: Any) -> None:
        """Go into a node; the composer calls this for each."""
        self.depth += 1
        if self.depth > MAX_DEPTH + 1:
            mark = current_node.start_mark if current_node else None
            raise yaml.MarkedYAMLError(problem=f"more than {MAX_DEPTH} levels within each other", problem_mark=mark)
        super().descend_resolver(current_node, current_index)

    def ascend_resolver(self) -> None:
        """Leave a node."""
        self.depth -= 1
        super().ascend_resolver()


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
    return parse(read_text(path, MAX_BYTES), path, tags)


def parse(text: str, path: Path, tags: frozenset[str] = frozenset()) -> Document:
    """Read YAML text as if it came from ``path``.

    :raises InvalidInput: as :func:`load`.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise InvalidInput(
            [PatuhError(f"is not valid YAML: {error.problem}", where=place, mend="Mend the syntax there.")]
        ) from error
    except yaml.YAMLError as error:
        # A sign that YAML does not allow, such as NUL; the place counts bytes.
        before = text.encode("utf-8", "replace")[: getattr(error, "position", 0)]
        line = before.count(b"\n") + 1
        raise InvalidInput(
            [PatuhError("is not valid YAML", where=f"{path}:{line}", mend="Remove the unreadable characters there.")]
        ) from error
    except UnicodeEncodeError as error:  # half a character, as a command line may hold it
        raise InvalidInput([PatuhError("is no text", where=str(path), mend="Write it as UTF-8.")]) from error
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
        if number := _INTEGER.match(value) or _FLOAT.match(value):
            if len(value) > MAX_DIGITS:
                problem("the number is too long", node.start_mark, "Shorten it, or quote it if it is text.")
                return None
            return float(value) if number.re is _FLOAT else int(value)
        return value

    data = build(node, ()) if node is not None else None
    if problems:
        raise InvalidInput(problems)
    return Document(path, data, lines)
