#!/usr/bin/python
"""Ansible module: a set of files as one change."""

from __future__ import annotations

DOCUMENTATION = r"""
module: file_set
short_description: Writes a set of files as one change that is validated, activated and reversible
description:
  - Writes, links, edits and removes all files of a subsystem in one go, because every task costs a round trip
    and an interpreter start on the host.
  - When validation or activation fails, every file is put back as it was, and with O(guard) the running values, too;
    the message says what is not.
  - With O(guard), a countdown on the host puts everything back unless the C(confirm_change) task stops it in time,
    also when the controller has died or the host reboots in between (C(module_utils/patuh_guard.py)).
options:
  files:
    description: Files to write (C(content)) or symbolic links to make (C(link)), with C(mode), C(owner), C(group).
    type: list
    elements: dict
    default: []
  lines:
    description: Lines to have in files of others that know no drop-ins; C(pattern) finds the line to replace, and
      where it finds none, the line is appended, unless C(append) is false.
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
      back), C(paths) (more files that activation changes), C(keep) (commands whose output is a shell script that
      gives back a running value as it is before the change).
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
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.patuh_guard import ACTIVATION_SECONDS_MAX, WayBack, WayBackLost, settle, title


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


def edited(entries, path, pattern, line, append=True):
    """The entry of a file with one line set: the last match is replaced, others go, none means appending."""
    entry = entries.get(path) or Entry(path)
    text = entry.content if entry.content is not None else (entry.before or "")
    kept, placed = [], False
    found = [number for number, old in enumerate(text.splitlines()) if re.search(pattern, old)]
    if not (found or append):
        return
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
        edited(entries, wanted["path"], wanted["pattern"], wanted["line"], wanted.get("append", True))
    for wanted in module.params["modes"]:
        path = wanted["path"]
        if path not in entries and os.path.isfile(path):
            entry = Entry(path, mode=wanted["mode"])
            entry.content = entry.before
            entries[path] = entry
    return entries


def change(module, name, guard, changing, result):
    """Write, validate, activate; whatever goes wrong, return to the old state and say truthfully how far."""
    more = guard or {}
    try:
        way_back = WayBack(
            module, name, [*changing, *more.get("paths", [])], keep=more.get("keep", []), restore=more.get("restore")
        )
        if guard:
            way_back.arm()
    except OSError as error:
        module.fail_json(
            msg="The way back of this change cannot be kept on this host: %s%s. Mend that and run again; nothing was "
            "changed." % ("%s: " % error.filename if error.filename else "", error.strerror)
        )
    done = []

    def undo(message):
        left, failed = way_back.give_back(activated=bool(done))
        said = way_back.words(bool(done) and bool(guard), left, failed)
        if done and not guard and not failed:
            said = "Every file is back as it was. What these have done otherwise stays: %s." % "; ".join(done)
        module.fail_json(msg="%s %s" % (message, said), changed=bool(left or failed or (done and not guard)))

    def too_late():
        module.fail_json(
            msg="Bringing the change into effect took longer than %d s: the host has put the old state back. "
            "Run again when the host is less busy." % ACTIVATION_SECONDS_MAX
        )

    for entry in changing.values():
        try:
            entry.write()
        except OSError as error:
            undo("%s cannot be written: %s." % (entry.path, error.strerror))
    for step, trouble in (("validate", "'%s' refuses the change: %s."), ("activate", "'%s' failed: %s.")):
        for command in module.params[step]:
            if not way_back.holds:
                too_late()
            if step == "activate":
                done.append(title(command))
            code, out, err = module.run_command(["/bin/sh", "-c", command])
            if code != 0:
                undo(trouble % (title(command), (err or out).strip().rstrip(".")))
    if guard:
        try:
            way_back.confirm_within(guard["seconds"])
        except WayBackLost:
            too_late()
        except OSError as error:
            undo("The countdown cannot be set: %s." % error.strerror)
        result["guard_armed"] = True
    else:
        way_back.forget()


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
    name = guard["name"] if guard else "change"
    if not module.check_mode:
        settle(module, name)
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

    change(module, name, guard, changing, result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
