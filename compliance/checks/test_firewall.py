"""Firewall, services and the DMZ (Jambi F.5, G.11, G.14, A.18)."""

from __future__ import annotations

import ipaddress

from testinfra.host import Host

from compliance.checking import CannotTell, Context, NotApplicable, Saw, assesses
from compliance.fleet import SegmentKind, Zone
from compliance.probes import succeeds, systemd
from compliance.probes.nftables import Fate, Packet, Ruleset, computer_in
from compliance.probes.sockets import Listener, reachable
from compliance.probes.sshd import Sshd

# A port that no rule has a reason to name stands for "everything else".
UNDECLARED_PORT = 47808
# Where the answers to a DHCP client arrive; firewalls admit them by the port that they come from.
DHCP_CLIENT = {("udp", 68), ("udp", 546)}
OUTSIDE = {4: "192.0.2.77", 6: "2001:db8::77"}
OWN_WITHOUT_INVENTORY = {4: "192.0.2.1", 6: "2001:db8::1"}

PROGRAM_ROLES = {
    "web": {"nginx", "apache2", "lighttpd", "caddy", "httpd"},
    "database": {"mariadbd", "mysqld", "postgres", "redis-server", "mongod"},
    "dns": {"named", "unbound", "pdns_server", "pdns_recursor", "nsd", "knotd", "dnsmasq"},
    "mail": {"master", "exim4", "dovecot", "smtpd"},
    "proxy": {"squid", "haproxy", "varnishd", "nginx", "apache2", "caddy"},
    "file": {"smbd", "nmbd", "rpc.mountd", "vsftpd", "proftpd"},
    "monitoring": {"prometheus", "prometheus-aler", "grafana", "zabbix_server", "influxd"},
    "backup": {"bacula-sd", "rsync"},
}
SSH_HOLDERS = ("sshd", "systemd")
MANAGEMENT = {
    "systemd-timesyn",
    "systemd-resolve",
    "chronyd",
    "ntpd",
    "prometheus-node",
    "node_exporter",
    "zabbix_agentd",
    "dhclient",
    "dhcpcd",
    "systemd-network",
}


def addresses(context: Context, host: Host) -> dict[int, str]:
    """An address of the host for each IP version it has."""
    if context.host is not None:
        return {address.version: str(address) for address in context.host.addresses}
    return OWN_WITHOUT_INVENTORY


@assesses("firewall.default-deny")
def test_what_is_not_allowed_is_refused(host: Host, context: Context, saw: Saw) -> None:
    """A packet to a port that nothing declares, from outside, is dropped, over IPv4 and IPv6."""
    ruleset = Ruleset.of(host)
    if not any(ruleset.base_chains("input", version) for version in OUTSIDE):
        saw("nftables", expected="input chain", observed="none", holds=False)
        return
    for version, address in addresses(context, host).items():
        for protocol in ("tcp", "udp"):
            fate = ruleset.fate(Packet(OUTSIDE[version], address, protocol, UNDECLARED_PORT))
            if fate is Fate.UNKNOWN:
                raise CannotTell(f"the fate of {protocol}/{UNDECLARED_PORT} over IPv{version} cannot be worked out")
            saw(f"{protocol}/{UNDECLARED_PORT}, IPv{version}", expected="drop", observed=fate)


@assesses("firewall.only-role-services")
def test_only_declared_services_are_open(host: Host, context: Context, saw: Saw) -> None:
    """Every port that some rule names or some program listens on is open to whom it is declared for, at most."""
    declared, fleet = context.declared, context.declared_fleet
    ruleset, listening = Ruleset.of(host), reachable(host)
    ports = sorted({*ruleset.mentioned_ports(), *(listener.port for listener in listening), UNDECLARED_PORT})
    sources = [(name, network) for name, segment in fleet.segments.items() for network in segment.cidr]
    sources += [("outside", ipaddress.ip_network(OUTSIDE[version])) for version in (4, 6)]
    workstations = {str(address) for address in fleet.admin_workstations}
    own = addresses(context, host)
    opened: list[str] = []
    unknown: list[str] = []
    for name, network in sources:
        if network.version not in own:
            continue
        source = computer_in(network)
        for protocol in ("tcp", "udp"):
            for port in ports:
                # Answers to a DHCP client come from the port that servers have.
                fate = ruleset.fate(
                    Packet(source, own[network.version], protocol, port),
                    sender_chooses=(protocol, port) not in DHCP_CLIENT,
                )
                allowed = (
                    any(
                        service.protocol == protocol
                        and service.port == port
                        and any(prefix == "any" or source in _network(prefix) for prefix in fleet.sources(service))
                        for service in declared.services
                    )
                    or source in workstations
                )
                if fate is Fate.ACCEPT and not allowed:
                    opened.append(f"{protocol}/{port} ({name}, IPv{network.version})")
                elif fate is Fate.UNKNOWN and not allowed and (protocol, port) not in DHCP_CLIENT:
                    unknown.append(f"{protocol}/{port} ({name}, IPv{network.version})")
    saw("open beyond what is declared", expected="—", observed=opened, holds=not opened)
    wanted = [f"{service.protocol}/{service.port}" for service in declared.services]
    closed = [
        f"{service.protocol}/{service.port}"
        for service in declared.services
        if not _is_listening(service.protocol, service.port, listening)
        # A container may offer it with nothing on the host that listens.
        and not any(
            ruleset.translated(Packet(OUTSIDE[version], address, service.protocol, service.port))
            for version, address in own.items()
        )
    ]
    saw(
        "declared services",
        expected=wanted,
        observed=[one for one in wanted if one not in closed],
        holds=not closed,
    )
    if unknown and not opened:
        raise CannotTell(f"the fate of {', '.join(unknown[:5])} cannot be worked out")


