"""What hosts say, read by the probes: real words, other words, and garbage."""

from __future__ import annotations

import contextlib
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.checking import CannotTell
from compliance.probes import (
    accounts,
    apt,
    audit,
    btrfs,
    facts,
    kernel,
    mdadm,
    networkd,
    packages,
    records,
    sockets,
    sysstat,
    zfs,
)
from compliance.probes.sshd import OUTSIDE, Sshd, connections, running_offer
from tests.unit.fakes import Answer, Host

DETAIL = """/dev/md0:
           Version : 1.2
        Raid Level : raid1
             State : clean, degraded, recovering
    Active Devices : 1
   Working Devices : 2
    Failed Devices : 1
     Spare Devices : 1
"""


def test_mdadm_detail_is_read() -> None:
    array = mdadm.parse_detail("/dev/md0", DETAIL)
    assert (array.level, array.failed, array.spares, array.redundant) == ("raid1", 1, 1, True)
    assert "degraded" in array.state


@given(st.text(max_size=300))
def test_other_words_of_mdadm_are_not_understood(text: str) -> None:
    with pytest.raises(CannotTell):
        mdadm.parse_detail("/dev/md0", text)


def test_a_kernel_without_md_has_no_arrays() -> None:
    assert mdadm.arrays(Host({"test -e": Answer(rc=1)})) == []


SS = """Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess
tcp   LISTEN 0      128          0.0.0.0:22        0.0.0.0:*    users:(("sshd",pid=378,fd=3))
udp   UNCONN 0      0      [fe80::5054:ff:fe31:122]%eth0:53    [::]:*    users:(("named",pid=608,fd=22))
tcp   LISTEN 0      10         127.0.0.1:953       0.0.0.0:*    users:(("named",pid=608,fd=25))
tcp   LISTEN 0      80                 *:3306            *:*    users:(("mariadbd",pid=608,fd=25))
udp   UNCONN 0      0            [::1]:53             [::]:*
"""


def test_listeners_are_read() -> None:
    found = sockets.listeners(Host({"ss -tulpn": SS}))
    assert [(one.program, one.port, one.loopback) for one in found] == [
        ("sshd", 22, False),
        ("named", 953, True),
        ("mariadbd", 3306, False),
        ("?", 53, True),
        ("named", 53, False),
    ]


@given(st.text(min_size=1, max_size=120).filter(lambda text: text.strip()))
def test_other_words_of_ss_are_not_understood(text: str) -> None:
    with contextlib.suppress(CannotTell):
        assert all(isinstance(one.port, int) for one in sockets.listeners(Host({"ss -tulpn": text})))


def test_sshd_values_are_read() -> None:
    sshd = Sshd.for_connection(Host({"sshd -T": "permitrootlogin no\nallowusers a@1 b@2\nallowusers c@3\n"}))
    assert sshd.value("permitrootlogin") == "no"
    assert sshd.words("allowusers") == ["a@1", "b@2", "c@3"]
    with pytest.raises(CannotTell):
        sshd.value("banner")


@pytest.mark.parametrize("answer", [Answer(rc=255, stderr="bad option"), Answer("garbage"), Answer("")])
def test_sshd_without_an_answer_cannot_be_told(answer: Answer) -> None:
    with pytest.raises(CannotTell):
        Sshd.for_connection(Host({"sshd -T": answer}))


PASSWD = """root:x:0:0:root:/root:/bin/bash
web:x:33:33::/var/www:/usr/sbin/nologin
admin:x:1000:1000::/home/admin:/bin/bash
"""
SHADOW = "root:$y$j9T$x:20000:0:99999:7:::\nweb:*:20000:0:99999:7:::\nadmin:$1$old$x:20000:0:90:14::1:\n"


def test_accounts_are_read() -> None:
    found = accounts.accounts(Host({"cat /etc/shadow": SHADOW, "cat /etc/passwd": PASSWD}))
    assert found["root"].hash_kind == "yescrypt"
    assert found["web"].hash_kind == "none"
    assert found["web"].can_log_in is False
    assert found["admin"].hash_kind == "weak"
    assert (found["admin"].max_days, found["admin"].expires_day) == (90, 1)


