"""Signed reports: the SHA-256 sums of every file, bound by an officer's SSH signature.

Years later, and without this program, ``sha256sum --check manifest.sha256`` finds every changed byte, and
``ssh-keygen -Y verify -n patuh-report -f allowed_signers -I NAME -s manifest.sha256.sig <manifest.sha256`` tells
whether that list is the one that was signed (ssh-keygen(1), "ALLOWED SIGNERS"; OpenSSH's PROTOCOL.sshsig).
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from compliance import strict_yaml
from compliance.assessment import FILE_NAME as ASSESSMENT
from compliance.assessment import MAX_BYTES
from compliance.errors import InvalidInput, PatuhError
from compliance.reading import read_bytes
from compliance.writing import write_together
from reports.folder import (
    MANIFEST,
    SIGNATURE,
    STATEMENT,
    differences,
    is_report,
    listed,
    manifest_of,
    not_made_of_the_assessment,
)

NAMESPACE = "patuh-report"
PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")
CLOCKS_DIFFER = datetime.timedelta(minutes=5)


@dataclass(frozen=True)
class Signed:
    """Who signed, when by their own word, and with which key."""

    by: str
    at: datetime.datetime
    key: str


def sign(folder: Path, key: Path, by: str, at: datetime.datetime) -> Signed:
    """Sign the reports of an assessment; a former signature is replaced.

    :param key: the officer's private key, or the public one when an agent or a hardware key holds the private half.
    :param by: the name that stands for the officer in ``allowed_signers``.
    :raises PatuhError: when the key does not sign, or ``at`` is before the assessment.
    :raises InvalidInput: naming every file that is not what the assessment gives, or was changed since it was written.
    """
    if not PRINCIPAL.fullmatch(by):
        raise PatuhError(f"'{by}' cannot name a signer", mend="Write something like head@city.example.")
    mend = "Only reports as they were written are signed: 'patuh report' writes them anew, other files go elsewhere."
    if not key.is_file():
        raise PatuhError("is no key", where=str(key), mend="Name the officer's SSH key.")
    differ = [one for one in differences(folder, mend) if one.where != str(folder / STATEMENT)]
    if differ or (differ := not_reports(folder) or not_made_of_the_assessment(folder, mend)):
        raise InvalidInput(differ)
    if early := _before_the_assessment(folder, at):
        raise early
    statement = yaml.safe_dump({"signed": at.isoformat(timespec="seconds"), "by": by}, sort_keys=False).encode()
    manifest = manifest_of({**listed(folder), STATEMENT: hashlib.sha256(statement).hexdigest()})
    # Signed elsewhere, so that a key that does not sign leaves a former signature as it was.
    with tempfile.TemporaryDirectory() as scratch:
        draft = Path(scratch) / MANIFEST
        draft.write_bytes(manifest)
        done = _ssh_keygen("sign", "-q", "-f", str(key), "-n", NAMESPACE, str(draft))
        if "UNPROTECTED PRIVATE KEY FILE" in done.stderr:
            raise PatuhError("can be read by others, and so is not used", where=str(key), mend=f"chmod 600 {key}")
        if done.returncode != 0 or not (Path(scratch) / SIGNATURE).exists():
            raise PatuhError(f"was not signed: {_last(done)}", where=str(key), mend="Name the officer's SSH key.")
        signature = (Path(scratch) / SIGNATURE).read_bytes()
    # A passphrase takes its time, in which another run may have written its reports.
    changed = [one for one in differences(folder, mend) if one.where != str(folder / STATEMENT)]
    if changed or manifest_of({**listed(folder), STATEMENT: hashlib.sha256(statement).hexdigest()}) != manifest:
        raise PatuhError("was changed while it was signed", where=str(folder), mend="Look at it, and sign it again.")
    write_together(folder, {STATEMENT: statement, MANIFEST: manifest, SIGNATURE: signature})
    checked = _ssh_keygen("check-novalidate", "-n", NAMESPACE, "-s", str(folder / SIGNATURE), about=folder / MANIFEST)
    return Signed(by, at, _fingerprint(checked))


def verify(folder: Path, signers: Path, revoked: Path | None = None) -> Signed:
    """Who signed the files of a folder, when nothing was changed since.

    :param signers: the ``allowed_signers`` file, from a place that does not come with the folder.
    :param revoked: keys that sign no more, whatever ``signers`` says: public keys or a revocation list (ssh-keygen(1),
        "KEY REVOCATION LISTS").
    :raises InvalidInput: naming every file that was changed, removed or added, and what is wrong with the signature.
    """
    problems: list[PatuhError] = []
    for name in (MANIFEST, SIGNATURE, STATEMENT):
        if not (folder / name).is_file():
            problems.append(PatuhError("is missing", where=str(folder / name), mend="'patuh sign' writes it."))
    if not signers.is_file():
        problems.append(PatuhError("is missing", where=str(signers), mend="It lists who may sign: ssh-keygen(1)."))
    if revoked is not None and not _lists_keys(revoked):
        mend = "Name a file of public keys, or one made by 'ssh-keygen -k'."
        problems.append(PatuhError("lists no keys that sign no more", where=str(revoked), mend=mend))
    if problems:
        raise InvalidInput(problems)
    by, at = _statement(folder)
    when = f"-Overify-time={at.astimezone(datetime.UTC):%Y%m%d%H%M%SZ}"
    asked = ("verify", "-n", NAMESPACE, "-f", str(signers), "-I", by, "-s", str(folder / SIGNATURE), when)
    done = _ssh_keygen(*asked, about=folder / MANIFEST)
    why, mend = _last(done), f"See who may sign in {signers}."
    if done.returncode == 0 and revoked is not None:
        # Asked apart, for ssh-keygen does not say that this is why.
        done = _ssh_keygen(*asked, "-r", str(revoked), about=folder / MANIFEST)
        why, mend = "its key is revoked", f"Have the reports signed with a key that is not in {revoked}."
    if done.returncode != 0:
        told = f"the signature of '{by}' of {at.isoformat()} does not hold: {why}"
        problems.append(PatuhError(told, where=str(folder / SIGNATURE), mend=mend))
    if at > datetime.datetime.now(datetime.UTC) + CLOCKS_DIFFER:
        told = f"was signed on {at.isoformat()}, which is yet to come"
        problems.append(PatuhError(told, where=str(folder / STATEMENT), mend="Set the clock, here or there."))
    problems += differences(folder, "Ask the signer for the files as signed.")
    if not problems and (early := _before_the_assessment(folder, at)):
        problems.append(early)
    if problems:
        raise InvalidInput(problems)
    return Signed(by, at, _fingerprint(done))


def not_reports(folder: Path) -> list[PatuhError]:
    """What the folder's list names that is no report, and an assessment that is none of a whole run."""
    strangers = [name for name in listed(folder) if name != STATEMENT and not is_report(name)]
    problems = [PatuhError("is no report", where=str(folder / one), mend="Move it elsewhere.") for one in strangers]
    if "report.html" not in listed(folder):
        mend = "'patuh report' writes the reports of a whole assessment."
        problems.append(PatuhError("holds an assessment without its reports", where=str(folder), mend=mend))
    return problems


