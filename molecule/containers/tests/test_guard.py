"""The way back is a way back: on hosts with a real systemd, with full disks, dead processes and boots in between."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from test_modules import HOSTS, REPOSITORY, ansible

SECONDS = 3
GUARD = "/var/lib/patuh/guard"
# The countdown dies with the power, and the next boot is another one.
NEXT_BOOT = f"""
systemctl kill --signal=KILL 'patuh-guard-guard_test.*' 2>/dev/null
for boot in {GUARD}/*/boot; do echo earlier >"$boot"; done
systemctl restart patuh-guard.service
"""
CLEAN = f"""
systemctl stop 'patuh-guard-guard_test.*' 2>/dev/null
umount /etc/guard-small {GUARD} 2>/dev/null
rm -rf {GUARD}/* /etc/guard-test /etc/guard-test.d /etc/guard-small /run/guard-*
systemctl reset-failed 'patuh-guard*' 2>/dev/null
mkdir -p /etc/guard-test.d {GUARD}; echo old >/etc/guard-test
chown games:games /etc/guard-test; chmod 604 /etc/guard-test
"""
OLD = "604 games old"
SHOW = 'echo "$(stat -c "%a %U" /etc/guard-test) $(cat /etc/guard-test)"'


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    sh(name, CLEAN)
    return name


def sh(host: str, script: str) -> str:
    """What a script prints; sudo and the terminal may say something around it."""
    # The connection has a terminal: where 'less' is installed, systemd's programs would wait for a key.
    said = ansible(host, "raw", f"export SYSTEMD_PAGER=cat; echo begin; ({script}\n); echo end").replace("\r", "")
    return said.partition("begin\n")[2].rpartition("end\n")[0].strip()


def change(
    host: str, *, code: int = 0, seconds: int = SECONDS, more: dict[str, Any] | None = None, **guard: Any
) -> str:
    arguments: dict[str, Any] = {
        "files": [{"path": "/etc/guard-test", "content": "new"}],
        "guard": {"name": "guard_test", "seconds": seconds, **guard},
        **(more or {}),
    }
    return " ".join(ansible(host, "file_set", json.dumps(arguments), code=code).split())


def journal(host: str) -> str:
    return sh(host, "journalctl -q -t patuh-guard -p crit -o cat -n 1")


def wait_until(host: str, condition: str, seconds: int = 20) -> None:
    script = f"for i in $(seq {seconds * 5}); do if {condition}; then echo yes; break; fi; sleep 0.2; done"
    assert "yes" in sh(host, script), condition


def test_a_full_disk_does_not_keep_the_old_state_away(host: str) -> None:
    """Neither where the guard keeps its copies, nor on another file system that a file lies on."""
    small = "mkdir -p /etc/guard-small && mount -t tmpfs -o size=64k tmpfs"
    sh(host, f"{small} /etc/guard-small; mount -t tmpfs -o size=128k tmpfs {GUARD}")
    sh(host, "head -c 9000 /dev/zero | tr '\\0' o >/etc/guard-small/big; chmod 640 /etc/guard-small/big")
    files = [
        {"path": "/etc/guard-test", "content": "new"},
        {"path": "/etc/guard-small/big", "content": "new", "mode": "0644"},
        {"path": "/etc/guard-test.d/made/now", "content": "new"},
    ]
    fill = f"for place in /etc/guard-small {GUARD}; do cat /dev/zero >$place/filler 2>/dev/null; done"
    full = "! head -c 9000 /dev/zero >/etc/guard-small/filler2; rm /etc/guard-small/filler2"
    change(host, more={"files": files, "activate": [f"{fill}; {full}; cat /dev/zero >>/etc/guard-small/filler; true"]})
    wait_until(host, f"! ls {GUARD} | grep -q guard_test")
    assert sh(host, SHOW) == OLD
    assert sh(host, "stat -c '%s %a' /etc/guard-small/big; ls -A /etc/guard-small /etc/guard-test.d").split() == [
        *("9000", "640", "/etc/guard-small:", "big", "filler", "/etc/guard-test.d:"),
    ]


def test_a_return_that_fails_is_said_and_tried_until_it_succeeds(host: str) -> None:
    change(host, more={"activate": ["rm /etc/guard-test; mkdir -p /etc/guard-test/in-the-way"]})
    wait_until(host, "ls -d /var/lib/patuh/guard/guard_test.*.restoring 2>/dev/null")
    wait_until(host, "journalctl -q -t patuh-guard -p crit -o cat -n 1 | grep -q .")
    assert "change of guard_test is not wholly put back" in journal(host)
    assert "/etc/guard-test is not back" in journal(host)
    assert sh(host, f"cat {GUARD}/guard_test.*/0") == "old"
    # A new change does not begin on top of that, nor does a boot give up.
    assert "cannot be put back" in change(host, code=2)
    sh(host, NEXT_BOOT)
    assert sh(host, f"cat {GUARD}/guard_test.*/0") == "old"
    sh(host, "rmdir /etc/guard-test/in-the-way /etc/guard-test; systemctl restart patuh-guard.service")
    assert sh(host, SHOW) == OLD
    assert sh(host, f"ls -A {GUARD}") == ""