def test_the_superuser_is_found_among_what_is_no_account() -> None:
    """The first line of the name counts; what stands in passwd itself is the password."""
    passwd = "# ours\n\nroot::0:0::/root:/bin/sh\n" + PASSWD + "+::::::\n"
    host = Host({"cat /etc/shadow": SHADOW, "cat /etc/passwd": passwd})
    assert accounts.superuser(host).hash_kind == "empty"
    with pytest.raises(CannotTell):
        accounts.accounts(host)
    with pytest.raises(CannotTell):
        accounts.superuser(Host({"cat /etc/shadow": SHADOW, "cat /etc/passwd": "+::::::\n"}))


@pytest.mark.parametrize(
    ("state", "there"),
    [("ii ", True), ("hi ", True), ("iU ", True), ("iF ", True), ("iW ", True), ("rc ", False), ("un ", False)],
)
def test_a_package_is_there_as_long_as_its_files_are(state: str, there: bool) -> None:
    said = f"ii \tdpkg\tadmin\n{state}\tgcc\tdevel\n"
    assert ("gcc" in packages.installed(Host({"dpkg-query": said}))) is there


@pytest.mark.parametrize(
    ("addresses", "asked"),
    [
        ("", "127.0.0.1"),
        ("listenaddress [::]:22\nlistenaddress 0.0.0.0:22\n", "127.0.0.1"),
        ("listenaddress 10.31.10.11:22\n", "10.31.10.11"),
        ("listenaddress [fd31:10::11]:22\nlistenaddress 127.0.0.1:22\n", "127.0.0.1"),
        ("listenaddress [fd31:10::11]:22\n", "fd31:10::11"),
        ("listenaddress 10.31.10.11:22\nlistenaddress [::]:22\n", "::1"),
    ],
)
def test_the_running_sshd_is_asked_where_it_listens(addresses: str, asked: str) -> None:
    host = Host({"sshd -T": f"permitrootlogin no\nport 22\n{addresses}", f"nobody@{asked} true": Answer(rc=255)})
    with pytest.raises(CannotTell, match="ssh to the server itself"):
        running_offer(host)


@pytest.mark.parametrize(
    ("shadow", "passwd"),
    [
        (Answer(rc=1, stderr="Permission denied"), PASSWD),
        ("garbage\n", PASSWD),
        (SHADOW, "garbage\n"),
        (SHADOW, ""),
        (SHADOW.replace("20000:0:90", "x:0:90"), PASSWD),
    ],
)
def test_unreadable_accounts_cannot_be_told(shadow: Answer | str, passwd: str) -> None:
    with pytest.raises(CannotTell):
        accounts.accounts(Host({"cat /etc/shadow": shadow, "cat /etc/passwd": passwd}))


# What cvtsudoers makes of: OPS = dev, %ops; OPS ALL = ALL; #1234 ALL = ALL; ALL, !root ALL = sudoedit /etc/motd
RULES = """{"User_Specs": [
    {"User_List": [{"username": "dev"}, {"usergroup": "ops"}], "Cmnd_Specs": []},
    {"User_List": [{"userid": 1234}, {"netgroup": "far"}], "Cmnd_Specs": []}%s
]}"""
NON_UNIX = '{"User_Specs": [{"User_List": [{"nonunixgroup": "domain admins"}]}]}'
EVERYBODY = ', {"User_List": [{"username": "ALL"}, {"username": "root", "negated": true}], "Cmnd_Specs": []}'
LOCAL = """root:x:0:0::/root:/bin/sh
daemon:x:1:1::/:/bin/false
web:x:33:33::/:/bin/false
prim:x:1002:50::/:/bin/sh
num:x:1234:1234::/:/bin/sh
"""


def sudo(said: str, rules: str = RULES % "") -> Host:
    return Host(
        {
            "command -v sudo": "/usr/bin/sudo",
            "cvtsudoers": rules,
            "cat /etc/passwd": LOCAL,
            "getent group ops": "ops:x:50:mem,other\n",
            "getent netgroup far": "far (srv1,web,city.example) (-,guest,)\n",
            "for name": said,
        }
    )


