"""Where a verdict turns: a compliant server's real answers with one figure or word changed."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from compliance.assessment import Finding, Status
from compliance.checking import Check, Context, all_checks, judge
from compliance.checks.shared import OTHER_RECORDERS, OTHER_WATCHERS
from compliance.checks.test_os import OTHER_INTEGRITY_CHECKERS
from compliance.evidence import store
from compliance.evidence.kinds import Device
from compliance.evidence.store import Records
from tests import recordings
from tests.unit.test_recorded import recorded_fleet, recorded_records

PASS, FAIL, ERROR, NOT_APPLICABLE = Status.PASS, Status.FAIL, Status.ERROR, Status.NOT_APPLICABLE


@dataclass(frozen=True)
class Edit:
    """In the output of the commands like ``command``, ``found`` is replaced; or the command ends with ``code``.

    With ``complaint`` a command says this beside its output, and still ends with ``code``. ``{now-SECONDS}``,
    ``{stamp-SECONDS}`` and ``{day-DAYS}`` in the replacement stand for times before the server's own clock.
    """

    command: str
    found: str = ""
    instead: str = ""
    code: int = 0
    complaint: str = ""


@dataclass(frozen=True)
class Case:
    """A compliant server's answers with edits, and the verdict that must follow.

    ``declared`` changes what the inventory says of the host; ``answers`` are to commands that nobody asked before;
    ``names`` is what the verdict must say that it looked at, or that it saw there.
    """

    control: str
    status: Status
    edits: tuple[Edit, ...]
    host: str = "debian12"
    declared: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    register: Sequence[dict[str, str] | None] | None = None  # specifications of the host's entries
    names: str | None = None

    def __str__(self) -> str:
        told = ", ".join(f"{edit.command[:24]} {edit.found[:24]!r} → {edit.instead[:24]!r}" for edit in self.edits)
        more = " ".join(str(one) for one in (self.declared, list(self.answers), self.register) if one)
        return f"{self.control} {self.status}: {told} {more}".strip()


@cache
def _compliant() -> recordings.Answers:
    return recordings.compliant()


def _edited(answers: recordings.HostAnswers, edit: Edit) -> recordings.HostAnswers:
    clock = int(answers["date -u +%s"][1])

    def moment(match: re.Match[str]) -> str:
        past = int(match.group(2))
        if match.group(1) == "day":
            return str(clock // 86400 - past)
        if match.group(1) == "stamp":
            return f"{datetime.datetime.fromtimestamp(clock - past, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
        return datetime.datetime.fromtimestamp(clock - past, datetime.UTC).isoformat()

    instead = re.sub(r"\{(day|now|stamp)-(-?\d+)\}", moment, edit.instead)
    instead = re.sub(r"\{clock(-\d+)?\}", lambda match: str(clock + int(match.group(1) or 0)), instead)
    changed, hits = dict(answers), 0
    for command, (code, out, err) in answers.items():
        if re.search(edit.command, command):
            if edit.complaint:
                changed[command], hits = (edit.code, out, edit.complaint), hits + 1
            elif edit.code:
                changed[command], hits = (edit.code, "", ""), hits + 1
            elif err and not out:  # programs that say everything there, as ssh does
                err, replaced = re.subn(edit.found, instead, err, flags=re.MULTILINE)
                changed[command], hits = (code, out, err), hits + replaced
            else:
                out, replaced = re.subn(edit.found, instead, out, flags=re.MULTILINE)
                changed[command], hits = (code, out, err), hits + replaced
    assert hits, f"nothing to change for {edit}"
    return changed


def _device(host: str, specification: dict[str, str] | None) -> Device:
    entry = {"kode": "A", "nama": "a", "fungsi": "b", "dipasang": "2026-01-01", "status": "aktif", "server": host}
    return store.validated(Device, {**entry, "spesifikasi": specification})


def finding(case: Case, check: Check | None = None) -> Finding:
    """What a check says of the case."""
    answers = _compliant()[case.host]
    for edit in case.edits:
        answers = _edited(answers, edit)
    answers = {**answers, **{command: (code, out, "") for command, (code, out) in case.answers.items()}}
    loaded = recorded_fleet()
    context = Context.of(loaded, case.host, recorded_records())
    if case.register is not None:
        context.records = Records(Path(), {Device: [_device(case.host, one) for one in case.register]})
    context.host = loaded.fleet.hosts[case.host].model_copy(update=case.declared)
    check = check or all_checks()[case.control]
    return judge(case.control, check, recordings.replay(case.host, answers), context)


def is_right(case: Case, said: Finding) -> bool:
    """Whether a check says of the case what it must."""
    named = case.names is None or any(case.names in f"{one.subject}: {one.observed}" for one in said.observations)
    return said.status is case.status and named


def cases(control: str, *variants: tuple[Status, Edit] | tuple[Status, Edit, Edit]) -> list[Case]:
    """The cases of one control."""
    return [Case(control, variant[0], tuple(variant[1:])) for variant in variants]


def unit(name: str, found: str, instead: str) -> Edit:
    """An edit of what systemd says of a unit."""
    return Edit(rf"^systemctl show .*-- {re.escape(name)}$", found, instead)


def shadow(name: str, fields: str) -> Edit:
    """An edit of an account's line in the shadow file."""
    return Edit("^cat /etc/shadow$", rf"^{name}:.*$", f"{name}:{fields}")


def mode(path: str, instead: str, command: str = "stat -L -c") -> Edit:
    """An edit of a file's mode and owner."""
    return Edit(f"^{command} .*{re.escape(path)}$", r"\A.*", instead)


def ipv6_open(name: str) -> Edit:
    """An interface takes what is refused elsewhere, now and at boot."""
    return Edit("; sysctl -a|cat-config", rf"^(net[./]ipv6[./]conf[./]\S+[./]{name}) = 0", r"\1 = 1")


def core_pattern(pattern: str) -> Edit:
    """Where the kernel sends core dumps."""
    return Edit("; sysctl -a", "^kernel.core_pattern = .*", f"kernel.core_pattern = {pattern}")


def package(name: str) -> Edit:
    """One package more."""
    return Edit("^dpkg-query", r"\A", f"ii \t{name}\tlain\n")


HASH = "$6$redacted"
LISTEN = 'tcp LISTEN 0 5 0.0.0.0:{port} 0.0.0.0:* users:(("{program}",pid=9,fd=3))\n'


def listening(port: int, program: str, protocol: str = "tcp") -> Edit:
    """One listener more."""
    line = LISTEN.format(port=port, program=program).replace("tcp", protocol)
    return Edit("^ss ", r"^(Netid.*\n)", r"\1" + line)


PRIVATE_ARCHIVE = (
    " 900 http://example.org/kota bookworm/main amd64 Packages\n     release o=Kota,n=bookworm,l=Kota,c=main,b=amd64\n"
)
UNNAMED_HASHING = Edit("common-password", r"(pam_unix\.so.*) yescrypt", r"\1")
WHEEL_LAST = Edit("pam.d/su$", r"(?s)^(auth required pam_wheel.so[^\n]*)\n(.*@include common-auth)", r"\2\n\1")
SCRIPTS = (
    "grep -rshE 'sysctl|/proc/sys/' /etc/rc.local /etc/systemd/system /etc/network /etc/NetworkManager /etc/cron.d "
    "/etc/tuned"
)
PCI = "cat /sys/bus/pci/devices/*/class 2>/dev/null"
TABLE = "PATH=$PATH:/sbin:/usr/sbin; dmsetup table 2>/dev/null | cut -d' ' -f4"
INTERACTIVE = "env -i HOME=/ PATH=$PATH bash -lic 'echo \"${TMOUT:-0}\"' 2>/dev/null </dev/null"
NO_IPV6_NOW = Edit("; sysctl -a", r"^(net\.ipv6\.conf\.\S+\.disable_ipv6) = 0", r"\1 = 1")
NO_IPV6_AT_BOOT = Edit("cat-config", r"\Z", "\nnet.ipv6.conf.all.disable_ipv6 = 1\n")
NOT_STRICT = Edit("^ssh -vv", ",kex-strict-s-v00@openssh.com", "")
NO_DATABASE = (
    Edit("^ss ", "mariadbd", "lain"),
    Edit("-- (mariadb|mysql).service$", "ActiveState=active", "ActiveState=inactive"),
)
NO_KEY_DEMANDED = Edit("sshd -T", "^authenticationmethods publickey", "authenticationmethods any")
GONE = (r"(?s)\A.*\Z", "LoadState=not-found\nActiveState=inactive\nUnitFileState=\n")
NO_MD = Edit("^cat /proc/mdstat", r"^md0 : .*\n", "")
NO_DM = {"PATH=$PATH:/sbin:/usr/sbin; command -v dmsetup": (127, "")}
DM = {"PATH=$PATH:/sbin:/usr/sbin; command -v dmsetup": (0, "/usr/sbin/dmsetup\n")}
DETAIL = "PATH=$PATH:/sbin:/usr/sbin; mdadm --detail /dev/md1"
MD1 = """/dev/md1:
        Raid Level : raid1
             State : clean
    Failed Devices : 0
     Spare Devices : 0
              UUID : 1:1:1:1
"""
POOL = """  pool: tank
 state: ONLINE
config:

\tNAME          STATE
\ttank          ONLINE
\t  mirror-0    ONLINE
\t    /dev/vdb  ONLINE
\t    /dev/vdc  ONLINE

errors: No known data errors
"""
NOTHING = "LoadState=loaded\nActiveState=inactive\nUnitFileState=\n"
SHOW = "systemctl show --property=LoadState,ActiveState,UnitFileState{} -- {}"
MEDIUM = "6b2f0d1e-52a1-4c5e-9d0a-7f6a3c1b1031"


_SPECIFICATION = {
    "prosesor": "1",
    "ram_gib": "0.875",
    "disk_gib": "3.28",
    "nomor_seri": "PATUH-debian12",
    "domain": "debian12.lab.example",
}
_FREE = r'"free_bytes": \d+'
_OLDEST = Edit("records/backup", '"when": "[^"]*"', '"when": "{now-0}"')
_SAMPLED = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


def inactive_but(active: str, units: Sequence[str]) -> dict[str, tuple[int, str]]:
    """What systemd says of units of which one at most is active."""
    asked = "systemctl show --property=LoadState,ActiveState,UnitFileState -- {}"
    return {asked.format(unit): (0, f"ActiveState={'active' if unit == active else 'inactive'}\n") for unit in units}


def unclear(port: int) -> str:
    """A rule of nft, as JSON, that may or may not accept what goes to a UDP port."""
    where = '"family": "inet", "table": "patuh", "chain": "input", "handle": 99'
    to = f'{{"match": {{"op": "==", "left": {{"payload": {{"protocol": "udp", "field": "dport"}}}}, "right": {port}}}}}'
    return f'{{"rule": {{{where}, "expr": [{to}, {{"xt": {{"type": "match"}}}}, {{"accept": null}}]}}}}'


def _uuid() -> str:
    """The recorded array's."""
    (said,) = (out for command, (_, out, _) in _compliant()["debian12"].items() if "mdadm --detail" in command)
    return str(re.findall(r"UUID : (\S+)", said)[0])


UUID = _uuid()

