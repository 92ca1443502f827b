"""RAID and disk space (Jambi H.2.a, H.3.a, H.3.b)."""

from __future__ import annotations

import dataclasses
import re

from testinfra.host import Host

from compliance.checking import CannotTell, Context, NotApplicable, Saw, assesses
from compliance.checks.shared import own_unit_runs
from compliance.probes import btrfs, is_there, mdadm, output, records, succeeds, systemd, zfs
from compliance.probes.arrays import Array

# The class of a PCI device (its mass-storage RAID controllers), as sysfs shows it.
PCI_RAID_CONTROLLER = "0x0104"
# Images that are mounted by FUSE, as snaps in a container are: read-only, and so full whatever is in them.
FULL_BY_NATURE = ("snapfuse ", "squashfuse ")
# What the kernel answers for file systems that are no disk of this server, whoever asks.
NOT_ASKED = {
    "Operation not permitted": "refuses the superuser",
    "Permission denied": "refuses the superuser",
    "Transport endpoint is not connected": "its program has ended",  # FUSE's answer alone
}
# mdadm.conf(5): a keyword in any case, cut off after its third letter or later, an address and perhaps a comment.
MAILADDR = r"^(?i:mai(?:l(?:a(?:d(?:dr?)?)?)?)?)\s+([^#\s]\S*)"
PSEUDO = ("tmpfs", "devtmpfs", "overlay", "squashfs", "efivarfs", "iso9660", "udf")


def _arrays(host: Host, context: Context) -> list[Array]:
    """The arrays that must be there: the declared ones; on a physical server at least one."""
    declared = context.declared
    if declared.machine == "virtual" and not declared.raid_arrays:
        raise NotApplicable("virtual-machine")
    running = [*mdadm.arrays(host), *zfs.pools(host), *btrfs.filesystems(host)]
    if not declared.raid_arrays:
        if not running:
            _no_other_kind(host)
        return running
    resolved = {name: output(host, "readlink -m -- %s", name).strip() for name in declared.raid_arrays}
    wanted = [
        dataclasses.replace(array, name=name)
        for name in declared.raid_arrays
        for array in running
        if array.name in (name, resolved[name])
    ]
    # An array that does not run is in trouble, whether anybody declared it or not.
    known = {*declared.raid_arrays, *resolved.values()}
    return wanted + [array for array in running if not array.runs and array.name not in known]


def _no_other_kind(host: Host) -> None:
    """Make sure that no disks are redundant by means that only their vendor's tool or LVM can see into."""
    classes = output(host, "cat /sys/bus/pci/devices/*/class 2>/dev/null", codes=(0, 1)).split()
    if any(one.startswith(PCI_RAID_CONTROLLER) for one in classes):
        raise CannotTell("a hardware RAID controller: only its vendor's tool knows the state of its disks")
    if is_there(host, "dmsetup") and "raid" in output(
        host, "PATH=$PATH:/sbin:/usr/sbin; dmsetup table 2>/dev/null | cut -d' ' -f4"
    ):
        raise CannotTell("RAID within LVM: ask 'lvs -o +lv_layout,lv_health_status'")


@assesses("raid.present")
def test_redundant_raid_is_present(host: Host, context: Context, saw: Saw) -> None:
    """Every declared array runs, and every array is of a redundant level."""
    found = _arrays(host, context)
    wanted = context.declared.raid_arrays
    missing = sorted(set(wanted) - {array.name for array in found})
    saw(
        "arrays",
        expected=wanted or ">= 1",
        observed=[array.name for array in found],
        holds=bool(found) and not missing,
    )
    for array in found:
        saw(array.name, expected="redundant", observed=array.level, holds=array.redundant)