def test_sudo_rights_are_read() -> None:
    said = (
        "@ admin\nUser admin may run the following commands on host:\n    (ALL : ALL) ALL\n"
        "@ patuh\nUser patuh may run the following commands on host:\n"
        "    (ALL : ALL) ALL\n    (ALL : ALL) NOPASSWD: ALL\n"
        "@ web\nUser web is not allowed to run sudo on host.\n"
    )
    rights = accounts.superusers_by_sudo(sudo(said), ["admin", "patuh", "web"])
    assert rights == {"admin": "password", "patuh": "no password"}


@pytest.mark.parametrize(
    ("rule", "how"),
    [
        ("(ALL : ALL) ALL", "password"),
        ("(root) NOPASSWD: ALL, !/bin/su", "no password"),
        ("(postgres, root) /bin/bash", "password"),
        ("(ALL, !root) ALL", "password"),
        ("(root) NOPASSWD: /usr/bin/systemctl restart nginx, PASSWD: /usr/bin/vim.basic /etc/motd", "password"),
        ("(root) SETENV: NOPASSWD: /opt/panel/bin/*", "no password"),
        ("(root) /usr/sbin/", "password"),
        ("(root) sha256:abc/def= /usr/bin/python3.11", "password"),
        ("(root) /bin/su -", "password"),
        ("(root) NOPASSWD: /bin/su - root", "no password"),
        ("(root) /bin/bash -i", "password"),
        ("(root) /usr/bin/env bash", "password"),
        ("(root) /usr/bin/timeout 5 /bin/sh", "password"),
        ("(root) /usr/bin/docker run *", "password"),
        ("(root) /usr/bin/python3 -c *", "password"),
        # A script or a command that is named is all that runs.
        ("(root) NOPASSWD: /usr/bin/python3 /usr/lib/agent/inventory.py", None),
        ("(root) NOPASSWD: /usr/bin/docker ps", None),
        ("(root) NOPASSWD: /bin/su - postgres -c pg_dumpall", None),
        ("(root) NOPASSWD: /usr/bin/timeout 5 /usr/sbin/smartctl -a /dev/sda", None),
        ("(root) /usr/bin/systemctl", "password"),
        ("(root) NOPASSWD: /usr/bin/tee *", "no password"),
        ("(root) /usr/bin/systemctl restart nginx.service", None),
        ("(root) NOPASSWD: /usr/sbin/smartctl", None),
        ("(root) sudoedit /etc/motd", None),
        ("(root) sudoedit /etc/*", "password"),
        ("(root) sudoedit /etc/sudoers.d/web", "password"),
        ("(root) sudoedit", "password"),
        ("(root) /usr/bin/chown www-data /srv/*", "password"),
        ("(root) /usr/bin/chown www-data /srv/web", None),
        ("(root) /usr/bin/systemctl * nginx", "password"),
        ("(root) /usr/bin/systemctl restart nginx*", None),
        ("(postgres) ALL", None),
        ("(rootless) ALL", None),
        ("(root) !/bin/su", None),
    ],
)
def test_a_rule_that_leads_to_everything_is_one_for_everything(rule: str, how: str | None) -> None:
    said = f"@ web\nUser web may run the following commands on host:\n    {rule}\n"
    assert accounts.superusers_by_sudo(sudo(said), []) == ({"web": how} if how else {})


@pytest.mark.parametrize(
    ("rules", "asked"),
    [(RULES % "", "dev guest mem num other prim web"), (RULES % EVERYBODY, "daemon dev guest mem num other prim web")],
)
def test_whomever_a_rule_names_is_asked_about(rules: str, asked: str) -> None:
    host = sudo("@ dev\n", rules)
    accounts.superusers_by_sudo(host, ["dev"])
    assert f"for name in {asked}; do" in host.asked[-1]


@pytest.mark.parametrize(
    "rules", [Answer(rc=1), Answer("garbage"), Answer('{"User_Specs": [{}]}'), Answer("[]"), Answer(NON_UNIX)]
)
def test_rules_of_sudo_that_are_not_understood_cannot_be_told(rules: Answer) -> None:
    host = Host({"command -v sudo": "/usr/bin/sudo", "cvtsudoers": rules, "cat /etc/passwd": LOCAL})
    with pytest.raises(CannotTell):
        accounts.superusers_by_sudo(host, [])