BOUNDARIES: list[Case] = [
    *cases(
        "accounts.least-privilege",
        (FAIL, Edit("^cat /etc/passwd", "^root:x:0:", "root:x:1:")),
        (FAIL, Edit("^cat /etc/passwd", "^daemon:x:1:", "daemon:x:0:")),
        (ERROR, Edit("^cat /etc/shadow", code=1)),
    ),
    *cases(
        "accounts.password-secrecy",
        (FAIL, Edit("^stat -c .*/etc/shadow", "640", "644")),
        (FAIL, Edit("^stat -c .*/etc/gshadow", "root", "daemon")),
        (PASS, Edit("^stat -c .*/etc/shadow", "640", "600")),
        (FAIL, Edit("^stat -c .*/etc/shadow", "640", "641")),
        (FAIL, Edit("^stat -c .*/etc/shadow", r"\A.*", "640 root www-data")),
        (FAIL, shadow("mysql", "$1$weak:20778::::::")),
    ),
    *cases(
        "accounts.password-rotation",
        (PASS, shadow("admin-a", f"{HASH}:{{day-90}}:0:90:14:::")),
        (FAIL, shadow("admin-a", f"{HASH}:{{day-91}}:0:90:14:::")),
        (FAIL, shadow("admin-a", f"{HASH}::0:90:14:::")),
        (PASS, shadow("admin-a", f"{HASH}:{{day-1}}:0:89:14:::")),
        (FAIL, shadow("admin-a", f"{HASH}:{{day--1}}:0:89:14:::")),
        (FAIL, shadow("admin-a", f"{HASH}:{{day-1}}:0:91:14:::")),
        (FAIL, shadow("admin-a", f"{HASH}:{{day-1}}:0::14:::")),
        (PASS, shadow("admin-a", "!:20000:0::14:::")),
        (PASS, shadow("admin-a", f"!{HASH}:20000:0:-1:14:::")),
        (FAIL, shadow("patuh", "!:20778:0:99999:7::30000:")),
    ),
    *cases(
        "accounts.superuser-password-rotation",
        (PASS, shadow("root", f"{HASH}:{{day-90}}:0:99999:7:::")),
        (FAIL, shadow("root", f"{HASH}:{{day-91}}:0:99999:7:::")),
        (FAIL, shadow("root", f"{HASH}::0:99999:7:::")),
        (NOT_APPLICABLE, shadow("root", "!:20778:0:99999:7:::")),
    ),
    *cases(
        "accounts.offboarding",
        # The person left on 10 November 2026: day 20767.
        (PASS, shadow("root", f"{HASH}:20767:0:99999:7:::")),
        (FAIL, shadow("root", f"{HASH}:20766:0:99999:7:::")),
        (FAIL, shadow("root", f"{HASH}::0:99999:7:::")),
    ),
    *cases(
        "backup.coverage",
        (PASS, Edit("records/backup", '"when": "[^"]*", "kind": "files"', '"when": "{now-2678400}", "kind": "files"')),
        (FAIL, Edit("records/backup", '"when": "[^"]*", "kind": "files"', '"when": "{now-2678401}", "kind": "files"')),
        (FAIL, Edit("records/backup", '"ok": true', '"ok": false')),
        (FAIL, Edit("records/backup", r'(\["perizinan"\], )"bytes": \d+', r'\1"bytes": 0')),
        (PASS, Edit("records/backup", r'(\["perizinan"\], )"bytes": \d+', r'\1"bytes": 1')),
        (FAIL, Edit("records/backup", r'"source": \["perizinan"\]', '"source": ["lain"]')),
        (FAIL, Edit("records/backup", '"perizinan"', '"lain"')),
        (ERROR, Edit("^mariadb ", code=1)),
        (ERROR, Edit("records/backup", '"when": "[^"]*"', '"when": "{now--4000}"')),
    ),
    *cases(
        "backup.encrypted",
        (FAIL, Edit("records/backup", '"ok": true', '"ok": false')),
        (FAIL, Edit("^stat .*passphrase", "root", "daemon")),
        (FAIL, Edit("^stat .*passphrase", code=1)),
    ),
    *cases(
        "disk.usage-90",
        (PASS, Edit("^df -lP ", r"\d+%(?= +/$)", "90%")),
        (FAIL, Edit("^df -lP ", r"\d+%(?= +/$)", "91%")),
        (PASS, Edit("^df -lPi ", "11%", "90%")),
        (FAIL, Edit("^df -lPi ", " 1%", " 91%")),
        (PASS, Edit("^df -lPi ", "11%", "-")),
        (ERROR, Edit("^df -lP ", r"\d+%(?= +/$)", "?")),
        (ERROR, Edit("^df -lP ", r"\d+%(?= +/$)", "")),
        (PASS, Edit("^df -lP ", "/srv", "/srv/satu dua")),
        (ERROR, Edit("^df -lP ", "^/dev.*\n", "")),
        # A person's own FUSE mount refuses even root: it is no disk of the server's.
        (PASS, Edit("^df -lP ", code=0, complaint="df: /home/sari/gudang: Permission denied\n")),
        (ERROR, Edit("^df -lP ", code=2, complaint="df: /home/sari/gudang: Permission denied\n")),
        (ERROR, Edit("^df -lP ", code=0, complaint="df: /srv: Input/output error\n")),
        (ERROR, Edit("^df -lP ", code=1, complaint="df: /srv: Input/output error\n")),
    ),
    *(
        Case("asset.facts-match", status, (), register=register)
        for register, status in (
            ([{**_SPECIFICATION}], PASS),
            ([], FAIL),
            ([None], FAIL),
            ([{**_SPECIFICATION}, {**_SPECIFICATION}], FAIL),
            ([{**_SPECIFICATION, "prosesor": "2"}], FAIL),
            ([{**_SPECIFICATION, "nomor_seri": "lain"}], FAIL),
        )
    ),
    *(
        Case("asset.facts-match", status, (), declared={"machine": "virtual"}, register=[specification])
        for specification, status in (
            ({name: one for name, one in _SPECIFICATION.items() if name != "nomor_seri"}, PASS),
            ({**_SPECIFICATION, "nomor_seri": "lain"}, FAIL),
        )
    ),
    Case(
        "asset.facts-match",
        FAIL,
        (),
        answers={"getent ahosts lain.example": (2, "")},
        register=[{**_SPECIFICATION, "domain": "lain.example"}],
    ),
    # What the maker left in the place of a number tells nothing, unless just that was written down.
    *(
        Case(
            "asset.facts-match",
            status,
            (Edit("product_serial", r"\A.*", "To be filled by O.E.M."),),
            register=[{**_SPECIFICATION, "nomor_seri": written}],
        )
        for written, status in (("7X2", ERROR), ("To be filled by O.E.M.", PASS))
    ),
    Case("asset.facts-match", FAIL, (), register=[{n: v for n, v in _SPECIFICATION.items() if n != "nomor_seri"}]),
    *(
        Case(
            "asset.facts-match",
            status,
            (Edit("^lsmem", "online memory:( +)939524096", rf"online memory:\g<1>{int(size * 2**30)}"),),
            register=[{**_SPECIFICATION, "ram_gib": "100"}],
        )
        for size, status in ((95, PASS), (105, PASS), (94.99, FAIL), (105.01, FAIL))
    ),
    *cases(
        "asset.facts-match",
        (FAIL, Edit("ip -j address", '"local":"10.31.10.31"', '"local":"10.31.10.99"')),
        (FAIL, Edit("ip -j address", '"local":"fd31:10::31"', '"local":"fd31:10::99"')),
        (ERROR, Edit("^lscpu", code=1)),
        (ERROR, Edit("^lsblk", code=1)),
    ),
    *cases(
        "backup.timestamped-names",
        (FAIL, Edit("records/backup", r"files-\d{4}-\d\d", "files-2026-13")),
        (FAIL, Edit("records/backup", r"files-(\d{4})", r"files-x\1")),
        (FAIL, Edit("records/backup", r'(files-[^"]*)Z"', r'\1"')),
        (FAIL, Edit("records/backup", '"ok": true', '"ok": false')),
    ),
    *cases(
        "backup.media-ready",
        (
            PASS,
            Edit("records/backup", r'"bytes": \d+', '"bytes": 7'),
            Edit("records/backup", _FREE, '"free_bytes": 14'),
        ),
        (
            FAIL,
            Edit("records/backup", r'"bytes": \d+', '"bytes": 7'),
            Edit("records/backup", _FREE, '"free_bytes": 13'),
        ),
        (FAIL, Edit("records/backup", _FREE, '"free_bytes": null')),
        (
            PASS,
            Edit("records/backup", r'"bytes": \d+', '"bytes": null'),
            Edit("records/backup", _FREE, '"free_bytes": 0'),
        ),
        (FAIL, Edit("records/backup", '"ok": true', '"ok": false')),
    ),
    *cases(
        "backup.access-traceable",
        (PASS, Edit("records/backup", '"by": "[^"]*"', '"by": "x.timer"')),
        (FAIL, Edit("records/backup", '"by": "[^"]*"', '"by": ""')),
        (FAIL, Edit("records/backup", '"by"', '"oleh"')),
        (PASS, Edit("records/backup", '"when": "[^"]*"', '"when": "{now-2678400}"')),
        (FAIL, Edit("records/backup", '"when": "[^"]*"', '"when": "{now-2678401}"')),
    ),
    *cases(
        "backup.report",
        (PASS, Edit("records/backup", r'"seconds": \d+', '"seconds": 0')),
        (FAIL, Edit("records/backup", r'"seconds": \d+', '"seconds": null')),
        (FAIL, Edit("records/backup", '"medium": "[^"]*"', '"medium": ""')),
        (FAIL, Edit("records/backup", '"kind": "files"', '"kind": ""')),
        (FAIL, Edit("records/backup", r'"archives": \[.*?\}\]', '"archives": []')),
        (FAIL, Edit("records/backup", '"archive": "[^"]*"', '"archive": ""')),
        (FAIL, Edit("records/backup", r'"source": \["/etc"\]', '"source": []')),
        (FAIL, Edit("records/backup", r'"bytes": \d+', '"bytes": null')),
        (FAIL, Edit("records/backup", '"ok": true', '"ok": false')),
    ),
    *cases(
        "backup.purge-1y",
        (PASS, _OLDEST, Edit("records/backup", '"oldest": "[^"]*"', '"oldest": "{now-31622399}"')),
        (FAIL, _OLDEST, Edit("records/backup", '"oldest": "[^"]*"', '"oldest": "{now-31622400}"')),
        (ERROR, Edit("records/backup", '"oldest"', '"lain"')),
        (FAIL, Edit("records/backup", '"ok": true', '"ok": false')),
    ),
    *cases(
        "records.access-control",
        (PASS, Edit("^stat -c '%a %U' /var/log/patuh", "750", "700")),
        (PASS, Edit("^stat -c '%a %U' /var/log/patuh", "750", "2750")),
        (FAIL, Edit("^stat -c '%a %U' /var/log/patuh", "750", "751")),
        (FAIL, Edit("^stat -c '%a %U' /var/log/patuh", "750", "754")),
        (FAIL, Edit("^stat -c '%a %U' /var/log/patuh", "750", "770")),
        (FAIL, Edit("^stat -c '%a %U' /var/log/patuh", "root", "patuh")),
        (FAIL, Edit("^find /var/log/patuh", r"\A", "/var/log/patuh/x\n")),
        (FAIL, Edit("^find /var/lib/patuh/records", r"\A", "/var/lib/patuh/records/x\n")),
        (FAIL, Edit("auditctl -l", "-w /var/log/patuh", "-w /var/log/lain")),
        (FAIL, Edit("auditctl -l", "-w /var/lib/patuh/records", "-w /var/lib/patuh")),
        (FAIL, Edit("^test -d /var/lib/patuh/records", code=1)),
        (FAIL, Edit("command -v auditctl", code=127)),
        (ERROR, Edit("auditctl -l", code=1)),
    ),
    *cases(
        "monitoring.resources-graphed",
        (PASS, Edit("sadf", _SAMPLED, "{stamp-3600}")),
        (PASS, Edit("sadf", _SAMPLED, "{stamp--300}")),
        (ERROR, Edit("sadf", _SAMPLED, "kemarin")),
        (ERROR, Edit("sadf -d -- -r", code=1)),
        (FAIL, unit("sysstat-collect.timer", "ActiveState=active", "ActiveState=inactive")),
        (FAIL, unit("sysstat-collect.timer", "UnitFileState=enabled", "UnitFileState=disabled")),
        (FAIL, unit("sysstat.service", "ActiveState=active", "ActiveState=inactive")),
        (FAIL, unit("sysstat.service", "UnitFileState=enabled", "UnitFileState=disabled")),
    ),
    *(
        Case(
            control,
            status,
            (Edit(f"sadf -d -- {part}", _SAMPLED, late),),
            answers=inactive_but(active, OTHER_RECORDERS),
        )
        for control, part in (
            ("monitoring.resources-graphed", "-u"),
            ("monitoring.resources-graphed", "-r"),
            ("monitoring.resources-graphed", "-d"),
            ("monitoring.resources-graphed", "-n DEV"),
            ("monitoring.network-graphed", "-n DEV"),
        )
        for late, active, status in (
            ("{stamp-3601}", "", FAIL),
            ("{stamp--301}", "", FAIL),
            ("{stamp-3601}", "vnstat.service", ERROR),
            ("{stamp-3600}", "vnstat.service", PASS),
        )
    ),
    *cases(
        "monitoring.network-graphed",
        (FAIL, Edit("ip -j address", '"ifname":"eth0"', '"ifname":"eth1"')),
        (FAIL, Edit("sadf -d -- -n DEV", ";eth0;", ";eth9;")),
        (ERROR, Edit("ip -j address", code=1)),
        (ERROR, Edit("ip -j address", r"(?s)\A.*\Z", "[]")),
    ),
    *cases(
        "disk.daily-monitoring",
        (PASS, Edit("records/disk-space", '"when": "[^"]*"', '"when": "{now-86400}"')),
        (FAIL, Edit("records/disk-space", '"when": "[^"]*"', '"when": "{now-86401}"')),
        (FAIL, Edit("test -e .*disk-space", code=1)),
    ),
    *cases(
        "firewall.only-role-services",
        (FAIL, Edit("^ss ", ":3306", ":3307")),
        (FAIL, Edit("^ss ", r"^tcp(.*):3306", r"udp\1:3306")),
        (FAIL, Edit("^nft|; nft", '"right": 3306', '"right": 3307')),
        (ERROR, Edit("^nft|; nft", code=1)),
    ),
    *cases(
        "firewall.persistent",
        (FAIL, Edit("patuh-firewall-in-effect", code=1)),
        (ERROR, Edit("patuh-firewall-in-effect", code=2)),
    ),
    *cases(
        "services.single-role",
        (PASS, listening(9100, "prometheus-node")),
        (FAIL, listening(80, "nginx")),
        (FAIL, listening(53, "named", "udp")),
        (FAIL, listening(8888, "apa-ini")),
        (FAIL, listening(9090, "systemd")),
        (PASS, listening(22, "systemd")),
        # A server without sshd has no ports of it to ask for.
        (PASS, Edit("^ss ", r"^.*\"sshd\".*\n", ""), Edit("sshd -T", code=127)),
        (ERROR, Edit("sshd -T", code=127)),
        # Beyond its own ports, sshd forwards for somebody who is logged in.
        (FAIL, listening(2222, "sshd")),
        (PASS, listening(2222, "sshd"), Edit("sshd -T", "^port 22$", "port 22\nport 2222")),
        (FAIL, listening(3128, "squid")),
        (PASS, Edit("^ss ", "mariadbd", "penyedia")),
        (FAIL, Edit("^ss ", r"^tcp(.*):3306(.*)mariadbd", r"udp\1:3306\2penyedia")),
    ),
    *cases(
        "maintenance.log",
        (FAIL, Edit("test -e /var/log/patuh", code=1)),
        (FAIL, Edit("^tail .*maintenance", r"(?s).*", "")),
        (FAIL, Edit("^tail .*maintenance", '"why": "[^"]*"', '"why": 1')),
        (PASS, Edit("^tail .*maintenance", r"(?s)\n.*", "\n")),
        (ERROR, Edit("^lsattr", code=1)),
    ),
    *cases(
        "monitoring.alerts",
        (FAIL, Edit("test -e .*alerts", code=1)),
        (FAIL, Edit("records/alerts", '"targets": 2', '"targets": 0')),
        (PASS, Edit("records/alerts", '"targets": 2', '"targets": 1')),
        (FAIL, Edit("records/alerts", ', "targets": 2', "")),
        (PASS, Edit("records/alerts", r"\A", '{"when": "{now-90}", "targets": 2, "failed": ["x"]}\n')),
        (PASS, Edit("records/alerts", r"(.*\n)\Z", r'{"when": "{now-90}", "targets": 2, "failed": ["x"]}\n\1')),
    ),
    *cases(
        "monitoring.connectivity",
        (PASS, Edit("records/connectivity", r'"when": "[^"]*"(.*\n)\Z', r'"when": "{now-1800}"\1')),
        (FAIL, Edit("records/connectivity", r'"when": "[^"]*"(.*\n)\Z', r'"when": "{now-1801}"\1')),
    ),
    *cases(
        "monitoring.hardware-health",
        (FAIL, Edit("mdadm --detail", "State : clean", "State : clean, degraded")),
        (FAIL, Edit("^findmnt -rno OPTIONS /$", "^rw", "ro")),
        (FAIL, Edit("^findmnt -rno OPTIONS /$", "^rw", "rw,emergency_ro")),
        (FAIL, Edit("errors_count", r"\A", "1\n")),
        (PASS, Edit("errors_count", code=1)),
        (FAIL, Edit("mdadm --detail", "Failed Devices : 0", "Failed Devices : 1")),
        (FAIL, Edit("^systemctl list-units", r"\A", "a.service loaded failed failed A\n")),
    ),
    *cases(
        "raid.present",
        (FAIL, Edit("mdadm --detail", "Raid Level : raid1", "Raid Level : raid0")),
        (FAIL, Edit("mdadm --detail", "Raid Devices : 2", "Raid Devices : 1")),
        (ERROR, Edit("mdadm --detail", "Raid Level : raid1", "")),
    ),
    *cases(
        "raid.hotspare",
        (FAIL, Edit("mdadm --detail", "Spare Devices : 1", "Spare Devices : 0")),
        (PASS, Edit("mdadm --detail", "Spare Devices : 1", "Spare Devices : 2")),
        (FAIL, Edit("mdadm --detail", r"\bspare +/dev", "spare rebuilding   /dev")),
    ),
    *cases(
        "raid.failed-disk-replaced",
        (FAIL, Edit("mdadm --detail", "State : clean", "State : active, degraded, recovering")),
        (FAIL, Edit("mdadm --detail", "State : clean", "State : active, FAILED")),
        (FAIL, Edit("mdadm --detail", "Failed Devices : 0", "Failed Devices : 1")),
        (PASS, Edit("mdadm --detail", "State : clean", "State : active, checking")),
    ),
    *cases(
        "raid.inspection-14d",
        (PASS, Edit("records/raid", '"when": "[^"]*"', '"when": "{now-1209600}"')),
        (FAIL, Edit("records/raid", '"when": "[^"]*"', '"when": "{now-1209601}"')),
        (FAIL, Edit("records/raid", "/dev/md0", "/dev/md1")),
        (PASS, Edit("records/raid", r"\A", '{"when": "{now-2000000}", "array": "/dev/md0"}\n')),
    ),
    *cases(
        "software.compatibility",
        (FAIL, Edit("^apt-get check", code=100)),
        (ERROR, Edit("^apt-get check", code=1)),
        (FAIL, Edit("^dpkg --audit", r"\A", " paket broken\n")),
    ),
    *cases(
        "ssh.server-installed",
        (FAIL, Edit("^test -x /usr/sbin/sshd", code=1)),
        (FAIL, Edit("^ss ", '"sshd"', '"lain"')),
        (FAIL, Edit("^ss ", r"(0.0.0.0|\[::\]):22 ", "127.0.0.1:22 ")),
        (PASS, Edit("^ss ", '"sshd"', '"systemd"')),
        (FAIL, unit("ssh.service", "ActiveState=active", "ActiveState=failed")),
        (PASS, unit("ssh.service", "=active", "=inactive"), unit("ssh.socket", "=inactive", "=active")),
    ),
    *cases(
        "ssh.protocol-2",
        (PASS, Edit("sshd -V", "OpenSSH_9.2", "OpenSSH_7.6")),
        (FAIL, Edit("sshd -V", "OpenSSH_9.2", "OpenSSH_7.5")),
        (FAIL, Edit("sshd -V", "OpenSSH_9.2", "OpenSSH_6.9")),
        (PASS, Edit("sshd -V", "OpenSSH_9.2", "OpenSSH_8.0")),
        (ERROR, Edit("sshd -V", "OpenSSH_", "dropbear ")),
        (FAIL, listening(513, "x")),
        (PASS, listening(513, "x", "udp")),
    ),
    *cases(
        "ssh.strong-algorithms",
        (PASS, Edit("sshd -T", "requiredrsasize 3072", "requiredrsasize 4096")),
        (FAIL, Edit("sshd -T", "requiredrsasize 3072", "requiredrsasize 3071")),
        (ERROR, Edit("^ssh -vv", code=255)),
    ),
    *cases(
        "ssh.keys-only",
        (FAIL, Edit("sshd -T", "pubkeyauthentication yes", "pubkeyauthentication no")),
        (FAIL, Edit("sshd -T", "permitemptypasswords no", "permitemptypasswords yes")),
        # A key is asked for first, whatever may be typed after it.
        (PASS, Edit("sshd -T", "kbdinteractiveauthentication no", "kbdinteractiveauthentication yes")),
        (
            FAIL,
            Edit("sshd -T", "kbdinteractiveauthentication no", "kbdinteractiveauthentication yes"),
            Edit("sshd -T", "^authenticationmethods publickey", "authenticationmethods any"),
        ),
        (
            FAIL,
            Edit("sshd -T", "kbdinteractiveauthentication no", "kbdinteractiveauthentication yes"),
            Edit("sshd -T", "^authenticationmethods publickey$", "authenticationmethods publickey,password hostbased"),
        ),
        (
            PASS,
            Edit("sshd -T", "^passwordauthentication no", "passwordauthentication yes"),
            Edit("sshd -T", "^authenticationmethods publickey$", "authenticationmethods publickey,password:pam"),
        ),
        (ERROR, Edit("sshd -T", code=255)),
    ),
    *cases(
        "os.kernel-pointers-hidden",
        (PASS, Edit("; sysctl -a", "kernel.kptr_restrict = 2", "kernel.kptr_restrict = 1")),
    ),
    *cases(
        "os.ptrace-restricted",
        (PASS, Edit("; sysctl -a", "ptrace_scope = 1", "ptrace_scope = 2")),
        (PASS, Edit("; sysctl -a", "ptrace_scope = 1", "ptrace_scope = 3")),
        (FAIL, Edit("; sysctl -a", "ptrace_scope = 1", "ptrace_scope = 4")),
        (ERROR, Edit("; sysctl -a", "^kernel.yama.*\n", "")),
    ),
    *cases(
        "os.links-protected",
        (PASS, Edit("; sysctl -a", "protected_fifos = 2", "protected_fifos = 1")),
        (FAIL, Edit("; sysctl -a", "protected_fifos = 2", "protected_fifos = 0")),
        (PASS, Edit("; sysctl -a", "protected_regular = 2", "protected_regular = 1")),
        (FAIL, Edit("; sysctl -a", "protected_regular = 2", "protected_regular = 0")),
    ),
    *cases(
        "os.unprivileged-bpf-off",
        (PASS, Edit("; sysctl -a", "unprivileged_bpf_disabled = 1", "unprivileged_bpf_disabled = 2")),
        (FAIL, Edit("; sysctl -a", "unprivileged_bpf_disabled = 1", "unprivileged_bpf_disabled = 0")),
        (FAIL, Edit("; sysctl -a", "bpf_jit_harden = 2", "bpf_jit_harden = 1")),
    ),
    *cases(
        "os.perf-restricted",
        (PASS, Edit("; sysctl -a", "perf_event_paranoid = 3", "perf_event_paranoid = 2")),
        (PASS, Edit("; sysctl -a", "perf_event_paranoid = 3", "perf_event_paranoid = 4")),
        (FAIL, Edit("; sysctl -a", "perf_event_paranoid = 3", "perf_event_paranoid = 5")),
    ),
    *cases(
        "os.reverse-path-filter",
        # With one way in and out, looseness filters nothing.
        (FAIL, Edit("; sysctl -a", "rp_filter = 1$", "rp_filter = 2")),
        (
            PASS,
            Edit("; sysctl -a", "rp_filter = 1$", "rp_filter = 2"),
            Edit("; sysctl -a", r"\A", "net.ipv4.conf.eth1.rp_filter = 2\n"),
        ),
        (FAIL, Edit("; sysctl -a", "rp_filter = 1$", "rp_filter = 3")),
        (ERROR, Edit("; sysctl -a", "^net.ipv4.conf.*\n", "")),
    ),
    *cases(
        "os.source-routing-refused",
        (PASS, Edit("; sysctl -a", r"^(net.ipv6.*accept_source_route) = 0", r"\1 = -1")),
        (FAIL, Edit("; sysctl -a", r"^(net.ipv6.*accept_source_route) = 0", r"\1 = 2")),
        (PASS, Edit("; sysctl -a", r"^(net.ipv4.conf.eth0.accept_source_route) = 0", r"\1 = 1")),
    ),
    # The last day of Debian 12's long-term support, and the day after.
    *cases(
        "os.supported-release",
        (PASS, Edit("^date -u", r"^\d+", "1846018800")),
        (FAIL, Edit("^date -u", r"^\d+", "1846026000")),
    ),
    *cases(
        "os.tmp-mount",
        (FAIL, Edit("^findmnt .*/tmp$", code=1)),
        (FAIL, Edit("^findmnt .*/tmp$", "nodev,", "")),
        (FAIL, Edit("^systemctl cat -- tmp.mount", ",noexec", "")),
        (FAIL, Edit("^systemctl cat -- tmp.mount", "^Options=", "#Options=")),
        (FAIL, Edit("^systemctl cat -- tmp.mount", code=1)),
        # A drop-in is read after the unit.
        (FAIL, Edit("^systemctl cat -- tmp.mount", r"\Z", "\n# x.conf\n[Mount]\nOptions=nosuid,nodev\n")),
        (PASS, Edit("^systemctl cat -- tmp.mount", r"\Z", "\n# x.conf\n[Mount]\nOptions=nosuid,nodev,noexec\n")),
    ),
    *cases("os.shm-mount", (FAIL, Edit("^findmnt --fstab", code=1))),
    *cases(
        "os.security-updates-automatic",
        (FAIL, Edit("^dpkg-query", "unattended-upgrades", "x")),
        (FAIL, Edit("^apt-config dump", "^APT::Periodic ", 'APT::Periodic::Enable "0";\nAPT::Periodic ')),
        (PASS, Edit("^apt-config dump", "^APT::Periodic ", 'APT::Periodic::Enable "1";\nAPT::Periodic ')),
        (FAIL, Edit("^apt-config dump", "label=Debian-Security", "label=Lain")),
        (FAIL, Edit("apt-cache policy", "l=Debian-Security", "l=Lain")),
        (PASS, Edit("apt-cache policy", "l=Debian,", "l=Lain,")),
        (ERROR, Edit("apt-cache policy", code=100)),
        (ERROR, Edit("apt-cache policy", "^Package files:", "Berkas:")),
        (FAIL, Edit("^cat /etc/os-release", "^VERSION_CODENAME=.*$", "VERSION_CODENAME=lain")),
        # What apt never takes, or takes from the release instead (APT::Default-Release), comes by itself no more.
        (FAIL, Edit("apt-cache policy", "^ 500 (?=.*security)", "  -1 ")),
        (FAIL, Edit("apt-cache policy", "^ 500 (?=.* bookworm/)", " 990 ")),
        (PASS, Edit("apt-cache policy", "^ 500 ", " 990 ")),
        (PASS, Edit("apt-cache policy", "^Pinned", PRIVATE_ARCHIVE + "Pinned")),
        *(
            (status, Edit("^apt-config dump", r"\Z", f'Unattended-Upgrade::Package-{name}:: "{pattern}";\n'))
            for name, pattern, status in (
                ("Blacklist", "linux-", FAIL),
                ("Blacklist", "nginx", PASS),
                ("Blacklist", "(", ERROR),
                ("Whitelist", "tzdata", FAIL),
                ("Whitelist", ".", PASS),
            )
        ),
        (FAIL, unit("apt-daily.timer", "UnitFileState=enabled", "UnitFileState=disabled")),
        (FAIL, unit("apt-daily-upgrade.timer", "UnitFileState=enabled", "UnitFileState=disabled")),
    ),
    *cases(
        "os.security-updates-installed",
        (FAIL, Edit("dist-upgrade$", r"\Z", "Inst openssl [1] (2 Debian-Security:12/stable-security [amd64])\n")),
        (PASS, Edit("dist-upgrade$", r"\Z", "Inst openssl [1] (2 Debian:12.9/stable [amd64])\n")),
        (ERROR, Edit("apt-cache policy", "l=Debian-Security", "l=Lain")),
        (PASS, Edit("dist-upgrade$", r"\Z", "Inst baru (2 Debian-Security:12/stable-security [amd64])\n")),
        (ERROR, Edit("dist-upgrade$", "newly installed", "baru")),
        # Updates that apt does not see.
        (ERROR, Edit("apt-cache policy", "^ 500 (?=.* bookworm/)", " 990 ")),
        # A kernel that was not booted yet; the version before a release, a name for its symbols, another's kernel.
        (FAIL, Edit("^uname -v", r"Debian \S+", "Debian 6.1.1-1")),
        (FAIL, Edit("Version", r"\Z", "ii \tlinux-image-6.99.0-1-amd64\t6.99.1-1\n")),
        (PASS, Edit("Version", r"\Z", "ii \tlinux-image-6.99.0-1-amd64-dbg\t6.99.1-1\n")),
        (PASS, Edit("Version", r"\Z", "ii \tlinux-image-6.1.0-0-amd64\t6.1.9-1\n")),
        (PASS, Edit("^uname -v", r"Debian \S+", "PMX 6.8.12-4")),
        (PASS, Edit("^uname -v", r"Debian \S+", "Debian 99.1-1")),
        (PASS, Edit("Version", "^ii \tlinux-image-.*\n", "")),
    ),
    *cases(
        "os.journal-persistent",
        (FAIL, Edit("^test -d /var/log/journal", code=1)),
        (FAIL, unit("systemd-journald.service", "ActiveState=active", "ActiveState=failed")),
    ),
    *cases(
        "os.empty-passwords-refused",
        (FAIL, Edit("pam_unix", r"\A", "/etc/pam.d/vsftpd:auth required pam_unix.so shadow nullok\n")),
        (PASS, Edit("pam_unix", r"\A", "/etc/pam.d/vsftpd:auth required pam_unix.so shadow\n")),
        (ERROR, Edit("pam_unix", code=1)),
        (ERROR, Edit("pam_unix", code=2)),
    ),
    # Set for those who type alone: then the shell that is none of theirs has none.
    *(
        Case(
            "os.session-timeout", status, (Edit("TMOUT", "900", said),), answers={INTERACTIVE: (0, f"{interactive}\n")}
        )
        for said in ("0", "")
        for interactive, status in (("900", PASS), ("Halo\n900", PASS), ("901", FAIL), ("0", FAIL), ("", FAIL))
    ),
    # What all interfaces share decides alone, where the kernel joins it with an interface's own.
    *(
        Case(f"os.{control}", PASS, (Edit("cat-config", rf"^net/ipv4/conf/(default|\*)/{name} .*\n", ""),))
        for control, name in (
            ("source-routing-refused", "accept_source_route"),
            ("reverse-path-filter", "rp_filter"),
            ("martians-logged", "log_martians"),
        )
    ),
    # Without IPv6 in the kernel, or with it switched off now and at boot, nothing of it is to be refused.
    *(
        Case(f"os.{control}", status, edits)
        for control, name in (
            ("redirects-refused", "accept_redirects"),
            ("router-advertisements-refused", "accept_ra"),
            ("source-routing-refused", "accept_source_route"),
        )
        for status, edits in (
            (PASS, (Edit("; sysctl -a", r"^net\.ipv6\..*\n", ""),)),
            (PASS, (ipv6_open(name), NO_IPV6_NOW, NO_IPV6_AT_BOOT)),
            (FAIL, (ipv6_open(name), NO_IPV6_AT_BOOT)),
            (FAIL, (ipv6_open(name), NO_IPV6_NOW)),
        )
    ),
    Case(
        "os.forwarding-off",
        PASS,
        (Edit("; sysctl -a", r"^net\.ipv6\..*\n", ""),),
        names="net.ipv6.conf.all.forwarding: no IPv6",
    ),
    Case(
        "os.redirects-refused",
        PASS,
        (Edit("; sysctl -a", r"^net\.ipv6\..*\n", ""),),
        names="net.ipv6.conf.*.accept_redirects: no IPv6",
    ),
    Case(
        "os.redirects-refused",
        PASS,
        (ipv6_open("accept_redirects"), NO_IPV6_NOW, NO_IPV6_AT_BOOT),
        names="net.ipv6.conf.eth0.accept_redirects (boot): no IPv6",
    ),
    # Numbers are the kernel's.
    *cases(
        "os.sysrq-off",
        (PASS, Edit("cat-config", "^kernel.sysrq = 0$", "-kernel.sysrq = 0x00")),
    ),
    *(
        Case("os.sysrq-off", FAIL, (Edit("cat-config", "^kernel.sysrq = 0$", later),), answers={SCRIPTS: (2, "")})
        for later in ("kernel.sysrq = 0x01b6", "kernel.sysrq = off")
    ),
    # Core dumps go where a pattern or an account's own limit sends them.
    *cases(
        "os.core-dumps-off",
        (FAIL, Edit("limits.conf", r"\Z", "\noracle hard core unlimited\n")),
        (FAIL, Edit("limits.conf", r"\Z", "\n@dba - core 1024\n")),
        (PASS, Edit("limits.conf", r"\Z", "\noracle - core 0\n#oracle hard core unlimited\n")),
        (PASS, core_pattern("|/bin/false")),
        (FAIL, core_pattern("|/usr/share/apport/apport %p")),
        (FAIL, Edit("cat-config", r"\Z", "\nkernel.core_pattern=|/usr/share/apport/apport %p\n")),
    ),
    *(
        Case(
            "os.core-dumps-off",
            status,
            (core_pattern("|/usr/lib/systemd/systemd-coredump %P"),),
            answers={"systemd-analyze cat-config systemd/coredump.conf": (0, f"[Coredump]\n{storage}\n")},
        )
        for storage, status in (
            ("Storage=none", PASS),
            ("#Storage=none", FAIL),
            ("Storage=none\nStorage=journal", FAIL),
        )
    ),
    # The last option of a kind wins, and each of the three is asked for.
    *cases(
        "os.shm-mount",
        (PASS, Edit("^findmnt --fstab", r"\A.*", "defaults,exec,nosuid,nodev,noexec")),
        (FAIL, Edit("^findmnt --fstab", r"\A.*", "nosuid,nodev,noexec,exec")),
        (FAIL, Edit("^findmnt --fstab", r"\A.*", "noexec")),
    ),
    *cases(
        "os.journal-persistent",
        (PASS, Edit("journald.conf", r"\Z", "\nStorage=auto\n")),
        (FAIL, Edit("journald.conf", r"\Z", "\nStorage=volatile\n")),
    ),
    # auditd is active and takes no events of this server's.
    *cases(
        "os.audit-running",
        (FAIL, Edit("auditctl -s", r"^pid \d+", "pid 0")),
        (PASS, Edit("auditctl -s", r"^pid \d+", "pid 1")),
    ),
    # su: a group that is kept out restricts nobody else, and a line above may let people in first.
    *cases(
        "os.su-restricted",
        (FAIL, Edit("pam.d/su$", r"^(auth required pam_wheel.so).*", r"\1 deny group=siswa")),
        (FAIL, Edit("pam.d/su$", r"^auth required pam_wheel.so.*", "auth sufficient pam_wheel.so trust")),
        # Below Debian's common-auth, which jumps to its end; but not below what ends the whole at once.
        (PASS, WHEEL_LAST),
        (FAIL, WHEEL_LAST, Edit("common-auth$", r"^auth\t\[success=3 default=ignore\]", "auth sufficient")),
        (FAIL, Edit("pam.d/su$", r"^auth required pam_wheel.so", "auth sufficient pam_permit.so\n\\g<0>")),
        (FAIL, Edit("pam.d/su$", r"^auth required pam_wheel.so", "auth optional pam_wheel.so")),
        (FAIL, Edit("pam.d/su$", r"^auth required pam_wheel.so", "account required pam_wheel.so")),
        (ERROR, Edit("pam.d/su$", r"^auth required pam_wheel.so", "auth substack lain\n\\g<0>")),
        # That today nobody comes through at all is no rule for whom it should let.
        (FAIL, Edit("pam.d/su$", r"^auth required pam_wheel.so.*", "auth requisite pam_deny.so")),
        (PASS, Edit("pam.d/su$", r"^auth required pam_wheel.so", "auth\trequisite\t/lib/security/pam_wheel.so")),
    ),
    *cases(
        "os.umask-restrictive",
        (FAIL, Edit("common-session$", r"(pam_umask.so.*)$", r"\1 umask=0022")),
        (PASS, Edit("common-session$", r"(pam_umask.so.*)$", r"\1 usergroups umask=027")),
    ),
    *cases("os.login-banner", (FAIL, Edit("^cat /etc/issue$", r"\A", "Welcome to the Proxmox Virtual Environment\n"))),
    # A home that is a link has the mode of what it leads to.
    *(
        Case(
            "os.homes-private",
            status,
            (Edit("^stat -c %a /home/admin-a$", r"\A.*", "777"),),
            answers={"stat -L -c %a /home/admin-a": (0, f"{mode}\n")},
        )
        for mode, status in (("750", PASS), ("777", FAIL))
    ),
    # sudo: options are taken back by a later file, or for some commands; root without a rule says nothing.
    *cases(
        "os.sudo-hardened",
        (FAIL, Edit("^sudo -n -l -U root", r"(logfile=[^\s,]+)", r"\1, !use_pty")),
        (FAIL, Edit("^sudo -n -l -U root", r"(logfile=[^\s,]+)", r"\1, !logfile")),
        (PASS, Edit("^sudo -n -l -U root", r"(logfile=[^\s,]+)", r"!use_pty, !logfile, \1, use_pty")),
        (FAIL, Edit("^sudo -n -l -U root", r"\Z", "\nCommand-specific defaults:\n    Defaults!/bin/bash !use_pty\n")),
        (ERROR, Edit("^sudo -n -l -U root", r"(?s)\A.*", "User root is not allowed to run sudo on debian12.\n")),
    ),
    # Changed on a day that is still to come.
    *cases("accounts.superuser-password-rotation", (FAIL, shadow("root", f"{HASH}:{{day--1}}:0:99999:7:::"))),
    # SHA-1 in the signatures of keys; hosts and tickets that vouch for people.
    *cases(
        "ssh.strong-algorithms",
        (FAIL, Edit("sshd -T", "^pubkeyacceptedalgorithms ", "pubkeyacceptedalgorithms ssh-rsa,")),
        (FAIL, Edit("sshd -T", "^casignaturealgorithms ", "casignaturealgorithms ssh-dss,")),
        # Nothing is known against it where both sides keep a strict key exchange.
        (PASS, Edit("sshd -T", "^ciphers ", "ciphers chacha20-poly1305@openssh.com,")),
        (
            FAIL,
            Edit("sshd -T", "^ciphers ", "ciphers chacha20-poly1305@openssh.com,"),
            NOT_STRICT,
        ),
    ),
    *cases(
        "ssh.keys-only",
        (FAIL, Edit("sshd -T", "^hostbasedauthentication no", "hostbasedauthentication yes"), NO_KEY_DEMANDED),
        (FAIL, Edit("sshd -T", "^permitrootlogin ", "gssapiauthentication yes\npermitrootlogin "), NO_KEY_DEMANDED),
        (PASS, NO_KEY_DEMANDED),
        # What sshd was built without it does not speak of; of passwords it always does.
        (PASS, Edit("sshd -T", "^(hostbased|gssapi|kerberos)authentication .*\n", "")),
        (ERROR, Edit("sshd -T", "^passwordauthentication .*\n", "")),
    ),
    *cases(
        "os.empty-passwords-refused",
        *(
            (PASS, Edit("pam_unix", r"\A", f"/etc/pam.d/{left}:auth sufficient pam_unix.so nullok_secure\n"))
            for left in ("common-auth.pam-old", "login.dpkg-old", "su~")
        ),
    ),
    *cases(
        "os.ctrl-alt-del-off",
        (FAIL, unit("ctrl-alt-del.target", "UnitFileState=masked", "UnitFileState=masked-runtime")),
    ),
    *cases("services.single-role", (PASS, listening(68, "dhcpcd", "udp"))),
    *cases(
        "os.router-advertisements-refused",
        (FAIL, Edit("ip -j -6 route", r"\A.*", '[{"dst":"default","dev":"eth0","protocol":"ra"}]')),
        (ERROR, Edit("ip -j -6 route", r"\A.*", "garbage")),
    ),
    *(
        Case(
            "os.router-advertisements-refused",
            status,
            (unit("systemd-networkd.service", "ActiveState=.*", "ActiveState=active"),),
            answers={
                "networkctl --json=short status --all": (
                    0,
                    '{"Interfaces":[{"Name":"e","NetworkFile":"/x/e.network"}]}',
                ),
                "systemd-analyze cat-config systemd/network/e.network": (0, f"[Network]\nIPv6AcceptRA={heard}\n"),
            },
        )
        for heard, status in (("no", PASS), ("yes", FAIL))
    ),
    *cases("os.cron-restricted", (NOT_APPLICABLE, Edit("command -v crontab", code=127))),
    *cases(
        "os.umask-restrictive",
        (FAIL, Edit("^cat /etc/passwd$", r"^(admin-a:x:\d+:\d+):[^:]*", r"\1:Piket,,,,umask=0022")),
        (FAIL, Edit("^cat /etc/passwd$", r"^(admin-a:x:\d+:\d+):[^:]*", r"\1:umask=002")),
        (PASS, Edit("^cat /etc/passwd$", r"^(admin-a:x:\d+:\d+):[^:]*", r"\1:pri=5,umask=077")),
    ),
    *cases(
        "accounts.least-privilege",
        (FAIL, Edit("^getent group docker", r"\A", "docker:x:900:sari\n")),
        (FAIL, Edit("^getent group docker", r"\A", "disk:x:6:admin-a,sari\n")),
        (PASS, Edit("^getent group docker", r"\A", "docker:x:900:admin-a,patuh\n")),
        (PASS, Edit("^getent group docker", code=0, complaint="all of them are there")),
    ),
    Case(
        "accounts.least-privilege",
        FAIL,
        (Edit("^getent group docker", r"\A", "docker:x:900:sari\n"),),
        names="groups: sari: docker",
    ),
    *cases("os.file-integrity", (FAIL, unit("patuh-integrity.timer", "SubState=waiting", "SubState=elapsed"))),
    # The same under other names.
    *cases(
        "os.compilers-absent",
        *(
            (FAIL, package(one))
            for one in ("golang-1.22-go", "rustc", "gcc-12-x86-64-linux-gnu", "tcc", "fpc", "clang-19")
        ),
        *(
            (PASS, package(one))
            for one in ("gcc-12-base", "libgcc-s1", "golang-docker-credential-helpers", "cmake-data")
        ),
    ),
    *cases("os.legacy-clients-absent", *((FAIL, package(one)) for one in ("telnet-ssl", "tftp", "yp-tools"))),
    *cases("os.unneeded-servers-absent", *((FAIL, package(one)) for one in ("cups-daemon", "atftpd", "openbsd-inetd"))),
    # A container's clock is its host's.
    *(
        Case(
            "os.time-synchronised",
            status,
            (unit("systemd-timesyncd.service", "UnitFileState=enabled", "UnitFileState="), *synchronised),
            answers={
                "systemd-detect-virt --container": (0 if kind != "none" else 1, f"{kind}\n"),
                **inactive_but("", ["openntpd.service"]),
            },
        )
        for kind, status, *synchronised in (
            ("lxc", PASS),
            ("none", FAIL),
            ("lxc", FAIL, Edit("^timedatectl show$", "NTPSynchronized=yes", "NTPSynchronized=no")),
        )
    ),
    *cases(
        "os.router-advertisements-refused",
        (ERROR, unit("NetworkManager.service", "ActiveState=.*", "ActiveState=active")),
    ),
    *cases(
        "os.audit-running",
        (FAIL, unit("auditd.service", "ActiveState=active", "ActiveState=failed")),
        (PASS, Edit("auditctl -s", "^enabled 1", "enabled 2")),
    ),
    *cases(
        "os.audit-rules",
        (FAIL, Edit("command -v auditctl", code=1)),
        (FAIL, Edit("auditctl -l", r"\A", "-a never,task\n")),
        (FAIL, Edit("auditctl -l", r"\A", "-a task,never\n")),
        (PASS, Edit("auditctl -l", r"\A", "-a never,exit -F arch=b64 -S umask\n")),
        (FAIL, Edit("^cat /etc/audit/rules.d", r"\A", "-A never,task\n")),
        # The same said in other ways, and what only looks the same.
        *(
            (status, Edit("auditctl -l", "^-w /etc/passwd .*", "\n".join(rules)))
            for status, *rules in (
                (PASS, "-a always,exit -F perm=wa -F path=/etc/passwd -k identity"),
                (PASS, "-a exit,always -S all -F path=/etc/passwd -F perm=wa -F auid>=1000 -F auid!=-1 -F key=x"),
                (PASS, "-w /etc/ -p wa"),
                (PASS, "-a always,exit -F dir=/etc/ -F perm=rwxa"),
                (PASS, "-a always,exit -F path=/etc/passwd"),
                (FAIL, "-a always,exit -F path=/etc/passwd -F perm=xa"),
                (FAIL, "-a always,exit -F path=/etc/passwd -F perm=wa -F uid=33"),
                (FAIL, "-a always,exit -F path=/etc/passwd -F perm=wa -F auid=1000"),
                (FAIL, "-a never,exit -F path=/etc/passwd", "-w /etc/passwd -p wa"),
                (FAIL, "-w /etc/passwd -p wa", "-A never,exit -F path=/etc/passwd"),
                (PASS, "-w /etc/passwd -p wa", "-a never,exit -F path=/etc/passwd"),
                (FAIL, "-a always,filesystem -F path=/etc/passwd -F perm=wa"),
                (FAIL, "-w /etc/passwd- -p wa"),
                (FAIL, "# -w /etc/passwd -p wa"),
            )
        ),
        (PASS, Edit("auditctl -l", "^-w /etc/ssh .*", "-w /etc/ssh/ -p wa")),
        (PASS, Edit("auditctl -l", "^-w /etc/ssh .*", "-a always,exit -F dir=/etc/ssh/ -F perm=wa")),
        (FAIL, Edit("auditctl -l", "^-w /etc/ssh .*", "-a always,exit -F path=/etc/ssh -F perm=wa")),
    ),
    *cases(
        "os.password-quality",
        (PASS, Edit("pwquality.conf", "^minlen = 14", "minlen = 12")),
        (FAIL, Edit("pwquality.conf", "^minlen = 14", "minlen = 11")),
        (FAIL, Edit("common-password", r"(pam_pwquality\.so.*)$", r"\1 minlen=11")),
        (PASS, Edit("common-password", r"(pam_pwquality\.so.*)$", r"\1 minlen=12 difok=2")),
        (FAIL, Edit("common-password", r"(pam_pwquality\.so.*)$", r"\1 minclass=2")),
        (FAIL, Edit("pwquality.conf", r"\Z", "MINLEN 11\n")),
        (FAIL, Edit("pwquality.conf", r"\Z", "dcredit = 3\n")),
        (PASS, Edit("pwquality.conf", r"\Z", "dcredit = 2\nucredit = -1\n")),
        (FAIL, Edit("pwquality.conf", r"\Z", "dcredit = 1\nocredit 1\nlcredit = 1  # each\n")),
        (FAIL, Edit("pwquality.conf", "^minclass = 3", "minclass = 2")),
        (PASS, Edit("pwquality.conf", "^minclass = 3", "minclass = 4")),
        (FAIL, Edit("pwquality.conf", code=1)),
        (PASS, Edit("pwquality.conf", code=2, complaint="grep: none of the drop-ins is there\n")),
        (ERROR, Edit("pwquality.conf", code=3, complaint="grep: killed\n")),
        # Two modules in a row: each is asked, and what the second lets through the first has let through before.
        (PASS, Edit("common-password", r"^(.*pam_pwquality\.so).*$", r"\1 minlen=8\n\1 minlen=12")),
        # Who comes to a new password without it: by another module, by a jump over it, whatever it says.
        *(
            (status, Edit("common-password", r"^(password)\s+requisite\s+(pam_pwquality\.so.*)$", replaced))
            for status, replaced in (
                (FAIL, r"\1 sufficient pam_unix.so\n\1 requisite \2"),
                (FAIL, r"\1 [success=1 default=ignore] pam_succeed_if.so user ingroup sudo\n\1 requisite \2"),
                (PASS, r"\1 [success=1 default=ignore] pam_lain.so\n\1 optional pam_lain.so\n\1 requisite \2"),
                (PASS, r"\1 [success=ok default=1] pam_localuser.so\n\1 requisite \2"),
                (PASS, r"\1 required \2"),
                (FAIL, r"\1 optional \2"),
                (FAIL, r"\1 [success=ok default=ignore] \2"),
                (PASS, r"\1 [success=ok default=die] \2"),
                (FAIL, r"-\1 [default=ignore] \2"),
                (FAIL, r"auth requisite \2"),
                (FAIL, r"\1 requisite pam_deny.so"),
            )
        ),
        # A negative credit asks for characters of its class; what is not enforced is a word of warning.
        (PASS, Edit("pwquality.conf", "^minclass = 3", "dcredit = -1\nucredit = -1\nocredit = -2")),
        (FAIL, Edit("pwquality.conf", "^minclass = 3", "dcredit = -1\nucredit = -1\nocredit = 0")),
        (FAIL, Edit("pwquality.conf", r"\Z", "enforcing = 0\n")),
        (PASS, Edit("pwquality.conf", r"\Z", "enforcing = 1\n")),
        (FAIL, Edit("^test -s /var/cache/cracklib/cracklib_dict.pwd", code=1)),
        (PASS, Edit("pwquality.conf", "^dictcheck = 1", "dictcheck = 0"), Edit("^test -s .*cracklib_dict.pwd", code=1)),
    ),
    *(
        Case(
            "os.password-quality",
            status,
            (Edit("pwquality.conf", "^dictcheck = 1", "dictpath = /srv/kamus"),),
            answers={"test -s /srv/kamus.pwd": (code, "")},
        )
        for status, code in ((PASS, 0), (FAIL, 1))
    ),
    *cases(
        "os.login-lockout",
        (PASS, Edit("faillock.conf", "^deny = 5", "deny = 1")),
        (FAIL, Edit("faillock.conf", "^deny = 5", "deny = 6")),
        (FAIL, Edit("faillock.conf", "^deny = 5", "deny = 0")),
        (PASS, Edit("faillock.conf", code=1)),
        # On the module's own line, it wins over the file.
        (FAIL, Edit("common-auth", r"(authfail.*)$", r"\1 deny=6")),
        (FAIL, Edit("common-auth", r"(preauth.*)$", r"\1\tdeny=6")),
        (PASS, Edit("common-auth", r"(authfail.*)$", r"\1 deny=4"), Edit("common-auth", r"(preauth.*)$", r"\1 deny=4")),
        (ERROR, Edit("common-auth", r"(authfail.*)$", r"\1 conf=/etc/lain.conf")),
        # Below the module that asks, and below the one that ends the stack, nothing is counted.
        (FAIL, Edit("common-auth", r"(?s)^(auth[^\n]*preauth[^\n]*\n)(.*pam_unix[^\n]*\n)", r"\2\1")),
        (FAIL, Edit("common-auth", r"(?s)^(auth[^\n]*authfail[^\n]*\n)(.*pam_deny[^\n]*\n)", r"\2\1")),
        (FAIL, Edit("common-auth", r"(?s)^([^\n]*pam_unix[^\n]*\n)(.*authfail[^\n]*\n)", r"\2\1")),
        (PASS, Edit("common-auth", r"pam_unix\.so", "pam_sss.so")),
        # What it says before the password is asked for may be ignored, whatever it says after that.
        (
            FAIL,
            Edit("common-auth", r"^auth\s+\w+(\s.*preauth.*)$", r"auth optional\1"),
            Edit("common-auth", r"\Z", "\nauth required pam_faillock.so authsucc\n"),
        ),
        # Another module lets in before it is asked.
        (FAIL, Edit("common-auth", r"^auth.*preauth.*$", "auth sufficient pam_sss.so\n\\g<0>")),
        # Failures within seconds, a lock of seconds; one that somebody must lift.
        (FAIL, Edit("faillock.conf", r"\Z", "fail_interval = 59\n")),
        (PASS, Edit("faillock.conf", r"\Z", "fail_interval = 60\n")),
        (FAIL, Edit("common-auth", r"(authfail.*)$", r"\1 fail_interval=5")),
        (FAIL, Edit("faillock.conf", r"^unlock_time = .*", "unlock_time = 59")),
        (PASS, Edit("faillock.conf", r"^unlock_time = .*", "unlock_time = 60")),
        (PASS, Edit("faillock.conf", r"^unlock_time = .*", "unlock_time = never")),
        (PASS, Edit("faillock.conf", r"^unlock_time = .*", "unlock_time = 0")),
        (FAIL, Edit("faillock.conf", r"\Z", "fail_interval = never\n")),
    ),
    *cases(
        "os.password-hashing",
        (FAIL, shadow("mysql", "$1$weak:20778::::::")),
        (PASS, shadow("mysql", "$2b$12$redacted:20778::::::")),
        # A password that stands in passwd itself counts, whatever shadow says.
        (FAIL, Edit("^cat /etc/passwd$", r"^(mysql):x:", r"\1:$1$weak:")),
        (PASS, Edit("^cat /etc/passwd$", r"^(mysql):x:", r"\1:*:")),
        # Without a word of its own pam_unix does what login.defs says.
        (PASS, UNNAMED_HASHING),
        (FAIL, UNNAMED_HASHING, Edit("login.defs", "^ENCRYPT_METHOD.*", "ENCRYPT_METHOD MD5")),
        (FAIL, UNNAMED_HASHING, Edit("login.defs", "^ENCRYPT_METHOD.*", "")),
        (FAIL, UNNAMED_HASHING, Edit("login.defs", "^ENCRYPT_METHOD.*", r"ENCRYPT_METHOD MD5\n\g<0>")),
        (PASS, UNNAMED_HASHING, Edit("login.defs", "^ENCRYPT_METHOD.*", r"\g<0>\nENCRYPT_METHOD MD5")),
        (FAIL, Edit("common-password", r"(pam_unix\.so.*) yescrypt", r"\1 md5")),
        (PASS, Edit("common-password", r"(pam_unix\.so.*) yescrypt", r"\1 sha512")),
        (FAIL, Edit("common-password", r"pam_unix\.so", "pam_lain.so")),
    ),
    *cases(
        "accounts.password-secrecy",
        (FAIL, Edit("^cat /etc/passwd$", r"^(mysql):x:", r"\1::")),
        # The same salt and hash: one of the two was copied.
        (FAIL, shadow("admin-a", f"{HASH}1:{{day-1}}:0:90:14:::"), shadow("admin-b", f"{HASH}1:{{day-1}}:0:90:14:::")),
        (PASS, shadow("admin-a", f"{HASH}1:{{day-1}}:0:90:14:::"), shadow("admin-b", f"{HASH}2:{{day-1}}:0:90:14:::")),
    ),
    *cases(
        "os.empty-passwords-refused",
        (PASS, Edit("pam_unix", r"^(/etc/pam.d/common-auth:.*)$", r"\1 # nullok was here")),
    ),
    *cases(
        "os.forwarding-off",
        (FAIL, Edit("; sysctl -a", r"^(net\.ipv4\.conf\.eth0\.forwarding) = 0", r"\1 = 1")),
        (FAIL, Edit("; sysctl -a", r"^(net\.ipv6\.conf\.default\.forwarding) = 0", r"\1 = 1")),
        (FAIL, Edit("sysctl --cat-config", r"\Z", "\nnet.ipv4.conf.eth0.forwarding = 1\n")),
    ),
    *cases("os.syn-cookies", (PASS, Edit("; sysctl -a", "tcp_syncookies = 1", "tcp_syncookies = 2"))),
    *cases("os.syn-cookies", (FAIL, Edit("; sysctl -a", "tcp_syncookies = 1", "tcp_syncookies = 0"))),
    *cases(
        "ssh.strong-algorithms",
        *(
            (
                status,
                Edit("sshd -T", "^gssapikeyexchange .*", f"gssapikeyexchange {exchange}"),
                Edit("sshd -T", "^gssapikexalgorithms .*", f"gssapikexalgorithms {names}"),
            )
            for exchange, names, status in (
                ("yes", "gss-group14-sha256-,gss-group14-sha1-", FAIL),
                ("yes", "gss-group14-sha256-,gss-curve25519-sha256-", PASS),
                ("yes", "none", FAIL),
                ("no", "gss-group14-sha1-", PASS),
            )
        ),
    ),
    *cases(
        "ssh.admin-workstations-only",
        (PASS, Edit("sshd -T", r"^(allowusers .*@[0-9.]+)$", r"\1/32")),
        (PASS, Edit("sshd -T", r"^(allowusers .*@[0-9a-f:]+:[0-9a-f:]+)$", r"\1/128")),
        (FAIL, Edit("sshd -T", r"^(allowusers .*@[0-9.]+)$", r"\1/31")),
        (FAIL, Edit("sshd -T", r"^(allowusers .*@[0-9a-f:]+:[0-9a-f:]+)$", r"\1/32")),
    ),
    *cases(
        "accounts.least-privilege",
        # A group may be an account's first one, which its line does not say.
        (FAIL, Edit("^getent group docker", r"\A", "disk:x:13:\n")),
        # Options for one account stand before its rules.
        (FAIL, Edit("^for name in", r"(?s)(@ admin-b\n.*?use_pty)(?=, )", r"\1, !authenticate")),
        (PASS, Edit("^for name in", r"(?s)(@ admin-b\n.*?use_pty)(?=, )", r"\1, !authenticate, authenticate")),
        (PASS, Edit("^for name in", r"(?s)(@ patuh\n.*?use_pty)(?=, )", r"\1, !authenticate")),
    ),
    *cases(
        "os.sudo-hardened",
        *(
            (
                status,
                Edit(
                    "^cvtsudoers",
                    r'("Defaults": \[)',
                    r'\1{"Binding": [{"usergroup": "sudo"}], "Options": [' + option + "]},",
                ),
            )
            for option, status in (
                ('{"use_pty": false}', FAIL),
                ('{"env_reset": true}, {"logfile": false}', FAIL),
                ('{"env_reset": false}', PASS),
                ('"use_pty"', ERROR),
            )
        ),
    ),
    *cases(
        "os.umask-restrictive",
        (FAIL, Edit("common-session", "pam_umask", "pam_lain")),
        (PASS, Edit("login.defs", r"^UMASK.*", "UMASK 077")),
        (FAIL, Edit("login.defs", r"^UMASK.*", "UMASK 026")),
    ),
    *cases(
        "os.session-timeout",
        (PASS, Edit("TMOUT", "900", "1")),
        (FAIL, Edit("TMOUT", "900", "901")),
        # A greeting stands before it.
        (PASS, Edit("TMOUT", r"\A", "\n *** Server Perizinan ***\n  Disk: 30%\n\n")),
    ),
    *(
        Case(
            "os.time-synchronised",
            status,
            (Edit("^timedatectl", "NTPSynchronized=yes", "NTPSynchronized=no"),),
            answers=inactive_but(active, ["openntpd.service"]),
        )
        for active, status in (("", FAIL), ("openntpd.service", ERROR))
    ),
    *cases(
        "os.cron-restricted",
        (FAIL, Edit("^cd /etc", "700 root cron.d$", "710 root cron.d")),
        (FAIL, Edit("^cd /etc", "700 root cron.d$", "701 root cron.d")),
        (FAIL, Edit("^cd /etc", "700 root cron.d$", "700 daemon cron.d")),
    ),
    *cases(
        "os.apparmor-enforcing",
        (FAIL, Edit("apparmor/parameters", "Y", "N")),
        (FAIL, Edit("apparmor/profiles", r"\(enforce\)", "(complain)")),
    ),
    *cases(
        "os.file-integrity",
        (FAIL, Edit("^stat .*aide.db", code=1)),
        (FAIL, Edit("^stat .*aide.db", r"^\d+", "0")),
        (PASS, Edit("^stat .*aide.db", r"^\d+ \d+", "1 {clock}"), Edit("^date", "^", "")),
        (PASS, Edit("^stat .*aide.db", r"^\d+ \d+", "1 {clock-172800}")),
        (FAIL, Edit("^stat .*aide.db", r"^\d+ \d+", "1 {clock-172801}")),
    ),
    *cases(
        "os.account-files-protected",
        (FAIL, mode("/etc/passwd", "645 root root")),
        (PASS, mode("/etc/passwd", "444 root root")),
        (FAIL, mode("/etc/passwd", "644 daemon root")),
        (FAIL, mode("/etc/group", "645 root root")),
        (FAIL, mode("/etc/shadow", "641 root root")),
        (FAIL, mode("/etc/gshadow", "641 root root")),
        (FAIL, mode("/etc/sudoers", "441 root root")),
        # A group that reads what everybody may not.
        (FAIL, mode("/etc/shadow", "640 root www-data")),
        (PASS, mode("/etc/shadow", "600 root www-data")),
        (PASS, mode("/etc/shadow", "0 root www-data")),
        (PASS, mode("/etc/passwd", "644 root www-data")),
        (PASS, Edit("^test -e /etc/sudoers", code=1)),
        (ERROR, Edit("^stat -L .*/etc/passwd", code=1)),
    ),
    *cases(
        "os.homes-private",
        (FAIL, mode("/root", "704", "stat -c")),
        (FAIL, mode("/home/patuh", "752", "stat -c")),
        (FAIL, mode("/home/patuh", "755", "stat -c")),
        (PASS, mode("/home/patuh", "751", "stat -c")),
        (PASS, mode("/home/patuh", "711", "stat -c")),
        (FAIL, mode("/home/patuh", "770", "stat -c")),
        (PASS, mode("/home/patuh", "700", "stat -c")),
        (ERROR, Edit("^test -d (/home|/root)", code=1)),
        (ERROR, Edit("^stat -c %a /root", code=1)),
    ),
    *cases(
        "os.core-dumps-off",
        (FAIL, Edit("^cat /etc/security/limits", code=1)),
        (ERROR, Edit("^cat /etc/security/limits", code=2)),
    ),
    *cases(
        "os.audit-rules",
        (FAIL, Edit("^cat /etc/audit/rules.d", code=1)),
        (ERROR, Edit("^cat /etc/audit/rules.d", code=2)),
        (FAIL, Edit("command -v auditctl", code=127)),
    ),
    *cases(
        "os.login-banner",
        (FAIL, Edit("^cat /etc/issue$", code=1)),
        (ERROR, Edit("^cat /etc/issue$", code=2)),
    ),
    *cases(
        "os.apparmor-enforcing",
        (FAIL, Edit("^cat /sys/module/apparmor", code=1)),
        (ERROR, Edit("^cat /sys/module/apparmor", code=2)),
        (FAIL, Edit("^cat /sys/kernel/security/apparmor", code=1)),
        (ERROR, Edit("^cat /sys/kernel/security/apparmor", code=2)),
    ),
    *cases(
        "os.cron-restricted",
        (NOT_APPLICABLE, Edit("^cd /etc && stat", code=1)),
        (ERROR, Edit("^cd /etc && stat", code=2)),
    ),
    *cases(
        "os.packages-authenticated",
        (FAIL, Edit("indextargets", r"\$\(ALLOW_INSECURE\)", "true")),
        (FAIL, Edit("indextargets", r"\$\(ALLOW_WEAK\)", "yes")),
        (FAIL, Edit("indextargets", r"\$\(ALLOW_DOWNGRADE_TO_INSECURE\)", "1")),
        (PASS, Edit("indextargets", r"\$\(ALLOW_WEAK\)", "no")),
        (ERROR, Edit("indextargets", code=100)),
    ),
    *(
        Case(
            "firewall.persistent",
            status,
            (
                unit("patuh-firewall.service", "UnitFileState=enabled", "UnitFileState=disabled"),
                unit("ufw.service", "(?s).*", "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"),
            ),
            answers={"grep -qsi '^ENABLED=[\"]*yes' /etc/ufw/ufw.conf": (code, "")},
        )
        for status, code in ((PASS, 0), (FAIL, 1), (FAIL, 2), (ERROR, 3))
    ),
    Case("os.forwarding-off", NOT_APPLICABLE, (), declared={"router": True}),
    Case("os.forwarding-off", NOT_APPLICABLE, (), declared={"container_host": True}),
    Case(
        "os.sysrq-off",
        ERROR,
        (Edit("sysctl --cat-config", r"^kernel\.sysrq = 0$", ""),),
        answers={SCRIPTS: (0, "sysctl -w kernel.sysrq=0\n")},
    ),
    Case(
        "os.sysrq-off",
        FAIL,
        (Edit("sysctl --cat-config", r"^kernel\.sysrq = 0$", ""),),
        answers={SCRIPTS: (2, "echo 2 >/proc/sys/kernel/kptr_restrict\n")},
    ),
    *(
        Case(
            "os.homes-private",
            status,
            (Edit("^cat /etc/passwd$", r"\Z", f"x:x:{uid}:{uid}::/home/x:/bin/sh\n"),),
            answers={"test -d /home/x": (0, ""), "stat -c %a /home/x": (0, "755\n")},
        )
        for uid, status in ((999, PASS), (1000, FAIL), (59999, FAIL), (60000, PASS))
    ),
    # A physical server without declared arrays has at least one, of whatever kind.
    Case("raid.present", PASS, (), declared={"raid_arrays": []}),
    Case("raid.present", NOT_APPLICABLE, (), declared={"raid_arrays": [], "machine": "virtual"}),
    Case("raid.present", PASS, (), declared={"machine": "virtual"}),
    Case("raid.present", FAIL, (NO_MD,), declared={"raid_arrays": []}, answers={PCI: (0, "0x010601\n"), **NO_DM}),
    Case("raid.present", FAIL, (NO_MD,), declared={"raid_arrays": []}, answers={PCI: (1, ""), **NO_DM}),
    Case("raid.present", ERROR, (NO_MD,), declared={"raid_arrays": []}, answers={PCI: (0, "0x060000\n0x010400\n")}),
    Case("raid.present", ERROR, (NO_MD,), declared={"raid_arrays": []}, answers={PCI: (2, ""), **NO_DM}),
    Case(
        "raid.present",
        FAIL,
        (NO_MD,),
        declared={"raid_arrays": []},
        answers={PCI: (1, ""), **DM, TABLE: (0, "linear\n")},
    ),
    Case(
        "raid.present",
        ERROR,
        (NO_MD,),
        declared={"raid_arrays": []},
        answers={PCI: (1, ""), **DM, TABLE: (0, "raid\n")},
    ),
    Case(
        "raid.present",
        FAIL,
        (),
        declared={"raid_arrays": ["/dev/md0", "tank"]},
        answers={"readlink -m -- tank": (0, "/root/tank\n")},
    ),
    Case(
        "raid.present",
        PASS,
        (),
        declared={"raid_arrays": ["/dev/md/data"]},
        answers={"readlink -m -- /dev/md/data": (0, "/dev/md0\n")},
    ),
    Case(
        "disk.usage-90",
        PASS,
        (Edit("^df -lP ", code=1, complaint="df: /home/sari/gudang: Permission denied\n"),),
        names="/home/sari/gudang (bytes)",
    ),
    Case("raid.monitored", FAIL, (NO_MD,), declared={"raid_arrays": []}, answers={PCI: (1, ""), **NO_DM}),
    Case("raid.inspection-14d", PASS, (), declared={"raid_arrays": []}, names="/dev/md0: inspected"),
    # An array that nobody declared is its owner's affair while it runs; one that does not run is in trouble.
    *(
        Case(
            "raid.present",
            status,
            (Edit("^cat /proc/mdstat", r"^md0 :", f"{other}\nmd0 :"),),
            answers={DETAIL: (0, told)},
        )
        for other, told, status in (
            ("md1 : active raid0 vde[0] vdf[1]", MD1.replace("raid1", "raid0"), PASS),
            ("md1 : inactive vde[0](S)", "", FAIL),
        )
    ),
    *cases(
        "monitoring.alerts",
        (ERROR, Edit("OnFailure", "^OnFailure=.*", "OnFailure=status-mail@cron.service")),
        (FAIL, Edit("OnFailure", "^OnFailure=.*", "OnFailure=")),
    ),
    # Where Patuh's own unit is not there, another program may do its work: whether it does cannot be told.
    *(
        Case(
            control,
            status,
            (unit(name, *GONE),),
            answers=inactive_but(active, others),
        )
        for control, name, others in (
            ("monitoring.connectivity", "patuh-connectivity.timer", OTHER_WATCHERS),
            ("disk.daily-monitoring", "patuh-disk-space.timer", OTHER_WATCHERS),
            ("raid.inspection-14d", "patuh-raid-inspect.timer", OTHER_WATCHERS),
            ("os.file-integrity", "patuh-integrity.timer", OTHER_INTEGRITY_CHECKERS),
        )
        for active, status in ((others[0], ERROR), (others[-1], ERROR), ("", FAIL))
    ),
    # A spare that arrays share serves both, while the monitor runs that moves it.
    *(
        Case(
            "raid.hotspare",
            status,
            (
                Edit("^cat /proc/mdstat", r"^md0 :", "md1 : active raid1 vde[0] vdf[1]\nmd0 :"),
                Edit("^cat /etc/mdadm/mdadm.conf", r"\Z", f"ARRAY /dev/md0 UUID={UUID} spare-group=a\n"),
                Edit("^cat /etc/mdadm/mdadm.conf", r"\Z", f"ARRAY /dev/md1 UUID=1:1:1:1\n  spare-group={group}\n"),
                unit("mdmonitor.service", "ActiveState=active", f"ActiveState={monitor}"),
            ),
            declared={"raid_arrays": []},
            answers={DETAIL: (0, MD1)},
        )
        for group, monitor, status in (("a", "active", PASS), ("b", "active", FAIL), ("a", "inactive", FAIL))
    ),
    *(
        Case(
            "services.single-role",
            status,
            (listening(443, "nginx"), Edit("^ss ", "mariadbd", "sshd")),
            declared={"role": role},
        )
        for role, status in (("web", PASS), ("proxy", PASS), ("dns", FAIL))
    ),
    *cases(
        "raid.monitored",
        (PASS, Edit("^cat /etc/mdadm/mdadm.conf", "^PROGRAM", "progr"), Edit("mdadm.conf", "^MAILADDR", "#")),
        (FAIL, Edit("^cat /etc/mdadm/mdadm.conf", "^PROGRAM", "#PROGRAM"), Edit("mdadm.conf", "^MAILADDR", "#")),
        (FAIL, Edit("^cat /etc/mdadm/mdadm.conf", "^PROGRAM", "PROBE"), Edit("mdadm.conf", "^MAILADDR", "MAILFROM")),
        (FAIL, Edit("^test -x /usr/local/sbin/patuh-raid-event", code=1), Edit("mdadm.conf", "^MAILADDR", "#")),
        *(
            (FAIL, Edit("AUTOCHECK", code=code), Edit("-- mdcheck_start.timer$", "=active", "=inactive"))
            for code in (1, 2)
        ),
        (PASS, Edit("-- mdcheck_start.timer$", "=active", "=inactive")),
    ),
    *(
        Case(
            "raid.monitored",
            status,
            (
                Edit("^cat /etc/mdadm/mdadm.conf", r"^PROGRAM .*$", ""),
                Edit("^cat /etc/mdadm/mdadm.conf", "^MAILADDR .*$", f"MAILADDR {to}"),
            ),
            answers={
                "test -x /usr/sbin/sendmail": (sendmail, ""),
                "cat /etc/aliases 2>/dev/null": (0 if aliases else 1, aliases),
            },
        )
        for to, sendmail, aliases, status in (
            ("root", 0, "", FAIL),
            ("admin@example.org  # the office", 0, "", PASS),
            ("# admin@example.org", 0, "", FAIL),
            ("root", 0, "root: admin@example.org\n", PASS),
            ("root", 1, "root: admin@example.org\n", FAIL),
            ("admin@example.org", 0, "", PASS),
            ("root@localhost", 0, "mail: root\n", FAIL),
        )
    ),
    *cases(
        "disk.usage-90",
        (PASS, Edit("^df -lPi", r"^(/dev/vda .*) \d+% /$", r"\1 - /")),
        (ERROR, Edit("^df -lPi", r"^(/dev/vda .*) \d+% /$", r"\1 viel /")),
        (ERROR, Edit("^df -lPi", r"^(/dev/vda .*) \d+% /$", r"\1")),
    ),
    # PostgreSQL's databases, too, are looked for where it listens.
    *(
        Case(
            "backup.coverage",
            status,
            (listening(5432, "postgres"),),
            answers={
                "cd / && runuser -u postgres -- psql -XAtc 'SELECT datname FROM pg_database'": (
                    code,
                    f"postgres\ntemplate1\ntemplate0\n{more}",
                )
            },
        )
        for code, more, status in (
            (0, "", PASS),
            (0, "perizinan\n", PASS),
            (0, "arsip lama\n", FAIL),
            (2, "", ERROR),
        )
    ),
    # Another tool makes the backups: its timer, how it ended, and the records that it leaves or does not.
    *(
        Case(
            "backup.offline-scheduled",
            status,
            (),
            declared={"backup_timers": {"files": "x.timer", **more}, "databases": databases},
            answers={
                SHOW.format(",SubState", "x.timer"): (
                    0,
                    f"LoadState=loaded\nActiveState={active}\nUnitFileState=enabled\n",
                ),
                SHOW.format(",Unit", "x.timer"): (0, "Unit=x.service\n"),
                SHOW.format(",Result,ExecMainExitTimestampMonotonic", "x.service"): (
                    0,
                    f"Result={result}\nExecMainExitTimestampMonotonic={ended}\n",
                ),
            },
        )
        for more, databases, active, result, ended, status in (
            ({}, [], "active", "success", 9, PASS),
            ({}, [], "inactive", "success", 9, FAIL),
            ({}, [], "active", "exit-code", 9, FAIL),
            ({}, [], "active", "success", 0, ERROR),
            ({}, ["perizinan"], "active", "success", 9, FAIL),
            ({"databases": "x.timer"}, ["perizinan"], "active", "success", 9, PASS),
        )
    ),
    # The medium may be mounted while a backup runs, and only then.
    *(
        Case(
            "backup.offline-scheduled",
            status,
            (),
            answers={
                SHOW.format("", "patuh-backup@files.service"): (0, f"ActiveState={files}\n"),
                SHOW.format("", "patuh-backup@databases.service"): (0, f"ActiveState={databases}\n"),
                f"findmnt -rn -S UUID={MEDIUM}": (0, ""),
                f"findmnt -rn -o TARGET -S UUID={MEDIUM}": (0 if where else 1, where),
            },
        )
        for files, databases, where, status in (
            ("activating", "inactive", "/run/patuh-backup\n", PASS),
            ("inactive", "activating", "/run/patuh-backup\n", PASS),
            ("inactive", "failed", "/mnt\n", FAIL),
            ("inactive", "inactive", "", PASS),  # it ended in between
        )
    ),
    *(
        Case(
            "backup.offline-scheduled",
            status,
            (),
            declared={"backup_timers": {"files": "x.timer"}, "databases": []},
            answers={
                SHOW.format(",SubState", "x.timer"): (
                    0,
                    "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
                ),
                SHOW.format(",Unit", "x.timer"): (0, "Unit=x.service\n"),
                SHOW.format(",Result,ExecMainExitTimestampMonotonic", "x.service"): (
                    0,
                    "Result=success\nExecMainExitTimestampMonotonic=9\n",
                ),
                SHOW.format("", "x.service"): (0, f"ActiveState={active}\n"),
                f"findmnt -rn -S UUID={MEDIUM}": (0, ""),
                f"findmnt -rn -o TARGET -S UUID={MEDIUM}": (0, "/media/cadangan\n"),
            },
        )
        for active, status in (("activating", PASS), ("inactive", FAIL), ("active", FAIL))
    ),
    *(
        Case(control, status, edits, declared={"backup_timers": {"files": "x.timer"}})
        for control, edits, status in (
            ("backup.coverage", (), PASS),
            ("backup.coverage", (Edit("^test -e .*records/backup", code=1),), ERROR),
            ("backup.encrypted", (), FAIL),
            ("backup.encrypted", (Edit("records/backup", r'"ok": true', '"ok": true, "encrypted": true'),), PASS),
            ("backup.encrypted", (Edit("records/backup", r'"ok": true', '"ok": false'),), FAIL),
        )
    ),
    *cases("backup.coverage", (FAIL, Edit("^test -e .*records/backup", code=1))),
    *cases(
        "backup.encrypted",
        (FAIL, Edit("^ls /var/lib/patuh/backup-keys", code=2)),
        (ERROR, Edit("^ls /var/lib/patuh/backup-keys", code=1)),
    ),
    Case("backup.coverage", FAIL, (), declared={"backup_paths": [], "databases": []}),
    Case("backup.coverage", FAIL, (), declared={"databases": []}),
    *cases(
        "backup.coverage",
        (PASS, Edit("records/backup", r'"bytes": \d+', '"bytes": 1')),
        (FAIL, Edit("records/backup", r'"bytes": \d+', '"bytes": 0')),
    ),
    # Without a database server nobody asks for databases; something must be declared all the same.
    Case("backup.coverage", PASS, NO_DATABASE, declared={"databases": []}),
    Case("backup.coverage", FAIL, NO_DATABASE, declared={"databases": [], "backup_paths": []}),
    # One that is reached by its socket alone listens nowhere, and has databases all the same.
    Case("backup.coverage", FAIL, NO_DATABASE[:1], declared={"databases": []}),
    Case("backup.offline-scheduled", FAIL, (), declared={"removable_media": []}),
    *cases("software.compatibility", (PASS, Edit("^dpkg --audit", code=1)), (ERROR, Edit("^dpkg --audit", code=2))),
    *(
        Case(
            "accounts.offboarding",
            status,
            (
                Edit("^cat /etc/passwd$", r"\Z", "admin-c:x:1009:1009::/home/admin-c:/bin/bash\n"),
                Edit("^cat /etc/shadow$", r"\Z", f"admin-c:{fields}:\n"),
                Edit("^getent group sudo$", r"$", sudo),
            ),
            answers={"test -s /home/admin-c/.ssh/authorized_keys": (keys, "")},
        )
        for fields, sudo, keys, status in (
            ("!:20000:0:90:14::{day-0}", "", 1, PASS),
            ("!:20000:0:90:14::{day--1}", "", 1, FAIL),
            ("!:20000:0:90:14::", "", 1, FAIL),
            (f"{HASH}:20000:0:90:14::1", "", 1, FAIL),
            ("!:20000:0:90:14::1", ",admin-c", 1, FAIL),
            ("!:20000:0:90:14::1", "", 0, FAIL),
        )
    ),
    # Who counts as a person: those whom adduser numbers.
    *(
        Case(
            "accounts.least-privilege",
            status,
            (Edit("^cat /etc/passwd$", r"\Z", f"x:x:{uid}:{uid}::/home/x:/bin/sh\n"),),
            answers={asked: (0, "@ x\n    (ALL : ALL) ALL\n")},
        )
        for asked in ('for name in admin-a admin-b patuh x; do echo "@ $name"; sudo -n -l -U "$name" 2>&1; done',)
        for uid, status in ((999, PASS), (1000, FAIL), (59999, FAIL), (60000, PASS))
    ),
    *cases("backup.coverage", (FAIL, Edit("records/backup", r', "bytes": \d+', ""))),
    *cases("monitoring.alerts", (FAIL, Edit("records/alerts", '"targets": 2', '"targets": "2"'))),
    # A rule that nothing here understands leaves the fate of its port open; a DHCP client's port may be.
    *(
        Case(
            "firewall.only-role-services",
            status,
            (Edit("; nft -j", r'\{"rule": \{[^{}]*"chain": "input"', unclear(port) + r", \g<0>"),),
        )
        for port, status in ((68, PASS), (6868, ERROR))
    ),
    # What the kernel joins from the setting for all interfaces and an interface's own.
    *cases(
        "os.reverse-path-filter",
        (PASS, Edit("; sysctl -a", r"^net.ipv4.conf.all.rp_filter = 1", "net.ipv4.conf.all.rp_filter = 0")),
        (PASS, Edit("; sysctl -a", r"^net.ipv4.conf.eth0.rp_filter = 1", "net.ipv4.conf.eth0.rp_filter = 0")),
        (FAIL, Edit("; sysctl -a", r"^net.ipv4.conf.(all|eth0).rp_filter = 1", r"net.ipv4.conf.\1.rp_filter = 0")),
        (FAIL, Edit("; sysctl -a", r"^net.ipv4.conf.eth0.rp_filter = 1\n", "")),
        (FAIL, Edit("; sysctl -a", r"^net.ipv4.conf.eth0.rp_filter = 1", "net.ipv4.conf.eth0.rp_filter = x")),
        (FAIL, Edit("; sysctl -a", r"^net.ipv4.conf.all.rp_filter = 1\n", "")),
    ),
    # No file names the interface: it begins with the setting for those still to come.
    *cases("os.reverse-path-filter", (PASS, Edit("sysctl --cat-config", r"^net/ipv4/conf/\*/rp_filter = 1$", ""))),
    *cases(
        "os.router-advertisements-refused",
        (PASS, Edit("; sysctl -a", r"^net.ipv6.conf.all.accept_ra = 0\n", "")),
        (FAIL, Edit("; sysctl -a", r"^net.ipv6.conf.eth0.accept_ra = 0\n", "")),
        (FAIL, Edit("; sysctl -a", r"^net.ipv6.conf.eth0.accept_ra = 0", "net.ipv6.conf.eth0.accept_ra = 1")),
    ),
    *cases(
        "os.reverse-path-filter",
        *(
            (status, Edit("sysctl --cat-config", r"\Z", f"\nnet.ipv4.conf.{a}=0\nnet.ipv4.conf.{b}=0\n"))
            for status, a, b in (
                (PASS, "all.rp_filter", "all.rp_filter"),
                (PASS, "eth0.rp_filter", "eth0.rp_filter"),
                (FAIL, "all.rp_filter", "eth0.rp_filter"),
            )
        ),
    ),
    *cases(
        "os.tmp-mount",
        (PASS, Edit("^findmnt .*/tmp$", r"(?s)\A.*\Z", "nosuid,nodev,noexec\n")),
        (PASS, Edit("^findmnt .*/tmp$", r"\A", "rw\n")),
        (FAIL, Edit("^findmnt .*/tmp$", r"\Z", "rw\n")),
    ),
    *cases("os.time-synchronised", (PASS, Edit("^timedatectl show", r"\Z", "TimeUSec=a=b=c\n"))),
    *(
        Case("ssh.protocol-2", PASS, (), answers={"/usr/sbin/sshd -V 2>&1; ssh -V 2>&1": (code, "OpenSSH_9.2p1\n")})
        for code in (0, 1, 127, 255)
    ),
    *(
        Case(
            "ssh.remote-first",
            status,
            (Edit("^journalctl .*LOGIN ON", r"\A.*", "2026-11-20T08:00:00+00:00 debian12 login[9]: LOGIN ON tty1\n"),),
            answers={"cat /var/log/patuh/maintenance.jsonl": (0, f'{{"when": "{day}T01:00:00+00:00"}}\n')},
        )
        for day, status in (("2026-11-20", PASS), ("2026-11-19", FAIL))
    ),
    *cases("disk.daily-monitoring", (PASS, Edit("records/disk-space", r"\A", '{"when": "{now-99999}"}\n'))),
    *(
        Case(
            "raid.monitored",
            status,
            (NO_MD,),
            declared={"raid_arrays": []},
            answers={
                "PATH=$PATH:/sbin:/usr/sbin; command -v zpool": (0, "/usr/sbin/zpool\n"),
                "PATH=$PATH:/sbin:/usr/sbin; zpool list -H -o name": (0, "tank\n"),
                "PATH=$PATH:/sbin:/usr/sbin; zpool status -P tank": (0, POOL),
                "cat /etc/zfs/zed.d/zed.rc 2>/dev/null": (code, config),
                SHOW.format("", "zfs-zed.service"): (0, f"LoadState=loaded\nActiveState={zed}\nUnitFileState=\n"),
                SHOW.format("", "zfs-scrub-weekly@tank.timer"): (0, NOTHING),
                SHOW.format("", "zfs-scrub-monthly@tank.timer"): (0, NOTHING.replace("inactive", timer)),
                "test -e /etc/cron.d/zfsutils-linux": (1, ""),
            },
        )
        for code, config, zed, timer, status in (
            (0, 'ZED_NTFY_TOPIC="dinas"\n', "active", "active", PASS),
            (0, 'ZED_NTFY_TOPIC="dinas"\n', "inactive", "active", FAIL),
            (0, 'ZED_NTFY_TOPIC="dinas"\n', "active", "inactive", FAIL),
            (0, '#ZED_NTFY_TOPIC="dinas"\n', "active", "active", FAIL),
            (1, "", "active", "active", FAIL),
            (2, "", "active", "active", ERROR),
        )
    ),
]


@pytest.mark.parametrize("case", BOUNDARIES, ids=str)
def test_the_verdict_turns_where_it_should(case: Case) -> None:
    said = finding(case)
    assert is_right(case, said), said


FIGURES = {
    "backup_database_days_max": 7,
    "backup_files_days_max": 31,
    "connectivity_minutes_max": 15,
    "disk_check_hours_max": 24,
    "disk_used_pct_max": 90,
    "hotspare_min": 1,
    "password_days_max": 90,
    "raid_inspection_days_max": 14,
    "superuser_password_days_max": 90,
}


def test_figures_of_the_cases_are_those_in_force() -> None:
    """The cases above count on these; a change of the regulation's figures must bring theirs."""
    in_force = {name: figure.value for name, figure in recorded_fleet().parameters.items()}
    assert {name: in_force[name] for name in FIGURES} == FIGURES