@assesses("raid.hotspare")
def test_every_array_has_a_hot_spare(host: Host, context: Context, saw: Saw) -> None:
    """Each array has at least as many spares as the figure in force: its own, or those its spare-group moves to it."""
    least = context.parameter("hotspare_min")
    found = _arrays(host, context)
    saw("arrays", expected=">= 1", observed=len(found), holds=bool(found))
    groups = mdadm.spare_groups(mdadm.configuration(host)) if any(array.kind == "md" for array in found) else {}
    # It is the monitor that moves a spare to the array that needs it.
    if groups and systemd.properties(host, "mdmonitor.service")["ActiveState"] != "active":
        groups = {}
    for array in found:
        group = groups.get(array.uuid)
        shared = [one for one in found if group and groups.get(one.uuid) == group] or [array]
        spares = sum(one.spares for one in shared)
        saw(
            f"{array.name}: spares",
            expected=f">= {least}",
            observed=f"{spares} ({group})" if group else spares,
            holds=spares >= least,
        )


@assesses("raid.monitored")
def test_arrays_are_monitored_and_scrubbed(host: Host, context: Context, saw: Saw) -> None:
    """The monitor of each kind of array runs, tells somebody, and a timer reads every sector now and then."""
    found = _arrays(host, context)
    if not found:
        saw("arrays", expected=">= 1", observed=0, holds=False)
        return
    kinds = {array.kind for array in found}
    if "btrfs" in kinds:
        raise CannotTell("btrfs has no monitor of its own: what watches its error counters is not known")
    if "md" in kinds:
        told = _told(host, mdadm.configuration(host), r"^(?i:pro(?:g(?:r(?:am?)?)?)?)\s+([^#\s]\S*)", MAILADDR)
        _monitor(host, saw, "mdmonitor.service", "mdadm.conf", told)
        _scrub(host, saw, "md", ("mdcheck_start.timer", "raid-check.timer"), "/etc/cron.d/mdadm")
    if "zfs" in kinds:
        config = output(host, "cat /etc/zfs/zed.d/zed.rc 2>/dev/null", codes=(0, 1))
        hooks = r"^ZED_(?:SLACK_WEBHOOK_URL|PUSHOVER_TOKEN|NTFY_TOPIC|GOTIFY_URL)=(.+)$"
        told = _told(host, config, hooks, r"^ZED_EMAIL_ADDR=\"?([^\s\"]+)")
        _monitor(host, saw, "zfs-zed.service", "zed.rc", told)
        pools = [array.name for array in found if array.kind == "zfs"]
        timers = tuple(f"zfs-scrub-{often}@{pool}.timer" for pool in pools for often in ("weekly", "monthly"))
        _scrub(host, saw, "zfs", timers, "/etc/cron.d/zfsutils-linux")


def _monitor(host: Host, saw: Saw, unit: str, file: str, told: list[str]) -> None:
    """Record that a monitor runs, and that its configuration names somebody to tell."""
    saw(unit, expected="active", observed=systemd.properties(host, unit)["ActiveState"])
    saw(file, expected=">= 1", observed=told, holds=bool(told))


def _told(host: Host, config: str, program: str, mail: str) -> list[str]:
    """Whom a monitor tells: a program, or a mail address where mail can leave and is not left lying with root."""
    told = [one for one in re.findall(program, config, re.MULTILINE) if _can_run(host, one)]
    addresses = re.findall(mail, config, re.MULTILINE)
    if addresses and succeeds(host, "test -x /usr/sbin/sendmail"):
        aliases = output(host, "cat /etc/aliases 2>/dev/null", codes=(0, 1))
        forwarded = re.findall(r"^root:\s*(\S.*)$", aliases, re.MULTILINE)
        told += [one for one in addresses if one not in ("root", "root@localhost") or forwarded]
    return told


def _can_run(host: Host, program: str) -> bool:
    """Whether what a monitor calls can be run; an address of the web is called by the monitor itself."""
    return not program.startswith("/") or succeeds(host, "test -x %s", program)


def _scrub(host: Host, saw: Saw, kind: str, timers: tuple[str, ...], cron: str) -> None:
    """Record that something reads every sector now and then."""
    found = [unit for unit in timers if systemd.properties(host, unit)["ActiveState"] == "active"]
    # Debian's job for md looks first whether somebody switched it off.
    if succeeds(host, "test -e %s", cron) and (
        kind != "md" or succeeds(host, "grep -qs '^AUTOCHECK=true' /etc/default/mdadm", no=(1, 2))
    ):
        found.append(cron)
    saw(f"scrub ({kind})", expected="timer", observed=found, holds=bool(found))