def matching(*lines: str) -> Host:
    """A host whose sshd knows these Match blocks, and lets nobody in by them."""
    notes = "".join(f"debug3: checking syntax for 'Match {line}'\r\n" for line in lines[:1])
    # OpenSSH 10 says where it stands.
    notes += "".join(f"debug3: checking syntax for 'Match {line}' on line 3\r\n" for line in lines[1:])
    return Host(
        {
            "sshd -T -ddd": f"{notes}permitrootlogin no\n",
            "sshd -T -C": "permitrootlogin no\n",
            "getent group": "ops:x:50:both,one\nweb:x:60:both\nusers:x:100:\n",
            "cat /etc/passwd": "".join(
                f"{name}:x:{1000 + number}:{100 if number else 0}::/:{shell}\n"
                for number, (name, shell) in enumerate(
                    {
                        "root": "/bin/sh",
                        "both": "/bin/sh",
                        "one": "/bin/sh",
                        "none": "/bin/sh",
                        "more": "/bin/sh",
                    }.items()
                )
            ),
            "cat /etc/shadow": "root:*:1:0:99999:7:::\n",
        }
    )


@pytest.mark.parametrize(
    ("lines", "ways"),
    [
        ((), ["root@192.0.2.1"]),
        (("all",), ["root@192.0.2.1"]),
        (("Address 10.1.0.0/16,!10.1.9.*",), ["root@192.0.2.1", "root@10.1.0.1", "root@10.1.9.1"]),
        (("all", "User o*"), ["root@192.0.2.1", "one@192.0.2.1"]),
        # Who is in both groups is left out by the block; who is in one of them is not.
        (("Group ops,!web",), ["root@192.0.2.1", "both@192.0.2.1", "one@192.0.2.1"]),
        (('Group "users"',), ["both@192.0.2.1"]),
        (("LocalPort 2222",), ["root@192.0.2.1", "root@192.0.2.1, lport 2222"]),
        (("Host *.vendor.example LocalAddress 10.0.0.9",), ["root@192.0.2.1, host 1.vendor.example, laddr 10.0.0.9"]),
    ],
)
def test_every_kind_of_connection_that_a_match_block_singles_out_is_tried(
    lines: tuple[str, ...], ways: list[str]
) -> None:
    host = matching(*lines)
    found = [str(way) for way in connections(host, ["root"], [OUTSIDE], everybody=True)]
    assert len(found) == len(set(found))
    assert set(ways) <= set(found)
    asked = [one for one in host.asked if "-C" in one and "-ddd" not in one]
    # Without a block of Match, nothing is asked that was not before; with one, sshd is told all that it may want.
    assert all(("lport=" in one) is (lines not in ((), ("all",))) for one in asked)


@pytest.mark.parametrize("line", ["Version OpenSSH_9*", "invalid-user", "User 'x", "Address 10.0.0.0/99", "Exec x"])
def test_a_match_block_that_cannot_be_tried_cannot_be_told(line: str) -> None:
    with pytest.raises(CannotTell):
        connections(matching(line), ["root"], [OUTSIDE], everybody=True)


def test_more_kinds_of_connections_than_can_be_tried_cannot_be_told() -> None:
    lines = [f"Address 10.{number}.0.0/16 LocalPort {number}" for number in range(1, 20)]
    with pytest.raises(CannotTell, match="more than are tried"):
        connections(matching(*lines), ["root"], [OUTSIDE], everybody=True)


