"""The way back of a change: what a host was like before it, kept there, and a countdown that returns to it.

A module that could lock somebody out does its work in this order::

    settle(module, "accounts")           # an earlier change that nobody confirmed goes back first
    way_back = WayBack(module, "accounts", paths=[...], keep=[...], restore="...")
    way_back.arm()
    ...                                  # change things; on trouble: way_back.give_back(), then fail_json
    way_back.confirm_within(45)          # the task confirm_change must follow in time

Each change has a folder ``/var/lib/patuh/guard/NAME.ID``, and its name is its state, because renaming is what a full
disk, a power cut or a race cannot halve::

    NAME.ID.new         being made, or a change without a countdown: never given back by itself
    NAME.ID             armed: given back when its time is up, or at the next boot
    NAME.ID.restoring   being given back: tried again every minute and at boot until all is back
    NAME.ID.done        confirmed or given back: rubbish
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import tempfile
import time

GUARD_ROOT = "/var/lib/patuh/guard"
HELPER = "/usr/local/sbin/patuh-guard"
UNIT = "/etc/systemd/system/patuh-guard.service"
ENABLED = "/etc/systemd/system/sysinit.target.wants/patuh-guard.service"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
# Activation may take this long; the seconds to confirm count from its end.
ACTIVATION_SECONDS_MAX = 240

# RemainAfterExit, because whatever starts a unit later would start this again.
GUARD_UNIT = """[Unit]
Description=Put back changes that nobody confirmed before this boot
DefaultDependencies=no
After=local-fs.target
# Before all that reads such files at boot.
Before=network-pre.target nftables.service patuh-firewall.service ssh.service systemd-sysctl.service sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /usr/local/sbin/patuh-guard boot

[Install]
WantedBy=sysinit.target
"""
HELPER_SCRIPT = r"""#!/bin/sh
# The way back of changes that could lock somebody out; what a folder's name says is told in patuh_guard.py.
#   patuh-guard wait FOLDER     count down, then give back what nobody confirmed
#   patuh-guard confirm NAME    keep the change NAME: prints "kept", or "restored" when it has gone back already
#   patuh-guard restore FOLDER  give back now, or try again
#   patuh-guard boot            give back what was armed before this boot
cd /var/lib/patuh/guard || exit 1
say() { logger -t patuh-guard -p "daemon.$1" -- "$2" || true; }

remove() {
    if [ -e "$1/beside" ]; then
        while IFS= read -r path; do rm -f -- "$path"; done <"$1/beside"
    fi
    rm -rf -- "$1"
}

give_back() { # FOLDER, without .restoring
    [ -d "$1.restoring" ] || return 0
    name="${1%.*}"
    code=0
    said="$(sh "$1.restoring/restore.sh" 2>&1)" || code=$?
    said="$(printf %s "$said" | tr '\n' ';' | sed 's/;*$//; s/;/; /g')"
    if [ "$code" = 0 ]; then
        say warning "change of $name was not confirmed: the old state is back${said:+, except: $said}"
        mv -T "$1.restoring" "$1.done" 2>/dev/null && remove "$1.done"
        return 0
    fi
    [ -d "$1.restoring" ] || return 0 # somebody else was faster
    say crit "change of $name is not wholly put back: $said. Tried again every minute for \
ten minutes and at each boot; at once by: patuh-guard restore $1"
    printf '%s\n' "$said" >&2
    return 1
}

case "$1" in
wait)
    # A service that waits, not a timer: "systemctl daemon-reload", which changes like to do, starts the countdown of
    # a transient timer afresh. Whoever renames the folder first, this or confirm, has decided.
    while read -r deadline <"$2/deadline" && read -r now rest </proc/uptime && [ "${now%.*}" -lt "$deadline" ]; do
        sleep 1
    done 2>/dev/null
    mv -T "$2" "$2.restoring" 2>/dev/null || [ ! -d "$2.restoring" ] || sleep 60
    tries=0
    until give_back "$2"; do
        tries=$((tries + 1))
        [ "$tries" -lt 10 ] || exit 1
        sleep 60
    done
    # Whoever confirmed may have been cut off before the end.
    [ ! -d "$2.done" ] || remove "$2.done"
    ;;
