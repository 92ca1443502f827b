"""``patuh trust``: a server's host key becomes known once a person has compared it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from commands.inventory import Inventory, inventory_option
from compliance import host_keys
from compliance.assessment import printable
from compliance.catalogue import suggestion
from compliance.connection import ssh_command
from compliance.errors import PatuhError
from compliance.writing import write_whole

SECONDS_MAX = 60


@dataclass(frozen=True)
class HostKey:
    """A line of ``known_hosts``, and the key's fingerprint as ``ssh-keygen -l`` shows it on the server's console."""

    line: str
    shown: str

    @property
    def fingerprint(self) -> str:
        """The fingerprint alone, ``SHA256:…``."""
        return self.shown.split(" ")[1]


def described(lines: list[str]) -> list[HostKey]:
    """Lines of ``known_hosts`` with their fingerprints; what is no key is left out."""
    found = []
    for line in lines:
        done = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=line, capture_output=True, text=True, check=False)
        if told := re.match(r"(\d+) (SHA256:\S+) .*\((\S+)\)$", done.stdout.strip()):
            found.append(HostKey(line, f"{told[1]} {told[2]} ({told[3]})"))
    return found


def offered(connection: dict[str, Any], name: str) -> HostKey:
    """The key that a server offers, asked by the same way as every connection to it: nothing is sent but that.

    :raises PatuhError: when no server answers there, or by a key that ssh knows no name for.
    """
    with tempfile.TemporaryDirectory(prefix="patuh-trust-") as folder:
        file = Path(folder) / "offered"
        asking = {**connection, host_keys.FILE_VARIABLE: str(file)}
        # ssh itself, which knows jump hosts; it writes the key down and may then try no way to log in.
        command = ssh_command(asking, name, "true")
        command[1:1] = ["-o", "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={file}"]
        command[1:1] = ["-o", "PreferredAuthentications=none", "-o", "HashKnownHosts=no", "-o", f"HostKeyAlias={name}"]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS_MAX,
                check=False,
            )
            said = done.stderr.strip().splitlines()
        except subprocess.TimeoutExpired:
            said = [f"no answer within {SECONDS_MAX} s"]
        keys = described(host_keys.lines_of(name, file))
    if not keys:
        raise PatuhError(
            f"no host key was offered: {printable(said[-1]) if said else 'ssh said nothing'}",
            where=name,
            mend="Look at the address and the port in the inventory, and whether the server is up.",
        )
    return keys[0]


def keep(name: str, key: HostKey, file: Path) -> None:
    """Write a host's key into the fleet's file, in the place of those that stood there."""
    former = host_keys.lines_of(name, file)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    kept = [line for line in lines if line not in former]
    write_whole(file, "".join(f"{line}\n" for line in [*kept, key.line]).encode())


def _decide(name: str, key: HostKey, known: list[HostKey], fingerprint: str | None) -> None:
    """Have the key compared, by the fingerprint given or by a person.

    :raises PatuhError: when it does not match, or nobody says that it does.
    """
    if fingerprint is not None:
        if fingerprint != key.fingerprint:
            raise PatuhError(
                f"the server offers {key.shown}, which is not {fingerprint}; nothing was stored",
                where=name,
                mend="Somebody else may answer at this address: compare both on the server's console.",
            )
        return
    if known:
        click.echo(f"{name}: THE KEY HAS CHANGED. Known until now: {', '.join(one.shown for one in known)}")
        click.echo("Right after a new installation; otherwise somebody else may answer in the server's place.")
    click.echo(f"{name} offers: {key.shown}")
    kind = re.search(r"\((\S+)\)$", key.shown)
    public = f"/etc/ssh/ssh_host_{kind[1].lower() if kind else '*'}_key.pub"
    click.echo(f"On the server's console, not over the network: ssh-keygen -lf {public}")
    if not sys.stdin.isatty():
        raise PatuhError(
            "nobody can confirm the key here; nothing was stored",
            where=name,
            mend="Run it in a terminal, or give what the console shows: --fingerprint SHA256:…",
        )
    if not click.confirm("Does the console show the same?", default=False):
        raise PatuhError("nothing was stored", where=name, mend="Find out who answers at this address.")


@click.command()
@inventory_option
@click.argument("hosts", metavar="HOST…", nargs=-1, required=True)
@click.option("--fingerprint", metavar="SHA256:…", help="What the server's console shows, instead of a confirmation.")
def trust(inventory: Inventory, hosts: tuple[str, ...], fingerprint: str | None) -> None:
    """Make a server's SSH host key known, once it was compared with what the server's console shows."""
    loaded = inventory.load()
    for name in hosts:
        if name not in loaded.connections:
            raise PatuhError(f"unknown host '{name}'", mend=suggestion(name, list(loaded.connections)))
    if fingerprint is not None and len(hosts) > 1:
        raise PatuhError("a fingerprint belongs to one host", mend="Give one host at a time.")
    for name in hosts:
        connection = loaded.connections[name]
        file = Path(str(connection[host_keys.FILE_VARIABLE])).expanduser()
        key, known = offered(connection, name), described(host_keys.lines_of(name, file))
        if key.line in [one.line for one in known]:
            click.echo(f"{name}: known already: {key.shown}")
            continue
        _decide(name, key, known, fingerprint)
        keep(name, key, file)
        click.echo(f"{name}: {key.shown} stored in {file}")
