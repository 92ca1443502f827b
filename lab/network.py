"""The lab's network: bridges and a router in one namespace, a workstation and a client in others.

Nothing of it touches this computer's own network: the machines reach the package mirror through
slirp4netns (plain sockets of a user process), and we reach the machines through listeners on 127.0.0.1
that connect from the workstation's namespace, so that the machines see the workstation's address.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from compliance.errors import PatuhError
from lab.topology import REPOSITORY, Instance, Machine, Peer, as_root, run_as_root

NAMESPACES = Path("/run/netns")


def _in_namespace(namespace: str, *commands: str) -> None:
    script = "set -e\n" + "\n".join(commands)
    run_as_root(["ip", "netns", "exec", namespace, "sh", "-c", script])


def spawn(command: list[str], log: Path) -> int:
    """Start a process that outlives this one, with its output in a log file; gives its process id."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            as_root(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    return process.pid


def check_ports_free(instance: Instance, machines: list[str]) -> None:
    """Refuse to start when something else listens on a port of the lab.

    :raises PatuhError: naming the port and where to change it.
    """
    for machine in machines:
        port = instance.ssh_port(machine)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise PatuhError(
                    f"port {port} on 127.0.0.1 is in use by another program",
                    where=f"lab/machines.yml: machines.{machine}.ssh_port",
                    mend="End that program, or set another ssh_port there and in inventory/lab/hosts.yml.",
                ) from error


def network_exists(instance: Instance) -> bool:
    """Whether the lab's namespaces and the processes that serve them are there."""
    marker = instance.folder / "network.ready"
    return (NAMESPACES / instance.router_namespace).exists() and marker.exists()


def create_network(instance: Instance) -> None:
    """Make the segments, the router, the peers, the way out and the ways in."""
    if network_exists(instance):
        _open_ways_in(instance)  # those that ended since are opened again
        return
    remove_network(instance)
    check_ports_free(instance, list(instance.topology.machines))
    topology = instance.topology
    router = instance.router_namespace
    run_as_root(["ip", "netns", "add", router])
    commands = [
        "ip link set lo up",
        "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0",
    ]
    for name, segment in topology.segments.items():
        commands += [
            f"ip link add br-{name} type bridge",
            f"ip link set br-{name} up",
            f"ip addr add {segment.address4(1)}/{segment.ipv4.prefixlen} dev br-{name}",
            f"ip addr add {segment.address6(1)}/{segment.ipv6.prefixlen} dev br-{name} nodad",
        ]
    virtual = {name: machine for name, machine in topology.machines.items() if not machine.container}
    contained = {name: machine for name, machine in topology.machines.items() if machine.container}
    for name, machine in virtual.items():
        commands += [
            f"ip tuntap add tap-{name} mode tap",
            f"ip link set tap-{name} master br-{machine.segment} up",
        ]
    neighbours: dict[str, Peer | Machine] = {**topology.peers, **contained}
    for name in neighbours:
        run_as_root(["ip", "netns", "add", instance.peer_namespace(name)])
    _in_namespace(router, *commands)
    for number, (name, peer) in enumerate(neighbours.items()):
        segment = topology.segments[peer.segment]
        namespace = instance.peer_namespace(name)
        _in_namespace(
            router,
            f"ip link add veth{number} type veth peer name eth0 netns {namespace}",
            f"ip link set veth{number} master br-{peer.segment} up",
        )
        _in_namespace(
            namespace,
            "sysctl -qw net.ipv6.conf.default.accept_dad=0",
            "ip link set lo up",
            "ip link set eth0 up",
            f"ip addr add {segment.address4(peer.host_number)}/{segment.ipv4.prefixlen} dev eth0",
            f"ip addr add {segment.address6(peer.host_number)}/{segment.ipv6.prefixlen} dev eth0 nodad",
            f"ip route add default via {segment.address4(1)}",
            f"ip -6 route add default via {segment.address6(1)}",
        )
    spawn(
        [
            "slirp4netns",
            "--configure",
            "--disable-host-loopback",
            "--netns-type=path",
            str(NAMESPACES / router),
            "uplink",
        ],
        instance.folder / "slirp4netns.log",
    )
    _wait_for_uplink(instance)
    _in_namespace(
        router,
        "nft 'add table ip nat; "
        "add chain ip nat out { type nat hook postrouting priority 100; }; "
        'add rule ip nat out oifname "uplink" masquerade\'',
    )
    _open_ways_in(instance)
    spawn(
        [
            *("ip", "netns", "exec", instance.peer_namespace("workstation")),
            *("env", f"PYTHONPATH={REPOSITORY}", sys.executable, "-m", "lab.workstation"),
            str(instance.folder / "workstation"),
        ],
        instance.folder / "workstation.log",
    )
    (instance.folder / "network.ready").touch()


