"""What people must still be able to do on a hardened server, done by their own means on virtual machines.

``python -m tests.everyday`` starts from the proof's compliant servers, does on both what administrators and services do
on an ordinary day, by key, in a terminal where there is one, and keeps a table in ``docs/everyday.md``. What hardening
means to refuse is tried as well, and must be refused.
"""

from __future__ import annotations

import concurrent.futures
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import click

from commands.common import REPOSITORY, Steps
from compliance.breaking import SHELL_FUNCTIONS
from compliance.errors import PatuhError
from lab import virtual_machines
from lab.topology import Instance
from tests.people import People, Person, Said, as_root, new_password
from tests.proof.__main__ import Proof
from tests.published import publish, row, table

CAN, REFUSED = "can", "is refused, as meant"
PROGRAM_SECONDS_MAX = 900  # for what unpacks packages under emulation


class Desk:
    """What is at hand while one server's list is worked through."""

    def __init__(self, people: People, host: str) -> None:
        self.people = people
        self.host = host
        self.instance = people.proof.instance
        self.a, self.b = people.of(host)
        self.folder = people.folder / f"desk-{host}"
        self.folder.mkdir(exist_ok=True)
        self.root_password = new_password()

    def root(self, script: str, seconds: float = PROGRAM_SECONDS_MAX) -> Said:
        """A script as root, by the automation account."""
        return as_root(self.instance, self.host, f"set -e; umask 022\n{SHELL_FUNCTIONS}\n{script}", seconds)

    def here(self, *command: str) -> Said:
        """A command on the administrator's own computer."""
        done = subprocess.run(
            command, stdin=-3, stdout=-1, stderr=-2, text=True, timeout=300, check=False, cwd=self.folder
        )
        return Said(done.returncode, done.stdout)


@dataclass(frozen=True)
class Deed:
    """Something that somebody does; ``says`` is what must be said when it worked, or by what refuses it."""

    who: str
    what: str
    do: Callable[[Desk], Said]
    says: str = ""
    refused: bool = False

    def verdict(self, desk: Desk) -> str:
        """Whether it can be done, is refused as hardening means it, or fails, and with which words."""
        try:
            said = self.do(desk)
        except (PatuhError, subprocess.TimeoutExpired) as error:
            said = Said(255, str(error))
        told = re.search(self.says, said.text) is not None
        if (said.code == 0) is self.refused or not told:
            return f"NO: {said.last} (exit {said.code})"
        return REFUSED if self.refused else CAN


def by(who: str, what: str, script: str, says: str = "", *, refused: bool = False) -> Deed:
    """What is done by a command without a terminal."""
    return Deed(who, what, lambda desk: _person(desk, who).run(script), says, refused)


def typed(who: str, what: str, script: str, says: str = "", answers: dict[str, str] | None = None) -> Deed:
    """What is done in a terminal; each answer is typed where its pattern appears."""
    return Deed(who, what, lambda desk: _person(desk, who).type(script, answers), says)


def root(what: str, script: str, says: str = "", *, refused: bool = False) -> Deed:
    """What is done as root."""
    return Deed("root", what, lambda desk: desk.root(script), says, refused)


def _person(desk: Desk, who: str) -> Person:
    return desk.a if who == "administrator" else desk.b


# People are given passwords and change them.


def first_password(desk: Desk) -> Said:
    """Give a key-only administrator a first password, in a script."""
    new = new_password()
    said = desk.root(f"echo '{desk.b.name}:{new}' | chpasswd && echo given")
    if "given" in said.text:
        desk.b = Person(desk.b.name, desk.b.host, desk.b.port, desk.b.key, new)
    return said


def forgotten_password(desk: Desk) -> Said:
    """An administrator sets a colleague's password in a terminal."""
    new = new_password()
    said = desk.a.type(f"sudo passwd {desk.b.name}", {r"(?:New|new) password: ": new})
    if "updated successfully" in said.text:
        desk.b = Person(desk.b.name, desk.b.host, desk.b.port, desk.b.key, new)
    return said


def own_password(desk: Desk) -> Said:
    """An administrator changes their own password."""
    desk.a, said = desk.a.change_password("passwd")
    return said


def weak_password(desk: Desk) -> Said:
    """Root tries to give a password that anybody guesses."""
    return desk.root(f"echo '{desk.b.name}:rahasia' | chpasswd")


def root_password(desk: Desk) -> Said:
    """The superuser's password is renewed."""
    return desk.root(f"echo 'root:{desk.root_password}' | chpasswd")


