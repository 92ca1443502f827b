"""What a host is asked, one small module per concept, in the style of Testinfra's own.

Each answers with parsed values or raises ``CannotTell``; none answers "no" when it does not know.
"""

from __future__ import annotations

import testinfra.host
from testinfra.backend.base import CommandResult

from compliance.checking import CannotTell


def output(host: testinfra.host.Host, command: str, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
    """What a command says on its standard output.

    :raises CannotTell: when it ends with a status that is not among ``codes``; carries its own words.
    """
    return str(_run(host, command, arguments, codes).stdout)


def succeeds(
    host: testinfra.host.Host, command: str, *arguments: str, yes: tuple[int, ...] = (0,), no: tuple[int, ...] = (1,)
) -> bool:
    """Whether a command that asks a question says yes.

    :raises CannotTell: when it ends with a status that is neither an answer: then it could not ask.
    """
    return int(_run(host, command, arguments, (*yes, *no)).rc) in yes


def is_there(host: testinfra.host.Host, tool: str) -> bool:
    """Whether a tool is installed where the superuser would find it."""
    return succeeds(host, "PATH=$PATH:/sbin:/usr/sbin; command -v %s", tool, no=(1, 127))


def _run(host: testinfra.host.Host, command: str, arguments: tuple[str, ...], codes: tuple[int, ...]) -> CommandResult:
    done = host.run(command, *arguments)
    if done.rc not in codes:
        said = (done.stderr or done.stdout).strip().splitlines()
        shown = command % arguments if arguments else command
        raise CannotTell(f"'{shown:.120}': {said[-1] if said else f'exit {done.rc}'}")
    return done