def test_what_nobody_confirmed_goes_back_before_the_next_change_without_a_hand(host: str) -> None:
    """Also when its countdown has died, and at once."""
    change(host, seconds=600, restore="touch /run/guard-restored")
    sh(host, "systemctl kill --signal=KILL 'patuh-guard-guard_test.*'")
    began = time.monotonic()
    assert "An earlier change of guard_test that nobody had confirmed was put back first" in change(host, seconds=600)
    assert time.monotonic() - began < 60
    assert sh(host, "ls /run/guard-restored") == "/run/guard-restored"
    assert "new" in sh(host, SHOW)
    ansible(host, "confirm_change", "name=guard_test")
    assert sh(host, f"ls -A {GUARD}") == ""


def test_what_was_half_armed_never_runs(host: str) -> None:
    """The power failed while the way back was being made: nothing had been changed yet."""
    sh(
        host,
        f"mkdir {GUARD}/guard_test.0123abcd.new; echo earlier >{GUARD}/guard_test.0123abcd.new/boot\n"
        f"echo 'touch /run/guard-evil; rm /etc/guard-test' >{GUARD}/guard_test.0123abcd.new/restore.sh\n"
        f"touch /etc/guard-copy; echo /etc/guard-copy >{GUARD}/guard_test.0123abcd.new/beside\n{NEXT_BOOT}",
    )
    assert sh(host, f"{SHOW}; ls -d /run/guard-evil /etc/guard-copy 2>/dev/null; ls -A {GUARD}") == OLD


def test_a_return_that_was_cut_off_goes_on_at_the_next_boot(host: str) -> None:
    """Killed between the files and the modes that its script gives back."""
    change(host, restore="sleep 60", keep=["stat -c 'chmod %a /etc/guard-test.d' /etc/guard-test.d"])
    sh(host, "chmod 700 /etc/guard-test.d")
    wait_until(host, "pgrep -f 'sleep [6]0' >/dev/null && grep -q old /etc/guard-test")
    sh(host, NEXT_BOOT)
    assert sh(host, f"{SHOW}; stat -c %a /etc/guard-test.d; ls -A {GUARD}").split("\n") == [OLD, "755"]


def test_a_boot_takes_nothing_from_this_boot(host: str) -> None:
    """Starting any unit may start the guard's own once more."""
    change(host, seconds=600)
    sh(host, "systemctl restart patuh-guard.service")
    assert "new" in sh(host, SHOW)
    ansible(host, "confirm_change", "name=guard_test")


def test_confirming_at_the_last_moment_never_leaves_a_stuck_guard(host: str) -> None:
    """Forty changes whose countdowns end while they are confirmed: each is kept or put back, and nothing stays."""
    change(host, seconds=600)
    ansible(host, "confirm_change", "name=guard_test")
    said = sh(
        host,
        r"""
cd /var/lib/patuh/guard; rm -f /run/guard-said; id=$(od -An -N4 -tx1 /dev/urandom | tr -d ' ')
for i in $(seq 40); do
    mkdir race$i.$id
    echo "touch /run/guard-$i" >race$i.$id/restore.sh
    touch race$i.$id/beside; cp /proc/sys/kernel/random/boot_id race$i.$id/boot
    echo $(($(cut -d . -f 1 /proc/uptime) + 5)) >race$i.$id/deadline
    systemd-run --quiet --collect --unit=patuh-guard-race$i.$id \
        /bin/sh /usr/local/sbin/patuh-guard wait race$i.$id
done
for i in $(seq 40); do
    (
        while [ -d race$i.$id ] && [ $(cut -d . -f 1 /proc/uptime) -lt $(cat race$i.$id/deadline) ]; do
            sleep 0.0$((i % 10))
        done 2>/dev/null
        echo "$i $(/bin/sh /usr/local/sbin/patuh-guard confirm race$i)" >>/run/guard-said
    ) &
done
wait; sleep 3
while read -r i word; do
    case "$word:$(ls /run/guard-$i 2>/dev/null)" in
        kept: | restored:/run/guard-$i) echo right ;;
        *) echo wrong $i $word ;;
    esac
done </run/guard-said | sort | uniq -c
ls -A; systemctl list-units --plain --no-legend --state=active,failed 'patuh-guard-race*'
""",
    )
    assert said.split() == ["40", "right"]


