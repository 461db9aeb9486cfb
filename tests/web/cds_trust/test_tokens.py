"""Who is let in, who is not, and that nobody learns why."""

import base64
import hmac
import json
import logging
import sqlite3
import subprocess
import sys
import time

import pytest
from joserfc.jwk import ECKey

from service.web.cds import trust

ISSUER = "https://ehr.example/oauth"
BASE = "https://indication.example"
ONE, OTHER = "/cds-services/one", "/cds-services/other"
TWICE = b'{"alg":"ES384","alg":"RS384"}'


def now() -> int:
    return int(time.time())


def part(value) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.fixture
def refused(door, call, caplog):
    """Checks that a token is refused with a bare 401, for this reason, and that nothing of it is told or logged."""

    def check(token, reason, client="test-ehr", address=ONE, opened=None, **headers):
        caplog.set_level(logging.DEBUG)
        opened = opened or door()
        response = call(opened, token, address, **headers)
        assert response.status_code == 401
        assert response.data == b""
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert "Content-Type" not in response.headers
        assert f"call refused: {reason} (client {client})" in caplog.text
        for piece in (token or "").split("."):
            assert len(piece) < 8 or piece not in caplog.text
        assert opened.application.extensions[trust.EXTENSION] == {(reason, client): 1}

    return check


# ---- let in ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_a_known_client_is_let_in(door, sign, call, algorithm):
    response = call(door(), sign(algorithm=algorithm))
    assert (response.status_code, response.json) == (200, {"client": "test-ehr"})


def test_extra_claims_and_header_members_do_no_harm(door, sign, call):
    """Epic adds nbf, five minutes back, and sub; lives of fifteen minutes."""
    claims = {
        "nbf": now() - 300,
        "exp": now() + 900,
        "sub": "client-id",
        "tenant": "t",
        "more": {"deep": [1, {"er": 2}]},
    }
    assert call(door(), sign(claims, {"x-own": "1"}, algorithm="RS384")).status_code == 200


def test_audience_may_be_a_list(door, sign, call):
    assert call(door(), sign({"aud": ["https://other.example", BASE + ONE]})).status_code == 200


def test_scheme_in_any_case(door, sign):
    assert door().post(ONE, headers={"Authorization": f"bearer {sign()}"}).status_code == 200


def test_discovery_has_an_audience_of_its_own(door, sign, call):
    opened = door()
    assert call(opened, sign({"aud": BASE + "/cds-services"}), "/cds-services").status_code == 200
    assert call(opened, sign(), "/cds-services").status_code == 401


def test_exact_audiences(door, sign, call, entry):
    """A proxy may show the service under another path; then what is listed is accepted, and nothing that resembles it."""
    opened = door(entry | {"audiences": ["https://hub.example/ir/cds-services/one", BASE + "/cds-services"]})
    assert call(opened, sign({"aud": "https://hub.example/ir/cds-services/one"})).status_code == 200
    for other in (BASE + ONE, BASE + "/cds-services", "https://hub.example/ir/cds-services/one/"):
        assert call(opened, sign({"aud": other})).status_code == 401, other


def test_a_clock_that_differs_within_the_leeway(door, sign, call, entry):
    opened = door(entry | {"leeway_seconds": 60})
    assert call(opened, sign({"iat": now() - 330, "exp": now() - 30})).status_code == 200
    assert call(opened, sign({"iat": now() + 30, "nbf": now() + 30})).status_code == 200


def test_a_jku_that_is_configured_may_be_named(door, sign, call, entry, jwks):
    opened = door(entry | {"keys": {"jwks": jwks, "jku": "https://ehr.example/jwks"}})
    assert call(opened, sign(header={"jku": "https://ehr.example/jwks"})).status_code == 200


def test_a_long_header_fits(door, sign, call, entry, jwks):
    """Long kids and addresses take more than the library's own limit."""
    address = "https://ehr.example/" + "a" * 450
    opened = door(entry | {"keys": {"jwks": jwks, "jku": address}})
    assert call(opened, sign(header={"jku": address})).status_code == 200


# ---- not let in ------------------------------------------------------------------------------------------------------


def test_no_token(refused):
    refused(None, "no-token", "-")


@pytest.mark.parametrize(
    "given", ["Bearer", "Bearer ", "Bearer a.b", "Bearer a.b.c.d", "Bearer a b.c.d", "Basic a.b.c", "x"]
)
def test_malformed_authorization(refused, given):
    refused(None, "malformed", "-", Authorization=given)


