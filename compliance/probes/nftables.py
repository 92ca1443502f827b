"""What the kernel's packet filter does with a packet, worked out from ``nft -j list ruleset``.

It walks the base chains that a packet meets, in the order of their priorities, as the kernel does: first those that
may give the packet another destination, then those of the hook that it so comes to. Where a rule uses something that
cannot be worked out from the ruleset alone, the packet's fate is unknown, and said so.
"""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import itertools
import json
import operator
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import iptables, output, succeeds

MAX_JUMPS = 16
EPHEMERAL_PORT = 50000  # as senders have it that do not choose one
# Routes that lead nowhere; those of IPv6 name some device all the same (ip-route(8)).
REFUSING = ("unreachable", "blackhole", "prohibit", "throw")
# Statements that decide nothing of a packet, and those that may end a rule for it, as a limit does when it is reached.
WITHOUT_EFFECT = frozenset(
    {
        *("counter", "log", "comment", "meta", "mangle", "notrack", "secmark", "flow", "dup", "last"),
        *("ct helper", "ct timeout", "ct expectation"),
    }
)
COMPARISONS = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
# Statements that end a rule for a packet within a limit ("inv": for one beyond it).
LIMITS = frozenset({"limit", "quota", "ct count"})
# Conditions of iptables' extensions ("xt") are as uncertain.
UNCERTAIN = frozenset({"xt", "set", "map", *LIMITS})