class _network:  # noqa: N801 (reads as a word in the check above)
    """Membership of an address in a prefix, IPv4 and IPv6 kept apart."""

    def __init__(self, prefix: str) -> None:
        self.network = ipaddress.ip_network(prefix)

    def __contains__(self, address: str) -> bool:
        parsed = ipaddress.ip_address(address)
        return parsed.version == self.network.version and parsed in self.network


def _is_listening(protocol: str, port: int, listening: list[Listener]) -> bool:
    return any(listener.protocol == protocol and listener.port == port for listener in listening)


@assesses("firewall.persistent")
def test_firewall_survives_a_reboot(host: Host, context: Context, saw: Saw) -> None:
    """A unit that is enabled loads rules at boot, and those rules are the running ones."""
    enabled = []
    for unit in (
        "patuh-firewall.service",
        "nftables.service",
        "ufw.service",
        "firewalld.service",
        "netfilter-persistent.service",
    ):
        state = systemd.properties(host, unit)
        if state["LoadState"] == "loaded" and state.get("UnitFileState") == "enabled":
            # Debian enables ufw with its package; whether it loads anything stands in its own file.
            if unit == "ufw.service" and not succeeds(
                host, "grep -qsi '^ENABLED=[\"]*yes' /etc/ufw/ufw.conf", no=(1, 2)
            ):
                continue
            enabled.append(unit)
    saw("loads rules at boot", expected="enabled unit", observed=enabled, holds=bool(enabled))
    if "patuh-firewall.service" in enabled:
        same = succeeds(host, "/usr/local/sbin/patuh-firewall-in-effect")
        saw(
            "rules at boot",
            expected="the running ones",
            observed="the running ones" if same else "others",
        )


@assesses("network.dmz-no-inward")
def test_dmz_starts_no_connection_inward(host: Host, context: Context, saw: Saw) -> None:
    """A DMZ server's own packets into a private segment are refused before they leave."""
    declared, fleet = context.declared, context.declared_fleet
    if declared.zone is not Zone.DMZ:
        raise NotApplicable("not-in-dmz")
    ruleset, own = Ruleset.of(host), addresses(context, host)
    for network in fleet.networks(SegmentKind.PRIVATE):
        if network.version not in own:
            continue
        for port in (22, 443, 3306, UNDECLARED_PORT):
            fate = ruleset.fate(Packet(own[network.version], computer_in(network), "tcp", port), "output")
            if fate is Fate.UNKNOWN:
                raise CannotTell(f"the fate of tcp/{port} to {network} cannot be worked out")
            saw(f"tcp/{port} → {network}", expected="drop", observed=fate)


@assesses("services.single-role")
def test_one_role_only(host: Host, context: Context, saw: Saw) -> None:
    """Every program that other computers can reach belongs to the declared role or to management."""
    declared = context.declared
    strangers = []
    listening = reachable(host)
    # Asked only where it listens: a server without sshd has no ports of it.
    ssh = any(listener.program in SSH_HOLDERS for listener in listening)
    own = {int(port) for port in Sshd.for_connection(host).words("port")} if ssh else set()
    for listener in listening:
        # A socket that systemd holds is its service's: SSH's is management, of any other only the port is known.
        # What sshd listens on beyond its own ports it forwards for somebody who is logged in.
        if listener.program in SSH_HOLDERS and listener.port in own:
            continue
        if listener.program in MANAGEMENT:
            continue
        roles = {role for role, programs in PROGRAM_ROLES.items() if listener.program in programs}
        if declared.role in roles:
            continue
        if not roles and any(s.port == listener.port and s.protocol == listener.protocol for s in declared.services):
            continue
        strangers.append(f"{listener}{' (' + ', '.join(sorted(roles)) + ')' if roles else ''}")
    seen = sorted({listener.program for listener in listening})
    saw("listening programs", expected=declared.role, observed=strangers or seen, holds=not strangers)
