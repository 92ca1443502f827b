"""Looks at a host with one plain command and refuses, before anything is touched, what cannot go well.

Also keeps two administrators from changing a host at the same time: whoever comes first leaves a note on the host,
and takes it away at the end (``release: true``). A note whose run has died does not bind: at once when it was made
on this controller, after an hour when on another.

Returns the fact ``patuh_host``: ``release`` (``bookworm``), ``controller_address`` (as the host sees it),
``installation_interrupted`` (dpkg was cut off and wants to finish first).
"""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
import socket
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

SUPPORTED_RELEASES = ("bookworm", "trixie")
FREE_MB_MIN = 200

LOOK = """
. /etc/os-release 2>/dev/null
echo "id=$ID"; echo "release=$VERSION_CODENAME"; echo "user=$(id -u)"
echo "free=$(df -Pm / | awk 'NR==2 {print $4}')"
echo "init=$(cat /proc/1/comm)"
echo "interrupted=$({ find /var/lib/dpkg/updates -name '[0-9]*'; dpkg --audit; } 2>/dev/null | head -n 1)"
echo "sshd_first=$(awk '!/^[ \\t]*(#|$)/ {print tolower($1), $2; exit}' /etc/ssh/sshd_config 2>/dev/null)"
engines=""
for unit in docker podman libvirtd virtqemud lxc-net incus; do
    systemctl is-active --quiet "$unit" && engines="$engines $unit"
done
echo "engines=$engines"
firewalls=""
systemctl is-active --quiet firewalld && firewalls="$firewalls firewalld"
grep -qs ^ENABLED=yes /etc/ufw/ufw.conf && firewalls="$firewalls ufw"
systemctl is-enabled --quiet netfilter-persistent 2>/dev/null && firewalls="$firewalls netfilter-persistent"
echo "firewalls=$firewalls"
"""
SSHD_INCLUDE = "include /etc/ssh/sshd_config.d/*.conf"


