"""The service's own application with one more route: a bare Flask echo of the same payload, to compare with."""

from flask import Response, jsonify, request
from wsgi import app


@app.post("/bench/bare")
def bare() -> Response:
    return jsonify(request.get_json())
