"""The command line: help everywhere, and mistakes end in one clear message and a status that is not zero."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def patuh(*arguments: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "commands", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin:/usr/sbin"},
    )


@pytest.mark.parametrize(
    "command",
    [[], ["check"], ["apply"], ["report"], ["demo"], ["test"], ["lab"], ["lab", "up"], ["doctor"], ["completion"]],
)
def test_help(command: list[str]) -> None:
    done = patuh(*command, "--help")
    assert done.returncode == 0
    assert "Usage: patuh" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "-i", "nowhere"], "nowhere: there is no such inventory. Copy inventory/example"),
        (["check", "-i", "inventory/lab", "--limit", "web1"], "unknown host 'web1'. Did you mean 'web01'?"),
        (["apply", "-i", "nowhere"], "there is no such inventory"),
        (["report", "nowhere.json"], "nowhere.json: cannot be read"),
        (["report", "pyproject.toml"], "pyproject.toml: is no assessment"),
        (["chekc"], "No such command 'chekc'"),
        (["lab", "ssh", "web99"], "unknown machine"),
    ],
)
def test_mistakes(arguments: list[str], words: str) -> None:
    done = patuh(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_completion_scripts() -> None:
    for shell in ("bash", "zsh", "fish"):
        done = patuh("completion", shell)
        assert "_PATUH_COMPLETE" in done.stdout


def test_a_busy_port_of_the_lab_is_told() -> None:
    import socket

    from compliance.errors import PatuhError
    from lab.network import check_ports_free
    from lab.topology import Instance

    instance = Instance("test-ports", 300)
    with socket.socket() as other:
        other.bind(("127.0.0.1", instance.ssh_port("web01")))
        other.listen()
        with pytest.raises(PatuhError, match=r"machines\.web01\.ssh_port: port \d+ on 127\.0\.0\.1 is in use"):
            check_ports_free(instance, ["web01"])
    check_ports_free(instance, ["web01"])


def test_a_full_disk_is_told_before_images_are_built(tmp_path: Path) -> None:
    from compliance.errors import PatuhError
    from lab.topology import require_free_space

    with pytest.raises(PatuhError, match=r"only \d+ MB free in .*patuh lab down --purge"):
        require_free_space(tmp_path, 10**9)