@assesses("raid.inspection-14d")
def test_raid_was_inspected_in_time(host: Host, context: Context, saw: Saw) -> None:
    """Each array has an inspection record no older than the figure in force, and a timer for the next."""
    limit = context.parameter("raid_inspection_days_max")
    found = _arrays(host, context)
    own_unit_runs(host, saw, "patuh-raid-inspect.timer")
    entries = records.entries(host, "raid")
    for device in context.declared.raid_arrays or [array.name for array in found]:
        own = [entry for entry in entries if entry.get("array") == device]
        newest = own[-1] if own else None
        age = records.age_days(host, newest) if newest else None
        if newest:
            saw.due(records.due(newest, limit), device)
        saw(
            f"{device}: inspected",
            expected=f"<= {limit} d",
            observed="never" if age is None else f"{age:.1f} d",
            holds=age is not None and age <= limit,
        )


@assesses("raid.failed-disk-replaced")
def test_no_array_has_a_failed_disk(host: Host, context: Context, saw: Saw) -> None:
    """No array is degraded or holds a failed member."""
    found = _arrays(host, context)
    saw("arrays", expected=">= 1", observed=len(found), holds=bool(found))
    for array in found:
        saw(f"{array.name}: failed", expected=0, observed=array.failed)
        saw(f"{array.name}: state", expected="not degraded", observed=array.state, holds=array.healthy)


@assesses("disk.usage-90")
def test_partitions_are_within_their_limit(host: Host, context: Context, saw: Saw) -> None:
    """No local partition is used beyond the figure in force, in bytes or in inodes."""
    limit = context.parameter("disk_used_pct_max")
    exclude = " ".join(f"-x {kind}" for kind in PSEUDO)
    for what, option in (("bytes", "-lP"), ("inodes", "-lPi")):
        lines = _df(host, saw, f"df {option} {exclude}", what)
        if not lines:
            raise CannotTell("df names no local file system")
        for line in lines:
            if line.startswith(FULL_BY_NATURE):
                continue
            found = re.fullmatch(r"(?:\S+\s+){4}(?:(?P<used>\d+)%|-)\s+(?P<mount>.+)", line)
            if not found:
                raise CannotTell(f"df: '{line:.80}' is not understood")
            if found["used"]:  # else a file system without a fixed number of inodes
                saw(
                    f"{found['mount']} ({what})",
                    expected=f"<= {limit} %",
                    observed=f"{found['used']} %",
                    holds=int(found["used"]) <= limit,
                )


def _df(host: Host, saw: Saw, command: str, what: str) -> list[str]:
    """What df lists; what it cannot ask for is named where it is no disk of the server's: FUSE's mounts of one person.

    :raises CannotTell: when df fails otherwise, as for a disk that no longer answers.
    """
    done = host.run(command)
    complaints = [line for line in str(done.stderr).splitlines() if line.strip()]
    refusals = [re.fullmatch(rf"df: (.+): ({'|'.join(NOT_ASKED)})", one) for one in complaints]
    if done.rc not in (0, 1) or None in refusals:
        said = next((one for one, met in zip(complaints, refusals, strict=True) if not met), f"exit {done.rc}")
        raise CannotTell(f"df: {said}")
    for refusal in refusals:
        if refusal:
            saw(f"{refusal[1]} ({what})", expected="—", observed=NOT_ASKED[refusal[2]], holds=True)
    return str(done.stdout).splitlines()[1:]


@assesses("disk.daily-monitoring")
def test_disk_space_is_monitored(host: Host, context: Context, saw: Saw) -> None:
    """A timer measures the disk space, and the newest measurement is within the figure in force."""
    limit = context.parameter("disk_check_hours_max")
    own_unit_runs(host, saw, "patuh-disk-space.timer")
    entries = records.entries(host, "disk-space")
    hours = records.age_days(host, entries[-1]) * 24 if entries else None
    saw(
        "newest measurement",
        expected=f"<= {limit} h",
        observed="never" if hours is None else f"{hours:.1f} h",
        holds=hours is not None and hours <= limit,
    )
