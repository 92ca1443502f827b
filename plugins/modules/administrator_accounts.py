#!/usr/bin/python
"""Ansible module: the accounts of a fleet's administrators."""

from __future__ import annotations

DOCUMENTATION = r"""
module: administrator_accounts
short_description: Gives declared administrators their accounts and takes those of leavers away
description:
  - Active administrators get an account of their own, their declared keys and no others, membership of the
    administrators' group, and password ageing.
  - Leavers are locked and expired, their keys and superuser rights are removed and their sessions ended.
  - The automation account never has its password or account expire.
options:
  active:
    description: Administrators with C(name) and C(keys).
    type: list
    elements: dict
    required: true
  password_hashes:
    description: First passwords of new accounts as hashes, by account name.
    type: dict
    default: {}
  left:
    description: Account names of administrators who left.
    type: list
    elements: str
    default: []
  automation_account:
    description: The account that Ansible uses.
    type: str
    required: true
  group:
    description: The group whose members may become superuser.
    type: str
    default: sudo
  password_days_max:
    description: Days after which a person's password must be changed.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Keep the administrators' accounts
  administrator_accounts:
    active: [{name: admin-a, keys: ["ssh-ed25519 AAAA… admin-a"]}]
    left: [admin-c]
    automation_account: patuh
    password_days_max: 90
"""

RETURN = r"""
changes:
  description: What was, or would be, done, a sentence each.
  type: list
  returned: always
"""

import grp
import os
import pwd

from ansible.module_utils.basic import AnsibleModule

WARN_DAYS = 14


class Accounts:
    """The host's accounts, changed one sentence at a time."""

    def __init__(self, module):
        self.module = module
        self.changes = []
        self.shadow = {}
        with open("/etc/shadow", encoding="utf-8") as file:
            for line in file:
                fields = line.rstrip("\n").split(":")
                self.shadow[fields[0]] = fields

    def do(self, sentence, *command):
        self.changes.append(sentence)
        if not self.module.check_mode:
            code, out, err = self.module.run_command(list(command))
            if code != 0:
                self.module.fail_json(msg="%s: %s" % (sentence, (err or out).strip()), changes=self.changes)

    def exists(self, name):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            return None

    def groups(self, name):
        return {group.gr_name for group in grp.getgrall() if name in group.gr_mem}

    def keep(self, person, password_hash, group, days):
        name = person["name"]
        if not self.exists(name):
            command = ["useradd", "--create-home", "--shell", "/bin/bash", "--groups", group]
            if password_hash:
                command += ["--password", password_hash]
            self.do("%s: account made" % name, *command, name)
            if self.module.check_mode:
                self.changes.append("%s: keys written" % name)
                return
        else:
            if group not in self.groups(name):
                self.do("%s: made a member of %s" % (name, group), "usermod", "-a", "-G", group, name)
            if self.shadow.get(name, [""] * 9)[7] not in ("", "-1"):
                self.do("%s: account allowed again" % name, "usermod", "-e", "", name)
        self.age(name, str(days))
        self.write_keys(name, person["keys"])

    def age(self, name, days):
        fields = self.shadow.get(name, [""] * 9)
        if fields[4] != days or fields[5] != str(WARN_DAYS):
            self.do(
                "%s: password ages after %s days" % (name, days),
                "chage",
                "-M",
                days,
                "-W",
                str(WARN_DAYS),
                name,
            )

    def never_expires(self, name):
        fields = self.shadow.get(name)
        if fields and (fields[4] not in ("", "-1", "99999") or fields[7] not in ("", "-1")):
            self.do("%s: never expires" % name, "chage", "-M", "-1", "-I", "-1", "-E", "-1", name)

    def write_keys(self, name, keys):
        account = self.exists(name)
        folder = os.path.join(account.pw_dir, ".ssh")
        path = os.path.join(folder, "authorized_keys")
        wanted = "".join(key.strip() + "\n" for key in keys)
        for place in (account.pw_dir, folder, path):
            if os.path.islink(place):
                self.module.fail_json(
                    msg="%s is a symbolic link, which is not followed. Remove it and run again." % place
                )
        current = None
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                current = file.read()
        if current == wanted:
            return
        self.changes.append("%s: keys written" % name)
        if self.module.check_mode:
            return
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.chown(folder, account.pw_uid, account.pw_gid)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(wanted)
        os.chmod(path + ".new", 0o600)
        os.chown(path + ".new", account.pw_uid, account.pw_gid)
        os.rename(path + ".new", path)

    def take_away(self, name, group):
        account = self.exists(name)
        if not account:
            return
        fields = self.shadow.get(name, [""] * 9)
        if not fields[1].startswith("!") or fields[7] != "1":
            self.do("%s: locked and expired" % name, "usermod", "-L", "-e", "1970-01-02", name)
        if account.pw_shell != "/usr/sbin/nologin":
            self.do("%s: shell taken away" % name, "usermod", "-s", "/usr/sbin/nologin", name)
        for member_of in sorted(self.groups(name) & {group, "sudo", "adm"}):
            self.do("%s: removed from %s" % (name, member_of), "gpasswd", "-d", name, member_of)
        for file in ("authorized_keys", "authorized_keys2"):
            path = os.path.join(account.pw_dir, ".ssh", file)
            if os.path.lexists(path):
                self.do("%s: %s removed" % (name, file), "rm", "-f", path)
        sessions = self.module.run_command(["pgrep", "-u", name])[1].split()
        if sessions:
            self.do("%s: sessions ended" % name, "pkill", "-KILL", "-u", name)


def main():
    module = AnsibleModule(
        argument_spec={
            "active": {"type": "list", "elements": "dict", "required": True, "no_log": False},
            "password_hashes": {"type": "dict", "default": {}, "no_log": True},
            "left": {"type": "list", "elements": "str", "default": []},
            "automation_account": {"type": "str", "required": True},
            "group": {"type": "str", "default": "sudo"},
            "password_days_max": {"type": "int", "required": True, "no_log": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    if not any(person["name"] and person["keys"] for person in given["active"]):
        module.fail_json(msg="No active administrator has a key: nothing was changed.")
    accounts = Accounts(module)
    for person in given["active"]:
        accounts.keep(person, given["password_hashes"].get(person["name"]), given["group"], given["password_days_max"])
    for name in given["left"]:
        accounts.take_away(name, given["group"])
    accounts.never_expires(given["automation_account"])
    if accounts.shadow.get("root", [""] * 9)[4] not in ("", "-1", "99999"):
        # An expired root password silently stops root's cron jobs: its age is checked, not enforced.
        accounts.do("root: password does not expire by itself", "chage", "-M", "-1", "root")
    module.exit_json(
        changed=bool(accounts.changes),
        changes=accounts.changes,
        diff={"before": "", "after": "".join(change + "\n" for change in accounts.changes)},
    )


if __name__ == "__main__":
    main()
