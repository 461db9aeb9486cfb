"""POST /v1/recommendations, one referral or many."""

import io
import time
from collections.abc import Iterator
from datetime import datetime

from flask import Blueprint, Response, request, stream_with_context

from service.decision import Detail, Language
from service.language.vocabulary import Text
from service.referral.complaints import Complaint, ReferralError
from service.referral.strict_json import canonical
from service.web import asked, refusals
from service.web.answering import identified, json_response
from service.web.problem import Problem
from service.web.state import Desk, state

blueprint = Blueprint("api", __name__, url_prefix="/v1")

JSON = ("application/json",)
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")

MAX_BATCH = 16_000_000
MAX_LINE = 1_000_000
MAX_LINES = 1_000
#: a worker that is silent for longer is taken for dead (gunicorn.conf.py, `timeout`)
BATCH_SECONDS = 20.0


@blueprint.post("/recommendations")
def recommend() -> Response:
    asked.only("trace", "at")
    _takes(JSON)
    language, detail, at = asked.language(), asked.detail(), asked.moment()
    desk = state().desk()
    answer = desk.decider.decide_json(request.get_data(cache=False), at, language, detail)
    response = identified(json_response(answer, [language]), desk.decider.rulebook)
    response.vary.add("Accept-Language")
    return response


@blueprint.post("/recommendations/batch")
def recommend_batch() -> Response:
    """One line out for each line in, in the same order: an answer, or a problem with its line number.

    The request is read whole before the first answer is sent: most clients send everything before they read, and
    would wait for us while we waited for them.
    """
    asked.only("trace", "at")
    _takes(NDJSON)
    request.max_content_length = MAX_BATCH
    language, detail, at = asked.language(), asked.detail(), asked.moment()
    desk = state().desk()
    body = request.get_data(cache=False)
    lines = body.count(b"\n") + (not body.endswith(b"\n"))
    if lines > MAX_LINES:
        raise Problem(
            "too-large",
            detail=Text(
                f"Au plus {MAX_LINES} lignes par lot ; reçu {lines}.",
                f"At most {MAX_LINES} lines in a batch; {lines} received.",
            ),
        )
    answers = stream_with_context(_answers(desk, body, at, language, detail))
    response = identified(Response(answers, content_type=NDJSON[0]), desk.decider.rulebook)
    response.content_language.add(language)
    response.vary.add("Accept-Language")
    return response


def _answers(desk: Desk, body: bytes, at: datetime, language: Language, detail: Detail) -> Iterator[str]:
    end = time.monotonic() + BATCH_SECONDS
    for number, line in enumerate(io.BytesIO(body), start=1):
        try:
            if time.monotonic() > end:
                raise Problem("batch-interrupted")
            _fit(line)
            told = canonical(desk.decider.decide_json(line, at, language, detail))
        except Exception as error:  # noqa: BLE001 - one bad line stops no other; it is logged by `refusal`
            told = canonical({**refusals.refusal(error).told(language), "line": number})
        yield told + "\n"


def _fit(line: bytes) -> None:
    if len(line) > MAX_LINE:
        raise Problem("too-large")
    if not line.strip():
        empty = Text("ligne vide : une ligne, un cas", "empty line: one referral on each line")
        raise ReferralError([Complaint("empty_line", empty)])


def _takes(types: tuple[str, ...]) -> None:
    """Refuses a body of another type, in another charset than UTF-8, or compressed."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if request.mimetype not in types or charset not in ("utf-8", "utf8") or encoding != "identity":
        raise Problem("unsupported-media-type", headers={"Accept": ", ".join(types)})