@pytest.mark.parametrize(
    "token",
    [
        f"{part(b'[' * 5000)}.{part({})}.AAAA",
        f"{part({'alg': 'ES384'})}.{part(b'[' * 4000)}.AAAA",
        f"{part([])}.{part({})}.AAAA",
        f"{part({'alg': 'ES384'})}.{part('text')}.AAAA",
        f"{part(b'{}')}.{part(bytes([255, 254]))}.AAAA",
        f"{part({})}.A.AAAA",
        f"{part(TWICE)}.{part({})}.AAAA",
    ],
    ids=["deep header", "deep claims", "list", "text", "not UTF-8", "not base64", "twice"],
)
def test_malformed_token(refused, token):
    refused(token, "too-large" if len(token) > 7990 else "malformed", "-")


def test_algorithm_none(refused, sign):
    claims = sign().split(".")[1]
    header = part({"alg": "none", "typ": "JWT", "kid": "ec-1+/="})
    refused(f"{header}.{claims}.AAAA", "algorithm", "-")


def test_algorithm_none_without_signature(refused, sign):
    claims = sign().split(".")[1]
    refused(f"{part({'alg': 'none', 'typ': 'JWT'})}.{claims}.", "malformed", "-")


@pytest.mark.parametrize("kid", ["ec-1+/=", "rsa-1"])
def test_public_key_as_secret(refused, sign, keys, kid):
    """The old attack: what is public signs a symmetric token. By hand, since the library refuses to make one."""
    key = keys.ec if kid.startswith("ec") else keys.rsa
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{sign().split('.')[1]}"
    signature = hmac.digest(key.as_pem(private=False), signed.encode(), "sha256")
    refused(f"{signed}.{part(signature)}", "algorithm", "-")


def test_algorithm_that_the_client_does_not_use(refused, sign, door, entry):
    refused(sign(algorithm="RS384"), "algorithm", opened=door(entry | {"algorithms": ["ES384"]}))


def test_algorithm_of_another_key(refused, sign, keys):
    """The header says RS384 and names the EC key."""
    refused(sign(algorithm="RS384", header={"kid": "ec-1+/="}), "key")


def test_weaker_curve(refused, sign):
    key = ECKey.generate_key("P-256")
    refused(sign(key=key, algorithm="ES256"), "algorithm", "-")


@pytest.mark.parametrize("header", [{"typ": None}, {"typ": "JOSE"}, {"typ": 1}, {"crit": ["exp"]}])
def test_header_that_is_not_ours(refused, sign, header):
    token = sign()
    heads = {"alg": "ES384", "typ": "JWT", "kid": "ec-1+/="} | header
    kept = {name: value for name, value in heads.items() if value is not None}
    refused(f"{part(kept)}.{token.partition('.')[2]}", "header", "-")


def test_no_kid(refused, sign):
    refused(sign(header={"kid": None}), "key", "-")


def test_wrong_kid(refused, sign):
    refused(sign(header={"kid": "ec-2"}), "key")


def test_wrong_key(refused, sign, keys):
    refused(sign(key=keys.foreign), "signature")


def test_changed_claims(refused, sign):
    header, claims, signature = sign().split(".")
    changed = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"exp": now() + 3000}
    refused(f"{header}.{part(changed)}.{signature}", "signature")


def test_foreign_issuer(refused, sign):
    refused(sign({"iss": "https://evil.example"}), "issuer", "-")


@pytest.mark.parametrize("issuer", [None, 7, ["https://ehr.example/oauth"], ISSUER + "/", ISSUER.upper()])
def test_issuer_that_is_nearly_right(refused, sign, issuer):
    refused(sign({"iss": issuer}), "issuer", "-")


def test_another_clients_key(refused, sign, door, entry, keys):
    """A client known to us signs in the name of another."""
    key = keys.foreign.as_dict(private=False) | {"kid": "ec-1+/="}
    other = entry | {"name": "other-ehr", "issuer": "https://other.example", "keys": {"jwks": {"keys": [key]}}}
    refused(sign({"iss": "https://other.example"}), "signature", "other-ehr", opened=door(entry, other))


@pytest.mark.parametrize(
    "audience",
    [
        None,
        "",
        [],
        {},
        7,
        [7],
        BASE,
        BASE + "/cds-services",
        BASE + ONE + "/",
        BASE + ONE + "?",
        "http" + (BASE + ONE)[5:],
        ONE,
    ],
)
def test_wrong_audience(refused, sign, audience):
    refused(sign({"aud": audience}), "audience")


def test_audience_of_another_service(refused, sign):
    refused(sign({"aud": BASE + OTHER}), "audience")


def test_what_the_caller_says_of_the_host_does_not_count(refused, sign):
    """The address is the configured one, whatever stands in Host."""
    refused(sign({"aud": f"http://evil.example{ONE}"}), "audience", Host="evil.example")


def test_expired(refused, sign):
    refused(sign({"iat": now() - 400, "exp": now() - 40}), "expired")


def from_now(claims):
    """Seconds from now as moments: reckoned when the test runs, not when it is collected."""
    return {name: now() + seconds for name, seconds in claims.items()}


