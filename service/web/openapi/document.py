"""The OpenAPI document: every address of the service, what it takes and what it gives."""

from collections.abc import Iterable
from typing import Any

from service import ENGINE_VERSION
from service.bundle.manifest import GRADES
from service.selftest import vector
from service.tell.catalogue import Catalogue
from service.web.openapi.answer import answer_schemas
from service.web.openapi.referral import referral_schemas
from service.web.openapi.shapes import TEXT, Schema, array, mapping, nullable, one_of, record, ref, said, text
from service.web.problem import KINDS, MAX_FAULTS
from service.web.shadow.compare import KINDS as SHADOW_KINDS

_COUNT: Schema = {"type": "integer", "minimum": 0}
_STAMPED = {
    "Indication-Rulebook": {"$ref": "#/components/headers/Rulebook"},
    "Indication-Rulebook-Digest": {"$ref": "#/components/headers/RulebookDigest"},
    "Indication-Engine": {"$ref": "#/components/headers/Engine"},
}
_EDITION = record({"name": TEXT, "version": TEXT, "status": TEXT, "digest": TEXT})
_SECURITY_SCHEMES = {
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "ind_<id>_<secret>",
        "description": "A key that whoever runs the service gives out. It is needed where the service asks who calls.",
    },
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token (OAuth 2, OIDC) of an authorization server that the service knows.",
    },
}
#: who may call is asked, and how often they called: on every address but those that say `security: []`
_ASKED = (401, 403, 429)
_PUBLIC: list[Any] = []
_READINESS: Schema = {"enum": ["ready", "not ready"]}
#: how the shadow fares in the process that answers
_STANDING: dict[str, Schema] = {
    "state": one_of(("starting", "running", "stopped")),
    "errors": array(TEXT),
    "rulebook": nullable(_EDITION),
}
_PAGES = ("open", "proxy", "off")
_ASKING = [
    {"$ref": "#/components/parameters/AcceptLanguage"},
    {"$ref": "#/components/parameters/trace"},
    {"$ref": "#/components/parameters/at"},
]


def openapi(catalogue: Catalogue) -> dict[str, Any]:
    """OpenAPI 3.1 for one rulebook."""
    info = catalogue.rulebook.info
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Indication",
            "version": ENGINE_VERSION,
            "summary": "Which percutaneous intervention a patient with painful bone metastases may have, under which anaesthesia, and why.",
            "description": "\n\n".join(
                (
                    f"Rulebook in service: {info.label.en} ({info.name} {info.version}, {info.status}). {info.notice.en}",
                    "A referral goes in; ranked options come out, each with its status, reasons and questions. Every answer is decided "
                    "twice, by two engines that must agree. What is absent is unknown, and unknown is never taken for a no.",
                    "Words are French unless Accept-Language prefers English. No cookie is set; decisions are recorded, as whoever runs "
                    "the service has chosen. Where it asks who calls, send `Authorization: Bearer …` with an API key or an access token.",
                )
            ),
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "decide", "description": "From a referral to a recommendation."},
            {
                "name": "read",
                "description": "The rules, and the words that a referral may use. Words are given in both languages.",
            },
            {"name": "run", "description": "For whoever runs the service."},
        ],
        "paths": _paths(catalogue),
        # Which of the two holds is a setting of whoever runs the service; /readyz tells.
        "security": [{}, {"apiKey": []}, {"accessToken": []}],
        "components": {
            "securitySchemes": _SECURITY_SCHEMES,
            "schemas": {
                **referral_schemas(catalogue.rulebook.vocabulary),
                **answer_schemas(catalogue.rulebook),
                **_catalogue_schemas(),
                **_problem_schemas(),
            },
            "parameters": _parameters(),
            "headers": {
                "Rulebook": {"description": "Name and version of the rulebook.", "schema": TEXT},
                "RulebookDigest": {"description": "sha256 of the rulebook's canonical content.", "schema": TEXT},
                "Engine": {"description": "Version of the engine.", "schema": TEXT},
            },
            "responses": {
                str(status): _problem_response(status) for status in sorted({kind.status for kind in KINDS.values()})
            },
        },
    }


