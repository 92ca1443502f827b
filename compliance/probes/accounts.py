"""Accounts, their passwords' state and their rights."""

from __future__ import annotations

import datetime
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import is_there, output

NO_LOGIN_SHELLS = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false", "/bin/sync")
# Those that crypt(5) takes for new passwords.
STRONG_HASHES = {
    "$y$": "yescrypt",
    "$gy$": "gost-yescrypt",
    "$7$": "scrypt",
    "$2b$": "bcrypt",
    "$2y$": "bcrypt",
    "$6$": "SHA-512",
}


@dataclass(frozen=True)
class Account:
    """A line of passwd with its line of shadow; days count from 1970, None where unset.

    A password without a day of its last change counts as changed in 1970: nothing shows that it is younger.
    """

    name: str
    uid: int
    gid: int
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
    shadow = _shadow(host)
    found: dict[str, Account] = {}
    for line in output(host, "cat /etc/passwd").splitlines():
        account = _account(line, shadow)
        if account is None:
            raise CannotTell("/etc/passwd is not understood")
        found.setdefault(account.name, account)  # the first is the one that counts
    if "root" not in found:
        raise CannotTell("/etc/passwd names no root")
    return found


def superuser(host: testinfra.host.Host) -> Account:
    """Root's account, whatever else passwd holds: the first line of that name is the one that counts.

    :raises CannotTell: when passwd or shadow cannot be read, or name no root.
    """
    shadow = _shadow(host)
    for line in output(host, "cat /etc/passwd").splitlines():
        account = _account(line, shadow)
        if account and account.name == "root":
            return account
    raise CannotTell("/etc/passwd names no root")


def _shadow(host: testinfra.host.Host) -> dict[str, list[str]]:
    shadow: dict[str, list[str]] = {}
    for line in output(host, "cat /etc/shadow").splitlines():
        fields = line.split(":")
        if len(fields) < 8:
            raise CannotTell("/etc/shadow is not understood")
        shadow.setdefault(fields[0], fields)
    return shadow


def _account(line: str, shadow: dict[str, list[str]]) -> Account | None:
    """An account by its line of passwd(5); None for what is none, as a line for NIS."""
    fields = line.split(":")
    if len(fields) != 7 or not (fields[2].isdigit() and fields[3].isdigit()) or fields[0].startswith(("+", "-", "#")):
        return None
    aging = shadow.get(fields[0], [fields[0], "*", "", "", "", "", "", ""])
    return Account(
        name=fields[0],
        uid=int(fields[2]),
        gid=int(fields[3]),
        home=fields[5],
        shell=fields[6],
        # Only an "x" sends to shadow: a hash that stands here, or nothing, is the password.
        password=aging[1] if fields[1] == "x" else fields[1],
        changed_day=_day(aging[2]) or 0,
        max_days=_day(aging[4]),
        expires_day=_day(aging[7]),
    )


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


# Programs from which one comes to a shell, whatever they were started with.
LEAD_TO_A_SHELL = re.compile(
    r"(rvim|vi|vim|nvim|view|nano|emacs|joe|mcedit|ed|ex)(\..*)?|less|more|most|man|visudo|vipw|vigr|gdb|screen|tmux|script"
)
# Programs that run what they are told: everything, unless a script or a command is named that they are to run.
RUN_WHAT_IS_NAMED = re.compile(
    r"(ba|da|z|k|mk|pdk|c|tc|fi|rba|a)?sh|busybox|su|sudo|doas|pkexec|env|nsenter|unshare|chroot|setpriv|runuser|systemd-run"
    r"|(python|perl|ruby|lua|node|php|tclsh|expect|awk|gawk|mawk)[0-9.-]*|xargs|nice|nohup|timeout|watch|strace|at|batch"
    r"|crontab|ssh|docker|podman|lxc|ctr|kubectl"
)
# Those that write any file, install, or change who may do what, when they may be given any argument.
RUN_ANYTHING_WITH_ANY_ARGUMENT = re.compile(
    r"find|tar|cpio|zip|rsync|scp|git|tee|cp|mv|ln|dd|install|chmod|chown|mount|service|apt|apt-get|aptitude|dpkg"
    r"|snap|pip3?|make|mysql|mariadb|psql|sqlite3|tcpdump|nmap|wget|curl|sed|passwd|usermod|useradd|adduser|chpasswd"
    r"|gpasswd|sudoedit|insmod|modprobe|kexec|debugfs|openssl|sysctl|nft|iptables"
)
# Files and folders that say who may do what, or what root runs.
GOVERNS = re.compile(
    r"^/etc/(sudoers|passwd|shadow|group|gshadow|pam\.d|cron|crontab|ssh|systemd|ld\.so|profile|bash\.bashrc|init\.d|rc\.local)"
    r"|^/(root|boot|usr|var/spool/cron)/|/$"
)
ROOT = r"(^|,)\s*(ALL|root|#0)\s*(,|$)"  # among those that a rule runs commands as
TAGS = re.compile(r"^(?:[A-Z]+: ?)+")


