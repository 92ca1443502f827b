"""What listens, and which program does."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output


@dataclass(frozen=True, order=True)
class Listener:
    """A listening socket: protocol, port, address (``*`` for all) and program."""

    protocol: str
    port: int
    address: str
    program: str

    @property
    def loopback(self) -> bool:
        """Whether only this host can reach it."""
        if self.address == "*":
            return False
        address = ipaddress.ip_address(self.address)
        # An IPv4 address in the notation of IPv6, which Python's versions take differently.
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback

    def __str__(self) -> str:
        return f"{self.program} {self.protocol}/{self.port}"


def listeners(host: testinfra.host.Host) -> list[Listener]:
    """Every listening TCP socket and every unconnected UDP socket (``ss``, ss(8)).

    :raises CannotTell: when ss is absent or says what cannot be understood, or hides the programs.
    """
    found = []
    head, *lines = output(host, "ss -tulpn").splitlines() or [""]
    if not head.startswith("Netid"):
        raise CannotTell("ss: not understood")
    for line in lines:
        fields = line.split()
        if not fields:
            continue
        if len(fields) < 6 or fields[0] not in ("tcp", "udp"):
            raise CannotTell(f"ss: '{line:.80}' is not understood")
        address, _, port = fields[4].rpartition(":")
        address, _, interface = address.partition("%")
        # What is bound to the loopback interface is reached by it alone, whatever the address.
        address = "127.0.0.1" if interface.strip("[]") == "lo" else address.strip("[]")
        program = re.search(r'users:\(\("([^"]*)"', line)
        if not port.isdigit():
            raise CannotTell(f"ss: '{line:.80}' is not understood")
        if address != "*":
            try:
                address = str(ipaddress.ip_address(address))
            except ValueError:
                raise CannotTell(f"ss: '{line:.80}' is not understood") from None
        found.append(Listener(fields[0], int(port), address, program.group(1) if program else "?"))
    return sorted(set(found))


def reachable(host: testinfra.host.Host) -> list[Listener]:
    """The listeners that other computers could reach, were there no firewall."""
    return [listener for listener in listeners(host) if not listener.loopback]
