"""What a host is asked, one small module per concept, in the style of Testinfra's own.

Each answers with parsed values or raises ``CannotTell``; none answers "no" when it does not know.
"""

from __future__ import annotations

import testinfra.host

from compliance.checking import CannotTell


def output(host: testinfra.host.Host, command: str, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
    """What a command says on its standard output.

    :raises CannotTell: when it ends with a status that is not among ``codes``; carries its own words.
    """
    done = host.run(command, *arguments)
    if done.rc not in codes:
        said = (done.stderr or done.stdout).strip().splitlines()
        shown = command % arguments if arguments else command
        raise CannotTell(f"'{shown:.120}': {said[-1] if said else f'exit {done.rc}'}")
    return str(done.stdout)
