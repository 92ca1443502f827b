"""The SSH server's effective configuration: what ``sshd -T`` says, not what a file says; and what the server that
runs offers, which may have read its files long ago.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output


@dataclass(frozen=True)
class Sshd:
    """The effective configuration for a connection; every keyword with all its values.

    >>> Sshd.for_connection(host).value("permitrootlogin")
    'no'
    """

    values: dict[str, list[str]]

    @classmethod
    def for_connection(cls, host: testinfra.host.Host, user: str = "root", address: str = "192.0.2.1") -> Sshd:
        """The configuration that a user from an address meets (``sshd -T -C``), so that Match blocks count.

        :raises CannotTell: when sshd is absent or refuses its configuration.
        """
        said = output(host, "PATH=$PATH:/usr/sbin; sshd -T -C user=%s,host=%s,addr=%s", user, address, address)
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


OFFERS = {
    "KEX algorithms": "kexalgorithms",
    "host key algorithms": "hostkeyalgorithms",
    "ciphers ctos": "ciphers",
    "ciphers stoc": "ciphers",
    "MACs ctos": "macs",
    "MACs stoc": "macs",
}
# Words of the protocol itself among the key exchanges (RFC 8308, and OpenSSH's answer to the Terrapin attack).
MARKERS = ("ext-info-s", "kex-strict-s-v00@openssh.com")


def running_offer(host: testinfra.host.Host) -> dict[str, list[str]]:
    """What the running server offers to a connection from the host itself: algorithms by keyword, and ``methods``.

    :raises CannotTell: when no connection comes about, or the client does not say what it was offered.
    """
    port = Sshd.for_connection(host).value("port")
    done = host.run(
        "ssh -vv -F none -p %s -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        " -o GlobalKnownHostsFile=/dev/null -o PreferredAuthentications=none -o ConnectTimeout=10"
        " nobody@127.0.0.1 true </dev/null",
        port,
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
    return {**found, "methods": methods.group(1).split(",")}
