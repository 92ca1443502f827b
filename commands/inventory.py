"""The inventory that commands are about, and the passwords of its vault."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from commands.common import REPOSITORY
from compliance import fleet, vault
from compliance.catalogue import default_catalogue

VARIABLE = "ANSIBLE_VAULT_PASSWORD_FILE"


@dataclass(frozen=True)
class Inventory:
    """An inventory folder or file, with the files that hold, or programs that print, passwords of its vault."""

    path: Path
    password_files: tuple[Path, ...] = ()
    password: str | None = None

    def load(self, *, whole: bool = False) -> fleet.LoadedFleet:
        """Read and check it.

        :param whole: whether all that is encrypted must be readable, as roles need it.
        :raises InvalidInput: naming everything that is wrong.
        """
        known = vault.secrets(self.password_files, self.password)
        return fleet.load(self.path, default_catalogue(), known, whole=whole)

    @property
    def environment(self) -> dict[str, str]:
        """What the environment names of the vault, for a program that runs in another folder."""
        named = os.environ.get(VARIABLE)
        return {VARIABLE: str(Path(named).absolute())} if named else {}

    def vault_arguments(self, private: Path) -> list[str]:
        """What ansible-playbook needs to know of the vault.

        :param private: a folder of ours alone, for a password that was typed.
        """
        files = [path.absolute() for path in self.password_files]
        if self.password is not None:
            typed = private / "vault-password"
            with os.fdopen(os.open(typed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(self.password)
            files.append(typed)
        return [f"--vault-password-file={path}" for path in files]


def inventory_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the parameter ``inventory``, with the options that say which and how its vault is opened."""

    @click.option(
        "-i",
        "--inventory",
        type=click.Path(path_type=Path),
        default=REPOSITORY / "inventory" / "lab",
        show_default="inventory/lab",
        help="The fleet's inventory folder.",
    )
    @click.option(
        "--vault-password-file",
        "password_files",
        type=click.Path(path_type=Path),
        multiple=True,
        envvar=VARIABLE,
        help="A file with the password of the inventory's vault, or a program that prints it.",
    )
    @click.option("--ask-vault-pass", "ask", is_flag=True, help="Ask for the password of the inventory's vault.")
    @functools.wraps(command)
    def with_inventory(
        *arguments: Any, inventory: Path, password_files: tuple[Path, ...], ask: bool, **options: Any
    ) -> None:
        password = click.prompt("Vault password", hide_input=True, err=True) if ask else None
        command(*arguments, inventory=Inventory(inventory, password_files, password), **options)

    return with_inventory