SECURITY = {
    "v": "12",
    "o": "Debian",
    "a": "oldstable-security",
    "n": "bookworm-security",
    "l": "Debian-Security",
    "c": "main",
}


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("Origins-Pattern", "origin=Debian,codename=${distro_codename}-security,label=Debian-Security", True),
        ("Origins-Pattern", "o=${distro_id}, n=bookworm*, l=Debian-Security", True),
        ("Origins-Pattern", "origin=Debian,codename=${distro_codename},label=Debian-Security", False),
        ("Origins-Pattern", "origin=*", True),
        ("Origins-Pattern", "", False),
        ("Origins-Pattern", "origin=Debian,kind=security", False),
        ("Origins-Pattern", "site=security.debian.example", True),
        ("Allowed-Origins", "Debian:oldstable-security", True),
        ("Allowed-Origins", "Debian oldstable-security", True),
        ("Allowed-Origins", "Debian:bookworm-security", False),
        ("Allowed-Origins", "${distro_id}:*", True),
        ("Package-Blacklist", "origin=*", False),
    ],
)
def test_what_unattended_upgrades_takes(name: str, value: str, *, taken: bool) -> None:
    configured = [(f"unattended-upgrade::{name}::".lower(), value)]
    release = {**SECURITY, "site": "security.debian.example"}
    assert apt.takes(apt.automatic_origins(configured, "bookworm"), release) is taken


@pytest.mark.parametrize("said", ["", "garbage", "/etc/apt/x.list:1 yes", "x:1 a b c", "/etc/apt/x.list:9 a b c"])
def test_other_words_about_sources_are_not_understood(said: str) -> None:
    host = Host({"indextargets": said, "cat /etc/apt/x.list": "deb http://x.example ./\n"})
    if said:
        with pytest.raises(CannotTell):
            apt.sources(host)
    else:
        assert apt.sources(host) == []


NOW = 1_790_000_000


def record(when: str) -> Host:
    return Host({"test -e": "", "tail -n": f'{{"when": "{when}", "ok": true}}\n', "date -u": f"{NOW}\n"})


def test_ages_of_records() -> None:
    when = datetime.datetime.fromtimestamp(NOW - 86400 * 3, datetime.UTC)
    for zone in (datetime.UTC, datetime.timezone(datetime.timedelta(hours=9))):
        host = record(when.astimezone(zone).isoformat())
        assert records.age_days(host, records.entries(host, "raid")[-1]) == pytest.approx(3)


@pytest.mark.parametrize("when", ["2099-01-01T00:00:00+00:00", "2026-01-01T00:00:00", "yesterday", ""])
def test_wrong_dates_cannot_be_told(when: str) -> None:
    host = record(when)
    with pytest.raises(CannotTell):
        records.age_days(host, records.entries(host, "raid")[-1])


@given(st.text(max_size=100))
def test_garbage_is_no_record(text: str) -> None:
    host = Host({"test -e": "", "tail -n": text})
    with contextlib.suppress(CannotTell):
        assert records.entries(host, "raid") == []


def zpool(tree: str, state: str = "ONLINE") -> str:
    """The words of ``zpool status`` around a tree of devices."""
    rows = "".join(f"\t{row}\n" for row in tree.splitlines())
    head = f"  pool: tank\n state: {state}\nconfig:\n\n\tNAME STATE READ WRITE CKSUM\n"
    return f"{head}{rows}\nerrors: No known data errors\n"


MIRROR = """tank          ONLINE       0     0     0
  mirror-0    ONLINE       0     0     0
    /dev/vdb  ONLINE       0     0     0
    /dev/vdc  ONLINE       0     0     0
"""


@pytest.mark.parametrize(
    ("tree", "level", "redundant", "failed", "spares"),
    [
        (MIRROR, "mirror", True, 0, 0),
        (MIRROR + "spares\n  /dev/vdd    AVAIL\n", "mirror", True, 0, 1),
        (MIRROR + "spares\n  /dev/vdd    INUSE     currently in use\n", "mirror", True, 1, 0),
        (MIRROR.replace("/dev/vdc  ONLINE ", "/dev/vdc  FAULTED"), "mirror", True, 1, 0),
        (MIRROR + "  /dev/vdd    ONLINE       0     0     0\n", "mirror, disk", False, 0, 0),
        (MIRROR.replace("mirror-0", "raidz2-0"), "raidz2", True, 0, 0),
        ("tank          ONLINE       0     0     0\n  /dev/vdb    ONLINE       0     0     0\n", "disk", False, 0, 0),
        (MIRROR + "logs\n  /dev/vde    ONLINE       0     0     0\n", "mirror", True, 0, 0),
        (MIRROR + "cache\n  /dev/vde    UNAVAIL      0     0     0\n", "mirror", True, 0, 0),
        (MIRROR + "special\n  /dev/vde    ONLINE       0     0     0\n", "mirror, disk", False, 0, 0),
    ],
)
def test_zfs_pools_are_read(tree: str, level: str, redundant: bool, failed: int, spares: int) -> None:
    found = zfs.parse_status("tank", zpool(tree))
    assert (found.level, found.redundant, found.failed, found.spares) == (level, redundant, failed, spares)
    assert found.healthy is (failed == 0)
    assert not zfs.parse_status("tank", zpool(tree, "DEGRADED")).healthy


