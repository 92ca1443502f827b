#!/usr/bin/python
"""Ansible module: the accounts of a fleet's administrators."""

from __future__ import annotations

DOCUMENTATION = r"""
module: administrator_accounts
short_description: Gives declared administrators their accounts and takes those of leavers away
description:
  - Active administrators get an account of their own, their declared keys and no others, membership of the
    administrators' group, and ageing of their password where they have one.
  - A password that is already older than allowed ends some days from now, and a warning says when.
  - Leavers are locked and expired; their keys, groups, sudo rules, crontab and jobs of at are removed, their sessions
    ended. All of it is kept in C(/var/lib/patuh/leavers) and given back to one who is active again.
  - Whatever lies below a home folder is read and written as the folder's owner, and no link is followed.
  - Root, system accounts, accounts that share their number and whatever is no person's are refused, all in one
    message, before anything is changed.
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
  superuser_password_days_max:
    description: Days after which a warning says that root's password should be changed.
    type: int
  guard:
    description: C(name) and C(seconds) (to confirm); everything goes back unless C(confirm_change) follows in time. A
      password that somebody changes in these seconds goes back, too.
    type: dict
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
guard_armed:
  description: Whether a confirm_change task must follow.
  type: bool
  returned: always
"""

import base64
import contextlib
import errno
import grp
import json
import os
import pwd
import re
import secrets
import select
import shlex
import signal
import stat
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.patuh_guard import WayBack, WayBackLost, settle

WARN_DAYS = 14
# How long somebody has to change a password that is already older than allowed when ageing begins.
DAYS_TO_CHANGE = 14
NOLOGIN = "/usr/sbin/nologin"
# 1970-01-02 as a day of shadow(5): an account that expired then was closed by us.
CLOSED = "1"
NEVER = ("", "-1", "99999")
LEAVERS = "/var/lib/patuh/leavers"
CRONTABS = "/var/spool/cron/crontabs"
AT_JOBS = "/var/spool/cron/atjobs"
LINGER = "/var/lib/systemd/linger"
UID_MAX = 65533  # 65534 is nobody's, 65535 cannot be used (systemd's UIDS-GIDS)
BYTES_MAX = 1 << 20
HOME_SECONDS_MAX = 60
KEY_FILES = ("authorized_keys", "authorized_keys2")
ASIDE = ".patuh-left"


class Refused(Exception):
    """Why something is not touched, as a sentence for people."""


class Account:
    """A line of passwd with its line of shadow; an account that is only about to be made has no number."""

    def __init__(self, line, shadow):
        self.name, _, uid, gid, _, self.home, self.shell = line
        self.uid, self.gid = int(uid), int(gid)
        _, self.password, self.changed, _, self.days_max, self.days_warn, _, self.expires, _ = shadow

    @property
    def has_password(self):
        """Whether a password lets somebody in: key-only and locked accounts have none that could age."""
        return not self.password.startswith(("!", "*"))

    @property
    def closed(self):
        return self.expires == CLOSED


