"""Starting, waiting for and stopping the lab's virtual machines."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import json
import socket
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from compliance import host_keys
from compliance.errors import PatuhError
from lab import containers
from lab.images import HOST_KEY, Progress, build_image, image_folder, make_blank_disk, make_overlay, make_removable_disk
from lab.network import create_network, remove_network
from lab.topology import Instance, Machine, as_root, known_hosts, private_key, run_as_root, serial_number

BOOT_SECONDS_MAX = 300
KVM_PROBE_SECONDS = 20


def virtualisation_promised() -> bool:
    """Whether the CPU and the kernel say that they virtualise; whether they do shows when a guest starts."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return (" vmx" in flags or " svm" in flags) and Path("/dev/kvm").exists()


@cache
def hardware_virtualisation(kernel: Path) -> bool:
    """Whether KVM really runs a guest here: the CPU says so and a kernel started under it gets to its end.

    The mere presence of ``/dev/kvm`` proves nothing; some computers have one that hangs ordinary guests.
    """
    if not virtualisation_promised():
        return False
    try:
        # Without a root file system the kernel panics within seconds and QEMU exits: that is the proof.
        done = subprocess.run(
            as_root(
                [
                    *("qemu-system-x86_64", "-machine", "q35,accel=kvm", "-cpu", "host", "-m", "256"),
                    *("-display", "none", "-no-reboot", "-kernel", str(kernel)),
                    *("-append", "panic=-1 console=ttyS0"),
                ]
            ),
            capture_output=True,
            timeout=KVM_PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _disks(instance: Instance, name: str, machine: Machine, image: Path) -> list[str]:
    """The machine's disks as QEMU options; those that do not exist yet are made."""
    folder = instance.machine_folder(name)
    system = folder / "system.qcow2"
    if not system.exists():
        make_overlay(image / "disk.qcow2", system)
    options = [
        *("-drive", f"file={system},if=none,id=system,format=qcow2,cache=unsafe"),
        *("-device", "virtio-blk-pci,drive=system"),
    ]
    if machine.raid_disks:
        for number in range(machine.raid_disks.count):
            disk = folder / f"raid{number}.qcow2"
            if not disk.exists():
                make_blank_disk(disk, machine.raid_disks.size_mb)
            options += [
                *("-drive", f"file={disk},if=none,id=raid{number},format=qcow2,cache=unsafe"),
                *("-device", f"virtio-blk-pci,drive=raid{number},serial=RAID{number}"),
            ]
    if machine.removable_disk is None:
        return options
    removable = folder / "removable.qcow2"
    if not removable.exists():
        make_removable_disk(removable, machine.removable_disk.size_mb, machine.removable_disk.filesystem_uuid)
    return [
        *options,
        *("-device", "virtio-scsi-pci,id=scsi"),
        *("-drive", f"file={removable},if=none,id=removable,format=qcow2,cache=unsafe"),
        *("-device", "scsi-hd,bus=scsi.0,drive=removable,removable=on,serial=CADANGAN"),
    ]


def start(instance: Instance, name: str, image: Path, clock: datetime.datetime | None = None) -> None:
    """Start one machine, unless it runs.

    :param clock: what the machine's own clock says then, in UTC; the time of this computer unless given.
    """
    machine = instance.topology.machines[name]
    if machine.container:
        containers.start(instance, name, image)
        return
    if is_running(instance, name):
        return
    folder = instance.machine_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    control = folder / "control.sock"
    control.unlink(missing_ok=True)
    kvm = hardware_virtualisation(image / "vmlinuz")
    segment_number = list(instance.topology.segments).index(machine.segment)
    accelerator = (
        ["-accel", "kvm", "-cpu", "host"] if kvm else ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max"]
    )
    run_as_root(
        [
            *("ip", "netns", "exec", instance.router_namespace, "qemu-system-x86_64"),
            *("-name", f"{instance.name}-{name}", "-machine", "q35", *accelerator),
            *(("-rtc", f"base={clock:%Y-%m-%dT%H:%M:%S}") if clock else ()),
            *("-smp", "1", "-m", str(machine.memory_mb), "-smbios", f"type=1,serial={serial_number(name)}"),
            *("-display", "none", "-serial", f"file:{folder / 'console.log'}"),
            *("-qmp", f"unix:{control},server=on,wait=off"),
            *("-kernel", str(image / "vmlinuz"), "-initrd", str(image / "initrd")),
            *("-append", "root=LABEL=root rw net.ifnames=0 console=ttyS0 quiet"),
            *("-netdev", f"tap,id=net,ifname=tap-{name},script=no,downscript=no"),
            *(
                "-device",
                f"virtio-net-pci,netdev=net,mac=52:54:00:31:{segment_number:02x}:{machine.host_number:02d}",
            ),
            *("-device", "virtio-rng-pci"),
            *_disks(instance, name, machine, image),
            *("-daemonize", "-pidfile", str(folder / "qemu.pid")),
        ]
    )
    run_as_root(["chmod", "a+rw", str(control)])


def power_off(instance: Instance, name: str) -> None:
    """Take the power away: what the machine had not written to its disks is lost."""
    with contextlib.suppress(ValueError, OSError):  # it may be gone before it has answered
        monitor(instance, name, "quit")
    deadline = time.monotonic() + 30
    while is_running(instance, name) and time.monotonic() < deadline:
        time.sleep(0.1)


def shut_down(instance: Instance, name: str) -> None:
    """Shut a machine down in the ordinary way, and wait until it has.

    :raises PatuhError: when it does not end.
    """
    subprocess.run(ssh_command(instance, name, "sudo systemctl poweroff"), capture_output=True, check=False)
    deadline = time.monotonic() + BOOT_SECONDS_MAX
    while is_running(instance, name):
        if time.monotonic() > deadline:
            raise PatuhError(f"{name} did not shut down", mend="Read its console log.")
        time.sleep(0.5)


def power_on(instance: Instance, name: str, clock: datetime.datetime | None = None) -> None:
    """Start a machine that was powered off, with its clock at a given time if there is one."""
    machine = instance.topology.machines[name]
    start(instance, name, image_folder(name, machine, instance.topology), clock)


def is_running(instance: Instance, name: str) -> bool:
    """Whether the machine's QEMU process lives, or the container's."""
    if instance.topology.machines[name].container:
        return containers.is_running(instance, name)
    pidfile = instance.machine_folder(name) / "qemu.pid"
    done = subprocess.run(as_root(["cat", str(pidfile)]), capture_output=True, text=True, check=False)
    pid = done.stdout.strip()
    command = Path(f"/proc/{pid}/cmdline")
    return bool(pid) and command.exists() and f"{instance.name}-{name}" in command.read_text(encoding="utf-8")


def ssh_command(instance: Instance, name: str, *remote: str) -> list[str]:
    """The command that runs something on a machine as its first user."""
    return [
        *("ssh", "-i", str(private_key()), "-p", str(instance.ssh_port(name)), "-o", "LogLevel=ERROR"),
        *host_keys.ssh_options({host_keys.FILE_VARIABLE: known_hosts(name)}, name),
        *("-o", "ConnectTimeout=10", "-o", "BatchMode=yes", "patuh@127.0.0.1", *remote),
    ]


def wait_for_ssh(instance: Instance, name: str, seconds: float = BOOT_SECONDS_MAX) -> None:
    """Wait until the machine lets the controller in and its boot is over.

    :raises PatuhError: when it does not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            done = subprocess.run(
                ssh_command(instance, name, "systemctl is-system-running --wait >/dev/null; echo up"),
                capture_output=True,
                text=True,
                timeout=max(5, deadline - time.monotonic()),
                check=False,
            )
        except subprocess.TimeoutExpired:
            break
        if done.stdout.strip() == "up":
            return
        if not is_running(instance, name):
            raise PatuhError(
                f"the virtual machine {name} ended by itself",
                where=str(instance.machine_folder(name) / "console.log"),
                mend="Read the end of that log, then run 'patuh lab up' again.",
            )
        time.sleep(1)
    raise PatuhError(
        f"the virtual machine {name} did not answer within {seconds:.0f} s",
        where=str(instance.machine_folder(name) / "console.log"),
        mend="Read the end of that log; 'patuh lab down' and 'patuh lab up' start afresh.",
    )


def know(name: str, image: Path) -> None:
    """Let the controller know the machine by the host key of its image."""
    kind, key = (image / HOST_KEY).read_text(encoding="utf-8").split()[:2]
    file = known_hosts(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{name} {kind} {key}\n", encoding="utf-8")


def up(instance: Instance, progress: Progress, names: list[str] | None = None) -> None:
    """Build what is missing, start what does not run, and wait until the machines (all of them) answer."""
    machines = instance.topology.machines

    def bring_up(name: str) -> None:
        if not is_running(instance, name):
            image = build_image(name, machines[name], instance.topology, progress)
            progress(f"{name}: booting")
            know(name, image)
            start(instance, name, image)
        wait_for_ssh(instance, name)
        progress(f"{name}: answers")

    private_key()
    instance.folder.mkdir(parents=True, exist_ok=True)
    create_network(instance)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in concurrent.futures.as_completed([pool.submit(bring_up, name) for name in names or machines]):
            done.result()


def down(instance: Instance) -> None:
    """Stop the machines, remove the network and the machines' disks; images stay cached."""
    remove_network(instance)
    containers.unmount(instance)
    run_as_root(["rm", "-rf", str(instance.folder)])


def _boot(instance: Instance, name: str) -> str:
    """What tells one boot of a machine from another; empty when the machine does not answer."""
    command = ssh_command(instance, name, "cat /proc/sys/kernel/random/boot_id")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def reboot(instance: Instance, name: str, by: Callable[[], object] | None = None) -> None:
    """Reboot a machine in the ordinary way, or by what is given, and wait until it answers again."""
    before = _boot(instance, name)
    if by:
        by()
    else:
        subprocess.run(ssh_command(instance, name, "sudo systemctl reboot"), capture_output=True, check=False)
    deadline = time.monotonic() + BOOT_SECONDS_MAX
    while time.monotonic() < deadline:
        time.sleep(2)
        wait_for_ssh(instance, name, deadline - time.monotonic())
        if _boot(instance, name) not in ("", before):
            return
    raise PatuhError(f"{name} did not come back after a reboot", mend="Read its console log.")


def reboot_all(instance: Instance, names: list[str]) -> None:
    """Reboot several machines side by side and wait for all of them."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(reboot, instance, name) for name in names]:
            done.result()


def monitor(instance: Instance, name: str, command: str) -> str:
    """Send a command to the machine's QEMU monitor ('savevm clean', 'loadvm clean', 'system_reset') by QMP."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(instance.machine_folder(name) / "control.sock"))
        stream = connection.makefile("rw", encoding="utf-8")
        stream.readline()
        answer = ""
        for request in (
            {"execute": "qmp_capabilities"},
            {"execute": "human-monitor-command", "arguments": {"command-line": command}},
        ):
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            while "return" not in (reply := json.loads(stream.readline())):
                if "error" in reply:
                    raise PatuhError(f"{name}: {command}: {reply['error']['desc']}", mend="Is the lab up?")
            answer = str(reply["return"])
    return answer.strip()