class Fate(StrEnum):
    """What becomes of a packet."""

    ACCEPT = "accept"
    DROP = "drop"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection: who, to whom, what.

    ``local`` while its destination is the host itself; ``port_before`` is the port that it was sent to when its
    destination was translated since. ``within_limits`` says whether its sender has sent next to nothing before, so that
    no limit of a rate, an amount or a number of connections is reached, or so much that each is; None where that is not
    known. ``source_port`` is for the sender to choose.
    """

    source: str
    destination: str
    protocol: str
    port: int
    local: bool = True
    port_before: int | None = None
    within_limits: bool | None = None
    source_port: int = EPHEMERAL_PORT

    @property
    def version(self) -> int:
        """4 or 6."""
        return ipaddress.ip_address(self.source).version


@dataclass(frozen=True)
class Translation:
    """Another destination for a packet; without an address, the host itself."""

    address: str | None
    port: int | None


Outcome = Fate | Translation | None
# How ``ip route`` calls what needs no gateway's name.
Route = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]


@dataclass
class Ruleset:
    """All tables of the kernel."""

    chains: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    rules: dict[tuple[str, str, str], list[dict[str, Any]]] = field(default_factory=dict)
    sets: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    dormant: set[tuple[str, str]] = field(default_factory=set)
    unsure: set[tuple[str, str]] = field(default_factory=set)  # tables with a flag that is none
    routes: list[Route] = field(default_factory=list)

    @classmethod
    def of(cls, host: testinfra.host.Host) -> Ruleset:
        """The running ruleset, whoever loaded it, and the routes that tell the interfaces of a packet.

        :raises CannotTell: when nft is absent, not permitted, or not understood.
        """
        ruleset = cls.parse(output(host, "PATH=$PATH:/usr/sbin; nft -j list ruleset"))
        for family, name in sorted(ruleset.unsure):
            # nft 1.0.6, Debian 12's, writes the table's name in the place of its flag.
            words = output(host, "PATH=$PATH:/usr/sbin; nft list table %s %s", family, name)
            if re.search(r"^\s+flags .*\bdormant\b", words, re.MULTILINE):
                ruleset.dormant.add((family, name))
        for family, number, save in (("ip", "4", "iptables"), ("ip6", "6", "ip6tables")):
            if ruleset.has_extensions(family):
                ruleset.replace_tables(family, output(host, f"PATH=$PATH:/usr/sbin; {save}-nft-save"))
            names = f"/proc/net/{family}_tables_names"
            # Files of /proc have no size that one could test.
            if succeeds(host, "grep -qs . %s", names, no=(1, 2)):
                ruleset.add(iptables.translate(output(host, f"PATH=$PATH:/usr/sbin; {save}-legacy-save"), family))
            ruleset.routes += _routes(output(host, f"PATH=$PATH:/usr/sbin; ip -j -{number} route show"))
        return ruleset

    @classmethod
    def parse(cls, text: str) -> Ruleset:
        """A ruleset from nft's JSON (libnftables-json(5)).

        :raises CannotTell: when it is not such JSON.
        """
        ruleset = cls()
        try:
            ruleset.add(json.loads(text)["nftables"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CannotTell(f"nft: not understood: {error}") from error
        return ruleset

    def add(self, items: list[dict[str, Any]]) -> None:
        """Take chains, sets and rules in."""
        for item in items:
            for kind, value in item.items():
                if kind in ("chain", "set", "map"):
                    key = (value["family"], value["table"], value["name"])
                    (self.chains if kind == "chain" else self.sets)[key] = value
                elif kind == "rule":
                    key = (value["family"], value["table"], value["chain"])
                    self.rules.setdefault(key, []).append(value)
                elif kind == "table":
                    flags = value.get("flags") or []
                    words = {flags} if isinstance(flags, str) else set(flags)
                    if "dormant" in words:
                        self.dormant.add((value["family"], value["name"]))  # its chains meet no packet
                    elif words - {"owner", "persist"}:
                        self.unsure.add((value["family"], value["name"]))

    def has_extensions(self, family: str) -> bool:
        """Whether some rule of a family uses an extension of iptables."""
        return any(
            "xt" in statement
            for key, rules in self.rules.items()
            if key[0] == family
            for rule in rules
            for statement in rule.get("expr", [])
        )

    def replace_tables(self, family: str, saved: str) -> None:
        """Put what iptables-save says in the place of the tables that it tells of."""
        items = iptables.translate(saved, family)
        tables = {(family, value["table"]) for item in items for value in item.values()}
        self.chains = {key: value for key, value in self.chains.items() if key[:2] not in tables}
        self.rules = {key: value for key, value in self.rules.items() if key[:2] not in tables}
        self.add(items)

    def base_chains(self, hook: str, version: int) -> list[dict[str, Any]]:
        """The chains that a packet meets at a hook and that may decide its fate, first priority first."""
        families = ("inet", "ip" if version == 4 else "ip6")
        found = [
            chain
            for (family, table, _), chain in self.chains.items()
            if chain.get("hook") == hook
            and (family, table) not in self.dormant
            and family in families
            and chain.get("type") in (("filter", "nat", None) if hook == "prerouting" else ("filter", None))
        ]
        return sorted(found, key=lambda chain: chain["prio"] if isinstance(chain.get("prio"), int) else 0)

    def fate(self, packet: Packet, hook: str = "input", *, sender_chooses: bool = True) -> Fate:
        """What becomes of a packet: it must be accepted by every base chain.

        :param hook: ``input`` for a packet that arrives for the host, ``output`` for one that leaves it.
        :param sender_chooses: what its sender has in hand, the port that it comes from and how much was sent before,
            counts as chosen so that it is accepted.
        """
        fates = {self._fate(packet, hook)}
        if not sender_chooses:
            return fates.pop()
        chosen = [packet, *(dataclasses.replace(packet, source_port=port) for port in self.named_source_ports)]
        fates |= {self._fate(one, hook) for one in chosen[1:]}
        if Fate.UNKNOWN in fates and Fate.ACCEPT not in fates:
            for one, within in itertools.product(chosen, (True, False)):
                fates.add(self._fate(dataclasses.replace(one, within_limits=within), hook))
        if Fate.ACCEPT in fates:
            return Fate.ACCEPT
        return fates.pop() if len(fates) == 1 else Fate.UNKNOWN

    def _fate(self, packet: Packet, hook: str) -> Fate:
        if hook == "output":
            fates = self._hook(hook, dataclasses.replace(packet, local=False))
        else:
            fates = set()
            for arrived in self._hook("prerouting", packet):
                if isinstance(arrived, Packet):
                    fates |= self._hook("input" if arrived.local else "forward", arrived)
                else:
                    fates.add(arrived)
        kinds = {Fate.ACCEPT if isinstance(fate, Packet) else fate for fate in fates}
        return kinds.pop() if len(kinds) == 1 else Fate.UNKNOWN

    def translated(self, packet: Packet) -> bool:
        """Whether a packet that arrives for the host is surely given another destination."""
        after = self._hook("prerouting", packet)
        return bool(after) and all(isinstance(one, Packet) and one.port_before is not None for one in after)

    def _hook(self, hook: str, packet: Packet) -> set[Fate | Packet]:
        """What may come out of a hook: the packet, perhaps with another destination, or its end."""
        packets: set[Packet] = {packet}
        ends: set[Fate | Packet] = set()
        for chain in self.base_chains(hook, packet.version):
            policy = Fate(chain.get("policy", "accept"))
            going_on: set[Packet] = set()
            for one in packets:
                for outcome in self._chain(chain, one, 0):
                    end = policy if outcome is None else outcome
                    if isinstance(end, Translation):
                        going_on.add(_translate(one, end))
                    elif end is Fate.ACCEPT:
                        going_on.add(one)
                    else:
                        ends.add(end)
            packets = going_on
        return ends | packets

    def _interface(self, address: str) -> str | None:
        """The interface that leads to an address; None when no route does."""
        parsed = ipaddress.ip_address(address)
        fitting = [
            (network.prefixlen, device)
            for network, device in self.routes
            if network.version == parsed.version and parsed in network
        ]
        return max(fitting, key=lambda one: one[0])[1] if fitting else None

    def _chain(self, chain: dict[str, Any], packet: Packet, depth: int) -> set[Outcome]:
        """What a chain may do with a packet; None when the packet comes out at its end.

        More than one where a condition cannot be worked out.
        """
        if depth > MAX_JUMPS:
            return {Fate.UNKNOWN}
        table = chain["family"], chain["table"]
        possible: set[Outcome] = set()
        for rule in self.rules.get((*table, chain["name"]), []):
            certain = True
            for statement in rule.get("expr", []):
                ((kind, value),) = statement.items()
                if kind in WITHOUT_EFFECT:
                    continue
                if kind == "match":
                    met = self._matches(value, packet, table)
                    if met is False:
                        break
                    certain &= met is True
                elif kind in UNCERTAIN:
                    beyond = _asks_beyond(kind, value) if packet.within_limits is not None else None
                    if beyond is not None and beyond == packet.within_limits:
                        break
                    certain &= beyond is not None
                else:
                    outcomes, goes_on = self._verdict(kind, value, packet, table, depth)
                    possible |= outcomes
                    if certain and not goes_on:
                        return possible
                    break
        return possible | {None}

    def _verdict(
        self, kind: str, value: Any, packet: Packet, table: tuple[str, str], depth: int
    ) -> tuple[set[Outcome], bool]:
        """What a statement may do, None for leaving the chain as at its end; and whether the next rule may follow."""
        if kind == "accept":
            return {Fate.ACCEPT}, False
        if kind in ("drop", "reject"):
            return {Fate.DROP}, False
        if kind == "return":
            return {None}, False
        if kind == "continue":
            return set(), True
        if kind == "vmap":
            return self._verdict_map(value, packet, table, depth)
        if kind in ("dnat", "redirect") and isinstance(value or {}, dict):
            address, port = (value or {}).get("addr"), (value or {}).get("port")
            if isinstance(address, str | None) and isinstance(port, int | None):
                return {Translation(address if kind == "dnat" else None, port)}, False
        if kind in ("jump", "goto"):
            target = self.chains.get((*table, value["target"]))
            unknown: set[Outcome] = {Fate.UNKNOWN}
            outcomes = unknown if target is None else self._chain(target, packet, depth + 1)
            return (outcomes, False) if kind == "goto" else (outcomes - {None}, None in outcomes)
        return {Fate.UNKNOWN}, True

    def _verdict_map(
        self, vmap: dict[str, Any], packet: Packet, table: tuple[str, str], depth: int
    ) -> tuple[set[Outcome], bool]:
        """What the verdict that a map holds for a packet may do; every verdict that it may be, where that is open."""
        data, key = vmap.get("data"), vmap.get("key")
        if isinstance(data, str):
            named = self.sets.get((*table, data.lstrip("@")))
            entries = None if named is None else named.get("elem", [])
        else:
            entries = data.get("set") if isinstance(data, dict) else None
        if entries is None:
            return {Fate.UNKNOWN}, True
        value = self._value(key, packet)
        possible: set[Outcome] = set()
        goes_on = False
        # What is for everything else is asked last, wherever it stands.
        for one, verdict in sorted(entries, key=lambda entry: _plain_key(entry[0]) == "*"):
            met = None if value is NotImplemented else value is not None and self._is_in(value, _plain_key(one), table)
            if met is False:
                continue
            ((kind, target),) = verdict.items()
            outcomes, may_go_on = self._verdict(kind, target, packet, table, depth)
            possible |= outcomes
            goes_on |= may_go_on
            if met:
                return possible, goes_on
        return possible, goes_on or not _has_all_numbers(key, [_plain_key(one) for one, _ in entries])

    def _matches(self, match: dict[str, Any], packet: Packet, table: tuple[str, str]) -> bool | None:
        """Whether a packet meets a condition; None when that cannot be worked out."""
        value = self._value(match["left"], packet)
        if value is NotImplemented:
            # What comes from outside comes through some interface, and never through the loopback.
            return match["op"] == "!=" if match["right"] == "lo" else None
        if value is None:
            return False  # a field of another protocol: such a packet does not have it
        if match["op"] in COMPARISONS:
            comparable = isinstance(value, int) and isinstance(match["right"], int)
            return COMPARISONS[match["op"]](value, match["right"]) if comparable else None
        met = self._is_in(value, match["right"], table)
        if met is None:
            return None
        if match["op"] in ("==", "in"):
            return met
        return not met if match["op"] == "!=" else None

    def _value(self, left: Any, packet: Packet) -> Any:
        """What a packet has where a rule looks; None where it has nothing, NotImplemented where that is not known."""
        if not isinstance(left, dict):
            return NotImplemented
        if "concat" in left:
            values = [self._value(one, packet) for one in left["concat"]]
            return NotImplemented if NotImplemented in values else None if None in values else values
        if "fib" in left:
            return self._fib(left["fib"], packet)
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
                return {"dport": packet.port, "sport": packet.source_port}.get(name, NotImplemented)
            return None if protocol in ("icmp", "icmpv6", "sctp", "dccp", "udplite") else NotImplemented
        if "ct" in left:
            known = {
                "state": "new",
                "direction": "original",
                "status": "dnat" if packet.port_before is not None else "none",
                "proto-dst": packet.port if packet.port_before is None else packet.port_before,
            }
            return known.get(left["ct"].get("key"), NotImplemented)
        if "meta" in left:
            return self._meta(left["meta"].get("key"), packet)
        return NotImplemented

    @staticmethod
    def _fib(fib: dict[str, Any], packet: Packet) -> Any:
        """What the routing table says of a packet's addresses: there is a way back, and whose the destination is."""
        flags = fib.get("flags") or []
        flags = [flags] if isinstance(flags, str) else flags  # a single one, from nft 1.1.5 on
        if fib.get("result") == "type":
            return "local" if packet.local and flags == ["daddr"] else "unicast"
        return True if "saddr" in flags else NotImplemented

    def _meta(self, key: Any, packet: Packet) -> Any:
        if key in ("iifname", "iif", "oifname", "oif"):
            # Answers take the way back that routes tell; a packet for the host leaves through no interface.
            if key.startswith("oif") and packet.local:
                return None
            return self._interface(packet.source if key.startswith("iif") else packet.destination) or NotImplemented
        return {
            "l4proto": packet.protocol,
            "nfproto": "ipv4" if packet.version == 4 else "ipv6",
            "protocol": "ip" if packet.version == 4 else "ip6",
            "pkttype": "host",
        }.get(key, NotImplemented)

    def _is_in(self, value: Any, right: Any, table: tuple[str, str]) -> bool | None:
        if right == "*":
            return True
        if isinstance(right, list):
            return self._any(value, right, table)
        if isinstance(right, dict):
            if "set" in right:
                return self._any(value, right["set"] if isinstance(right["set"], list) else [right["set"]], table)
            if "concat" in right:
                if not isinstance(value, list) or len(right["concat"]) != len(value):
                    return None
                met = [self._is_in(one, wanted, table) for one, wanted in zip(value, right["concat"], strict=True)]
                return False if False in met else None if None in met else True
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

    @functools.cached_property
    def named_source_ports(self) -> set[int]:
        """Every port that some rule wants packets to come from, and those beside it, which it may not want."""
        return {near for port in self.mentioned_ports("sport") for near in (port - 1, port, port + 1)}

    def mentioned_ports(self, name: str = "dport") -> set[int]:
        """Every port that some rule or set names, the ends of ranges included.

        :param name: ``dport`` for those that packets go to, ``sport`` for those that they come from.
        """
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
                    match, vmap = statement.get("match"), statement.get("vmap")
                    if match and f'"{name}"' in json.dumps(match.get("left")):
                        collect(match.get("right"))
                    if vmap and f'"{name}"' in json.dumps(vmap.get("key")):
                        collect(vmap.get("data"))
        for named in self.sets.values():
            collect(named.get("elem", []))
        return found


