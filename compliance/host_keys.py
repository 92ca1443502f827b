"""Which host keys are trusted, and how every connection of ours is made to insist on them.

A fleet's keys stand in ``known_hosts`` beside its inventory, under the inventory's own names, so that neither an
address nor a port nor a jump host changes what is known. ssh takes the first value that it meets (ssh_config(5)): the
options made here come before all that an inventory or a person's own configuration says.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE_NAME = "known_hosts"
# An inventory may name another file by it: the lab's machines are made anew, and so are their keys.
FILE_VARIABLE = "ansible_ssh_known_hosts_file"
ARGUMENTS = ("ansible_ssh_common_args", "ansible_ssh_extra_args")
# The variables that decide how ssh is told whom to trust.
DECIDING = ("ansible_host", FILE_VARIABLE, *ARGUMENTS)
# Nothing of ours needs a way from the server back to the controller, or a command run by the controller's ssh.
NO_WAY_BACK = (
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "Tunnel=no",
    "UpdateHostKeys=no",  # whoever answers may not add to what is known
)
# Values that let in a server that nobody knows; None stands for any.
OFF: dict[str, set[str] | None] = {
    "stricthostkeychecking": {"no", "off", "accept-new", "ask"},
    "nohostauthenticationforlocalhost": {"yes"},
    "userknownhostsfile": {"none", "/dev/null"},
    "verifyhostkeydns": {"yes"},
    "knownhostscommand": None,
}


def beside(inventory: Path) -> Path:
    """The file of a fleet's host keys: in the inventory's folder, or beside its file."""
    return (inventory if inventory.is_dir() else inventory.parent) / FILE_NAME


def ssh_options(connection: dict[str, Any], name: str) -> list[str]:
    """The options that come first on every command line of ssh: known keys only, and no way back.

    :param connection: Ansible's connection variables of the host, among them the file of host keys.
    :param name: the host's name in the inventory, which is its name in that file.
    """
    options = list(NO_WAY_BACK)
    if switched_off(connection) is None or not on_loopback(connection, name):
        file = str(connection.get(FILE_VARIABLE) or "none").replace("%", "%%")
        options += ["StrictHostKeyChecking=yes", f'UserKnownHostsFile="{file}"', "GlobalKnownHostsFile=none"]
        options.append(f"HostKeyAlias={name}")
    return [word for option in options for word in ("-o", option)]


def on_loopback(connection: dict[str, Any], name: str) -> bool:
    """Whether nobody but this computer itself can answer at a host's address."""
    address = str(connection.get("ansible_host") or name)
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def switched_off(connection: dict[str, Any]) -> tuple[str, str] | None:
    """Which of a host's variables lets an unknown server in, and the words in it that do; None where none does."""
    for variable in ("ansible_host_key_checking", "ansible_ssh_host_key_checking"):
        value = connection.get(variable)
        if value is not None and str(value).lower() not in ("true", "yes", "on", "1", "y", "t"):
            return variable, f"{variable}: {value}"
    for variable in ARGUMENTS:
        for keyword, given in _options_in(str(connection.get(variable) or "")):
            values = OFF.get(keyword.lower(), set())
            if values is None or given.lower() in values:
                return variable, f"{keyword}={given}"
    return None


def _options_in(arguments: str) -> Iterator[tuple[str, str]]:
    """The options (``-o``) among arguments for ssh: keyword and value."""
    try:
        words = iter(shlex.split(arguments))
    except ValueError:  # a quotation that is not closed: ssh is never started with it
        return
    for word in words:
        option = (word[2:] or next(words, "")) if word.startswith("-o") else ""
        if found := re.match(r"\s*(\w+)\s*[=\s]\s*(.*)$", option):
            yield found.group(1), found.group(2).strip().strip('"')


def refused(words: str) -> bool:
    """Whether ssh says that it does not know a server's key, or knows another one."""
    return "Host key verification failed" in words or "host key is known for" in words


def lines_of(name: str, known_hosts: Path) -> list[str]:
    """The lines of ``known_hosts`` with keys of this host."""
    if not known_hosts.exists():
        return []
    lines = known_hosts.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if name in line.split(" ")[0].split(",")]
