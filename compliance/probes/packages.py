"""Installed packages, as dpkg knows them."""

from __future__ import annotations

import testinfra.host

from compliance.checking import CannotTell
from compliance.probes import output

STATES_WITH_FILES = ("i", "H", "U", "F", "W", "t")


def versions(host: testinfra.host.Host) -> dict[str, str]:
    """Every installed package with its version.

    :raises CannotTell: where dpkg is absent or knows nothing.
    """
    return _installed(host, "Version")


def installed(host: testinfra.host.Host) -> dict[str, str]:
    """Every installed package with its section.

    :raises CannotTell: where dpkg is absent or knows nothing.
    """
    return _installed(host, "Section")


def _installed(host: testinfra.host.Host, value: str) -> dict[str, str]:
    said = output(host, f"dpkg-query -W -f='${{db:Status-Abbrev}}\\t${{Package}}\\t${{{value}}}\\n'")
    found = {}
    for line in said.splitlines():
        fields = line.split("\t")
        # The second letter is the state, dpkg-query(1): all but "not installed" and "configuration left" have files.
        if len(fields) == 3 and fields[0][1:2] in STATES_WITH_FILES:
            found[fields[1]] = fields[2]
    if not found:
        raise CannotTell("dpkg knows no installed packages")
    return found
