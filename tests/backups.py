"""Backups under pressure: wrong clocks, runs that are cut off, full and lost media; and everything restored.

``python -m tests.backups`` starts from the proof's compliant servers, does each case on both with the role's own
services, and keeps a table in ``docs/backups.md``.
"""

from __future__ import annotations

import concurrent.futures
import re
import subprocess
from dataclasses import dataclass

import click

from commands.common import REPOSITORY, Steps
from compliance.errors import PatuhError
from lab import virtual_machines
from lab.topology import Instance
from tests.people import as_root
from tests.proof.__main__ import Proof
from tests.published import publish, row, table

AS_IT_MUST = "as it must be"
SECONDS_MAX = 900
# What every case may use. A clock is moved back by what the kernel counts on, whatever was done to it.
HELPERS = r"""
set -eu
uuid=$(python3 -c 'import json; print(json.load(open("/etc/patuh/backup.json"))["media"][0])')
run() { systemctl reset-failed 'patuh-backup@*'; systemctl start "patuh-backup@$1.service"; }
fails() { if run "$1" 2>/dev/null; then echo "it went well"; exit 1; fi; }
last() { tail -n 1 /var/lib/patuh/records/backup.jsonl | grep -E "$1" >/dev/null || {
    tail -n 1 /var/lib/patuh/records/backup.jsonl; exit 1; }; }
away() { if findmnt -rn -S "UUID=$uuid"; then echo "still mounted"; exit 1; fi; }
on_medium() { mount "UUID=$uuid" /mnt; "$@"; umount /mnt; }
borg_() { BORG_BASE_DIR=/var/lib/patuh/borg BORG_PASSCOMMAND='cat /etc/patuh/backup.passphrase' \
    BORG_RELOCATED_REPO_ACCESS_IS_OK=yes borg "$@"; }
archives() { on_medium borg_ list --short "/mnt/$(hostname)"; }
clock_moved() { systemctl stop systemd-timesyncd; date +%s >/run/was; cut -d. -f1 /proc/uptime >/run/up
    date -s "$1" >/dev/null; }
clock_right() { date -s "@$(($(cat /run/was) + $(cut -d. -f1 /proc/uptime) - $(cat /run/up)))" >/dev/null
    systemctl start systemd-timesyncd
    timeout 120 sh -c 'until timedatectl show | grep -q NTPSynchronized=yes; do sleep 1; done'; }
ended() { timeout 300 sh -c \
    'while systemctl show -p ActiveState patuh-backup@files.service | grep -q activating; do sleep 1; done'; }
large() { head -c "$1" /dev/urandom >/etc/percobaan-besar; }
"""
PREPARED = """
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null; apt-get install -q -y --no-install-recommends postgresql >/dev/null
mariadb <<'END'
USE perizinan;
CREATE TABLE izin (nomor INT);
INSERT INTO izin VALUES (1), (2), (3);
CREATE USER petugas@localhost IDENTIFIED BY 'rahasia';
GRANT SELECT ON perizinan.* TO petugas@localhost;
CREATE EVENT bersih ON SCHEDULE EVERY 1 DAY DO DELETE FROM izin WHERE nomor < 0;
CREATE PROCEDURE hitung() SELECT count(*) FROM izin;
CREATE TRIGGER naik BEFORE INSERT ON izin FOR EACH ROW SET NEW.nomor = NEW.nomor + 100;
END
cd /
runuser -u postgres -- psql -q -c "CREATE ROLE juru_arsip LOGIN PASSWORD 'rahasia'" \\
    -c "CREATE DATABASE arsip OWNER juru_arsip"
runuser -u postgres -- psql -q arsip -c "CREATE TABLE surat AS SELECT generate_series(1, 4) AS nomor" \\
    -c "GRANT SELECT ON surat TO juru_arsip"
sed -i 's/"perizinan"/"perizinan", "arsip"/' /etc/patuh/backup.json
mkdir /etc/percobaan; echo isi >/etc/percobaan/berkas; chown nobody:daemon /etc/percobaan/berkas
chmod 0640 /etc/percobaan/berkas; ln -s berkas /etc/percobaan/tautan; touch -d 2020-02-02 /etc/percobaan/berkas
# A clock that jumps would have the timers start runs of their own in the midst of a case.
systemctl stop patuh-backup-files.timer patuh-backup-databases.timer
run files; run databases; away
"""
WRONG_CLOCK = """
before=$(archives); clock_moved '{moved}'
fails files; last '{reason}'; away
after=$(archives); clock_right
[ "$before" = "$after" ]; run files; last '"ok": true'
"""
CUT_OFF = """
large 150000000
before=$(archives | wc -l)
systemctl start --no-block patuh-backup@files.service
until findmnt -rn -S "UUID=$uuid" >/dev/null; do sleep 0.2; done; sleep 4
{how}
ended; away
[ "$(archives | wc -l)" = "$before" ] || {{ echo "half an archive"; exit 1; }}
large 1000; run files; last '"ok": true'; away
"""
RESTORED = "rm -rf /var/lib/patuh/restored; /usr/local/sbin/patuh-backup {kind} --restore --keep >/run/restored\n"


