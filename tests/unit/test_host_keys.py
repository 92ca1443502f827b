"""Only servers whose keys are known are entered, by every way in: against a real sshd on loopback."""

from __future__ import annotations

import getpass
import os
import pty
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.apply import run_playbook
from commands.common import Steps
from compliance import fleet, host_keys
from compliance.assess import assess_fleet
from compliance.assessment import Status
from compliance.catalogue import default_catalogue
from compliance.connection import Shell, Unreachable, ssh_command
from compliance.errors import InvalidInput, PatuhError

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = "portal"


def keygen(path: Path, kind: str = "ed25519") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return path


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Server:
    """sshd with a host key of its own, an inventory that names it, and a note of what was run on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.client_key = keygen(folder / "client")
        self.key = keygen(folder / "host_a")
        self.entered = folder / "entered"
        self.inventory = folder / "a city"
        shutil.copytree(REPOSITORY / "inventory" / "containers", self.inventory)
        (self.inventory / "hosts.yml").write_text(
            (REPOSITORY / "inventory" / "containers" / "hosts.yml")
            .read_text(encoding="utf-8")
            .partition("    dns02")[0]
            .replace("web02:", f"{NAME}:")
            .replace("22112", str(self.port))
            .replace("ansible_user: patuh", f"ansible_user: {getpass.getuser()}")
            .replace("ansible_become: true", "ansible_become: false")
            .replace('"{{ lab_files }}/id_ed25519"', str(self.client_key)),
            encoding="utf-8",
        )
        self.edit("hosts.yml", r"\n    # Machines are made anew.*\n.*ansible_ssh_known_hosts_file.*", "")
        # A note of whoever gets in, and of the command.
        (folder / "authorized").write_text(
            f'command="echo in >>{self.entered}; eval \\"$SSH_ORIGINAL_COMMAND\\"" '
            + (folder / "client.pub").read_text(encoding="utf-8"),
            encoding="utf-8",
        )
        self.process: subprocess.Popen[bytes] | None = None

    def edit(self, file: str, pattern: str, replacement: str) -> None:
        path = self.inventory / file
        path.write_text(re.sub(pattern, replacement, path.read_text(encoding="utf-8")), encoding="utf-8")

    @property
    def known_hosts(self) -> Path:
        return self.inventory / "known_hosts"

    def know(self, key: Path) -> None:
        kind, text = Path(f"{key}.pub").read_text(encoding="utf-8").split()[:2]
        self.known_hosts.write_text(f"{NAME} {kind} {text}\n", encoding="utf-8")

    def fingerprint(self) -> str:
        told = subprocess.run(["ssh-keygen", "-lf", f"{self.key}.pub"], capture_output=True, text=True, check=True)
        return told.stdout.split()[1]

    def start(self) -> None:
        self.stop()
        Path("/run/sshd").mkdir(exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.key}\nStrictModes no\nUsePAM no\n"
            f"PidFile none\nPermitRootLogin yes\nAllowAgentForwarding yes\n"
            f"AuthorizedKeysFile {self.folder}/authorized\n",
            encoding="utf-8",
        )
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("sshd did not start")

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
            self.process = None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anything known; ssh itself looks the home up in the accounts, so its file is watched, too."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("ANSIBLE_CONFIG", str(REPOSITORY / "ansible.cfg"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("ANSIBLE_HOST_KEY_CHECKING", "False")  # what a careless environment says must not matter
    return tmp_path / "home"


@pytest.fixture
def server(tmp_path: Path, home: Path) -> Iterator[Server]:
    if not Path("/usr/sbin/sshd").exists():
        pytest.fail("openssh-server is needed: 'patuh test' installs it")
    one = Server(tmp_path)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def a_stranger_answers(server: Server) -> Server:
    """The fleet knows one key; by now another computer answers there."""
    server.know(server.key)
    server.key = keygen(server.folder / "host_b")
    server.start()
    return server


def user_file() -> tuple[int, ...]:
    path = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".ssh" / "known_hosts"
    return (path.stat().st_mtime_ns, path.stat().st_size) if path.exists() else ()


def check(server: Server) -> str:
    """What an assessment of all says of the server, which must not be let in."""
    catalogue = default_catalogue()
    assessment = assess_fleet(fleet.load(server.inventory, catalogue), catalogue)
    (host,) = assessment.hosts
    own = [one for one in assessment.findings if one.host == NAME]
    assert own
    assert {one.status for one in own} == {Status.ERROR}
    assert {one.reason.message for one in own if one.reason} == {"host-key-refused"}
    return host.silence or ""


def our_ssh(server: Server) -> str:
    """The connection of a check alone, for a server that is let in."""
    connection = fleet.load(server.inventory, default_catalogue()).connections[NAME]
    one = Shell(ssh_command(connection, NAME, "/bin/sh"))
    try:
        one.run("true")
    except Unreachable as error:
        return str(error)
    finally:
        one.close()
    return ""


def runner(server: Server, playbook: str) -> str:
    variables = '{"restore_kind": "files", "restore_keep": false}'
    try:
        run_playbook(playbook, server.inventory, Steps(), "--check", "-e", variables)
    except PatuhError as error:
        return str(error)
    return ""


def apply(server: Server) -> str:
    return runner(server, "site.yml")


def restore(server: Server) -> str:
    return runner(server, "restore.yml")


def plain_ansible(server: Server) -> str:
    done = subprocess.run(
        ["ansible", "-i", str(server.inventory), "-m", "raw", "-a", "true", NAME],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


WAYS = [check, apply, restore, plain_ansible]


@pytest.mark.parametrize("way", WAYS)
def test_an_unknown_key_is_refused(way, server: Server) -> None:  # type: ignore[no-untyped-def]
    before = user_file()
    said = way(server)
    assert "host key is known" in said or "Host key verification failed" in said
    assert not server.entered.exists()
    assert not server.known_hosts.exists()
    assert user_file() == before


@pytest.mark.parametrize("way", WAYS)
def test_a_changed_key_is_refused(way, a_stranger_answers: Server) -> None:  # type: ignore[no-untyped-def]
    known, before = a_stranger_answers.known_hosts.read_bytes(), user_file()
    assert "Host key verification failed" in way(a_stranger_answers)
    assert not a_stranger_answers.entered.exists()
    assert a_stranger_answers.known_hosts.read_bytes() == known
    assert user_file() == before


def test_check_tells_which_key_is_offered_instead(a_stranger_answers: Server) -> None:
    assert a_stranger_answers.fingerprint() in check(a_stranger_answers)


def test_apply_says_what_mends_it(a_stranger_answers: Server) -> None:
    assert f"patuh trust {NAME}" in apply(a_stranger_answers)


@pytest.mark.parametrize("way", [our_ssh, plain_ansible])
def test_a_known_key_is_let_in(way, server: Server) -> None:  # type: ignore[no-untyped-def]
    server.know(server.key)
    assert way(server) == ""
    assert server.entered.exists()


def test_a_persons_own_configuration_loosens_nothing(server: Server, tmp_path: Path) -> None:
    # ssh reads the home of the account, whatever HOME says; -F stands for it.
    config = tmp_path / "ssh_config"
    config.write_text(
        "Host *\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n ForwardAgent yes\n"
        f" RemoteForward 127.0.0.1:{free_port()} 127.0.0.1:22\n PermitLocalCommand yes\n"
        f" LocalCommand touch {tmp_path}/ran\n",
        encoding="utf-8",
    )
    loaded = fleet.load(server.inventory, default_catalogue())
    command = ssh_command(loaded.connections[NAME], NAME)
    command[1:1] = ["-F", str(config)]
    with pytest.raises(Unreachable, match="host key is known"):
        Shell(command).run("true")
    server.know(server.key)
    one = Shell(command)
    assert one.run("echo here")[1] == b"here\n"
    assert one.run('echo "$SSH_AUTH_SOCK"')[1].strip() == b""
    one.close()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "line",
    [
        "ansible_ssh_common_args: -o StrictHostKeyChecking=no",
        "ansible_ssh_extra_args: -oStrictHostKeyChecking=accept-new",
        'ansible_ssh_common_args: -o "UserKnownHostsFile /dev/null"',
        "ansible_ssh_common_args: -o KnownHostsCommand=/bin/echo",
        "ansible_host_key_checking: false",
        "ansible_ssh_host_key_checking: 'no'",
        "ansible_connection: paramiko_ssh",
    ],
)
def test_switching_the_check_off_is_refused(line: str, tmp_path: Path) -> None:
    inventory = tmp_path / "city"
    shutil.copytree(REPOSITORY / "inventory" / "example", inventory)
    hosts = inventory / "hosts.yml"
    text = hosts.read_text(encoding="utf-8").replace("    portal:\n", f"    portal:\n      {line}\n")
    hosts.write_text(text, encoding="utf-8")
    number = text.splitlines().index(f"      {line}") + 1
    with pytest.raises(InvalidInput) as refused:
        fleet.load(inventory, default_catalogue())
    assert f"hosts.yml:{number}:" in str(refused.value)
    assert "portal" in str(refused.value)


def test_on_loopback_it_may_be_off(server: Server) -> None:
    server.edit("hosts.yml", "-o LogLevel=ERROR", "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null")
    assert our_ssh(server) == ""
    assert plain_ansible(server) == ""


def test_an_inventory_with_known_hosts_in_it_is_read(server: Server) -> None:
    server.know(server.key)
    assert list(fleet.load(server.inventory, default_catalogue()).connections) == [NAME]


def patuh(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "commands", *arguments],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_trust_stores_the_key_whose_fingerprint_is_given(server: Server) -> None:
    done = patuh("trust", NAME, "-i", str(server.inventory), "--fingerprint", server.fingerprint())
    assert done.returncode == 0, done.stderr
    assert our_ssh(server) == ""


@pytest.mark.parametrize("arguments", [[], ["--fingerprint", "SHA256:" + "A" * 43]])
def test_trust_stores_nothing_unless_it_is_told(arguments: list[str], server: Server) -> None:
    done = patuh("trust", NAME, "-i", str(server.inventory), *arguments)
    assert done.returncode == 2
    assert "nothing was stored" in done.stderr
    assert server.fingerprint() in done.stdout + done.stderr
    assert not server.known_hosts.exists()
    assert not server.entered.exists()


def test_trust_without_a_server_says_so(server: Server) -> None:
    server.stop()
    done = patuh("trust", NAME, "-i", str(server.inventory))
    assert done.returncode == 2
    assert "no host key was offered" in done.stderr
    assert "Traceback" not in done.stderr


def answered(server: Server, answer: str) -> tuple[int, str]:
    """What ``trust`` says in a terminal whose person gives this answer."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(REPOSITORY)
        os.execv(sys.executable, [sys.executable, "-m", "commands", "trust", NAME, "-i", str(server.inventory)])
    said = b""
    deadline = time.monotonic() + 60
    asked = False
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            said += os.read(terminal, 4096)
        except OSError:
            break
        if b"[y/N]" in said and not asked:
            asked = True
            os.write(terminal, f"{answer}\n".encode())
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), said.decode(errors="replace")


