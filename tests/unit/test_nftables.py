"""The packet filter's evaluation: rulesets of our own and of others, and garbage."""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.checking import CannotTell
from compliance.probes import iptables
from compliance.probes.nftables import Fate, Packet, Ruleset
from tests.unit.fakes import Answer, Host

CLIENT4, CLIENT6, SERVER4, SERVER6 = "10.31.40.10", "fd31:40::10", "10.31.10.11", "fd31:10::11"


def ruleset(*rules: list[dict[str, Any]], policy: str = "drop", more: tuple[dict[str, Any], ...] = ()) -> Ruleset:
    chain = {
        "family": "inet",
        "table": "t",
        "name": "input",
        "type": "filter",
        "hook": "input",
        "prio": 0,
        "policy": policy,
    }
    items: list[dict[str, Any]] = [{"chain": chain}, *more]
    items += [{"rule": {"family": "inet", "table": "t", "chain": "input", "expr": rule}} for rule in rules]
    return Ruleset.parse(json.dumps({"nftables": items}))


def match(left: dict[str, Any], right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def port(right: Any, protocol: str = "tcp") -> dict[str, Any]:
    return match({"payload": {"protocol": protocol, "field": "dport"}}, right)


def from_port(right: Any) -> dict[str, Any]:
    return match({"payload": {"protocol": "tcp", "field": "sport"}}, right)


def source(right: Any, protocol: str = "ip") -> dict[str, Any]:
    return match({"payload": {"protocol": protocol, "field": "saddr"}}, right)


ACCEPT: dict[str, Any] = {"accept": None}
PACKET = Packet(CLIENT4, SERVER4, "tcp", 80)
ESTABLISHED = [match({"ct": {"key": "state"}}, ["established", "related"], "in"), ACCEPT]
LOOPBACK = [match({"meta": {"key": "iifname"}}, "lo"), ACCEPT]


@pytest.mark.parametrize(
    ("rules", "policy", "expected"),
    [
        ([], "drop", Fate.DROP),
        ([], "accept", Fate.ACCEPT),
        ([ESTABLISHED, LOOPBACK], "drop", Fate.DROP),
        ([[port(80), ACCEPT]], "drop", Fate.ACCEPT),
        ([[port({"set": [22, 80]}), ACCEPT]], "drop", Fate.ACCEPT),
        ([[port({"range": [70, 90]}), ACCEPT]], "drop", Fate.ACCEPT),
        ([[port({"range": [81, 90]}), ACCEPT]], "drop", Fate.DROP),
        ([[port({"set": [{"range": [70, 90]}, 443]}), ACCEPT]], "drop", Fate.ACCEPT),
        ([[port(80, "udp"), ACCEPT]], "drop", Fate.DROP),
        ([[port(80, "th"), ACCEPT]], "drop", Fate.ACCEPT),
        ([[source({"prefix": {"addr": "10.31.40.0", "len": 24}}), port(80), ACCEPT]], "drop", Fate.ACCEPT),
        ([[source({"prefix": {"addr": "10.31.30.0", "len": 24}}), port(80), ACCEPT]], "drop", Fate.DROP),
        ([[source(CLIENT6, "ip6"), ACCEPT]], "drop", Fate.DROP),
        ([[source(CLIENT4), {"drop": None}], [port(80), ACCEPT]], "drop", Fate.DROP),
        ([[source(CLIENT4), {"reject": {}}], [port(80), ACCEPT]], "drop", Fate.DROP),
        ([[match({"payload": {"protocol": "ip", "field": "saddr"}}, CLIENT4, "!="), ACCEPT]], "drop", Fate.DROP),
        ([[{"counter": {}}, {"log": {}}, port(80), ACCEPT]], "drop", Fate.ACCEPT),
        # Within a limit it is accepted: that is what an open port is.
        ([[{"limit": {"rate": 5}}, port(80), ACCEPT]], "drop", Fate.ACCEPT),
        # And so it is beyond one: how much is sent before is the sender's to choose, as is the port that it comes from.
        ([[{"limit": {"rate": 5, "inv": True}}, port(80), ACCEPT]], "drop", Fate.ACCEPT),
        ([[{"limit": {"rate": 5}}, {"drop": None}]], "accept", Fate.ACCEPT),
        ([[from_port(53), ACCEPT]], "drop", Fate.ACCEPT),
        ([[from_port(53), port(81), ACCEPT]], "drop", Fate.DROP),
        ([[from_port(53), {"drop": None}]], "accept", Fate.ACCEPT),
        ([[from_port({"range": [1024, 65535]}), {"drop": None}]], "accept", Fate.ACCEPT),
        ([[from_port(53), {"limit": {"rate": 5}}, ACCEPT]], "drop", Fate.ACCEPT),
        ([[{"limit": {"rate": 5, "inv": True}}, {"drop": None}], [port(80), ACCEPT]], "drop", Fate.ACCEPT),
        ([[{"quota": {"val": 5, "inv": True}}, {"drop": None}], [port(80), ACCEPT]], "drop", Fate.ACCEPT),
        ([[{"quota": "lain"}, {"drop": None}], [port(80), ACCEPT]], "drop", Fate.UNKNOWN),
        ([[{"ct count": {"val": 9}}, ACCEPT]], "drop", Fate.ACCEPT),
        ([[{"ct count": {"val": 9, "inv": True}}, {"drop": None}], [ACCEPT]], "drop", Fate.ACCEPT),
        ([[match({"socket": {"key": "mark"}}, 1), ACCEPT]], "drop", Fate.UNKNOWN),
        ([[{"xt": {"type": "match"}}, ACCEPT]], "drop", Fate.UNKNOWN),
        ([[port("@open"), ACCEPT]], "drop", Fate.UNKNOWN),
        ([[{"jump": {"target": "web"}}]], "drop", Fate.UNKNOWN),
        ([[{"limit": {"rate": 5}}, {"drop": None}]], "drop", Fate.DROP),
        ([[{"limit": {"rate": 5}}, ACCEPT]], "accept", Fate.ACCEPT),
        ([[{"limit": {"rate": 5}}, {"return": None}], [port(80), ACCEPT]], "drop", Fate.ACCEPT),
        ([[{"limit": {"rate": 5, "inv": True}}, {"return": None}], [port(80), ACCEPT]], "drop", Fate.ACCEPT),
        ([[{"xt": {"type": "match"}}, {"limit": {"rate": 5}}, ACCEPT]], "drop", Fate.UNKNOWN),
        ([[port(80), {"return": None}], [ACCEPT]], "drop", Fate.DROP),
    ],
)
def test_fates(rules: list[list[dict[str, Any]]], policy: str, expected: Fate) -> None:
    assert ruleset(*rules, policy=policy).fate(PACKET) is expected


@pytest.mark.parametrize(
    "expression",
    [
        [from_port("@dns"), ACCEPT],
        [{"vmap": {"key": from_port(0)["match"]["left"], "data": {"set": [[53, {"accept": None}]]}}}],
        [{"vmap": {"key": from_port(0)["match"]["left"], "data": "@verdicts"}}],
    ],
)
def test_a_sender_may_come_from_any_port_that_a_set_or_a_map_names(expression: list[dict[str, Any]]) -> None:
    more = (
        {"set": {"family": "inet", "table": "t", "name": "dns", "elem": [53]}},
        {"map": {"family": "inet", "table": "t", "name": "verdicts", "elem": [[53, {"accept": None}]]}},
    )
    assert ruleset(expression, more=more).fate(PACKET) is Fate.ACCEPT


def test_named_sets_and_jumps_are_followed() -> None:
    more = (
        {"set": {"family": "inet", "table": "t", "name": "open", "elem": [443, {"elem": {"val": 80}}]}},
        {"chain": {"family": "inet", "table": "t", "name": "web"}},
        {"rule": {"family": "inet", "table": "t", "chain": "web", "expr": [port("@open"), ACCEPT]}},
    )
    found = ruleset([{"jump": {"target": "web"}}], more=more)
    assert found.fate(PACKET) is Fate.ACCEPT
    assert found.fate(Packet(CLIENT4, SERVER4, "tcp", 81)) is Fate.DROP
    assert {80, 443} <= found.mentioned_ports()


def test_a_goto_does_not_come_back_and_a_jump_does() -> None:
    more = ({"chain": {"family": "inet", "table": "t", "name": "empty"}},)
    assert ruleset([{"jump": {"target": "empty"}}], [ACCEPT], more=more).fate(PACKET) is Fate.ACCEPT
    assert ruleset([{"goto": {"target": "empty"}}], [ACCEPT], more=more).fate(PACKET) is Fate.DROP


def test_every_base_chain_must_accept() -> None:
    other = {
        "family": "ip",
        "table": "o",
        "name": "in",
        "type": "filter",
        "hook": "input",
        "prio": 10,
        "policy": "drop",
    }
    found = ruleset([port(80), ACCEPT], more=({"chain": other},))
    assert found.fate(PACKET) is Fate.DROP
    assert found.fate(Packet(CLIENT6, SERVER6, "tcp", 80)) is Fate.ACCEPT


def test_chains_that_jump_in_circles_are_unknown() -> None:
    more = (
        {"chain": {"family": "inet", "table": "t", "name": "a"}},
        {"rule": {"family": "inet", "table": "t", "chain": "a", "expr": [{"jump": {"target": "a"}}]}},
    )
    assert ruleset([{"jump": {"target": "a"}}], more=more).fate(PACKET) is Fate.UNKNOWN


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["nftables", "chain", "rule", "set", "family", "table", "name", "expr"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.text(max_size=200) | JSON.map(json.dumps))
def test_garbage_is_never_understood_as_a_ruleset_that_drops(text: str) -> None:
    try:
        found = Ruleset.parse(text)
    except CannotTell:
        return
    assert found.fate(PACKET) is not Fate.DROP


def saved(*rules: str, nat: tuple[str, ...] = (), policy: str = "ACCEPT") -> Ruleset:
    """A ruleset that iptables loaded, on a server with a container network."""
    lines = ["*nat", ":PREROUTING ACCEPT [0:0]", ":DOCKER - [0:0]", *nat, "COMMIT"]
    lines += ["*filter", f":INPUT {policy} [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]", ":own - [0:0]"]
    found = Ruleset()
    found.add(iptables.translate("\n".join([*lines, *rules, "COMMIT"]), "ip"))
    found.routes = [
        (ipaddress.ip_network("0.0.0.0/0"), "ens3"),
        (ipaddress.ip_network("172.17.0.0/16"), "docker0"),
    ]
    return found


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["-A INPUT -j DROP"], Fate.DROP),
        (["-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT", "-A INPUT -j DROP"], Fate.ACCEPT),
        (["-A INPUT -p tcp -m tcp --dport 79:81 -j REJECT --reject-with tcp-reset"], Fate.DROP),
        (["-A INPUT -p tcp -m tcp ! --dport 80 -j DROP"], Fate.ACCEPT),
        (["-A INPUT -p udp -m udp --dport 80 -j DROP"], Fate.ACCEPT),
        (["-A INPUT -p tcp -m multiport --dports 22,79:80 -j DROP"], Fate.DROP),
        (["-A INPUT -s 10.31.40.0/24 -j DROP"], Fate.DROP),
        (["-A INPUT ! -s 10.31.40.0/24 -j DROP"], Fate.ACCEPT),
        (["-A INPUT -i lo -j DROP"], Fate.ACCEPT),
        (["-A INPUT -i ens+ -j DROP"], Fate.DROP),
        (["-A INPUT -i eth0 -j DROP"], Fate.ACCEPT),
        (["-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j DROP"], Fate.ACCEPT),
        (["-A INPUT -m conntrack --ctstate NEW,INVALID -j DROP"], Fate.DROP),
        (["-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"], Fate.DROP),
        (["-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"], Fate.ACCEPT),
        (["-A INPUT -m addrtype --dst-type LOCAL -j DROP"], Fate.DROP),
        (["-A INPUT -m addrtype --dst-type BROADCAST -j DROP"], Fate.ACCEPT),
        (['-A INPUT -m comment --comment "a -j ACCEPT b" -j DROP'], Fate.DROP),
        (["-A INPUT -m limit --limit 3/min --limit-burst 10 -j ACCEPT", "-A INPUT -j DROP"], Fate.UNKNOWN),
        (["-A INPUT -m limit --limit 3/min -j LOG --log-prefix x", "-A INPUT -j DROP"], Fate.DROP),
        (["-A INPUT -m rt --rt-type 0 -j ACCEPT", "-A INPUT -j DROP"], Fate.DROP),
        (["-A INPUT -m set --match-set bad src -j DROP"], Fate.UNKNOWN),
        (["-A INPUT -m recent --update --seconds 60 -j DROP"], Fate.UNKNOWN),
        (["-A INPUT -m recent --set --name x --rsource -j DROP"], Fate.UNKNOWN),
        (["-A INPUT -p tcp -m set --match-set bad src,dst -m tcp --dport 81 -j DROP"], Fate.ACCEPT),
        (["-A INPUT -m connlimit --connlimit-saddr -j DROP"], Fate.UNKNOWN),
        (["-A INPUT -f -j DROP"], Fate.UNKNOWN),
        (['-A INPUT -m comment --comment "-j ACCEPT" -j DROP'], Fate.DROP),
        (["-A INPUT -g own", "-A INPUT -j DROP"], Fate.ACCEPT),
        (["-A INPUT -j own", "-A INPUT -j DROP"], Fate.DROP),
        (["-A INPUT -j NOSUCH"], Fate.UNKNOWN),
    ],
)
def test_fates_under_iptables(rules: list[str], expected: Fate) -> None:
    assert saved(*rules).fate(PACKET) is expected