@pytest.mark.parametrize(
    "text", ["", "no such pool", zpool(""), zpool(MIRROR).replace("tank ", "other "), " state: ONLINE\n"]
)
def test_other_words_of_zpool_are_not_understood(text: str) -> None:
    with pytest.raises(CannotTell):
        zfs.parse_status("tank", text)


USAGE = """Overall:
    Device size:\t\t\t 536870912
    Device missing:\t\t\t         0

Data,RAID1: Size:67108864, Used:0 (0.00%)
   /dev/vdb\t  67108864
   /dev/vdc\t  67108864

Metadata,RAID1: Size:33554432, Used:131072 (0.39%)
   /dev/vdb\t  33554432
   /dev/vdc\t  33554432

System,RAID1: Size:8388608, Used:16384 (0.20%)
   /dev/vdb\t   8388608
   /dev/vdc\t   8388608
"""
STATS = "[/dev/vdb].write_io_errs    0\n[/dev/vdc].corruption_errs  0\n"


def test_btrfs_is_read() -> None:
    found = btrfs.parse_usage("/srv", USAGE, STATS)
    assert found
    assert (found.level, found.redundant, found.healthy, found.failed, found.spares) == ("RAID1", True, True, 0, 0)
    single = btrfs.parse_usage("/srv", USAGE.replace("Metadata,RAID1", "Metadata,DUP"), STATS)
    assert single
    assert not single.redundant
    missing = btrfs.parse_usage("/srv", USAGE.replace("missing:\t\t\t         0", "missing: 268435456"), STATS)
    assert missing
    assert (missing.healthy, missing.failed) == (False, 1)
    errors = btrfs.parse_usage("/srv", USAGE, STATS.replace("corruption_errs  0", "corruption_errs  7"))
    assert errors
    assert (errors.healthy, errors.failed) == (False, 1)
    one = "\n".join(line for line in USAGE.splitlines() if "vdc" not in line)
    assert btrfs.parse_usage("/srv", one, STATS) is None


@given(st.text(max_size=200))
def test_other_words_of_btrfs_are_not_understood(text: str) -> None:
    with pytest.raises(CannotTell):
        btrfs.parse_usage("/srv", text, STATS)


SADF = """# hostname;interval;timestamp;IFACE;rxpck/s;txpck/s
vm;600;2026-11-21 19:40:00 UTC;lo;0.00;0.00
vm;600;2026-11-21 19:40:00 UTC;eth0;1.00;1.00
vm;600;2026-11-21 19:50:01 UTC;lo;0.00;0.00
vm;600;2026-11-21 19:50:01 UTC;eth0;1.00;1.00
vm;-1;2026-11-21 19:51:00 UTC;LINUX-RESTART\t(1 CPU)
"""
NO_FILE = Answer("Cannot open /var/log/sysstat/sa21: No such file or directory\n", rc=2)
THERE = {"command -v sadf": "/usr/bin/sadf"}


def test_the_newest_sample_is_of_one_moment_and_a_restart_is_none() -> None:
    sample = sysstat.newest(Host({**THERE, "sadf -d -- ": SADF}), "network")
    assert sample is not None
    assert sample.at == datetime.datetime(2026, 11, 21, 19, 50, 1, tzinfo=datetime.UTC)
    assert sample.devices == {"lo", "eth0"}


def test_after_midnight_yesterdays_samples_count() -> None:
    for today in (NO_FILE, "# hostname;interval;timestamp;CPU\n"):
        sample = sysstat.newest(Host({**THERE, "sadf -d -- ": today, "sadf -d -1 -- ": SADF}), "CPU")
        assert sample is not None
    assert sysstat.newest(Host({**THERE, "sadf -d": NO_FILE}), "CPU") is None
    assert sysstat.newest(Host({"command -v": Answer(rc=127)}), "CPU") is None


