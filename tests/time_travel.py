"""What time does: hardened servers 1 to 800 days after ``apply``, by moving their clocks.

``python -m tests.time_travel`` starts from the proof's compliant servers, moves the clock of the servers, of their time
server and of the controller, and looks at each stop whether the declared people still get in and become root, change
their passwords when it is their turn, whether timers ran and records stay small, and whether ``patuh check`` says what
is true then. It keeps a table in ``docs/time-travel.md``.

The days between are skipped three ways: people log in at every stop; nobody does until that day; and the server is
switched off until then.
"""

from __future__ import annotations

import concurrent.futures
import datetime
import functools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click

from commands.common import REPOSITORY, Steps, write_reports
from compliance import fleet
from compliance.assess import assess_fleet
from compliance.assessment import Status
from lab import virtual_machines
from lab.topology import Instance
from lab.workstation import CLOCK_FILE
from tests.people import SNAPSHOT, People, Person, as_root, new_password
from tests.proof.__main__ import Proof
from tests.published import publish, row, rows_of, table

DAYS = (1, 31, 91, 184, 366, 800)
LOGGING_IN, NOBODY, OFF = "people log in", "nobody logs in", "switched off"
WAYS = (LOGGING_IN, NOBODY, OFF)
DAY = datetime.timedelta(days=1)
GOOD = (str(Status.PASS), str(Status.NOT_APPLICABLE))
PASSWORD_DAYS_MAX = 90
ARCHIVE_DAYS_MAX = 365
# For who had a key alone; such a password has no last day until the next ``apply`` gives it one, as the check must say.
SET_BY_ROOT = "set in a script"
# End of Debian's long-term support, https://wiki.debian.org/LTS; from then on the check of the release must fail.
SUPPORT_ENDS = {"debian12": datetime.date(2028, 6, 30), "debian13": datetime.date(2030, 6, 30)}
# So that a moved clock shows whether a timer is due, and not by how much Patuh spreads the load.
PREPARE = """
for timer in patuh-backup-files patuh-backup-databases patuh-integrity; do
    mkdir -p /etc/systemd/system/$timer.timer.d
    printf '[Timer]\\nRandomizedDelaySec=0\\n' >/etc/systemd/system/$timer.timer.d/trial.conf
done
# The archive that the lab reaches is today's: its lists have a last day.
echo 'Acquire::Check-Valid-Until "false";' >/etc/apt/apt.conf.d/99trial
systemctl daemon-reload
"""
# Timers that count seconds of running have not counted those that were skipped.
TURN = "systemctl start patuh-connectivity patuh-disk-space sysstat-collect sysstat-collect; apt-get -q update 2>&1"
CALENDAR = ("patuh-backup-files", "patuh-backup-databases", "patuh-integrity", "patuh-raid-inspect")


def timers(what: str) -> str:
    """A script that says a moment of each of our timers, in seconds since 1970; 0 where there is none."""
    return f"""
for timer in {" ".join(CALENDAR)}; do
    echo "$timer $(date -d "$(systemctl show -P {what} $timer.timer)" +%s 2>/dev/null || echo 0)"
done
"""


LAST, NEXT = timers("LastTriggerUSec"), timers("NextElapseUSecRealtime")
# What is going on or has failed.
SETTLED = 'until [ -z "$(systemctl list-jobs --no-legend)" ]; do sleep 1; done; systemctl --failed --plain --no-legend'
# What grows with time, and nothing of the distribution's bounds or rotates: bytes now.
GROWING = "du -sbc /var/lib/patuh /var/log/patuh /var/log/sudo.log 2>/dev/null | tail -n 1 | cut -f1"
# What one day does, but for logins: services and how often they run.
RUNS_A_DAY = {"patuh-connectivity": 288, "patuh-disk-space": 2, "patuh-raid-inspect": 1, "patuh-backup@files": 1}
LOGINS_A_DAY = 20
REPEATED = 5


