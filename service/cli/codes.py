"""`flask codes`: what is read from an EHR, as the tables of docs/ehr-codes.md."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from service.cli.common import loaded, rules_option
from service.language.vocabulary import Item, Vocabulary
from service.rulebook.schema import CODE_SYSTEMS

_HEAD = """\
# Codes and units read from an EHR

Written by `flask codes > docs/ehr-codes.md` from the vocabulary (`rules/vocabulary/`): not to be edited. What these are for and
what else is read: [ehr-integration.md](ehr-integration.md).

A code that is not here is not guessed: what it stands for is told as not usable, and stays unknown. A star ends a family (`C50*`:
every code that begins so), a hyphen joins the ends of a range. A unit that is not listed makes the value unusable."""

#: lists beside the codes that are not codes themselves
_NO_SYSTEMS = ("fhir", "words", "filler")


@click.command()
@rules_option
@with_appcontext
def codes(directory: Path | None) -> None:
    """Print what is read from an EHR: for every item its codes, where they are looked for, and the units accepted.

    \b
    Example:
      flask codes > docs/ehr-codes.md      # after a change of codes or units in rules/vocabulary
    """
    click.echo(page(loaded(directory).vocabulary))


def page(vocabulary: Vocabulary) -> str:
    read = [item for item in vocabulary if item.codes.get("fhir")]
    return "\n".join(
        [
            _HEAD,
            "\n## Items\n",
            *_table(
                ("item", "what", "read from", "codes", "unit: accepted spellings", "unknown after"), map(_item, read)
            ),
            *(line for item in read if (rows := list(_words(item))) for line in _listed(item, rows)),
        ]
    )


def _item(item: Item) -> Sequence[str]:
    places = item.codes["fhir"]
    more = {
        "with a place": item.codes.get("with_site"),
        "the list is empty": item.codes.get("nothing"),
        **{f"answer {word}": own for word, own in _mapping(item.codes.get("answers")).items()},
    }
    told = [_codes(item.codes), *(f"{name}: {_codes(own)}" for name, own in more.items() if own)]
    units = (
        ", ".join(f"`{unit}`" for unit in item.units) if item.units else ("no unit" if item.type == "number" else "")
    )
    fresh = f"{item.fresh_for / 24:g} d" if item.fresh_for is not None else ""
    return f"`{item.id}`", item.label.en, _joined(places), "; ".join(filter(None, told)), units, fresh


def _listed(item: Item, rows: list[Sequence[str]]) -> Iterator[str]:
    yield f"\n## Words of `{item.id}` ({item.label.en})\n"
    yield from _table(("word", "what", "codes", "texts"), rows)


def _words(item: Item) -> Iterator[Sequence[str]]:
    for word, own in _mapping(item.codes.get("choices")).items():
        told = [_codes(own)]
        if own.get("reaction"):
            told.append(f"and a reaction: {_codes(own['reaction'])}")
        told += [
            f"follows from `{other}`: {', '.join(map(str, words))}"
            for other, words in _mapping(own.get("implied_by")).items()
        ]
        texts = ", ".join(map(str, own.get("words", ())))
        label = item.choices[word].en if word in item.choices else ""
        yield f"`{word}`", label, "; ".join(filter(None, told)), texts


def _codes(own: Any) -> str:
    """The codes of every system, each system named once."""
    systems = [*CODE_SYSTEMS, *(name for name in own if name not in CODE_SYSTEMS and name not in _NO_SYSTEMS)]
    return "; ".join(
        f"{system} {', '.join(map(str, own[system]))}"
        for system in systems
        if isinstance(own.get(system), list | tuple)
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _joined(value: Any) -> str:
    return ", ".join(map(str, value))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
