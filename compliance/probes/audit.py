"""Rules of the kernel's audit system, as ``auditctl -l`` lists them and as files hold them: auditctl(8)."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

# Fields that tell where and how a rule looks; any other one may leave out whoever does it in another way.
FIELDS = {"path", "dir", "perm", "key", "arch"}


@dataclass(frozen=True)
class Rule:
    """A rule about what is done to a file, or to a directory and all in it."""

    path: str
    recursive: bool
    permissions: str
    records: bool

    def meets_writes(self, path: str) -> bool:
        """Whether the rule is about everybody who writes to a path; one that ends with a slash is a directory."""
        rule, wanted = PurePosixPath(self.path), PurePosixPath(path)
        there = rule in wanted.parents or rule == wanted if self.recursive else rule == wanted and path[-1] != "/"
        return "w" in self.permissions and there


def rules(text: str) -> list[Rule]:
    """The rules over files for all who touch them, in the order in which the kernel asks them."""
    found: list[Rule] = []
    for line in text.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        options = list(itertools.pairwise(words))
        if watched := [value for name, value in options if name == "-w"]:
            # Whether that is a directory is not said; where something lies in it, it is one.
            permissions = next((value for name, value in options if name == "-p"), "rwxa")
            found.append(Rule(watched[0], True, permissions, True))
        elif words and words[0] in ("-a", "-A") and "exit" in (kind := words[1].split(",")):
            fields = dict(_fields(options))
            place = fields.get("dir") or fields.get("path")
            if place and set(fields) <= FIELDS:
                rule = Rule(place, "dir" in fields, fields.get("perm", "rwxa"), "always" in kind)
                found.insert(0 if words[0] == "-A" else len(found), rule)
    return found


def _fields(options: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in options:
        match = re.fullmatch(r"(\w+)([!<>&]?=|[<>&])(.*)", value)
        # That whoever never logged in is left out, hardening guides ask for themselves.
        if name == "-F" and match and not (match[1] == "auid" and match[2] in ("!=", ">=")):
            yield (match[1] if match[2] == "=" else value), match[3]


def watches_writes(text: str, path: str) -> bool:
    """Whether the first rule about everybody who writes to a path records it."""
    return next((rule.records for rule in rules(text) if rule.meets_writes(path)), False)