@pytest.mark.parametrize("said", [Answer("Invalid system activity file", rc=1), Answer("vm;600"), Answer("a;b;c;d;e")])
def test_samples_that_cannot_be_read_are_no_answer(said: Answer) -> None:
    with pytest.raises(CannotTell):
        sysstat.newest(Host({**THERE, "sadf -d": said}), "CPU")


LSBLK = """{"blockdevices": [
 {"name": "sda", "type": "disk", "size": 1073741824, "uuid": "AAAA-1111"},
 {"name": "vda", "type": "disk", "size": "3221225472", "uuid": null,
  "children": [{"name": "vda1", "type": "part", "size": 1, "uuid": "u1"}]},
 {"name": "sdb", "type": "disk", "size": 5368709120, "uuid": null,
  "children": [{"name": "sdb1", "type": "part", "size": 1, "uuid": "BBBB-2222"}]},
 {"name": "zram0", "type": "disk", "size": 1073741824, "uuid": null},
 {"name": "loop0", "type": "loop", "size": 1073741824, "uuid": null},
 {"name": "sr0", "type": "rom", "size": 1073741824, "uuid": null}]}"""


@pytest.mark.parametrize(
    ("without", "gib"), [([], 9.0), (["AAAA-1111"], 8.0), (["BBBB-2222"], 4.0), (["AAAA-1111", "BBBB-2222"], 3.0)]
)
def test_backup_media_are_no_disks_of_the_server(without: list[str], gib: float) -> None:
    assert facts.disks_gib(Host({"lsblk": LSBLK}), without) == gib


def test_processors_are_counted_as_people_do() -> None:
    said = "# Socket,Core,CPU\n0,0,0\n0,1,1\n0,0,2\n0,1,3\n1,2,4\n1,3,5\n1,2,6\n1,3,7\n"
    assert facts.processors(Host({"lscpu": said})) == {"sockets": 2, "cores": 4, "threads": 8}


def test_memory_is_what_is_fitted() -> None:
    said = "Memory block size:       134217728\nTotal online memory:    939524096\nTotal offline memory:           0\n"
    assert facts.memory_gib(Host({"lsmem": said})) == 0.875


def test_addresses_are_read_by_interface() -> None:
    said = """[{"ifname": "eth0", "addr_info": [{"local": "10.0.0.1"}, {"local": "fd31::1"}, {}]},
              {}, {"ifname": "dummy0", "addr_info": []}]"""
    assert facts.addresses(Host({"ip -j address": said})) == {"eth0": {"10.0.0.1", "fd31::1"}}
    assert facts.addresses(Host({"ip -j address": ""})) == {}


@pytest.mark.parametrize(
    ("answers", "seconds"),
    [
        ({"command -v mariadb": "/usr/bin/mariadb", "SHOW REPLICA": "  Seconds_Behind_Master: 7\n"}, 7),
        ({"command -v mariadb": "/usr/bin/mariadb", "SHOW REPLICA": "  Seconds_Behind_Master: NULL\n"}, None),
        ({"command -v mariadb": "/usr/bin/mariadb", "SHOW REPLICA": ""}, None),
        ({"command -v mariadb": Answer(rc=127), "command -v psql": "/usr/bin/psql", "runuser": "12\n"}, 12),
        ({"command -v mariadb": Answer(rc=127), "command -v psql": "/usr/bin/psql", "runuser": "\n"}, None),
    ],
)
def test_replication_says_how_old_its_data_is(answers: dict[str, Answer | str], seconds: int | None) -> None:
    assert facts.replication_seconds(Host(answers)) == seconds


def test_without_a_database_server_nobody_knows_how_old_the_data_is() -> None:
    with pytest.raises(CannotTell):
        facts.replication_seconds(Host({"command -v": Answer(rc=127)}))


@given(st.text(max_size=200))
def test_garbage_about_hardware_is_no_answer(text: str) -> None:
    host = Host({"": text})
    for ask in (facts.processors, facts.memory_gib, lambda one: facts.disks_gib(one, [])):
        with contextlib.suppress(CannotTell):
            assert ask(host)
    with contextlib.suppress(CannotTell):
        facts.addresses(host)