@pytest.mark.parametrize(
    ("flags", "words", "fate"),
    [
        (None, "", Fate.DROP),
        ("dormant", "", Fate.ACCEPT),
        (["dormant"], "", Fate.ACCEPT),
        ("owner", "", Fate.DROP),
        (["owner", "persist"], "", Fate.DROP),
        # Debian 12's nft names the table where the flag should stand.
        ("filter", "table inet filter {\n\tflags dormant\n\n\tchain input {\n\t}\n}\n", Fate.ACCEPT),
        ("filter", "table inet filter {\n\tflags owner # progname x\n\n\tchain input {\n\t}\n}\n", Fate.DROP),
    ],
)
def test_a_dormant_table_meets_no_packet(flags: object, words: str, fate: Fate) -> None:
    table = {"family": "inet", "name": "filter"} | ({"flags": flags} if flags else {})
    chain = {"family": "inet", "table": "filter", "name": "input", "type": "filter", "hook": "input", "prio": 0}
    said = json.dumps({"nftables": [{"table": table}, {"chain": {**chain, "policy": "drop"}}]})
    host = Host(
        {
            "nft -j list ruleset": said,
            "nft list table inet filter": words,
            "grep -qs": Answer(rc=1),
            "ip -j": "[]",
        }
    )
    assert Ruleset.of(host).fate(PACKET) is fate