@pytest.mark.parametrize("claims", [{"nbf": 500}, {"iat": 500, "exp": 700}])
def test_not_yet_valid(refused, sign, claims):
    refused(sign(from_now(claims)), "not-yet")


@pytest.mark.parametrize("claims", [{"exp": 4000}, {"iat": -3000, "exp": 700}, {"iat": 20, "exp": 10}])
def test_too_long_a_life(refused, sign, claims):
    refused(sign(from_now(claims)), "lifetime")


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["1", True, [], {}, -1, 0, 10**13])
def test_times_that_are_none(refused, sign, name, value):
    refused(sign({name: value}), "times")


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_times_missing(refused, sign, name):
    refused(sign({name: None}), "times")


@pytest.mark.parametrize("jti", [None, "", 7, ["a"], "a" * 301])
def test_no_jti(refused, sign, jti):
    refused(sign({"jti": jti}), "jti")


def test_jku_that_is_not_configured(refused, sign):
    refused(sign(header={"jku": "https://evil.example/jwks"}), "jku")


def test_jku_that_resembles_the_configured_one(refused, sign, door, entry, jwks):
    opened = door(entry | {"keys": {"jwks": jwks, "jku": "https://ehr.example/jwks"}})
    refused(sign(header={"jku": "https://ehr.example/jwks/"}), "jku", opened=opened)


def test_oversized(refused, sign):
    refused(sign({"more": "a" * 8000}), "too-large", "-")


def test_without_clients_nobody(door, sign, call, tmp_path, write):
    opened = door()
    opened.application.extensions.pop("indication-clients")
    opened.application.config["CLIENTS"] = None
    assert call(opened, sign()).status_code == 401


# ---- once only -------------------------------------------------------------------------------------------------------


def test_replay(door, sign, call):
    opened, token = door(), sign()
    assert [call(opened, token).status_code for _ in range(3)] == [200, 401, 401]


def test_same_jti_of_two_issuers_is_no_replay(door, sign, call, entry):
    other = entry | {"name": "other-ehr", "issuer": "https://other.example"}
    opened = door(entry, other)
    assert call(opened, sign({"jti": "same"})).status_code == 200
    assert call(opened, sign({"jti": "same", "iss": "https://other.example"})).status_code == 200


def test_a_refused_token_uses_nothing_up(door, sign, call):
    """Otherwise whoever guesses a jti could have the true token refused."""
    opened = door()
    assert call(opened, sign({"jti": "mine", "aud": BASE})).status_code == 401
    assert call(opened, sign({"jti": "mine"})).status_code == 200


ASK = """
import json, sys, time
from pathlib import Path
from service.web.store import Store
store = Store(Path(sys.argv[1]))
while time.time() < float(sys.argv[2]):
    pass
print(json.dumps([store.seen("https://ehr.example/oauth", f"test-{number}", time.time() + 300) for number in range(50)]))
"""


def test_two_processes_let_in_one_of_two(tmp_path, root):
    command = [sys.executable, "-c", ASK, str(tmp_path / "store.sqlite"), str(time.time() + 1.5)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) for _ in range(2)]
    first, second = (json.loads(process.communicate(timeout=60)[0]) for process in both)
    assert [one != other for one, other in zip(first, second, strict=True)] == [True] * 50


def test_two_applications_share_what_was_used(door, sign, call):
    token = sign()
    assert [call(door(), token).status_code for _ in range(2)] == [200, 401]


def test_a_store_that_fails_lets_nobody_in(door, sign, call):
    class Broken:
        def seen(self, *_):
            raise sqlite3.OperationalError("database is locked")

    response = call(door(store=Broken()), sign(), **{"Accept-Language": "en"})
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert response.json["resourceType"] == "OperationOutcome"
    assert "locked" not in response.get_data(as_text=True)


# ---- known, but not for this -----------------------------------------------------------------------------------------


def test_hook_that_is_not_enabled(door, sign, call, caplog):
    opened = door()
    response = call(opened, sign({"aud": BASE + OTHER}), OTHER, **{"Accept-Language": "en"})
    assert response.status_code == 403
    assert response.content_type == "application/fhir+json"
    assert response.json["issue"][0]["code"] == "forbidden"
    assert "WWW-Authenticate" not in response.headers
    assert "call refused: hook (client test-ehr)" in caplog.text


def test_mistaken_file_is_503(door, sign, call, write):
    response = call(door(path=write(text="clients: 7")), sign(), **{"Accept-Language": "fr"})
    assert response.status_code == 503
    assert "/readyz" in response.json["issue"][0]["details"]["text"]


def test_development_switch(door, call, caplog):
    opened = door(open_=True)
    assert call(opened, None).json == {"client": "anonymous"}
    assert call(opened, "not.a.token", OTHER).json == {"client": "anonymous"}
    assert "for development only" in caplog.text