def _paths(catalogue: Catalogue) -> dict[str, Any]:
    topics, techniques = catalogue.topics, sorted(catalogue.rulebook.techniques)
    some_rule = next(iter(sorted(catalogue.rulebook.rules)))
    return {
        "/v1/recommendations": {
            "post": {
                **_operation("decide", "recommend", "Decide one referral."),
                "parameters": _ASKING,
                **_deciding(),
            }
        },
        "/v1/recommendations/batch": {
            "post": {
                **_operation("decide", "recommendBatch", "Decide many referrals, one on each line."),
                "parameters": _ASKING,
                "requestBody": {
                    "required": True,
                    "description": "One referral on each line; at most 1000 lines of at most 1 MB, 16 MB in all.",
                    "content": {"application/x-ndjson": {"schema": ref("Referral")}},
                },
                "responses": {
                    "200": {
                        "description": "For each line sent, in order: a recommendation, or a problem with its line number.",
                        "headers": _STAMPED,
                        "content": {
                            "application/x-ndjson": {"schema": {"anyOf": [ref("Recommendation"), ref("LineProblem")]}}
                        },
                    },
                    **_problems(400, *_ASKED, 413, 415, 503),
                },
            }
        },
        "/v1/rulebook": {"get": _read("rulebook", "The rulebook: version, digest, status, counts.", ref("Rulebook"))},
        "/v1/rulebook/rules": {
            "get": {
                **_read("rules", "Every rule in short.", record({"rules": array(ref("RuleInShort"))}), 400),
                "parameters": [
                    _query(
                        "technique",
                        "Only rules that bear on this technique, through its admissible modes too.",
                        one_of(techniques),
                    ),
                    _query("topic", "Only rules of this topic.", one_of(topics)),
                ],
            }
        },
        "/v1/rulebook/rules/{id}": _one(
            "rule", "One rule: its condition as written, its words, its evidence.", "Rule", some_rule
        ),
        **_versions(catalogue.rulebook.info.version),
        **_record(),
        "/v1/techniques": {
            "get": _read("techniques", "Every technique.", record({"techniques": array(ref("Technique"))}))
        },
        "/v1/techniques/{id}": _one(
            "technique", "One technique: modes, duration, measured benefit.", "Technique", techniques[0]
        ),
        "/v1/vocabulary": {"get": _read("vocabulary", "Every item that a referral may hold.", ref("Vocabulary"))},
        "/v1/vocabulary/{id}": _one(
            "item",
            "One item: type, unit, range, freshness, words, codes.",
            "Item",
            _first(catalogue.rulebook.vocabulary.items),
        ),
        "/v1/scores": {"get": _read("scores", "Every score.", record({"scores": array(ref("ScoreInShort"))}))},
        "/v1/scores/{id}": _one(
            "score", "One score with its point table as written.", "Score", _first(catalogue.rulebook.scores)
        ),
        "/v1/openapi.json": {
            "get": {
                **_operation("read", "openapi", "This document."),
                "security": _PUBLIC,
                "responses": {"200": _given("This document.", {"type": "object"}), **_problems(400, 429, 503)},
            }
        },
        "/v1/docs": {
            "get": {
                **_operation("read", "docs", "This document, to be read."),
                "security": _PUBLIC,
                "responses": {
                    "200": {"description": "A page.", "content": {"text/html": {"schema": TEXT}}},
                    **_problems(400, 429, 503),
                },
            }
        },
        "/livez": {"get": {**_run("livez", "The process answers.", record({"status": TEXT})), "security": _PUBLIC}},
        "/readyz": {
            "get": {
                **_run(
                    "readyz", "The rulebook is loaded and a self-test referral was decided, just now.", ref("Readiness")
                ),
                "security": [{}, {"apiKey": []}, {"accessToken": []}],
                "responses": {
                    "200": _given(
                        "Ready. `last_reload` tells when new rules, settings or clients were refused, and why; that and more, to "
                        "whoever asks from this machine itself or has the role administer.",
                        ref("Readiness"),
                        stamped=False,
                    ),
                    "503": _given("Not ready: `errors` says why.", ref("Readiness"), stamped=False),
                    **_problems(400, 401, 429),
                },
            }
        },
        "/metrics": {
            "get": {
                **_operation("run", "metrics", "What the service counted, for Prometheus; needs the role administer."),
                "responses": {
                    "200": {
                        "description": "Metrics, in Prometheus's text format.",
                        "content": {"text/plain": {"schema": TEXT}},
                    },
                    **_problems(400, *_ASKED),
                },
            }
        },
        "/version": {
            "get": _run(
                "version",
                "Versions of the engine, of Python, of durable-rules and of the rulebook.",
                {"type": "object"},
                *_ASKED,
            )
        },
    }


def _deciding(*problems: int) -> dict[str, Any]:
    """What an address that decides one referral takes and gives."""
    return {
        "requestBody": {
            "required": True,
            "description": "At most 1 MB.",
            "content": {"application/json": {"schema": ref("Referral"), "example": vector().referral}},
        },
        "responses": {
            "200": _readable(_given("The recommendation, as canonical JSON or as text.", ref("Recommendation"))),
            **_problems(400, *_ASKED, *problems, 413, 415, 422, 500, 503),
        },
    }


