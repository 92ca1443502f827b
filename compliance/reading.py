"""Files that people name, read whole: never a device, a pipe or more than a file of that kind would hold."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from compliance.errors import InvalidInput, PatuhError

MEGABYTE = 1_000_000


def read_bytes(path: Path, most: int, mend: str = "Check the name and the permissions.") -> bytes:
    """What a plain file holds, or at most ``most`` bytes of it and an error.

    :param mend: what to do where there is no such file, or it may not be read.
    :raises InvalidInput: naming the file and why it cannot be read.
    """

    def told(problem: str, mend: str) -> InvalidInput:
        return InvalidInput([PatuhError(problem, where=str(path), mend=mend)])

    try:
        # Opening a pipe would wait for somebody who writes.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise told(f"cannot be read: {error.strerror}", mend) from error
    except ValueError as error:  # a NUL in the name
        raise told("cannot be read: no file has such a name", mend) from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise told("is no plain file", "Name a file, not a folder, a pipe or a device.")
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(most + 1)
    except OSError as error:
        raise told(f"cannot be read: {error.strerror}", mend) from error
    finally:
        os.close(handle)
    if len(content) > most:
        raise told(f"is larger than {most // MEGABYTE} MB", "Is it the right file? Otherwise split it.")
    return content


def read_text(path: Path, most: int, mend: str = "Save it as UTF-8.") -> str:
    """The text of a plain file, without a byte-order mark.

    :param mend: what to do when it is not UTF-8.
    :raises InvalidInput: as :func:`read_bytes`, and with the line of what is not UTF-8.
    """
    content = read_bytes(path, most)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput([PatuhError("is not UTF-8 text", where=f"{path}:{line}", mend=mend)]) from error
