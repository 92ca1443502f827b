"""Looks at a host with one plain command and refuses, before anything is touched, what cannot go well.

Also keeps two runs from changing a host at the same time: whoever comes first leaves a note on the host and takes it
away at the end (``release: true``). No clear answer is a refusal, and no time frees a note: a run may last. One whose
run has died does not bind the controller that can see so; on any other, a person removes it, and the refusal says how.

Returns the fact ``patuh_host``: ``release`` (``bookworm``), ``controller_address`` (as the host sees it),
``installation_interrupted`` (dpkg was cut off and wants to finish first), ``several_ways`` (packets come and go by
more than one interface), ``router_advertisements`` (the interfaces whose IPv6 rests on them, with their ``accept_ra``).
"""

from __future__ import annotations

import getpass
import ipaddress
import json
import os
import re
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

SUPPORTED_RELEASES = ("bookworm", "trixie")
FREE_MB_MIN = 200

LOOK = """
PATH="$PATH:/usr/sbin:/sbin"
. /etc/os-release 2>/dev/null
echo "id=$ID"; echo "release=$VERSION_CODENAME"; echo "user=$(id -u)"
echo "free=$(df -Pm / | awk 'NR==2 {print $4}')"
echo "init=$(cat /proc/1/comm)"
echo "interrupted=$({ find /var/lib/dpkg/updates -name '[0-9]*'; dpkg --audit; } 2>/dev/null | head -n 1)"
echo "sshd_first=$(awk '!/^[ \\t]*(#|$)/ {print tolower($1), $2; exit}' /etc/ssh/sshd_config 2>/dev/null)"
engines=""
for unit in docker podman libvirtd virtqemud lxc-net incus; do
    systemctl is-active --quiet "$unit" && engines="$engines $unit"
done
echo "engines=$engines"
firewalls=""
systemctl is-active --quiet firewalld && firewalls="$firewalls firewalld"
grep -qs ^ENABLED=yes /etc/ufw/ufw.conf && firewalls="$firewalls ufw"
systemctl is-enabled --quiet netfilter-persistent 2>/dev/null && firewalls="$firewalls netfilter-persistent"
echo "firewalls=$firewalls"
echo "addresses=$(ip -j address show)"
for family in 4 6; do echo "routes$family=$(ip -j -$family route show table all type unicast)"; done
cd /proc/sys/net
echo "accept_ra=$(grep . ipv6/conf/*/accept_ra /dev/null 2>/dev/null | tr '\\n' ' ')"
echo "forwarding=$(grep -l 1 ipv?/conf/*/forwarding 2>/dev/null | tr '\\n' ' ')"
echo "forwarded=$(awk '$1 == "Ip:" {if (n) sum += $n; else for (i = 2; i <= NF; i++) if ($i == "ForwDatagrams") n = i}
    $1 == "Ip6OutForwDatagrams" {sum += $2} END {print sum + 0}' /proc/net/snmp /proc/net/snmp6 2>/dev/null)"
{ nft list ruleset; cat /proc/net/ip_tables_names /proc/net/ip6_tables_names; } 2>/dev/null |
    grep -qE '^nat$|masquerade|snat|dnat' && echo "translates=yes"
true
"""
SSHD_INCLUDE = "include /etc/ssh/sshd_config.d/*.conf"

NOTE = "/run/patuh-run"
# A symbolic link is made with what it says in one step or not at all, and needs no room. All that look at it and then
# act on what they saw wait for each other, by a lock on the folder, which the kernel frees when its holder dies.
TURN = """flock --wait 20 {folder} sh -c '
note="$1" mine="$2" dead="$3"
held="$(readlink "$note")"
# A note of an older Patuh is a file.
if [ -z "$held" ] && [ -e "$note" ]; then held="an older Patuh: $(cat "$note")"; fi
if [ -n "$held" ] && [ "$held" = "$dead" ]; then
    rm -f "$note" && held=
fi
if [ -z "$held" ]; then
    ln -sT "$mine" "$note" && held="$(readlink "$note")"
fi
echo "turn=$held"
' sh {note} {mine} {dead}"""
# Only one's own.
RELEASE = """flock --wait 20 {folder} sh -c '
[ "$(readlink "$1")" != "$2" ] || rm -f "$1"
' sh {note} {mine}"""