def _versions(served: str) -> dict[str, Any]:
    """Rulebooks side by side: the one in service answers here too, so that `served` is always an example."""
    version = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "the version of the rulebook",
        "schema": TEXT,
        "example": served,
    }
    return {
        "/v1/rulebooks": {
            "get": _read("rulebooks", "Every version that is served here.", ref("Rulebooks")),
        },
        "/v1/rulebooks/shadow": {
            "get": _read(
                "shadow",
                "The rulebook that decides every referral in the dark, and how often its answer would have been another: counts only.",
                record({"shadow": nullable(ref("Shadow"))}),
            ),
        },
        "/v1/rulebooks/{id}/rulebook": {
            "get": {
                **_read("rulebookOfVersion", "One version of the rulebook.", ref("Rulebook"), 404),
                "parameters": [version],
            }
        },
        "/v1/rulebooks/{id}/recommendations": {
            "post": {
                **_operation("decide", "recommendByVersion", "Decide one referral by one version of the rulebook."),
                "parameters": [version, *_ASKING],
                **_deciding(404),
            }
        },
    }


def _record() -> dict[str, Any]:
    """The record of decisions, for the role read_record."""
    name = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "the record's id, as in the header Indication-Record of an answer",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    }
    before = record({"recorded": TEXT, "now": TEXT})
    return {
        "/v1/record": {
            "get": _run(
                "recordEnd", "Where the chain of records ends now: an anchor.", ref("RecordEnd"), *_ASKED, 404, 503
            )
        },
        "/v1/record/{id}": {
            "get": {
                **_run(
                    "record", "One record, with its content and the feedback on it.", ref("Record"), *_ASKED, 404, 503
                ),
                "parameters": [name],
            }
        },
        "/v1/record/{id}/replay": {
            "post": {
                **_run(
                    "replay",
                    "The recorded decision made again with the rules of then: the same bytes?",
                    record(
                        {
                            "id": TEXT,
                            "same": {"type": "boolean"},
                            "differences": array(TEXT),
                            "engine": before,
                            "answer_digest": before,
                            "answer": ref("Recommendation"),
                        }
                    ),
                    *_ASKED,
                    404,
                    409,
                    413,
                    415,
                    422,
                    500,
                    503,
                ),
                "parameters": [name],
                "requestBody": {
                    "required": False,
                    "description": "What was decided on, where the record keeps only its digest.",
                    "content": {"application/json": {"schema": ref("Referral")}},
                },
            }
        },
    }


def _first(names: Iterable[str]) -> str:
    return min(names)


def _operation(tag: str, name: str, summary: str) -> dict[str, Any]:
    return {"tags": [tag], "operationId": name, "summary": summary}


def _given(description: str, schema: Schema, *, stamped: bool = True) -> dict[str, Any]:
    response: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": schema}}}
    return {**response, "headers": _STAMPED} if stamped else response


def _readable(response: dict[str, Any]) -> dict[str, Any]:
    """The same answer also as text, for `Accept: text/plain`."""
    return {**response, "content": {**response["content"], "text/plain": {"schema": {"type": "string"}}}}


def _read(name: str, summary: str, schema: Schema, *problems: int) -> dict[str, Any]:
    return {
        **_operation("read", name, summary),
        "responses": {"200": _given(summary, schema), **_problems(400, *_ASKED, *problems, 503)},
    }


def _one(name: str, summary: str, component: str, example: str) -> dict[str, Any]:
    parameter = {"name": "id", "in": "path", "required": True, "schema": TEXT, "example": example}
    return {"get": {**_read(name, summary, ref(component), 404), "parameters": [parameter]}}


def _run(name: str, summary: str, schema: Schema, *problems: int) -> dict[str, Any]:
    return {
        **_operation("run", name, summary),
        "responses": {"200": _given(summary, schema, stamped=False), **_problems(400, *problems)},
    }


