"""A bare Flask route and nothing else, for the same gunicorn: what Flask itself costs, to compare with."""

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.get("/readyz")
def ready() -> Response:
    return jsonify("ready")


@app.post("/bench/bare")
def bare() -> Response:
    """The payload read and sent back."""
    return jsonify(request.get_json())
