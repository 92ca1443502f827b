"""Errors that a person can mend: one sentence of what is wrong and one of what to do."""

from __future__ import annotations


class PatuhError(Exception):
    """Something a user can mend.

    ``where`` names the place (``file:line:column``, a host, a port), ``mend`` says what to do next.
    """

    def __init__(self, problem: str, *, mend: str, where: str = "") -> None:
        self.problem = problem
        self.mend = mend
        self.where = where
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        end = "" if self.problem.endswith(".") else "."
        return f"{place}{self.problem}{end} {self.mend}"


class InvalidInput(PatuhError):
    """Input files with one or more problems, all reported at once."""

    def __init__(self, problems: list[PatuhError]) -> None:
        self.problems = problems
        first = problems[0]
        super().__init__(first.problem, mend=first.mend, where=first.where)

    def __str__(self) -> str:
        return "\n".join(f"{p}" for p in map(PatuhError.__str__, self.problems))