def test_a_person_confirms_or_not(server: Server) -> None:
    code, said = answered(server, "n")
    assert code == 2
    assert f"256 {server.fingerprint()} (ED25519)" in said
    assert not server.known_hosts.exists()
    code, _ = answered(server, "y")
    assert code == 0
    assert our_ssh(server) == ""


def test_a_changed_key_is_shown_beside_the_old_one_and_replaced(a_stranger_answers: Server) -> None:
    other = "gerbang ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIACUP/XNsyPCLosiN8lYLV3X1eHyYN9jtq/3OnbqTdhs\n"
    with a_stranger_answers.known_hosts.open("a", encoding="utf-8") as file:
        file.write(other)
    code, said = answered(a_stranger_answers, "y")
    assert code == 0
    assert "THE KEY HAS CHANGED" in said
    assert said.count("SHA256:") >= 2
    lines = a_stranger_answers.known_hosts.read_text(encoding="utf-8").splitlines(keepends=True)
    assert other in lines
    assert len(lines) == 2
    assert our_ssh(a_stranger_answers) == ""


def test_a_file_of_keys_is_read_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(
        "# note\n\na,b ssh-ed25519 AAAA\nab ssh-ed25519 AAAA\n@revoked a ssh-ed25519 AAAA\n", encoding="utf-8"
    )
    assert host_keys.lines_of("a", file) == ["a,b ssh-ed25519 AAAA"]
    assert host_keys.lines_of("c", file) == []
