"""Nobody is locked out, and no server left open, by what comes later or from elsewhere: on hosts with a real systemd
and networks of their own.

What only shows after minutes, such as the end of a route's lifetime, is left to ``python -m tests.lockout``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_modules import HOSTS, REPOSITORY, ansible, ansible_playbook

WATCH_SECONDS_MAX = 75  # a minute, and what the timer may be late
# By its name: a unit started several times within seconds fails now and then where the kernel's groups of processes are
# imitated (status 219/CGROUP). That its timer starts it is seen first.
WATCH = "/usr/local/sbin/patuh-firewall-watch"
LOADED = "nft list table inet patuh >/dev/null 2>&1 && echo loaded; true"
ALERTS = "grep -c 'firewall rules had gone' /var/lib/patuh/records/alerts.jsonl; true"

LOOK = """
- hosts: all
  gather_facts: false
  become: true
  vars_files: ["{repository}/roles/os_hardening/defaults/main.yml"]
  tasks:
    - patuh_plan:
      run_once: true
      become: false
    - patuh_preflight:
    - file_set:
        files:
          - path: /etc/sysctl.d/zz-patuh.conf
            content: "{{{{ lookup('template', '{repository}/roles/os_hardening/templates/sysctl.conf.j2') }}}}"
        # A container has none of the kernel's own settings, only the network's.
        activate: ["/lib/systemd/systemd-sysctl --prefix=/net 2>/dev/null || true"]
    - patuh_preflight:
        release: true
"""

# A router on a link of its own that gives out addresses of fd31:66::/64 (RFC 4861, 4.2 and 4.6.2).
ROUTER = """
ip netns add router66
ip link add way66 type veth peer name eth66
ip link set eth66 netns router66
sysctl -qw net.ipv6.conf.way66.accept_ra=1 net.ipv6.conf.way66.accept_dad=0
ip netns exec router66 sh -c 'sysctl -qw net.ipv6.conf.eth66.accept_dad=0; ip link set eth66 up'
ip link set way66 up
sleep 2
ip netns exec router66 python3 - <<END
import socket, struct
out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
prefix = socket.inet_pton(socket.AF_INET6, "fd31:66::")
advertisement = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
option = struct.pack("!BBBBIII16s", 3, 4, 64, 0xC0, 86400, 14400, 0, prefix)
out.sendto(advertisement + option, ("ff02::1", 0, 0, socket.if_nametoindex("eth66")))
END
sleep 1
"""
SECOND_WAY = "ip link add way1 type bridge; ip address add 10.99.0.1/24 dev way1; ip link set way1 up"
# What a test began with. The default route over IPv6 is the lab's.
CLEAN = """
for link in way66 way1; do ip link delete "$link"; done 2>/dev/null
ip netns delete router66 2>/dev/null
nft delete table ip vendor 2>/dev/null
for gateway in $(ip -6 -o address show dev eth0 scope global | grep -o "fd31:[0-9]*::"); do
    ip -6 route replace default via "${gateway}1"
done
sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
rm -f /etc/sysctl.d/zz-patuh.conf
"""
# Both at once: what counts here is the number of runs of Ansible.
BOTH = ",".join(HOSTS)


def both(script: str) -> dict[str, list[str]]:
    """The lines that a script says, as root, on each host."""
    blocks = re.split(r"^(\w+) \| \w+ \| rc=0 >>\r?\n", ansible(BOTH, "raw", script), flags=re.MULTILINE)
    said = {
        name: [line.strip() for line in text.splitlines()]
        for name, text in zip(blocks[1::2], blocks[2::2], strict=True)
    }
    assert set(said) == set(HOSTS)
    return said


def values(*names: str) -> set[str]:
    """What the kernel has for some settings of the network, on both hosts."""
    paths = " ".join(f"/proc/sys/net/{name}" for name in names)
    return {line for lines in both(f"cat {paths}").values() for line in lines if line}


def loaded(host: str) -> bool:
    return "loaded" in ansible(host, "raw", LOADED).splitlines()


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Callable[[int], str]]:
    """Runs the preflight and loads the network's settings on both hosts; gives all that was said, on one line."""
    playbook = tmp_path / "look.yml"
    playbook.write_text(LOOK.format(repository=REPOSITORY), encoding="utf-8")
    both(CLEAN)
    yield lambda code=0: " ".join(ansible_playbook(BOTH, playbook, code).split())
    both(CLEAN)


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_the_table_comes_back_with_nftables_own_service(how: str) -> None:
    """Debian's nftables.conf begins with 'flush ruleset'."""
    said = both(f"systemctl start nftables; systemctl {how} nftables; sleep 1; {LOADED}")
    assert all("loaded" in lines for lines in said.values())