def _wait_for_uplink(instance: Instance) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        routes = run_as_root(["ip", "-n", instance.router_namespace, "route", "show", "default"]).stdout
        if "uplink" in routes:
            return
        time.sleep(0.2)
    raise PatuhError(
        "slirp4netns did not bring the lab's way out up",
        where=str(instance.folder / "slirp4netns.log"),
        mend="Read that log; then run the command again.",
    )


def _open_ways_in(instance: Instance) -> None:
    workstation = instance.peer_namespace("workstation")
    for name, machine in instance.topology.machines.items():
        if _listens(instance, name):
            continue
        address = instance.topology.segments[machine.segment].address4(machine.host_number)
        spawn(
            [
                "socat",
                f"TCP-LISTEN:{instance.ssh_port(name)},bind=127.0.0.1,fork,reuseaddr",
                f"EXEC:ip netns exec {workstation} socat STDIO TCP\\:{address}\\:22",
            ],
            instance.folder / "ways-in.log",
        )
        deadline = time.monotonic() + 10
        while not _listens(instance, name) and time.monotonic() < deadline:
            time.sleep(0.1)


def _listens(instance: Instance, name: str) -> bool:
    listening = subprocess.run(
        ["ss", "-Hltn", f"sport = :{instance.ssh_port(name)}"], capture_output=True, text=True, check=False
    )
    return bool(listening.stdout.strip())


def _processes_of(instance: Instance) -> list[int]:
    """The processes in the lab's namespaces, and those outside that serve them."""
    found: set[int] = set()
    for namespace in _namespaces_of(instance):
        listed = run_as_root(["ip", "netns", "pids", namespace]).stdout.split()
        found.update(map(int, listed))
    served = {f"bind=127.0.0.1,fork,reuseaddr\0EXEC:ip netns exec {instance.peer_namespace('workstation')} "}
    served.add(f"{NAMESPACES / instance.router_namespace}\0uplink")
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                line = (process / "cmdline").read_text(encoding="utf-8", errors="replace")
                if any(mark in line for mark in served):
                    found.add(int(process.name))
    return sorted(found - {os.getpid()})


def _namespaces_of(instance: Instance) -> list[str]:
    neighbours = (*instance.topology.peers, *instance.topology.machines)
    wanted = [instance.router_namespace, *map(instance.peer_namespace, neighbours)]
    return [name for name in wanted if (NAMESPACES / name).exists()]


def remove_network(instance: Instance) -> None:
    """End every process of the lab, the machines included, and remove its namespaces."""
    for end in (signal.SIGTERM, signal.SIGKILL):
        processes = _processes_of(instance)
        if not processes:
            break
        subprocess.run(as_root(["kill", f"-{end.value}", *map(str, processes)]), capture_output=True, check=False)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and _processes_of(instance):
            time.sleep(0.1)
    for namespace in _namespaces_of(instance):
        run_as_root(["ip", "netns", "delete", namespace])
    (instance.folder / "network.ready").unlink(missing_ok=True)
