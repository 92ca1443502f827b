"""One connection and one remote shell per host, over which all its checks run.

A login costs more than most checks. So one SSH session is opened per host, a root shell is started in it, and
commands are framed over its input and output. It is a Testinfra backend: Testinfra's modules, and ours, work
on it unchanged. Read-only commands that many checks share are run once.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import shlex
import subprocess
import threading
import time
from typing import IO, Any, cast

import testinfra.host
from testinfra.backend.base import BaseBackend, CommandResult

OUTPUT_BYTES_MAX = 16 * 2**20
COMMAND_SECONDS_MAX = 90
CONNECT_SECONDS_MAX = 40
# What ssh says when a server takes a connection and closes it before a word. sshd does so at random while many others
# are logging in, such as guessers from the internet (MaxStartups, sshd_config(5)): it is worth another try.
CLOSED_UNHEARD = "kex_exchange_identification"
SECONDS_BEFORE_ANOTHER_TRY = 3


class Unreachable(Exception):
    """The host could not be reached, or stopped answering; the text says how it went."""


class CannotRun(Exception):
    """A command gave no usable answer: too slow, too much, or not understood."""


class Shell:
    """A shell process, local or at the far end of SSH, that runs one framed command after another."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.command = command
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        self.lock = threading.Lock()

    def _open(self) -> subprocess.Popen[bytes]:
        try:
            return self._open_once()
        except Unreachable as error:
            if CLOSED_UNHEARD not in str(error):
                raise
        time.sleep(SECONDS_BEFORE_ANOTHER_TRY)
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

        :raises Unreachable: when there is no connection, or it is lost.
        :raises CannotRun: when the command takes too long or says too much; the next one gets a new shell.
        """
        with self.lock:
            process = self.process or self._open()
            try:
                return self._exchange(process, f"( eval {shlex.quote(command)} ) </dev/null", seconds)
            except (Unreachable, CannotRun):
                self.close()
                raise

    def _exchange(self, process: subprocess.Popen[bytes], line: str, seconds: float) -> tuple[int, bytes, bytes]:
        assert process.stdin and process.stdout and process.stderr
        mark = secrets.token_hex(12)
        framed = f"{line}\nprintf '\\n%s %s\\n' {mark} $?; printf '\\n%s\\n' {mark} >&2\n"
        received = {process.stdout: bytearray(), process.stderr: bytearray()}
        ends = {process.stdout: f"\n{mark} ".encode(), process.stderr: f"\n{mark}\n".encode()}
        deadline = time.monotonic() + seconds
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
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise CannotRun(f"no answer within {seconds:.0f} s")
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
                    if len(buffer) > OUTPUT_BYTES_MAX:
                        raise CannotRun("more output than can be read")
                    tail = bytes(buffer[-200:])
                    end = ends[stream]
                    if end in tail and tail.endswith(b"\n"):
                        waiting.discard(stream)
                        selector.unregister(stream)
        out, _, status = bytes(received[process.stdout]).rpartition(ends[process.stdout])
        err, _, _ = bytes(received[process.stderr]).rpartition(ends[process.stderr])
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
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class PersistentBackend(BaseBackend):  # type: ignore[misc]  # testinfra ships no types
    """Testinfra's way to a host, by a :class:`Shell`."""

    NAME = "patuh"
    HAS_RUN_SALT = False

    def __init__(self, shell: Shell, name: str) -> None:
        super().__init__(name)
        self.shell = shell
        self.answers: dict[str, CommandResult] = {}

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        """Run a command; equal commands are answered from memory, for checks only look."""
        line = self.quote(command, *args)
        if line not in self.answers:
            code, out, err = self.shell.run(line)
            self.answers[line] = self.result(code, line, out, err)
        return self.answers[line]


def ssh_command(connection: dict[str, Any], host: str) -> list[str]:
    """The command that opens a root shell on a host, from Ansible's connection variables."""
    command = ["ssh", "-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_SECONDS_MAX // 2}"]
    command += ["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"]
    for name in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        command += shlex.split(str(connection.get(name) or ""))
    if key := connection.get("ansible_ssh_private_key_file"):
        command += ["-i", str(key)]
    if port := connection.get("ansible_port"):
        command += ["-p", str(port)]
    if user := connection.get("ansible_user"):
        command += ["-l", str(user)]
    command += ["--", str(connection.get("ansible_host") or host)]
    return [*command, "sudo -n -- /bin/sh" if connection.get("ansible_user") != "root" else "/bin/sh"]


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
