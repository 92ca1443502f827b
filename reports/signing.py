"""Signed reports: the SHA-256 sums of every file, bound by an officer's SSH signature.

Years later, and without this program, ``sha256sum --check manifest.sha256`` finds every changed byte, and
``ssh-keygen -Y verify -n patuh-report -f allowed_signers -I NAME -s manifest.sha256.sig <manifest.sha256`` tells
whether that list is the one that was signed (ssh-keygen(1), "ALLOWED SIGNERS"; OpenSSH's PROTOCOL.sshsig).
"""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from compliance import strict_yaml
from compliance.errors import InvalidInput, PatuhError

MANIFEST = "manifest.sha256"
SIGNATURE = f"{MANIFEST}.sig"
STATEMENT = "signed.yml"
NAMESPACE = "patuh-report"
PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")
CLOCKS_DIFFER = datetime.timedelta(minutes=5)
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True)
class Signed:
    """Who signed, when by their own word, and with which key."""

    by: str
    at: datetime.datetime
    key: str


def sign(folder: Path, key: Path, by: str, at: datetime.datetime) -> Signed:
    """Sign every file of a folder; a former signature is replaced.

    :param key: the officer's private key, or the public one when an agent or a hardware key holds the private half.
    :param by: the name that stands for the officer in ``allowed_signers``.
    :raises PatuhError: when the key does not sign, or the folder holds what cannot be signed.
    """
    if not PRINCIPAL.fullmatch(by):
        raise PatuhError(f"'{by}' cannot name a signer", mend="Write something like head@city.example.")
    for old in (MANIFEST, SIGNATURE):
        (folder / old).unlink(missing_ok=True)
    statement = {"signed": at.isoformat(timespec="seconds"), "by": by}
    (folder / STATEMENT).write_text(yaml.safe_dump(statement, sort_keys=False), encoding="utf-8")
    lines = [f"{digest}  {name}\n" for name, digest in _digests(folder).items()]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")
    done = _ssh_keygen("sign", "-q", "-f", str(key), "-n", NAMESPACE, str(folder / MANIFEST))
    if done.returncode != 0 or not (folder / SIGNATURE).exists():
        (folder / MANIFEST).unlink()
        raise PatuhError(f"was not signed: {_last(done)}", where=str(key), mend="Name the officer's SSH key.")
    checked = _ssh_keygen("check-novalidate", "-n", NAMESPACE, "-s", str(folder / SIGNATURE), about=folder / MANIFEST)
    return Signed(by, at, _fingerprint(checked))


def verify(folder: Path, signers: Path) -> Signed:
    """Who signed the files of a folder, when nothing was changed since.

    :param signers: the ``allowed_signers`` file, from a place that does not come with the folder.
    :raises InvalidInput: naming every file that was changed, removed or added, and what is wrong with the signature.
    """
    problems: list[PatuhError] = []
    for name in (MANIFEST, SIGNATURE, STATEMENT):
        if not (folder / name).is_file():
            problems.append(PatuhError("is missing", where=str(folder / name), mend="'patuh sign' writes it."))
    if not signers.is_file():
        problems.append(PatuhError("is missing", where=str(signers), mend="It lists who may sign: ssh-keygen(1)."))
    if problems:
        raise InvalidInput(problems)
    by, at = _statement(folder)
    done = _ssh_keygen(
        *("verify", "-n", NAMESPACE, "-f", str(signers), "-I", by, "-s", str(folder / SIGNATURE)),
        f"-Overify-time={at.astimezone(datetime.UTC):%Y%m%d%H%M%SZ}",
        about=folder / MANIFEST,
    )
    if done.returncode != 0:
        told = f"the signature of '{by}' of {at.isoformat()} does not hold: {_last(done)}"
        problems.append(PatuhError(told, where=str(folder / SIGNATURE), mend=f"See who may sign in {signers}."))
    if at > datetime.datetime.now(datetime.UTC) + CLOCKS_DIFFER:
        told = f"was signed on {at.isoformat()}, which is yet to come"
        problems.append(PatuhError(told, where=str(folder / STATEMENT), mend="Set the clock, here or there."))
    problems += _differences(folder)
    if problems:
        raise InvalidInput(problems)
    return Signed(by, at, _fingerprint(done))


def _statement(folder: Path) -> tuple[str, datetime.datetime]:
    path = folder / STATEMENT
    said = strict_yaml.load(path).data
    try:
        by, at = str(said["by"]), datetime.datetime.fromisoformat(str(said["signed"]))
        if not PRINCIPAL.fullmatch(by) or at.tzinfo is None:
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        mend = "It was changed, or is not of 'patuh sign'."
        raise PatuhError("does not say who signed and when", where=str(path), mend=mend) from error
    return by, at


def _differences(folder: Path) -> list[PatuhError]:
    """What is not as the manifest says."""
    signed: dict[str, str] = {}
    problems = []
    for number, line in enumerate((folder / MANIFEST).read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in signed:
            where = f"{folder / MANIFEST}:{number}"
            problems.append(PatuhError("is no line of 'patuh sign'", where=where, mend="The list was changed."))
        else:
            signed[match[2]] = match[1]
    there = _digests(folder)
    for name in sorted({*signed, *there}):
        if signed.get(name) == there.get(name):
            continue
        word = "was removed" if name not in there else "was added" if name not in signed else "was changed"
        told = f"{word} since it was signed" if name in signed else f"{word} after the others were signed"
        problems.append(PatuhError(told, where=str(folder / name), mend="Ask the signer for the files as signed."))
    return problems


def _digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file by its name in the folder.

    :raises PatuhError: for what is neither a file nor a folder, or has a name that a list cannot hold.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()) or "\n" in name or "\\" in name:
            raise PatuhError("cannot be signed", where=str(path), mend="Remove it: only plain files are.")
        if path.is_file() and name not in (MANIFEST, SIGNATURE):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _ssh_keygen(deed: str, *arguments: str, about: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Let ssh-keygen do something, about a file on its standard input; it asks for passphrases at the terminal."""
    with Path(about or os.devnull).open("rb") as content:
        return subprocess.run(
            ["ssh-keygen", "-Y", deed, *arguments], stdin=content, capture_output=True, text=True, check=False
        )


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    # What says why stands before the last line, which says that it failed.
    return "; ".join(lines[:2]) or f"exit {done.returncode}"


def _fingerprint(done: subprocess.CompletedProcess[str]) -> str:
    found = re.search(r"SHA256:\S+", done.stdout + done.stderr)
    return found[0] if found else "?"
