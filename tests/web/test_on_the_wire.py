"""What only a socket can send: malformed chunks, a body that drips, headers that would move an address."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.web import unread
from tests.serving import Server, serving

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
#: a size that is none; a chunk that does not end where it says; bytes that are cut off; a trailer that is no header
MALFORMED = (b"ZZZ\r\n{}\r\n0\r\n\r\n", b"2\r\n{}XX0\r\n\r\n", b"5\r\n{}", b"2\r\n{}\r\n0\r\n\x01: x\r\n\r\n")
DOORS = (
    ("/v1/recommendations", JSON, "application/problem+json"),
    ("/fhir/$recommend", JSON, "application/fhir+json"),
    ("/cds-services/indication-order-select", JSON, "application/fhir+json"),
    ("/cds-services/indication-order-select/feedback", JSON, "application/fhir+json"),
    ("/", FORM, "text/html; charset=utf-8"),
)


@pytest.fixture(scope="module")
def open_to_all(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("open") / "log"
    with serving(root, root / "rules", log, settings={"INDICATION_CDS_OPEN": "1"}) as server:
        yield server


@pytest.fixture(scope="module")
def shut(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("shut") / "log"
    settings = {"INDICATION_ACCESS_API": "clients", "INDICATION_FORM": "proxy"}
    with serving(root, root / "rules", log, settings=settings) as server:
        yield server


def head(path: str, content_type: str, *more: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {content_type}", "Accept-Language: en", *more)
    return "\r\n".join((*lines, "", "")).encode()


def sent(server: Server, content: bytes) -> tuple[int, dict[str, str], bytes]:
    """The answer to these bytes, after which nothing more is sent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    first, _, rest = answer.partition(b"\r\n")
    heads, _, body = rest.partition(b"\r\n\r\n")
    pairs = (line.split(": ", 1) for line in heads.decode().splitlines())
    return int(first.split()[1]), {name.lower(): value for name, value in pairs}, body


@pytest.mark.parametrize("chunks", MALFORMED)
@pytest.mark.parametrize(("path", "content_type", "answered"), DOORS)
def test_malformed_chunks_are_the_senders_mistake(
    open_to_all: Server, path: str, content_type: str, answered: str, chunks: bytes
) -> None:
    status, headers, body = sent(open_to_all, head(path, content_type, "Transfer-Encoding: chunked") + chunks)
    assert (status, headers["content-type"]) == (400, answered)
    if answered == "application/problem+json":
        assert json.loads(body)["type"].endswith("#problem-bad-request")
    elif answered == "application/fhir+json":
        assert json.loads(body)["issue"][0]["code"] == "invalid"
    else:
        assert b"The request could not be read to its end." in body


@pytest.mark.parametrize("chunks", MALFORMED)
@pytest.mark.parametrize(("path", "content_type", "_"), DOORS)
def test_whoever_is_not_let_in_is_told_so_whatever_the_chunks(
    shut: Server, path: str, content_type: str, _: str, chunks: bytes
) -> None:
    status, _, _ = sent(shut, head(path, content_type, "Transfer-Encoding: chunked") + chunks)
    assert status == (403 if path == "/" else 401)


def test_no_error_is_logged_for_it(open_to_all: Server, shut: Server) -> None:
    for server in (open_to_all, shut):
        for chunks in MALFORMED:
            sent(server, head("/v1/recommendations", JSON, "Transfer-Encoding: chunked") + chunks)
        log = server.log.read_text(errors="replace")
        assert {json.loads(line)["level"] for line in log.splitlines()} <= {"info", "warning"}
        assert "ZZZ" not in log


@pytest.mark.parametrize("length", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_stranger_whose_body_drips_holds_no_worker(shut: Server, length: str) -> None:
    """There is one worker: whoever comes next waits for as long as the stranger is listened to."""
    done = threading.Event()
    with socket.create_connection(("127.0.0.1", shut.port), timeout=30) as stranger:
        stranger.sendall(head("/v1/recommendations", JSON, length) + b"3e8\r\n" * ("chunked" in length))

        def drip() -> None:
            while not done.wait(0.2):
                try:
                    stranger.sendall(b" ")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            begun = time.monotonic()
            answer = stranger.recv(100)
            assert answer.startswith(b"HTTP/1.1 401 ")
            assert shut.ask("GET", "/livez")[0] == 200
            assert unread.SECONDS - 1 < time.monotonic() - begun < unread.SECONDS + 4
        finally:
            done.set()
            dripping.join()


@pytest.mark.parametrize("header", ["SCRIPT_NAME", "Script-Name", "PATH_INFO", "Path-Info"])
@pytest.mark.parametrize("told", ["/v1/docs", "/elsewhere"])
def test_a_header_does_not_move_an_address(open_to_all: Server, header: str, told: str) -> None:
    """`/v1/docs` needs nothing, `/committee` does: what a proxy lets pass must be what is served."""
    status, headers, body = open_to_all.exchange("GET", "/v1/docs/committee", headers={header: told})
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(body)["type"].endswith("#problem-not-found")
