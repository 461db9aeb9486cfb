"""Keys at an address: over real TLS on this machine, from a server that behaves well, or does not."""

import ipaddress
import json
import logging
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.clients import keys as keys_module
from service.clients.keys import ASK_AGAIN_SECONDS, FRESH_SECONDS, STALE_SECONDS, FetchedKeys, fetch, https


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1, and a context that trusts it."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


@pytest.fixture
def server(certificate):
    """A key server on loopback; `answer` is what it does with a request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            self.server.answer(self)

        def log_message(self, *_):
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass

    running = Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    running.socket = context.wrap_socket(running.socket, server_side=True)
    running.asked = []
    running.address = f"https://127.0.0.1:{running.server_port}/jwks"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def opened(certificate, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return https(ssl.create_default_context(cafile=certificate / "cert.pem"))


def sends(body, status=200, **headers):
    def answer(handler):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def test_fetched(server, opened, jwks):
    server.answer = sends(jwks)
    assert set(fetch(server.address, opened)) == {("ec-1+/=", "ES384"), ("rsa-1", "RS384")}


def test_keys_for_other_purposes_are_passed_over(server, opened, jwks):
    others = [{"kty": "oct", "k": "AAAA", "kid": "a"}, {"kty": "new"}, 7, jwks["keys"][0] | {"kid": "e", "use": "enc"}]
    server.answer = sends({"keys": [*others, jwks["keys"][0]]})
    assert set(fetch(server.address, opened)) == {("ec-1+/=", "ES384")}


def test_no_redirect_is_followed(server, opened, jwks):
    def answer(handler):
        away = sends(b"", 302, Location=server.address + "/elsewhere")
        (away if handler.path == "/jwks" else sends(jwks))(handler)

    server.answer = answer
    with pytest.raises(OSError, match="302"):
        fetch(server.address, opened)
    assert server.asked == ["/jwks"]


@pytest.mark.parametrize(
    "answer",
    [
        sends(b"not JSON"),
        sends({}),
        sends({"keys": []}),
        sends(b"[" * 5000),
        sends({}, 404),
        sends({}, 500),
        sends({}, 204),
        sends(b"x" * (keys_module.MAX_KEY_SET + 1)),
        lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"),
        lambda handler: None,
    ],
    ids=["text", "no keys", "none", "deep", "404", "500", "204", "large", "no HTTP", "nothing"],
)
def test_a_bad_answer_gives_no_key_and_no_failure(server, opened, answer, caplog):
    server.answer = answer
    assert FetchedKeys(server.address, opened).find("ec-1+/=", "ES384") is None
    assert "cannot be fetched" in caplog.text


def test_a_key_set_that_is_too_large_is_not_used(server, opened, jwks):
    """It would be good but for its size."""
    body = json.dumps(jwks).encode()
    server.answer = sends(body + b" " * (keys_module.MAX_KEY_SET - len(body)))
    assert FetchedKeys(server.address, opened).find("ec-1+/=", "ES384")
    server.answer = sends(body + b" " * (keys_module.MAX_KEY_SET - len(body) + 1))
    assert FetchedKeys(server.address, opened).find("ec-1+/=", "ES384") is None


def test_a_slow_server_is_left(server, opened, monkeypatch):
    monkeypatch.setattr(keys_module, "FETCH_SECONDS", 0.3)

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    server.answer = drip
    start = time.monotonic()
    assert FetchedKeys(server.address, opened).find("ec-1+/=", "ES384") is None
    assert time.monotonic() - start < 1.5


def test_a_certificate_nobody_vouches_for_is_refused(server, jwks, monkeypatch, caplog):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server.answer = sends(jwks)
    assert FetchedKeys(server.address, https()).find("ec-1+/=", "ES384") is None
    assert server.asked == []


@pytest.mark.parametrize("address", ["http://127.0.0.1/jwks", "file:///etc/passwd", "data:,x", "ftp://127.0.0.1/x"])
def test_only_https_is_opened(address):
    with pytest.raises(OSError, match=r"https|unknown|handler"):
        fetch(address, https())


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_kept_renewed_and_not_asked_too_often(server, opened, jwks):
    clock = Clock()
    server.answer = sends({"keys": [jwks["keys"][0]]})
    keys = FetchedKeys(server.address, opened, clock)
    assert keys.find("ec-1+/=", "ES384")
    assert keys.find("ec-1+/=", "ES384")
    for number in range(20):
        assert keys.find(f"unknown-{number}", "ES384") is None
    assert len(server.asked) == 1, "whoever sends unknown kids must not make us ask"

    server.answer = sends(jwks)
    clock.now += ASK_AGAIN_SECONDS + 1
    assert keys.find("rsa-1", "RS384"), "a new key is found within a minute"
    assert len(server.asked) == 2

    server.answer = sends({"keys": [jwks["keys"][1]]})
    clock.now += FRESH_SECONDS + 1
    assert keys.find("ec-1+/=", "ES384") is None, "a key that was withdrawn is refused within the hour"
    assert len(server.asked) == 3


def test_known_keys_outlive_a_failure_of_their_address_by_a_day(server, opened, jwks):
    clock = Clock()
    server.answer = sends(jwks)
    keys = FetchedKeys(server.address, opened, clock)
    assert keys.find("rsa-1", "RS384")
    server.answer = sends({}, 500)
    clock.now += FRESH_SECONDS + 1
    assert keys.find("rsa-1", "RS384")
    assert keys.find("rsa-1", "RS384")
    assert len(server.asked) == 2
    clock.now += STALE_SECONDS
    assert keys.find("rsa-1", "RS384") is None


def test_a_client_with_fetched_keys(server, opened, jwks, door, sign, call, entry, monkeypatch, caplog):
    """From the file to the answer; and what a token names is never fetched."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("service.clients.model.FetchedKeys", lambda address: FetchedKeys(address, opened))
    server.answer = sends(jwks)
    here = door(entry | {"keys": {"jku": server.address}})
    assert call(here, sign()).status_code == 200
    assert call(here, sign(header={"jku": server.address})).status_code == 200
    assert call(here, sign(header={"jku": server.address + "/other"})).status_code == 401
    assert call(here, sign({"iss": "https://evil.example"}, {"jku": server.address + "/evil"})).status_code == 401
    assert server.asked == ["/jwks"]