def _query(name: str, description: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _problems(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _problem_response(status: int) -> dict[str, Any]:
    titles = [kind.title.en for kind in KINDS.values() if kind.status == status]
    return {"description": "; ".join(titles) + ".", "content": {"application/problem+json": {"schema": ref("Problem")}}}


def _parameters() -> dict[str, Any]:
    return {
        "AcceptLanguage": {
            "name": "Accept-Language",
            "in": "header",
            "description": "fr or en; French when neither is preferred.",
            "schema": {"type": "string", "default": "fr"},
        },
        "trace": _query(
            "trace",
            "How much of the trace: the rules that matter, or every rule considered.",
            {"enum": ["decisive", "full"], "default": "decisive"},
        ),
        "at": _query(
            "at",
            "The moment of evaluation (date and time), so that an answer can be reproduced; now by default.",
            {"type": "string", "format": "date-time"},
        ),
    }


def _problem_schemas() -> dict[str, Schema]:
    fault = record(
        {"code": text("for a program"), "detail": text("for a person, in the language asked for")},
        {
            "pointer": text("JSON pointer (RFC 6901) of the value at fault in the body; empty: the whole body"),
            "parameter": text("the parameter at fault in the address"),
        },
    )
    fields = {
        "type": one_of([f"/v1/docs#problem-{kind}" for kind in KINDS]),
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": text("what to do about it"),
    }
    more = {
        "errors": array(ref("Fault"), f"each thing to mend; at most {MAX_FAULTS}"),
        "errors_in_all": {"type": "integer", "description": "how many there are, when that is more than are listed"},
    }
    return {
        "Problem": record(fields, more, "Problem details (RFC 9457)."),
        "LineProblem": record(
            {**fields, "line": {"type": "integer", "minimum": 1}}, more, "The problem of one line of a batch."
        ),
        "Fault": fault,
    }


def _version_schemas() -> dict[str, Schema]:
    move = {"from": TEXT, "to": TEXT, "count": _COUNT}
    return {
        "Published": record(
            {
                "date": TEXT,
                "grade": one_of(
                    GRADES,
                    "how it changed from the version that it follows; a loosening frees, a tightening holds back",
                ),
                "follows": nullable(text("the version that it replaces")),
                "signature": one_of(("verified", "unverified", "unsigned")),
                "key": nullable(text("the trusted key that signed it")),
            },
            description="The bundle that the rules came in; null when they stood in a folder.",
        ),
        "Rulebooks": record(
            {
                "rulebooks": array(
                    record(
                        {
                            "version": TEXT,
                            "name": TEXT,
                            "digest": TEXT,
                            "in_service": {
                                "type": "boolean",
                                "description": "the one that answers where no version is named",
                            },
                            "published": nullable(ref("Published")),
                        }
                    )
                ),
                "errors": array(TEXT, "why a bundle that was named is not served"),
            }
        ),
        "Shadow": record(
            {
                **_STANDING,
                "against": record({"version": TEXT, "digest": TEXT}, description="the rulebook in service"),
                "counts": record({kind: said(_COUNT, words) for kind, words in SHADOW_KINDS.items()}),
                "first_options": array(record(move), "lesions, by which option came first and which would have"),
                "statuses": array(
                    record({"technique": TEXT, **move}), "lesions, by an option's status and what it would have been"
                ),
            },
            description="Counted by all workers together since this rulebook was first set beside the one in service.",
        ),
    }


def _catalogue_schemas() -> dict[str, Schema]:
    both = ref("Text")
    evidence_in_short = record({"certainty": TEXT, "verified": {"type": "boolean"}, "sources": array(TEXT)})
    citation = record({"key": TEXT, "citation": TEXT}, {"where": TEXT, "supports": TEXT})
    evidence = record({"certainty": TEXT, "verified": {"type": "boolean"}, "sources": array(citation)})
    rule = {"id": TEXT, "topic": TEXT, "claim": TEXT, "target": {"type": "object"}, "because": both}
    rule_more = {"severity": one_of(("absolute", "relative")), "strength": TEXT}
    score = {
        "id": TEXT,
        "label": both,
        "scope": TEXT,
        "bands": array(record({"from": {"type": "number"}, "to": {"type": "number"}, "label": both})),
    }
    return {
        "Text": record({"fr": TEXT, "en": TEXT}),
        "Rulebook": record(
            {
                "name": TEXT,
                "version": TEXT,
                "digest": TEXT,
                "status": one_of(("draft", "approved")),
                "effective": TEXT,
                "approved_by": array(TEXT),
                "timezone": TEXT,
                "label": both,
                "notice": both,
                "counts": {"type": "object"},
                "topics": array(TEXT),
                "published": nullable(ref("Published")),
            }
        ),
        **_version_schemas(),
        "RuleInShort": record({**rule, "evidence": evidence_in_short}, rule_more),
        "Rule": record(
            {
                **rule,
                "when": {"description": "the condition, as its author wrote it"},
                "file": TEXT,
                "line": {"type": "integer"},
                "items": array(TEXT, "items that the condition reads"),
                "scores": array(TEXT),
                "techniques": array(TEXT, "techniques it bears on, through their admissible modes too"),
                "evidence": evidence,
            },
            {
                **rule_more,
                "precaution": both,
                "correctable": {"type": "object"},
                "label": both,
                "action": both,
                "within": TEXT,
            },
        ),
        "Technique": record(
            {
                "id": TEXT,
                "label": both,
                "summary": both,
                "traits": mapping(both),
                "parts": array(TEXT),
                "duration_minutes": {"type": "number"},
                "position": TEXT,
                "burden": {"type": "integer"},
                "anaesthesia": array(TEXT),
                "guidance": array(TEXT),
                "stay": array(TEXT),
                "benefit": array({"type": "object"}),
            }
        ),
        "Vocabulary": record({"sections": array(record({"id": TEXT, "label": both})), "items": array(ref("Item"))}),
        "Item": record(
            {
                "id": TEXT,
                "section": TEXT,
                "scope": one_of(("patient", "lesion")),
                "type": one_of(("flag", "choice", "number", "set", "moment")),
                "label": both,
                "help": both,
                "changeable": {"type": "boolean", "description": "a treatment can change it"},
                "checklist": {"type": "boolean", "description": "always verified just before the act"},
                "codes": {"type": "object", "description": "LOINC, SNOMED CT, ICD-10, ATC"},
            },
            {
                "unit": TEXT,
                "units": mapping({"type": "number"}, "accepted spelling -> factor to the unit"),
                "range": array({"type": "number"}, "plausible; outside it a value is refused"),
                "step": {"type": "number"},
                "choices": mapping(both),
                "fresh_for_hours": {"type": "number", "description": "older than this it is unknown"},
            },
        ),
        "ScoreInShort": record(score, {"unit": TEXT}),
        "Score": record(
            {**score, "components": array({"type": "object"}), "evidence": {"type": "object"}},
            {"unit": TEXT, "applies": {}},
        ),
        "RecordEnd": record(
            {
                "head": said(TEXT, "SEQ:HASH of the last record"),
                "waiting": {**_COUNT, "description": "in the local queue"},
            }
        ),
        "Record": record(
            {
                "seq": _COUNT,
                "id": TEXT,
                "kind": said(TEXT, "decision, feedback or erasure"),
                "at": said(TEXT, "when it was recorded, UTC"),
                "line": said({"type": "object"}, "what is never personal: door, client, rules, engine, moment"),
                "previous": TEXT,
                "seal": TEXT,
                "hash": TEXT,
                "salt": nullable(TEXT),
                "content": nullable(
                    said({"type": "object"}, "digests, statuses, alerts and, where it is kept, what was decided on")
                ),
                "feedback": array({"type": "object"}),
            }
        ),
        "Readiness": {"anyOf": [ref("ReadinessInFull"), record({"status": _READINESS, "more": TEXT})]},
        "ReadinessInFull": record(
            {
                "status": _READINESS,
                "last_reload": {
                    "anyOf": [
                        record(
                            {"taken": {"type": "boolean"}, "errors": array(TEXT)},
                            {"checked_at": TEXT, "left_out": array(TEXT)},
                        ),
                        {"type": "null"},
                    ]
                },
                "withheld_answers": mapping(
                    {"type": "integer"}, "answers this process did not give: the engines differed, or one failed"
                ),
                "beside": record(
                    {"versions": array(TEXT), "errors": array(TEXT, "why a bundle that was named is not served")},
                    description="versions of the rulebook served beside the one in service",
                ),
                "shadow": nullable(record(_STANDING)),
                "record": record(
                    {
                        "store": one_of(("sqlite", "postgresql", "down", "off"), "where decisions are recorded"),
                    },
                    {
                        "when_down": one_of(("refuse", "spool")),
                        "waiting": {**_COUNT, "description": "decisions in the local queue"},
                        "head": {**_COUNT, "description": "how many records there are"},
                        "errors": array(TEXT),
                    },
                ),
                "access": record(
                    {
                        "api": one_of(("open", "clients"), "who may call: whoever comes, or the clients of the file"),
                        "form": one_of(
                            _PAGES, "the form's pages: for whoever comes, behind the proxy's login, or not there"
                        ),
                        "committee": one_of(_PAGES),
                        "clients": _COUNT,
                        "refused": mapping(_COUNT, "calls that this process refused, by reason"),
                    },
                ),
                "cds_open": {
                    "type": "boolean",
                    "description": "the development switch: an EHR is let in without a token",
                },
                "cds_clients": {"type": "integer", "description": "EHRs that may call"},
                "cds_errors": array(TEXT),
                "cds_refused": mapping({"type": "integer"}, "calls of EHRs this process refused, by reason"),
            },
            {"rulebook": {"type": "object"}, "errors": array(TEXT)},
        ),
    }
