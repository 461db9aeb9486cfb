"""The JSON Schemas that editors complete and check with: valid themselves, true of every rule file, false of a wrong one."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from service.rulebook.schema import editor_schemas, kind_of, schemas
from tests.fixtures.reading import RULES, decider, read_yaml

PATHS = sorted(RULES.rglob("*.yaml"))


def _words() -> dict[str, set[str]]:
    rulebook = decider().rulebook
    words = {
        "source": set(rulebook.sources),
        "item": set(rulebook.vocabulary.items),
        "techniques": set(rulebook.techniques),
        "traits": set(rulebook.traits),
    }
    for kind, mode in rulebook.modes:
        words.setdefault(kind, set()).add(mode)
    return words


@pytest.fixture(scope="module")
def validators() -> dict[str, Draft202012Validator]:
    return {kind: Draft202012Validator(schema) for kind, schema in editor_schemas(_words()).items()}


@pytest.mark.parametrize("kind", sorted(schemas()))
def test_each_schema_is_valid_draft_2020_12(kind: str) -> None:
    for schema in (schemas()[kind], editor_schemas(_words())[kind]):
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["title"]
        Draft202012Validator.check_schema(schema)


def test_every_kind_of_file_has_a_schema_and_every_schema_a_file() -> None:
    assert {kind_of(path.relative_to(RULES).as_posix()) for path in PATHS} == set(schemas())


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.relative_to(RULES).as_posix())
def test_every_real_file_is_accepted(path: Path, validators: dict[str, Draft202012Validator]) -> None:
    kind = kind_of(path.relative_to(RULES).as_posix())
    assert kind is not None
    assert [error.message for error in validators[kind].iter_errors(read_yaml(path))] == []


def _first_rule(data: Any) -> Any:
    for key in ("rules", "indications", "contraindications", "favours"):
        if data.get(key):
            return data[key][0]
    raise AssertionError("no rule in this file")


def _unknown_key(data: Any) -> None:
    _first_rule(data)["sevrity"] = "absolute"


def _unknown_source(data: Any) -> None:
    _first_rule(data)["evidence"]["sources"] = ["CHEW12"]


def _no_english(data: Any) -> None:
    del _first_rule(data)["because"]["en"]


def _blank_french(data: Any) -> None:
    _first_rule(data)["because"]["fr"] = " "


def _no_evidence(data: Any) -> None:
    del _first_rule(data)["evidence"]


def _unknown_connective(data: Any) -> None:
    _first_rule(data)["when"] = {"and": ["lesion.fracture"]}


def _deep_mistake(data: Any) -> None:
    _first_rule(data)["when"] = {"all": [{"any": [{"not": {"all": []}}]}]}


def _unknown_trait(data: Any) -> None:
    if "rules" in data:
        _first_rule(data)["contraindicates"] = {"trait": "needel"}
    else:
        _first_rule(data)["for"] = {"trait": "needel"}


def _unknown_certainty(data: Any) -> None:
    _first_rule(data)["evidence"]["certainty"] = "sure"


SPOILERS = (
    _unknown_key,
    _unknown_source,
    _no_english,
    _blank_french,
    _no_evidence,
    _unknown_connective,
    _deep_mistake,
    _unknown_trait,
    _unknown_certainty,
)
SPOILT = ("safety/bleeding.yaml", "alerts/general.yaml", "techniques/vertebroplasty.yaml", "anaesthesia/general.yaml")


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__.strip("_"))
@pytest.mark.parametrize("name", SPOILT)
def test_a_wrong_file_is_rejected(
    name: str, spoil: Callable[[Any], None], validators: dict[str, Draft202012Validator]
) -> None:
    kind = kind_of(name)
    assert kind is not None
    data = copy.deepcopy(read_yaml(RULES / name))
    spoil(data)
    assert not validators[kind].is_valid(data)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.relative_to(RULES).as_posix())
def test_a_key_that_is_missing_or_too_many_is_rejected(path: Path, validators: dict[str, Draft202012Validator]) -> None:
    kind = kind_of(path.relative_to(RULES).as_posix())
    assert kind is not None
    data = read_yaml(path)
    assert not validators[kind].is_valid({**data, "nobody knows this key": 1})
    assert not validators[kind].is_valid([data])
    for key in schemas()[kind].get("required", []):
        assert not validators[kind].is_valid({name: inner for name, inner in data.items() if name != key}), key


def test_editors_are_offered_the_words_of_the_rulebook() -> None:
    words = _words()
    for schema in editor_schemas(words).values():
        offered = {name: set(_enums(schema["$defs"][name])) for name in words}
        assert offered == words


def _enums(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("enum", [])
        for inner in schema.values():
            yield from _enums(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _enums(inner)