@dataclass
class Stop:
    """What was seen on a server, so many days after ``apply``; ``wrong`` is what nobody may find there."""

    host: str
    days: int
    way: str
    people: str = ""
    passwords: str = ""
    timers: str = ""
    says: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row of the table."""
        seen = (self.people, self.passwords, self.timers, self.says)
        return (str(self.days), self.way, self.host, *seen, "; ".join(self.wrong) or "as it should be")


class TimeTravel:
    """The proof's servers on other days."""

    def __init__(self, proof: Proof) -> None:
        self.proof = proof
        self.instance = proof.instance
        self.people = People(proof)
        self.began = datetime.datetime.now(datetime.UTC)
        self.baseline: dict[tuple[str, str], str] = {}
        self.known: dict[str, tuple[Person, Person]] = {}
        self.due: dict[str, dict[str, float]] = {}

    def prepare(self) -> None:
        """Compliant servers whose administrators are the trial's, and what their check says today."""
        self.proof.prepare()
        self.tell_time(0)
        self.proof.restore()
        self.proof.run_on_each("preparing", [("timers", PREPARE)])
        self.people.settle()
        self.baseline = self.check(0)
        if bad := [f"{host}: {control}" for (host, control), status in self.baseline.items() if status not in GOOD]:
            raise click.ClickException(f"not as it should be on the first day: {', '.join(bad)}")
        self.known = {host: self.people.of(host) for host in self.proof.hosts}

    def tell_time(self, ahead: float) -> None:
        """Have the lab's time server be ahead."""
        (self.instance.folder / "workstation" / CLOCK_FILE).write_text(str(ahead), encoding="utf-8")

    def restore(self) -> None:
        """Back to the day of ``apply``."""
        self.tell_time(0)
        self.proof.restore(SNAPSHOT)
        self.known = {host: self.people.of(host) for host in self.proof.hosts}

    def go(self, days: int, way: str) -> None:
        """Move everybody's clock to so many days after ``apply``."""
        ahead = (days * DAY).total_seconds()
        # What became due while the clock caught up with today must have ended: a timer waits for its running service.
        self.everywhere(lambda host: as_root(self.instance, host, SETTLED))
        self.due = {host: self.moments(host, NEXT) for host in self.proof.hosts}
        if way == OFF:
            self.everywhere(lambda host: virtual_machines.shut_down(self.instance, host))
            self.tell_time(ahead)
            then = datetime.datetime.now(datetime.UTC) + days * DAY
            self.everywhere(lambda host: virtual_machines.power_on(self.instance, host, then))
            self.everywhere(lambda host: virtual_machines.wait_for_ssh(self.instance, host))
        else:
            self.tell_time(ahead)
            script = f"date -s @{time.time() + ahead:.0f}; systemctl try-restart systemd-timesyncd"
            self.everywhere(lambda host: as_root(self.instance, host, script))
        self.proof.settle()

    def moments(self, host: str, script: str) -> dict[str, float]:
        """When each of our timers runs next, or ran last."""
        said = as_root(self.instance, host, script).text.splitlines()
        return {name: float(when) for name, when in (line.split() for line in said)}

    def everywhere(self, deed: Callable[[str], Any]) -> list[Any]:
        """Something on every server, side by side."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return list(pool.map(deed, self.proof.hosts))

    def check(self, days: int) -> dict[tuple[str, str], str]:
        """The verdicts of ``patuh check`` on that day; its reports are written, too."""
        then = datetime.datetime.now(datetime.UTC) + days * DAY
        catalogue = self.proof.catalogue
        assessment = assess_fleet(fleet.load(self.people.inventory, catalogue), catalogue, began=then)
        write_reports(assessment, self.people.folder / "output", "en")
        return {(f.host, f.control): str(f.status) for f in assessment.findings if f.host}

    def visit(self, host: str, days: int, way: str) -> Stop:
        """What people and timers do on that day."""
        stop = Stop(host, days, way)
        self.greet(stop)
        self.look_at_timers(stop)
        return stop

    def greet(self, stop: Stop) -> None:
        """Everybody logs in, becomes root, and changes the password when it is their turn."""
        alone, (a, b) = [], self.known[stop.host]
        said = b.run("id -un")
        if said.text.strip() != b.name:
            alone.append(f"{b.name} does not get in by key: {said.last}")
        said = as_root(self.instance, stop.host, "id -un")
        if said.text.strip() != "root":
            alone.append(f"the automation account does not become root: {said.last}")
        a, said = a.change_password("id -un")
        asked = "updated successfully" in said.text
        done = ["changed when asked, by key"] if asked else []
        if asked:
            said = a.type("id -un")
        if a.name not in said.text:
            alone.append(f"{a.name} does not get in: {said.last}")
        said = a.type("sudo -k; sudo id -u")
        if not re.search(r"^0\s*$", said.text, re.MULTILINE):
            alone.append(f"{a.name} does not become root: {said.last}")
        new = new_password()
        said = as_root(self.instance, stop.host, f"echo '{b.name}:{new}' | chpasswd")
        if said.code:
            alone.append(f"root gives nobody a password in a script: {said.last}")
        else:
            done.append(SET_BY_ROOT)
            b = Person(b.name, b.host, b.port, b.key, new)
            said = b.type("sudo id -u")
            if not re.search(r"^0\s*$", said.text, re.MULTILINE):
                alone.append(f"{b.name} does not become root: {said.last}")
        b, said = b.change_password("passwd") if b.password else (b, said)
        if "updated successfully" in said.text:
            done.append("changed by passwd")
        else:
            alone.append(f"{b.name} cannot change the own password: {said.last}")
        self.known[stop.host] = (a, b)
        stop.people = "in, and root" if not alone else "; ".join(alone)
        stop.passwords = ", ".join(done) or "—"
        stop.wrong += alone

    def look_at_timers(self, stop: Stop) -> None:
        """Whatever was due has run, and nothing has failed."""
        said = as_root(self.instance, stop.host, TURN)
        refused = [line for line in said.text.splitlines() if line.startswith(("E:", "Err:", "W:"))]
        failed = as_root(self.instance, stop.host, SETTLED).text.split("\n")[0]
        moved = time.time() + (stop.days * DAY).total_seconds() - 3600
        due = {name for name, when in self.due[stop.host].items() if when < moved}
        late = [name for name, when in self.moments(stop.host, LAST).items() if name in due and when < moved]
        stop.timers = f"{len(due) - len(late)} of {len(due)} that were due"
        if late:
            stop.wrong.append(f"did not run: {', '.join(late)}")
        if failed:
            stop.wrong.append(f"failed: {failed}")
        if refused or said.code:
            stop.wrong.append(f"apt or a service: {(refused or [said.last])[0]}")

    def judge(self, stops: list[Stop]) -> None:
        """Whether what the check says then is true."""
        days = stops[0].days
        now = self.check(days)
        date = (self.began + days * DAY).date()
        for stop in stops:
            was = {control: status for (host, control), status in self.baseline.items() if host == stop.host}
            worse = {control: now[stop.host, control] for control in was if now[stop.host, control] not in GOOD}
            stop.says = ", ".join(f"{control} {status}" for control, status in sorted(worse.items())) or "as on day 0"
            must = set()
            if days > PASSWORD_DAYS_MAX:
                must.add("accounts.superuser-password-rotation")
            if SET_BY_ROOT in stop.passwords:
                must.add("accounts.password-rotation")
            if date > SUPPORT_ENDS[stop.host]:
                must.add("os.supported-release")
            stop.wrong += [f"check passes {control}" for control in sorted(must - set(worse))]
            # The last few archives stay for want of newer ones, however old they are.
            may = {"backup.purge-1y"} if days > ARCHIVE_DAYS_MAX else set()
            stop.wrong += [f"check fails {control}" for control in sorted(set(worse) - must - may)]

    def stops(self, way: str, all_days: list[int]) -> list[Stop]:
        """All stops of one way."""
        found: list[Stop] = []
        for days in all_days:
            self.proof.steps(f"{way}: {days} days after apply")
            if way != LOGGING_IN or days == all_days[0]:
                self.restore()
            self.go(days, way)
            here = self.everywhere(functools.partial(self.visit, days=days, way=way))
            self.judge(here)
            for stop in here:
                print(row(*stop.cells), flush=True)
            found += here
        return found

    def growth(self, host: str) -> tuple[str, str, str, str]:
        """Bytes a day of what nothing rotates, by doing a day's work a few times; and what 800 days of it are."""

        def size() -> int:
            return int(as_root(self.instance, host, GROWING).text.split()[-1])

        a_day, before = 0.0, size()
        for service, times in RUNS_A_DAY.items():
            as_root(self.instance, host, f"for n in $(seq {REPEATED}); do systemctl start {service}; done")
            after = size()
            a_day, before = a_day + (after - before) / REPEATED * times, after
        for _ in range(REPEATED):
            self.known[host][0].type("sudo true")
        after = size()
        a_day, before = a_day + (after - before) / REPEATED * LOGINS_A_DAY, after
        self.check(0)
        a_day += size() - before
        free = int(as_root(self.instance, host, "df --output=avail -B1 / | tail -n 1").text)
        return host, f"{a_day / 1e3:.0f} kB", f"{a_day * 800 / 1e6:.0f} MB", f"{free / 1e6:.0f} MB"


