"""Interfaces that systemd-networkd manages: it listens to routers itself, whatever the kernel is told."""

from __future__ import annotations

import json
import re

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output, systemd

NO_WORDS = ("no", "false", "off", "0", "n", "f")  # as systemd.syntax(7) takes them


def listens_to_routers(host: testinfra.host.Host) -> dict[str, str]:
    """By managed interface, what its file says of ``IPv6AcceptRA``; ``yes`` where nothing does (systemd.network(5)).

    Empty where networkd does not run. An interface without link-local addresses of IPv6 listens to nobody.

    :raises CannotTell: when networkctl's JSON is not understood.
    """
    if systemd.properties(host, "systemd-networkd.service")["ActiveState"] != "active":
        return {}
    try:
        links = json.loads(output(host, "networkctl --json=short status --all"))["Interfaces"]
        files = {str(one["Name"]): str(one["NetworkFile"]) for one in links if one.get("NetworkFile")}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotTell(f"networkctl is not understood: {error}") from error
    found = {}
    for name, file in sorted(files.items()):
        text = output(host, "systemd-analyze cat-config %s", f"systemd/network/{file.rpartition('/')[2]}")
        local = _last(text, "LinkLocalAddressing", "ipv6")
        heard = _last(text, "IPv6AcceptRA", "yes")
        found[name] = "no" if local in (*NO_WORDS, "ipv4") or heard in NO_WORDS else heard
    return found


def _last(text: str, keyword: str, default: str) -> str:
    values = re.findall(rf"^\s*{keyword}\s*=\s*(\S+)", text, re.MULTILINE)
    return str(values[-1]).lower() if values else default
