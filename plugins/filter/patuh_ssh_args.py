"""The arguments by which Ansible's ssh insists on known host keys, from the variables that decide them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from compliance import host_keys

# One login for all tasks of a host.
SHARED = ("-o", "ControlMaster=auto", "-o", "ControlPersist=60s")


def patuh_ssh_args(connection: dict[str, Any], name: str, known_hosts: str) -> str:
    """The value of ``ansible_ssh_args`` for the host ``name``.

    :param known_hosts: the fleet's host keys, for hosts whose inventory names no other file.
    """
    connection = {**connection, host_keys.FILE_VARIABLE: connection.get(host_keys.FILE_VARIABLE) or known_hosts}
    return shlex.join([*host_keys.ssh_options(connection, name), *SHARED])


class FilterModule:
    """The filter behind the vars plugin ``patuh_host_keys``."""

    def filters(self) -> dict[str, Any]:
        """The filters by their names."""
        return {"patuh_ssh_args": patuh_ssh_args}
