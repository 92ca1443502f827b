"""Operating-system hardening, an item a control (Jambi G.12)."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Callable

from testinfra.host import Host

from compliance.checking import CannotTell, Context, NotApplicable, Saw, assesses
from compliance.checks.shared import own_unit_runs, unit_runs
from compliance.probes import apt, audit, is_there, kernel, networkd, output, pam, records, succeeds, systemd
from compliance.probes.accounts import STRONG_HASHES, accounts, date_of, sudo_options, today
from compliance.probes.packages import installed, versions

# The last day of Debian's long-term support, https://wiki.debian.org/LTS
DEBIAN_SUPPORTED_UNTIL = {"12": datetime.date(2028, 6, 30), "13": datetime.date(2030, 6, 30)}

LEGACY_CLIENTS = {
    "atftp",
    "ftp",
    "ftp-ssl",
    "inetutils-ftp",
    "inetutils-talk",
    "inetutils-telnet",
    "nis",
    "rsh-client",
    "rsh-redone-client",
    "talk",
    "telnet",
    "telnet-ssl",
    "tftp",
    "tftp-hpa",
    "tnftp",
    "yp-tools",
}
UNNEEDED_SERVERS = {
    "atftpd",
    "autofs",
    "avahi-daemon",
    "cups",
    "cups-daemon",
    "inetutils-inetd",
    "inetutils-talkd",
    "inetutils-telnetd",
    "openbsd-inetd",
    "rpcbind",
    "rsh-redone-server",
    "rsh-server",
    "talkd",
    "telnetd",
    "telnetd-ssl",
    "tftpd",
    "tftpd-hpa",
    "xinetd",
    "ypserv",
}
# Where Debian's cracklib-runtime keeps its dictionary, unless pwquality.conf(5) names another.
CRACKLIB_DICTIONARY = "/var/cache/cracklib/cracklib_dict"
PAM_UNIX_METHODS = ("md5", "bigcrypt", "sha256", "sha512", "blowfish", "gost_yescrypt", "yescrypt")
AUTHENTICATING_MODULES = r"pam_(unix|sss|ldap|krb5|winbind|systemd_home)\.so"
# Each with a database and a time of its own that are not looked into here.
OTHER_INTEGRITY_CHECKERS = (
    "dailyaidecheck.timer",
    "osqueryd.service",
    "samhain.service",
    "wazuh-agent.service",
)
COMPILERS = re.compile(
    r"(gcc|g\+\+|gfortran|gnat|gdc|gobjc|clang|tcc|golang|fpc|ghc)(-[0-9][0-9.]*)?(-[a-z0-9_-]+-linux-gnu[a-z0-9]*|-mingw-w64.*)?"
    r"|make|golang(-[0-9.]+)?-go|gccgo(-[0-9.]+)?|rustc|fp-compiler(-[0-9.]+)?"
)
# Copies of files that packages and editors leave behind, under names that no service has.
LEFT_BEHIND = re.compile(r"\.(pam-old|pam-new|dpkg-[a-z]+|ucf-[a-z]+|bak|orig|old|save)$|~$")


def sysctls(host: Host, saw: Saw, **wanted: tuple[int, ...]) -> None:
    """Record that settings are within what is wanted, running and after a reboot; ``__`` stands for a dot."""
    running, booted = kernel.running(host), kernel.after_reboot(host)
    if not running:
        raise CannotTell("sysctl says nothing")
    for name, numbers in wanted.items():
        key, expected = name.replace("__", "."), " | ".join(map(str, numbers))
        if key.startswith("net.ipv6.") and kernel.without_ipv6(running):
            saw(key, expected=expected, observed=NO_IPV6, holds=True)
            continue
        if key not in running:
            raise CannotTell(f"{key} is not among the kernel's settings")
        now, later = kernel.number(running[key]) in numbers, kernel.number(booted.get(key)) in numbers
        saw(key, expected=expected, observed=running[key], holds=now)
        if now and not later and key in kernel.set_by_scripts(host):
            raise CannotTell(f"{key} is set by a script, not by sysctl.d: whether it lasts is not known")
        saw(f"{key} (boot)", expected=expected, observed=booted.get(key) or "not set", holds=later)


# How the kernel joins the setting for all interfaces with an interface's own (ip-sysctl in the kernel's documentation).
NO_IPV6 = "no IPv6"
EITHER, BOTH, OWN = max, min, lambda everywhere, own: own


def interface_settings(
    host: Host, saw: Saw, family: str, name: str, wanted: tuple[int, ...], joined: Callable[[int, int], int]
) -> None:
    """Record what holds on every interface, now and after a reboot, whatever the setting for all of them says."""
    running, booted = kernel.running(host), kernel.after_reboot(host)
    found = kernel.interfaces(running, family)
    expected = " | ".join(map(str, wanted))
    if family == "ipv6" and kernel.without_ipv6(running):
        saw(f"net.ipv6.conf.*.{name}", expected=expected, observed=NO_IPV6, holds=True)
        return
    if not found:
        raise CannotTell(f"sysctl says nothing of net.{family}.conf")
    for interface in found:
        keys = [f"net.{family}.conf.{scope}.{name}" for scope in ("all", interface)]
        # An interface that no file names begins with the setting for those still to come.
        later_keys = [keys[0], keys[1] if booted.get(keys[1]) is not None else f"net.{family}.conf.default.{name}"]
        for suffix, settings, asked in (("", running, keys), (" (boot)", booted, later_keys)):
            everywhere, own = (kernel.number(settings.get(key)) for key in asked)
            if family == "ipv6" and _switched_off(settings, interface, at_boot=bool(suffix)):
                saw(f"{keys[1]}{suffix}", expected=expected, observed=NO_IPV6, holds=True)
                continue
            if own is None or (everywhere is None and joined is not OWN):
                observed: object = "not set"
            else:
                observed = joined(everywhere if everywhere is not None else own, own)
            saw(f"{keys[1]}{suffix}", expected=expected, observed=observed, holds=observed in wanted)


def _switched_off(settings: kernel.Settings, interface: str, *, at_boot: bool) -> bool:
    """Whether an interface takes no packets of IPv6; written for all, it reaches those that are there and to come."""
    own, *others = (
        kernel.number(settings.get(f"net.ipv6.conf.{scope}.disable_ipv6")) for scope in (interface, "all", "default")
    )
    return own == 1 or (at_boot and own is None and 1 in others)


@assesses("os.supported-release")
def test_release_is_supported(host: Host, context: Context, saw: Saw) -> None:
    """The release still gets security fixes on the server's day."""
    said = dict(
        re.findall(r'^(ID|VERSION_ID|PRETTY_NAME)="?([^"\n]*)"?$', output(host, "cat /etc/os-release"), re.MULTILINE)
    )
    if said.get("ID") != "debian":
        raise CannotTell(f"nothing is known of the releases of {said.get('ID')}")
    until = DEBIAN_SUPPORTED_UNTIL.get(said.get("VERSION_ID", ""))
    name = said.get("PRETTY_NAME", "?")
    saw(
        "os-release",
        expected="Debian 12 | 13",
        observed=f"{name}, <= {until.isoformat()}" if until else name,
        holds=until is not None and date_of(today(host)) <= until,
    )


