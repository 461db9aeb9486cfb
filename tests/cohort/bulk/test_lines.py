"""Lines as they come: cut up anywhere they are the same; broken ones are told by a code and never quoted."""

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest

from service.cohort.bulk import lines as module
from service.cohort.bulk.lines import Broken, Stretch, is_compressed, lines, resource_of

PATIENT = b'{"resourceType": "Patient", "id": "a"}'


def told(folder: Path, stretch: Stretch) -> list[bytes | str]:
    return [line.code if isinstance(line, Broken) else line for line in lines(folder, stretch)]


def test_any_cut_gives_every_line_once(tmp_path: Path) -> None:
    body = b"a\n\nbcd\r\nef\n\n\ng"
    (tmp_path / "x").write_bytes(body)
    whole = told(tmp_path, Stretch("x", 0, len(body)))
    assert whole == [b"a", b"", b"bcd", b"ef", b"", b"", b"g"]
    for cut in range(1, len(body)):
        for second in range(cut, len(body)):
            places = [0, cut, second, len(body)]
            pieces = [Stretch("x", *two) for two in pairwise(places)]
            assert [line for piece in pieces for line in told(tmp_path, piece)] == whole, (cut, second)


def test_a_line_that_is_too_long_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 50)
    monkeypatch.setattr(module, "_CHUNK", 7)
    body = b"\n".join([PATIENT, b'{"a": "' + b"x" * 60 + b'"}', b"y" * 50, PATIENT, b"z" * 51])
    (tmp_path / "x").write_bytes(body)
    assert told(tmp_path, Stretch("x", 0, len(body))) == [PATIENT, "too-long", b"y" * 50, PATIENT, "too-long"]
    for cut in range(1, len(body)):
        pieces = [Stretch("x", 0, cut), Stretch("x", cut, len(body))]
        assert len([line for piece in pieces for line in told(tmp_path, piece)]) == 5, cut


def test_a_mark_at_the_beginning_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbf" + PATIENT + b"\n" + PATIENT)
    assert told(tmp_path, Stretch("x", 0, 100)) == [PATIENT, PATIENT]


def test_a_compressed_file_is_known_by_what_it_begins_with(tmp_path: Path) -> None:
    packed = gzip.compress(b"\n".join([PATIENT] * 1000))
    (tmp_path / "x.ndjson").write_bytes(packed)
    (tmp_path / "y.ndjson.gz").write_bytes(PATIENT)
    assert is_compressed(tmp_path / "x.ndjson")
    assert not is_compressed(tmp_path / "y.ndjson.gz")
    assert told(tmp_path, Stretch("x.ndjson", compressed=True)) == [PATIENT] * 1000


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_where_a_compressed_file_breaks_off_is_told(tmp_path: Path, damage: str) -> None:
    text = "\n".join(json.dumps({"resourceType": "Patient", "id": f"{n * 7919 % 10007}"}) for n in range(5000))
    packed = gzip.compress(text.encode())
    middle = len(packed) // 2
    damaged = packed[:middle] if damage == "cut" else packed[:middle] + b"\xff" * 40 + packed[middle + 40 :]
    (tmp_path / "x").write_bytes(damaged)
    found = told(tmp_path, Stretch("x", compressed=True))
    assert found[-1] == "cut-off"
    assert 100 < len(found) < 5001


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"test-secret", "not-json"),
        (b'{"resourceType": "Patient", "id": "test-secret"', "not-json"),
        (b'{"resourceType": "Patient", "id": "a", "id": "test-secret"}', "not-json"),
        (b'{"resourceType": "Patient", "n": NaN}', "not-json"),
        (b'{"resourceType": "Patient", "n": 1e999}', "not-json"),
        (b'{"resourceType": "Patient", "n": ' + b"9" * 5000 + b"}", "not-json"),
        (b'{"resourceType": "Patient", "id": "\xff"}', "not-json"),
        (b'{"resourceType": "Patient", "a": ' + b"[" * 60 + b"]" * 60 + b"}", "not-json"),
        (b'{"resourceType": "Patient", "a": ' + b"[" * 9000 + b"]" * 9000 + b"}", "not-json"),
        (b"[]", "not-a-resource"),
        (b"12", "not-a-resource"),
        (b'{"id": "test-secret"}', "not-a-resource"),
        (b'{"resourceType": ["Patient"]}', "not-a-resource"),
    ],
)
def test_what_is_no_resource_has_a_code_and_is_not_quoted(line: bytes, code: str) -> None:
    with pytest.raises(Broken) as raised:
        resource_of(line)
    assert raised.value.code == code
    assert str(raised.value) == code
    assert raised.value.__cause__ is None


def test_a_resource_may_be_wide_if_it_is_not_deep() -> None:
    wide = {"resourceType": "Patient", "name": [{"given": ["a"]} for _ in range(100)]}
    assert resource_of(json.dumps(wide).encode())[0] == wide
