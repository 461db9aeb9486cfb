"""What tests of the HTTP door share."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

Post = Callable[..., TestResponse]

ADDRESS = "/v1/recommendations"


@pytest.fixture
def post(client: FlaskClient, at: Any) -> Post:
    """Sends a referral (data, or text as it is) for decision at `at`, asking for English."""

    def send(body: Any, address: str = ADDRESS, **kwargs: Any) -> TestResponse:
        data = (
            body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        )
        settings: dict[str, Any] = {
            "content_type": "application/json",
            "query_string": {"at": at.isoformat()},
            "headers": {"Accept-Language": "en"},
        } | kwargs
        return client.post(address, data=data, **settings)

    return send


@pytest.fixture
def is_problem() -> Callable[[TestResponse, int], dict[str, Any]]:
    """Checks the shape of a refusal (RFC 9457) and gives its body."""

    def check(response: TestResponse, status: int) -> dict[str, Any]:
        assert response.status_code == status, response.get_data(as_text=True)[:500]
        assert response.content_type == "application/problem+json"
        assert response.headers["Cache-Control"] == "no-store"
        body: dict[str, Any] = json.loads(response.data)
        assert (
            {"type", "title", "status", "detail"}
            <= body.keys()
            <= {"type", "title", "status", "detail", "errors", "errors_in_all"}
        )
        assert body["status"] == status
        assert body["type"].startswith("/v1/docs#problem-")
        for error in body.get("errors", []):
            assert {"code", "detail"} < error.keys() <= {"code", "detail", "pointer", "parameter"}
            assert ("pointer" in error) != ("parameter" in error)
        return body

    return check
