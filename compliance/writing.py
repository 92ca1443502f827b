"""Files that are written whole or not at all, alone or several together."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from compliance.errors import PatuhError

# All reports of some dozen servers.
ROOM_BYTES = 32 * 2**20
DRAFTS = ".new-"
DRAFTS_SECONDS_MAX = 3600


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, for its owner alone, as a whole or not at all.

    :raises PatuhError: when the place takes no files or has no room; what was there is as it was.
    """
    write_together(path.parent, {path.name: content})


def write_together(folder: Path, files: Mapping[str, bytes], gone: Iterable[str] = ()) -> None:
    """Write files into a folder, each as a whole, and none before there was room for all.

    :param files: contents by name in the folder; they take their places in this order.
    :param gone: names of files that are removed before the first takes its place.
    :raises PatuhError: when the place takes no files or has no room; what was there is as it was.
    """
    for name in files:
        for path in [folder / name, *(folder / one for one in Path(name).parents if one != Path())]:
            is_folder = path != folder / name
            if path.is_symlink() or (path.exists() and (not path.is_dir() if is_folder else not path.is_file())):
                raise PatuhError("is in the way", where=str(path), mend="Move it elsewhere.")
    with refusals_told(folder / next(iter(files))):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.glob(f"{DRAFTS}*"):  # by a run that was killed
            if time.time() - left.stat().st_mtime > DRAFTS_SECONDS_MAX:
                shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=DRAFTS) as scratch:
            drafts = {name: Path(scratch) / str(number) for number, name in enumerate(files)}
            for name, draft in drafts.items():
                with os.fdopen(
                    os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
                ) as file:
                    file.write(files[name])
                    file.flush()
                    # A power cut must not leave a name with nothing behind it.
                    os.fsync(file.fileno())
            for name in gone:
                (folder / name).unlink(missing_ok=True)
            for name, draft in drafts.items():
                (folder / name).parent.mkdir(mode=0o700, exist_ok=True)
                draft.rename(folder / name)


@contextlib.contextmanager
def refusals_told(path: Path) -> Iterator[None]:
    """What the system refuses, told for a place.

    :raises PatuhError: instead of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        mend = "Free some room there, or let this account write there, or name another place."
        raise PatuhError(f"cannot be written: {error.strerror}", where=str(path), mend=mend) from error


def require_room(folder: Path) -> None:
    """Make sure, before a long check and leaving nothing, that reports can be written.

    :raises PatuhError: when the place takes no files, or has no room.
    """
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    with refusals_told(folder), tempfile.TemporaryFile(dir=there) as trial:
        os.posix_fallocate(trial.fileno(), 0, ROOM_BYTES)
