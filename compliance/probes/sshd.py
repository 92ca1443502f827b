"""The SSH server's effective configuration: what ``sshd -T`` says, not what a file says."""

from __future__ import annotations

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
