"""The fields of the file of clients with which others than EHRs are known: API keys, access tokens, roles, rate."""

import re
from datetime import date
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError

from service.clients.callers import DEFAULT_ROLES, ROLES, ApiKey, Rate, Tokens
from service.clients.checked import LONGEST, URI, Checked, Leeway, Strict, Words, Wrong, each_of, one_word, refuse
from service.clients.key_source import KeySource
from service.clients.keys import BEARER_ALGORITHMS, FetchedKeys, InlineKeys

MOST_KEYS = 20
MOST_PER_MINUTE = 1_000_000
#: how far the clocks of the authorization server and of this machine may differ, when the entry does not say
DEFAULT_LEEWAY = 30

_ID = re.compile(r"[a-z0-9]{6,20}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


class _Id(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        # Digits alone are read as a number; the command writes them between quotes.
        if isinstance(value, str) and _ID.match(value):
            return value
        raise refuse('the id of the key is needed, as `flask clients key` prints it, between quotes: "4f0a91c2"', value)


class _Digest(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bytes:
        if isinstance(value, str) and _SHA256.match(value):
            return bytes.fromhex(value)
        # Not repeated: it may be the key itself.
        raise refuse(
            "the SHA-256 of the key is needed, 64 hex digits between quotes, as `flask clients key` prints it; "
            "the key itself never stands here"
        )


class _Day(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if isinstance(value, str) and _DAY.match(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        raise refuse("a day is needed, as in 2027-01-31", value)


class ApiKeys(Checked):
    entry = Strict.from_dict(
        {
            "id": _Id(required=True),
            "sha256": _Digest(required=True),
            "created": _Day(load_default=None),
            "expires": _Day(load_default=None),
        },
        name="ApiKey",
    )()

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[ApiKey, ...]:
        if not isinstance(value, list) or len(value) > MOST_KEYS:
            raise refuse(f"a list of at most {MOST_KEYS} keys is needed, each as `flask clients key` prints it")
        return tuple(each_of(value, self._key))

    def _key(self, value: Any) -> ApiKey:
        found: dict[str, Any] = self.entry.load(value)
        if found["created"] and found["expires"] and found["expires"] <= found["created"]:
            raise ValidationError({"expires": [Wrong("this day must be after `created`")]})
        return ApiKey(**found)


class _Uri(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, str) and len(value) <= LONGEST and URI.match(value):
            return value
        raise refuse("the URI that stands in the tokens as iss is needed, letter for letter", value)


class _Claim(Checked):
    """The name of a claim, or its path."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        return _text(value)


class _Audience(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> frozenset[str]:
        if isinstance(value, list) and value:
            return frozenset(each_of(value, _text))
        if isinstance(value, str):
            return frozenset({_text(value)})
        raise refuse("what the tokens say as aud is needed, letter for letter, or a list of it", value)


class _Meaning(Checked):
    """Their words and ours: {indication-evaluate: evaluate}."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, str]:
        return _mapping(value, "a mapping is needed, their word: ours", lambda word: one_word(word, ROLES))


class _Only(Checked):
    """Claims and the value that they must have."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, str]:
        return _mapping(value, "a mapping is needed, claim: value, as in {azp: registry}", _text)


def _text(value: Any) -> str:
    if isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable():
        return value
    raise refuse("a text is needed (between quotes when it looks like a number)", value)


def _mapping(value: Any, needed: str, check: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise refuse(needed)
    checked, wrong = {}, {}
    for key, inner in value.items():
        try:
            checked[_text(key)] = check(inner)
        except ValidationError as error:
            wrong[key] = error.messages
    if wrong:
        raise ValidationError(wrong)
    return checked


class AccessTokens(Checked):
    def __init__(self, folder: Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entry: Schema = Strict.from_dict(
            {
                "issuer": _Uri(required=True),
                "audience": _Audience(required=True),
                "keys": KeySource(folder, "address", BEARER_ALGORITHMS, required=True),
                "algorithms": Words(BEARER_ALGORITHMS, load_default=("RS256",)),
                "subject": _Claim(load_default="sub"),
                "roles_claim": _Claim(load_default=None),
                "meaning": _Meaning(load_default=None),
                "only": _Only(load_default=None),
                "leeway_seconds": Leeway(load_default=DEFAULT_LEEWAY),
            },
            name="Tokens",
        )()

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Tokens:
        entry: dict[str, Any] = self.entry.load(value)
        found, at = entry["keys"]["found"], entry["keys"]["at"]
        wrong: dict[str, Any] = {}
        if found is not None and at is not None:
            wrong["keys"] = [Wrong("one of jwks, jwks_file or address, not two")]
        if found is not None and not any(algorithm in entry["algorithms"] for _, algorithm in found):
            served = ", ".join(sorted({algorithm for _, algorithm in found}))
            wrong["algorithms"] = [Wrong(f"none of its keys serves these; its keys serve {served}")]
        if (entry["roles_claim"] is None) != (entry["meaning"] is None):
            missing = "roles_claim" if entry["roles_claim"] is None else "meaning"
            wrong[missing] = [Wrong("is missing: roles_claim and meaning are given together, or neither")]
        if wrong:
            raise ValidationError(wrong)
        return Tokens(
            issuer=entry["issuer"],
            audiences=entry["audience"],
            keys=FetchedKeys(at, accepted=BEARER_ALGORITHMS) if found is None else InlineKeys(found),
            algorithms=entry["algorithms"],
            leeway_seconds=entry["leeway_seconds"],
            subject=entry["subject"],
            roles_claim=entry["roles_claim"],
            meaning=entry["meaning"] or {},
            only=entry["only"] or {},
        )


class RateField(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Rate:
        if not isinstance(value, dict):
            raise refuse("a mapping is needed, as in {per_minute: 600, burst: 60}")
        found = _RATE.load(value)
        return Rate(found["per_minute"], found["burst"] or max(1, found["per_minute"] // 10))


class _Number(Checked):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is int and 1 <= value <= MOST_PER_MINUTE:
            return value
        raise refuse(f"a whole number from 1 to {MOST_PER_MINUTE} is needed", value)


_RATE = Strict.from_dict({"per_minute": _Number(required=True), "burst": _Number(load_default=None)}, name="Rate")()


def fields_of_callers(folder: Path) -> dict[str, Checked]:
    """The fields that every entry may have, whether an EHR's or not."""
    return {
        "roles": Words(ROLES, load_default=DEFAULT_ROLES),
        "rate": RateField(load_default=None),
        "api_keys": ApiKeys(load_default=()),
        "tokens": AccessTokens(folder, load_default=None),
    }
