"""Faults of reading rule files that were found and mended, each pinned."""

import pytest

from service.rulebook.source import MAX_DEPTH, read_bytes


@pytest.mark.parametrize("opening", [b"[", b"{a: ", b"? "])
def test_what_is_nested_very_deep_is_told_and_ends_no_process(opening: bytes) -> None:
    document, mistakes = read_bytes(b"a: " + opening * 200_000 if opening != b"? " else opening * 5_000, "a.yaml")
    assert document.data is None
    assert [mistake.message for mistake in mistakes] == ["nested too deep"]


def test_what_is_nested_as_deep_as_allowed_is_read() -> None:
    document, mistakes = read_bytes(b"[" * MAX_DEPTH + b"x" + b"]" * MAX_DEPTH, "a.yaml")
    assert mistakes == []
    assert str(document.data) == "[" * MAX_DEPTH + "'x'" + "]" * MAX_DEPTH


@pytest.mark.parametrize("number", ["9" * 5_000, "-" + "9" * 5_000, "9" * 400 + ".0", "0." + "1" * 5_000])
def test_a_number_of_which_python_makes_none_stays_a_text(number: str) -> None:
    document, mistakes = read_bytes(f"a: {number}\n".encode(), "a.yaml")
    assert (document.data, mistakes) == ({"a": number}, [])
