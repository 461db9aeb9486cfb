"""API keys: which are good, that the comparison takes no less time for a wrong one, and how one is replaced."""

import hmac
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from service.clients.callers import digest, new_key
from service.clients.model import Clients
from service.web.access import keys as door
from service.web.access.caller import Refused
from tests.web.access.conftest import Send, kept


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_key(send: Send, keys: dict[str, str], scheme: str) -> None:
    assert send("/v1/rulebook", headers={"Authorization": f"{scheme} {keys['evaluate']}"}).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda key: key + "A",
        lambda key: key[:-1],
        lambda key: " " + key,
        lambda key: key + "\x00",
        lambda key: key.replace("_", "-", 1),
    ],
)
def test_what_only_resembles_it(send: Send, keys: dict[str, str], change: Callable[[str], str]) -> None:
    assert send("/v1/rulebook", change(keys["evaluate"])).status_code == 401


def test_the_id_of_one_with_the_secret_of_another(send: Send, keys: dict[str, str], reason: Callable[[], Any]) -> None:
    mixed = f"ind_{keys['administer'].split('_')[1]}_{keys['evaluate'][-43:]}"
    assert send("/v1/rulebook", mixed).status_code == 401
    assert reason() == ("key", "administer")


def test_a_digest_is_no_key(send: Send, keys: dict[str, str]) -> None:
    """Whoever reads the file of clients cannot call with what stands in it."""
    name = keys["evaluate"].split("_")[1]
    for shown in (f"ind_{name}_{digest(keys['evaluate']).hex()}", digest(keys["evaluate"]).hex()):
        assert send("/v1/rulebook", shown).status_code == 401


def test_known_or_not_one_comparison_is_made_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    whole = hmac.compare_digest

    def watched(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return whole(one, other)

    monkeypatch.setattr(door.hmac, "compare_digest", watched)
    secret, _ = new_key()
    with pytest.raises(Refused, match="key"):
        door.known(secret, Clients(), date(2026, 11, 26))
    ((one, other),) = compared
    assert one == digest(secret)
    assert (len(one), len(other)) == (32, 32)


def test_replacing_a_key_without_a_gap(send: Send, known: Callable[..., None]) -> None:
    old, new = new_key()[0], new_key()[0]
    today = datetime.now(UTC).date()
    ends = str(today + timedelta(days=1))
    known({"name": "registry", "api_keys": [kept(old, expires=ends), kept(new)]})
    assert [send("/v1/rulebook", key).status_code for key in (old, new)] == [200, 200]
    known({"name": "registry", "api_keys": [kept(old, expires=str(today)), kept(new)]})
    assert [send("/v1/rulebook", key).status_code for key in (old, new)] == [401, 200]


def test_an_expired_key_is_told_from_a_wrong_one_in_the_log_alone(
    send: Send, keys: dict[str, str], reason: Callable[[], Any]
) -> None:
    expired = send("/v1/rulebook", keys["expired"])
    assert reason() == ("expired", "old")
    assert expired.data == send("/v1/rulebook", keys["nobody"]).data
