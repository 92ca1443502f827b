"""The SSH server's effective configuration: what ``sshd -T`` says, not what a file says; and what the server that
runs offers, which may have read its files long ago.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import itertools
import re
import shlex
from dataclasses import dataclass

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output
from compliance.probes.accounts import accounts

OUTSIDE = "192.0.2.1"  # an address of nobody's (RFC 5737)


@dataclass(frozen=True)
class Sshd:
    """The effective configuration for a connection; every keyword with all its values.

    >>> Sshd.for_connection(host).value("permitrootlogin")
    'no'
    """

    values: dict[str, list[str]]

    @classmethod
    def for_connection(
        cls, host: testinfra.host.Host, user: str = "root", address: str = OUTSIDE, name: str = "", **more: str
    ) -> Sshd:
        """The configuration that a user from an address meets (``sshd -T -C``), so that Match blocks count.

        :param name: of the address, where it has one.
        :param more: what else a Match block may ask for: ``laddr``, ``lport``, ``rdomain``.
        :raises CannotTell: when sshd is absent or refuses its configuration.
        """
        given = "user=%s,host=%s,addr=%s" + "".join(f",{key}=%s" for key in more)
        asked = (user, name or address, address, *more.values())
        said = output(host, f"PATH=$PATH:/usr/sbin; sshd -T -C {given}", *asked)
        values: dict[str, list[str]] = {}
        for line in said.splitlines():
            keyword, _, value = line.partition(" ")
            values.setdefault(keyword.lower(), []).append(value)
        if "permitrootlogin" not in values:
            raise CannotTell("sshd -T gave no configuration")
        return cls(values)

    def value(self, keyword: str) -> str:
        """The single value of a keyword.

        :raises CannotTell: when sshd does not know it.
        """
        if keyword not in self.values:
            raise CannotTell(f"sshd -T says nothing of {keyword}")
        return self.values[keyword][0]

    def words(self, keyword: str) -> list[str]:
        """All values of a keyword that takes several words or lines; empty when it is not set."""
        return [word for value in self.values.get(keyword, []) for word in value.split() if word != "none"]


CONNECTIONS_MAX = 200
# What a Match block may ask of the server's own side: how "sshd -T -C" calls it, and what it is told where none does.
LOCAL = {"localaddress": ("laddr", "192.0.2.2"), "localport": ("lport", "22"), "rdomain": ("rdomain", "")}


@dataclass(frozen=True)
class Connection:
    """A way to come in that a Match block may single out, with the values that hold on it."""

    user: str
    address: str
    more: str
    sshd: Sshd

    def __str__(self) -> str:
        return f"{self.user}@{self.address}{self.more}"


def connections(
    host: testinfra.host.Host, users: list[str], addresses: list[str], *, everybody: bool
) -> list[Connection]:
    """One connection of every kind that the configuration makes a difference between.

    Which Match blocks there are, in whichever files, sshd tells itself. Of accounts that all of them treat alike, one
    stands for all; of addresses that a pattern takes in, one stands for the pattern.

    :param users: always asked about, as are these addresses.
    :param everybody: ask about the other local accounts, too, that can log in or have a password.
    :raises CannotTell: when sshd gives no answer, or a block matches by what cannot be tried.
    """
    by: dict[str, list[str]] = {}
    for line in _match_lines(host):
        for keyword, patterns in _criteria(line).items():
            by.setdefault(keyword, []).extend(patterns)
    by.pop("all", None)
    if strange := sorted(set(by) - {"user", "group", "host", "address", *LOCAL}):
        raise CannotTell(f"a Match block of sshd asks for '{strange[0]:.40}', which cannot be tried")
    others = _others(host, by.get("user", []), by.get("group", [])) if by and everybody else []
    ways = list(
        dict.fromkeys(
            itertools.product(
                [*users, *others],
                [*addresses, *map(_one_of, by.get("address", []))],
                ["", *map(_one_of, by.get("host", []))],
                *(["", *map(_one_of, by.get(keyword, []))] for keyword in LOCAL),
            )
        )
    )
    if len(ways) > CONNECTIONS_MAX:
        raise CannotTell(f"sshd's Match blocks make {len(ways)} kinds of connections, which is more than are tried")
    found = []
    for user, address, name, *local in ways:
        more = {key: value for (key, _), value in zip(LOCAL.values(), local, strict=True) if value}
        # Where a block asks for them, sshd wants to be told.
        told = more if not by else {key: more.get(key, usual) for key, usual in LOCAL.values() if usual or key in more}
        sshd = Sshd.for_connection(host, user, address, name, **told)
        shown = {**({"host": name} if name else {}), **more}
        found.append(Connection(user, address, "".join(f", {key} {value}" for key, value in shown.items()), sshd))
    return found


def _match_lines(host: testinfra.host.Host) -> list[str]:
    """What stands behind each ``Match``, by the notes that sshd makes while it reads its configuration."""
    given = f"user=root,host={OUTSIDE},addr={OUTSIDE},laddr=192.0.2.2,lport=22"
    said = output(host, f"PATH=$PATH:/usr/sbin; sshd -T -ddd -C {given} 2>&1")
    if "permitrootlogin" not in said:
        raise CannotTell("sshd -T gave no configuration")
    return list(dict.fromkeys(re.findall(r"checking syntax for 'Match (.*)'(?: on line \d+)?\s*$", said, re.MULTILINE)))


def _criteria(line: str) -> dict[str, list[str]]:
    """The patterns of a Match line by their keyword in lower case (sshd_config(5)).

    Also those that are negated: what they take in is a kind of its own.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise CannotTell(f"sshd's 'Match {line:.40}' is not understood") from error
    if len(words) % 2:
        return {words[0].lower(): []}
    return {
        keyword.lower(): [one.lstrip("!") for one in patterns.split(",") if one.strip("!")]
        for keyword, patterns in zip(words[::2], words[1::2], strict=True)
    }


