"""What an inventory keeps in Ansible's vault is read with the password, and missed before any server is touched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = str(Path(sys.executable).parent)
PASSWORD = "a vault's password"
PASSPHRASE = "what no check needs, and the role does"
WEBHOOK = "http://10.31.30.10:8025/"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """The lab's inventory with a server that nobody can reach, and the password of its vault."""
    inventory = tmp_path / "inventory"
    shutil.copytree(REPOSITORY / "inventory" / "lab", inventory, ignore=shutil.ignore_patterns("records"))
    everywhere = inventory / "group_vars" / "all.yml"
    text = everywhere.read_text(encoding="utf-8")
    everywhere.write_text(re.sub(r"(?m)^backup_passphrase:.*\n(?: +.*\n)*", "", text), encoding="utf-8")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "wrong").write_text("another\n")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho {PASSWORD!r}\n")
    program.chmod(0o755)
    return tmp_path


def vault(desk: Path, *arguments: str) -> str:
    command = [f"{BIN}/ansible-vault", *arguments, "--vault-password-file", str(desk / "password")]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=desk).stdout


def one_value(desk: Path) -> None:
    """The passphrase as ``encrypt_string`` prints it, as the example advises."""
    with (desk / "inventory" / "group_vars" / "all.yml").open("a") as file:
        file.write(vault(desk, "encrypt_string", "--name", "backup_passphrase", PASSPHRASE))


def whole_file(desk: Path) -> None:
    """A file of variables that is encrypted from its first line on."""
    folder = desk / "inventory" / "group_vars" / "all"
    folder.mkdir()
    (desk / "inventory" / "group_vars" / "all.yml").rename(folder / "main.yml")
    (folder / "vault.yml").write_text(yaml.safe_dump({"backup_passphrase": PASSPHRASE}))
    vault(desk, "encrypt", str(folder / "vault.yml"))


def webhook(desk: Path) -> None:
    """A secret that a check needs, too."""
    path = desk / "inventory" / "group_vars" / "all.yml"
    lines = vault(desk, "encrypt_string", "--name", "webhook", WEBHOOK).splitlines()
    indented = "\n".join(["  - " + lines[0], *("    " + line for line in lines[1:])])
    text = path.read_text(encoding="utf-8")
    assert f"  - webhook: {WEBHOOK}" in text
    path.write_text(text.replace(f"  - webhook: {WEBHOOK}", indented))


def patuh(desk: Path, *arguments: str, typed: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """A command; what is typed stands for a person without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "commands", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=desk,
        input=typed,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(desk), **more},
    )


def apply(desk: Path, *arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
    return patuh(desk, "apply", "-i", "inventory", "--limit", "web01", *arguments, **options)


@pytest.mark.parametrize("secret", [one_value, whole_file, webhook])
@pytest.mark.parametrize("password", [[], ["--vault-password-file", "wrong"]])
def test_without_the_password_no_server_is_touched(desk, secret, password) -> None:  # type: ignore[no-untyped-def]
    secret(desk)
    done = apply(desk, *password)
    assert done.returncode == 2
    assert "--vault-password-file" in done.stderr
    assert "Traceback" not in done.stderr
    # Not a task has begun.
    assert "Check the inventory" not in done.stderr
    assert PASSPHRASE not in done.stderr + done.stdout


@pytest.mark.parametrize("secret", [one_value, whole_file, webhook])
@pytest.mark.parametrize(
    ("password", "typed", "environment"),
    [
        (["--vault-password-file", "password"], None, {}),
        (["--vault-password-file", "wrong", "--vault-password-file", "password"], None, {}),
        (["--vault-password-file", "program"], None, {}),
        (["--ask-vault-pass"], f"{PASSWORD}\n", {}),
        ([], None, {"ANSIBLE_VAULT_PASSWORD_FILE": "password"}),
    ],
)
def test_with_it_the_run_gets_as_far_as_the_servers(desk, secret, password, typed, environment) -> None:  # type: ignore[no-untyped-def]
    secret(desk)
    done = apply(desk, *password, typed=typed, **environment)
    assert "Check the inventory" in done.stderr
    assert "web01: " in done.stderr
    assert "vault" not in done.stderr.replace("Vault password", "")
    assert PASSPHRASE not in done.stderr + done.stdout
    assert not list(Path("/tmp").glob("patuh-run-*/vault-password"))
    # The sample gives all servers the same, which the run says.
    assert ("one passphrase opens the backups of all" in done.stderr) is (secret is not webhook)


def test_what_only_roles_need_stays_closed_for_everything_else(desk: Path) -> None:
    one_value(desk)
    assert patuh(desk, "due", "-i", "inventory").returncode == 0
    whole_file(desk)
    done = patuh(desk, "due", "-i", "inventory")
    assert done.returncode == 2
    assert "--vault-password-file" in done.stderr
    for arguments in (["due"], ["record", "check"]):
        done = patuh(desk, *arguments, "-i", "inventory", "--vault-password-file", "password")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("content", [None, "", "#!/bin/sh\nexit 3\n"])
def test_a_file_that_gives_no_password_is_named(desk: Path, content: str | None) -> None:
    one_value(desk)
    if content is not None:
        (desk / "none").write_text(content)
        (desk / "none").chmod(0o755 if content else 0o644)
    done = patuh(desk, "due", "-i", "inventory", "--vault-password-file", "none")
    assert done.returncode == 2
    assert "none: gives no password of a vault. Name a file" in done.stderr


def test_the_role_gets_what_was_encrypted(desk: Path) -> None:
    """As plain Ansible does with the same file, and nothing else."""
    one_value(desk)
    whole_file(desk)
    command = [
        f"{BIN}/ansible",
        "-i",
        "inventory",
        "web01",
        "-m",
        "ansible.builtin.debug",
        "-a",
        "var=backup_passphrase",
    ]
    done = subprocess.run(
        [*command, "--vault-password-file", "password"], capture_output=True, text=True, check=False, cwd=desk
    )
    assert PASSPHRASE in done.stdout