def ordinary_account(desk: Desk) -> Said:
    """An ordinary account is made by adduser, which asks for a password."""
    new = new_password()
    answers = {r"(?:New|new) password: ": new, r"Try again\? \[y/N\] ": "n"}
    said = desk.a.type("sudo adduser --gecos Pegawai pegawai", answers)
    # Without a password the account is made, too.
    return said if "updated successfully" in said.text else Said(1, said.text)


def become_by_su(desk: Desk) -> Said:
    """A member of sudo becomes root by root's password."""
    return desk.a.type("su - -c 'id -un'", {"Password: ": desk.root_password})


def stranger_by_su(desk: Desk) -> Said:
    """Somebody outside sudo knows root's password."""
    script = "sudo -u pegawai su - -c 'echo became $(id -un)'"
    return desk.a.type(script, {"Password: ": desk.root_password})


# Files go to and fro.


def _ways(desk: Desk) -> tuple[list[str], str]:
    return [*desk.a.ssh_options], f"{desk.a.name}@127.0.0.1:"


def copied(desk: Desk, there: list[str], back: list[str]) -> Said:
    """Copy a file to the server and back, and compare."""
    (desk.folder / "there").write_bytes(bytes(range(256)) * 4096)
    (desk.folder / "back").unlink(missing_ok=True)
    for command in (there, back):
        said = desk.here(*command)
        if said.code:
            return said
    same = (desk.folder / "there").read_bytes() == (desk.folder / "back").read_bytes()
    return Said(0 if same else 1, "the same" if same else "not the same")


def by_scp(desk: Desk) -> Said:
    """By scp."""
    options, where = _ways(desk)
    scp = ["scp", "-P", str(desk.a.port), *options]
    return copied(desk, [*scp, "there", f"{where}copy"], [*scp, f"{where}copy", "back"])


def by_sftp(desk: Desk) -> Said:
    """By sftp."""
    options, where = _ways(desk)
    sftp = ["sftp", "-P", str(desk.a.port), *options, "-b"]
    for name, lines in (("put", "put there copy\n"), ("get", "get copy back\n")):
        (desk.folder / name).write_text(lines, encoding="utf-8")
    return copied(desk, [*sftp, "put", where.rstrip(":")], [*sftp, "get", where.rstrip(":")])


def by_rsync(desk: Desk) -> Said:
    """By rsync."""
    options, where = _ways(desk)
    rsync = ["rsync", "-a", "-e", f"ssh -p {desk.a.port} {shlex.join(options)}"]
    return copied(desk, [*rsync, "there", f"{where}copy"], [*rsync, f"{where}copy", "back"])


# The machine itself changes.


def booted_kernel(desk: Desk) -> Said:
    """Boot what the server has as its newest kernel and initramfs: QEMU starts them instead of a boot loader."""
    newest = desk.root("ls /boot/vmlinuz-* | sort -V | tail -n 1 | sed 's/.*vmlinuz-//'")
    release = newest.text.split()[-1]
    boot = desk.folder / "boot"
    boot.mkdir(exist_ok=True)
    for name, kept in (("vmlinuz", "vmlinuz"), ("initrd.img", "initrd")):
        command = virtual_machines.ssh_command(desk.instance, desk.host, f"sudo -n cat /boot/{name}-{release}")
        (boot / kept).write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    virtual_machines.shut_down(desk.instance, desk.host)
    virtual_machines.start(desk.instance, desk.host, boot)
    virtual_machines.wait_for_ssh(desk.instance, desk.host)
    return desk.a.run(f"test \"$(uname -r)\" = '{release}' && systemctl is-system-running; uname -r")


def rebooted(desk: Desk) -> Said:
    """An administrator reboots the server."""
    virtual_machines.reboot(desk.instance, desk.host, lambda: desk.a.type("sudo systemctl reboot"))
    return desk.a.type("sudo systemctl --failed --plain --no-legend; sudo sh -c 'findmnt /mnt/baru; echo back'")


def plug_in(desk: Desk) -> Said:
    """Plug a disk in while the server runs."""
    disk = desk.instance.machine_folder(desk.host) / "added.raw"
    with disk.open("wb") as file:
        file.truncate(64 * 2**20)
    monitor = virtual_machines.monitor
    said = monitor(desk.instance, desk.host, f"drive_add 0 file={disk},if=none,id=added,format=raw")
    said += monitor(desk.instance, desk.host, "device_add scsi-hd,bus=scsi.0,drive=added,serial=BARU,id=added")
    return Said(0, said)