@assesses("os.address-randomisation")
def test_addresses_are_randomised(host: Host, context: Context, saw: Saw) -> None:
    """Full address-space randomisation."""
    sysctls(host, saw, kernel__randomize_va_space=(2,))


@assesses("os.kernel-pointers-hidden")
def test_kernel_pointers_are_hidden(host: Host, context: Context, saw: Saw) -> None:
    """Neither pointers nor the kernel's log are shown to ordinary users."""
    sysctls(host, saw, kernel__kptr_restrict=(1, 2), kernel__dmesg_restrict=(1,))


@assesses("os.ptrace-restricted")
def test_ptrace_is_restricted(host: Host, context: Context, saw: Saw) -> None:
    """Processes trace their own children at most."""
    sysctls(host, saw, kernel__yama__ptrace_scope=(1, 2, 3))


@assesses("os.links-protected")
def test_links_are_protected(host: Host, context: Context, saw: Saw) -> None:
    """Links, pipes and files in sticky directories cannot be used against others."""
    sysctls(
        host,
        saw,
        fs__protected_hardlinks=(1,),
        fs__protected_symlinks=(1,),
        fs__protected_fifos=(1, 2),
        fs__protected_regular=(1, 2),
    )


def _coredump_storage(host: Host) -> str:
    """Where systemd-coredump puts what it is given (coredump.conf(5))."""
    said = output(host, "systemd-analyze cat-config systemd/coredump.conf")
    set_ = re.findall(r"^\s*Storage\s*=\s*(\S+)", said, re.MULTILINE)
    return str(set_[-1]) if set_ else "external"


@assesses("os.core-dumps-off")
def test_core_dumps_are_off(host: Host, context: Context, saw: Saw) -> None:
    """Neither privileged nor ordinary programs leave their memory on disk."""
    sysctls(host, saw, fs__suid_dumpable=(0,))
    limits = output(host, "cat /etc/security/limits.conf /etc/security/limits.d/*.conf 2>/dev/null", codes=(0, 1))
    # An account's or a group's own line wins over everybody's; root is not among everybody (limits.conf(5)).
    hard = dict(re.findall(r"^\s*(\S+)\s+(?:hard|-)\s+core\s+(\S+)", limits, re.MULTILINE))
    saw("limits: core", expected="0", observed=hard.pop("*", "—"))
    more = sorted(f"{who}: {size}" for who, size in hard.items() if size != "0" and not who.startswith("#"))
    saw("limits: core of some", expected="—", observed=more, holds=not more)
    # What is piped to a program is kept by it, whatever the limits say: core(5).
    for when, pattern in (
        ("", kernel.running(host).get("kernel.core_pattern", "core")),
        (" (boot)", kernel.after_reboot(host).get("kernel.core_pattern") or "core"),
    ):
        if pattern.startswith("|") and not re.match(r"\|\s*(/usr)?/bin/(false|true)\b", pattern):
            kept = _coredump_storage(host) if "systemd-coredump" in pattern else "?"
            saw(f"kernel.core_pattern{when}", expected="—", observed=f"{pattern:.60}: {kept}", holds=kept == "none")


@assesses("os.unprivileged-bpf-off")
def test_unprivileged_bpf_is_off(host: Host, context: Context, saw: Saw) -> None:
    """Ordinary users load no programs into the kernel, and its compiler is hardened."""
    sysctls(host, saw, kernel__unprivileged_bpf_disabled=(1, 2), net__core__bpf_jit_harden=(2,))


@assesses("os.sysrq-off")
def test_sysrq_is_off(host: Host, context: Context, saw: Saw) -> None:
    """The SysRq key does nothing."""
    sysctls(host, saw, kernel__sysrq=(0,))


@assesses("os.perf-restricted")
def test_perf_is_restricted(host: Host, context: Context, saw: Saw) -> None:
    """Ordinary users read no performance counters."""
    sysctls(host, saw, kernel__perf_event_paranoid=(2, 3, 4))


@assesses("os.kexec-off")
def test_kexec_is_off(host: Host, context: Context, saw: Saw) -> None:
    """No other kernel can be loaded over the running one."""
    sysctls(host, saw, kernel__kexec_load_disabled=(1,))