confirm)
    for folder in "$2".????????; do
        if mv -T "$folder" "$folder.done" 2>/dev/null; then
            remove "$folder.done"
            echo kept
            exit 0
        fi
    done
    echo restored
    ;;
restore)
    id="${2%.restoring}"
    mv -T "$id" "$id.restoring" 2>/dev/null
    give_back "$id"
    ;;
boot)
    BOOTING=1
    export BOOTING
    read -r this_boot </proc/sys/kernel/random/boot_id
    failed=0
    for folder in *.????????.done *.????????.new; do
        [ -d "$folder" ] && [ "$(cat "$folder/boot" 2>/dev/null)" != "$this_boot" ] && remove "$folder"
    done
    for folder in *.???????? *.????????.restoring; do
        if [ -d "$folder" ] && [ "$(cat "$folder/boot" 2>/dev/null)" != "$this_boot" ]; then
            id="${folder%.restoring}"
            [ "$folder" != "$id" ] || mv -T "$id" "$id.restoring"
            give_back "$id" || failed=1
        fi
    done
    exit "$failed"
    ;;
*)
    echo "usage: patuh-guard wait FOLDER | confirm NAME | restore FOLDER | boot" >&2
    exit 2
    ;;
esac
"""
RESTORE_HEAD = r"""#!/bin/sh
# Gives back what there was before a change; may be run again until it succeeds. It says on standard output what stays
# changed for good, on standard error what is not back yet.
cd "$(dirname "$0")" || exit 1
failed=
failure() { failed=1; echo "$*" >&2; }
# Renaming needs no room and never leaves half a file. A copy that is not here any more has been put back already.
back() { { [ ! -e "$1" ] && [ ! -L "$1" ]; } || mv -fT -- "$1" "$2" || failure "$2 is not back"; }
gone() { rm -f -- "$1" || failure "$1 is still there"; }
empty() { rmdir -- "$1" 2>/dev/null || true; }
"""


class WayBackLost(Exception):
    """The host has put the old state back already, because the change took too long."""


def title(command):
    """What a message calls a command: a script goes by the comment that it begins with."""
    return command.strip().splitlines()[0].lstrip("# ")


def put(path, text, mode):
    """Write a file beside and rename it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".patuh-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(scratch, mode)
        os.rename(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


def duplicate(path, copy):
    """Copy a file or a link with owner, mode, times, extended attributes and access lists."""
    info = os.lstat(path)
    if stat.S_ISLNK(info.st_mode):
        os.symlink(os.readlink(path), copy)
        os.lchown(copy, info.st_uid, info.st_gid)
        return
    if not stat.S_ISREG(info.st_mode):
        raise OSError(0, "is neither a file nor a link, so its present state cannot be kept", path)
    with open(path, "rb") as source, open(copy, "xb") as target:
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())
    os.chown(copy, info.st_uid, info.st_gid)
    shutil.copystat(path, copy)


def uptime():
    """Seconds by the clock that nobody sets."""
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0])


