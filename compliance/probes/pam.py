"""What PAM asks before it lets somebody through: a service's stack, as pam.conf(5) reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output

INCLUDES_MAX = 16
# pam.conf(5): what the four words stand for.
WORDS = {
    "required": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "bad"},
    "requisite": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "die"},
    "sufficient": {"success": "done", "new_authtok_reqd": "done", "default": "ignore"},
    "optional": {"success": "ok", "new_authtok_reqd": "ok", "default": "ignore"},
}
# Results that are neither yes nor no.
NEITHER = ("success", "new_authtok_reqd", "ignore")
NEVER_SUCCEED = ("pam_deny.so",)
# Of a server's own accounts, which these checks are about, it is always true.
ALWAYS_SUCCEED = ("pam_permit.so", "pam_localuser.so")


@dataclass(frozen=True)
class Line:
    """A line of a stack: what becomes of its module's result, the module without its folder, and its arguments."""

    text: str
    module: str
    arguments: tuple[str, ...]
    actions: dict[str, str] = field(compare=False)

    def on_success(self) -> str:
        """What a yes of the module does."""
        return self.actions.get("success") or self.actions.get("default", "bad")

    def on_failure(self) -> set[str]:
        """What a no of the module may do, whichever it is."""
        return {self.actions.get("default", "bad"), *(does for why, does in self.actions.items() if why not in NEITHER)}


def stack(host: testinfra.host.Host, service: str, kind: str, depth: int = 0) -> list[Line]:
    """The lines of one kind (``auth``, ``password``, ``session``) of a service, with what it includes in its place.

    :raises CannotTell: when a file cannot be read or a line is not understood.
    """
    if depth > INCLUDES_MAX:
        raise CannotTell(f"/etc/pam.d/{service} includes itself")
    lines: list[Line] = []
    for whole in output(host, "cat /etc/pam.d/%s", service).replace("\\\n", " ").splitlines():
        text = whole.partition("#")[0].strip()
        if match := re.match(r"^@include\s+([A-Za-z0-9._-]+)$", text):
            lines += stack(host, match[1], kind, depth + 1)
        elif match := re.match(rf"^-?{kind}\s+(\[[^]]*\]|\w+)\s+(\S+)\s*(.*)$", text, re.IGNORECASE):
            control, module = match[1].lower(), match[2]
            if control == "include":
                lines += stack(host, module, kind, depth + 1)
                continue
            if control not in WORDS and not control.startswith("["):
                raise CannotTell(f"/etc/pam.d/{service}: '{text:.80}' is not understood")
            actions = WORDS.get(control) or dict(re.findall(r"(\w+)\s*=\s*(\w+)", control))
            lines.append(Line(text, module.rpartition("/")[2], tuple(match[3].split()), actions))
    return lines


def succeeds_without(lines: list[Line], guard: Callable[[Line], bool]) -> bool:
    """Whether a stack may end in success though a line of its was never asked, or said no.

    Every other module may say yes or no. What several lines guard, one of them that says yes guards.
    """
    # Where one stands, whether a guard has said yes, and what the stack would say so far: None for nothing yet.
    waiting: list[tuple[int, bool, bool | None]] = [(0, False, None)]
    seen = set(waiting)

    while waiting:
        number, guarded, so_far = waiting.pop()
        if number >= len(lines):
            if so_far and not guarded:
                return True
            continue
        line = lines[number]
        yes = line.module not in NEVER_SUCCEED
        no = line.module not in ALWAYS_SUCCEED
        results = [(line.on_success(), guarded or guard(line))] if yes else []
        results += [(does, guarded) for does in line.on_failure()] if no else []
        for does, now_guarded in results:
            after, said = number + 1, so_far
            if does.isdecimal():
                after += int(does)
            elif does in ("ok", "done"):
                said = so_far is not False
                after = len(lines) if does == "done" and said else after
            elif does in ("bad", "die"):
                said = False
                after = len(lines) if does == "die" else after
            elif does == "reset":
                said = None
            one = (after, now_guarded, said)
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return False
