#!/usr/bin/python
"""Ansible module: a set of files as one change."""

from __future__ import annotations

DOCUMENTATION = r"""
module: file_set
short_description: Writes a set of files as one change that is validated, activated and reversible
description:
  - Writes, links, edits and removes all files of a subsystem in one go, because every task costs a round trip
    and an interpreter start on the host.
  - When validation or activation fails, every file is put back as it was.
  - With O(guard), a countdown on the host puts everything back unless the C(confirm_change) task stops it in time,
    also when the controller has died or the host reboots in between.
options:
  files:
    description: Files to write (C(content)) or symbolic links to make (C(link)), with C(mode), C(owner), C(group).
    type: list
    elements: dict
    default: []
  lines:
    description: Lines to have in files of others that know no drop-ins; C(pattern) finds the line to replace.
    type: list
    elements: dict
    default: []
  modes:
    description: Modes that existing files must have (C(path), C(mode)); missing ones are passed over.
    type: list
    elements: dict
    default: []
  absent:
    description: Files to remove.
    type: list
    elements: path
    default: []
  validate:
    description: Shell commands that must succeed once the files stand, before anything is activated.
    type: list
    elements: str
    default: []
  in_effect:
    description: A read-only shell command that succeeds when the running state is already what the files say.
    type: str
  activate:
    description: Shell commands that bring the files into effect; run when a file changed or O(in_effect) failed.
    type: list
    elements: str
    default: []
  guard:
    description: C(name), C(seconds) (to confirm, once activated), C(restore) (a command to run after the files are
      back), C(paths) (more files that activation changes).
    type: dict
"""

EXAMPLES = r"""
- name: Configure the SSH server
  file_set:
    files:
      - path: /etc/ssh/sshd_config.d/00-patuh.conf
        content: "{{ lookup('template', 'sshd.conf.j2') }}"
    validate: [sshd -t]
    activate: [systemctl reload ssh]
    guard: {name: ssh, seconds: 60, restore: systemctl reload ssh}
"""

RETURN = r"""
changed_paths:
  description: What was, or would be, written, edited or removed.
  type: list
  returned: always
guard_armed:
  description: Whether a confirm_change task must follow.
  type: bool
  returned: always
"""

import os
import re
import shlex
import shutil
import stat
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule

GUARD_ROOT = "/var/lib/patuh/guard"
GUARD_UNIT = """[Unit]
Description=Put back changes that nobody confirmed before this boot
ConditionDirectoryNotEmpty=/var/lib/patuh/guard
DefaultDependencies=no
After=local-fs.target
# Before all that reads such files at boot.
Before=network-pre.target nftables.service patuh-firewall.service ssh.service systemd-sysctl.service sysinit.target

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'cd /var/lib/patuh/guard && rm -rf *.kept && \\
    for restore in */restore.sh; do BOOTING=1 /bin/sh "$restore"; done'

[Install]
WantedBy=sysinit.target
"""
# Waiting in a service of its own, not a timer: "systemctl daemon-reload", which changes like to do, starts the
# countdown of a transient timer afresh. Whoever renames the folder first, this or confirm_change, has decided.
COUNTDOWN = """#!/bin/sh
here="$(dirname "$0")"
while read -r deadline <"$here/deadline" && read -r now _ </proc/uptime && [ "${now%.*}" -lt "$deadline" ]; do
    sleep 1
done
mv "$here" "$here.restoring" && exec /bin/sh "$here.restoring/restore.sh"
"""
# Activation may take this long; the seconds to confirm count from its end.
ACTIVATION_SECONDS_MAX = 240