def local_accounts():
    """The accounts of this host's own files, by name; those of a directory service are not ours to change."""
    with open("/etc/shadow", encoding="utf-8", errors="surrogateescape") as file:
        shadow = {line.partition(":")[0]: line.rstrip("\n").split(":") for line in file}
    found = {}
    with open("/etc/passwd", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            fields = line.rstrip("\n").split(":")
            if len(fields) == 7 and fields[2].isdigit() and fields[3].isdigit():
                aging = shadow.get(fields[0], [fields[0], "*"])
                found.setdefault(fields[0], Account(fields, [*aging, *[""] * 9][:9]))
    return found


def uid_min():
    """The first number that is a person's, by login.defs(5)."""
    with open("/etc/login.defs", encoding="utf-8", errors="surrogateescape") as file:
        found = re.findall(r"^\s*UID_MIN\s+(\d+)", file.read(), re.MULTILINE)
    return int(found[-1]) if found else 1000


def date_of(day):
    return time.strftime("%Y-%m-%d", time.gmtime(day * 86400))


def as_owner(account, work, *arguments):
    """Do work below a home folder in a child that is the folder's owner and nobody else, and give its answer.

    Whatever the owner has put there, links, pipes, folders in place of files, then leads no further than the owner
    gets anyway. The child cannot be traced by the owner: the kernel forbids that once a process gave root up.

    :raises Refused: when the work cannot be done, with the reason.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            os.setgroups([])
            os.setresgid(account.gid, account.gid, account.gid)
            os.setresuid(account.uid, account.uid, account.uid)
            os.umask(0o077)
            answer = {"answer": work(account, *arguments)}
        except Refused as error:
            answer = {"refused": str(error)}
        except BaseException as error:
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            answer = {"refused": "%s/.ssh: %s" % (account.home, said)}
        with os.fdopen(writer, "w", encoding="utf-8") as file:
            json.dump(answer, file)
        os._exit(0)
    os.close(writer)
    said, deadline = b"", time.monotonic() + HOME_SECONDS_MAX
    while select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(reader, 65536)
        if not piece:
            break
        said += piece
    os.close(reader)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    try:
        answer = json.loads(said)
    except ValueError:
        raise Refused("%s gave no answer within %d s" % (account.home, HOME_SECONDS_MAX)) from None
    if "refused" in answer:
        raise Refused(answer["refused"])
    return answer["answer"]


def open_folder(path, account, within=None):
    """Open a folder that is the account's own, not following a link; None when there is none.

    :raises Refused: when it is something else.
    """
    shown = path if within is None else "%s/%s" % (account.home, path)
    for attempt in (1, 2):
        try:
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=within)
            break
        except FileNotFoundError:
            return None
        except PermissionError:
            # Its owner may have closed it, also against himself.
            if attempt == 2 or os.lstat(path, dir_fd=within).st_uid != account.uid:
                raise Refused("%s cannot be entered by %s" % (shown, account.name)) from None
            os.chmod(path, 0o700, dir_fd=within)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise Refused("%s is a symbolic link or no folder, which is not followed: remove it" % shown) from None
            raise
    if os.fstat(folder).st_uid != account.uid:
        raise Refused("%s is not owned by %s: give it to its owner by chown" % (shown, account.name))
    return folder


def ssh_folder(account):
    home = open_folder(account.home, account)
    return None if home is None else open_folder(".ssh", account, home)


def read_small(name, folder):
    """A file's text where it is an ordinary file of ordinary size, else None; False when there is none."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=folder)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_size > BYTES_MAX:
        os.close(file)
        return None
    with os.fdopen(file, "rb") as opened:
        return opened.read(BYTES_MAX).decode("utf-8", "surrogateescape")


def present_keys(account):
    """The account's keys as they are, False when it has none; done as its owner."""
    folder = ssh_folder(account)
    if folder is None:
        return False
    found = read_small("authorized_keys", folder)
    if found is not None:
        return found
    kept = os.lstat("authorized_keys", dir_fd=folder)
    if not stat.S_ISREG(kept.st_mode):
        raise Refused("%s/.ssh/authorized_keys is a link or no ordinary file: remove it" % account.home)
    return None


def write_keys(account, text):
    """Put keys in place of those that are there; done as their owner."""
    home = open_folder(account.home, account)
    if home is None:
        raise Refused("%s is not there" % account.home)
    folder = open_folder(".ssh", account, home)
    if folder is None:
        os.mkdir(".ssh", 0o700, dir_fd=home)
        folder = open_folder(".ssh", account, home)
    scratch = ".patuh-" + secrets.token_hex(8)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(scratch, flags, 0o600, dir_fd=folder), "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        os.rename(scratch, "authorized_keys", src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch, dir_fd=folder)
        raise


def leaver_keys(account):
    """A leaver's files of keys by name, None where sshd would find something else; done as their owner."""
    home = open_folder(account.home, account)
    if home is None:
        return {}
    try:
        folder = open_folder(".ssh", account, home)
    except Refused:
        return {".ssh": None}
    if folder is None:
        return {}
    found = {name: read_small(name, folder) for name in KEY_FILES}
    return {name: text for name, text in found.items() if text is not False}


def take_keys(account):
    """Take a leaver's keys away, whatever they are, only ever by their names; done as their owner."""
    home = open_folder(account.home, account)
    for name, text in leaver_keys(account).items():
        folder = home if name == ".ssh" else open_folder(".ssh", account, home)
        if text is not None:
            os.unlink(name, dir_fd=folder)
            continue
        aside = name + ASIDE
        while True:
            try:
                os.lstat(aside, dir_fd=folder)
            except FileNotFoundError:
                break
            aside = "%s%s-%s" % (name, ASIDE, secrets.token_hex(4))
        os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)


