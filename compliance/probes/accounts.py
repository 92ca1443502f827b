"""Accounts, their passwords' state and their rights."""

from __future__ import annotations

import datetime
import re
import shlex
from dataclasses import dataclass

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import is_there, output

NO_LOGIN_SHELLS = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false", "/bin/sync")
STRONG_HASHES = {"$y$": "yescrypt", "$gy$": "gost-yescrypt", "$7$": "scrypt", "$6$": "SHA-512"}


@dataclass(frozen=True)
class Account:
    """A line of passwd with its line of shadow; days count from 1970, None where unset.

    A password without a day of its last change counts as changed in 1970: nothing shows that it is younger.
    """

    name: str
    uid: int
    home: str
    shell: str
    password: str
    changed_day: int
    max_days: int | None
    expires_day: int | None

    @property
    def has_password(self) -> bool:
        """Whether a password would let somebody in."""
        return not self.password.startswith(("!", "*"))

    @property
    def can_log_in(self) -> bool:
        """Whether the account has a shell to log in to."""
        return self.shell not in NO_LOGIN_SHELLS

    @property
    def hash_kind(self) -> str:
        """The name of the password's hash, ``empty``, ``none`` for locked ones, or ``weak``."""
        if self.password == "":
            return "empty"
        if not self.has_password:
            return "none"
        return next((kind for prefix, kind in STRONG_HASHES.items() if self.password.startswith(prefix)), "weak")


def accounts(host: testinfra.host.Host) -> dict[str, Account]:
    """Every local account by its name.

    :raises CannotTell: when passwd or shadow cannot be read or understood.
    """
    shadow = {}
    for line in output(host, "cat /etc/shadow").splitlines():
        fields = line.split(":")
        if len(fields) < 8:
            raise CannotTell("/etc/shadow is not understood")
        shadow[fields[0]] = fields
    found = {}
    for line in output(host, "cat /etc/passwd").splitlines():
        fields = line.split(":")
        if len(fields) != 7 or not fields[2].isdigit():
            raise CannotTell("/etc/passwd is not understood")
        aging = shadow.get(fields[0], [fields[0], "*", "", "", "", "", "", ""])
        found[fields[0]] = Account(
            name=fields[0],
            uid=int(fields[2]),
            home=fields[5],
            shell=fields[6],
            password=aging[1],
            changed_day=_day(aging[2]) or 0,
            max_days=_day(aging[4]),
            expires_day=_day(aging[7]),
        )
    if "root" not in found:
        raise CannotTell("/etc/passwd names no root")
    return found


def _day(text: str) -> int | None:
    if text in ("", "-1"):
        return None
    if not re.fullmatch(r"\d{1,9}", text):
        raise CannotTell(f"/etc/shadow: '{text:.20}' is no number of days")
    return int(text)


def today(host: testinfra.host.Host) -> int:
    """The host's date in days since 1970."""
    return int(output(host, "date -u +%s")) // 86400


def date_of(day: int) -> datetime.date:
    """The date of a day counted since 1970, as shadow(5) counts."""
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=day)


def group_members(host: testinfra.host.Host, group: str) -> set[str]:
    """The members of a group; empty when there is no such group."""
    said = output(host, "getent group %s", group, codes=(0, 2)).strip()
    return {name for name in said.rpartition(":")[2].split(",") if name}


def superusers_by_sudo(host: testinfra.host.Host, names: list[str]) -> dict[str, str]:
    """Which accounts sudo lets run everything: ``password`` or ``no password`` by account, as sudo itself says.

    :raises CannotTell: when sudo is there but gives no answer.
    """
    if not is_there(host, "sudo"):
        return {}
    # One process for all: each account's rules between marks.
    listed = " ".join(map(shlex.quote, names))
    script = f'for name in {listed}; do echo "@ $name"; sudo -n -l -U "$name" 2>&1; done'
    rights: dict[str, str] = {}
    current = ""
    for line in output(host, script).splitlines():
        if line.startswith("@ "):
            current = line[2:]
        elif match := re.match(r"\s+\(\s*(?:ALL|root)[^)]*\)\s+((?:[A-Z]+:\s*)*)ALL\s*$", line):
            rights[current] = "no password" if "NOPASSWD:" in match.group(1) else rights.get(current, "password")
    return rights