@assesses("os.forwarding-off")
def test_forwarding_is_off(host: Host, context: Context, saw: Saw) -> None:
    """The server forwards nothing, unless it is declared a router or runs containers."""
    if context.host is not None and (context.host.router or context.host.container_host):
        raise NotApplicable("declared-router")
    sysctls(host, saw, net__ipv4__ip_forward=(0,), net__ipv6__conf__all__forwarding=(0,))
    # What came in through an interface is forwarded where it alone says so, too.
    running = kernel.running(host)
    names = [name for name in running if re.fullmatch(r"net\.ipv[46]\.conf\..+\.forwarding", name)]
    for suffix, settings in (("", running), (" (boot)", kernel.after_reboot(host))):
        on = [name for name in names if kernel.number(settings.get(name)) not in (0, None)]
        saw(f"forwarding{suffix}", expected="—", observed=on, holds=not on)


@assesses("os.redirects-refused")
def test_redirects_are_refused(host: Host, context: Context, saw: Saw) -> None:
    """The server neither believes nor sends redirects."""
    for name in ("accept_redirects", "secure_redirects", "send_redirects"):
        interface_settings(host, saw, "ipv4", name, (0,), EITHER)
    interface_settings(host, saw, "ipv6", "accept_redirects", (0,), OWN)


@assesses("os.source-routing-refused")
def test_source_routing_is_refused(host: Host, context: Context, saw: Saw) -> None:
    """Packets do not choose their own way."""
    interface_settings(host, saw, "ipv4", "accept_source_route", (0,), BOTH)
    interface_settings(host, saw, "ipv6", "accept_source_route", (0, -1), OWN)


@assesses("os.reverse-path-filter")
def test_reverse_path_is_filtered(host: Host, context: Context, saw: Saw) -> None:
    """A packet must come from where its answer would go."""
    # With one way in and out, any address has a way back by it: only strictness filters.
    ways = set(kernel.interfaces(kernel.running(host), "ipv4")) - {"default", "lo"}
    interface_settings(host, saw, "ipv4", "rp_filter", (1, 2) if len(ways) > 1 else (1,), EITHER)


@assesses("os.martians-logged")
def test_martians_are_logged(host: Host, context: Context, saw: Saw) -> None:
    """Packets with impossible addresses leave a trace."""
    interface_settings(host, saw, "ipv4", "log_martians", (1,), EITHER)


@assesses("os.syn-cookies")
def test_syn_cookies_are_on(host: Host, context: Context, saw: Saw) -> None:
    """A flood of half-open connections is withstood."""
    sysctls(host, saw, net__ipv4__tcp_syncookies=(1, 2))


@assesses("os.icmp-broadcast-ignored")
def test_broadcast_pings_are_ignored(host: Host, context: Context, saw: Saw) -> None:
    """Broadcast pings and bogus errors are ignored."""
    sysctls(
        host,
        saw,
        net__ipv4__icmp_echo_ignore_broadcasts=(1,),
        net__ipv4__icmp_ignore_bogus_error_responses=(1,),
    )


@assesses("os.router-advertisements-refused")
def test_router_advertisements_are_refused(host: Host, context: Context, saw: Saw) -> None:
    """The network does not dictate the server's IPv6 addresses, neither by the kernel nor by what manages it."""
    interface_settings(host, saw, "ipv6", "accept_ra", (0,), OWN)
    for name, heard in networkd.listens_to_routers(host).items():
        saw(f"systemd-networkd: {name}", expected="no", observed=heard)
    # Whoever listened, the kernel notes whom a route came from.
    told = [route for route in kernel.routes6(host) if route.get("protocol") == "ra"]
    saw("routes", expected="—", observed=[f"{one.get('dst')} ({one.get('dev')})" for one in told], holds=not told)
    if systemd.properties(host, "NetworkManager.service")["ActiveState"] == "active":
        raise CannotTell(
            "NetworkManager listens to routers by settings of its own: ask 'nmcli -f ipv6 connection show'"
        )


def modules_blocked(host: Host, saw: Saw, *names: str) -> None:
    """Record that modules are not loaded and that loading one would do nothing."""
    loaded = kernel.loaded_modules(host)
    for name in names:
        plan = kernel.modprobe(host, name)
        blocked = plan.startswith(("install /bin/false", "install /bin/true", "install /usr/bin/false", "absent"))
        saw(
            name,
            expected="blocked",
            observed="loaded" if name in loaded else "blocked" if blocked else "allowed",
            holds=blocked and name not in loaded,
        )


@assesses("os.unused-filesystems-blocked")
def test_unused_filesystems_are_blocked(host: Host, context: Context, saw: Saw) -> None:
    """Rare file systems cannot be loaded."""
    modules_blocked(host, saw, "cramfs", "freevxfs", "hfs", "hfsplus", "jffs2")


@assesses("os.unused-protocols-blocked")
def test_unused_protocols_are_blocked(host: Host, context: Context, saw: Saw) -> None:
    """Rare network protocols cannot be loaded."""
    modules_blocked(host, saw, "dccp", "rds", "sctp", "tipc")


SAFE = "nosuid,nodev,noexec"


def is_safe(options: str) -> bool:
    """Whether options of a mount, the last of each kind, allow neither programs nor devices nor foreign rights."""
    found: set[str] = set()
    for option in options.split(","):
        found = (found - {option.removeprefix("no"), f"no{option}"}) | {option}
    return set(SAFE.split(",")) <= found


def mount_options(host: Host, saw: Saw, path: str) -> None:
    """Record that a path is a mount of its own with nosuid, nodev and noexec."""
    mounts = output(host, "findmnt -rno OPTIONS --mountpoint %s", path, codes=(0, 1)).split()
    # Where one mount hides another, the last is the one in use.
    saw(path, expected=SAFE, observed=mounts[-1] if mounts else "—", holds=bool(mounts) and is_safe(mounts[-1]))