def without_person(text, name, uid):
    """A file of sudo rules without those for one person, and the rules taken out, as lines of his own.

    :raises Refused: when a rule names him in a way that cannot be taken apart.
    """
    kept, taken = [], []
    his = {name, "#%d" % uid}
    word = re.compile(r"(?<![\w.%%+@/-])(%s|#%d)(?![\w.-])" % (re.escape(name), uid))
    # A line that ends with a backslash goes on in the next.
    for line in re.findall(r"(?:[^\n]*\\\n)*[^\n]*(?:\n|$)", text):
        joined = line.replace("\\\n", " ").strip()
        comment = joined.startswith("#") and not re.match(r"#\d", joined)
        if not joined or comment or not word.search(joined):
            kept.append(line)
            continue
        if re.match(r"Defaults:%s\s" % re.escape(name), joined):
            taken.append(joined)
            continue
        alias = re.match(r"(User_Alias\s+\w+\s*=)\s*([^:=]*)$", joined)
        rule = re.match(r"((?:[^\s,=\\\"!]+\s*,\s*)*[^\s,=\\\"!]+)(\s+[^=]+=.*)$", joined)
        found = alias or (None if re.match(r"\w+_Alias\b|Defaults|@include", joined) else rule)
        if not found:
            if re.match(r"(Host|Cmnd|Cmd|Runas)_Alias\b|Defaults", joined):
                kept.append(line)  # a machine, a command, or whom somebody may become: no right of his
                continue
            raise Refused("names %s in a rule that cannot be taken apart: '%.80s'" % (name, joined))
        listed = found.group(2 if alias else 1)
        members = [member.strip() for member in listed.split(",")]
        others = [member for member in members if member not in his]
        if len(others) == len(members):
            kept.append(line)
            continue
        if alias and not others:
            raise Refused("names %s as the only one of an alias: '%.80s'" % (name, joined))
        if alias:
            kept.append("%s %s\n" % (alias.group(1), ", ".join(others)))
            taken.append("# was among: " + joined)
        else:
            if others:
                kept.append(", ".join(others) + rule.group(2) + "\n")
            taken.append(name + rule.group(2))
    return "".join(kept), taken


class Records:
    """What was taken away from leavers, kept for root alone, so that one who returns gets it back."""

    @staticmethod
    def path(name):
        return os.path.join(LEAVERS, name + ".json")

    @classmethod
    def read(cls, account):
        """The record of this account; none when it speaks of an earlier account of the same name."""
        try:
            with open(cls.path(account.name), encoding="utf-8") as file:
                record = json.load(file)
        except FileNotFoundError:
            return {}
        except ValueError:
            raise Refused("%s is damaged: move it away" % cls.path(account.name)) from None
        return record if record.get("uid") == account.uid else {}

    @classmethod
    def write(cls, name, record):
        os.makedirs(LEAVERS, mode=0o700, exist_ok=True)
        os.chmod(LEAVERS, 0o700)
        write_beside(cls.path(name), json.dumps(record, indent=1).encode("ascii"), 0o600)


