"""What real servers answered, compliant and broken, kept so that every check can be tested without a server.

Written by the proof (``patuh test --proof``), which has just seen that the answers lead to the right verdicts. After a
change, ``--only`` proves and records some controls anew; the others' recordings stay those of the last whole proof.
"""

from __future__ import annotations

import functools
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

    hashes: dict[str, int] = {}

    def another(found: re.Match[str]) -> str:
        number = hashes.setdefault(found[0], len(hashes))
        return f"{found[1]}redacted{number or ''}"  # which are the same can still be told

    def text(raw: bytes) -> str:
        shown = re.sub(r"(\$[0-9a-z]+\$)[^:\n]+", another, raw.decode("utf-8", "surrogateescape"))
        return re.sub(r"(?<!@)\b[a-z.-]+\.(org|com|net)\b", "example.org", shown)

    return {
        command: (int(result.rc), text(result.stdout_bytes), text(result.stderr_bytes))
        for command, result in answers.items()
    }


def write(recorded: list[Recording], controls: set[str] | None = None) -> None:
    """Keep what a proof recorded: of compliant servers first, of each other round only what differs is stored.

    :param controls: of a proof of some controls alone, those that it proved in every way; of others, earlier proofs
        speak on. Without it, the proof was of everything.
    """
    compliant = recorded[0][1]
    rounds = [
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
    kept: list[Any] = []
    if controls is not None:
        for proof in _stored():
            left = proof["controls"] and sorted(set(proof["controls"]) - controls)
            kept += [] if left == [] else [{**proof, "controls": left}]
    proofs = [*kept, {"controls": controls if controls is None else sorted(controls), "rounds": rounds}]
    FILE.write_bytes(lzma.compress(json.dumps(proofs, sort_keys=True, indent=0).encode()))


def _stored() -> list[Any]:
    """The proofs as they are stored, the whole one first."""
    return _unpacked(FILE.read_bytes())


@functools.lru_cache(maxsize=1)
def _unpacked(packed: bytes) -> list[Any]:
    proofs: list[Any] = json.loads(lzma.decompress(packed))
    return proofs


def read(control: str) -> list[Recording]:
    """The recordings of the newest proof of a control, each whole, with the names of the breaks that were done.

    The first is of compliant servers, and has none.
    """
    proofs = [proof for proof in _stored() if proof["controls"] is None or control in proof["controls"]]
    rounds = proofs[-1]["rounds"]
    return [
        (
            breaks,
            {host: {**_answers(rounds[0][1][host]), **_answers(own)} for host, own in answers.items()},
        )
        for breaks, answers in rounds
    ]


def compliant() -> Answers:
    """What compliant servers answer to everything that they were ever asked, by the newest proof that asked it."""
    found: Answers = {}
    for proof in _stored():
        for host, answers in proof["rounds"][0][1].items():
            found.setdefault(host, {}).update(_answers(answers))
    return found


def _answers(stored: dict[str, Any]) -> HostAnswers:
    return {command: tuple(answer) for command, answer in stored.items()}


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
