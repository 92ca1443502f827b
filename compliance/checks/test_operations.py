"""Monitoring, the maintenance log and the software's state (Jambi F.1 to F.3, H.1, H.3.c, H.3.d)."""

from __future__ import annotations

import json
import re

from testinfra.host import Host

from compliance.checking import CannotTell, Context, Saw, assesses
from compliance.checks.shared import OTHER_RECORDERS, own_unit_runs, refuse_to_guess, unit_runs
from compliance.probes import btrfs, facts, is_there, mdadm, output, records, succeeds, sysstat, systemd, zfs
from compliance.probes.packages import installed

LOG = records.MAINTENANCE_LOG
# No regulation names a figure for how often the load is recorded: six of sysstat's usual samples.
SAMPLE_MINUTES_MAX = 60
# A webhook's path and query are its password; records of before hold it, and reports are published.
WEB_ADDRESS = re.compile(r"https?://(?:[^\s/?#]*@)?(\[[^\s\]]*\]|[^\s/?#:]+)[^\s]*?(?=:? |:?$)")
RECORDS = ("/var/lib/patuh/records", "/var/log/patuh")


@assesses("monitoring.alerts")
def test_trouble_is_told(host: Host, context: Context, saw: Saw) -> None:
    """A failing service raises an alert, there is somebody to tell, and the last alert reached everybody."""
    hook = output(host, "systemctl show --property=OnFailure -- cron.service").strip().removeprefix("OnFailure=")
    if hook and not hook.startswith("patuh-alert@"):
        raise CannotTell(f"{hook:.80} is told: whom it tells in turn is not looked into")
    saw(
        "cron.service: OnFailure",
        expected="patuh-alert@…",
        observed=hook or "—",
        holds=hook.startswith("patuh-alert@"),
    )
    entries = records.entries(host, "alerts")
    saw("alerts sent", expected=">= 1", observed=len(entries), holds=bool(entries))
    if entries:
        last = entries[-1]
        targets = last.get("targets")
        saw("targets", expected=">= 1", observed=targets, holds=isinstance(targets, int) and targets >= 1)
        saw(
            "last alert",
            expected="delivered",
            observed=[WEB_ADDRESS.sub(r"\1", str(one)) for one in _listed(last.get("failed"))] or "delivered",
            holds=last.get("failed") == [],
        )


def _listed(failed: object) -> list[object]:
    return failed if isinstance(failed, list) else [failed] if failed else []


@assesses("monitoring.connectivity")
def test_the_internet_connection_is_watched(host: Host, context: Context, saw: Saw) -> None:
    """A timer probes the connection, and the newest probe is within the figure in force."""
    limit = context.parameter("connectivity_minutes_max")
    own_unit_runs(host, saw, "patuh-connectivity.timer")
    entries = records.entries(host, "connectivity")
    minutes = records.age_days(host, entries[-1]) * 1440 if entries else None
    # A probe that just began has not written yet: one interval more is still in time.
    saw(
        "newest probe",
        expected=f"<= {2 * limit} min",
        observed="never" if minutes is None else f"{minutes:.0f} min",
        holds=minutes is not None and minutes <= 2 * limit,
    )


@assesses("monitoring.hardware-health")
def test_units_and_hardware_are_healthy(host: Host, context: Context, saw: Saw) -> None:
    """No unit has failed, no array is degraded, and no file system was remounted read-only."""
    failed = systemd.failed_units(host)
    saw("failed units", expected="—", observed=failed, holds=not failed)
    for array in [*mdadm.arrays(host), *zfs.pools(host), *btrfs.filesystems(host)]:
        # Clean again without the disk that failed, it still waits for somebody to replace that.
        state = f"{array.state}, failed: {array.failed}" if array.healthy and array.failed else array.state
        saw(array.name, expected="not degraded", observed=state, holds=array.healthy and not array.failed)
    options = output(host, "findmnt -rno OPTIONS /").strip().split(",")
    # After an error, newer kernels refuse to write to what they still call "rw", and some say so nowhere else.
    saw("/", expected="rw", observed="emergency_ro" if "emergency_ro" in options else options[0])
    counts = output(host, "cat /sys/fs/ext4/*/errors_count 2>/dev/null", codes=(0, 1)).split()
    errors = sum(int(one) for one in counts if one.isdecimal())
    saw("file system errors", expected=0, observed=errors)


