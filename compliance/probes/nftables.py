"""What the kernel's packet filter does with a packet, worked out from ``nft -j list ruleset``.

It walks the base chains that a packet meets, in the order of their priorities, as the kernel does. Where a rule
uses something that cannot be worked out from the ruleset alone, the packet's fate is unknown, and said so.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output

MAX_JUMPS = 16


class Fate(StrEnum):
    """What becomes of a packet."""

    ACCEPT = "accept"
    DROP = "drop"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection: who, to whom, what."""

    source: str
    destination: str
    protocol: str
    port: int
    interface: str = "eth0"

    @property
    def version(self) -> int:
        """4 or 6."""
        return ipaddress.ip_address(self.source).version


@dataclass
class Ruleset:
    """All tables of the kernel."""

    chains: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    rules: dict[tuple[str, str, str], list[dict[str, Any]]] = field(default_factory=dict)
    sets: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, host: testinfra.host.Host) -> Ruleset:
        """The running ruleset.

        :raises CannotTell: when nft is absent, not permitted, or not understood.
        """
        return cls.parse(output(host, "PATH=$PATH:/usr/sbin; nft -j list ruleset"))

    @classmethod
    def parse(cls, text: str) -> Ruleset:
        """A ruleset from nft's JSON (libnftables-json(5)).

        :raises CannotTell: when it is not such JSON.
        """
        ruleset = cls()
        try:
            for item in json.loads(text)["nftables"]:
                for kind, value in item.items():
                    if kind in ("chain", "set", "map"):
                        key = (value["family"], value["table"], value["name"])
                        (ruleset.chains if kind == "chain" else ruleset.sets)[key] = value
                    elif kind == "rule":
                        key = (value["family"], value["table"], value["chain"])
                        ruleset.rules.setdefault(key, []).append(value)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CannotTell(f"nft: not understood: {error}") from error
        return ruleset

    def base_chains(self, hook: str, version: int) -> list[dict[str, Any]]:
        """The filtering chains that a packet meets at a hook, first priority first."""
        families = ("inet", "ip" if version == 4 else "ip6")
        found = [
            chain
            for (family, _, _), chain in self.chains.items()
            if chain.get("hook") == hook and family in families and chain.get("type") in ("filter", None)
        ]
        return sorted(found, key=lambda chain: chain["prio"] if isinstance(chain.get("prio"), int) else 0)

    def fate(self, packet: Packet, hook: str = "input") -> Fate:
        """What becomes of a packet: it must be accepted by every base chain."""
        unknown = False
        for chain in self.base_chains(hook, packet.version):
            policy = Fate(chain.get("policy", "accept"))
            possible = {policy if fate is None else fate for fate in self._chain(chain, packet, 0)}
            if possible == {Fate.DROP}:
                return Fate.DROP
            unknown |= possible != {Fate.ACCEPT}
        return Fate.UNKNOWN if unknown else Fate.ACCEPT

    def _chain(self, chain: dict[str, Any], packet: Packet, depth: int) -> set[Fate | None]:
        """What a chain may do with a packet; None when the packet comes out at its end.

        More than one where a condition cannot be worked out.
        """
        if depth > MAX_JUMPS:
            return {Fate.UNKNOWN}
        table = chain["family"], chain["table"]
        possible: set[Fate | None] = set()
        for rule in self.rules.get((*table, chain["name"]), []):
            certain = True
            for statement in rule.get("expr", []):
                ((kind, value),) = statement.items()
                if kind in ("counter", "log", "comment", "meta", "mangle"):
                    continue
                if kind == "match":
                    met = self._matches(value, packet, table)
                    if met is False:
                        break
                    certain &= met is True
                elif kind == "limit":
                    certain = False  # it lets some packets on and others not: either may happen
                else:
                    fates, leaves_chain = self._verdict(kind, value, packet, table, depth)
                    if certain and (leaves_chain or None not in fates):
                        return possible | fates
                    possible |= fates if leaves_chain else fates - {None}
                    break
        return possible | {None}

    def _verdict(
        self, kind: str, value: Any, packet: Packet, table: tuple[str, str], depth: int
    ) -> tuple[set[Fate | None], bool]:
        """What a statement may do, None for coming back to the chain; and whether the chain is left in any case."""
        if kind == "accept":
            return {Fate.ACCEPT}, True
        if kind in ("drop", "reject"):
            return {Fate.DROP}, True
        if kind == "return":
            return {None}, True
        if kind in ("jump", "goto"):
            target = self.chains.get((*table, value["target"]))
            return ({Fate.UNKNOWN} if target is None else self._chain(target, packet, depth + 1)), kind == "goto"
        return {Fate.UNKNOWN, None}, False

    def _matches(self, match: dict[str, Any], packet: Packet, table: tuple[str, str]) -> bool | None:
        """Whether a packet meets a condition; None when that cannot be worked out."""
        value = self._value(match["left"], packet)
        if value is NotImplemented:
            return None
        if value is None:
            return False  # a field of another protocol: such a packet does not have it
        met = self._is_in(value, match["right"], table)
        if met is None:
            return None
        if match["op"] in ("==", "in"):
            return met
        return not met if match["op"] == "!=" else None

    @staticmethod
    def _value(left: Any, packet: Packet) -> Any:
        if not isinstance(left, dict):
            return NotImplemented
        if "payload" in left:
            protocol, name = left["payload"].get("protocol"), left["payload"].get("field")
            if protocol in ("ip", "ip6"):
                if protocol != ("ip" if packet.version == 4 else "ip6"):
                    return None
                if name in ("saddr", "daddr"):
                    return ipaddress.ip_address(packet.source if name == "saddr" else packet.destination)
                return packet.protocol if name in ("protocol", "nexthdr") else NotImplemented
            if protocol in ("tcp", "udp", "th"):
                if protocol not in (packet.protocol, "th"):
                    return None
                return packet.port if name == "dport" else NotImplemented
            return None if protocol in ("icmp", "icmpv6", "sctp", "dccp", "udplite") else NotImplemented
        if "ct" in left:
            return "new" if left["ct"].get("key") == "state" else NotImplemented
        if "meta" in left:
            return {
                "iifname": packet.interface,
                "iif": packet.interface,
                "oifname": packet.interface,
                "l4proto": packet.protocol,
                "nfproto": "ipv4" if packet.version == 4 else "ipv6",
                "protocol": "ip" if packet.version == 4 else "ip6",
            }.get(left["meta"].get("key"), NotImplemented)
        return NotImplemented

    def _is_in(self, value: Any, right: Any, table: tuple[str, str]) -> bool | None:
        if isinstance(right, list):
            return self._any(value, right, table)
        if isinstance(right, dict):
            if "set" in right:
                return self._any(value, right["set"] if isinstance(right["set"], list) else [right["set"]], table)
            if "range" in right and isinstance(value, int):
                low, high = right["range"]
                return isinstance(low, int) and isinstance(high, int) and low <= value <= high
            if "range" in right:
                low, high = (ipaddress.ip_address(end) for end in right["range"])
                return bool(low.version == value.version and low <= value <= high)
            if "prefix" in right:
                network = ipaddress.ip_network(f"{right['prefix']['addr']}/{right['prefix']['len']}", strict=False)
                return value in network
            return None
        if isinstance(right, str) and right.startswith("@"):
            named = self.sets.get((*table, right[1:]))
            return None if named is None else self._any(value, named.get("elem", []), table)
        if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv6Address):
            try:
                return value == ipaddress.ip_address(right)
            except ValueError:
                return None
        if isinstance(value, str) and isinstance(right, str) and right.endswith("*"):
            return value.startswith(right[:-1])
        return bool(value == right)

    def _any(self, value: Any, options: list[Any], table: tuple[str, str]) -> bool | None:
        answers = []
        for option in options:
            if isinstance(option, dict) and "elem" in option:
                option = option["elem"].get("val")
            answers.append(self._is_in(value, option, table))
        if any(answers):
            return True
        return None if None in answers else False

    def mentioned_ports(self) -> set[int]:
        """Every port that some rule or set names, the ends of ranges included."""
        found: set[int] = set()

        def collect(value: Any) -> None:
            if isinstance(value, bool):
                return
            if isinstance(value, int) and 0 < value < 65536:
                found.add(value)
            elif isinstance(value, list):
                for item in value:
                    collect(item)
            elif isinstance(value, dict):
                for item in value.values():
                    collect(item)

        for rules in self.rules.values():
            for rule in rules:
                for statement in rule.get("expr", []):
                    match = statement.get("match")
                    if match and "dport" in json.dumps(match.get("left")):
                        collect(match.get("right"))
        for named in self.sets.values():
            collect(named.get("elem", []))
        return found