@assesses("os.tmp-mount")
def test_tmp_is_mounted_safely(host: Host, context: Context, saw: Saw) -> None:
    """/tmp is a mount of its own that runs no programs, now and after a reboot."""
    mount_options(host, saw, "/tmp")
    unit = systemd.properties(host, "tmp.mount", "Options")
    saw(
        "tmp.mount at boot",
        expected="enabled",
        observed=unit.get("UnitFileState") or "—",
        holds=unit.get("UnitFileState") in ("enabled", "static", "generated"),
    )
    # What is mounted now may have been given other options by hand: those of the unit count at the next boot.
    written = re.findall(r"^Options=(.*)$", output(host, "systemctl cat -- tmp.mount", codes=(0, 1)), re.MULTILINE)
    options = written[-1] if written else ""
    saw("tmp.mount: Options", expected=SAFE, observed=options or "—", holds=is_safe(options))


@assesses("os.shm-mount")
def test_shm_is_mounted_safely(host: Host, context: Context, saw: Saw) -> None:
    """/dev/shm runs no programs, now and after a reboot."""
    mount_options(host, saw, "/dev/shm")
    boot = output(host, "findmnt --fstab -rno OPTIONS --mountpoint /dev/shm", codes=(0, 1)).strip()
    saw("/etc/fstab: /dev/shm", expected=SAFE, observed=boot or "—", holds=is_safe(boot))


@assesses("os.security-updates-automatic")
def test_security_updates_are_automatic(host: Host, context: Context, saw: Saw) -> None:
    """unattended-upgrades is there, switched on, takes from the security archives in use, and its timers run."""
    saw(
        "unattended-upgrades",
        expected="installed",
        observed="installed" if "unattended-upgrades" in installed(host) else "absent",
    )
    configured = apt.config(host)
    for name, unset in (
        ("APT::Periodic::Enable", "1"),
        ("APT::Periodic::Update-Package-Lists", "0"),
        ("APT::Periodic::Unattended-Upgrade", "0"),
    ):
        value = dict(configured).get(name.lower(), unset)
        saw(name, expected=">= 1", observed=value, holds=value not in ("0", ""))
    known = apt.releases(host)
    archives = apt.security_archives(known)
    codename = re.search(r"^VERSION_CODENAME=(\S+)$", output(host, "cat /etc/os-release"), re.MULTILINE)
    origins = apt.automatic_origins(configured, codename[1] if codename else "")
    left_out = sorted(
        {one.get("n", "?") for one in archives if not apt.takes(origins, one) or apt.outranked(one, known)}
    )
    saw(
        "security archives",
        expected="automatic",
        observed=left_out or sorted({one.get("n", "?") for one in archives}),
        holds=bool(archives) and not left_out,
    )
    alone = apt.left_to_people(configured, installed(host))
    saw("packages left out", expected="—", observed=alone, holds=not alone)
    for timer in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        unit_runs(host, saw, timer)


@assesses("os.security-updates-installed")
def test_no_security_update_is_pending(host: Host, context: Context, saw: Saw) -> None:
    """By the package lists at hand, no security update waits to be installed, nor a kernel to be booted."""
    pending = apt.pending_security(host)
    saw("pending", expected="—", observed=pending, holds=not pending)
    if kernel := apt.kernel_behind(host, versions(host)):
        running, newest = kernel
        saw("kernel that runs", expected=newest, observed=running, holds=running == newest)


@assesses("os.packages-authenticated")
def test_packages_are_authenticated(host: Host, context: Context, saw: Saw) -> None:
    """apt takes nothing unsigned."""
    configured = dict(apt.config(host))
    for name in ("APT::Get::AllowUnauthenticated", "Acquire::AllowInsecureRepositories"):
        value = configured.get(name.lower(), "0")
        saw(name, expected="0", observed=value, holds=value.lower() in ("0", "no", "false", ""))
    unsigned = [one.where for one in apt.sources(host) if one.unsigned]
    saw("unsigned sources", expected="—", observed=unsigned, holds=not unsigned)


def absent(host: Host, saw: Saw, subject: str, unwanted: list[str]) -> None:
    """Record that none of these packages is installed."""
    saw(subject, expected="—", observed=unwanted, holds=not unwanted)


@assesses("os.legacy-clients-absent")
def test_legacy_clients_are_absent(host: Host, context: Context, saw: Saw) -> None:
    """No client that sends passwords in clear is installed."""
    absent(host, saw, "legacy clients", sorted(LEGACY_CLIENTS & set(installed(host))))


@assesses("os.unneeded-servers-absent")
def test_unneeded_servers_are_absent(host: Host, context: Context, saw: Saw) -> None:
    """No server that a plain server has no use for is installed."""
    absent(host, saw, "unneeded servers", sorted(UNNEEDED_SERVERS & set(installed(host))))


@assesses("os.compilers-absent")
def test_compilers_are_absent(host: Host, context: Context, saw: Saw) -> None:
    """No compiler is installed."""
    absent(host, saw, "compilers", sorted(name for name in installed(host) if COMPILERS.fullmatch(name)))


