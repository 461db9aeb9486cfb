"""Faults of taking bundles that were found and mended, each pinned."""

import struct
import zlib

import pytest

from service.bundle import container
from service.bundle.errors import BundleError
from service.web.reload import BUNDLE_KEYS, SHADOW, named


def laid_over(count: int, size: int) -> bytes:
    """A zip whose entries begin one after another and all go on to the same end: each holds those after it."""
    names = ["manifest.json", *(f"rules/a{number:04}.yaml" for number in range(count - 1))]
    body, listed = b"\0" * size, []
    for name in reversed(names):
        about = struct.pack("<5H3L2H", 20, 0, 0, 0, 0x21, zlib.crc32(body), len(body), len(body), len(name), 0)
        listed.append((name.encode(), about))
        body = b"PK\3\4" + about + name.encode() + body
    directory, at = b"", 0
    for name, about in reversed(listed):
        directory += b"PK\1\2" + struct.pack("<H", 20 | 3 << 8) + about + b"\0" * 6
        directory += struct.pack("<2L", 0o100644 << 16, at) + name
        at += 30 + len(name)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + end


def test_entries_laid_over_one_another_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr("zipfile.ZipFile.read", lambda *_: read.append(1) or b"")
    with pytest.raises(BundleError, match="not a bundle"):
        container.unpack(laid_over(50, 100_000))
    assert read == []


@pytest.mark.parametrize("value", ["", " "])
def test_keys_that_are_named_by_nothing_are_not_taken_for_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(BUNDLE_KEYS, value)
    with pytest.raises(ValueError, match="set and empty"):
        named(BUNDLE_KEYS)
    monkeypatch.delenv(BUNDLE_KEYS)
    monkeypatch.setenv(SHADOW, "")
    assert named(BUNDLE_KEYS) == named(SHADOW) == []