@click.command()
@click.option("--way", "ways", type=click.Choice(WAYS), multiple=True, default=WAYS)
@click.option("--days", "all_days", type=int, multiple=True, default=DAYS)
def main(ways: tuple[str, ...], all_days: tuple[int, ...]) -> None:
    """Travel in time."""
    steps = Steps()
    travel = TimeTravel(Proof(Instance("proof"), REPOSITORY / "inventory" / "proof", steps))
    travel.prepare()
    stops = [stop for way in ways for stop in travel.stops(way, sorted(all_days))]
    travel.restore()
    growth = [travel.growth(host) for host in travel.proof.hosts]
    bad = [stop for stop in stops if stop.wrong]
    print(f"{len(stops)} stops, {len(bad)} not as they should be")
    tried = {tuple(one[:3]): one for one in [*rows_of("time-travel"), *(list(stop.cells) for stop in stops)]}
    publish(
        "time-travel",
        "What time does",
        "Virtual machines that complied were moved in time, with their time server and the controller. People were\n"
        "two declared administrators, one with a password and one with a key alone, and the automation account.\n"
        "*Switched off* means that the server's power was off until that day; else its clock jumped while it ran.",
        table(
            ("days", "until then", "server", "people", "passwords", "timers", "the check says", "at the end"),
            [tried[key] for key in sorted(tried, key=lambda key: (WAYS.index(key[1]), int(key[0]), key[2]))],
        ),
        "What grows: a day's records and logs that nothing rotates, from a day's services, a check and "
        f"{LOGINS_A_DAY} commands by sudo.",
        "\n".join(f"- {host}: {a_day} a day, {years} in 800 days; {free} free." for host, a_day, years, free in growth),
    )
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