@assesses("os.journal-persistent")
def test_journal_is_persistent(host: Host, context: Context, saw: Saw) -> None:
    """The journal is on disk and its service runs."""
    service = systemd.properties(host, "systemd-journald.service")
    saw("systemd-journald.service", expected="active", observed=service["ActiveState"])
    on_disk = succeeds(host, "test -d /var/log/journal/$(cat /etc/machine-id)")
    saw("/var/log/journal", expected="on disk", observed="on disk" if on_disk else "in memory")
    storage = re.findall(
        r"^\s*Storage\s*=\s*(\S+)",
        output(host, "systemd-analyze cat-config systemd/journald.conf"),
        re.MULTILINE,
    )
    kept = storage[-1] if storage else "auto"
    # "auto" keeps it on disk where the folder is there, which was seen above: journald.conf(5).
    saw("Storage", expected="persistent | auto", observed=kept, holds=kept in ("persistent", "auto"))


@assesses("os.audit-running")
def test_audit_runs(host: Host, context: Context, saw: Saw) -> None:
    """auditd runs and the kernel audits."""
    unit = systemd.properties(host, "auditd.service")
    saw("auditd.service", expected="active", observed=unit["ActiveState"])
    saw("auditd.service at boot", expected="enabled", observed=unit.get("UnitFileState") or "—")
    if unit["LoadState"] == "loaded":
        status = dict(re.findall(r"^(\w+) (\d+)$", output(host, "PATH=$PATH:/sbin; auditctl -s"), re.MULTILINE))
        saw(
            "audit enabled",
            expected="1 | 2",
            observed=status.get("enabled", "?"),
            holds=status.get("enabled") in ("1", "2"),
        )
        # A daemon that takes no events of this server's (local_events of auditd.conf(5)) is none to the kernel.
        process = status.get("pid", "?")
        saw("audit pid", expected="> 0", observed=process, holds=process.isdigit() and int(process) > 0)
        # journald switches auditing on or off whenever it starts; the default stands in its file as a comment.
        config = output(host, "systemd-analyze cat-config systemd/journald.conf")
        set_, default = (re.findall(rf"^\s*{sign}Audit=(\S*)", config, re.MULTILINE) for sign in ("", "#"))
        value = (set_ or default or ["?"])[-1]
        saw("journald: Audit", expected="yes", observed=value, holds=value in ("yes", "on", "true", "1"))


@assesses("os.audit-rules")
def test_important_changes_are_audited(host: Host, context: Context, saw: Saw) -> None:
    """The kernel holds rules for accounts, rights, remote access, time and modules."""
    if not is_there(host, "auditctl"):
        saw("auditctl", expected="installed", observed="absent")
        return
    # Such a kernel runs programs of 32 bits, too, whose calls have numbers of their own.
    arches = ("b64", "b32") if output(host, "uname -m").strip() == "x86_64" else ("b64",)
    rules = {
        "": output(host, "PATH=$PATH:/sbin; auditctl -l"),
        # augenrules joins these files at boot, in this order.
        " (boot)": output(host, "cat /etc/audit/rules.d/*.rules 2>/dev/null", codes=(0, 1)),
    }
    for when, text in rules.items():
        # With it no process is looked at, whatever else is asked for: auditctl(8).
        silent = re.search(r"^-[aA] (never,task|task,never)\b", text, re.MULTILINE)
        saw(f"never,task{when}", expected="—", observed="never,task" if silent else "—")
        for path in ("/etc/passwd", "/etc/shadow", "/etc/sudoers", "/etc/ssh/", "/etc/pam.d/"):
            watched = audit.watches_writes(text, path)
            saw(f"{path.rstrip('/')}{when}", expected="watched", observed="watched" if watched else "not watched")
        for call, arch in itertools.product(("clock_settime", "init_module"), arches):
            ruled = audit.records_call(text, call, arch)
            saw(f"{call} ({arch}){when}", expected="watched", observed="watched" if ruled else "not watched")


def key_values(text: str) -> dict[str, str]:
    """``key = value`` lines, the last of each, comments gone; a lone word counts as set."""
    found = {}
    for line in text.splitlines():
        words = line.partition("#")[0].strip()
        if words:
            key, _, value = words.partition("=")
            found[key.strip()] = value.strip()
    return found


def quality_settings(lines: list[str]) -> dict[str, str]:
    """What lines or arguments set, as libpwquality reads them: ``key = value`` or ``key value``, in any case."""
    found = {}
    for line in lines:
        if match := re.match(r"(?i)([a-z_]+)(?:\s*=\s*|\s+|$)(.*)$", line.partition("#")[0].strip()):
            found[match[1].lower()] = match[2].strip()
    return found


@assesses("os.password-quality")
def test_password_quality_is_enforced(host: Host, context: Context, saw: Saw) -> None:
    """A new password passes pam_pwquality, which asks for length and variety."""
    stack = pam.stack(host, "common-password", "password")
    used = [line.text for line in stack if line.module == "pam_pwquality.so"]
    passed_by = pam.succeeds_without(stack, lambda line: line.module == "pam_pwquality.so")
    saw("pam_pwquality", expected="password", observed=used or "—", holds=bool(used) and not passed_by)
    # libpwquality's own order: the drop-ins, then the main file, then what stands on PAM's line (pam_pwquality(8)).
    read = "LC_ALL=C; grep -hs '' /etc/security/pwquality.conf.d/*.conf /etc/security/pwquality.conf"
    conf = quality_settings(output(host, read, codes=(0, 1, 2)).splitlines())
    conf |= quality_settings(used[-1].partition("pam_pwquality.so")[2].split() if used else [])
    least = conf.get("minlen", "0")
    # A positive credit is the number of characters by which a password may be shorter: pwquality.conf(5).
    shorter = sum(int(one) for one in (conf.get(f"{letter}credit", "0") for letter in "dulo") if one.isdigit())
    saw(
        "minlen",
        expected=">= 12",
        observed=f"{least} − {shorter}" if shorter else least,
        holds=least.isdigit() and int(least) - shorter >= 12,
    )
    variety = conf.get("minclass", "0")
    # A negative credit is the number of characters of its class that there must be.
    asked_for = sum(conf.get(f"{letter}credit", "0").startswith("-") for letter in "dulo")
    saw(
        "minclass",
        expected=">= 3",
        observed=variety if variety != "0" else asked_for,
        holds=variety.isdigit() and max(int(variety), asked_for) >= 3,
    )
    saw("enforcing", expected="1", observed=conf.get("enforcing", "1"), holds=conf.get("enforcing", "1") != "0")
    if conf.get("dictcheck", "1") != "0":
        # pwquality.conf(5): without its dictionary the module refuses every password, good ones, too.
        dictionary = conf.get("dictpath", CRACKLIB_DICTIONARY) + ".pwd"
        there = succeeds(host, "test -s %s", dictionary)
        saw("dictcheck", expected=dictionary, observed=dictionary if there else "—", holds=there)


