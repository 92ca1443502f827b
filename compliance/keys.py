"""Administrators' public keys: taken when sshd will take them, and only then.

The role's template and this module read one list, ``roles/ssh/vars/main.yml``: they cannot disagree.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from compliance import strict_yaml

ACCEPTED_BY_SSHD = Path(__file__).resolve().parent.parent / "roles" / "ssh" / "vars" / "main.yml"
RSA_BITS_MAX = 16384  # OpenSSL verifies nothing by a longer one
# What stands in inventory/example, now and formerly.
PLACEHOLDER = re.compile(r"^<|contohKunci")
_LINE = re.compile(r"([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})( [^\n]*)?")


@functools.cache
def _accepted() -> tuple[list[str], int]:
    """The key types that sshd takes, and the fewest bits of RSA."""
    found = strict_yaml.load(ACCEPTED_BY_SSHD).data
    # An RSA key has one type, whichever hash its signatures use (RFC 8332).
    types = ["ssh-rsa" if one.startswith("rsa-sha2-") else one for one in found["ssh_pubkey_algorithms"]]
    return list(dict.fromkeys(types)), found["ssh_rsa_bits_min"]


def blob(key: str) -> str:
    """The key itself: what two lines of the same key share, whatever their comments."""
    return key.split(" ")[1]


def checked(key: str) -> str:
    """A line of ``authorized_keys`` without options (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").

    :raises ValueError: saying why sshd would not take the key.
    """
    types, rsa_bits_min = _accepted()
    if PLACEHOLDER.search(key):
        raise ValueError("is the example's placeholder: replace it by the person's own key, a line of id_ed25519.pub")
    match = _LINE.fullmatch(key.strip())
    if match is None:
        raise ValueError("is no OpenSSH public key (such as 'ssh-ed25519 AAAA… comment', without options before it)")
    if match[1] not in types:
        raise ValueError(f"is of a type that sshd refuses; allowed: {', '.join(types)}")
    try:
        # The library overlooks what is no base64; sshd does not.
        decoded = base64.b64decode(match[2], validate=True)
        if base64.b64encode(decoded).decode() != match[2]:
            raise ValueError
        found = load_ssh_public_key(f"{match[1]} {match[2]}".encode())
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise ValueError("is damaged: it is no key of the type that it names") from error
    if isinstance(found, RSAPublicKey) and not rsa_bits_min <= found.key_size <= RSA_BITS_MAX:
        raise ValueError(f"has {found.key_size} bits; sshd wants RSA keys of {rsa_bits_min} to {RSA_BITS_MAX}")
    return key.strip()
