"""Flags, words and lists of words."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, cast

import ibis
import ibis.expr.types as ir
from ibis.expr import datatypes as dt

from service.cohort.layout import ABSENT, COMPLETE, companion
from service.cohort.settle import texts
from service.cohort.settle.problems import Cases, Problem
from service.cohort.settle.steps import Columns, Step, same
from service.language.vocabulary import Item
from service.query import combine
from service.query.columns import column, word_column


def _truth(value: ir.Value) -> ir.BooleanValue:
    """A flag as true or false; NULL when it is neither."""
    kind = value.type()
    if kind.is_boolean():
        return cast("ir.BooleanValue", value)
    if not kind.is_string():
        return ibis.null("boolean")
    word = texts.stripped(value).lower()
    return cast("ir.BooleanValue", word.cases(("true", True), ("false", False), else_=ibis.null("boolean")))


def _told(value: ir.Value) -> ir.BooleanValue:
    return texts.trimmed(value).notnull() if value.type().is_string() else value.notnull()


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in words)


class FlagReader:
    """Yes or no."""

    possible: tuple[Problem, ...] = ()

    def __init__(self, item: Item, kind: dt.DataType) -> None:
        self._name = column(item.id)
        self._given, self._value = f"{self._name}__raw", f"{self._name}__value"
        if not kind.is_boolean():
            self.possible = ("wrong_type",)

    def steps(self) -> Sequence[Step]:
        # A boolean is its own value; of another type both what stands there and what it means are needed.
        names = (self._value, self._given) if self.possible else (self._value,)
        rest = same(*names)
        return self._read, rest, rest, rest

    def _read(self, t: ir.Table) -> Columns:
        value = t[self._name]
        read = {self._value: _truth(value)}
        return {**read, self._given: value} if self.possible else read

    def given(self, t: ir.Table) -> ir.BooleanValue:
        return _told(t[self._given if self.possible else self._value])

    def cases(self, t: ir.Table) -> Cases:
        return [(t[self._value].isnull(), "wrong_type")] if self.possible else []

    def facts(self, t: ir.Table, usable: ir.BooleanValue) -> Columns:
        return {self._name: usable.ifelse(t[self._value], ibis.null("boolean"))}


class ChoiceReader:
    """One word of those that the vocabulary has for the item."""

    def __init__(self, item: Item, kind: dt.DataType) -> None:
        self._words = list(item.choices)
        self._is_text = kind.is_string()
        self._name = column(item.id)
        self._given = f"{self._name}__raw"
        self.possible: tuple[Problem, ...] = ("unknown_word",) if self._is_text else ("wrong_type",)

    def steps(self) -> Sequence[Step]:
        rest = same(self._given)
        return self._read, rest, rest, rest

    def _read(self, t: ir.Table) -> Columns:
        return {self._given: texts.trimmed(t[self._name]) if self._is_text else t[self._name]}

    def given(self, t: ir.Table) -> ir.BooleanValue:
        return t[self._given].notnull()

    def cases(self, t: ir.Table) -> Cases:
        if not self._is_text:
            return [(combine.YES, "wrong_type")]
        # Not IN: DuckDB makes a join of a long one.
        return [(~cast("ir.StringValue", t[self._given]).re_search(f"^({_any_of(self._words)})$"), "unknown_word")]

    def facts(self, t: ir.Table, usable: ir.BooleanValue) -> Columns:
        word = t[self._given] if self._is_text else ibis.null("string")
        return {self._name: usable.ifelse(word, ibis.null("string"))}


#: a list that holds what can be no word
_NO_WORD: Final = "?"


class ListReader:
    """A list of words: which are in it, which are said not to be, and whether the rest is not.

    Whatever type it comes in, a list becomes one text, `|word|word|`: databases agree on texts more than on arrays.
    """

    def __init__(self, item: Item, asked: Iterable[str], kinds: dict[str, dt.DataType]) -> None:
        """`kinds`: the types of the columns that there are, by their names."""
        self._item, self._asked = item, tuple(asked)
        self._name = column(item.id)
        self._kinds = kinds
        #: the lists that there are: raw name -> the name of its text
        self._lists = {name: f"{name}__list" for name in (self._name, companion(item.id, ABSENT)) if name in kinds}
        self._complete = companion(item.id, COMPLETE)
        self._whole = f"{self._name}__whole" if self._complete in kinds else None
        wrong = any(not _is_list(kinds[name]) for name in self._lists)
        if self._whole is not None:
            wrong |= not kinds[self._complete].is_boolean()
        self.possible: tuple[Problem, ...] = (
            *(("wrong_type",) if wrong else ()),
            "unknown_word",
            *(("contradictory",) if len(self._lists) > 1 else ()),
        )

    def steps(self) -> Sequence[Step]:
        rest = same(*self._lists.values(), *((self._whole,) if self._whole else ()))
        return self._joined, self._parted, rest, rest

    def _joined(self, t: ir.Table) -> Columns:
        columns: dict[str, ir.Value] = {}
        for name, text in self._lists.items():
            columns[text] = _as_text(t[name])
            if self._kinds[name].is_array() and self._readable(name):
                columns[f"{text}__length"] = cast("ir.ArrayValue", t[name]).length()
        return columns if self._whole is None else {**columns, self._whole: t[self._complete]}

    def _parted(self, t: ir.Table) -> Columns:
        columns: dict[str, ir.Value] = {}
        for text in self._lists.values():
            length = f"{text}__length"
            columns[text] = _without_holes(t[text], t[length]) if length in t.columns else t[text]
        return columns if self._whole is None else {**columns, self._whole: t[self._whole]}

    def given(self, t: ir.Table) -> ir.BooleanValue:
        told = [t[text].notnull() for text in self._lists.values()]
        if self._whole is not None:
            # That a list is not complete says nothing.
            told.append(_told(t[self._whole]) & _truth(t[self._whole]).fill_null(True))
        return combine.some(told)

    def _readable(self, name: str) -> bool:
        return _is_list(self._kinds[name])

    def cases(self, t: ir.Table) -> Cases:
        cases: Cases = []
        known = _any_of(self._item.choices)
        for name, text in self._lists.items():
            if not self._readable(name):
                cases.append((t[text].notnull(), "wrong_type"))
            else:
                cases.append((t[text].notnull() & ~t[text].re_search(f"^[|](({known})[|])+$"), "unknown_word"))
        if self._whole is not None and not self._kinds[self._complete].is_boolean():
            cases.append((_told(t[self._whole]) & _truth(t[self._whole]).isnull(), "wrong_type"))
        if len(self._lists) > 1 and all(map(self._readable, self._lists)):
            first, second = (t[text] for text in self._lists.values())
            both = [_holds(first, word) & _holds(second, word) for word in self._item.choices]
            # Word by word only where there are two lists.
            differ = ibis.cases((first.isnull() | second.isnull(), False), else_=combine.some(both))
            cases.append((differ, "contradictory"))
        return cases

    def facts(self, t: ir.Table, usable: ir.BooleanValue) -> Columns:
        return {word_column(self._item.id, word): self._word(t, usable, word) for word in self._asked}

    def _word(self, t: ir.Table, usable: ir.BooleanValue, word: str) -> ir.Value:
        branches: list[tuple[ir.BooleanValue, bool]] = []
        present = self._lists.get(self._name)
        absent = self._lists.get(companion(self._item.id, ABSENT))
        if present is not None and self._readable(self._name):
            branches.append((usable & _holds(t[present], word), True))
        if absent is not None and self._readable(companion(self._item.id, ABSENT)):
            branches.append((usable & _holds(t[absent], word), False))
        if self._whole is not None:
            branches.append((usable & _truth(t[self._whole]), False))
        return ibis.cases(*branches, else_=ibis.null("boolean")) if branches else ibis.null("boolean")


def _is_list(kind: dt.DataType) -> bool:
    return kind.is_string() or (isinstance(kind, dt.Array) and kind.value_type.is_string())


def _as_text(value: ir.Value) -> ir.Value:
    """`|word|word|`; of text, NULL for an empty list. What is neither text nor an array of texts stays as it is."""
    kind = value.type()
    if not _is_list(kind):
        return value
    bar = ibis.literal("|")
    if kind.is_string():
        words = texts.trimmed(cast("ir.StringValue", value).re_replace("[ ,;]+", " "))
        return cast("ir.Value", bar + words.replace(" ", "|") + bar)
    return cast("ir.Value", bar + cast("ir.ArrayValue", value).join("|").fill_null("") + bar)


def _without_holes(text: ir.Value, length: ir.Value) -> ir.Value:
    """The text of an array: NULL when that is empty, and no list at all when it holds NULL, which joining passes over."""
    written = cast("ir.StringValue", text)
    words = written.length() - written.replace("|", "").length() - 1
    return ibis.cases(((length > 0) & (words == length), text), (length > 0, _NO_WORD), else_=ibis.null("string"))


def _holds(text: ir.Value, word: str) -> ir.BooleanValue:
    return cast("ir.StringValue", text).contains(f"|{word}|")