PUBLISHED = (
    "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
    "-A DOCKER -i docker0 -j RETURN",
    "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
)
TO_CONTAINER = "-A FORWARD -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT"


def test_a_published_container_goes_past_the_input_chain() -> None:
    found = saved("-A INPUT -j DROP", TO_CONTAINER, nat=PUBLISHED, policy="DROP")
    assert found.fate(dataclasses.replace(PACKET, port=8080)) is Fate.ACCEPT
    assert found.translated(dataclasses.replace(PACKET, port=8080))
    assert found.fate(PACKET) is Fate.DROP
    assert not found.translated(PACKET)
    assert {8080, 80} <= found.mentioned_ports()
    unroutable = saved("-A INPUT -j DROP", nat=PUBLISHED)
    assert unroutable.fate(dataclasses.replace(PACKET, port=8080)) is Fate.DROP


def test_a_port_redirected_within_the_host_is_judged_where_it_arrives() -> None:
    nat = ("-A PREROUTING -p tcp -m tcp --dport 443 -j REDIRECT --to-ports 8443",)
    found = saved("-A INPUT -p tcp -m tcp --dport 8443 -j ACCEPT", nat=nat, policy="DROP")
    assert found.fate(dataclasses.replace(PACKET, port=443)) is Fate.ACCEPT
    assert found.fate(PACKET) is Fate.DROP