def restored(desk: Desk, *options: str) -> Said:
    """Restore the newest backup by the command of that."""
    inventory = str(desk.people.inventory)
    command = [sys.executable, "-m", "commands", "restore", "-i", inventory, desk.host, "files", *options]
    done = subprocess.run(command, stdout=-1, stderr=-2, text=True, check=False, cwd=REPOSITORY)
    return Said(done.returncode, done.stdout)


UPGRADE = """
mkdir -p /srv/repo && cd /srv/repo
cp "$(empty_package patuh-uji 2)" . && dpkg -i "$(empty_package patuh-uji 1)" >/dev/null
suite=$(. /etc/os-release; echo $VERSION_CODENAME)
# As Debian's security archive describes itself: unattended-upgrades takes nothing else by default.
size=$(stat -c %s patuh-uji.deb); sum=$(sha256sum patuh-uji.deb | cut -d' ' -f1)
{ dpkg-deb -f patuh-uji.deb; echo "Filename: ./patuh-uji.deb"; echo "Size: $size"; echo "SHA256: $sum"; } >Packages
cat >Release <<END
Origin: Debian
Label: Debian-Security
Suite: $suite-security
Codename: $suite-security
Date: $(date -Ru)
SHA256:
 $(sha256sum Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages
END
echo "deb [trusted=yes] file:/srv/repo ./" >/etc/apt/sources.list.d/uji.list
apt-get update -q >/dev/null
unattended-upgrade -v --dry-run
[ "$(dpkg-query -W -f '${Version}' patuh-uji)" = 1 ]
systemctl start apt-daily-upgrade.service
dpkg-query -W -f 'now at ${Version}\\n' patuh-uji
"""
KERNEL = """
newer=$(apt-cache search --names-only '^linux-image-[0-9].*cloud-amd64$' | cut -d' ' -f1 | sort -V | tail -n 1)
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends --reinstall "$newer" >/dev/null
echo "installed $newer"
"""
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends"
ADD_DISK = """
for _ in $(seq 20); do
    disk=$(ls /dev/disk/by-id/*BARU 2>/dev/null | head -n 1)
    [ -z "$disk" ] || break
    sleep 1
done
mkfs.ext4 -q -L baru "$disk" && mkdir -p /mnt/baru
echo 'LABEL=baru /mnt/baru ext4 defaults,nofail 0 2' >>/etc/fstab
systemctl daemon-reload && mount /mnt/baru && echo isi >/mnt/baru/berkas && cat /mnt/baru/berkas
"""
SERVICE = """
printf '#!/bin/sh\\nexec sleep 600\\n' >/usr/local/bin/aplikasi && chmod 755 /usr/local/bin/aplikasi
printf '[Service]\\nUser=antrian\\nExecStart=/usr/local/bin/aplikasi\\n[Install]\\nWantedBy=multi-user.target\\n' \
    >/etc/systemd/system/aplikasi.service
systemctl daemon-reload && systemctl enable -q --now aplikasi && systemctl is-active aplikasi
"""
ADMINISTRATOR, COLLEAGUE = "administrator", "colleague"
DEEDS = [
    Deed("root", "gives a key-only administrator a first password in a script (chpasswd)", first_password, "given"),
    Deed(ADMINISTRATOR, "sets a colleague's password (sudo passwd NAME)", forgotten_password, "updated successfully"),
    Deed(ADMINISTRATOR, "changes the own password (passwd)", own_password, "updated successfully"),
    Deed("root", "gives a password of seven letters", weak_password, "shorter than", refused=True),
    Deed("root", "renews root's password (chpasswd)", root_password),
    Deed(ADMINISTRATOR, "makes an ordinary account that has a password (adduser)", ordinary_account),
    typed(ADMINISTRATOR, "becomes root (sudo -i)", "sudo -i id -un", "root"),
    typed(COLLEAGUE, "becomes root (sudo), with the password that was set", "sudo id -un", "root"),
    Deed(ADMINISTRATOR, "becomes root (su -)", become_by_su, "root"),
    Deed("ordinary account", "becomes root (su -), knowing root's password", stranger_by_su, "ermission denied", True),
    typed(ADMINISTRATOR, "becomes a service's account (sudo -u)", "sudo -u www-data id -un", "www-data"),
    typed(
        ADMINISTRATOR,
        "edits a system file (sudoedit)",
        "EDITOR='sed -i 1s/^/#/' sudoedit /etc/motd && head -n 1 /etc/motd",
    ),
    by(ADMINISTRATOR, "reads the profile again in a login shell", "bash -lc '. /etc/profile && echo read'", "read"),
    by(
        ADMINISTRATOR,
        "puts a job into the own crontab (crontab FILE, -l)",
        "echo '* * * * * date >$HOME/cron-ran' | crontab - && crontab -l",
        "cron-ran",
    ),
    typed(
        ADMINISTRATOR,
        "edits the own crontab (crontab -e)",
        # crontab tells by the second whether anything was changed; nobody is that quick.
        "EDITOR='sleep 2; sed -i s/date/id/' crontab -e && crontab -l",
        "id >",
    ),
    by(
        ADMINISTRATOR,
        "sees the job run within two minutes",
        "for _ in $(seq 24); do [ -s cron-ran ] && cat cron-ran && exit; sleep 5; done; exit 1",
    ),
    root(
        "has a service's job in /etc/cron.d run",
        "useradd -r -m -s /bin/bash antrian; echo '* * * * * antrian id -un >/home/antrian/ran' >/etc/cron.d/antrian;"
        " for _ in $(seq 24); do [ -s /home/antrian/ran ] && cat /home/antrian/ran && exit; sleep 5; done; exit 1",
        "antrian",
    ),
    root(
        "gives a service's account a crontab (crontab -u); its jobs belong into /etc/cron.d",
        "echo '0 0 * * * true' | crontab -u antrian -",
        "cannot use this program",
        refused=True,
    ),
    root("a service's account changes its own crontab", "sudo -u antrian crontab -l", "not allowed", refused=True),
    root(
        "installs at, and runs a job by it",
        f"{INSTALL} at >/dev/null; echo 'echo ran >/run/at-ran' | at now;"
        " for _ in $(seq 60); do [ -s /run/at-ran ] && exit; sleep 1; done; exit 1",
    ),
    by(
        ADMINISTRATOR,
        "runs a job by at",
        "echo 'echo ran >$HOME/at-ran' | at now; for _ in $(seq 60); do [ -s at-ran ] && exit; sleep 1; done; exit 1",
    ),
    root(
        "a service's account gives at a job", "echo true | sudo -u antrian at now + 1 hour", "permission", refused=True
    ),
    Deed(ADMINISTRATOR, "copies a file there and back (scp)", by_scp),
    Deed(ADMINISTRATOR, "copies a file there and back (sftp)", by_sftp),
    root(
        "installs ordinary packages (apt-get install rsync screen tmux python3-venv nano)",
        f"{INSTALL} rsync screen tmux python3-venv nano >/dev/null",
    ),
    Deed(ADMINISTRATOR, "copies a file there and back (rsync)", by_rsync),
    by(
        ADMINISTRATOR,
        "leaves work running (screen)",
        "screen -dmS kerja sh -c 'sleep 5; echo done >$HOME/screen-ran; sleep 600'",
    ),
    by(
        ADMINISTRATOR,
        "leaves work running (tmux)",
        "tmux new -d -s kerja 'sleep 5; echo done >$HOME/tmux-ran; sleep 600'",
    ),
    by(
        ADMINISTRATOR,
        "leaves work running (nohup)",
        "nohup sh -c 'sleep 5; echo done >$HOME/nohup-ran' >/dev/null 2>&1 &",
    ),
    by(
        ADMINISTRATOR,
        "finds the work still there after a new login",
        "sleep 8; screen -ls kerja && tmux has-session -t kerja && cat screen-ran tmux-ran nohup-ran",
    ),
    typed(
        ADMINISTRATOR, "edits a file (nano)", "TERM=xterm nano catatan; cat catatan", "isi", {"Exit": "isi\x0f\r\x18"}
    ),
    by(
        ADMINISTRATOR,
        "makes a Python environment at home and runs it",
        "python3 -m venv venv && venv/bin/python -c 'print(6 * 7)'",
        "42",
    ),
    by(
        ADMINISTRATOR,
        "runs an own script at home",
        "printf '#!/bin/sh\\necho ran\\n' >a.sh; chmod +x a.sh; ./a.sh",
        "ran",
    ),
    by(
        ADMINISTRATOR, "runs a program in /tmp", "cp /bin/true /tmp/benar; /tmp/benar", "ermission denied", refused=True
    ),
    root(
        "installs a package that asks questions (postfix, by debconf)",
        f"{INSTALL} -o Dpkg::Options::=--force-confold postfix >/dev/null; systemctl is-active postfix",
    ),
    root("runs a service of the city's own", SERVICE, "active"),
    typed(ADMINISTRATOR, "reads the journal (sudo journalctl)", "sudo journalctl -u ssh -n 3 --no-pager", "sshd"),
    typed(ADMINISTRATOR, "reads the kernel's messages (sudo dmesg)", "sudo dmesg | tail -n 2", r"\["),
    by(
        ADMINISTRATOR,
        "reads the kernel's messages without sudo",
        "dmesg | tail -n 2; dmesg >/dev/null",
        "not permitted",
        refused=True,
    ),
    by(
        ADMINISTRATOR,
        "pings the workstation, looks at sockets and addresses",
        "ping -c 1 -q 10.31.30.10 && ss -tln | grep :22 && ip -br addr",
    ),
    Deed(
        ADMINISTRATOR,
        "forwards a port (ssh -W)",
        lambda desk: desk.here(
            "ssh", "-p", str(desk.a.port), *desk.a.ssh_options, "-W", "127.0.0.1:22", f"{desk.a.name}@127.0.0.1"
        ),
        "prohibited|open failed|forwarding failed",
        refused=True,
    ),
    root("installs security updates (unattended-upgrade: dry run, then its timer's service)", UPGRADE, "now at 2"),
    root(
        "brings a compiler in (apt-get install gcc), and it compiles",
        f"{INSTALL} gcc libc6-dev >/dev/null; cd /root;"
        " echo 'int main(void) {return 0;}' >a.c; gcc -o a.out a.c; ./a.out",
    ),
    root(
        "takes the compiler away (apt-get autoremove)",
        "apt-get purge -q -y --autoremove gcc >/dev/null; ! command -v gcc",
    ),
    root("installs a kernel, which makes its initramfs", KERNEL, "installed linux-image"),
    Deed(ADMINISTRATOR, "boots that kernel with that initramfs", booted_kernel, "running"),
    root("makes a backup now (systemctl start patuh-backup@files)", "systemctl start patuh-backup@files.service"),
    Deed(ADMINISTRATOR, "restores a backup as a drill (patuh restore)", restored),
    Deed(
        ADMINISTRATOR,
        "restores a backup and keeps it (patuh restore --request)",
        lambda desk: restored(desk, "--request", "1/2026"),
    ),
    root(
        "puts a restored file back in place",
        "file=$(find /var/lib/patuh/restored -path '*/etc/hosts' | head -n 1); install -m 644 \"$file\" /etc/hosts",
    ),
    Deed(ADMINISTRATOR, "plugs a disk in", plug_in),
    root("makes a file system on it, and mounts it by /etc/fstab", ADD_DISK, "isi"),
    Deed(
        ADMINISTRATOR, "reboots (sudo systemctl reboot), and the disk is mounted again", rebooted, "/mnt/baru[^$]*back"
    ),
]


