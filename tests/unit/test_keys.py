"""Login keys: what the inventory takes is what sshd, configured by the role's own template, lets in."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from compliance import keys, strict_yaml

REPOSITORY = Path(__file__).resolve().parents[2]
ROLE = REPOSITORY / "roles" / "ssh"
KINDS = {
    "ed25519": (("-t", "ed25519"), True),
    "rsa4096": (("-t", "rsa", "-b", "4096"), True),
    "rsa3072": (("-t", "rsa", "-b", "3072"), True),
    "rsa2048": (("-t", "rsa", "-b", "2048"), False),
    "ecdsa": (("-t", "ecdsa"), False),
}
SK = (
    "sk-ssh-ed25519@openssh.com "
    "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIACUP/XNsyPCLosiN8lYLV3X1eHyYN9jtq/3OnbqTdhsAAAABHNzaDo="
)
GOOD = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIACUP/XNsyPCLosiN8lYLV3X1eHyYN9jtq/3OnbqTdhs"


def generated(path: Path, *how: str) -> str:
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", str(path), *how], check=True)
    return Path(f"{path}.pub").read_text().strip()


@pytest.fixture(scope="module")
def login_keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    for name, (how, _) in KINDS.items():
        generated(folder / name, *how)
    return {name: folder / name for name in KINDS}


@pytest.fixture(scope="module")
def port(login_keys: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real sshd on loopback with the role's template; only the user, its keys and host keys are the test's."""
    if os.geteuid() != 0:
        pytest.skip("sshd logs people in as root only")
    folder = tmp_path_factory.mktemp("sshd")
    variables = strict_yaml.load(ROLE / "vars" / "main.yml").data
    text = (
        jinja2.Environment(autoescape=False)
        .from_string((ROLE / "templates" / "sshd.conf.j2").read_text())
        .render(
            **variables,
            patuh_host={"release": "bookworm"},
            ssh_administrators=["root"],
            ssh_workstations=["127.0.0.1"],
        )
    )
    for kind in ("ed25519", "rsa"):
        generated(folder / f"ssh_host_{kind}_key", "-t", kind)
    text = text.replace("/etc/ssh/", f"{folder}/").replace("PermitRootLogin no", "PermitRootLogin prohibit-password")
    (folder / "authorized_keys").write_text("".join(Path(f"{one}.pub").read_text() for one in login_keys.values()))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    own = f"Port {number}\nListenAddress 127.0.0.1\nPidFile none\nStrictModes no\nUsePAM no\n"
    own += f"AuthorizedKeysFile {folder}/authorized_keys\nPerSourceMaxStartups none\n"
    (folder / "sshd_config").write_text(own + text)
    Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")], stderr=(folder / "log").open("w")
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", number)) == 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail((folder / "log").read_text())
        yield number
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize("name", KINDS)
def test_the_validator_agrees_with_sshd(login_keys: dict[str, Path], port: int, name: str) -> None:
    command = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]
    command += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-i", str(login_keys[name])]
    done = subprocess.run([*command, "-p", str(port), "root@127.0.0.1", "true"], capture_output=True, check=False)
    key = Path(f"{login_keys[name]}.pub").read_text().strip()
    try:
        taken = keys.checked(key) == key
    except ValueError:
        taken = False
    assert (done.returncode == 0) == taken == KINDS[name][1], done.stderr


def test_a_hardware_key_is_taken() -> None:
    assert keys.checked(SK) == SK
    assert subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=SK.encode(), check=False).returncode == 0


@pytest.mark.parametrize(
    "key",
    [
        "ssh-ed25519 AAAAx",
        GOOD[:-1],
        GOOD.replace("ssh-ed25519", "ssh-rsa"),
        GOOD.replace("IACUP", "IACU!P"),
        f"{GOOD}AAAA",
        f'command="id" {GOOD}',
        f"{GOOD} a\n{GOOD} b",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+contohKunciAdministratorSatuGantiDenganKunciAsli admin-satu",
        "<ganti>",
        "",
    ],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"is (no|damaged|of a type|the example)"):
        keys.checked(key)


def test_the_template_and_the_validator_share_one_list() -> None:
    template = (ROLE / "templates" / "sshd.conf.j2").read_text()
    assert "PubkeyAcceptedAlgorithms {{ ssh_pubkey_algorithms | join(',') }}" in template
    assert "RequiredRSASize {{ ssh_rsa_bits_min }}" in template