@dataclass(frozen=True)
class Case:
    """Something that happens, what must come of it, and a script that ends well only when it did."""

    what: str
    must: str
    script: str


CASES = [
    Case(
        "the clock is three years ahead, and nothing synchronises it",
        "no backup, nothing deleted, the reason said",
        WRONG_CLOCK.format(moved="+1100 days", reason="110[0-9] days after the last archive"),
    ),
    Case(
        "the clock is twenty days back, and nothing synchronises it",
        "no backup, nothing deleted, the reason said",
        WRONG_CLOCK.format(moved="-20 days", reason="before the last archive"),
    ),
    Case(
        "somebody insists on a clock that is three years ahead",
        "the last three stay; with the right clock the next backup is the newest, and the one restored",
        """
        run files; run files; before=$(archives | grep -c -- -files-); [ "$before" -ge 4 ]
        clock_moved '+1100 days'
        /usr/local/sbin/patuh-backup files --clock-is-right; last '"ok": true'
        clock_right
        [ "$(archives | grep -c -- -files-)" = 4 ]
        echo baru >/etc/percobaan/baru; run files; last '"ok": true'
        newest=$(tail -n 1 /var/lib/patuh/records/backup.jsonl | grep -o '"archive": "[^"]*"' | cut -d'"' -f4)
        rm -rf /var/lib/patuh/restored; /usr/local/sbin/patuh-backup files --restore --keep >/dev/null
        cat "/var/lib/patuh/restored/$newest/etc/percobaan/baru" >/dev/null; rm -rf /var/lib/patuh/restored
        """,
    ),
    Case(
        "a run is stopped (systemctl stop)",
        "the medium is unmounted, the reason recorded, the next run goes well",
        CUT_OFF.format(how="systemctl stop patuh-backup@files.service; last 'it was stopped'"),
    ),
    Case(
        "a run is killed (SIGKILL to all of it)",
        "the medium is unmounted, the next run goes well",
        CUT_OFF.format(how="systemctl kill --signal=KILL patuh-backup@files.service"),
    ),
    Case(
        "a run by hand is killed (SIGKILL to it alone)",
        "the next run unmounts what was left, and goes well",
        """
        large 150000000
        /usr/local/sbin/patuh-backup files & there=$!
        until findmnt -rn -S "UUID=$uuid" >/dev/null; do sleep 0.2; done; sleep 4
        kill -KILL "$there"; wait "$there" || true; sleep 10
        large 1000; run files; last '"ok": true'; away
        """,
    ),
    Case(
        "the medium is full, and old archives may go",
        "they go before the new one is made",
        """
        clock_moved '-700 days'
        for _ in 1 2; do large 40000000; /usr/local/sbin/patuh-backup files --clock-is-right; done
        date -s '+60 days' >/dev/null
        for _ in 1 2 3; do large 1000; /usr/local/sbin/patuh-backup files --clock-is-right; done
        clock_right
        fill() { fallocate -l "$(($(df --output=avail -B1 /mnt | tail -n 1) - 60000000))" /mnt/lain; }
        on_medium fill
        large 50000000; run files; last '"purged": \\[".*"ok": true|"ok": true.*"purged": \\["'; away
        """,
    ),
    Case(
        "the medium is full, and nothing may go",
        "no backup, nothing deleted, the reason said",
        """
        # Until those of the case before are gone that only stayed for being the last three.
        for _ in 1 2 3; do large 1000; run files; done
        before=$(archives); large 100000000; fails files; last 'the medium is full'; away
        [ "$(archives)" = "$before" ] || { echo "something was deleted"; exit 1; }
        on_medium rm /mnt/lain; run files; last '"ok": true'; rm /etc/percobaan-besar
        """,
    ),
    Case(
        "the medium is not there",
        "no backup, the reason said",
        """
        udevadm info -q name "/dev/disk/by-uuid/$uuid" >/run/medium
        echo 1 >"/sys/block/$(cat /run/medium)/device/delete"; udevadm settle
        fails files; last 'no declared medium is present'
        for host in /sys/class/scsi_host/*; do echo '- - -' >"$host/scan"; done; udevadm settle
        run files; last '"ok": true'; away
        """,
    ),
    Case(
        "the medium is pulled out in mid-run",
        "no backup, the reason said; plugged in again, the next run goes well",
        """
        large 150000000
        udevadm info -q name "/dev/disk/by-uuid/$uuid" >/run/medium
        systemctl start --no-block patuh-backup@files.service
        until findmnt -rn -S "UUID=$uuid" >/dev/null; do sleep 0.2; done; sleep 4
        echo 1 >"/sys/block/$(cat /run/medium)/device/delete"
        ended; last '"ok": false'
        if mountpoint --quiet /run/patuh-backup; then echo "still mounted"; exit 1; fi
        for host in /sys/class/scsi_host/*; do echo '- - -' >"$host/scan"; done; udevadm settle
        large 1000; run files; last '"ok": true'; away; rm /etc/percobaan-besar
        """,
    ),
    Case(
        "files are restored",
        "owner, mode, time, link and content as they were",
        RESTORED.format(kind="files")
        + """
        cd /var/lib/patuh/restored/*-files-*/etc/percobaan
        [ "$(stat -c '%U %G %a %y' berkas)" = "$(stat -c '%U %G %a %y' /etc/percobaan/berkas)" ]
        [ "$(stat -c '%U %G %a' berkas)" = 'nobody daemon 640' ]
        [ "$(readlink tautan)" = berkas ]; cmp berkas /etc/percobaan/berkas
        cmp ../shadow /etc/shadow; [ "$(stat -c %a ../shadow)" = "$(stat -c %a /etc/shadow)" ]
        """,
    ),
    Case(
        "a MariaDB database is lost with its accounts, and restored",
        "rows, routine, trigger, event, account and its right are there again",
        """
        run databases
        """
        + RESTORED.format(kind="databases")
        + """
        mariadb -e "DROP DATABASE perizinan; DROP USER petugas@localhost"
        cat /var/lib/patuh/restored/*-accounts-mariadb-*/*.sql | mariadb
        cat /var/lib/patuh/restored/*-database-perizinan-*/*.sql | mariadb
        [ "$(mariadb -N -e 'SELECT count(*) FROM perizinan.izin')" = 3 ]
        [ "$(mariadb -N -e 'CALL perizinan.hitung()')" = 3 ]
        mariadb -e 'INSERT INTO perizinan.izin VALUES (1)'
        [ "$(mariadb -N -e 'SELECT max(nomor) FROM perizinan.izin')" = 101 ]
        mariadb -N -e 'SHOW EVENTS FROM perizinan' | grep -q bersih
        [ "$(mariadb -u petugas -prahasia -N -e 'SELECT count(*) FROM perizinan.izin')" = 4 ]
        """,
    ),
    Case(
        "a PostgreSQL database is lost with its roles, and restored",
        "rows, owner, role, its password and its right are there again",
        """
        cd /
        psql_() { runuser -u postgres -- psql -qXAt -v ON_ERROR_STOP=1 "$@"; }
        psql_ -c 'DROP DATABASE arsip' -c 'DROP ROLE juru_arsip'
        # The superuser is there already, which the roles' file says again.
        cat /var/lib/patuh/restored/*-accounts-postgresql-*/*.sql | runuser -u postgres -- psql -qX >/dev/null 2>&1
        cat /var/lib/patuh/restored/*-database-arsip-*/*.sql | psql_ >/dev/null
        [ "$(psql_ arsip -c 'SELECT count(*) FROM surat')" = 4 ]
        psql_ -c "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'arsip'" | grep -qx juru_arsip
        [ "$(PGPASSWORD=rahasia psql -h 127.0.0.1 -U juru_arsip -qXAt arsip -c 'SELECT max(nomor) FROM surat')" = 4 ]
        """,
    ),
]