def work_through(people: People, host: str, steps: Steps) -> list[str]:
    """Everything on one server, one after the other, as one long day."""
    desk = Desk(people, host)
    verdicts = []
    for deed in DEEDS:
        verdicts.append(deed.verdict(desk))
        steps(f"{host}: {deed.who} {deed.what}: {verdicts[-1]}")
    return verdicts


@click.command()
def main() -> None:
    """Do what people do."""
    steps = Steps()
    proof = Proof(Instance("proof"), REPOSITORY / "inventory" / "proof", steps)
    proof.prepare()
    proof.restore()
    people = People(proof)
    people.settle()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda host: work_through(people, host, steps), proof.hosts))
    for host in proof.hosts:  # the disk that was plugged in goes
        virtual_machines.power_off(proof.instance, host)
    rows = [(deed.who, deed.what, *verdicts) for deed, *verdicts in zip(DEEDS, *found, strict=True)]
    bad = [one for one in rows if any(verdict not in (CAN, REFUSED) for verdict in one[2:])]
    for one in bad:
        print(row(*one))
    print(f"{len(rows)} deeds, {len(bad)} not as they should be")
    publish(
        "everyday",
        "What people can still do",
        "Done by people's own means on virtual machines that complied: by key from the workstation that the firewall\n"
        "admits, in a terminal where there is one. What hardening means to refuse was tried, too. The deeds of a\n"
        "server are one long day: each finds what those before it left.",
        table(("who", "does what", *proof.hosts), rows),
    )
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
