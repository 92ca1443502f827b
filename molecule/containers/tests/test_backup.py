"""The backup program with a real Borg and a real file system, at native speed: wrong clocks, cuts, a full medium.

Nothing here synchronises the clock, as on a server whose time servers are not to be had.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.topology import as_root

REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAM = f"python3 {REPOSITORY}/roles/backup/files/patuh-backup"
# The places that the program knows are empty file systems of a mount namespace of the test's own.
SETTING = f"""
set -eu
for place in /etc/patuh /var/lib/patuh /run /dev/disk; do mkdir -p $place; mount -t tmpfs none $place; done
truncate -s 400M medium.img; mkfs.ext4 -q -F medium.img
loop=$(losetup --find --show medium.img); trap 'losetup --detach "$loop"' EXIT
uuid=$(blkid -s UUID -o value "$loop"); mkdir /dev/disk/by-uuid; ln -s "$loop" "/dev/disk/by-uuid/$uuid"
mkdir data; echo isi >data/berkas; echo geheim >/etc/patuh/backup.passphrase
echo "{{\\"media\\": [\\"$uuid\\"], \\"paths\\": [\\"$PWD/data\\"], \\"databases\\": [], \\"retention_days\\": 365}}" \
    >/etc/patuh/backup.json
backup() {{ {PROGRAM} files "$@" >/dev/null 2>&1 || true; }}
on() {{ day=$1; shift; faketime -f "$day" {PROGRAM} files "$@" >/dev/null 2>&1 || true; }}
large() {{ head -c "$1" /dev/urandom >data/large; }}
mounted() {{ mountpoint --quiet /run/patuh-backup && echo mounted || echo unmounted; }}
on_medium() {{ mount "$loop" /mnt; "$@"; umount /mnt; }}
archives() {{ on_medium env BORG_BASE_DIR=/var/lib/patuh/borg BORG_PASSPHRASE=geheim \\
    BORG_RELOCATED_REPO_ACCESS_IS_OK=yes borg list --short "/mnt/$(hostname)" | wc -l; }}
