"""The file itself: one form for one content, and nothing else is opened."""

import hashlib
import io
import zipfile

import pytest

from service.bundle import container
from service.bundle.container import MANIFEST, SIGNATURE, Parts, pack, unpack
from service.bundle.errors import BundleError

PARTS = Parts(b"{}\n", b"signed\n", {"safety/a.yaml": b"one\n", "b.yaml": b""})
PACKED = pack(PARTS)


def zipped(entries: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    """A zip as any program writes it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compression) as archive:
        archive.comment = comment
        for name, content in entries:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, content, compression)
    return written.getvalue()


def test_what_is_packed_is_unpacked():
    assert unpack(PACKED) == PARTS
    unsigned = Parts(PARTS.manifest, None, PARTS.files)
    assert unpack(pack(unsigned)) == unsigned


def test_the_same_content_gives_the_same_bytes_whatever_its_order():
    assert pack(Parts(PARTS.manifest, PARTS.signature, dict(reversed(PARTS.files.items())))) == PACKED
    # Pinned: another Python that wrote zips otherwise would refuse every bundle published before.
    assert hashlib.sha256(PACKED).hexdigest() == "ea9aac1ef7e560776d6436b23517ee6249dbdb567d8f6e871fe49d1aeaca9a4b"


def test_any_zip_program_reads_it():
    with zipfile.ZipFile(io.BytesIO(PACKED)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [MANIFEST, SIGNATURE, "rules/b.yaml", "rules/safety/a.yaml"]


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_no_byte_can_be_another(flip):
    for at in range(len(PACKED)):
        altered = bytearray(PACKED)
        altered[at] ^= flip
        with pytest.raises(BundleError):
            unpack(bytes(altered))


def test_no_byte_can_be_missing_or_added():
    for at in range(len(PACKED)):
        with pytest.raises(BundleError):
            unpack(PACKED[:at])
    for data in (PACKED + b"\0", b"\0" + PACKED, PACKED + PACKED, b"", b"rules\n"):
        with pytest.raises(BundleError):
            unpack(data)


@pytest.mark.parametrize(
    "name",
    [
        "rules/../outside.yaml",
        "../rules/a.yaml",
        "/rules/a.yaml",
        "rules//a.yaml",
        "rules/a/../../b.yaml",
        "rules/a/b/c.yaml",
        "rules\\a.yaml",
        "rules/..\\a.yaml",
        "rules/.a.yaml",
        "rules/a.yaml/",
        "rules/a.py",
        "rules/a.yaml\n",
        "rules/é.yaml",
        f"rules/{'a' * 200}.yaml",
        "a.yaml",
        "MANIFEST.JSON",
        "rules/",
    ],
)
def test_no_name_leads_elsewhere(name):
    with pytest.raises(BundleError, match=r"no such file belongs in a bundle|not a bundle"):
        unpack(zipped([(MANIFEST, b"{}"), (name, b"x")]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_name_twice():
    for twice in (MANIFEST, "rules/a.yaml"):
        with pytest.raises(BundleError, match="two files of one name"):
            unpack(zipped([(MANIFEST, b"{}"), (twice, b"x"), (twice, b"y")]))


def test_another_form_of_the_same_content():
    entries = [(MANIFEST, b"{}\n"), (SIGNATURE, b"signed\n"), ("rules/b.yaml", b""), ("rules/safety/a.yaml", b"one\n")]
    assert zipped(entries) == PACKED
    with pytest.raises(BundleError, match="not in the form"):
        unpack(zipped(list(reversed(entries))))
    with pytest.raises(BundleError, match="not in the form"):
        unpack(zipped(entries, comment=b"hidden"))
    with pytest.raises(BundleError, match="compressed"):
        unpack(zipped(entries, zipfile.ZIP_DEFLATED))


def test_a_small_file_that_would_grow():
    bomb = zipped([(MANIFEST, b"{}"), ("rules/a.yaml", b"\0" * 50_000_000)], zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    with pytest.raises(BundleError, match="compressed"):
        unpack(bomb)


def test_sizes_and_numbers_are_bounded(monkeypatch):
    with pytest.raises(BundleError, match="larger than 1000000 bytes"):
        unpack(zipped([(MANIFEST, b"{}"), ("rules/a.yaml", b"\0" * 1_000_001)]))
    with pytest.raises(BundleError, match="more than 1000 files"):
        unpack(zipped([(MANIFEST, b"{}"), *((f"rules/a{number}.yaml", b"") for number in range(1_000))]))
    monkeypatch.setattr(container, "MAX_BUNDLE", 100)
    with pytest.raises(BundleError, match="larger than 100 bytes"):
        unpack(PACKED)


def test_no_manifest():
    with pytest.raises(BundleError, match=r"holds no manifest\.json"):
        unpack(zipped([("rules/a.yaml", b"x")]))