def _asks_beyond(kind: str, value: Any) -> bool | None:
    """Whether a rule with such a limit is for what is beyond it; None where it is no limit, but something unknown."""
    if kind in LIMITS:
        return bool(value.get("inv")) if isinstance(value, dict) else None
    if kind in ("set", "map") and isinstance(value, dict):
        # A sender's own limit, kept in a set; without one, the rule only notes the sender.
        kept = [_asks_beyond(*pair) for one in value.get("stmt") or [] for pair in one.items() if pair[0] in LIMITS]
        return None if None in kept else any(kept)
    return None


def _plain_key(key: Any) -> Any:
    """A map's key without the comment, counter or time that it may carry."""
    return key["elem"].get("val") if isinstance(key, dict) and "elem" in key else key


def _has_all_numbers(key: Any, entries: list[Any]) -> bool:
    """Whether a map has a verdict for whatever number is drawn; its keys do not overlap."""
    drawn = key.get("numgen") if isinstance(key, dict) else None
    if not isinstance(drawn, dict) or not isinstance(drawn.get("mod"), int):
        return False
    first, there = drawn.get("offset") or 0, 0
    for one in entries:
        low, high = one["range"] if isinstance(one, dict) and "range" in one else (one, one)
        if isinstance(low, int) and isinstance(high, int) and first <= low <= high < first + drawn["mod"]:
            there += high - low + 1
    return bool(there >= drawn["mod"])


def computer_in(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    """An address that stands for a computer of no special rights in a network: its last."""
    return str(network[-2] if network.num_addresses > 2 else network[0])


def _translate(packet: Packet, to: Translation) -> Packet:
    return dataclasses.replace(
        packet,
        destination=to.address or packet.destination,
        port=to.port or packet.port,
        local=packet.local and to.address in (None, packet.destination),
        port_before=packet.port,
    )


def _routes(text: str) -> list[Route]:
    """The routes in the words of ``ip -j route``.

    :raises CannotTell: when it is not such JSON.
    """
    found: list[Route] = []
    try:
        for route in json.loads(text or "[]"):
            hops = [route, *route.get("nexthops", [])]
            device = next((hop["dev"] for hop in hops if "dev" in hop), None)
            if device is None or route.get("type") in REFUSING:
                continue
            if route["dst"] == "default":
                found += [(ipaddress.ip_network("0.0.0.0/0"), device), (ipaddress.ip_network("::/0"), device)]
            else:
                found.append((ipaddress.ip_network(route["dst"]), device))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotTell(f"ip route: not understood: {error}") from error
    return found