@assesses("os.login-lockout")
def test_repeated_failures_lock(host: Host, context: Context, saw: Saw) -> None:
    """pam_faillock stands before and after the password, and locks after few failures."""
    entries = pam.stack(host, "common-auth", "auth")
    stack = [line.text for line in entries]
    # Where the password is asked for, and where the stack ends for a wrong one.
    asks = next((number for number, line in enumerate(stack) if re.search(AUTHENTICATING_MODULES, line)), len(stack))
    ends = next((number for number, line in enumerate(stack) if "pam_deny.so" in line), len(stack))
    for phase, counts in (("preauth", range(asks)), ("authfail", range(asks, ends))):
        there = any("pam_faillock.so" in stack[number] and phase in stack[number] for number in counts)
        saw(f"pam_faillock {phase}", expected="auth", observed="auth" if there else "—")
    passed_by = pam.succeeds_without(entries, lambda line: line.module == "pam_faillock.so" and "preauth" in line.text)
    saw("pam_faillock asked", expected="always", observed="not always" if passed_by else "always")
    conf = key_values(output(host, "cat /etc/security/faillock.conf 2>/dev/null", codes=(0, 1)))
    denies: dict[str, None] = {}
    times: dict[tuple[str, str], None] = {}
    for number in range(ends):
        if "pam_faillock.so" in stack[number]:
            # What stands on the module's line wins over its file: pam_faillock(8).
            given = key_values("\n".join(stack[number].partition("pam_faillock.so")[2].split()))
            if "conf" in given:
                raise CannotTell(f"pam_faillock reads {given['conf']:.80}, which is not looked at")
            denies[given.get("deny", conf.get("deny", "3"))] = None
            for key, usual in (("fail_interval", "900"), ("unlock_time", "600")):
                times[key, given.get(key, conf.get(key, usual))] = None
    for deny in denies:
        saw("deny", expected="<= 5", observed=deny, holds=deny.isdigit() and 0 < int(deny) <= 5)
    for key, seconds in times:
        # Who is kept waiting after each failure never has several within seconds; a lock of seconds keeps nobody out.
        lasts = key == "unlock_time" and seconds in ("never", "0")
        saw(key, expected=">= 60 s", observed=seconds, holds=lasts or (seconds.isdigit() and int(seconds) >= 60))


def _default_hashing(host: Host) -> str:
    defs = re.findall(r"^\s*ENCRYPT_METHOD\s+(\S+)", output(host, "cat /etc/login.defs"), re.MULTILINE)
    return defs[0].lower() if defs else "des"  # the first one, to PAM


@assesses("os.password-hashing")
def test_password_hashing_is_strong(host: Host, context: Context, saw: Saw) -> None:
    """New passwords are hashed strongly, and so are those there are."""
    stack = pam.stack(host, "common-password", "password")
    methods = [
        # Without a word of its own the module takes what login.defs says: pam_unix(8).
        next((word for word in line.arguments if word in PAM_UNIX_METHODS), None) or _default_hashing(host)
        for line in stack
        if line.module == "pam_unix.so"
    ]
    strong = bool(methods) and all(method in ("yescrypt", "gost_yescrypt", "sha512") for method in methods)
    saw("pam_unix", expected="yescrypt | sha512", observed=methods or "—", holds=strong)
    weak = [account.name for account in accounts(host).values() if account.hash_kind == "weak"]
    saw(
        "accounts",
        expected=" | ".join(dict.fromkeys(STRONG_HASHES.values())),
        observed=weak or "strong or none",
        holds=not weak,
    )


@assesses("os.empty-passwords-refused")
def test_empty_passwords_are_refused(host: Host, context: Context, saw: Saw) -> None:
    """No service's PAM stack lets an account with an empty password in."""
    asking: dict[str, list[str]] = {}
    # That nothing does is no answer either: then something else keeps the passwords.
    for line in output(host, "grep -sE '^[^#]*pam_unix[.]so' /etc/pam.d/*").splitlines():
        path, _, text = line.partition("#")[0].partition(":")
        if "pam_unix.so" not in text:
            raise CannotTell(f"/etc/pam.d: '{line:.80}' is not understood")
        if not LEFT_BEHIND.search(path):
            asking.setdefault(path, []).append(text)
    if not asking:
        raise CannotTell("no service asks for the passwords that shadow holds")
    lenient = [path for path, lines in asking.items() if any(re.search(r"\bnullok", one) for one in lines)]
    saw("nullok", expected="—", observed=lenient, holds=not lenient)


@assesses("os.su-restricted")
def test_su_is_restricted(host: Host, context: Context, saw: Saw) -> None:
    """su asks for membership of a group."""
    stack = pam.stack(host, "su", "auth")
    wheel = [line for line in stack if line.module == "pam_wheel.so" and "deny" not in line.arguments]
    # Those who are root already are none whom su makes superusers.
    others = [line for line in stack if line.module != "pam_rootok.so"]
    passed_by = pam.succeeds_without(others, wheel.__contains__)
    saw("su", expected="pam_wheel", observed=[line.text for line in wheel] or "—", holds=bool(wheel) and not passed_by)