def _lists_keys(path: Path) -> bool:
    """Whether ssh-keygen would understand a file of revoked keys; it does not say when it does not."""
    if not path.is_file():
        return False
    content = read_bytes(path, MAX_BYTES)
    if content.startswith(b"SSHKRL\n"):
        return True
    lines = [line.strip() for line in content.decode(errors="replace").splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    return bool(keys) and all(re.match(r"(ssh|ecdsa|sk)-\S+ AAAA\S+", line) for line in keys)


def _before_the_assessment(folder: Path, at: datetime.datetime) -> PatuhError | None:
    """What is wrong with a signature that claims to be older than what it signs; also of another version of Patuh."""
    path = folder / ASSESSMENT
    try:
        created = datetime.datetime.fromisoformat(json.loads(read_bytes(path, MAX_BYTES))["created"])
        early = at + CLOCKS_DIFFER < created and 1970 <= created.year < 9000
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        mend = "Sign the folder that 'patuh check' wrote."
        raise PatuhError("does not say when it was made", where=str(path), mend=mend) from error
    told = f"was signed on {at.isoformat()}, before the assessment was made on {created.isoformat()}"
    return PatuhError(told, where=str(folder / STATEMENT), mend="Set the clock, and sign again.") if early else None


def _statement(folder: Path) -> tuple[str, datetime.datetime]:
    path = folder / STATEMENT
    said = strict_yaml.load(path).data
    try:
        by, at = str(said["by"]), datetime.datetime.fromisoformat(str(said["signed"]))
        if not PRINCIPAL.fullmatch(by) or at.tzinfo is None or not 1970 <= at.year < 9000:
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        mend = "It was changed, or is not of 'patuh sign'."
        raise PatuhError("does not say who signed and when", where=str(path), mend=mend) from error
    return by, at


def _ssh_keygen(deed: str, *arguments: str, about: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Let ssh-keygen do something, about a file on its standard input; it asks for passphrases at the terminal."""
    if shutil.which("ssh-keygen") is None:
        raise PatuhError("ssh-keygen is missing", mend="Install OpenSSH's client; see 'patuh doctor'.")
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