"""


@dataclass(frozen=True)
class Done:
    """What a script printed, and the records that were written meanwhile."""

    words: list[str]
    backups: list[dict[str, Any]]
    restores: list[dict[str, Any]]


def during(folder: Path, script: str) -> Done:
    """Run a script with an empty medium."""
    show = "cp -r /var/lib/patuh/records . 2>/dev/null || true"
    command = as_root(["unshare", "--mount", "--propagation", "private", "bash", "-c", f"{SETTING}\n{script}\n{show}"])
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr

    def records(name: str) -> list[dict[str, Any]]:
        path = folder / "records" / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return Done(done.stdout.split(), records("backup"), records("restore"))


@pytest.mark.parametrize(
    ("day", "reason"), [("+1100d", "1100 days after the last archive"), ("-20d", "before the last")]
)
def test_a_clock_that_cannot_be_true_is_refused(tmp_path: Path, day: str, reason: str) -> None:
    done = during(tmp_path, f"backup; backup; on {day}; archives; mounted; backup; archives")
    assert [one["ok"] for one in done.backups] == [True, True, False, True]
    assert reason in done.backups[2]["error"]
    assert done.words == ["2", "unmounted", "3"]


def test_whatever_the_clock_says_the_last_three_stay_and_the_last_made_is_restored(tmp_path: Path) -> None:
    script = """
    for _ in 1 2 3 4 5; do backup; done
    on +1100d --clock-is-right; archives
    echo newest >data/newest; backup --clock-is-right; backup --restore --keep
    cat /var/lib/patuh/restored/*/"$PWD"/data/newest
    """
    done = during(tmp_path, script)
    assert all(one["ok"] for one in [*done.backups, *done.restores])
    assert len(done.backups[5]["purged"]) == 2
    # The one that was made three years ahead is no older than the one after it, and does not stay until then.
    assert done.words == ["4", "newest"]
    assert done.backups[6]["purged"] == []


def test_archives_of_an_earlier_version_count_as_older_than_all_that_have_a_number(tmp_path: Path) -> None:
    script = """
    backup
    on_medium env BORG_BASE_DIR=/var/lib/patuh/borg BORG_PASSPHRASE=geheim BORG_RELOCATED_REPO_ACCESS_IS_OK=yes \
        borg create "/mnt/$(hostname)::$(hostname)-files-2039-01-01T00:00:00Z" /etc/hostname
    echo newest >data/newest; backup; backup --restore --keep
    cat /var/lib/patuh/restored/*/"$PWD"/data/newest
    """
    done = during(tmp_path, script)
    assert done.words == ["newest"]
    assert done.backups[1]["ok"]


def test_a_run_that_is_stopped_leaves_no_medium_mounted(tmp_path: Path) -> None:
    script = f"""
    backup; large 100000000
    {PROGRAM} files & until mountpoint --quiet /run/patuh-backup; do sleep 0.05; done; sleep 1
    kill "$!"; wait "$!" || true
    mounted; archives; large 1000; backup
    """
    done = during(tmp_path, script)
    assert done.words == ["unmounted", "1"]
    assert [(one["ok"], one.get("error")) for one in done.backups[1:]] == [(False, "it was stopped"), (True, None)]


def test_what_a_killed_run_left_mounted_is_unmounted_by_the_next(tmp_path: Path) -> None:
    script = f"""
    backup; large 100000000
    setsid {PROGRAM} files & until mountpoint --quiet /run/patuh-backup; do sleep 0.05; done; sleep 1
    kill -KILL -- "-$!"; wait "$!" || true; sleep 1
    mounted; large 1000; backup; mounted
    """
    done = during(tmp_path, script)
    assert done.words == ["mounted", "unmounted"]
    assert [one["ok"] for one in done.backups] == [True, True]


def test_a_full_medium_makes_room_by_what_may_go_and_else_says_so(tmp_path: Path) -> None:
    script = """
    for day in -700d -690d -600d -590d -580d; do large 30000000; on $day --clock-is-right; done
    fill() { fallocate -l "$(($(df --output=avail -B1 /mnt | tail -n 1) - 50000000))" /mnt/other; }
    on_medium fill
    large 40000000; backup --clock-is-right; archives
    large 150000000; backup; archives; mounted
    large 1000; backup; archives
    """
    done = during(tmp_path, script)
    assert [one["ok"] for one in done.backups] == [*[True] * 6, False, True]
    assert len(done.backups[5]["purged"]) == 2
    assert "the medium is full" in done.backups[6]["error"]
    assert done.words[0] == "4"
    assert done.words[2] == "unmounted"
    assert int(done.words[3]) >= 4


def test_an_empty_folder_pushes_no_good_archive_out(tmp_path: Path) -> None:
    """As where the disk that holds the data is not mounted."""
    done = during(tmp_path, "backup; backup; backup; rm data/berkas; backup; backup; backup; archives")
    assert [one["ok"] for one in done.backups] == [True, True, True, False, False, False]
    assert "there is nothing in" in done.backups[3]["error"]
    assert done.words == ["3"]


def test_one_wrong_clock_far_back_makes_no_other_archive_old(tmp_path: Path) -> None:
    script = """
    for day in -60d -50d -40d -30d -20d; do on $day --clock-is-right; done
    on -9000d --clock-is-right; archives; backup --clock-is-right; backup; archives
    """
    done = during(tmp_path, script)
    # Nothing of the past two months goes; the one that calls itself old does once it is none of the last three.
    assert done.words == ["6", "8"]
    assert all(one["ok"] for one in done.backups)


def test_a_first_run_that_was_cut_off_blocks_none_after_it(tmp_path: Path) -> None:
    script = f"""
    setsid {PROGRAM} files & until mountpoint --quiet /run/patuh-backup; do sleep 0.05; done; sleep 0.6
    kill -KILL -- "-$!"; wait "$!" || true; sleep 1
    backup; archives
    """
    done = during(tmp_path, script)
    assert [one["ok"] for one in done.backups] == [True]
    assert done.words == ["1"]


def test_a_line_that_was_cut_off_takes_no_record_with_it(tmp_path: Path) -> None:
    script = """
    backup; printf '{"when": "2026' >>/var/lib/patuh/records/backup.jsonl; backup
    tail -n 1 /var/lib/patuh/records/backup.jsonl | grep -c '"ok": true'; rm /var/lib/patuh/records/backup.jsonl
    """
    assert during(tmp_path, script).words == ["1"]


def test_a_repository_that_an_earlier_version_left_half_made_is_named(tmp_path: Path) -> None:
    done = during(tmp_path, 'half() { mkdir -p "/mnt/$(hostname)/data"; }; on_medium half; backup; mounted')
    assert "was never finished" in done.backups[0]["error"]
    assert done.words == ["unmounted"]


def test_a_restore_that_was_killed_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    script = f"""
    large 100000000; backup
    setsid {PROGRAM} files --restore --keep &
    until [ -n "$(find /var/lib/patuh/restoring -name large 2>/dev/null)" ]; do sleep 0.02; done
    kill -KILL -- "-$!"; wait "$!" || true; sleep 1
    ls /var/lib/patuh/restored 2>/dev/null | wc -l
    backup --restore; ls /var/lib/patuh | grep --count '^restor' || true
    backup --restore --keep; ls /var/lib/patuh/restored | wc -l; mounted
    """
    done = during(tmp_path, script)
    assert done.words == ["0", "0", "1", "unmounted"]
    assert [one["ok"] for one in done.restores] == [True, True]


def test_of_two_media_the_one_with_the_newest_backup_is_restored_from(tmp_path: Path) -> None:
    script = r"""
    truncate -s 400M other.img; mkfs.ext4 -q -F other.img; second=$(losetup --find --show other.img)
    trap 'losetup --detach "$loop"; losetup --detach "$second"' EXIT
    other=$(blkid -s UUID -o value "$second"); sed -i 's/: \["/: ["'"$other"'", "/' /etc/patuh/backup.json
    by() { ln -sf "$1" "/dev/disk/by-uuid/$2"; }
    rm "/dev/disk/by-uuid/$uuid"; by "$second" "$other"; on -9d --clock-is-right
    rm "/dev/disk/by-uuid/$other"; by "$loop" "$uuid"; echo newest >data/newest; backup
    by "$second" "$other"; backup --restore --keep; cat /var/lib/patuh/restored/*/"$PWD"/data/newest
    mkfs.ext4 -q -F -U "$other" "$second"; backup --restore; mounted
    rm "/dev/disk/by-uuid/$uuid"; backup --restore; mount "$second" /mnt; ls /mnt; umount /mnt
    """
    done = during(tmp_path, script)
    # A medium without a backup of this host gets no repository by being read.
    assert done.words == ["newest", "unmounted", "lost+found"]
    assert [one["ok"] for one in done.restores] == [True, True, False]
    assert "holds no backup" in done.restores[2]["error"]