def _is_restrictive(umask: str) -> bool:
    return re.fullmatch(r"0?[0-7]{3}", umask) is not None and int(umask, 8) & 0o027 == 0o027


@assesses("os.umask-restrictive")
def test_umask_is_restrictive(host: Host, context: Context, saw: Saw) -> None:
    """Sessions create files that are closed to others."""
    defs = dict(re.findall(r"^\s*([A-Z_]+)\s+(\S+)", output(host, "cat /etc/login.defs"), re.MULTILINE))
    value = defs.get("UMASK", "022")
    saw("UMASK", expected="027", observed=value, holds=_is_restrictive(value))
    session = [line.text for line in pam.stack(host, "common-session", "session") if line.module == "pam_umask.so"]
    saw("pam_umask", expected="session", observed="session" if session else "—")
    # An account's own, in its fifth field, wins over all of them: pam_umask(8).
    own = re.findall(r"^([^:#]+):(?:[^:]*:){3}(?:[^:]*,)?umask=([^,:]*)", output(host, "cat /etc/passwd"), re.MULTILINE)
    open_ = [f"{name}: {given}" for name, given in own if not _is_restrictive(given)]
    saw("accounts", expected="027", observed=open_ or "—", holds=not open_)
    for given in re.findall(r"\bumask=(\S+)", " ".join(session)):
        saw("pam_umask: umask", expected="027", observed=given, holds=_is_restrictive(given))


@assesses("os.session-timeout")
def test_idle_sessions_end(host: Host, context: Context, saw: Saw) -> None:
    """A login shell has a TMOUT of at most 15 minutes."""
    said = output(host, "env -i HOME=/ PATH=$PATH bash -lc 'echo \"${TMOUT:-0}\"' 2>/dev/null").split()
    value = said[-1] if said else "0"  # what stands before it greets whoever logs in
    if value == "0":
        # Set for those who type alone.
        asked = "env -i HOME=/ PATH=$PATH bash -lic 'echo \"${TMOUT:-0}\"' 2>/dev/null </dev/null"
        value = (output(host, asked).split() or ["0"])[-1]
    saw("TMOUT", expected="1–900", observed=value, holds=value.isdigit() and 0 < int(value) <= 900)


TIME_SERVICES = ("systemd-timesyncd.service", "chrony.service", "ntpsec.service", "ntpd-rs.service", "ntp.service")


@assesses("os.time-synchronised")
def test_clock_is_synchronised(host: Host, context: Context, saw: Saw) -> None:
    """The clock is synchronised, and stays so after a reboot."""
    said = dict(line.split("=", 1) for line in output(host, "timedatectl show").splitlines() if "=" in line)
    if said.get("NTPSynchronized") != "yes" and systemd.properties(host, "openntpd.service")["ActiveState"] == "active":
        raise CannotTell("openntpd never tells the kernel that it keeps the clock: ask 'ntpctl -s status'")
    saw("NTPSynchronized", expected="yes", observed=said.get("NTPSynchronized", "?"))
    units = [unit for unit in TIME_SERVICES if systemd.properties(host, unit).get("UnitFileState") == "enabled"]
    # A container's clock is its host's, which alone may set it.
    if not units and (container := output(host, "systemd-detect-virt --container", codes=(0, 1)).strip()) != "none":
        units = [container]
    saw("at boot", expected="enabled", observed=units, holds=bool(units))


@assesses("os.cron-restricted")
def test_cron_is_restricted(host: Host, context: Context, saw: Saw) -> None:
    """cron's tables are closed to others, and only named accounts have one of their own."""
    said = output(
        host,
        "cd /etc && stat -c '%a %U %n' crontab cron.d cron.hourly cron.daily cron.weekly cron.monthly 2>/dev/null",
        codes=(0, 1),
    )
    if not said or not is_there(host, "crontab"):
        raise NotApplicable("no-cron")
    for line in said.splitlines():
        mode, owner, path = line.split()
        saw(
            path,
            expected="root, closed",
            observed=f"{owner}, {mode}",
            holds=owner == "root" and int(mode, 8) & 0o077 == 0,
        )
    allowed = succeeds(host, "test -e /etc/cron.allow")
    saw("/etc/cron.allow", expected="exists", observed="exists" if allowed else "absent")


@assesses("os.login-banner")
def test_a_warning_is_shown(host: Host, context: Context, saw: Saw) -> None:
    """The console and SSH show a warning that tells nothing of the system."""
    for path in ("/etc/issue", "/etc/issue.net"):
        text = output(host, "cat %s", path, codes=(0, 1))
        leaks = re.findall(r"\\[mrsSv]|Debian GNU/Linux|Ubuntu|Proxmox|Raspbian|Armbian|[Ll]inux \d", text)
        saw(
            path,
            expected="warning",
            observed=leaks or text.strip()[:80] or "—",
            holds=bool(text.strip()) and not leaks,
        )
    from compliance.probes.sshd import Sshd

    banner = Sshd.for_connection(host).value("banner")
    saw("sshd: banner", expected="/etc/issue.net", observed=banner, holds=banner != "none")