def write_beside(path, content, mode, uid=0, gid=0):
    """Write a file of root's own folders beside and rename it, so that it is whole at any moment."""
    handle, scratch = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".patuh-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chown(scratch, uid, gid)
        os.chmod(scratch, mode)
        os.rename(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


def read_or_none(path):
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read()


def packed(content):
    return base64.b64encode(content).decode("ascii")


class Plan:
    """What is going to be done, a sentence each; nothing is done before all of it is known and nothing is refused."""

    def __init__(self, module):
        self.module = module
        self.given = module.params
        self.accounts = local_accounts()
        self.groups = grp.getgrall()
        self.today = int(time.time()) // 86400
        self.steps = []
        self.warnings = []
        self.files = {"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"}
        self.keys = []  # the accounts whose keys change, each with the files as they are
        self.stays = []  # what no way back undoes

    # What is refused ---------------------------------------------------------------------------------------------

    def refused(self, names):
        """Why names are not worked on, a sentence each: accounts are a person's only, and one's own."""
        least, reasons = uid_min(), []
        for name in sorted(set(names)):
            account = self.accounts.get(name)
            if names.count(name) > 1:
                reasons.append("%s is declared more than once" % name)
            if name == self.given["automation_account"]:
                reasons.append("%s is the automation account, not a person's" % name)
            elif account is None:
                reasons += self.refused_new(name)
            else:
                reasons += self.refused_present(account, least)
        return reasons

    def refused_new(self, name):
        try:
            pwd.getpwnam(name)
        except KeyError:
            pass
        else:
            return ["%s comes from a directory service, not from this host's own files" % name]
        left = name in self.given["left"]
        if not left and name in {group.gr_name for group in self.groups}:
            return ["%s is the name of a group here, so of no person" % name]
        return []

    def refused_present(self, account, least):
        name, uid = account.name, account.uid
        if not least <= uid <= UID_MAX:
            return [
                "%s has the number %d, which is a system account's (people: %d to %d)" % (name, uid, least, UID_MAX)
            ]
        sharing = sorted(other.name for other in self.accounts.values() if other.uid == uid and other is not account)
        if sharing:
            return ["%s shares its number %d with %s" % (name, uid, ", ".join(sharing))]
        if name in self.given["left"]:
            return []
        try:
            Records.read(account)
            if os.path.basename(account.shell) in ("nologin", "false", "sync") and not account.closed:
                raise Refused(
                    "its shell is %s: it is no person's account, or somebody closed it (then: usermod -s /bin/bash %s)"
                    % (account.shell, name)
                )
            if os.path.lexists(account.home):
                as_owner(account, present_keys)
            elif not safe_parent(account.home):
                raise Refused("its home folder %s is missing and cannot be made safely" % account.home)
        except Refused as reason:
            return ["%s: %s" % (name, reason)]
        return []

    # Active administrators ---------------------------------------------------------------------------------------

    def keep(self, person):
        name, group = person["name"], self.given["group"]
        wanted = "".join(key.strip() + "\n" for key in person["keys"])
        account = self.accounts.get(name)
        if account is None:
            self.make(name, self.given["password_hashes"].get(name), wanted)
            return
        if account.closed:
            self.let_return(account)
        elif account.expires not in ("", "-1"):
            self.command("%s: account allowed again" % name, "usermod", "-e", "", name)
        if group not in self.member_of(name):
            self.command("%s: made a member of %s" % (name, group), "usermod", "-a", "-G", group, name)
        self.age(account)
        if not os.path.lexists(account.home):
            self.stays.append("the home folder of %s stays" % name)
            self.step("%s: home folder made" % name, make_home, account)
            present = False
        else:
            present = as_owner(account, present_keys)
        if present != wanted:
            self.keys.append((account, {"authorized_keys": present}))
            self.step("%s: keys written" % name, as_owner, account, write_keys, wanted)

    def make(self, name, password_hash, wanted):
        command = ["useradd", "--create-home", "--shell", "/bin/bash", "--groups", self.given["group"]]
        # login.defs' maximum age would shut out an account without a password once it is over.
        days = self.given["password_days_max"] if password_hash else -1
        self.files |= {"/etc/subuid", "/etc/subgid"}
        self.stays.append("the home folder of %s stays" % name)
        self.command("%s: account made" % name, *command, "-K", "PASS_MAX_DAYS=%d" % days, name)
        if password_hash:
            # Not by an argument: those of a process are everybody's to read.
            self.command("%s: first password set" % name, "chpasswd", "-e", stdin="%s:%s\n" % (name, password_hash))
        aging = ["chage", "-M", str(days), "-W", str(WARN_DAYS), name]
        self.command("%s: password %s" % (name, aging_said(days)), *aging)
        self.step("%s: keys written" % name, lambda: as_owner(local_accounts()[name], write_keys, wanted))

    def age(self, account):
        """Let a password age, and nothing else: an account with keys alone would be shut out when its time is over."""
        name, days = account.name, self.given["password_days_max"]
        wanted = str(days) if account.has_password else ""
        changed = int(account.changed or 0)
        if account.has_password and changed and changed + days < self.today and account.days_max != str(days):
            # Older than allowed before its ageing began: it ends soon, not now. The day of its last change stays
            # what it was, so that what checks say of its age stays true.
            present = int(account.days_max or -1)
            started = days < present <= self.today - changed + DAYS_TO_CHANGE
            wanted = str(present if started else self.today - changed + DAYS_TO_CHANGE)
            end = changed + int(wanted)
            if end >= self.today:
                self.warnings.append(
                    "%s: the password is %d days old, %d are allowed. It must be changed until %s; after that day a "
                    "login asks for a new one first." % (name, self.today - changed, days, date_of(end))
                )
        aging = []
        if account.days_max != wanted and not (wanted == "" and account.days_max == "-1"):
            aging += ["-M", wanted or "-1"]
        if account.days_warn != str(WARN_DAYS):
            aging += ["-W", str(WARN_DAYS)]
        if account.changed == "0" and not account.has_password:
            aging += ["-d", "-1"]  # "must be changed at the next login", where there is none
        if aging:
            self.command("%s: password %s" % (name, aging_said(int(wanted or -1))), "chage", *aging, name)

    def let_return(self, account):
        """Give back to one who returns what was taken away when he left."""
        name, record = account.name, Records.read(account)
        shell = account.shell if os.path.basename(account.shell) != "nologin" else record.get("shell", "/bin/bash")
        expires = record.get("expires", "")
        self.command(
            "%s: returns, with shell and account" % name,
            *("usermod", "-s", shell, "-e", date_of(int(expires)) if expires.isdigit() else "", name),
        )
        if record.get("unlock") and account.password.startswith("!$"):
            self.command("%s: password allowed again" % name, "usermod", "-U", name)
            account.password = account.password[1:]
        present = {group.gr_name for group in self.groups}
        groups = [group for group in record.get("groups", []) if group in present]
        if groups:
            self.command("%s: again in %s" % (name, ", ".join(groups)), "usermod", "-a", "-G", ",".join(groups), name)
            for group in self.groups:
                if group.gr_name in groups:
                    group.gr_mem.append(name)
        crontab = os.path.join(CRONTABS, name)
        if record.get("crontab") and not os.path.lexists(crontab) and os.path.isdir(CRONTABS):
            content = base64.b64decode(record["crontab"])
            gid = os.stat(CRONTABS).st_gid
            self.files.add(crontab)
            self.step("%s: crontab given back" % name, write_beside, crontab, content, 0o600, account.uid, gid)
        for job, content in record.get("at", {}).items():
            path = os.path.join(AT_JOBS, job)
            # atd names a job by its queue, number and minute; it would at once do what is past.
            if os.path.lexists(path) or not os.path.isdir(AT_JOBS) or int(job[6:], 16) * 60 < time.time():
                continue
            gid = os.stat(AT_JOBS).st_gid
            self.files.add(path)
            self.step(
                "%s: job of at given back" % name,
                write_beside,
                path,
                base64.b64decode(content),
                0o700,
                account.uid,
                gid,
            )
        for rules in record.get("sudo", []):
            self.rules_back(name, rules)
        if record.get("linger") and not os.path.exists(os.path.join(LINGER, name)):
            self.files.add(os.path.join(LINGER, name))
            self.command("%s: services without a login again" % name, "loginctl", "enable-linger", name)

    # Those who left ----------------------------------------------------------------------------------------------

    def take_away(self, name):
        account = self.accounts.get(name)
        if account is None:
            return
        old = Records.read(account)
        record = dict(old) if account.closed else {"shell": old["shell"]} if old.get("shell") else {}
        record["uid"] = account.uid
        begin = len(self.steps)
        if account.has_password or not account.password.startswith("!") or not account.closed:
            if not account.closed:
                record["expires"] = account.expires
            record["unlock"] = record.get("unlock", False) or account.has_password
            self.command("%s: locked and expired" % name, "usermod", "-L", "-e", "1970-01-02", name)
        if account.shell != NOLOGIN:
            record["shell"] = account.shell
            self.command("%s: shell taken away" % name, "usermod", "-s", NOLOGIN, name)
        groups = sorted(self.member_of(name))
        if groups:
            record["groups"] = sorted({*record.get("groups", []), *groups})
            self.command("%s: removed from %s" % (name, ", ".join(groups)), "usermod", "-G", "", name)
        self.take_sudo_rules(account, record)
        self.take_jobs(account, record)
        self.take_keys(account, record)
        if os.path.exists(os.path.join(LINGER, name)):
            record["linger"] = True
            self.files.add(os.path.join(LINGER, name))
            self.command("%s: services without a login ended" % name, "loginctl", "disable-linger", name)
        if len(self.steps) > begin:
            self.files.add(Records.path(name))
            self.steps.insert(begin, (None, Records.write, (name, record)))
        if self.processes(account):
            self.stays.append("sessions of %s are ended" % name)
            self.step("%s: sessions ended" % name, self.end_sessions, account)

    def take_sudo_rules(self, account, record):
        for path in sudoers_files():
            content = read_or_none(path)
            if content is None:
                continue
            try:
                text, taken = without_person(content.decode("utf-8", "surrogateescape"), account.name, account.uid)
                if not taken:
                    continue
                after = text.encode("utf-8", "surrogateescape")
                empty = path != "/etc/sudoers" and not re.search(rb"^\s*([^#\s]|#\d|#include)", after, re.MULTILINE)
                self.sudoers_allowed(after)
            except Refused as reason:
                self.warnings.append("%s %s. Take it out by 'visudo -f %s'." % (path, reason, path))
                continue
            kept = {"path": path, "before": packed(content), "after": None if empty else packed(after), "rules": taken}
            record["sudo"] = [one for one in record.get("sudo", []) if one["path"] != path] + [kept]
            self.files.add(path)
            self.step(
                "%s: sudo rules removed from %s" % (account.name, path),
                self.place_rules,
                path,
                None if empty else after,
            )

    def rules_back(self, name, kept):
        path, before, rules = kept["path"], base64.b64decode(kept["before"]), kept["rules"]
        present, after = read_or_none(path), kept["after"] and base64.b64decode(kept["after"])
        if present == before:
            return
        # A file that somebody changed in between keeps that, and gets his own rules beside.
        if present != after:
            own = [rule for rule in rules if rule.encode() not in (present or b"")]
            if not own:
                return
            before = (present or b"").rstrip(b"\n") + b"\n" + "".join(rule + "\n" for rule in own).encode()
        try:
            self.sudoers_allowed(before)
        except Refused as reason:
            self.warnings.append("%s: the sudo rules of %s are not given back (%s)" % (name, path, reason))
            return
        self.files.add(path)
        self.step("%s: sudo rules given back in %s" % (name, path), self.place_rules, path, before)

    def sudoers_allowed(self, content):
        """:raises Refused: when sudo would not take a file of rules."""
        with tempfile.NamedTemporaryFile(prefix="patuh-") as file:
            file.write(content)
            file.flush()
            code, out, err = self.module.run_command(["visudo", "-cf", file.name])
        if code:
            raise Refused("would not be understood by sudo: %s" % (err or out).strip())

    def place_rules(self, path, content):
        if content is None:
            os.unlink(path)
        else:
            found = os.lstat(path) if os.path.lexists(path) else None
            mode = stat.S_IMODE(found.st_mode) if found else 0o440
            write_beside(path, content, mode, *((found.st_uid, found.st_gid) if found else (0, 0)))
        code, out, err = self.module.run_command(["visudo", "-c"])
        if code:
            raise Refused("sudo refuses its rules: %s" % (err or out).strip())

    def take_jobs(self, account, record):
        crontab = os.path.join(CRONTABS, account.name)
        content = read_or_none(crontab)
        if content is not None:
            record["crontab"] = packed(content)
            self.files.add(crontab)
            self.step("%s: crontab removed" % account.name, os.unlink, crontab)
        for job in sorted(os.listdir(AT_JOBS)) if os.path.isdir(AT_JOBS) else []:
            path = os.path.join(AT_JOBS, job)
            if not re.fullmatch(r"[a-zA-Z][0-9a-f]{13}", job) or os.lstat(path).st_uid != account.uid:
                continue
            record.setdefault("at", {})[job] = packed(read_or_none(path) or b"")
            self.files.add(path)
            self.step("%s: job of at removed" % account.name, os.unlink, path)

    def take_keys(self, account, record):
        try:
            found = as_owner(account, leaver_keys) if os.path.lexists(account.home) else {}
        except Refused as reason:
            self.warnings.append(
                "%s: keys are not looked for (%s); the account is locked and expired." % (account.name, reason)
            )
            return
        if not found:
            return
        record["keys"] = {**record.get("keys", {}), **{name: text for name, text in found.items() if text}}
        self.keys.append((account, found))
        aside = sorted(name + ASIDE for name, text in found.items() if text is None)
        more = " (no ordinary file: now %s)" % ", ".join(aside) if aside else ""
        self.step("%s: keys removed%s" % (account.name, more), as_owner, account, take_keys)

    def processes(self, account):
        """Whether anything runs in the account's name; its number is nobody else's."""
        return any(self.module.run_command(["pgrep", how, str(account.uid)])[0] == 0 for how in ("-u", "-U"))

    def end_sessions(self, account):
        self.module.run_command(["loginctl", "terminate-user", account.name])
        for how in ("-u", "-U"):
            self.module.run_command(["pkill", "-KILL", how, str(account.uid)])

    # All others --------------------------------------------------------------------------------------------------

    def never_expires(self, name):
        account = self.accounts.get(name)
        if account and (account.days_max not in NEVER or account.expires not in ("", "-1")):
            self.command("%s: never expires" % name, "chage", "-M", "-1", "-I", "-1", "-E", "-1", name)

    def root(self):
        account, days = self.accounts["root"], self.given["superuser_password_days_max"]
        if account.days_max not in NEVER:
            # An expired root password silently stops root's cron jobs: its age is checked, not enforced.
            self.command("root: password does not expire by itself", "chage", "-M", "-1", "root")
        age = self.today - int(account.changed or 0)
        if days and account.has_password and age > days:
            self.warnings.append(
                "root: the password is %d days old, %d are allowed. Change it; nothing ends by itself." % (age, days)
            )

    def others(self, declared):
        """Say whose cron jobs and logins are going to stop: accounts of others are theirs to mend."""
        for name, account in sorted(self.accounts.items()):
            if name not in declared and not account.has_password and account.days_max not in NEVER and account.changed:
                end = date_of(int(account.changed) + int(account.days_max))
                self.warnings.append(
                    "%s has no password, yet a maximum age: its cron jobs and logins stop on %s. "
                    "Run 'chage -M -1 %s', unless that is meant." % (name, end, name)
                )

    # Doing it ----------------------------------------------------------------------------------------------------

    def member_of(self, name):
        return {group.gr_name for group in self.groups if name in group.gr_mem}

    def step(self, sentence, work, *arguments):
        self.steps.append((sentence, work, arguments))

    def command(self, sentence, *command, stdin=None):
        self.step(sentence, self.run, command, stdin)

    def run(self, command, stdin):
        code, out, err = self.module.run_command(list(command), data=stdin, binary_data=True)
        if code != 0:
            raise Refused((err or out).strip())

    @property
    def sentences(self):
        return [sentence for sentence, _, _ in self.steps if sentence]


def aging_said(days):
    return "ages after %d days" % days if days >= 0 else "does not age: there is none"


def sudoers_files():
    """Files of sudo rules as sudo reads them: those of the folder whose names have no dot and end in no tilde."""
    found = ["/etc/sudoers"] if os.path.exists("/etc/sudoers") else []
    folder = "/etc/sudoers.d"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return found + [os.path.join(folder, name) for name in names if "." not in name and not name.endswith("~")]


def safe_parent(home):
    """Whether the folder around a home is root's alone, so that making one in it cannot be led elsewhere."""
    try:
        found = os.stat(os.path.dirname(home))
    except OSError:
        return False
    return found.st_uid == 0 and not found.st_mode & 0o022


def make_home(account):
    os.mkdir(account.home, 0o700)
    folder = os.open(account.home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    os.fchown(folder, account.uid, account.gid)
    os.close(folder)


# Run as the owner of a home folder, which is its argument; the keys come by standard input.
KEYS_BACK = (
    'umask 077; cd "$1" && mkdir -p .ssh && cd .ssh && new="$(mktemp .patuh-XXXXXXXX)" && base64 -d >"$new" '
    '&& mv -fT "$new" authorized_keys'
)


def way_back(plan, name):
    """Everything that the plan touches, as it is, and how to return to it.

    :raises OSError: when it cannot be kept.
    """
    script = []
    for account, files in plan.keys:
        before = files.get("authorized_keys")
        if before is None:
            script.append("echo %s" % shlex.quote("what stood where %s had keys is moved aside" % account.name))
            continue
        person = ["setpriv", "--reuid=%d" % account.uid, "--regid=%d" % account.gid, "--clear-groups"]
        if before is False:
            script.append(shlex.join([*person, "rm", "-f", account.home + "/.ssh/authorized_keys"]))
            continue
        script.append(shlex.join([*person, "sh", "-c", KEYS_BACK, "sh", account.home]) + " <<'END'")
        script += [packed(before.encode("utf-8", "surrogateescape")), "END"]
    script += ["echo %s" % shlex.quote(sentence) for sentence in plan.stays]
    with tempfile.NamedTemporaryFile("w", prefix="patuh-", encoding="ascii") as file:
        file.write("\n".join(["set -e", *script]) + "\n")
        file.flush()
        return WayBack(plan.module, name, sorted(plan.files), keep=["cat " + file.name])


def carry_out(module, plan):
    """Do everything or nothing; gives whether a confirmation must follow."""
    guard = module.params["guard"]
    try:
        way = way_back(plan, guard["name"] if guard else "accounts")
        if guard:
            way.arm()
    except OSError as error:
        module.fail_json(
            msg="The present state of %s cannot be kept: %s. Nothing was changed." % (error.filename, error.strerror)
        )
    for sentence, work, arguments in plan.steps:
        try:
            work(*arguments)
        except (Refused, OSError) as reason:
            left, failed = way.give_back()
            module.fail_json(
                msg="%s: %s. %s" % (sentence or "the record of a leaver", reason, way.words(True, left, failed)),
                changed=bool(failed),
            )
    if not guard:
        way.forget()
        return False
    try:
        way.confirm_within(guard["seconds"])
    except (WayBackLost, OSError):
        left, failed = way.give_back() if way.holds else ([], [])
        module.fail_json(msg="The accounts took too long to change. " + way.words(True, left, failed))
    return True


def main():
    module = AnsibleModule(
        argument_spec={
            "active": {"type": "list", "elements": "dict", "required": True, "no_log": False},
            "password_hashes": {"type": "dict", "default": {}, "no_log": True},
            "left": {"type": "list", "elements": "str", "default": []},
            "automation_account": {"type": "str", "required": True},
            "group": {"type": "str", "default": "sudo"},
            "password_days_max": {"type": "int", "required": True, "no_log": False},
            "superuser_password_days_max": {"type": "int", "no_log": False},
            "guard": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    given = module.params
    if not any(person["name"] and person["keys"] for person in given["active"]):
        module.fail_json(msg="No active administrator has a key: nothing was changed.")
    if given["guard"] and not module.check_mode:
        settle(module, given["guard"]["name"])
    plan = Plan(module)
    active = [person["name"] for person in given["active"]]
    reasons = plan.refused([*active, *given["left"]])
    if reasons:
        module.fail_json(
            msg="These are not worked on: %s. Only people's own accounts may be declared as administrators; "
            "nothing was changed." % "; ".join(reasons)
        )
    try:
        for person in given["active"]:
            plan.keep(person)
        for name in given["left"]:
            plan.take_away(name)
    except Refused as reason:
        module.fail_json(msg="%s; nothing was changed." % reason)
    plan.never_expires(given["automation_account"])
    plan.root()
    plan.others({*active, *given["left"], given["automation_account"], "root"})
    for warning in plan.warnings:
        # Ansible prints warnings of several hosts without their names.
        module.warn("%s: %s" % (os.uname().nodename, warning))
    armed = carry_out(module, plan) if plan.steps and not module.check_mode else False
    module.exit_json(
        changed=bool(plan.sentences),
        changes=plan.sentences,
        guard_armed=armed,
        diff={"before": "", "after": "".join(change + "\n" for change in plan.sentences)},
    )


if __name__ == "__main__":
    main()