@dataclass(frozen=True)
class Network:
    """How a host is joined to others, as ``ip`` and the kernel tell it."""

    ways: list[str]  # the interfaces by which IPv4 packets come and go
    addresses: list[tuple[str, str, bool]]  # of IPv6: interface, address, whether router advertisements made it
    routes4: list[dict[str, Any]]
    routes6: list[dict[str, Any]]
    accept_ra: dict[str, int]
    forwarding: list[str]  # the interfaces that forward
    forwarded: int  # packets since boot, in both families
    translates: bool  # rules give packets other addresses, or may

    @classmethod
    def of(cls, seen: dict[str, str]) -> Network:
        """From the lines of ``LOOK``.

        :raises ValueError: or KeyError, TypeError, AttributeError, when ``ip`` said something else than its JSON.
        """
        interfaces = json.loads(seen["addresses"])
        own = [(one["ifname"], info) for one in interfaces for info in one.get("addr_info", [])]
        routes4, routes6 = json.loads(seen["routes4"] or "[]"), json.loads(seen["routes6"] or "[]")
        ways = {name for name, info in own if info["family"] == "inet" and info["scope"] == "global"}
        ways |= {name for route in routes4 for name in _devices(route)}
        accept_ra = re.findall(r"ipv6/conf/(\S+)/accept_ra:(\d+)", seen["accept_ra"])
        return cls(
            ways=sorted(ways - {"lo"}),
            # The kernel marks the addresses that it makes so: others are made in its shadow, for privacy.
            addresses=[
                (name, info["local"], bool(info.get("mngtmpaddr"))) for name, info in own if info["family"] == "inet6"
            ],
            routes4=routes4,
            routes6=routes6,
            accept_ra={name: int(value) for name, value in accept_ra if name not in ("all", "default", "lo")},
            forwarding=sorted({path.split("/")[2] for path in seen["forwarding"].split()} - {"all", "default", "lo"}),
            forwarded=int(seen["forwarded"]),
            translates="translates" in seen,
        )

    def forwards(self) -> str:
        """What shows that others go through this host; empty when it could forward, but nothing does."""
        shown = [f"{self.forwarded} since it booted"] if self.forwarded else []
        shown += ["its rules translate addresses"] if self.translates else []
        shown += [f"between {', '.join(self.ways)}"] if len(self.ways) > 1 else []
        return "; ".join(shown) if self.forwarding else ""

    def router_advertisements(self, used: set[str]) -> tuple[dict[str, int], list[str]]:
        """The interfaces on which the kernel must go on accepting them, with ``accept_ra``; and those that would do
        without.

        It must where an address in use was made of them, or where they tell the only default route of a host that
        needs one for IPv6: one with such an address, or without IPv4's. (Programs that listen to routers themselves,
        as systemd-networkd does, switch the kernel off: their routes are not its own.)
        """
        needed, unused = {}, []
        has_default4 = any(route["dst"] == "default" for route in self.routes4)
        defaults = [route for route in self.routes6 if route["dst"] == "default"]
        fixed = any(route.get("protocol") != "ra" for route in defaults)
        needs_default = not fixed and (not has_default4 or any(":" in address for address in used))
        for interface, value in self.accept_ra.items():
            made = [address for name, address, by_router in self.addresses if name == interface and by_router]
            tells_default = any(interface in _devices(route) for route in defaults if route.get("protocol") == "ra")
            if not value:
                continue
            if used & set(made) or (tells_default and needs_default):
                needed[interface] = value
            elif made:
                unused.append(interface)
        return needed, unused