@pytest.mark.parametrize("text", ["*filter\ngarbage\n", "iptables-save: Permission denied", "*filter\n-A INPUT '\n"])
def test_other_words_of_iptables_are_not_understood(text: str) -> None:
    with pytest.raises(CannotTell):
        iptables.translate(text, "ip")


@given(st.lists(st.sampled_from(["-s", "-p", "tcp", "--dport", "!", "-j", "1:x", ":", "DNAT", "--limit", "-m"])))
def test_no_order_of_words_stops_the_reading_of_iptables(words: list[str]) -> None:
    with contextlib.suppress(CannotTell):
        saved("-A INPUT " + " ".join(words)).fate(PACKET)


def zones(entries: list[list[Any]]) -> list[dict[str, Any]]:
    return [{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": {"set": entries}}}]


def test_verdict_maps_are_followed() -> None:
    web = (
        {"chain": {"family": "inet", "table": "t", "name": "web"}},
        {"rule": {"family": "inet", "table": "t", "chain": "web", "expr": [port(80), ACCEPT]}},
    )
    found = ruleset(zones([["lo", ACCEPT], ["ens3", {"jump": {"target": "web"}}]]), more=web)
    assert found.fate(PACKET) is Fate.UNKNOWN  # without routes the interface is not known
    found.routes = [(ipaddress.ip_network("0.0.0.0/0"), "ens3")]
    assert found.fate(PACKET) is Fate.ACCEPT
    assert found.fate(dataclasses.replace(PACKET, port=81)) is Fate.DROP
    found.routes = [(ipaddress.ip_network("0.0.0.0/0"), "ens4")]
    assert found.fate(PACKET) is Fate.DROP
    both = {"concat": [{"meta": {"key": "l4proto"}}, {"payload": {"protocol": "th", "field": "dport"}}]}
    entries = [[{"concat": ["tcp", {"range": [1, 1023]}]}, ACCEPT]]
    found = ruleset([{"vmap": {"key": both, "data": {"set": entries}}}])
    assert found.fate(PACKET) is Fate.ACCEPT
    assert found.fate(dataclasses.replace(PACKET, port=8080)) is Fate.DROP
    assert found.fate(dataclasses.replace(PACKET, protocol="udp")) is Fate.DROP


def noted(*limits: dict[str, Any]) -> dict[str, Any]:
    """A sender that is put into a set, which may keep a limit for each."""
    return {"set": {"op": "update", "elem": 1, "set": "@s", **({"stmt": list(limits)} if limits else {})}}


def drawn(*verdicts: str, mod: int) -> dict[str, Any]:
    """A verdict that is drawn, as kube-proxy does among its backends."""
    entries = [[number, {verdict: None}] for number, verdict in enumerate(verdicts)]
    return {"vmap": {"key": {"numgen": {"mode": "random", "mod": mod, "offset": 0}}, "data": {"set": entries}}}


@pytest.mark.parametrize(
    ("rules", "policy", "expected"),
    [
        ([[drawn("accept", "accept", mod=2)]], "drop", Fate.ACCEPT),
        ([[drawn("drop", "drop", mod=2)]], "accept", Fate.DROP),
        # One of the backends refuses, or one number has none: nobody knows.
        ([[drawn("accept", "drop", mod=2)]], "drop", Fate.UNKNOWN),
        ([[drawn("accept", mod=2)]], "drop", Fate.UNKNOWN),
        ([[drawn("drop", mod=2)]], "drop", Fate.DROP),
        # What may end a rule leaves a drop a drop; a sender that is only noted, or keeps within its limit, goes on.
        ([[noted(), {"drop": None}]], "drop", Fate.DROP),
        ([[noted(), ACCEPT]], "drop", Fate.ACCEPT),
        ([[noted({"limit": {"rate": 25}}), ACCEPT]], "drop", Fate.ACCEPT),
        ([[noted({"limit": {"rate": 25, "inv": True}}), ACCEPT]], "drop", Fate.ACCEPT),
        (
            [[noted({"counter": None}, {"limit": {"rate": 25, "inv": True}}), {"drop": None}], [ACCEPT]],
            "drop",
            Fate.ACCEPT,
        ),
        ([[noted({"limit": 25}), ACCEPT]], "drop", Fate.UNKNOWN),
        ([[{"set": "@s"}, ACCEPT]], "drop", Fate.UNKNOWN),
        ([[{"ct helper": "ftp"}, ACCEPT]], "drop", Fate.ACCEPT),
        ([[{"synproxy": None}, ACCEPT]], "drop", Fate.UNKNOWN),
    ],
)
def test_what_is_drawn_or_may_end_a_rule_is_told_by_all_that_may_come_of_it(
    rules: list[list[dict[str, Any]]], policy: str, expected: Fate
) -> None:
    assert ruleset(*rules, policy=policy).fate(PACKET) is expected


@pytest.mark.parametrize("flags", [["daddr"], "daddr"])
def test_a_single_flag_may_be_a_word(flags: object) -> None:
    """nft writes it so from 1.1.5 on."""
    local = match({"fib": {"result": "type", "flags": flags}}, "local")
    assert ruleset([local, port(80), ACCEPT]).fate(PACKET) is Fate.ACCEPT
    assert ruleset([local, port(80), {"drop": None}], policy="accept").fate(PACKET) is Fate.DROP