class Entry:
    """A file as it is and as it should be; ``None`` as wanted content stands for absence."""

    def __init__(self, path, content=None, link=None, mode=None, owner=None, group=None):
        self.path = path
        # A template may give a number; and a text file ends with a line end.
        self.content = None if content is None else str(content)
        if self.content and not self.content.endswith("\n"):
            self.content += "\n"
        self.link = link
        self.mode = int(str(mode), 8) if mode is not None else None
        self.owner = owner
        self.group = group
        self.before = None
        self.before_link = os.readlink(path) if os.path.islink(path) else None
        self.before_stat = os.lstat(path) if os.path.lexists(path) else None
        if self.before_stat and stat.S_ISREG(self.before_stat.st_mode):
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                self.before = file.read()

    @property
    def wants_absence(self):
        return self.content is None and self.link is None

    def differs(self):
        if self.wants_absence:
            return self.before_stat is not None
        if self.link is not None:
            return self.before_link != self.link
        if self.before_link is not None or self.before != self.content:
            return True
        if self.mode is not None and stat.S_IMODE(self.before_stat.st_mode) != self.mode:
            return True
        return (self.before_stat.st_uid, self.before_stat.st_gid) != self.ids()

    def ids(self):
        import grp
        import pwd

        before = self.before_stat
        owner = pwd.getpwnam(self.owner).pw_uid if self.owner else (before.st_uid if before else 0)
        group = grp.getgrnam(self.group).gr_gid if self.group else (before.st_gid if before else 0)
        return owner, group

    def write(self):
        if self.wants_absence:
            os.unlink(self.path)
            return
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=os.path.dirname(self.path), prefix=".patuh-")
        try:
            if self.link is not None:
                os.close(handle)
                os.unlink(scratch)
                os.symlink(self.link, scratch)
            else:
                with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(self.content)
                    file.flush()
                    os.fsync(file.fileno())
                mode = self.mode if self.mode is not None else stat.S_IMODE(self.before_stat.st_mode)
                os.chmod(scratch, mode)
                os.chown(scratch, *self.ids())
            os.rename(scratch, self.path)
        except BaseException:
            if os.path.lexists(scratch):
                os.unlink(scratch)
            raise

    def put_back(self):
        if os.path.lexists(self.path):
            os.unlink(self.path)
        if self.before_stat is None:
            return
        if self.before_link is not None:
            os.symlink(self.before_link, self.path)
            return
        with open(self.path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(self.before)
        os.chmod(self.path, stat.S_IMODE(self.before_stat.st_mode))
        os.chown(self.path, self.before_stat.st_uid, self.before_stat.st_gid)

    def diff(self):
        def shown(link, content):
            return "-> %s\n" % link if link is not None else (content or "")

        def header(missing, mode):
            return "%s (%s)" % (self.path, "absent" if missing else "mode %s" % (mode or "kept"))

        before_mode = oct(stat.S_IMODE(self.before_stat.st_mode))[2:] if self.before_stat else None
        return {
            "before_header": header(self.before_stat is None, before_mode),
            "after_header": header(self.wants_absence, oct(self.mode)[2:] if self.mode is not None else before_mode),
            "before": shown(self.before_link, self.before),
            "after": "" if self.wants_absence else shown(self.link, self.content),
        }


def edited(entries, path, pattern, line):
    """The entry of a file with one line set: the last match is replaced, others go, none means appending."""
    entry = entries.get(path) or Entry(path)
    text = entry.content if entry.content is not None else (entry.before or "")
    kept, placed = [], False
    found = [number for number, old in enumerate(text.splitlines()) if re.search(pattern, old)]
    for number, old in enumerate(text.splitlines()):
        if number not in found:
            kept.append(old)
        elif number == found[-1]:
            kept.append(line)
            placed = True
    if not placed:
        kept.append(line)
    entry.content = "\n".join(kept) + "\n"
    if entry.mode is None and entry.before_stat is None:
        entry.mode = 0o644
    entries[path] = entry


def wanted_entries(module):
    entries = {}
    for wanted in module.params["files"]:
        entries[wanted["path"]] = Entry(
            wanted["path"],
            content=wanted.get("content"),
            link=wanted.get("link"),
            mode=wanted.get("mode", "0644"),
            owner=wanted.get("owner", "root"),
            group=wanted.get("group", "root"),
        )
    for path in module.params["absent"]:
        entries[path] = Entry(path)
    for wanted in module.params["lines"]:
        edited(entries, wanted["path"], wanted["pattern"], wanted["line"])
    for wanted in module.params["modes"]:
        path = wanted["path"]
        if path not in entries and os.path.isfile(path):
            entry = Entry(path, mode=wanted["mode"])
            entry.content = entry.before
            entries[path] = entry
    return entries


def wait_for_other_change(module, folder, seconds):
    """Let an earlier change that nobody confirmed be put back first."""
    deadline = time.monotonic() + ACTIVATION_SECONDS_MAX + seconds
    while os.path.exists(folder) or os.path.exists(folder + ".restoring"):
        if time.monotonic() > deadline:
            module.fail_json(
                msg="An earlier change on this host is neither confirmed nor put back (%s). Look at "
                "'journalctl -t patuh-guard', run its restore.sh by hand, then run again." % folder
            )
        time.sleep(1)


def set_deadline(folder, seconds):
    """Let the countdown end so many seconds from now, by the clock that nobody sets."""
    with open("/proc/uptime", encoding="ascii") as file:
        now = float(file.read().split()[0])
    with open(folder + "/deadline.new", "w", encoding="ascii") as file:
        file.write("%d\n" % (now + seconds))
    os.rename(folder + "/deadline.new", folder + "/deadline")


def arm(module, guard, changing):
    """Keep the old state on the host and start the countdown that puts it back."""
    name = guard["name"]
    folder = os.path.join(GUARD_ROOT, name)
    unit = "/etc/systemd/system/patuh-guard.service"
    entry = Entry(unit, content=GUARD_UNIT, mode="0644", owner="root", group="root")
    # A power cut may have come between writing and enabling.
    if entry.differs() or not os.path.lexists("/etc/systemd/system/sysinit.target.wants/patuh-guard.service"):
        entry.write()
        module.run_command(["systemctl", "--no-reload", "enable", "--quiet", "patuh-guard.service"], check_rc=True)
        module.run_command(["systemctl", "daemon-reload"], check_rc=True)
    shutil.rmtree(folder + ".new", ignore_errors=True)
    os.makedirs(folder + ".new", mode=0o700)
    script = ["#!/bin/sh", 'cd "$(dirname "$0")" || exit 1']
    paths = [*changing, *(path for path in guard.get("paths", []) if path not in changing)]
    for number, path in enumerate(paths):
        quoted = shlex.quote(path)
        script.append("rm -f %s" % quoted)
        if os.path.lexists(path):
            kept = os.path.join(folder + ".new", str(number))
            shutil.copy2(path, kept, follow_symlinks=False)
            if not os.path.islink(path):
                info = os.stat(path)
                os.chown(kept, info.st_uid, info.st_gid)
            script.append("cp -a ./%s %s" % (number, quoted))
    script.append("sync")  # once this folder is gone, nobody else puts the files back
    # At boot the services start from the files that are back; a running system has to be told.
    script.append('[ -n "$BOOTING" ] || (\n%s\n)' % (guard.get("restore") or ":"))
    script.append("logger -t patuh-guard 'change of %s was not confirmed: the old state is back'" % name)
    script.append('rm -rf "$PWD"')
    for name_of_script, text in (("restore.sh", "\n".join(script) + "\n"), ("countdown.sh", COUNTDOWN)):
        with open(os.path.join(folder + ".new", name_of_script), "w", encoding="utf-8") as file:
            file.write(text)
    set_deadline(folder + ".new", ACTIVATION_SECONDS_MAX)
    os.sync()
    os.rename(folder + ".new", folder)
    os.sync()  # what comes next must not reach the disk before the way back
    module.run_command(
        [
            *("systemd-run", "--quiet", "--collect", "--unit=patuh-guard-%s" % name),
            *("/bin/sh", folder + "/countdown.sh"),
        ],
        check_rc=True,
    )


def disarm(module, guard):
    """Stop the countdown: everything is back already."""
    folder = os.path.join(GUARD_ROOT, guard["name"])
    module.run_command(["systemctl", "stop", "patuh-guard-%s.service" % guard["name"]])
    shutil.rmtree(folder, ignore_errors=True)


def title(command):
    """What a message calls a command: a script goes by the comment that it begins with."""
    return command.strip().splitlines()[0].lstrip("# ")


def main():
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "default": []},
            "lines": {"type": "list", "elements": "dict", "default": []},
            "modes": {"type": "list", "elements": "dict", "default": []},
            "absent": {"type": "list", "elements": "path", "default": []},
            "validate": {"type": "list", "elements": "str", "default": []},
            "in_effect": {"type": "str"},
            "activate": {"type": "list", "elements": "str", "default": []},
            "guard": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    guard = module.params["guard"]
    if guard and not module.check_mode:
        wait_for_other_change(module, os.path.join(GUARD_ROOT, guard["name"]), int(guard["seconds"]))
    entries = wanted_entries(module)
    changing = {path: entry for path, entry in entries.items() if entry.differs()}
    in_effect = True
    if not changing and module.params["in_effect"]:
        in_effect = module.run_command(["/bin/sh", "-c", module.params["in_effect"]])[0] == 0
    result = {
        "changed": bool(changing) or not in_effect,
        "changed_paths": sorted(changing),
        "guard_armed": False,
        "diff": [entry.diff() for _, entry in sorted(changing.items())],
    }
    if not in_effect:
        result["diff"].append(
            {
                "before": "not in effect\n",
                "after": "in effect\n",
                "before_header": "running state",
                "after_header": "running state",
            }
        )
    if not result["changed"] or module.check_mode:
        module.exit_json(**result)

    if guard:
        arm(module, guard, changing)
        result["guard_armed"] = True

    def undo(message, activated=False):
        for entry in changing.values():
            entry.put_back()
        os.sync()
        if guard:
            # Where nothing was activated there is nothing to restore; it could bring files of others into effect.
            if activated and guard.get("restore"):
                module.run_command(["/bin/sh", "-c", guard["restore"]])
            disarm(module, guard)
        module.fail_json(msg=message + " Every file is back as it was.", changed=False)

    for entry in changing.values():
        try:
            entry.write()
        except OSError as error:
            undo("%s cannot be written: %s." % (entry.path, error.strerror))
    for step, trouble in (("validate", "'%s' refuses the change: %s."), ("activate", "'%s' failed: %s.")):
        for command in module.params[step]:
            code, out, err = module.run_command(["/bin/sh", "-c", command])
            if code != 0:
                undo(trouble % (title(command), (err or out).strip().rstrip(".")), activated=step == "activate")
    if guard:
        try:
            set_deadline(os.path.join(GUARD_ROOT, guard["name"]), int(guard["seconds"]))
        except OSError:
            module.fail_json(
                msg="Bringing the change into effect took longer than %d s: the host has put the old state back. "
                "Run again when the host is less busy." % ACTIVATION_SECONDS_MAX
            )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