NOTE = "/run/patuh-run"
NOTE_MINUTES_MAX = 60
# Writing with "noclobber" succeeds for one only.
TAKE = """
[ -z "$(find {note} -mmin +{minutes} 2>/dev/null)" ] || rm -f {note}
[ "$(cat {note} 2>/dev/null)" != {dead} ] || rm -f {note}
(set -C; echo {mine} >{note}) 2>/dev/null || echo "note=$(cat {note})"
"""


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """The action behind the task ``patuh_preflight``."""

    _VALID_ARGS = frozenset({"release"})
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Look, and refuse or go on."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        if self._task.args.get("release"):
            if not self._task.check_mode:
                self._low_level_execute_command(f"rm -f {NOTE}", sudoable=True)
            return {"changed": False}
        # Who we are on the network is only known before sudo cleans the environment.
        origin = self._low_level_execute_command('echo "$(id -un) $SSH_CONNECTION"', sudoable=False)
        looked = self._low_level_execute_command(LOOK, sudoable=True)
        if looked["rc"] != 0 or "user=0" not in looked["stdout"]:
            said = (looked["stderr"] or looked["stdout"]).strip().splitlines()
            raise AnsibleActionFail(
                f"No superuser rights on this host: {said[-1] if said else 'sudo gave no answer'}. "
                "Let the automation account use sudo without a password; nothing was changed."
            )
        seen = dict(re.findall(r"^(\w+)=(.*)$", looked["stdout"].replace("\r", ""), re.MULTILINE))
        if seen.get("id") != "debian" or seen.get("release") not in SUPPORTED_RELEASES:
            raise AnsibleActionFail(
                f"This host runs '{seen.get('id')} {seen.get('release')}', which is not supported. "
                f"Supported: Debian {', '.join(SUPPORTED_RELEASES)}; nothing was changed."
            )
        if seen.get("init") != "systemd":
            raise AnsibleActionFail("This host was not started by systemd; nothing was changed.")
        if not seen.get("free", "").isdigit() or int(seen["free"]) < FREE_MB_MIN:
            raise AnsibleActionFail(
                f"Only {seen.get('free')} MB are free on this host's root file system, {FREE_MB_MIN} MB are "
                "needed. Free some space; nothing was changed."
            )
        if seen.get("sshd_first") not in ("", SSHD_INCLUDE):
            raise AnsibleActionFail(
                f"/etc/ssh/sshd_config begins with '{seen.get('sshd_first')}', and what comes first wins: the settings "
                "of Patuh's own file in sshd_config.d would have no effect. Make 'Include "
                "/etc/ssh/sshd_config.d/*.conf' its first line, as Debian does; nothing was changed."
            )
        declared = variables["patuh_plan"]["hosts"][variables["inventory_hostname"]]
        if seen.get("engines", "").split() and not (declared["router"] or declared["container_host"]):
            raise AnsibleActionFail(
                f"{', '.join(seen['engines'].split())} runs here and needs this host to forward packets, which is "
                "switched off on hosts that are not declared for it. Declare patuh_container_host: true (or "
                "patuh_router: true), or stop it; nothing was changed."
            )
        if others := seen.get("firewalls", "").split():
            self._display.warning(
                f"{variables['inventory_hostname']}: {', '.join(others)} is in force and stays as it is. A packet must "
                "be admitted by it and by Patuh's own table: open declared services there, too, or retire it."
            )
        user, controller = [*origin["stdout"].split(), "", ""][:2]
        fleet = variables["patuh_plan"]["fleet"]
        active = [person["name"] for person in fleet["administrators"] if person["state"] == "active"]
        if user not in (fleet["automation_account"], *active):
            raise AnsibleActionFail(
                f"You connect as '{user}', which is neither patuh_automation_account nor an active administrator: "
                "the SSH server would shut it out. Connect as one of them, or declare it; nothing was changed."
            )
        workstations = fleet["admin_workstations"]
        if controller and not _is_among(controller, workstations):
            raise AnsibleActionFail(
                f"This host sees the controller as {controller}, which is not among patuh_admin_workstations "
                f"({', '.join(workstations)}): the firewall would shut it out. Add the address there, or run "
                "from an administrator's workstation; nothing was changed."
            )
        if not self._task.check_mode:
            self._take_turn(user)
        return {
            "changed": False,
            "ansible_facts": {
                "patuh_host": {
                    "release": seen["release"],
                    "controller_address": controller,
                    "installation_interrupted": bool(seen.get("interrupted")),
                }
            },
        }

    def _take_turn(self, user: str) -> None:
        """Leave a note that this run changes the host, or refuse when another one does."""
        # Tasks run in children of the process that is the run.
        mine = f"{user} {socket.gethostname()} {os.getppid()}"
        other = self._note(mine, dead="''")
        if other and other != mine:
            _, controller, process = [*other.split(), "", ""][:3]
            if controller == socket.gethostname() and not Path(f"/proc/{process}").exists():
                other = self._note(mine, dead=shlex.quote(other))
        if other and other != mine:
            raise AnsibleActionFail(
                f"This host is being changed by another run ({other}: user, controller, process). Wait until it has "
                f"ended; when it never will, remove {NOTE} on the host. Nothing was changed."
            )

    def _note(self, mine: str, dead: str) -> str:
        command = TAKE.format(note=NOTE, minutes=NOTE_MINUTES_MAX, mine=shlex.quote(mine), dead=dead)
        said = str(self._low_level_execute_command(command, sudoable=True)["stdout"])
        # sudo itself may say something, too, such as that there is a mistake in somebody's rules.
        found = re.search(r"^note=(.*?)\r?$", said, re.MULTILINE)
        return found.group(1).strip() if found else ""


def _is_among(address: str, declared: list[str]) -> bool:
    try:
        seen = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(seen == ipaddress.ip_address(item) for item in declared)
