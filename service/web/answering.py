"""Answers: canonical JSON, and the headers that say which rules and which engine gave them."""

from collections.abc import Iterable
from typing import Any

from flask import Response

from service import ENGINE_VERSION
from service.referral.strict_json import canonical
from service.rulebook.model import Rulebook


def identified(response: Response, rulebook: Rulebook) -> Response:
    response.headers["Indication-Rulebook"] = _ascii(f"{rulebook.info.name} {rulebook.info.version}")
    response.headers["Indication-Rulebook-Digest"] = rulebook.digest
    response.headers["Indication-Engine"] = ENGINE_VERSION
    return response


def json_response(value: Any, languages: Iterable[str] = ("fr", "en"), status: int = 200) -> Response:
    response = Response(canonical(value), status, content_type="application/json")
    for language in languages:
        response.content_language.add(language)
    return response


def text_response(text: str, language: str) -> Response:
    response = Response(text + "\n", content_type="text/plain; charset=utf-8")
    response.content_language.add(language)
    return response


def _ascii(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)
