"""`flask vocabulary`: the items that a referral may hold."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from service.cli.common import known, language_option, loaded, rules_option
from service.language.vocabulary import Item
from service.rulebook.schema import CODE_SYSTEMS


@click.command()
@click.argument("name", required=False, metavar="[ITEM]")
@language_option
@rules_option
@with_appcontext
def vocabulary(name: str | None, language: str, directory: Path | None) -> None:
    """List the items that a referral may hold, or tell all about one ITEM.

    \b
    Examples:
      flask vocabulary
      flask vocabulary blood.platelets
      flask vocabulary --lang en | grep -i cement
    """
    words = loaded(directory).vocabulary
    if name:
        item = words[known(name, words.items, "item", "flask vocabulary")]
        click.echo("\n".join(in_full(item)))
        return
    width = max(map(len, words.items), default=0)
    for section, label in words.sections.items():
        click.echo(f"{label.in_(language)}")
        for item in words:
            if item.section == section:
                click.echo(f"  {item.id:<{width}}  {_type(item):<20}  {item.label.in_(language)}")


def _type(item: Item) -> str:
    return f"{item.type} ({item.unit})" if item.unit else item.type


def in_full(item: Item) -> list[str]:
    """All there is to know about an item, line by line."""
    lines = [
        f"{item.id}  ({item.scope}, {item.type})",
        f"  fr  {item.label.fr}: {item.help.fr}",
        f"  en  {item.label.en}: {item.help.en}",
    ]
    if item.type == "number":
        unit = f" {item.unit}" if item.unit else ", no unit"
        lines.append(f"  plausible: {item.low:g} to {item.high:g}{unit}, in steps of {item.step:g}")
    if item.units:
        lines.append("  units: " + ", ".join(f"{unit} (× {factor:g})" for unit, factor in item.units.items()))
    if item.fresh_for is not None:
        lines.append(f"  unknown again after {item.fresh_for / 24:g} d")
    if item.choices:
        width = max(map(len, item.choices))
        lines += [
            "  words:",
            *(f"    {word:<{width}}  {label.fr} | {label.en}" for word, label in item.choices.items()),
        ]
    codes = {system: code for system, code in item.codes.items() if system in CODE_SYSTEMS}
    if codes:
        lines.append("  codes: " + "; ".join(f"{system} {_listed(code)}" for system, code in codes.items()))
    return [*lines, f"  in a referral: {_example(item)}"]


def _listed(code: object) -> str:
    return ", ".join(map(str, code)) if isinstance(code, list) else str(code)


def _example(item: Item) -> str:
    match item.type:
        case "number":
            middle = f"{(item.low + item.high) / 2:g}"
            given = f'{{"value": {middle}, "unit": "{item.unit}"}}' if item.unit else middle
        case "flag":
            given = "true"
        case "choice":
            given = f'"{next(iter(item.choices))}"'
        case "set":
            given = f'{{"items": ["{next(iter(item.choices))}"], "complete": true}}'
        case _:
            given = '"2026-11-23"'
    return f'"{item.id}": {given}'