def _devices(route: dict[str, Any]) -> set[str]:
    """The interfaces of a route in ``ip``'s JSON, which may have several hops."""
    return {hop["dev"] for hop in (route, *route.get("nexthops", [])) if "dev" in hop}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """The action behind the task ``patuh_preflight``."""

    _VALID_ARGS = frozenset({"release"})
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Look, and refuse or go on."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        if self._task.args.get("release"):
            if not self._task.check_mode:
                self._low_level_execute_command(
                    RELEASE.format(folder=shlex.quote(str(Path(NOTE).parent)), note=NOTE, mine=shlex.quote(this_run())),
                    sudoable=True,
                )
            return {"changed": False}
        # Who we are on the network is only known before sudo cleans the environment.
        origin = self._low_level_execute_command('echo "$(id -un) $SSH_CONNECTION"', sudoable=False)
        looked = self._low_level_execute_command(LOOK, sudoable=True)
        if looked["rc"] != 0 or "user=0" not in looked["stdout"]:
            said = (looked["stderr"] or looked["stdout"]).strip().splitlines()
            raise AnsibleActionFail(
                f"No superuser rights on this host: {said[-1] if said else 'sudo gave no answer'}. "
                "Let the automation account use sudo without a password; nothing was changed."
            )
        seen = dict(re.findall(r"^(\w+)=(.*)$", looked["stdout"].replace("\r", ""), re.MULTILINE))
        if seen.get("id") != "debian" or seen.get("release") not in SUPPORTED_RELEASES:
            raise AnsibleActionFail(
                f"This host runs '{seen.get('id')} {seen.get('release')}', which is not supported. "
                f"Supported: Debian {', '.join(SUPPORTED_RELEASES)}; nothing was changed."
            )
        if seen.get("init") != "systemd":
            raise AnsibleActionFail("This host was not started by systemd; nothing was changed.")
        if not seen.get("free", "").isdigit() or int(seen["free"]) < FREE_MB_MIN:
            raise AnsibleActionFail(
                f"Only {seen.get('free')} MB are free on this host's root file system, {FREE_MB_MIN} MB are "
                "needed. Free some space; nothing was changed."
            )
        if seen.get("sshd_first") not in ("", SSHD_INCLUDE):
            raise AnsibleActionFail(
                f"/etc/ssh/sshd_config begins with '{seen.get('sshd_first')}', and what comes first wins: the settings "
                "of Patuh's own file in sshd_config.d would have no effect. Make 'Include "
                "/etc/ssh/sshd_config.d/*.conf' its first line, as Debian does; nothing was changed."
            )
        declared = variables["patuh_plan"]["hosts"][variables["inventory_hostname"]]
        if seen.get("engines", "").split() and not (declared["router"] or declared["container_host"]):
            raise AnsibleActionFail(
                f"{', '.join(seen['engines'].split())} runs here and needs this host to forward packets, which is "
                "switched off on hosts that are not declared for it. Declare patuh_container_host: true (or "
                "patuh_router: true), or stop it; nothing was changed."
            )
        if others := seen.get("firewalls", "").split():
            self._display.warning(
                f"{variables['inventory_hostname']}: {', '.join(others)} is in force and stays as it is. A packet must "
                "be admitted by it and by Patuh's own table: open declared services there, too, or retire it."
            )
        user, controller, _, arrived_at = [*origin["stdout"].split(), "", "", "", ""][:4]
        try:
            network = Network.of(seen)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AnsibleActionFail(
                f"'ip' does not tell this host's addresses and routes ({error}). Install iproute2 as Debian packages "
                "it; nothing was changed."
            ) from error
        if why := network.forwards() if not (declared["router"] or declared["container_host"]) else "":
            raise AnsibleActionFail(
                f"This host forwards packets ({why}), which is switched off on hosts that are not declared for it: "
                "whoever goes through it would be cut off. Declare patuh_router: true (or patuh_container_host: true), "
                "or switch net.ipv4.ip_forward and net.ipv6.conf.all.forwarding off yourself; nothing was changed."
            )
        used = {address.partition("%")[0] for address in (*declared["addresses"], arrived_at)}
        advertised, unused = network.router_advertisements(used)
        for names, words in (
            (
                advertised,
                "stay accepted there, because this server's IPv6 rests on them, and 'os.router-advertisements-refused' "
                "stays unfulfilled. Set the address and the gateway by hand, then apply again",
            ),
            (
                unused,
                "are going to be refused there: the IPv6 addresses made of them, which are not declared, end within "
                "hours. Declare those that are in use (patuh_addresses)",
            ),
        ):
            if names:
                self._display.warning(
                    f"{variables['inventory_hostname']}: {', '.join(names)}: router advertisements {words}."
                )
        fleet = variables["patuh_plan"]["fleet"]
        active = [person["name"] for person in fleet["administrators"] if person["state"] == "active"]
        if user not in (fleet["automation_account"], *active):
            raise AnsibleActionFail(
                f"You connect as '{user}', which is neither patuh_automation_account nor an active administrator: "
                "the SSH server would shut it out. Connect as one of them, or declare it; nothing was changed."
            )
        workstations = fleet["admin_workstations"]
        if controller and not _is_among(controller, workstations):
            raise AnsibleActionFail(
                f"This host sees the controller as {controller}, which is not among patuh_admin_workstations "
                f"({', '.join(workstations)}): the firewall would shut it out. Add the address there, or run "
                "from an administrator's workstation; nothing was changed."
            )
        if not self._task.check_mode:
            self._take_turn()
        return {
            "changed": False,
            "ansible_facts": {
                "patuh_host": {
                    "release": seen["release"],
                    "controller_address": controller,
                    "installation_interrupted": bool(seen.get("interrupted")),
                    "several_ways": len(network.ways) > 1,
                    "router_advertisements": advertised,
                }
            },
        }

    def _take_turn(self) -> None:
        """Leave a note that this run changes the host, or refuse when another one does."""
        mine = this_run()
        held = self._note(mine)
        if held != mine and has_died(held):
            held = self._note(mine, dead=held)
        if held == mine:
            return
        if not held:
            raise AnsibleActionFail(
                f"Whether another run changes this host could not be told: {NOTE} can neither be read nor made. Is "
                "/run full? Look at 'df /run' and 'df -i /run' there; nothing was changed."
            )
        raise AnsibleActionFail(
            f"This host is being changed by another run ({held}). Wait until it has ended. If it never will, because "
            f"its controller is gone, remove its note on the host: 'sudo rm {NOTE}'; nothing was changed."
        )

    def _note(self, mine: str, dead: str = "") -> str:
        """Who has the host's turn once we have asked for it; empty when that is not clear."""
        command = TURN.format(
            folder=shlex.quote(str(Path(NOTE).parent)), note=NOTE, mine=shlex.quote(mine), dead=shlex.quote(dead)
        )
        said = str(self._low_level_execute_command(command, sudoable=True)["stdout"])
        # sudo itself may say something, too, such as that there is a mistake in somebody's rules.
        found = re.search(r"^turn=(.*?)\r?$", said, re.MULTILINE)
        return found.group(1).strip() if found else ""


