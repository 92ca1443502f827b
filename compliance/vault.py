"""Ansible's vault: the passwords by which what an inventory keeps encrypted is read (ansible-vault(1))."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from compliance.errors import PatuhError

# As Ansible has them: pairs of a vault's label and its password, every one of which is tried.
Secrets = list[tuple[str, Any]]
MEND = "Name the vault's password with --vault-password-file, or use --ask-vault-pass."


def secrets(files: Iterable[Path], password: str | None = None) -> Secrets:
    """Passwords from files, or from what programs among them print, and one that was typed.

    :raises PatuhError: naming the file that holds none.
    """
    from ansible.errors import AnsibleError
    from ansible.parsing.dataloader import DataLoader
    from ansible.parsing.vault import VaultSecret, get_file_vault_secret

    found: Secrets = []
    for path in files:
        try:
            secret = get_file_vault_secret(filename=str(path), loader=DataLoader())
            secret.load()
        except (AnsibleError, OSError) as error:
            mend = "Name a file that holds the vault's password, or a program that prints it."
            raise PatuhError("gives no password of a vault", where=str(path), mend=mend) from error
        found.append(("default", secret))
    return [*found, *([("default", VaultSecret(password.encode()))] if password else [])]


def is_encrypted(value: Any) -> bool:
    """Whether a variable is, or holds, what ``ansible-vault encrypt_string`` printed."""
    from ansible.parsing.vault import EncryptedString

    if isinstance(value, dict | list | tuple):
        return any(map(is_encrypted, value.values() if isinstance(value, dict) else value))
    return isinstance(value, EncryptedString)


def decrypted(value: Any, known: Secrets) -> Any:
    """A variable with whatever it holds decrypted.

    :raises AnsibleError: when none of the passwords decrypts it.
    """
    from ansible.parsing.vault import EncryptedString, VaultHelper, VaultLib

    if isinstance(value, dict):
        return {key: decrypted(item, known) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [decrypted(item, known) for item in value]
    if isinstance(value, EncryptedString):
        return VaultLib(secrets=known).decrypt(VaultHelper.get_ciphertext(value, with_tags=False)).decode()
    return value
