"""Kernel settings: what runs now, and what a reboot will bring."""

from __future__ import annotations

import re

import testinfra.host

from compliance.probes import output


def running(host: testinfra.host.Host) -> dict[str, str]:
    """Every readable kernel setting, by its dotted name."""
    # Some settings cannot be read, or only with a complaint: those are simply not in the answer.
    said = output(host, "PATH=$PATH:/sbin:/usr/sbin; sysctl -a 2>/dev/null", codes=(0, 1, 255))
    return dict(re.findall(r"^(\S+) = (.*)$", said, re.MULTILINE))


def after_reboot(host: testinfra.host.Host) -> dict[str, str]:
    """The settings that files set at boot, in the order of sysctl.d(5): the last name in the alphabet wins."""
    said = output(
        host,
        "/lib/systemd/systemd-sysctl --cat-config 2>/dev/null || /usr/lib/systemd/systemd-sysctl --cat-config",
    )
    found: dict[str, str] = {}
    for line in said.splitlines():
        if match := re.match(r"^\s*-?([A-Za-z][\w./*-]*)\s*=\s*(.*?)\s*$", line):
            name = match.group(1)
            found[name if "." in name.partition("/")[0] else name.replace("/", ".")] = match.group(2)
    return found


def modprobe(host: testinfra.host.Host, module: str) -> str:
    """What loading a module would do: modprobe's own plan (``modprobe -n -v``), without loading it."""
    done = host.run("PATH=$PATH:/sbin:/usr/sbin; modprobe -n -v %s", module)
    # What it depends on comes first; the last line is the module itself.
    return (str(done.stdout or done.stderr).strip().splitlines() or [""])[-1].strip()


def loaded_modules(host: testinfra.host.Host) -> set[str]:
    """The names of the loaded modules."""
    return {line.split()[0] for line in output(host, "cat /proc/modules").splitlines() if line}
