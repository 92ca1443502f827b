#!/usr/bin/python
"""Ansible module: who logs in to a host today and will not be able to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: logins_ending
short_description: Names, before anything is changed, who logs in today and will not be able to once it is
description:
  - Looks at the logins of the last 90 days that the journal knows, at present sessions, and at the keys that the SSH
    server reads today, as far as it lets their owners in today.
  - Compares them with what is going to hold, only declared people, from declared workstations, with declared keys of
    the accepted types, and warns of each account with the reasons. Changes nothing.
options:
  administrators:
    description: Active administrators with C(name) and C(keys).
    type: list
    elements: dict
    required: true
  automation_account:
    description: The account that Ansible uses; its keys stay as they are.
    type: str
    required: true
  workstations:
    description: The addresses from which administrators may come.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Name who will not be able to log in
  logins_ending:
    administrators: [{name: admin-a, keys: ["ssh-ed25519 AAAA… admin-a"]}]
    automation_account: patuh
    workstations: [192.0.2.10]
"""

RETURN = r"""
losing:
  description: The reasons by account.
  type: dict
  returned: always
"""

import base64
import fnmatch
import hashlib
import ipaddress
import os
import pwd
import re
import stat
import struct
import time

from ansible.module_utils.basic import AnsibleModule

DAYS = 90
LINES_MAX = 100000
ACCOUNTS_MAX = 500
BYTES_MAX = 1 << 20
# sshd's own words (auth.c, auth_log) and the names that it gives to types of keys (sshkey_type).
ACCEPTED = re.compile(r"^(\d+)[.\d]* .*?: Accepted (\S+) for (\S+) from (\S+) port \d+ ssh2(?:: (\S+) (SHA256:\S+))?")
TYPES = ("ED25519", "ED25519-SK", "RSA")
KEY_TYPES = {"ssh-ed25519": "ED25519", "sk-ssh-ed25519@openssh.com": "ED25519-SK", "ssh-rsa": "RSA"}
RSA_BITS_MIN = 3072


def fingerprint(blob):
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def public_keys(text):
    """The keys in a text of authorized_keys(5), as (type, fingerprint, whether the type and size are accepted)."""
    found = []
    for line in text.splitlines():
        match = re.search(r"(?:^|\s)((?:ssh|ecdsa|sk)-\S+)\s+(AAAA[A-Za-z0-9+/]+=*)", line)
        if not match or line.lstrip().startswith("#"):
            continue
        try:
            blob = base64.b64decode(match.group(2) + "==")
        except ValueError:
            continue
        name, good = match.group(1), match.group(1) in KEY_TYPES
        if name == "ssh-rsa":
            good = rsa_bits(blob) >= RSA_BITS_MIN
        found.append((KEY_TYPES.get(name, name), fingerprint(blob), good))
    return found


def rsa_bits(blob):
    """The size of an RSA key: its third field is the modulus (RFC 4253, 6.6)."""
    try:
        for _ in range(3):
            (length,) = struct.unpack(">I", blob[:4])
            field, blob = blob[4 : 4 + length], blob[4 + length :]
    except struct.error:
        return 0
    return int.from_bytes(field, "big").bit_length()


def small_file(path):
    """A file's text, empty when there is none or it is no ordinary one; a pipe must not halt us."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            return ""
        with os.fdopen(handle, "rb") as file:
            return file.read(BYTES_MAX).decode("utf-8", "replace")
    except OSError:
        return ""


class Host:
    """What the host says of its logins."""

    def __init__(self, module):
        self.module = module

    def run(self, *command):
        code, out, _ = self.module.run_command(list(command), errors="surrogate_then_replace")
        return out if code == 0 else ""

    def logins(self):
        """The logins by SSH: (account, address, method, type of key, fingerprint), each with its last day."""
        found = {}
        # Indexed by the identifier; sshd-session is what says it since OpenSSH 9.8.
        said = self.run(
            *("journalctl", "--quiet", "--no-pager", "--output=short-unix", "--since=-%dd" % DAYS),
            *("--lines=%d" % LINES_MAX, "--grep=^Accepted ", "-t", "sshd", "-t", "sshd-session"),
        )
        for line in said.splitlines():
            match = ACCEPTED.match(line)
            if match:
                when, how, name, address, kind, key = match.groups()
                found[name, address, how, kind, key] = int(when)
        for session in self.run("loginctl", "list-sessions", "--no-legend").split("\n"):
            if not session.split():
                continue
            shown = ("loginctl", "show-session", "-p", "Name", "-p", "RemoteHost", "-p", "Service", session.split()[0])
            values = dict(line.partition("=")[::2] for line in self.run(*shown).splitlines())
            if values.get("Service") == "sshd" and values.get("RemoteHost"):
                known = any(seen[:2] == (values["Name"], values["RemoteHost"]) for seen in found)
                if not known:
                    found[values["Name"], values["RemoteHost"], "session", None, None] = int(time.time())
        return found

    def server(self, name, address):
        """The SSH server's settings of today for a connection; several of one name are joined."""
        values = {}
        said = self.run("sshd", "-T", "-C", "user=%s,host=%s,addr=%s" % (name, address, address))
        for line in said.splitlines():
            key, _, value = line.partition(" ")
            values[key] = (values[key] + " " + value) if key in values else value
        return values

    def admits(self, name, address, settings):
        """Whether today's settings let the account come from there, as far as AllowUsers and root's own say."""
        if name == "root" and settings.get("permitrootlogin") == "no":
            return False
        patterns = settings.get("allowusers", "").split()
        return not patterns or any(matches(pattern, name, address) for pattern in patterns)


