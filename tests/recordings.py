"""What real servers answered, compliant and broken, kept so that every check can be tested without a server.

Written by the proof (``patuh test --proof``), which has just seen that the answers lead to the right verdicts.
"""

from __future__ import annotations

import json
import lzma
import re
from pathlib import Path
from typing import Any

import testinfra.host
from testinfra.backend.base import CommandResult

from compliance.connection import CannotRun, PersistentBackend

FILE = Path(__file__).resolve().parent / "unit" / "data" / "recordings.json.xz"

# By command: exit status, standard output, standard error.
HostAnswers = dict[str, tuple[int, str, str]]
Answers = dict[str, HostAnswers]
Recording = tuple[list[str], Answers]


def plain(answers: dict[str, CommandResult]) -> HostAnswers:
    """Answers as text, without what no check needs: password hashes, and the addresses in apt's configuration."""

    def text(raw: bytes) -> str:
        shown = re.sub(r"(\$[0-9a-z]+\$)[^:\n]+", r"\1redacted", raw.decode("utf-8", "surrogateescape"))
        return re.sub(r"(?<!@)\b[a-z.-]+\.(org|com|net)\b", "example.org", shown)

    return {
        command: (int(result.rc), text(result.stdout_bytes), text(result.stderr_bytes))
        for command, result in answers.items()
    }


def write(recorded: list[Recording]) -> None:
    """Keep recordings: the first is of compliant servers, of each other one only what differs is stored."""
    compliant = recorded[0][1]
    stored = [
        (
            breaks,
            {
                host: {
                    command: answer
                    for command, answer in own.items()
                    if not breaks or compliant[host].get(command) != answer
                }
                for host, own in answers.items()
            },
        )
        for breaks, answers in recorded
    ]
    FILE.write_bytes(lzma.compress(json.dumps(stored, sort_keys=True, indent=0).encode()))


def read() -> list[Recording]:
    """The recordings, each whole, with the names of the breaks that were done; the first has none."""
    stored: list[Any] = json.loads(lzma.decompress(FILE.read_bytes()))
    compliant = stored[0][1]
    return [
        (
            breaks,
            {
                host: {**compliant[host], **{command: tuple(answer) for command, answer in own.items()}}
                for host, own in answers.items()
            },
        )
        for breaks, answers in stored
    ]


class _NoShell:
    def run(self, line: str) -> tuple[int, bytes, bytes]:
        raise CannotRun(f"nobody recorded an answer to '{line:.80}'")

    def begin(self, seconds: float) -> None:
        pass

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        pass


def replay(name: str, answers: HostAnswers) -> testinfra.host.Host:
    """A Testinfra host that answers from a recording."""
    backend = PersistentBackend(_NoShell(), name)  # type: ignore[arg-type]
    for command, (code, out, err) in answers.items():
        raw_out, raw_err = (text.encode("utf-8", "surrogateescape") for text in (out, err))
        backend.answers[command] = backend.result(code, command, raw_out, raw_err)
    return testinfra.host.Host(backend)
