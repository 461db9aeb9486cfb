"""Whatever is done to a chain is found, and the first record that it was done to is named."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.audit.chain import EMPTY, START, Fault, anchor, chained, hashed, head_after, sealed, verify
from service.audit.record import ERASURE, Content, Entry, Head, Recorded, Row, canonical

AT = "2026-11-26T03:00:00.000000+00:00"


def entry(number: int, content: Any = None, kind: str = "decision", line: Any = None) -> Entry:
    return Entry(f"{number:032x}", kind, AT, line or {"door": "api"}, {"n": number} if content is None else content)


def built(entries: Sequence[Entry]) -> list[Row]:
    rows, head = [], EMPTY
    for number, each in enumerate(entries):
        rows.append(chained(each, head, f"{number:064x}"))
        head = head_after(rows[-1])
    return rows


def end(rows: Sequence[Row]) -> Head:
    return head_after(rows[-1]) if rows else EMPTY


def changed(row: Row, **fields: Any) -> Row:
    return replace(row, recorded=replace(row.recorded, **fields))


def rehashed(row: Row, **fields: Any) -> Row:
    altered = replace(row.recorded, **fields)
    return Row(replace(altered, hash=hashed(altered)), row.content)


def place(fault: Fault | None) -> tuple[int, str] | None:
    return (fault.seq, fault.what) if fault else None


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.text(), plain, max_size=3)
# Of contents only that they are texts matters here; `test_one_text_for_one_value` tries others.
chains = st.lists(st.text(max_size=3), min_size=2, max_size=6).map(
    lambda texts: built([entry(n, {"text": text}, line={"door": text}) for n, text in enumerate(texts, start=1)])
)


@given(chains)
def test_a_chain_is_whole(rows: list[Row]) -> None:
    assert verify(rows, set(), end(rows), [end(rows[:1]), end(rows), EMPTY]) is None


def test_an_empty_chain_is_whole() -> None:
    assert verify([], set(), EMPTY) is None


FIELDS = ("seq", "id", "kind", "at", "line", "previous", "seal", "hash")


@given(chains, st.data())
def test_any_single_change_of_a_record_names_it(rows: list[Row], data: st.DataObject) -> None:
    here = data.draw(st.integers(0, len(rows) - 1))
    field = data.draw(st.sampled_from(FIELDS))
    before = getattr(rows[here].recorded, field)
    after = data.draw(st.integers(0, 99) if field == "seq" else st.text())
    assume(after != before)
    whole = end(rows)
    rows[here] = changed(rows[here], **{field: after})
    fault = verify(rows, set(), whole)
    assert fault is not None
    # A place that is wrong is told as what is missing there, or as what stands twice.
    assert fault.seq == (min(after, here + 1) if field == "seq" else here + 1)


@given(chains, st.data())
def test_a_change_of_one_character_is_found(rows: list[Row], data: st.DataObject) -> None:
    here = data.draw(st.integers(0, len(rows) - 1))
    content = rows[here].content
    assert content is not None
    what = data.draw(st.sampled_from(("line", "body", "salt")))
    text = rows[here].recorded.line if what == "line" else getattr(content, what)
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="ascii"))
    assume(letter != text[at])
    text = text[:at] + letter + text[at + 1 :]
    rows[here] = (
        changed(rows[here], line=text)
        if what == "line"
        else replace(rows[here], content=replace(content, **{what: text}))
    )
    assert place(verify(rows, set(), end(rows))) == (here + 1, "altered" if what == "line" else "content_altered")


@given(chains, st.data())
def test_what_moves_between_salt_and_body_is_found(rows: list[Row], data: st.DataObject) -> None:
    here = data.draw(st.integers(0, len(rows) - 1))
    content = rows[here].content
    assert content is not None
    moved = Content(content.salt + content.body[:1], content.body[1:])
    rows[here] = replace(rows[here], content=moved)
    assert place(verify(rows, set(), end(rows))) == (here + 1, "content_altered")


@given(chains, st.data())
def test_any_removal_names_the_first_missing(rows: list[Row], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(rows) - 1))
    behind = data.draw(st.integers(first + 1, len(rows)))
    left = rows[:first] + rows[behind:]
    expected = "truncated" if behind == len(rows) else "missing"
    assert place(verify(left, set(), end(rows))) == (first + 1, expected)
    # Without its head a chain does not know that its end is missing: the anchor does.
    assert place(verify(left, set(), None, [end(rows)])) == (first + 1, expected)


@given(chains, st.data())
def test_any_swap_names_the_first(rows: list[Row], data: st.DataObject) -> None:
    one, two = sorted(data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True)))
    whole = end(rows)
    moved = list(rows)
    moved[one], moved[two] = moved[two], moved[one]
    assert place(verify(moved, set(), whole)) == (one + 1, "missing")
    # As a database would have it, which reads by number: the numbers are swapped, or the numbers and the links.
    numbered = list(rows)
    numbered[one], numbered[two] = changed(rows[two], seq=one + 1), changed(rows[one], seq=two + 1)
    assert place(verify(numbered, set(), whole)) == (one + 1, "altered")


@given(chains, st.data())
def test_any_duplicate_is_named(rows: list[Row], data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(rows) - 1))
    where = data.draw(st.integers(0, len(rows)))
    whole = end(rows)
    copied = [*rows[:where], rows[which], *rows[where:]]
    fault = verify(copied, set(), whole)
    assert place(fault) == (
        (which + 1, "repeated")
        if where > which
        else (where + 1, "missing")
        if where < which
        else (which + 1, "repeated")
    )


@given(chains, st.data())
def test_contents_that_are_swapped_copied_or_removed_are_found(rows: list[Row], data: st.DataObject) -> None:
    one, two = sorted(data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True)))
    swapped, copied, removed = list(rows), list(rows), list(rows)
    swapped[one], swapped[two] = (
        replace(rows[one], content=rows[two].content),
        replace(rows[two], content=rows[one].content),
    )
    copied[two] = replace(rows[two], content=rows[one].content)
    removed[two] = replace(rows[two], content=None)
    assert place(verify(swapped, set(), end(rows))) == (one + 1, "content_altered")
    assert place(verify(copied, set(), end(rows))) == (two + 1, "content_altered")
    assert place(verify(removed, set(), end(rows))) == (two + 1, "content_missing")


@given(chains, st.data())
def test_the_first_of_several_faults_is_named(rows: list[Row], data: st.DataObject) -> None:
    places = data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1))
    whole = end(rows)
    for here in places:
        rows[here] = data.draw(st.sampled_from((changed(rows[here], line="{}x"), replace(rows[here], content=None))))
    fault = verify(rows, set(), whole)
    assert fault is not None
    assert fault.seq == min(places) + 1


@given(chains, st.data())
def test_a_record_that_was_hashed_anew_is_named(rows: list[Row], data: st.DataObject) -> None:
    here = data.draw(st.integers(0, len(rows) - 1))
    whole = end(rows)
    rows[here] = rehashed(rows[here], line='{"door":"another"}')
    what = "unknown_end" if here == len(rows) - 1 else "replaced"
    assert place(verify(rows, set(), whole)) == (here + 1, what)


@given(chains, st.data())
def test_a_chain_made_anew_is_found_by_its_anchor_alone(rows: list[Row], data: st.DataObject) -> None:
    known = end(rows)
    here = data.draw(st.integers(0, len(rows) - 1))
    forged, head = [], EMPTY
    for number, row in enumerate(rows):
        line = '{"door":"another"}' if number == here else row.recorded.line
        forged.append(rehashed(row, previous=head.hash, line=line))
        head = end(forged)
    assert verify(forged, set(), end(forged)) is None
    assert place(verify(forged, set(), end(forged), [known])) == (len(rows), "anchor")


def test_the_first_record_follows_on_nothing() -> None:
    rows = built([entry(1), entry(2)])
    rows[0] = rehashed(rows[0], previous="1" * 64)
    assert place(verify(rows, set())) == (1, "replaced")


def test_an_erasure_explains_a_missing_content_and_nothing_else() -> None:
    rows = built([entry(1), entry(2), entry(3, {}, ERASURE, {"erased": [f"{1:032x}"]})])
    gone = [replace(rows[0], content=None), *rows[1:]]
    erased = {f"{1:032x}"}
    assert verify(gone, erased, end(rows)) is None
    assert place(verify(gone, set(), end(rows))) == (1, "content_missing")
    assert place(verify(rows, erased, end(rows))) == (1, "content_kept")
    altered = [changed(gone[0], line="{}"), *gone[1:]]
    assert place(verify(altered, erased, end(rows))) == (1, "altered")


def test_anchors_that_contradict_each_other() -> None:
    rows = built([entry(1)])
    assert place(verify(rows, set(), None, [end(rows), Head(1, START)])) == (1, "anchor")


def test_what_a_seal_tells() -> None:
    assert sealed("a" * 64, '{"n":1}') != sealed("b" * 64, '{"n":1}')
    assert len(sealed("a" * 64, "{}")) == 64


def test_an_anchor_as_it_is_written() -> None:
    head = end(built([entry(1)]))
    assert anchor(f" {head}\n") == head
    for wrong in ("", "1", "1:abc", f"-1:{START}", f"01:{START}", f"1:{START}0", f"1:{START.replace('0', 'G')}"):
        with pytest.raises(ValueError, match="SEQ:HASH"):
            anchor(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: replace(entry(1), id="F" * 32),
        lambda: replace(entry(1), id="1" * 31),
        lambda: replace(entry(1), kind="Decision"),
        lambda: replace(entry(1), kind=""),
        lambda: replace(entry(1), at="2026-11-26T03:00:00+00:00"),
        lambda: replace(entry(1), at="2026-11-26T03:00:00.000000+01:00"),
    ],
)
def test_an_entry_is_of_one_form(wrong: Callable[[], Entry]) -> None:
    with pytest.raises(ValueError, match="must be of the form"):
        wrong()


@given(objects)
def test_one_text_for_one_value(value: Any) -> None:
    text = canonical(value)
    assert text.isascii()
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text
    assert canonical(dict(reversed(value.items()))) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_is_no_json_is_refused_without_being_quoted(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON") as refusal:
        canonical({"secret": value})
    assert "object at" not in str(refusal.value)


def test_a_fault_tells_where_and_what() -> None:
    rows = built([entry(1), entry(2)])
    rows[1] = changed(rows[1], line="{}")
    assert str(verify(rows, set())) == f"record 2 ({2:032x}): altered: it does not fit its own hash"
    assert str(verify(rows[1:], set())) == "record 1: missing or moved; what stands in its place is record 2"


def test_a_record_holds_what_its_entry_did() -> None:
    (row,) = built([entry(1, {"b": 1, "a": "é"})])
    assert isinstance(row.recorded, Recorded)
    assert row.content == Content(f"{0:064x}", '{"a":"\\u00e9","b":1}')
    assert (row.recorded.seq, row.recorded.previous) == (1, START)