def this_run() -> str:
    """What names this run and no other, on whatever controller.

    The process alone is no name: controllers may share a host name, containers a boot, and a number comes again.
    """
    process = os.getppid()  # tasks run in children of the process that is the run
    return f"{getpass.getuser()}@{socket.gethostname()} process {process} {_place()} {_start(process)}"


def has_died(note: str) -> bool:
    """Whether the run that left a note has ended, as far as can be seen from here: else it counts as alive."""
    found = re.search(r" process (\d+) (\S+) (\S+)$", note)
    return bool(found and found.group(2) == _place() and found.group(3) != _start(int(found.group(1))))


def _place() -> str:
    """This boot of this computer and this space of process numbers, in which a number means one process."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"boot {boot}/{Path('/proc/self/ns/pid').stat().st_ino}".replace(" ", ":")


def _start(process: int) -> str:
    """When a process began, in ticks since the boot (proc_pid_stat(5)); "ended" without one."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "ended"
    # A name in brackets may hold anything; then the state is the 3rd field and the start the 22nd.
    fields = stat.rpartition(")")[2].split()
    return "ended" if fields[0] in "ZX" else f"start:{fields[19]}"


def _is_among(address: str, declared: list[str]) -> bool:
    try:
        seen = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(seen == ipaddress.ip_address(item) for item in declared)
