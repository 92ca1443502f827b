"""Rules of the kernel's audit system, as ``auditctl -l`` lists them and as files hold them: auditctl(8)."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

FIELD = r"(\w+)([!<>&]?=|[<>&])(.*)"
MACHINES = {"x86_64": "b64", "aarch64": "b64", "i386": "b32", "arm": "b32"}


@dataclass(frozen=True)
class Rule:
    """A rule of the list ``exit``: whether it records, and whom it looks at.

    ``only`` are the fields that narrow it to something else than a file, a kind of access or an architecture, as to one
    account or to calls that failed. Whoever never logged in may be left out: hardening guides ask for that themselves.
    """

    records: bool
    calls: frozenset[str]
    path: str | None = None
    recursive: bool = False
    permissions: str = "rwxa"
    arch: str = "b64"
    only: frozenset[str] = frozenset()

    def meets_writes(self, path: str) -> bool:
        """Whether the rule is about everybody who writes to a path; one that ends with a slash is a directory."""
        if self.path is None or self.only or self.calls - {"all"} or "w" not in self.permissions:
            return False
        rule, wanted = PurePosixPath(self.path), PurePosixPath(path)
        if rule == wanted:
            return self.recursive or not path.endswith("/")
        return self.recursive and rule in wanted.parents

    def meets_call(self, call: str, arch: str) -> bool:
        """Whether the rule is about everybody who makes a system call."""
        # clock_settime's first argument says which clock: guides name the one that tells the time.
        return self.path is None and self.arch == arch and bool({call, "all"} & self.calls) and not self.only - {"a0"}


def rules(text: str) -> list[Rule]:
    """The rules in the order in which the kernel asks them; lines that are none, or of other lists, are left out."""
    found: list[Rule] = []
    for line in text.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        options = list(itertools.pairwise(words))
        if watched := [value for name, value in options if name == "-w"]:
            permissions = next((value for name, value in options if name == "-p"), "rwxa")
            # Whether that is a directory is not said; where something lies in it, it is one.
            found.append(Rule(True, frozenset(), watched[0], True, permissions))
        elif len(words) > 1 and words[0] in ("-a", "-A") and "exit" in (kind := words[1].split(",")):
            calls = frozenset(call for name, value in options if name == "-S" for call in value.split(","))
            fields = [match for name, value in options if name == "-F" and (match := re.match(FIELD, value))]
            told = {match[1]: match[3] for match in fields if match[2] == "="}
            rule = Rule(
                records="always" in kind,
                calls=calls,
                path=told.get("dir") or told.get("path"),
                recursive="dir" in told,
                permissions=told.get("perm", "rwxa"),
                arch=MACHINES.get(told.get("arch", "b64"), told.get("arch", "b64")),
                only=frozenset(match[1] for match in fields if not _leaves_all(match[1], match[2])),
            )
            found.insert(0 if words[0] == "-A" else len(found), rule)
    return found


def _leaves_all(field: str, comparison: str) -> bool:
    if field == "auid":
        return comparison in ("!=", ">=")
    return field in ("path", "dir", "perm", "key", "arch") and comparison == "="


def watches_writes(text: str, path: str) -> bool:
    """Whether the first rule about everybody who writes to a path records it."""
    return _first(text, lambda rule: rule.meets_writes(path))


def records_call(text: str, call: str, arch: str) -> bool:
    """Whether the first rule about everybody who makes a call records it.

    :param arch: ``b64`` or ``b32``: whose numbers of calls are meant.
    """
    return _first(text, lambda rule: rule.meets_call(call, arch))


def _first(text: str, meets: Callable[[Rule], bool]) -> bool:
    return next((rule.records for rule in rules(text) if meets(rule)), False)
