"""One connection and one remote shell per host, over which all its checks run.

A login costs more than most checks. So one SSH session is opened per host, a root shell is started in it, and
commands are framed over its input and output. It is a Testinfra backend: Testinfra's modules, and ours, work
on it unchanged. Read-only commands that many checks share are run once.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import selectors
import shlex
import signal
import subprocess
import threading
import time
from typing import IO, Any, cast

import testinfra.host
from testinfra.backend.base import BaseBackend, CommandResult

from compliance import host_keys

OUTPUT_BYTES_MAX = 16 * 2**20
COMMAND_SECONDS_MAX = 90
CONNECT_SECONDS_MAX = 40
# What one host may cost in all, so that a report never waits for it. An honest check is 170 commands that say 140 KB;
# it takes seconds, and minutes on an emulated machine that is busy.
HOST_SECONDS_MAX = 15 * 60
HOST_BYTES_MAX = 32 * 2**20
# One command may hang (a network disk that is away); a server on which the next one hangs as well answers no more.
SILENCES_MAX = 2
# How long an interruption may go unnoticed.
SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_END = 0.5
# What ssh says when a server takes a connection and closes it before a word. sshd does so at random while many others
# are logging in, such as guessers from the internet (MaxStartups, sshd_config(5)): it is worth another try.
CLOSED_UNHEARD = "kex_exchange_identification"
SECONDS_BEFORE_ANOTHER_TRY = 3


class Unreachable(Exception):
    """The host could not be reached, or stopped answering; the text says how it went."""


class CannotRun(Exception):
    """A command gave no usable answer: too slow, too much, or not understood."""


class Silence(CannotRun):
    """A command was not answered, or its end was not."""


class Shell:
    """A shell process, local or at the far end of SSH, that runs one framed command after another."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.command = command
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        self.lock = threading.Lock()
        self.interrupted = threading.Event()
        self.begin(float("inf"))

    def begin(self, seconds: float) -> None:
        """Give the host a new budget: so many seconds in all from now on, and the bytes that one host may say."""
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.bytes = 0
        self.silences = 0

    def interrupt(self) -> None:
        """Let whoever waits for an answer, now or later, be told at once that there will be none; from any thread."""
        self.interrupted.set()

    def _open(self) -> subprocess.Popen[bytes]:
        try:
            return self._open_once()
        except Unreachable as error:
            if CLOSED_UNHEARD not in str(error):
                raise
        self.interrupted.wait(SECONDS_BEFORE_ANOTHER_TRY)
        return self._open_once()

    def _open_once(self) -> subprocess.Popen[bytes]:
        self.close()
        try:
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.environment,
                start_new_session=True,
            )
        except OSError as error:
            raise Unreachable(f"{self.command[0]}: {error.strerror}") from error
        self.process = process
        try:
            code, _out, err = self._exchange(process, "umask 077; export LC_ALL=C TERM=dumb", CONNECT_SECONDS_MAX)
        except CannotRun as error:
            self.close()
            raise Unreachable(str(error)) from error
        if code != 0:
            self.close()
            raise Unreachable(err.decode(errors="replace").strip() or "the shell could not be started")
        return process

    def run(self, command: str, seconds: float = COMMAND_SECONDS_MAX) -> tuple[int, bytes, bytes]:
        """Run a command in a subshell of its own; gives exit status, output and error output.

        :raises Unreachable: when there is no connection, it is lost, or the host's budget is used up.
        :raises CannotRun: when the command takes too long or says too much; the next one gets a new shell.
        """
        with self.lock:
            if self.interrupted.is_set():
                raise Unreachable("interrupted")
            process = self.process or self._open()
            try:
                answer = self._exchange(process, f"( eval {shlex.quote(command)} ) </dev/null", seconds)
            except Silence as error:
                self.close()
                self.silences += 1
                if self.silences >= SILENCES_MAX:
                    raise Unreachable(f"{self.silences} commands in a row without an answer: {error}") from error
                raise
            except (Unreachable, CannotRun):
                self.close()
                raise
            self.silences = 0
            return answer

    def _exchange(self, process: subprocess.Popen[bytes], line: str, seconds: float) -> tuple[int, bytes, bytes]:
        assert process.stdin and process.stdout and process.stderr
        mark = secrets.token_hex(12)
        framed = f"{line}\nprintf '\\n%s %s\\n' {mark} $?; printf '\\n%s\\n' {mark} >&2\n"
        received = {process.stdout: bytearray(), process.stderr: bytearray()}
        ends = {process.stdout: f"\n{mark} ".encode(), process.stderr: f"\n{mark}\n".encode()}
        deadline = min(time.monotonic() + seconds, self.deadline)
        try:
            process.stdin.write(framed.encode())
            process.stdin.flush()
        except OSError as error:
            raise Unreachable(self._last_words(process)) from error
        with selectors.DefaultSelector() as selector:
            for stream in received:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ)
            waiting = set(received)
            while waiting:
                left = deadline - time.monotonic()
                ready = selector.select(max(0.0, min(left, SECONDS_BETWEEN_LOOKS)))
                if self.interrupted.is_set():
                    raise Unreachable("interrupted")
                if time.monotonic() >= self.deadline:
                    raise Unreachable(f"took more than {self.seconds:.0f} s in all")
                if not ready and left <= 0:
                    raise Silence(f"no answer within {seconds:.0f} s")
                for key, _events in ready:
                    stream = cast("IO[bytes]", key.fileobj)
                    chunk = stream.read(65536)
                    if chunk is None:
                        continue
                    buffer = received[stream]
                    if not chunk:
                        said = bytes(received[process.stderr]).decode(errors="replace").strip()
                        raise Unreachable(said or "the connection was closed")
                    buffer += chunk
                    self.bytes += len(chunk)
                    if self.bytes > HOST_BYTES_MAX:
                        raise Unreachable(f"said more than {HOST_BYTES_MAX // 2**20} MiB in all")
                    if len(buffer) > OUTPUT_BYTES_MAX:
                        raise CannotRun("more output than can be read")
                    tail = bytes(buffer[-200:])
                    end = ends[stream]
                    if end in tail and tail.endswith(b"\n"):
                        waiting.discard(stream)
                        selector.unregister(stream)
        out, _, status = bytes(received[process.stdout]).rpartition(ends[process.stdout])
        err, _, _ = bytes(received[process.stderr]).rpartition(ends[process.stderr])
        # The far end writes this, too: a forged end must not be taken for a status.
        if not re.fullmatch(rb"[0-9]{1,3}\n", status):
            raise Silence("the end of its answer is not understood")
        return int(status), out, err

    @staticmethod
    def _last_words(process: subprocess.Popen[bytes]) -> str:
        assert process.stderr
        with contextlib.suppress(Exception):
            os.set_blocking(process.stderr.fileno(), False)
            return (process.stderr.read() or b"").decode(errors="replace").strip() or "the connection was closed"
        return "the connection was closed"

    def close(self) -> None:
        """End the shell and whatever it still runs."""
        process, self.process = self.process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()
        # Its whole session: what it left running would hold its output open. What sudo started as root is not ours to
        # end, and ends with its input.
        for sign, seconds in ((signal.SIGTERM, SECONDS_TO_END), (signal.SIGKILL, SECONDS_TO_END)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)


