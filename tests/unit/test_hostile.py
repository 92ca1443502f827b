"""What a server says is hostile: no answer makes a check stop, hang or pass that should not."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from testinfra.backend.base import CommandResult

from compliance.assessment import Finding, Status
from compliance.checking import Context, all_checks, judge
from tests import recordings
from tests.unit.test_recorded import recorded_fleet, recorded_records

CHECKS = all_checks()
HOST = "debian12"
# Pieces of what the commands really say, so that garbage comes close to sense.
WORDS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    "=",
    "\n",
    "\t",
    " ",
    "0",
    "-1",
    "99999999999999999999",
    "root",
    "nan",
    "∞",
    "\x1b[2J",
]
WORDS += [
    "active",
    "enabled",
    "yes",
    "no",
    "nftables",
    "md0 : active raid1",
    "\udcff",
    "\u202e",
    "<script>",
    "=cmd|' /C'",
]
# dpkg, apt and the journal say nothing when there is nothing to say.
SILENCE_IS_GOOD = {"software.compatibility", "ssh.remote-first"}
GARBAGE = st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=25).map("".join)


def judged(control: str, answers: recordings.HostAnswers) -> Finding:
    loaded = recorded_fleet()
    context = Context.of(loaded, HOST, recorded_records())
    return judge(control, CHECKS[control], recordings.replay(HOST, answers), context)


def compliant() -> recordings.HostAnswers:
    return recordings.compliant()[HOST]


@pytest.mark.parametrize("control", sorted(CHECKS))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=GARBAGE, code=st.sampled_from([0, 1, 2, 126, 127, 255]))
@example(text="", code=0)
@example(text="", code=1)
@example(text="sudo: a password is required", code=1)
@example(text="sh: 1: not found", code=127)
@example(text="[]", code=0)
@example(text='{"nftables": null}', code=0)
@example(text="null\n" * 3, code=0)
def test_garbage_never_passes(control: str, text: str, code: int) -> None:
    found = judged(control, dict.fromkeys(compliant(), (code, text, text)))
    assert found.status is not Status.PASS or (not text.strip() and control in SILENCE_IS_GOOD), found


class Noting(dict[str, CommandResult]):
    """Answers that remember which were asked for."""

    def __init__(self, answers: dict[str, CommandResult]) -> None:
        super().__init__(answers)
        self.asked: set[str] = set()

    def __getitem__(self, command: str) -> CommandResult:
        self.asked.add(command)
        return super().__getitem__(command)


def asked(control: str) -> list[str]:
    """The commands that a check runs on a compliant server."""
    host = recordings.replay(HOST, compliant())
    noting = host.backend.answers = Noting(host.backend.answers)
    loaded = recorded_fleet()
    judge(control, CHECKS[control], host, Context.of(loaded, HOST, recorded_records()))
    return sorted(noting.asked)


@pytest.mark.parametrize("control", sorted(CHECKS))
def test_a_command_that_cannot_run_is_never_taken_for_good(control: str) -> None:
    """Each command in turn ends as when the tool is missing, the rights are, or the server is out of memory."""
    commands = asked(control)
    assert commands
    passed = []
    for command in commands:
        answers = [(127, "", "sh: 1: not found"), (126, "", "Permission denied"), (137, "", "Killed")]
        # Of "command -v", 127 is an answer: the tool is not there.
        for answer in answers["command -v" in command :]:
            if judged(control, {**compliant(), command: answer}).status is Status.PASS:
                passed.append((command, answer[0]))
    assert passed == []


def test_a_server_cannot_steer_the_terminal_or_the_page_through_a_finding() -> None:
    hostile = "\x1b[2J<script>alert(1)</script>\u202e=1+1"
    answers = {command: (code, out.replace("sshd", hostile), err) for command, (code, out, err) in compliant().items()}
    found = judged("services.single-role", answers)
    shown = "".join(o.subject + o.observed for o in found.observations)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
