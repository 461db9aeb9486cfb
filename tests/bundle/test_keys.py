"""Keys: which files are keys, which are trusted, and what a signature says."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from service.bundle import keys
from service.bundle.errors import BundleError


def test_a_key_is_named_by_its_public_part(ours, theirs):
    assert ours.id == keys.key_id(ours.key.public_key())
    assert list(ours.trusted) == [ours.id]
    assert len(ours.id) == keys.ID_DIGITS
    assert ours.id != theirs.id


def test_the_keys_of_a_folder(ours, theirs, tmp_path):
    for number, each in enumerate((ours, theirs)):
        (tmp_path / f"{number}.pem").write_bytes(each.public.read_bytes())
    (tmp_path / "README").write_text("not a key")
    (tmp_path / ".old.pem").write_text("nor this")
    assert set(keys.load_trusted(tmp_path)) == {ours.id, theirs.id}


def other_kind(private: bool) -> bytes:
    key = generate_private_key(SECP256R1())
    if private:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no public key in PEM form"),
        (b"\x00\xff", "no public key in PEM form"),
        (b"x" * 20_000, "larger than 10000 bytes"),
        (other_kind(private=False), "not an Ed25519 key"),
        (keys.generate().private, "is a private key, which stays with who publishes"),
        (keys.generate("secret").private, "is a private key, which stays with who publishes"),
    ],
)
def test_what_is_no_public_key(tmp_path, content, said):
    path = tmp_path / "a.pem"
    path.write_bytes(content)
    for named in (path, tmp_path):
        with pytest.raises(BundleError, match=said) as caught:
            keys.load_trusted(named)
        (line,) = caught.value.errors
        assert line.startswith(f"{path}: ")


def test_nobody_to_trust(tmp_path):
    with pytest.raises(BundleError, match="holds no key"):
        keys.load_trusted(tmp_path)
    with pytest.raises(BundleError, match="cannot be read"):
        keys.load_trusted(tmp_path / "none.pem")


def test_an_encrypted_private_key(tmp_path):
    pair = keys.generate("a secret")
    path = tmp_path / "k.pem"
    path.write_bytes(pair.private)
    with pytest.raises(keys.Locked):
        keys.load_private(path)
    with pytest.raises(BundleError, match="the passphrase is wrong"):
        keys.load_private(path, "another")
    assert keys.key_id(keys.load_private(path, "a secret").public_key()) == pair.id


def test_what_is_no_private_key(ours, tmp_path):
    path = tmp_path / "k.pem"
    for content, said in (
        (ours.public.read_bytes(), "no private key in PEM form"),
        (b"nothing", "no private key in PEM form"),
        (other_kind(private=True), "not an Ed25519 key"),
    ):
        path.write_bytes(content)
        with pytest.raises(BundleError, match=said):
            keys.load_private(path)
    with pytest.raises(BundleError, match="leave the passphrase out"):
        keys.load_private(ours.private, "a secret")


def test_signatures(ours, theirs):
    signature = keys.signed(b"content", ours.key)
    assert signature == keys.signed(b"content", ours.key)
    assert keys.verify(b"content", signature, ours.trusted) == ours.id
    with pytest.raises(BundleError, match="altered after it was signed"):
        keys.verify(b"Content", signature, ours.trusted)
    with pytest.raises(BundleError, match=f"{ours.id}, which is not trusted here .trusted: {theirs.id}"):
        keys.verify(b"content", signature, theirs.trusted)


def test_no_byte_of_a_signature_can_be_another(ours):
    signature = keys.signed(b"content", ours.key)
    for at in range(len(signature)):
        for flip in (0x01, 0x20, 0x80):
            altered = bytearray(signature)
            altered[at] ^= flip
            with pytest.raises(BundleError):
                keys.verify(b"content", bytes(altered), ours.trusted)


@pytest.mark.parametrize("signature", [b"", b"{}", b"[]", b"null", b"[" * 100_000, b'{"key": 1, "signature": 2}'])
def test_what_is_no_signature(ours, signature):
    with pytest.raises(BundleError, match="the signature is not in the form"):
        keys.verify(b"content", signature, ours.trusted)
