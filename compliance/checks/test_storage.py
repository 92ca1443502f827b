"""RAID and disk space (Jambi H.2.a, H.3.a, H.3.b)."""

from __future__ import annotations

from testinfra.host import Host

from compliance.checking import CannotTell, Context, NotApplicable, Saw, assesses
from compliance.checks.shared import timer_runs
from compliance.probes import mdadm, output, records, succeeds, systemd

PSEUDO = ("tmpfs", "devtmpfs", "overlay", "squashfs", "efivarfs", "iso9660")


def _arrays(host: Host, context: Context) -> list[mdadm.Array]:
    """The arrays that must be there: the declared ones; on a physical server at least one."""
    declared = context.declared
    if declared.machine == "virtual" and not declared.raid_arrays:
        raise NotApplicable("virtual-machine")
    # A device node may outlive its array for a while: what runs stands in /proc/mdstat.
    running = mdadm.arrays(host)
    return [
        mdadm.detail(host, device)
        for device in (declared.raid_arrays or running)
        if device in running or output(host, "readlink -m -- %s", device).strip() in running
    ]


@assesses("raid.present")
def test_redundant_raid_is_present(host: Host, context: Context, saw: Saw) -> None:
    """Every declared array runs, and every array is of a redundant level."""
    found = _arrays(host, context)
    wanted = context.declared.raid_arrays
    missing = sorted(set(wanted) - {array.device for array in found})
    saw(
        "arrays",
        expected=wanted or ">= 1",
        observed=[array.device for array in found],
        holds=bool(found) and not missing,
    )
    for array in found:
        saw(array.device, expected="redundant", observed=array.level, holds=array.redundant)


@assesses("raid.hotspare")
def test_every_array_has_a_hot_spare(host: Host, context: Context, saw: Saw) -> None:
    """Each array holds at least as many spares as the figure in force."""
    least = context.parameter("hotspare_min")
    found = _arrays(host, context)
    saw("arrays", expected=">= 1", observed=len(found), holds=bool(found))
    for array in found:
        saw(
            f"{array.device}: spares",
            expected=f">= {least}",
            observed=array.spare,
            holds=array.spare >= least,
        )


@assesses("raid.monitored")
def test_arrays_are_monitored_and_scrubbed(host: Host, context: Context, saw: Saw) -> None:
    """mdadm's monitor runs, tells somebody, and a timer reads every sector now and then."""
    if not _arrays(host, context):
        saw("arrays", expected=">= 1", observed=0, holds=False)
        return
    monitor = systemd.properties(host, "mdmonitor.service")
    saw("mdmonitor.service", expected="active", observed=monitor["ActiveState"])
    config = output(host, "cat /etc/mdadm/mdadm.conf /etc/mdadm/mdadm.conf.d/*.conf 2>/dev/null", codes=(0, 1))
    told = [line.split()[0] for line in config.splitlines() if line.startswith(("MAILADDR ", "PROGRAM "))]
    saw("mdadm.conf", expected="PROGRAM", observed=told, holds="PROGRAM" in told)
    scrubs = [
        unit
        for unit in ("mdcheck_start.timer", "raid-check.timer")
        if systemd.properties(host, unit)["ActiveState"] == "active"
    ]
    if succeeds(host, "test -e /etc/cron.d/mdadm"):
        scrubs.append("/etc/cron.d/mdadm")
    saw("scrub", expected="timer", observed=scrubs, holds=bool(scrubs))


@assesses("raid.inspection-14d")
def test_raid_was_inspected_in_time(host: Host, context: Context, saw: Saw) -> None:
    """Each array has an inspection record no older than the figure in force, and a timer for the next."""
    limit = context.parameter("raid_inspection_days_max")
    found = _arrays(host, context)
    timer_runs(host, saw, "patuh-raid-inspect.timer")
    entries = records.entries(host, "raid")
    for device in context.declared.raid_arrays or [array.device for array in found]:
        own = [entry for entry in entries if entry.get("array") == device]
        age = records.age_days(host, own[-1]) if own else None
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
        saw(f"{array.device}: failed", expected=0, observed=array.failed)
        healthy = not any(word in array.state for word in ("degraded", "FAILED", "Not Started"))
        saw(f"{array.device}: state", expected="not degraded", observed=array.state, holds=healthy)


@assesses("disk.usage-90")
def test_partitions_are_within_their_limit(host: Host, context: Context, saw: Saw) -> None:
    """No local partition is used beyond the figure in force, in bytes or in inodes."""
    limit = context.parameter("disk_used_pct_max")
    exclude = " ".join(f"-x {kind}" for kind in PSEUDO)
    for what, option in (("bytes", "-lP"), ("inodes", "-lPi")):
        lines = output(host, f"df {option} {exclude}").splitlines()[1:]
        if not lines:
            raise CannotTell("df names no local file system")
        for line in lines:
            fields = line.split(maxsplit=5)
            if len(fields) != 6 or not (fields[4] == "-" or fields[4].rstrip("%").isdigit()):
                raise CannotTell(f"df: '{line:.80}' is not understood")
            if fields[4] != "-":  # a file system without a fixed number of inodes
                used = int(fields[4].rstrip("%"))
                saw(
                    f"{fields[5]} ({what})",
                    expected=f"<= {limit} %",
                    observed=f"{used} %",
                    holds=used <= limit,
                )


@assesses("disk.daily-monitoring")
def test_disk_space_is_monitored(host: Host, context: Context, saw: Saw) -> None:
    """A timer measures the disk space, and the newest measurement is within the figure in force."""
    limit = context.parameter("disk_check_hours_max")
    timer_runs(host, saw, "patuh-disk-space.timer")
    entries = records.entries(host, "disk-space")
    hours = records.age_days(host, entries[-1]) * 24 if entries else None
    saw(
        "newest measurement",
        expected=f"<= {limit} h",
        observed="never" if hours is None else f"{hours:.1f} h",
        holds=hours is not None and hours <= limit,
    )
