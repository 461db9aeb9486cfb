"""Browsers that call from another site, for the few EHRs that do: named origins only, no credentials.

Before its call a browser asks with OPTIONS whether it may, without a token. To an origin that is not named nothing is said.
"""

from flask import Flask, Response, request

from service.web.cds import clients

PREFIX = "/cds-services"
METHODS = "GET, POST, OPTIONS"
HEADERS = "authorization, content-type"
REMEMBER_SECONDS = "600"


def register(app: Flask) -> None:
    if app.config.get("WARM"):
        # A worker: mistakes in the file of clients are logged as it starts, not when the first EHR calls.
        clients.register(app)
    app.before_request(_preflight)
    app.after_request(_shared)


def _ours() -> bool:
    return request.path == PREFIX or request.path.startswith(PREFIX + "/")


def _preflight() -> Response | None:
    if request.method != "OPTIONS" or not _ours():
        return None
    response = Response(status=204, headers={"Allow": METHODS})
    response.headers.pop("Content-Type")
    return response


def _shared(response: Response) -> Response:
    if not _ours():
        return response
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin is not None and origin in clients.current().origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = METHODS
            response.headers["Access-Control-Allow-Headers"] = HEADERS
            response.headers["Access-Control-Max-Age"] = REMEMBER_SECONDS
    return response
