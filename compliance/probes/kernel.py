"""Kernel settings: what runs now, and what a reboot will bring."""

from __future__ import annotations

import fnmatch
import json
import re
from dataclasses import dataclass, field
from typing import Any, Protocol

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output, succeeds

# What Debian's kernels set themselves where no file says anything; of a setting that is not here it is not known.
KERNEL_DEFAULTS = {
    "fs.suid_dumpable": "0",
    "kernel.dmesg_restrict": "1",
    "kernel.randomize_va_space": "2",
    "kernel.unprivileged_bpf_disabled": "2",
    "net.ipv4.conf.all.accept_redirects": "1",
    "net.ipv4.conf.all.accept_source_route": "0",
    "net.ipv4.conf.all.log_martians": "0",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.all.secure_redirects": "1",
    "net.ipv4.conf.all.send_redirects": "1",
    "net.ipv4.conf.default.accept_redirects": "1",
    "net.ipv4.conf.default.accept_source_route": "1",
    "net.ipv4.conf.default.log_martians": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.conf.default.secure_redirects": "1",
    "net.ipv4.conf.default.send_redirects": "1",
    "net.ipv4.icmp_echo_ignore_broadcasts": "1",
    "net.ipv4.icmp_ignore_bogus_error_responses": "1",
    "net.ipv4.ip_forward": "0",
    "net.ipv4.tcp_syncookies": "1",
    "net.ipv6.conf.all.forwarding": "0",
    "net.ipv6.conf.default.accept_ra": "1",
    "net.ipv6.conf.default.accept_redirects": "1",
    "net.ipv6.conf.default.accept_source_route": "0",
}


def running(host: testinfra.host.Host) -> dict[str, str]:
    """Every readable kernel setting, by its dotted name."""
    # Some settings cannot be read, or only with a complaint: those are simply not in the answer.
    said = output(host, "PATH=$PATH:/sbin:/usr/sbin; sysctl -a 2>/dev/null", codes=(0, 1, 255))
    return dict(re.findall(r"^(\S+) = (.*)$", said, re.MULTILINE))


class Settings(Protocol):
    """Settings by their dotted names."""

    def get(self, name: str, /) -> str | None:
        """The value of a setting."""


@dataclass
class BootSettings:
    """What files set at boot (sysctl.d(5)): a name given in full wins over a pattern, and the last over the first."""

    named: dict[str, str | None] = field(default_factory=dict)
    patterns: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str, /) -> str | None:
        """The value of a setting after a reboot; without a file, the kernel's own default where that is known."""
        if name in self.named:
            value = self.named[name]
        else:
            value = next((v for pattern, v in reversed(self.patterns) if fnmatch.fnmatchcase(name, pattern)), None)
        return KERNEL_DEFAULTS.get(name) if value is None else value


def number(value: str | None) -> int | None:
    """A setting's number, as the kernel reads it: also ``0x`` and, with a leading zero, octal."""
    text = (value or "").strip().lower()
    if not re.fullmatch(r"-?(0x[0-9a-f]+|[0-9]+)", text):
        return None
    octal = re.fullmatch(r"-?0[0-7]+", text) is not None
    return int(text, 8 if octal else 16 if "0x" in text else 10)


def without_ipv6(settings: dict[str, str]) -> bool:
    """Whether the kernel runs without IPv6 altogether, which then has no settings."""
    return bool(settings) and not any(key.startswith("net.ipv6.") for key in settings)


def after_reboot(host: testinfra.host.Host) -> BootSettings:
    """The settings that files bring at boot, read in the order in which systemd reads them."""
    said = output(
        host,
        "/lib/systemd/systemd-sysctl --cat-config 2>/dev/null || /usr/lib/systemd/systemd-sysctl --cat-config",
    )
    found = BootSettings()
    for line in said.splitlines():
        match = re.match(r"^\s*(-?)([A-Za-z][^\s=]*)\s*(?:=\s*(.*?)\s*)?$", line)
        if not match:
            continue
        excluded, name, value = match.groups()
        if "/" in name.partition(".")[0]:  # written as a path: there a dot belongs to an interface's name
            name = name.translate(str.maketrans("/.", "./"))
        if value is None:
            if excluded:
                found.named[name] = None  # such a line takes the name out of the patterns
        elif any(sign in name for sign in "*?["):
            found.patterns.append((name, value))
        else:
            found.named[name] = value
    return found


def routes6(host: testinfra.host.Host) -> list[dict[str, Any]]:
    """The routes of IPv6, as ``ip -j`` tells them.

    :raises CannotTell: when it is not such JSON.
    """
    try:
        return [dict(one) for one in json.loads(output(host, "PATH=$PATH:/usr/sbin; ip -j -6 route show") or "[]")]
    except (ValueError, TypeError, RecursionError) as error:
        raise CannotTell(f"ip route: not understood: {error}") from error


def set_by_scripts(host: testinfra.host.Host) -> set[str]:
    """The settings that scripts and units of the administrator's set in their own way, at a time that is theirs."""
    places = "/etc/rc.local /etc/systemd/system /etc/network /etc/NetworkManager /etc/cron.d /etc/tuned"
    # Some of these places are not there on most servers, which grep counts as an error.
    said = output(host, f"grep -rshE 'sysctl|/proc/sys/' {places}", codes=(0, 1, 2))
    names = re.findall(r"\b(?:net|kernel|fs|vm)[./][\w./-]+", said)
    return {name.replace("/", ".") for name in names}


def interfaces(settings: dict[str, str], family: str) -> list[str]:
    """The network interfaces that have settings, ``default`` standing for those still to come."""
    found = {key.split(".")[3] for key in settings if key.startswith(f"net.{family}.conf.")}
    return sorted(found - {"all"})


def modprobe(host: testinfra.host.Host, module: str) -> str:
    """What loading a module would do: modprobe's own plan (``modprobe -n -v``), or ``absent``.

    :raises CannotTell: when modprobe does not say, or sees no modules at all, as in a container.
    """
    said = output(host, "PATH=$PATH:/sbin:/usr/sbin; modprobe -n -v %s 2>&1", module, codes=(0, 1))
    if f"Module {module} not found" in said:
        if not succeeds(host, "test -d /lib/modules/$(uname -r)"):
            raise CannotTell("the running kernel's modules are not to be seen here")
        return "absent"
    # What it depends on comes first; the last line is the module itself.
    return (said.strip().splitlines() or [""])[-1].strip()


def loaded_modules(host: testinfra.host.Host) -> set[str]:
    """The names of the loaded modules."""
    return {line.split()[0] for line in output(host, "cat /proc/modules").splitlines() if line}