@pytest.mark.parametrize(
    ("rules", "recorded"),
    [
        ("-a always,exit -F arch=b64 -S clock_settime,settimeofday -F key=t", True),
        ("-a exit,always -S settimeofday -S clock_settime", True),
        ("-a always,exit -F arch=x86_64 -S all", True),
        ("-a always,exit -F arch=b64 -S clock_settime -F a0=0x0 -F auid>=1000 -F auid!=unset -k t", True),
        ("-a always,exit -F arch=b32 -S clock_settime", False),
        ("-a always,exit -F arch=b64 -S clock_settime64", False),
        ("-a always,exit -F arch=b64 -S clock_settime -F uid=33", False),
        ("-a always,exit -F arch=b64 -S clock_settime -F success=0", False),
        ("-a always,exit -F arch=b64 -S clock_settime -F auid=1000", False),
        ("-a always,exit -F dir=/srv -F arch=b64 -S clock_settime", False),
        ("-a never,exit -F arch=b64 -S clock_settime\n-a always,exit -F arch=b64 -S clock_settime", False),
        ("-a always,exit -F arch=b64 -S clock_settime\n-A never,exit -F arch=b64 -S all", False),
        ("-a always,exit -F arch=b64 -S clock_settime\n-a never,exit -F arch=b64 -S all", True),
        ("-a always,task -S clock_settime", False),
        ("-a\n-w\n'\n# -a always,exit -S clock_settime", False),
    ],
)
def test_a_call_is_recorded_by_the_first_rule_about_everybody(rules: str, recorded: bool) -> None:
    assert audit.records_call(rules, "clock_settime", "b64") is recorded


def test_a_rule_for_one_call_does_not_watch_a_file() -> None:
    assert not audit.watches_writes("-a always,exit -F arch=b64 -S unlink -F path=/etc/passwd", "/etc/passwd")
    assert audit.watches_writes("-a always,exit -F arch=b64 -S all -F path=/etc/passwd", "/etc/passwd")


LINKS = '{"Interfaces":[{"Name":"lo"},{"Name":"eth0","NetworkFile":"/run/systemd/network/10-a.network"}]}'


@pytest.mark.parametrize(
    ("file", "heard"),
    [
        ("[Network]\nDHCP=yes\n", "yes"),
        ("[Network]\nIPv6AcceptRA=no\n", "no"),
        (
            "[Network]\nIPv6AcceptRA=no\n# /etc/systemd/network/10-a.network.d/x.conf\n[Network]\nIPv6AcceptRA=true\n",
            "true",
        ),
        ("[Network]\n#IPv6AcceptRA=no\n", "yes"),
        ("[Network]\nLinkLocalAddressing=no\n", "no"),
        ("[Network]\nLinkLocalAddressing=ipv4\nIPv6AcceptRA=yes\n", "no"),
    ],
)
def test_whether_networkd_listens_to_routers(file: str, heard: str) -> None:
    active = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"
    answers: dict[str, Answer | str] = {
        "systemctl show": active,
        "networkctl": LINKS,
        "systemd/network/10-a.network": file,
    }
    assert networkd.listens_to_routers(Host(answers)) == {"eth0": heard}


@pytest.mark.parametrize("said", ["", "garbage", "[]", '{"Interfaces":[{"NetworkFile":"/x"}]}'])
def test_other_words_of_networkctl_are_not_understood(said: str) -> None:
    with pytest.raises(CannotTell):
        networkd.listens_to_routers(Host({"systemctl show": "ActiveState=active\n", "networkctl": said}))


def test_a_container_without_modules_tells_nothing_of_them() -> None:
    answers: dict[str, Answer | str] = {
        "modprobe": Answer("modprobe: FATAL: Module hfs not found in directory /x\n", rc=1)
    }
    with pytest.raises(CannotTell):
        kernel.modprobe(Host({**answers, "test -d /lib/modules": Answer(rc=1)}), "hfs")
    assert kernel.modprobe(Host({**answers, "test -d /lib/modules": ""}), "hfs") == "absent"