def test_running_values_go_back_as_they_were(host: str) -> None:
    """Settings of the kernel (reverse-path filtering had shut out a server with two ways), and the firewall's table."""
    sh(
        host,
        "[ -w /proc/sys/net/ipv4/ip_forward ] && echo 1 >/proc/sys/net/ipv4/ip_forward && exit 0\n"
        "mount --bind /proc/sys/net /proc/sys/net; mount -o remount,bind,rw /proc/sys/net",
    )
    sh(host, "ip link add guard0 type veth peer name guard1; nft add table inet patuh 2>/dev/null")
    sh(host, "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.guard0.rp_filter=2")
    sh(
        host,
        "sysctl -qw net.ipv4.conf.guard1.rp_filter=0 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.guard1.forwarding=0",
    )
    # By hand, so that no file says it.
    sh(host, "nft add chain inet patuh by_hand; nft add rule inet patuh by_hand tcp dport 4711 accept")
    look = (
        "sysctl -a 2>/dev/null | grep -E '^net.ipv[46].(conf|ip_forward|icmp|tcp_sync)'; nft -s list table inet patuh"
    )
    before = sh(host, look)
    role = REPOSITORY / "roles"
    templates = role / "os_hardening" / "templates"
    keep = [
        (role / "firewall" / "files" / "keep-table.sh").read_text(),
        rendered((templates / "keep-sysctl.sh.j2").read_text(), (templates / "sysctl.conf.j2").read_text()),
    ]
    settings = "\n".join(re.findall(r"^net.*", rendered("", (templates / "sysctl.conf.j2").read_text()), re.MULTILINE))
    activate = [
        "/usr/lib/systemd/systemd-sysctl /etc/sysctl.d/zz-guard-test.conf",
        "nft flush chain inet patuh by_hand",
        'test "$(cat /proc/sys/net/ipv4/conf/guard0/rp_filter)" = 1',
    ]
    files = [{"path": "/etc/sysctl.d/zz-guard-test.conf", "content": settings}]
    change(host, seconds=20, keep=keep, more={"files": files, "activate": activate})
    assert sh(host, look) != before
    wait_until(host, f"! ls {GUARD} | grep -q guard_test", 40)
    assert sh(host, look) == before
    # And when the run itself takes the change back, it says so truthfully.
    said = change(host, code=2, keep=keep, more={"files": files, "activate": [*activate, "echo no; false"]})
    assert "no. Every file and running value is back as it was." in said
    assert sh(host, look) == before
    sh(host, "ip link del guard0; nft delete chain inet patuh by_hand")


def rendered(template: str, settings: str) -> str:
    """The role's template for a host that is no router, without Ansible around it."""
    import jinja2

    plain = jinja2.Template(settings).render(
        os_hardening_router=False, os_hardening_reverse_path_filter=1, os_hardening_router_advertisements={}
    )
    return jinja2.Template(template).render(lookup=lambda kind, name: plain) if template else plain


def test_a_failed_run_names_what_stays_changed(host: str) -> None:
    """Never "as it was" about what is not."""
    keep = ["echo 'echo the door stays open'"]
    said = change(host, code=2, keep=keep, more={"activate": ["false"]})
    assert "Every file and running value is back as it was, except: the door stays open." in said
    said = change(host, code=2, more={"activate": ["rm /etc/guard-test; mkdir -p /etc/guard-test/x; false"]})
    assert "NOT everything is back as it was" in said
    assert "/etc/guard-test is not back" in said
    arguments = {
        "files": [{"path": "/etc/guard-test.d/x", "content": "new"}],
        "activate": ["touch /run/guard-x", "false"],
    }
    said = " ".join(ansible(host, "file_set", json.dumps(arguments), code=2).split())
    assert "Every file is back as it was. What these have done otherwise stays: touch /run/guard-x; false." in said


def test_nothing_is_begun_that_has_no_way_back(host: str) -> None:
    said = change(host, code=2, keep=["echo 'no such tool' >&2; exit 1"])
    assert "no such tool. Mend that and run again; nothing was changed." in said
    assert sh(host, f"{SHOW}; ls -A {GUARD}") == OLD
