"""The persistent shell, on a real shell."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.connection import CannotRun, PersistentBackend, Shell, Unreachable, local_host, ssh_command


@pytest.fixture(scope="module")
def shell() -> Shell:
    return Shell(["/bin/sh"])


def test_status_output_and_errors_are_kept_apart(shell: Shell) -> None:
    assert shell.run("echo out; echo err >&2; exit 3") == (3, b"out\n", b"err\n")


def test_output_without_a_line_end_and_without_any(shell: Shell) -> None:
    assert shell.run("printf abc") == (0, b"abc", b"")
    assert shell.run("true") == (0, b"", b"")


def test_commands_do_not_disturb_each_other(shell: Shell) -> None:
    shell.run("cd /; x=1; set -e; false")
    assert shell.run('echo "$x"')[1] == b"\n"


def test_a_command_cannot_eat_the_next_ones(shell: Shell) -> None:
    assert shell.run("cat")[1] == b""
    assert shell.run("echo still here")[1] == b"still here\n"


def test_large_output_on_both_streams_does_not_block(shell: Shell) -> None:
    code, out, err = shell.run("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2")
    assert (code, len(out), len(err)) == (0, 1_000_000, 1_000_000)


def test_a_slow_command_ends_and_the_next_one_works(shell: Shell) -> None:
    began = time.monotonic()
    with pytest.raises(CannotRun, match="no answer within"):
        shell.run("sleep 30", seconds=0.5)
    assert time.monotonic() - began < 10
    assert shell.run("echo back")[1] == b"back\n"


def test_endless_output_is_refused() -> None:
    with pytest.raises(CannotRun, match="more output"):
        Shell(["/bin/sh"]).run("yes")


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=300).filter(lambda data: b"\0" not in data))
def test_any_bytes_come_back_as_they_are(data: bytes) -> None:
    octal = "".join(f"\\{byte:03o}" for byte in data)
    one = Shell(["/bin/sh"])
    try:
        assert one.run(f"printf '{octal}'")[1] == data
    finally:
        one.close()


@pytest.mark.parametrize("command", [["/nonexistent"], ["/bin/false"], ["/bin/sh", "-c", "echo go away >&2; exit 255"]])
def test_no_way_to_the_host_is_told(command: list[str]) -> None:
    with pytest.raises(Unreachable):
        Shell(command).run("true")


def test_a_server_that_closes_unheard_is_tried_once_more() -> None:
    tried = 0
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close_each() -> None:
            nonlocal tried
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()
                    tried += 1

        listener = threading.Thread(target=close_each)
        listener.start()
        with pytest.raises(Unreachable, match="onnection"):
            Shell(ssh_command({"ansible_port": server.getsockname()[1]}, "127.0.0.1")).run("true")
        server.shutdown(socket.SHUT_RDWR)
        listener.join()
    assert tried == 2


def test_a_server_that_was_busy_for_a_moment_is_checked(tmp_path: Path) -> None:
    busy = f"mkdir {tmp_path}/tried && echo kex_exchange_identification: closed >&2 && exit 255; exec /bin/sh"
    assert Shell(["/bin/sh", "-c", busy]).run("echo back") == (0, b"back\n", b"")


def test_a_lost_connection_is_told() -> None:
    with pytest.raises(Unreachable):
        Shell(["/bin/sh"]).run("kill -9 $$; sleep 5")


def test_equal_commands_are_asked_once() -> None:
    host = local_host()
    backend = host.backend
    assert isinstance(backend, PersistentBackend)
    first = host.run("cat /proc/sys/kernel/random/uuid").stdout
    assert host.run("cat /proc/sys/kernel/random/uuid").stdout == first
    backend.shell.close()