def matches(pattern, name, address):
    """Whether AllowUsers' pattern stands for an account from an address (sshd_config(5), PATTERNS)."""
    user, at, place = pattern.partition("@")
    if not fnmatch.fnmatchcase(name, user):
        return False
    if not at:
        return True
    try:
        return ipaddress.ip_address(address.partition("%")[0]) in ipaddress.ip_network(place)
    except ValueError:
        return fnmatch.fnmatchcase(address, place)


def is_among(address, workstations):
    try:
        return ipaddress.ip_address(address.partition("%")[0]) in [ipaddress.ip_address(one) for one in workstations]
    except ValueError:
        return False


def main():
    module = AnsibleModule(
        argument_spec={
            "administrators": {"type": "list", "elements": "dict", "required": True, "no_log": False},
            "automation_account": {"type": "str", "required": True},
            "workstations": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    given = module.params
    host = Host(module)
    declared = {person["name"]: public_keys("\n".join(person["keys"])) for person in given["administrators"]}
    losing = {}

    def loses(name, reason):
        if reason not in losing.setdefault(name, []):
            losing[name].append(reason)

    for (name, address, how, kind, key), when in sorted(host.logins().items(), key=lambda login: -login[1]):
        if not host.admits(name, address, host.server(name, address)):
            continue  # not today either
        day = time.strftime("%Y-%m-%d", time.gmtime(when))
        if name not in declared and name != given["automation_account"]:
            loses(name, "is not declared as an administrator (logged in on %s from %s)" % (day, address))
            continue
        if not is_among(address, given["workstations"]):
            loses(name, "came on %s from %s, which is no declared workstation" % (day, address))
        if how in ("password", "keyboard-interactive/pam"):
            more = "" if declared.get(name) or name == given["automation_account"] else " and has no declared key"
            loses(name, "came with a password on %s%s: only keys are accepted" % (day, more))
        elif kind and kind not in TYPES:
            loses(name, "used a key of type %s on %s, which is not accepted" % (kind, day))
        elif key and name in declared and key not in [one[1] for one in declared[name]]:
            loses(name, "used a key on %s that is not declared (%s)" % (day, key))
    everybody = [
        account for account in pwd.getpwall() if os.path.basename(account.pw_shell) not in ("nologin", "false")
    ]
    for account in everybody[:ACCOUNTS_MAX]:
        name = account.pw_name
        if name in losing or not (account.pw_uid == 0 or account.pw_uid >= 1000 or name in declared):
            continue
        address = given["workstations"][0]
        settings = host.server(name, address)
        keys = []
        for place in settings.get("authorizedkeysfile", "").split():
            place = place.replace("%h", account.pw_dir).replace("%u", name).replace("%U", str(account.pw_uid))
            keys += public_keys(small_file(os.path.join(account.pw_dir, place)))
        if not keys or not host.admits(name, address, settings):
            continue
        if name == given["automation_account"]:
            if not any(good for _, _, good in keys):
                loses(name, "has only keys of types or sizes that are not accepted")
        elif name not in declared:
            loses(name, "is not declared as an administrator (has %d key(s) here)" % len(keys))
    for name, reasons in sorted(losing.items()):
        # Ansible prints warnings of several hosts without their names.
        module.warn("%s: %s will not be able to log in as today: %s." % (os.uname().nodename, name, "; ".join(reasons)))
    module.exit_json(changed=False, losing=losing)


if __name__ == "__main__":
    main()
