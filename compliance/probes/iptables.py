"""What iptables loaded, in the words of libnftables-json(5), so that one evaluation serves both.

``nft -j`` does not say what the matches of iptables' extensions compare with, and knows nothing of the rules that
iptables-legacy loaded; ``iptables-save`` tells both. What is not understood here becomes a condition that is unknown.
"""

from __future__ import annotations

import itertools
import shlex
from typing import Any

from compliance.checking import CannotTell

# The hooks of each table's built-in chains, and the table's priority at them (netfilter_ipv4.h).
HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output"}
HOOKS["POSTROUTING"] = "postrouting"
PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
UNKNOWN: dict[str, Any] = {"xt": {"type": "match"}}
# Matches that only name what later words belong to, or say nothing about the packet.
SILENT_MATCHES = ("tcp", "udp", "multiport", "conntrack", "state", "addrtype", "comment", "limit", "rt")
VERDICTS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return"}

Item = dict[str, Any]


def translate(text: str, family: str) -> list[Item]:
    """Read the words of ``iptables-save`` (``family`` ip) or ``ip6tables-save`` (ip6).

    :raises CannotTell: when a line is not of that language.
    """
    items: list[Item] = []
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":") and table:
            name, policy = [*line[1:].split(), ""][:2]
            chain: Item = {"family": family, "table": table, "name": name}
            if policy != "-":
                chain |= {
                    "type": "nat" if table == "nat" else "filter",
                    "hook": HOOKS.get(name, name),
                    "prio": PRIORITIES.get(table, 0),
                    "policy": policy.lower(),
                }
            items.append({"chain": chain})
        elif line.startswith("-A ") and table:
            try:
                _, name, *words = shlex.split(line)
            except ValueError as error:
                raise CannotTell(f"iptables-save: '{line:.80}' is not understood") from error
            items.append({"rule": {"family": family, "table": table, "chain": name, "expr": _rule(words, family)}})
        elif line and line != "COMMIT" and not line.startswith("#"):
            raise CannotTell(f"iptables-save: '{line:.80}' is not understood")
    return items


def _rule(words: list[str], family: str) -> list[Item]:
    """The statements of a rule, its conditions before its target."""
    conditions: list[Item] = []
    targets: list[Item] = []
    protocol, negated, at = "th", False, 0
    while at < len(words):
        word, values = words[at], _values(words[at + 1 :])
        at += 1
        if word == "!":
            negated = True
            continue
        value = values[0] if values else ""
        if word in ("-j", "-g"):
            target, used = _target(word, value, words[at + 1 :], family)
            targets.append(target)
            at += 1 + used
            continue
        at += 1 if word == "--comment" else len(values)
        if word == "-p":
            protocol = value
        if word == "--comment" or (word == "-m" and value in SILENT_MATCHES):
            pass
        elif word in ("--limit", "--limit-burst"):
            conditions += [{"limit": value}] if word == "--limit" else []
        elif word == "--rt-type":
            conditions += [] if negated else [_never()]  # nobody sends a routing header any more (RFC 5095)
        elif word == "--tcp-flags" and len(values) == 2:
            # The first packet of a connection carries SYN alone.
            conditions += [] if (values[1] == "SYN" and "SYN" in value) != negated else [_never()]
        else:
            conditions.append(_condition(word, value, protocol, family, negated) if len(values) == 1 else UNKNOWN)
        negated = False
    return conditions + targets


def _values(words: list[str]) -> list[str]:
    """The words that belong to the option before them: none, one or several, up to the next option."""
    return list(itertools.takewhile(lambda word: not word.startswith("-") and word != "!", words))


def _condition(word: str, value: str, protocol: str, family: str, negated: bool) -> Item:
    def match(left: Item, right: Any) -> Item:
        return {"match": {"op": "!=" if negated else "==", "left": left, "right": right}}

    def payload(name: str, of: str) -> Item:
        return {"payload": {"protocol": of, "field": name}}

    if word in ("-s", "-d"):
        address, _, length = value.partition("/")
        prefix = {"prefix": {"addr": address, "len": int(length)}} if length.isdigit() else address
        return match(payload("saddr" if word == "-s" else "daddr", family), prefix)
    if word in ("-i", "-o"):
        return match({"meta": {"key": "iifname" if word == "-i" else "oifname"}}, value.replace("+", "*"))
    if word == "-p":
        return match({"meta": {"key": "l4proto"}}, {"ipv6-icmp": "icmpv6"}.get(value, value))
    if word in ("--dport", "--dports", "--sport", "--sports"):
        ports: list[Any] = []
        for one in value.split(","):
            low, _, high = one.partition(":")
            if not low.isdigit() or not (high or low).isdigit():
                return UNKNOWN
            ports.append({"range": [int(low), int(high)]} if high else int(low))
        return match(payload("dport" if word.startswith("--d") else "sport", protocol), ports)
    if word in ("--ctstate", "--state"):
        return match({"ct": {"key": "state"}}, value.lower().split(","))
    if word in ("--dst-type", "--src-type"):
        flag = "daddr" if word == "--dst-type" else "saddr"
        return match({"fib": {"result": "type", "flags": [flag]}}, value.lower())
    return UNKNOWN


def _target(word: str, value: str, rest: list[str], family: str) -> tuple[Item, int]:
    """A rule's target, and how many of the remaining words belong to it: all of them."""
    options = dict(itertools.pairwise(rest))
    if value in VERDICTS:
        return {VERDICTS[value]: None}, len(rest)
    if value in ("LOG", "NFLOG"):
        return {"log": None}, len(rest)
    if value == "DNAT":
        address, port = options.get("--to-destination", ""), None
        head, _, tail = address.rpartition(":")
        if tail.isdigit() and (family == "ip" or head.endswith("]")) and head:
            address, port = head, int(tail)
        return {"dnat": {"addr": address.strip("[]"), **({"port": port} if port else {})}}, len(rest)
    if value == "REDIRECT":
        port_text = options.get("--to-ports", "")
        return {"redirect": {"port": int(port_text)} if port_text.isdigit() else {}}, len(rest)
    if value.isupper() and value in ("MASQUERADE", "SNAT", "MARK", "CONNMARK", "CT", "TCPMSS", "NOTRACK", "CHECKSUM"):
        return {"counter": None}, len(rest)
    return {"goto" if word == "-g" else "jump": {"target": value}}, len(rest)


def _never() -> Item:
    return {"match": {"op": "==", "left": {"ct": {"key": "state"}}, "right": "untracked"}}
