"""A host that gives prepared answers: what checks and probes do with them, not what hosts say, is tested with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Answer:
    stdout: str = ""
    stderr: str = ""
    rc: int = 0


class Shell:
    def begin(self, seconds: float) -> None:
        pass

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        pass


class Backend:
    shell = Shell()


class Host:
    """Answers the first prepared command whose text occurs in the one asked; others are 'not found'."""

    backend = Backend()

    def __init__(self, answers: dict[str, Answer | str]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def run(self, command: str, *arguments: str) -> Any:
        asked = command % arguments if arguments else command
        self.asked.append(asked)
        for part, answer in self.answers.items():
            if part in asked:
                return answer if isinstance(answer, Answer) else Answer(answer)
        return Answer(stderr=f"sh: {asked}: not found", rc=127)
