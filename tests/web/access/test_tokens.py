"""Access tokens: whose they are, what they let do, and that nobody learns why one is refused."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from service.clients.callers import Role
from service.clients.file import MOST_LEEWAY
from service.web.access import caller, gate
from tests.web.access.conftest import FAR, ISSUER, Send

Sign = Callable[..., str]


def now() -> int:
    return int(time.time())


def part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.fixture
def refused(send: Send, reason: Callable[[], tuple[str, str]], caplog: pytest.LogCaptureFixture) -> Callable[..., None]:
    def check(token: str, why: str, client: str = "portal") -> None:
        response = send("/v1/rulebook", token)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert reason() == (why, client)
        for piece in token.split("."):
            assert len(piece) < 8 or piece not in caplog.text

    return check


@pytest.fixture
def let_in(send: Send, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], caller.Caller]:
    """Who a token makes its bearer."""
    seen: list[caller.Caller] = []
    whole = caller.remember
    monkeypatch.setattr(gate.callers, "remember", lambda found: seen.append(found) or whole(found))

    def let_in(token: str) -> caller.Caller:
        response = send("/v1/rulebook", token)
        assert response.status_code == 200, response.get_data(as_text=True)[:300]
        return seen[-1]

    return let_in


# ---- let in ----------------------------------------------------------------------------------------------------------


def test_a_good_token_is_used_as_often_as_one_likes(send: Send, sign: Sign) -> None:
    token = sign()
    assert [send("/v1/rulebook", token).status_code for _ in range(3)] == [200] * 3


def test_who_it_is(let_in: Callable[[str], caller.Caller], sign: Sign) -> None:
    found = let_in(sign())
    assert (found.name, found.how, found.subject, found.roles) == ("portal", "token", "f3a1", {"evaluate"})


@pytest.mark.parametrize(
    ("said", "roles"),
    [
        (["indication-administer", "indication-read_record"], {"administer", "read_record"}),
        ([], set()),
        (["administer", "evaluate", 7], set()),
        ("indication-evaluate other", {"evaluate"}),
        (None, set()),
        ({"indication-evaluate": True}, set()),
    ],
)
def test_roles_are_what_the_claim_means(
    let_in: Callable[[str], caller.Caller], sign: Sign, said: Any, roles: set[Role]
) -> None:
    assert let_in(sign({"realm_access": {"roles": said}})).roles == roles


def test_a_token_without_a_role_opens_nothing_that_needs_one(send: Send, sign: Sign) -> None:
    assert send("/v1/recommendations", sign({"realm_access": None}), "POST", json={}).status_code == 403


@pytest.mark.parametrize("kind", ["JWT", "at+jwt", "application/at+jwt", None])
def test_kinds_of_header(let_in: Callable[[str], caller.Caller], sign: Sign, kind: str | None) -> None:
    let_in(sign(header={"typ": kind}))


def test_another_algorithm_of_the_same_key(let_in: Callable[[str], caller.Caller], sign: Sign) -> None:
    let_in(sign(algorithm="PS256"))


def test_clocks_that_differ_a_little(let_in: Callable[[str], caller.Caller], sign: Sign) -> None:
    let_in(sign({"iat": now() - 400, "exp": now() - 20}))
    let_in(sign({"iat": now() + 20, "nbf": now() + 20}))


# ---- not let in ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FromNow:
    """A moment so many seconds from when the test runs, not from when it was collected."""

    seconds: int


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": FromNow(-MOST_LEEWAY)}, "expired"),
        ({"exp": None}, "times"),
        ({"exp": "tomorrow"}, "times"),
        ({"exp": True}, "times"),
        ({"iat": None}, "times"),
        ({"nbf": "x"}, "times"),
        ({"nbf": FromNow(MOST_LEEWAY)}, "not-yet"),
        ({"iat": FromNow(MOST_LEEWAY), "exp": FromNow(1000)}, "not-yet"),
        ({"aud": "other"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": ["indication "]}, "audience"),
        ({"aud": {"indication": 1}}, "audience"),
        ({"sub": None}, "subject"),
        ({"sub": "x" * 300}, "subject"),
        ({"sub": 7}, "subject"),
    ],
    ids=str,
)
def test_claims(refused: Callable[..., None], sign: Sign, claims: dict[str, Any], why: str) -> None:
    told = {name: now() + value.seconds if isinstance(value, FromNow) else value for name, value in claims.items()}
    refused(sign(told), why)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://login.example"},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"iss": [ISSUER]},
        {"typ": "ID"},
        {"typ": None},
    ],
    ids=str,
)
def test_another_issuer_or_an_id_token(refused: Callable[..., None], sign: Sign, claims: dict[str, Any]) -> None:
    refused(sign(claims), "issuer", "-")


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"kid": "other"}, "key"),
        ({"kid": None}, "key"),
        ({"kid": 7}, "key"),
        ({"typ": "JWS"}, "header"),
        ({"crit": ["exp"]}, "header"),
    ],
    ids=str,
)
def test_headers(refused: Callable[..., None], sign: Sign, header: dict[str, Any], why: str) -> None:
    if "crit" in header or header.get("kid") == 7:
        # The library does not sign such a header; a forger would.
        head, claims, signature = sign().split(".")
        plain = json.loads(base64.urlsafe_b64decode(head + "=="))
        refused(f"{part(plain | header)}.{claims}.{signature}", why)
    else:
        refused(sign(header=header), why)


def test_a_foreign_key(refused: Callable[..., None], sign: Sign) -> None:
    refused(sign(key=RSAKey.generate_key(2048)), "signature")


def test_a_claim_changed_after_it_was_signed(refused: Callable[..., None], sign: Sign) -> None:
    head, claims, signature = sign().split(".")
    plain = json.loads(base64.urlsafe_b64decode(claims + "=="))
    plain["realm_access"]["roles"].append("indication-administer")
    refused(f"{head}.{part(plain)}.{signature}", "signature")


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS384", "ES384", ""])
def test_an_algorithm_that_the_client_has_not(refused: Callable[..., None], sign: Sign, algorithm: str) -> None:
    claims = sign().split(".")[1]
    refused(f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': 'k1'})}.{claims}.AAAA", "algorithm")


def test_the_public_key_taken_for_a_secret(refused: Callable[..., None], sign: Sign, signing: RSAKey) -> None:
    """The old trick: sign with HMAC, the public key as the secret, and hope that the verifier believes `alg`."""
    secret = signing.as_pem(private=False)
    head, claims = part({"alg": "HS256", "typ": "JWT", "kid": "k1"}), sign().split(".")[1]
    signature = hmac.digest(secret, f"{head}.{claims}".encode(), "sha256")
    refused(f"{head}.{claims}.{part(signature)}", "algorithm")


def test_one_algorithm_in_the_header_another_in_the_signature(refused: Callable[..., None], sign: Sign) -> None:
    signed = sign(algorithm="PS256").split(".")
    refused(f"{part({'alg': 'RS256', 'typ': 'JWT', 'kid': 'k1'})}.{signed[1]}.{signed[2]}", "signature")


@pytest.mark.parametrize(
    "token",
    [
        "a.b",
        "a.b.c.d",
        "x",
        "",
        f"{part(b'[' * 3000)}.{part({})}.AAAA",
        f"{part([])}.{part({})}.AAAA",
        f"{part({})}.A.AAAA",
    ],
    ids=["two parts", "four", "one", "empty", "deep", "list", "not base64"],
)
def test_malformed(refused: Callable[..., None], token: str) -> None:
    refused(token, "malformed", "-")


def test_too_large(refused: Callable[..., None], sign: Sign) -> None:
    refused(sign({"more": "x" * 9000}), "too-large", "-")


def test_an_ehr_s_token_is_no_access_token(refused: Callable[..., None], sign_as_ehr: Callable[[str], str]) -> None:
    refused(sign_as_ehr("indication"), "issuer", "-")


def test_two_clients_of_one_issuer(
    send: Send,
    known: Callable[..., None],
    entries: list[dict[str, Any]],
    sign: Sign,
    reason: Callable[[], tuple[str, str]],
) -> None:
    """Their tokens differ by a claim; and each has its own audience and its own roles."""
    portal = next(each for each in entries if each["name"] == "portal")
    other = {
        "name": "other",
        "tokens": {
            **portal["tokens"],
            "audience": "other",
            "only": {"typ": "Bearer", "azp": "other-app"},
            "meaning": {"x": "evaluate"},
        },
    }
    known(portal, other)
    assert send("/v1/rulebook", sign()).status_code == 200
    assert send("/v1/rulebook", sign({"azp": "other-app", "aud": "other"})).status_code == 200
    assert send("/v1/rulebook", sign({"azp": "other-app"})).status_code == 401
    assert reason() == ("audience", "other")


def test_keys_of_the_authorization_server_are_asked_for_by_kid(
    send: Send, known: Callable[..., None], entries: list[dict[str, Any]], sign: Sign
) -> None:
    """A key set with keys for other purposes and other algorithms beside ours."""
    portal = next(each for each in entries if each["name"] == "portal")
    more = {**ECKey.generate_key("P-256").as_dict(private=False), "kid": "k2"}
    jwks = {"keys": [*portal["tokens"]["keys"]["jwks"]["keys"], more]}
    known(portal | {"tokens": portal["tokens"] | {"keys": {"jwks": jwks}}})
    assert send("/v1/rulebook", sign()).status_code == 200
    assert send("/v1/rulebook", sign(header={"kid": "k2"})).status_code == 401, "a key of another kind"


def test_a_token_is_refused_the_same_from_near_and_far(send: Send, sign: Sign) -> None:
    for place in (FAR, "127.0.0.1", ""):
        assert send("/v1/rulebook", sign({"aud": "x"}), come_from=place).status_code == 401


def test_what_is_signed_here_is_what_others_sign(sign: Sign, signing: RSAKey) -> None:
    assert jwt.decode(sign(), signing, algorithms=["RS256"]).claims["iss"] == ISSUER