def test_the_table_comes_back_whoever_flushes_it_and_one_alert_is_raised() -> None:
    before = both(f"rm -f /run/patuh-firewall-told; {ALERTS}; nft flush ruleset")
    deadline = time.monotonic() + WATCH_SECONDS_MAX
    while not all(map(loaded, HOSTS)) and time.monotonic() < deadline:
        time.sleep(1)
    # By another way, and again: every rule gone, the chain that drops all still there.
    told = both(f"nft flush table inet patuh; {WATCH}; nft list chain inet patuh input | grep accept")
    assert all(any("Table inet patuh had gone" in line for line in lines) for lines in told.values())
    journal = both("journalctl --no-pager -q -o cat -u patuh-firewall-watch")
    for name, lines in both(ALERTS).items():
        assert int(lines[0]) == int(before[name][0]) + 1
        assert any("Table inet patuh had gone" in line for line in journal[name])
        assert not any("Finished" in line for line in journal[name])  # not every minute


def test_a_change_that_waits_to_be_confirmed_is_left_to_the_guard() -> None:
    folder = "/var/lib/patuh/guard/firewall"
    said = both(
        f"mkdir -p {folder}; nft delete table inet patuh; {WATCH}; {LOADED}; echo and; "
        # One that was left behind long ago does not keep the server open.
        f"touch -d '-11 minutes' {folder}; {WATCH}; {LOADED}; rmdir {folder}"
    )
    # Ansible's own warnings stand among the lines.
    told = [[line for line in lines if line in {"and", "loaded"}] for lines in said.values()]
    assert told == [["and", "loaded"]] * len(HOSTS), said


def test_one_way_is_filtered_strictly_and_several_loosely(look: Callable[..., str]) -> None:
    look()
    assert values("ipv4/conf/eth0/rp_filter") == {"1"}
    both(SECOND_WAY)
    look()
    assert values(*(f"ipv4/conf/{name}/rp_filter" for name in ("all", "default", "eth0", "way1"))) == {"2"}


def test_router_advertisements_stay_where_the_way_rests_on_them(look: Callable[..., str]) -> None:
    said = both(f"{ROUTER}\nip -6 route delete default dev eth0\nip -6 address show dev way66")
    assert all("fd31:66:" in " ".join(lines) for lines in said.values())
    assert look().count("way66: router advertisements stay accepted there") == len(HOSTS)
    assert values("ipv6/conf/way66/accept_ra") == {"1"}
    assert values("ipv6/conf/default/accept_ra", "ipv6/conf/eth0/accept_ra") == {"0"}
    assert look().count("changed=0") == len(HOSTS)


def test_router_advertisements_are_refused_where_addresses_and_gateway_are_set(look: Callable[..., str]) -> None:
    both(ROUTER)
    assert look().count("way66: router advertisements are going to be refused there") == len(HOSTS)
    assert values("ipv6/conf/way66/accept_ra") == {"0"}


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (f"{SECOND_WAY}; sysctl -qw net.ipv4.ip_forward=1", "(between eth0, way1)"),
        (
            "nft 'add table ip vendor; add chain ip vendor out { type nat hook postrouting priority 100; }; "
            "add rule ip vendor out ip saddr 10.8.0.0/24 masquerade'; sysctl -qw net.ipv6.conf.all.forwarding=1",
            "(its rules translate addresses)",
        ),
    ],
    ids=["between two networks", "for tunnels"],
)
def test_a_gateway_that_is_not_declared_is_refused(look: Callable[..., str], how: str, why: str) -> None:
    both(how)
    said = look(2)
    assert f"This host forwards packets {why}" in said
    assert said.count("failed=1") == len(HOSTS)
    assert said.count("changed=0") == len(HOSTS)


def test_forwarding_that_nobody_uses_is_switched_off(look: Callable[..., str]) -> None:
    both("sysctl -qw net.ipv4.ip_forward=1")
    look()
    assert values("ipv4/ip_forward") == {"0"}