def _one_of(pattern: str) -> str:
    """Something that a pattern takes in: the first host of a network, a name with the wildcards filled."""
    if "/" in pattern:
        try:
            network = ipaddress.ip_network(pattern, strict=False)
        except ValueError as error:
            raise CannotTell(f"sshd's Match block for '{pattern:.40}' is not understood") from error
        return str(next(iter(network.hosts()), network.network_address))
    return pattern.replace("*", "1").replace("?", "1")


def _others(host: testinfra.host.Host, names: list[str], groups: list[str]) -> list[str]:
    """Accounts that may come in, one for each way in which these patterns take them in or not."""
    members: dict[str, set[str]] = {}
    numbers: dict[str, str] = {}
    for line in output(host, "getent group").splitlines():
        fields = line.split(":")
        if len(fields) == 4:
            members[fields[0]] = set(fields[3].split(","))
            numbers[fields[2]] = fields[0]
    primary = {
        fields[0]: numbers.get(fields[3], "")
        for fields in (line.split(":") for line in output(host, "cat /etc/passwd").splitlines())
        if len(fields) == 7
    }
    found: dict[tuple[object, ...], str] = {}
    for name, account in accounts(host).items():
        if account.can_log_in or account.has_password:
            its = [primary.get(name, ""), *(group for group, those in members.items() if name in those)]
            alike = (
                *(fnmatch.fnmatchcase(name, pattern) for pattern in names),
                *(any(fnmatch.fnmatchcase(one, pattern) for one in its) for pattern in groups),
            )
            found.setdefault(alike, name)
    return sorted(found.values())


OFFERS = {
    "KEX algorithms": "kexalgorithms",
    "host key algorithms": "hostkeyalgorithms",
    "ciphers ctos": "ciphers",
    "ciphers stoc": "ciphers",
    "MACs ctos": "macs",
    "MACs stoc": "macs",
}
# Words of the protocol itself among the key exchanges (RFC 8308, and OpenSSH's answer to the Terrapin attack).
STRICT_EXCHANGE = "kex-strict-s-v00@openssh.com"
MARKERS = ("ext-info-s", STRICT_EXCHANGE)


def _own_address(configured: Sshd) -> str:
    """An address at which the server itself reaches its sshd."""
    ends = [line.rpartition(":")[0].strip("[]") for line in configured.values.get("listenaddress", [])]
    addresses = [ipaddress.ip_address(end.partition("%")[0]) for end in ends]
    loopback = {4: "127.0.0.1", 6: "::1"}
    here = [loopback[one.version] if one.is_unspecified else str(one) for one in addresses]
    return next((one for one in loopback.values() if one in here), (here or ["127.0.0.1"])[0])


def running_offer(host: testinfra.host.Host) -> dict[str, list[str]]:
    """What the running server offers to a connection from the host itself: algorithms by keyword, and ``methods``.

    ``markers`` are words of the protocol itself among the key exchanges.

    :raises CannotTell: when no connection comes about, or the client does not say what it was offered.
    """
    configured = Sshd.for_connection(host)
    port, address = configured.value("port"), _own_address(configured)
    done = host.run(
        "ssh -vv -F none -p %s -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        " -o GlobalKnownHostsFile=/dev/null -o PreferredAuthentications=none -o ConnectTimeout=10"
        " nobody@%s true </dev/null",
        port,
        address,
    )
    said = done.stderr.replace("\r", "").partition("peer server KEXINIT proposal")[2]
    found: dict[str, list[str]] = {}
    for words, keyword in OFFERS.items():
        if match := re.search(rf"^debug2: {words}: (\S+)$", said, re.MULTILINE):
            names = [name for name in match.group(1).split(",") if name not in MARKERS]
            found[keyword] = list(dict.fromkeys([*found.get(keyword, []), *names]))
    methods = re.search(r"Authentications that can continue: (\S+)", said)
    if methods is None or set(found) != set(OFFERS.values()):
        last = [line for line in done.stderr.strip().splitlines() if not line.startswith("debug")]
        raise CannotTell(f"ssh to the server itself: {last[-1] if last else 'not understood'}")
    markers = [marker for marker in MARKERS if re.search(rf"[ ,]{re.escape(marker)}\b", said)]
    return {**found, "methods": methods.group(1).split(","), "markers": markers}
