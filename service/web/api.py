"""POST /v1/recommendations, one referral or many."""

import io
import time
from collections.abc import Iterator
from datetime import datetime

from flask import Blueprint, Response, request, stream_with_context
from werkzeug.exceptions import RequestEntityTooLarge

from service.decision import Detail, Language
from service.language.vocabulary import Text
from service.referral.complaints import Complaint, ReferralError
from service.referral.strict_json import canonical, parse
from service.tell.terminal import render
from service.web import asked, record, refusals
from service.web.access import gate
from service.web.answering import identified, json_response, text_response
from service.web.decisions import decide, withdraw
from service.web.problem import Problem
from service.web.shadow import pages as shadow
from service.web.shadow.compare import Decided
from service.web.state import Desk, state

blueprint = Blueprint("api", __name__, url_prefix="/v1")

JSON = ("application/json",)
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")

#: far above any real referral
MAX_BODY = 1_000_000
MAX_BATCH = 16_000_000
MAX_LINES = 1_000
#: a worker that is silent for longer is taken for dead (gunicorn.conf.py, `timeout`)
BATCH_SECONDS = 20.0


@blueprint.post("/recommendations")
def recommend() -> Response:
    response, decided = recommended(state().desk())
    shadow.current().offer(decided)
    return response


def recommended(desk: Desk) -> tuple[Response, Decided]:
    """The answer of one rulebook to the referral in the request, and what was decided."""
    asked.only("trace", "at")
    takes_json()
    language, detail, at = asked.language(), asked.detail(), asked.moment()
    body = body_of(MAX_BODY)
    answer = decide(desk, parse(body), at, language, detail, door="api").answer
    told = text_response(render(answer, language), language) if _wants_text() else json_response(answer, [language])
    response = identified(told, desk.decider.rulebook)
    response.vary.update(("Accept", "Accept-Language"))
    return response, Decided(body, at, answer)


def _wants_text() -> bool:
    """Whether the request would rather read the answer than parse it. JSON unless it says so."""
    return request.accept_mimetypes.best_match(["application/json", "text/plain"]) == "text/plain"


@blueprint.post("/recommendations/batch")
def recommend_batch() -> Response:
    """One line out for each line in, in the same order: an answer, or a problem with its line number.

    The request is read whole before the first answer is sent: most clients send everything before they read, and
    would wait for us while we waited for them.
    """
    asked.only("trace", "at")
    _takes(NDJSON)
    language, detail, at = asked.language(), asked.detail(), asked.moment()
    desk = state().desk()
    body = body_of(MAX_BATCH)
    lines = body.count(b"\n") + (not body.endswith(b"\n"))
    if lines > MAX_LINES:
        raise Problem(
            "too-large",
            detail=Text(
                f"Au plus {MAX_LINES} lignes par lot ; reçu {lines}.",
                f"At most {MAX_LINES} lines in a batch; {lines} received.",
            ),
        )
    gate.counts_as(lines)
    answers = stream_with_context(_answers(desk, body, at, language, detail))
    response = identified(Response(answers, content_type=NDJSON[0]), desk.decider.rulebook)
    response.content_language.add(language)
    response.vary.add("Accept-Language")
    return response


def _answers(desk: Desk, body: bytes, at: datetime, language: Language, detail: Detail) -> Iterator[bytes]:
    end = time.monotonic() + BATCH_SECONDS
    for number, line in enumerate(io.BytesIO(body), start=1):
        try:
            if time.monotonic() > end:
                raise Problem("batch-interrupted")
            _fit(line)
            answer = decide(desk, parse(line), at, language, detail, door="batch").answer
            told = canonical(answer)
            record.now()
            shadow.current().offer(Decided(line, at, answer))
        except Exception as error:  # noqa: BLE001 - one bad line stops no other; it is logged by `refusal`
            withdraw()
            told = canonical({**refusals.refusal(error).told(language), "line": number})
        yield told.encode("utf-8", "replace") + b"\n"


def _fit(line: bytes) -> None:
    if len(line) > MAX_BODY:
        raise Problem("too-large")
    if not line.strip():
        empty = Text("ligne vide : une ligne, un cas", "empty line: one referral on each line")
        raise ReferralError([Complaint("empty_line", empty)])


def body_of(limit: int) -> bytes:
    """The whole body. A longer one is refused, also when its length is not said in advance.

    One byte more than allowed is asked for: Werkzeug cuts a body of unsaid length at the limit, and says nothing.
    """
    request.max_content_length = limit + 1
    body = request.get_data(cache=False)
    if len(body) > limit:
        raise RequestEntityTooLarge
    return body


def takes_json() -> None:
    """Refuses a body that is not JSON."""
    _takes(JSON)


def _takes(types: tuple[str, ...]) -> None:
    """Refuses a body of another type, in another charset than UTF-8, or compressed."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if request.mimetype not in types or charset not in ("utf-8", "utf8") or encoding != "identity":
        raise Problem("unsupported-media-type", headers={"Accept": ", ".join(types)})
