"""Ed25519 keys: what a rulebook is signed with, and the public keys that a service trusts. PEM files, as everybody has them."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from service.bundle.errors import BundleError

#: key id -> public key
Trusted: TypeAlias = Mapping[str, Ed25519PublicKey]

ALGORITHM = "Ed25519"
#: a PEM file of one key takes some hundred bytes
MAX_KEY_FILE = 10_000
MAX_KEYS = 100
#: hexadecimal digits of a key's name: enough that no two keys share one, few enough to be compared by eye
ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Pair:
    """A new key pair, as PEM."""

    private: bytes
    public: bytes
    id: str


class Locked(Exception):
    """The private key is encrypted, and no passphrase was given."""


def key_id(key: Ed25519PublicKey) -> str:
    """The name of a key: the beginning of the sha256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:ID_DIGITS]


def generate(passphrase: str = "") -> Pair:
    """A new key pair; the private key encrypted unless `passphrase` is empty."""
    key = Ed25519PrivateKey.generate()
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return Pair(
        private=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption),
        public=key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        id=key_id(key.public_key()),
    )


def load_private(path: Path, passphrase: str = "") -> Ed25519PrivateKey:
    """The key to sign with. Raises BundleError; Locked when it is encrypted and `passphrase` is empty."""
    pem = _read(path)
    try:
        key = load_pem_private_key(pem, passphrase.encode() or None)
    except TypeError:
        if not passphrase:
            raise Locked from None
        raise BundleError(f"{path}: this key is not encrypted; leave the passphrase out") from None
    except (ValueError, UnsupportedAlgorithm):
        why = "the passphrase is wrong, or it is" if b"ENCRYPTED" in pem else "is"
        raise BundleError(f"{path}: {why} no private key in PEM form; `flask rules keygen` makes one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BundleError(f"{path}: is not an {ALGORITHM} key; `flask rules keygen` makes one")
    return key


def load_trusted(path: Path) -> Trusted:
    """The public keys of a PEM file, or of every `.pem` file of a folder. Raises BundleError, also when there is none."""
    if path.is_dir():
        try:
            files = sorted(file for file in path.glob("*.pem") if not file.name.startswith("."))
        except OSError as error:
            raise BundleError(f"{path}: cannot be read: {error.strerror}") from None
        if len(files) > MAX_KEYS:
            raise BundleError(f"{path}: holds more than {MAX_KEYS} keys")
    else:
        files = [path]
    keys = [_public(file) for file in files]
    if not keys:
        raise BundleError(f"{path}: holds no key (a file that ends in .pem); put the publisher's public key there")
    return {key_id(key): key for key in keys}


def _public(path: Path) -> Ed25519PublicKey:
    pem = _read(path)
    if b"PRIVATE" in pem:
        raise BundleError(f"{path}: is a private key, which stays with who publishes; put its public part here")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise BundleError(f"{path}: is no public key in PEM form; `flask rules keygen` makes one") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BundleError(f"{path}: is not an {ALGORITHM} key; `flask rules keygen` makes one")
    return key


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KEY_FILE + 1)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > MAX_KEY_FILE:
        raise BundleError(f"{path}: is no key: larger than {MAX_KEY_FILE} bytes")
    return content


# ---- signatures --------------------------------------------------------------------------------------------------


def signed(content: bytes, key: Ed25519PrivateKey) -> bytes:
    """The signature over `content` as the bundle holds it: which key, and the 64 bytes."""
    return _told(key_id(key.public_key()), key.sign(content))


def _told(name: str, signature: bytes) -> bytes:
    told = {"algorithm": ALGORITHM, "key": name, "signature": base64.b64encode(signature).decode()}
    return (json.dumps(told, indent=2) + "\n").encode()


def claimed(signature: bytes) -> str:
    """The key that a signature says it was made with; nothing is verified. Raises BundleError."""
    return _parsed(signature)[0]


def verify(content: bytes, signature: bytes, trusted: Trusted) -> str:
    """The id of the trusted key that signed `content`. Raises BundleError when there is none."""
    name, value = _parsed(signature)
    if name not in trusted:
        known = ", ".join(sorted(trusted))
        raise BundleError(f"signed with the key {name}, which is not trusted here (trusted: {known})")
    try:
        trusted[name].verify(value, content)
    except InvalidSignature:
        raise BundleError(
            f"the signature of the key {name} does not fit: the bundle was altered after it was signed"
        ) from None
    return name


def _parsed(signature: bytes) -> tuple[str, bytes]:
    try:
        told = json.loads(signature)
        name, value = told["key"], base64.b64decode(told["signature"], validate=True)
        if isinstance(name, str) and len(name) == ID_DIGITS and _told(name, value) == signature:
            return name, value
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        pass
    raise BundleError("the signature is not in the form that `flask rules publish` writes")