def verdict(instance: Instance, host: str, script: str) -> str:
    """How a script ended on a server, with its last words when not well."""
    try:
        said = as_root(instance, host, f"{HELPERS}\n{script}", SECONDS_MAX)
    except (PatuhError, subprocess.TimeoutExpired) as error:
        return f"NO: {error}"
    return AS_IT_MUST if said.code == 0 else f"NO: {said.last} (exit {said.code})"


def work_through(proof: Proof, host: str, steps: Steps) -> list[str]:
    """Every case on one server, one after the other; what a case breaks of the next is a fault of its own."""
    prepared = verdict(proof.instance, host, PREPARED)
    steps(f"{host}: prepared: {prepared}")
    verdicts = []
    for case in CASES:
        verdicts.append(verdict(proof.instance, host, case.script))
        steps(f"{host}: {case.what}: {verdicts[-1]}")
    return verdicts


@click.command()
@click.option("--only", help="Only cases with these words, to look at; the table is left as it is.")
@click.option("--keep", is_flag=True, help="Leave the servers up.")
def main(only: str | None, keep: bool) -> None:
    """Put backups under pressure."""
    steps = Steps()
    if only:
        CASES[:] = [case for case in CASES if re.search(only, case.what)]
    proof = Proof(Instance("proof"), REPOSITORY / "inventory" / "proof", steps)
    proof.prepare()
    proof.restore()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda host: work_through(proof, host, steps), proof.hosts))
    if not keep:
        for host in proof.hosts:
            virtual_machines.power_off(proof.instance, host)
    rows = [(case.what, case.must, *verdicts) for case, *verdicts in zip(CASES, *found, strict=True)]
    bad = [one for one in rows if set(one[2:]) != {AS_IT_MUST}]
    for one in bad:
        print(row(*one))
    print(f"{len(rows)} cases, {len(bad)} not as they must be")
    if not only:
        publish(
            "backups",
            "Backups under pressure",
            "Done on virtual machines that complied, with the role's own services and a removable disk of 1 GB; the\n"
            "clocks, the processes and the disk are the servers' own.",
            table(("what happens", "what must come of it", *proof.hosts), rows),
        )
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
