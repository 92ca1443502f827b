"""People of the trials: administrators with keys and passwords of their own, who act on a server by SSH."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pexpect

from commands.apply import run_playbook
from compliance import host_keys
from lab import virtual_machines
from lab.topology import CACHE, Instance, known_hosts
from tests.proof.__main__ import Proof

SNAPSHOT = "people"
WITH_PASSWORD, KEY_ONLY = "admin-a", "admin-b"
SECONDS_MAX = 120


def new_password() -> str:
    """A password as hardened servers want it: long, of several kinds of characters, in no dictionary.

    None of its characters are neighbours, nor come often: cracklib calls one in thirty of any hexadecimal numbers
    "too systematic".
    """
    return f"Uji-{''.join(secrets.SystemRandom().sample('bdgjmpsvyBDGJMPSVY258', 18))}-K"


@dataclass(frozen=True)
class Said:
    """How something ended, and everything that was said."""

    code: int
    text: str

    @property
    def last(self) -> str:
        """The last words, short enough for a table."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return (" / ".join(lines[-2:]) or "nothing was said")[-160:]


def _cut_off(error: subprocess.TimeoutExpired) -> Said:
    said = error.stdout or b""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return Said(255, f"{text}\nnot done after {error.timeout:.0f} s")


def converse(command: list[str], answers: dict[str, str], seconds: float = SECONDS_MAX) -> Said:
    """Run a command in a terminal and answer each pattern whenever it appears, as a person types."""
    child = pexpect.spawn(command[0], command[1:], encoding="utf-8", timeout=seconds, dimensions=(40, 200))
    child.delaybeforesend = 0.2
    said = ""
    patterns = [*answers, pexpect.EOF]
    try:
        for _ in range(20):
            number = child.expect(patterns)
            said += (child.before or "") + (child.after if isinstance(child.after, str) else "")
            if number == len(answers):
                break
            child.sendline(list(answers.values())[number])
    except pexpect.TIMEOUT:
        said += f"{child.before or ''}\nno answer within {seconds:.0f} s"
    child.close(force=True)
    code = child.exitstatus if child.exitstatus is not None else 255
    return Said(code, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said))


@dataclass(frozen=True)
class Person:
    """Somebody with an account on a server; an empty password is none."""

    name: str
    host: str
    port: int
    key: Path
    password: str = ""

    @property
    def ssh_options(self) -> list[str]:
        """How this person reaches the server, but for the port."""
        known = host_keys.ssh_options({host_keys.FILE_VARIABLE: known_hosts(self.host)}, self.host)
        return ["-i", str(self.key), "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", *known]

    def run(self, script: str, seconds: float = SECONDS_MAX) -> Said:
        """A command without a terminal, as from a script."""
        command = ["ssh", "-p", str(self.port), *self.ssh_options, f"{self.name}@127.0.0.1", script]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=-1, stderr=-2, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            return _cut_off(error)
        return Said(done.returncode, done.stdout)

    def type(self, script: str, answers: dict[str, str] | None = None, seconds: float = SECONDS_MAX) -> Said:
        """A command in a terminal; sudo's question is answered with the person's password."""
        command = ["ssh", "-tt", "-p", str(self.port), *self.ssh_options, f"{self.name}@127.0.0.1", script]
        return converse(command, {r"\[sudo\] password for [^:]*: ": self.password} | (answers or {}), seconds)

    def change_password(self, script: str) -> tuple[Person, Said]:
        """Answer every question about passwords while something runs; whoever succeeds has a new password."""
        new = new_password()
        questions = {r"[Cc]urrent [^:\n]*assword: ": self.password, r"(?:New|new) password: ": new}
        said = self.type(script, questions)
        changed = "password updated successfully" in said.text
        return (replace(self, password=new) if changed else self), said


class People:
    """The declared administrators of the proof's servers, with keys and a password of the trial's own."""

    def __init__(self, proof: Proof) -> None:
        self.proof = proof
        self.folder = proof.instance.folder / "people"
        self.inventory = self.folder / proof.inventory.name
        self.password = new_password()

    def settle(self) -> None:
        """Declare their keys, as an administrator does in the inventory, and apply that to the compliant servers."""
        os.environ["PATUH_LAB_FILES"] = str(CACHE / "lab")
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.proof.inventory, self.inventory)
        declared = self.inventory / "group_vars" / "all.yml"
        text = declared.read_text(encoding="utf-8")
        for name in (WITH_PASSWORD, KEY_ONLY):
            key = self.folder / name
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
            public = key.with_suffix(".pub").read_text(encoding="utf-8").strip()
            text = re.sub(rf"ssh-ed25519 \S+ {name}", public, text)
        declared.write_text(text, encoding="utf-8")
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"], input=self.password, capture_output=True, text=True, check=True
        ).stdout.strip()
        # Before the next apply, from which on it ages.
        self.proof.run_on_each("first password", [(WITH_PASSWORD, f"usermod -p '{hashed}' {WITH_PASSWORD}")])
        run_playbook("site.yml", self.inventory, self.proof.steps, "--tags", "accounts,ssh")
        self.proof.keep_state(SNAPSHOT)

    def of(self, host: str) -> tuple[Person, Person]:
        """Who has a key and a password, and who has a key alone, as they were when they settled."""
        port = self.proof.instance.ssh_port(host)
        one = Person(WITH_PASSWORD, host, port, self.folder / WITH_PASSWORD, self.password)
        return one, Person(KEY_ONLY, host, port, self.folder / KEY_ONLY)


def as_root(instance: Instance, host: str, script: str, seconds: float = 300) -> Said:
    """A shell script by the automation account, as root."""
    command = virtual_machines.ssh_command(instance, host, "sudo -n sh -s")
    try:
        done = subprocess.run(command, input=script, stdout=-1, stderr=-2, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        return _cut_off(error)
    return Said(done.returncode, done.stdout)