@assesses("os.apparmor-enforcing")
def test_apparmor_enforces(host: Host, context: Context, saw: Saw) -> None:
    """The kernel enforces AppArmor profiles, and they are loaded at boot."""
    enabled = output(host, "cat /sys/module/apparmor/parameters/enabled", codes=(0, 1)).strip()
    saw("AppArmor", expected="Y", observed=enabled or "—")
    profiles = output(host, "cat /sys/kernel/security/apparmor/profiles", codes=(0, 1)).splitlines()
    enforced = [line for line in profiles if line.endswith("(enforce)")]
    saw("profiles", expected=">= 1", observed=len(enforced), holds=bool(enforced))
    unit = systemd.properties(host, "apparmor.service")
    saw("apparmor.service at boot", expected="enabled", observed=unit.get("UnitFileState") or "—")


@assesses("os.file-integrity")
def test_file_integrity_is_checked(host: Host, context: Context, saw: Saw) -> None:
    """A timer compares system files with a database no older than two days."""
    own_unit_runs(host, saw, "patuh-integrity.timer", OTHER_INTEGRITY_CHECKERS)
    stat = output(host, "stat -c '%s %Y' /var/lib/patuh/aide.db", codes=(0, 1)).split()
    if not stat:
        saw("AIDE database", expected="exists", observed="absent")
        return
    size, changed = map(int, stat)
    age = (records.now(host).timestamp() - changed) / 86400
    saw("AIDE database", expected="<= 2 d", observed=f"{age:.1f} d, {size} B", holds=size > 0 and age <= 2)


@assesses("os.account-files-protected")
def test_account_files_are_protected(host: Host, context: Context, saw: Saw) -> None:
    """Account files belong to root and nobody else may write them or read the hashes."""
    for path, most in (
        ("/etc/passwd", 0o644),
        ("/etc/group", 0o644),
        ("/etc/shadow", 0o640),
        ("/etc/gshadow", 0o640),
        ("/etc/sudoers", 0o440),
    ):
        if path == "/etc/sudoers" and not succeeds(host, "test -e %s", path):
            continue
        mode, owner, group = output(host, "stat -L -c '%%a %%U %%G' %s", path).split()
        # A group may do only what everybody may, unless it is the one that these files have of old.
        foreign = group not in ("root", "shadow") and int(f"{mode:0>3}"[-2]) & ~int(f"{most:o}"[-1])
        saw(
            path,
            expected=f"root, <= {most:o}",
            observed=f"{owner}, {mode}" + (f", {group}" if foreign else ""),
            holds=owner == "root" and int(mode, 8) & ~most == 0 and not foreign,
        )


# The places that a system has on file systems of their own; what containers, virtual machines and services with an
# account of the moment keep lies behind folders that are closed, and belongs to accounts that exist in there.
STRAY_FILES = (
    "find / $(for place in /boot /home /opt /usr /var /var/log /var/tmp; do mountpoint -q $place && echo $place; done)"
    r" -xdev \( -path /var/lib/docker -o -path /var/lib/containerd -o -path /var/lib/containers -o -path /var/lib/lxc"
    r" -o -path /var/lib/lxd -o -path /var/lib/incus -o -path /var/lib/machines -o -path '/var/*/private' \) -prune"
    r" -o \( -type f -perm -0002 -o -nouser -o -nogroup -o -type d -perm -0002 ! -perm -1000 \)"
    r" -printf '%p\n' 2>/dev/null | head -n 20; echo end"
)


@assesses("os.no-stray-permissions")
def test_no_stray_permissions(host: Host, context: Context, saw: Saw) -> None:
    """On the system's file systems no file is without an owner, none is writable by all."""
    said = output(host, STRAY_FILES)
    *found, end = said.splitlines() or [""]
    if end != "end":
        raise CannotTell("find did not come to its end")
    saw("stray files", expected="—", observed=found, holds=not found)


@assesses("os.homes-private")
def test_homes_are_private(host: Host, context: Context, saw: Saw) -> None:
    """No other user reads a home directory."""
    homes = [account.home for account in accounts(host).values() if 1000 <= account.uid < 60000 or account.uid == 0]
    there = [home for home in homes if succeeds(host, "test -d %s", home)]
    if not there:
        raise CannotTell("no home directory can be looked at")
    for home in there:
        mode = int(output(host, "stat -c %%a %s", home), 8)
        if mode == 0o777:  # a link's own mode, it may be: what counts is where it leads
            mode = int(output(host, "stat -L -c %%a %s", home), 8)
        # Passing through, as a web server does on its way to a public_html, reads nothing.
        saw(home, expected="<= 751", observed=f"{mode:o}", holds=mode & 0o026 == 0)


@assesses("os.ctrl-alt-del-off")
def test_ctrl_alt_del_does_nothing(host: Host, context: Context, saw: Saw) -> None:
    """The key combination is masked."""
    unit = systemd.properties(host, "ctrl-alt-del.target")
    saw("ctrl-alt-del.target", expected="masked", observed=unit["LoadState"])
    # "masked-runtime" ends with the next boot.
    saw("ctrl-alt-del.target at boot", expected="masked", observed=unit.get("UnitFileState") or "—")


@assesses("os.sudo-hardened")
def test_sudo_is_hardened(host: Host, context: Context, saw: Saw) -> None:
    """sudo runs commands in a terminal of their own and keeps a log."""
    if not is_there(host, "sudo"):
        raise NotApplicable("no-sudo")
    said = output(host, "sudo -n -l -U root")
    if "Defaults entries for root" not in said:
        raise CannotTell("sudo does not tell root's options")
    bound = sudo_options(host)
    for option in ("use_pty", "logfile"):
        # Options follow each other as they are read, those for some commands last; each may be taken back.
        found = re.findall(rf"(?:^|[\s,])(!?){option}(?=[=,\s]|$)", said, re.MULTILINE)
        # What is taken back for some people does not stand there.
        kept = found and "!" not in found[-1] and not any(one.get(option) is False for one in bound)
        saw(option, expected="set", observed="set" if kept else "not set")