def superusers_by_sudo(host: testinfra.host.Host, people: list[str]) -> dict[str, str]:
    """Which accounts sudo lets run everything: ``password`` or ``no password`` by account, as sudo itself says.

    Asked about are these people, and whomever a rule names. Everything is what a rule for root means that excepts
    some commands, too (sudoers(5), "SECURITY NOTES"), that leads to a shell, or that names a whole directory.

    :raises CannotTell: when sudo is there but gives no answer.
    """
    if not is_there(host, "sudo"):
        return {}
    # One process for all: each account's rules between marks.
    listed = " ".join(map(shlex.quote, sorted({*people, *_named_by_rules(host)} - {"root"})))
    script = f'for name in {listed}; do echo "@ $name"; sudo -n -l -U "$name" 2>&1; done'
    rights: dict[str, str] = {}
    current, unasked = "", False
    for line in output(host, script).splitlines():
        if line.startswith("@ "):
            current, unasked = line[2:], False
        elif options := re.findall(r"(?:^|,)\s+(!?)authenticate(?=,|$)", line):
            # Of the options for this account, which stand before its rules; the last of an option counts.
            unasked = options[-1] == "!"
        elif (match := re.match(r"\s+\(([^):]*)[^)]*\)\s+(.*)$", line)) and re.search(ROOT, match[1]):
            for granted in _grants(match[2]):
                how = "no password" if unasked else granted
                rights[current] = "no password" if how == "no password" else rights.get(current, how)
    return rights


def sudo_options(host: testinfra.host.Host) -> list[dict[str, Any]]:
    """The options that sudo's rules set for everybody, or for some people, hosts or commands: each by its name.

    :raises CannotTell: when sudo's rules are not understood.
    """
    return _sudo_rules(host, "Defaults", "Options")


def _sudo_rules(host: testinfra.host.Host, kind: str, part: str) -> list[dict[str, Any]]:
    """A part of every rule of a kind, in the words of cvtsudoers(1)."""
    try:
        rules = json.loads(output(host, "cvtsudoers -e -f json /etc/sudoers")).get(kind, [])
        found = [one for rule in rules for one in rule[part]]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CannotTell("cvtsudoers is not understood") from error
    if not all(isinstance(one, dict) for one in found):
        raise CannotTell("cvtsudoers is not understood")
    return found


def _named_by_rules(host: testinfra.host.Host) -> set[str]:
    """The local accounts that a rule of sudo may be about, by name, number or group."""
    named = _sudo_rules(host, "User_Specs", "User_List")
    found: set[str] = set()
    lines = [line.split(":") for line in output(host, "cat /etc/passwd").splitlines() if line.count(":") == 6]
    for one in named:
        if one.get("negated"):
            continue
        if one.get("username") == "ALL":
            found |= {fields[0] for fields in lines}
        elif group := one.get("usergroup") or one.get("usergid"):
            said = output(host, "getent group %s", str(group), codes=(0, 2)).strip().split(":")
            found |= {name for name in said[-1].split(",") if name}
            found |= {fields[0] for fields in lines if len(said) == 4 and fields[3] == said[2]}
        elif netgroup := one.get("netgroup"):
            found |= set(
                re.findall(r"\([^,()]*,([^,()]+),", output(host, "getent netgroup %s", netgroup, codes=(0, 2)))
            )
        elif "userid" in one:
            found |= {fields[0] for fields in lines if fields[2] == str(one["userid"])}
        elif "username" in one:
            found.add(str(one["username"]))
        else:
            raise CannotTell(
                f"a rule of sudo names {', '.join(map(str, one.values())):.80}, whose members are not known"
            )
    return found


def _grants(commands: str) -> Iterator[str]:
    """How each command of a rule that amounts to everything may be run."""
    how = "password"
    for command in re.split(r"(?<!\\), ", commands):
        if tags := TAGS.match(command):
            how = "no password" if "NOPASSWD:" in tags[0] else "password" if "PASSWD:" in tags[0] else how
        words = re.sub(r"^(sha\d+:\S+\s+)+", "", command[tags.end() if tags else 0 :]).split()
        if not words or words[0].startswith("!"):
            continue
        if _is_everything(words):
            yield how


def _is_everything(words: list[str]) -> bool:
    """Whether a command, program and arguments, lets somebody do everything."""
    program, any_argument = words[0].rpartition("/")[2], words[1:] in ([], ["*"])
    # A directory stands for all that is in it.
    if words[0] == "ALL" or not program or re.search(r"[*?[]", words[0]) or LEAD_TO_A_SHELL.fullmatch(program):
        return True
    if RUN_WHAT_IS_NAMED.fullmatch(program):
        named = [word.rpartition("/")[2] for word in words[1:] if not word.startswith("-")]
        # "su -", "su - root", "env bash": nothing is named, or nothing but what runs everything again.
        again = any(
            word == "root" or LEAD_TO_A_SHELL.fullmatch(word) or RUN_WHAT_IS_NAMED.fullmatch(word) for word in named
        )
        return not named or again or any("*" in word for word in words)
    if program == "systemctl":
        return any_argument or "*" in words[1]
    # A wildcard among arguments stands for slashes and further words, too: sudoers(5), "Wildcards".
    any_argument |= any("*" in word for word in words[1:])
    if program == "sudoedit" and GOVERNS.search(words[-1]):
        return True
    return any_argument and RUN_ANYTHING_WITH_ANY_ARGUMENT.fullmatch(program) is not None