@assesses("maintenance.log")
def test_maintenance_log_is_kept(host: Host, context: Context, saw: Saw) -> None:
    """The log is there, can only be appended to, and every line is an entry with who, when, what and why."""
    there = succeeds(host, "test -e %s", LOG)
    saw(LOG, expected="exists", observed="exists" if there else "absent")
    if not there:
        return
    attributes = output(host, "lsattr -- %s", LOG).split()[0]
    saw("append-only", expected="a", observed=attributes, holds="a" in attributes)
    lines = output(host, "tail -n 200 -- %s", LOG).splitlines()
    broken = 0
    for line in lines:
        try:
            entry = json.loads(line)
            broken += not all(isinstance(entry.get(key), str) for key in ("when", "who", "what", "why"))
        except (ValueError, AttributeError, RecursionError):
            broken += 1
    saw("entries", expected=">= 1", observed=len(lines), holds=bool(lines))
    saw("unreadable entries", expected=0, observed=broken)


def _newest(host: Host, part: str) -> sysstat.Sample | None:
    """The newest sample, if it is not too old.

    :raises CannotTell: when there is none, but another program may keep some elsewhere.
    """
    sample = sysstat.newest(host, part)
    if sample and -5 <= (records.now(host) - sample.at).total_seconds() / 60 <= SAMPLE_MINUTES_MAX:
        return sample
    refuse_to_guess(host, OTHER_RECORDERS)
    return None


@assesses("monitoring.resources-graphed")
def test_the_load_is_recorded(host: Host, context: Context, saw: Saw) -> None:
    """Processor, memory, disks and network have been sampled within the hour, and will be after a reboot."""
    for part in sysstat.PARTS:
        fresh = _newest(host, part) is not None
        saw(part, expected=f"<= {SAMPLE_MINUTES_MAX} min", observed="recorded" if fresh else "none", holds=fresh)
    # The timer is started by the service, which only marks in the samples that the server was started.
    for unit in ("sysstat-collect.timer", "sysstat.service"):
        unit_runs(host, saw, unit)


@assesses("monitoring.network-graphed")
def test_the_traffic_is_recorded(host: Host, context: Context, saw: Saw) -> None:
    """The traffic of every interface that has an address has been sampled within the hour."""
    sample = _newest(host, "network")
    for interface in sorted(facts.addresses(host)):
        there = sample is not None and interface in sample.devices
        saw(interface, expected=f"<= {SAMPLE_MINUTES_MAX} min", observed="recorded" if there else "none", holds=there)


@assesses("records.access-control")
def test_records_are_guarded(host: Host, context: Context, saw: Saw) -> None:
    """Records and logs belong to root, are closed to others, and audit notes who changes them."""
    audits = is_there(host, "auditctl")
    watched = output(host, "PATH=$PATH:/sbin; auditctl -l") if audits else ""
    for folder in RECORDS:
        there = succeeds(host, "test -d %s", folder)
        saw(folder, expected="exists", observed="exists" if there else "absent")
        if not there:
            continue
        mode, owner = output(host, "stat -c '%%a %%U' %s", folder).split()
        closed = owner == "root" and mode.endswith(("00", "10", "40", "50"))
        saw(f"{folder}: access", expected="root, nothing for others", observed=f"{owner} {mode}", holds=closed)
        loose = output(host, "find %s -mindepth 1 \\( -perm /022 -o ! -user root \\)", folder).split("\n")[:-1]
        saw(f"{folder}: writable by others", expected="—", observed=loose, holds=not loose)
        seen = f"-w {folder} " in watched or f"-w {folder}/ " in watched
        saw(f"{folder}: audit", expected="watched", observed="watched" if seen else "not watched")


@assesses("os.linux-preferred")
def test_system_is_linux(host: Host, context: Context, saw: Saw) -> None:
    """The running kernel is Linux."""
    kernel = output(host, "uname -s").strip()
    saw("uname -s", expected="Linux", observed=kernel)


@assesses("software.open-source-preferred")
def test_software_is_open_source(host: Host, context: Context, saw: Saw) -> None:
    """No installed package comes from Debian's non-free parts."""
    closed = sorted(
        name
        for name, section in installed(host).items()
        if section.startswith(("non-free", "restricted", "multiverse"))
    )
    saw("non-free packages", expected="—", observed=closed, holds=not closed)


@assesses("software.compatibility")
def test_packages_fit_together(host: Host, context: Context, saw: Saw) -> None:
    """dpkg finds no half-installed package and apt no broken dependency."""
    audit = output(host, "dpkg --audit", codes=(0, 1)).strip()
    saw(
        "dpkg --audit",
        expected="—",
        observed=re.findall(r"^ (\S+)", audit, re.MULTILINE) or audit or "—",
        holds=not audit,
    )
    whole = succeeds(host, "apt-get check -qq -o Debug::NoLocking=true", no=(100,))
    saw("apt-get check", expected="ok", observed="ok" if whole else "broken dependencies")