class PersistentBackend(BaseBackend):  # type: ignore[misc]  # testinfra ships no types
    """Testinfra's way to a host, by a :class:`Shell`."""

    NAME = "patuh"
    HAS_RUN_SALT = False

    def __init__(self, shell: Shell, name: str) -> None:
        super().__init__(name)
        self.shell = shell
        self.answers: dict[str, CommandResult] = {}
        self.unanswered: dict[str, CannotRun] = {}

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        """Run a command; equal commands are answered from memory, for checks only look.

        :raises CannotRun: at once when it gave no usable answer before, such as for a disk that hangs.
        """
        line = self.quote(command, *args)
        if line in self.unanswered:
            raise CannotRun(str(self.unanswered[line]))
        if line not in self.answers:
            try:
                code, out, err = self.shell.run(line)
            except CannotRun as error:
                self.unanswered[line] = error
                raise
            self.answers[line] = self.result(code, line, out, err)
        return self.answers[line]

    def decode(self, data: bytes) -> str:
        """Text of whatever bytes a host says: what is no UTF-8 shows as such.

        Testinfra would ask the host for its encoding, and go by that.
        """
        return data.decode("utf-8", "replace")

    def encode(self, data: str) -> bytes:
        """Bytes of a text."""
        return data.encode("utf-8", "surrogateescape")


def ssh_command(connection: dict[str, Any], host: str, *remote: str) -> list[str]:
    """The command that runs something on a host (a root shell by default), from Ansible's connection variables.

    Only a server whose key is known is talked to, and it gets no way back: see :mod:`compliance.host_keys`.
    """
    command = ["ssh", *host_keys.ssh_options(connection, host)]
    # A connection of its own: one that somebody else keeps open may have been made under other rules.
    command += [
        "-T",
        "-o",
        "ControlPath=none",
        "-o",
        "BatchMode=yes",
        "-o",
        f"ConnectTimeout={CONNECT_SECONDS_MAX // 2}",
    ]
    command += ["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"]
    for name in host_keys.ARGUMENTS:
        command += shlex.split(str(connection.get(name) or ""))
    if key := connection.get("ansible_ssh_private_key_file"):
        command += ["-i", str(key)]
    if port := connection.get("ansible_port"):
        command += ["-p", str(port)]
    if user := connection.get("ansible_user"):
        command += ["-l", str(user)]
    command += ["--", str(connection.get("ansible_host") or host)]
    return [*command, *(remote or ["sudo -n -- /bin/sh" if user != "root" else "/bin/sh"])]


def remote_host(connection: dict[str, Any], name: str) -> testinfra.host.Host:
    """A Testinfra host over one persistent SSH connection."""
    if connection.get("ansible_connection") == "local":
        return local_host(name)
    return testinfra.host.Host(PersistentBackend(Shell(ssh_command(connection, name)), name))


def local_host(name: str = "localhost") -> testinfra.host.Host:
    """A Testinfra host for this computer, as root where sudo allows it without asking."""
    command = ["/bin/sh"]
    if os.geteuid() != 0:
        may = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
        command = ["sudo", "-n", "--", "/bin/sh"] if may else command
    return testinfra.host.Host(PersistentBackend(Shell(command), name))