def _contents(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _is_running(process):
    return process.isdigit() and os.path.exists("/proc/%s" % process)


def settle(module, name):
    """Put back, before a change begins, an earlier one of this name that nobody confirmed.

    Nobody is going to: its run has ended, or this one would not have had its turn. Only while its module still works
    on the host, because its controller died meanwhile, there is something to wait for.
    """
    if not os.path.isdir(GUARD_ROOT) or not os.access(GUARD_ROOT, os.W_OK):
        return
    pattern = re.compile(re.escape(name) + r"\.\w{8}(\.restoring)?$")
    for earlier in sorted(filter(pattern.match, os.listdir(GUARD_ROOT))):
        folder = os.path.join(GUARD_ROOT, earlier)
        began = time.monotonic()
        while _is_running(_contents(folder + "/module")) and time.monotonic() < began + ACTIVATION_SECONDS_MAX:
            time.sleep(1)
        code, out, err = module.run_command(["/bin/sh", HELPER, "restore", earlier])
        if code != 0 or os.path.isdir(folder):
            module.fail_json(
                msg="An earlier change of %s on this host, which nobody confirmed, cannot be put back: %s. Mend that, "
                "run 'patuh-guard restore %s' there as root until it succeeds, then run again. Nothing was changed."
                % (name, (err or out).strip().rstrip("."), earlier)
            )
        module.warn(
            "An earlier change of %s that nobody had confirmed was put back first (%d s)."
            % (name, time.monotonic() - began)
        )


class WayBack:
    """The old state of files and running values, and how to return to it.

    :param name: what the change is called, for the task ``confirm_change`` and the journal.
    :param paths: files and links to keep, or whose absence to keep.
    :param keep: shell commands whose output is a shell script that gives back a running value as it is now. Such a
        script may print what cannot be given back at all, a line each; it fails when it should be tried again. It
        also runs at boot, with ``BOOTING`` set, for what outlasts one (modes, enabled units); what a boot sets anew
        by itself begins with ``[ -z "$BOOTING" ] || exit 0``.
    :param restore: a shell command to run once the files are back, before what ``keep`` gave; not at boot, where
        services start from the files that are back.
    :raises OSError: when the old state cannot be kept; nothing is left behind.
    """

    def __init__(self, module, name, paths, keep=(), restore=None):
        self.module = module
        self.name = name
        self.id = "%s.%s" % (name, os.urandom(4).hex())
        self.armed = False
        try:
            os.makedirs(GUARD_ROOT, mode=0o700, exist_ok=True)
            root = GUARD_ROOT
        except PermissionError:  # not the superuser: no countdown either
            root = tempfile.gettempdir()
        self.place = os.path.join(root, self.id)
        self.folder = self.place + ".new"
        self.beside = []
        os.mkdir(self.folder, mode=0o700)
        try:
            shutil.copyfile(BOOT_ID, self.folder + "/boot")
            script = [RESTORE_HEAD, *self._keep_files(list(dict.fromkeys(paths)))]
            script.append("sync")
            script.append('[ "$1" != files ] || { [ -z "$failed" ]; exit; }')
            script += self._keep_running(keep, restore)
            script.append('[ -z "$failed" ]')
            self._write("restore.sh", "\n".join(script) + "\n")
        except BaseException:
            self.forget()
            raise

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def _keep_files(self, paths):
        """Copy files to where a rename puts them back: into our folder, or beside them on other file systems."""
        probe = os.path.join(self.folder, "probe")
        with open(probe, "w", encoding="ascii"):
            pass
        copies = []
        for number, path in enumerate(paths):
            if not os.path.lexists(path):
                continue
            beside = os.path.join(os.path.dirname(path), ".patuh-guard.%s.%d" % (self.id, number))
            try:
                os.link(probe, beside)
                os.unlink(beside)
                copies.append((path, os.path.join(self.folder, str(number)), "./%d" % number))
            except OSError:
                self.beside.append(beside)
                copies.append((path, beside, shlex.quote(beside)))
        os.unlink(probe)
        # Known before they are made, so that they can be cleared away whatever happens.
        self._write("beside", "".join(path + "\n" for path in self.beside))
        script = []
        for path, copy, shown in copies:
            duplicate(path, copy)
            script.append("back %s %s" % (shown, shlex.quote(path)))
        for path in paths:
            if os.path.lexists(path):
                continue
            script.append("gone %s" % shlex.quote(path))
            parent = os.path.dirname(path)
            while not os.path.lexists(parent):
                script.append("empty %s" % shlex.quote(parent))
                parent = os.path.dirname(parent)
        return script

    def _keep_running(self, keep, restore):
        script = []
        if restore:
            self._write("restore", restore + "\n")
            script.append(
                '[ -n "$BOOTING" ] || sh ./restore >/dev/null || failure %s' % shlex.quote("failed: " + title(restore))
            )
        for number, command in enumerate(keep):
            code, out, err = self.module.run_command(["/bin/sh", "-c", command])
            if code != 0:
                raise OSError(0, "'%s' failed: %s" % (title(command), (err or out).strip()), self.name)
            self._write("keep-%d" % number, out)
            script.append("sh ./keep-%d || failure %s" % (number, shlex.quote("not back: " + title(command))))
        return script

    def arm(self):
        """Start the countdown that gives the old state back, also after a power cut.

        :raises OSError: when that cannot be promised; nothing is left behind.
        """
        try:
            self._install()
            self._write("module", "%d\n" % os.getpid())
            # Of one width, so that it can be written anew in its place when the disk is full.
            self._write("deadline", "%012d\n" % (uptime() + ACTIVATION_SECONDS_MAX))
            os.sync()
            os.rename(self.folder, self.place)
            self.folder = self.place
            os.sync()  # what comes next must not reach the disk before the way back
            # A name that no unit before it had: systemd may remember one that failed.
            self._do(
                "systemd-run",
                "--quiet",
                "--collect",
                "--unit=patuh-guard-" + self.id,
                "/bin/sh",
                HELPER,
                "wait",
                self.id,
            )
            self.armed = True
        except BaseException:
            self.forget()
            raise

    def _install(self):
        fresh = _text(HELPER) == HELPER_SCRIPT and _text(UNIT) == GUARD_UNIT
        # A power cut may have come between writing and enabling.
        if fresh and os.path.lexists(ENABLED):
            return
        put(HELPER, HELPER_SCRIPT, 0o755)
        put(UNIT, GUARD_UNIT, 0o644)
        self._do("systemctl", "--no-reload", "enable", "--quiet", "patuh-guard.service")
        self._do("systemctl", "daemon-reload")
        self._do("systemctl", "restart", "patuh-guard.service")

    def _do(self, *command):
        code, out, err = self.module.run_command(list(command))
        if code != 0:
            raise OSError(0, "'%s' failed: %s" % (" ".join(command[:2]), (err or out).strip()), self.name)

    @property
    def holds(self):
        """Whether the old state has not been given back meanwhile."""
        return os.path.isdir(self.folder)

    def confirm_within(self, seconds):
        """The change is in effect: from now on, so many seconds are left to confirm it.

        :raises WayBackLost: when the time for bringing it into effect was over before.
        :raises OSError: when the time cannot be set.
        """
        try:
            handle = os.open(self.folder + "/deadline", os.O_WRONLY)
        except FileNotFoundError:
            raise WayBackLost from None
        try:
            os.pwrite(handle, b"%012d\n" % (uptime() + int(seconds)), 0)
            os.fsync(handle)
        finally:
            os.close(handle)
        if os.path.exists(self.folder + "/module"):
            os.unlink(self.folder + "/module")

    def give_back(self, activated=True):
        """Return to the old state now. True words about it: what stays changed for good, and what is not back yet.

        :param activated: whether anything was brought into effect; else only files are put back.
        """
        restoring = self.place + ".restoring"
        try:
            os.rename(self.folder, restoring)
        except FileNotFoundError:  # the countdown was faster
            while os.path.isdir(restoring):
                time.sleep(1)
            return [], []
        self.folder = restoring
        arguments = [] if activated else ["files"]
        code, out, err = self.module.run_command(["/bin/sh", restoring + "/restore.sh", *arguments])
        if code != 0:
            return out.strip().splitlines(), err.strip().splitlines() or ["restore.sh failed"]
        self.forget()
        return out.strip().splitlines(), []

    def forget(self):
        """Clear away what was kept: the change holds, or all is back."""
        try:
            os.rename(self.folder, self.place + ".done")
            self.folder = self.place + ".done"
        except OSError:
            pass
        for path in self.beside:
            if os.path.lexists(path):
                os.unlink(path)
        shutil.rmtree(self.folder, ignore_errors=True)

    def words(self, activated, left, failed):
        """What a failed run may truthfully say, once :meth:`give_back` has answered."""
        if failed:
            return "NOT everything is back as it was: %s. %s" % (
                "; ".join(failed),
                "The host tries again every minute and at boot (journalctl -t patuh-guard)."
                if self.armed
                else "The next run and the next boot try again.",
            )
        if not activated:
            return "Every file is back as it was. Nothing had been brought into effect."
        if left:
            return "Every file and running value is back as it was, except: %s." % "; ".join(left)
        return "Every file and running value is back as it was."


def _text(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return None
