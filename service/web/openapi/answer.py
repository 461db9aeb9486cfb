"""The answer as JSON Schema."""

from service.rulebook.model import CERTAINTIES, MODE_KINDS, STATUSES, STRENGTHS, Rulebook
from service.web.openapi.shapes import (
    INTEGER,
    NUMBER,
    TEXT,
    YES_NO,
    Schema,
    array,
    mapping,
    nullable,
    one_of,
    pair,
    record,
    ref,
    said,
    text,
)

_VERDICT = one_of(("yes", "no", "unknown"))


def answer_schemas(rulebook: Rulebook) -> dict[str, Schema]:
    """Components of a recommendation."""
    technique = one_of(sorted(rulebook.techniques))
    status = ref("Status")
    arguments = mapping(
        mapping(_VERDICT),
        "by kind of argument (alerts, excluding, deferring, indications, favours, cautions): rule -> verdict",
    )
    return {
        "Status": one_of(STATUSES, "from best to worst"),
        "Recommendation": record(
            {
                "rulebook": ref("RulebookStamp"),
                "engine_version": TEXT,
                "evaluated_at": text("the moment of evaluation, in the site's time zone"),
                "input_digest": text("sha256 of the canonical referral"),
                "language": one_of(("fr", "en")),
                "detail": one_of(("decisive", "full")),
                "notice": text("what this answer is and is not"),
                "alerts": array(ref("Alert"), "most urgent first; they come before any ranking"),
                "lesions": array(ref("LesionAnswer"), "in order of identifier"),
                "labels": mapping(TEXT, "the items that are named above, in words"),
                "questions": array(
                    ref("Question"), "what is unknown and can still change the answer, most telling first"
                ),
                "session": ref("Session"),
            },
            {
                "ranking": said({"type": "object"}, "with trace=full: the committee's statuses, tiers and keys"),
                "checklist": said(array(TEXT), "with trace=full: items verified just before the act"),
            },
            "The options of each lesion, ranked, with their reasons. The same referral, rulebook and moment give the same bytes.",
        ),
        "RulebookStamp": record(
            {"name": TEXT, "version": TEXT, "status": one_of(("draft", "approved")), "digest": text("sha256")}
        ),
        "Alert": record(
            {
                "rule": TEXT,
                "label": TEXT,
                "because": TEXT,
                "action": text("what to do instead"),
                "within": text("how fast, in words"),
                "within_hours": NUMBER,
                "blocks": said(YES_NO, "false: it warns and suspends nothing"),
                "sources": array(TEXT),
                "verified": YES_NO,
            },
            {"lesions": array(TEXT, "absent when it is about the patient")},
        ),
        "LesionAnswer": record(
            {
                "id": TEXT,
                "options": array(ref("Option"), "best first"),
                "rules": mapping(ref("RuleTrace"), "every rule that the arguments below name"),
                "scores": mapping(ref("ScoreTotal"), "scores that apply, by id"),
            }
        ),
        "ScoreTotal": record(
            {
                "label": TEXT,
                "total": pair("lowest and highest total possible"),
                "bands": array(TEXT, "every band that the total may fall in, lowest first"),
                "components": array(
                    record({"id": TEXT, "label": TEXT, "points": pair("lowest and highest points possible")})
                ),
            },
            {"unit": TEXT},
        ),
        "Option": record(
            {
                "rank": INTEGER,
                "technique": technique,
                "label": TEXT,
                "standing": text("the tier of the ranking it stands in"),
                "status": status,
                "status_label": TEXT,
                "final": said(YES_NO, "nothing still unknown can change this status"),
                "possible": array(status, "every status that what is unknown could still lead to"),
                "why": text("why this status, in one sentence"),
                "keys": mapping(NUMBER, "the values of the ranking keys, lowest first"),
                "arguments": arguments,
            },
            {
                "why_here": text("why it stands behind the one before"),
                "earliest": text("when it is possible at the earliest"),
                "to_be_eligible": nullable(ref("Change")),
                "plan": text("the whole act in words"),
                "if_well": status,
                "if_badly": status,
                **{kind: array(ref("Mode"), "admissible ones, best first") for kind in MODE_KINDS},
                "benefits": array(ref("Benefit")),
                "precautions": array(record({"rule": TEXT, "precaution": TEXT, "because": TEXT}, {"correction": TEXT})),
                "corrections": array(
                    record(
                        {"rule": TEXT, "because": TEXT, "by": TEXT, "lead_time_hours": NUMBER, "earliest": TEXT},
                        {"recheck": text("the item to measure again")},
                    ),
                    "what defers it: what to do, and from when it is possible",
                ),
                "questions": array(ref("OpenItem")),
                "to_verify": array(ref("OpenItem"), "verified just before the act"),
                "may_call_for_precautions": array(ref("OpenItem")),
                "unverified": array(TEXT, "rules that bear on it and rest on a figure not checked against its source"),
                "provided_that": array(TEXT, "undetermined only: what must turn out to be true"),
            },
            "One whole act. The plan, the modes and what follows are told of options that may be offered, "
            "and of all with trace=full.",
        ),
        "Mode": record(
            {
                "mode": TEXT,
                "label": TEXT,
                "status": status,
                "favours": INTEGER,
                "preference": said(INTEGER, "its place in the technique's own order"),
                "arguments": arguments,
            },
            {"earliest": text("of a deferred mode: when it is possible at the earliest")},
        ),
        "Benefit": record(
            {
                "measure": TEXT,
                "label": TEXT,
                "low": NUMBER,
                "high": NUMBER,
                "unit": TEXT,
                "certainty": one_of(CERTAINTIES),
                "sources": array(TEXT),
                "verified": YES_NO,
            },
            {"by": TEXT, "by_hours": NUMBER, "lasts": TEXT, "lasts_hours": NUMBER, "note": TEXT},
        ),
        "OpenItem": record({"item": TEXT}, {"lesion": text("absent when it is about the patient")}),
        "Change": record(
            {"possible": YES_NO},
            {
                "blocked_by": array(TEXT, "rules that nobody can turn"),
                "precautions_remain": YES_NO,
                "changes": array(record({"item": TEXT, "label": TEXT, "from": TEXT, "to": TEXT})),
            },
            "The fewest changes that would make it eligible.",
        ),
        "Question": record(
            {
                "item": TEXT,
                "label": TEXT,
                "help": text("how to obtain it"),
                "type": one_of(("flag", "choice", "number", "set", "moment")),
                "alerts": array(TEXT, "alerts it can settle"),
                "effects": array(
                    record(
                        {
                            "lesion": TEXT,
                            "technique": technique,
                            "rules": array(TEXT),
                            "if_well": status,
                            "if_badly": status,
                        }
                    )
                ),
            },
            {"unit": TEXT, "lesion": text("absent when it is about the patient")},
        ),
        "Session": record(
            {
                "order": array(TEXT, "every lesion, first to be treated first"),
                "sessions": array(
                    record(
                        {"lesions": array(TEXT)}, {"anaesthesia": TEXT, "anaesthesia_label": TEXT, "status": status}
                    ),
                    "percutaneous acts done together",
                ),
                "max_sites": INTEGER,
                "because": TEXT,
            }
        ),
        "RuleTrace": record(
            {
                "rule": TEXT,
                "claim": one_of(("indicates", "favours", "contraindicates", "preempts")),
                "verdict": _VERDICT,
                "because": TEXT,
                "certainty": one_of(CERTAINTIES),
                "sources": array(TEXT),
                "verified": YES_NO,
                "criteria": ref("CriterionTrace"),
            },
            {
                "severity": one_of(("absolute", "relative")),
                "correctable": YES_NO,
                "strength": one_of(STRENGTHS),
                "open": array(ref("OpenItem"), "what keeps it unknown"),
            },
        ),
        "CriterionTrace": {
            "description": "One criterion with its value, date and limit; or all, any, not of criteria.",
            "anyOf": [
                ref("Criterion"),
                *(record({"verdict": _VERDICT, word: array(ref("CriterionTrace"))}) for word in ("all", "any")),
                record({"verdict": _VERDICT, "not": ref("CriterionTrace")}),
            ],
        },
        "Criterion": record(
            {"criterion": text("as the rule's author wrote it"), "text": text("in words"), "verdict": _VERDICT},
            {
                "item": TEXT,
                "value": {"description": "the value as it was compared"},
                "date": text("when it was true"),
                "unknown": one_of(("absent", "stale"), "why it is unknown"),
                "operator": one_of(("<", "<=", ">", ">=", "==", "!=")),
                "limit": NUMBER,
                "setting": text("the site setting that gave the limit"),
                "words": array(TEXT),
                "present": array(TEXT),
                "absent": array(TEXT),
                "complete": YES_NO,
                "hours": pair("elapsed, at least and at most"),
                "days": INTEGER,
                "score": TEXT,
                "applies": _VERDICT,
                "total": pair("lowest and highest total possible"),
                "points": mapping(pair("of one component")),
                "count": pair("lesions that certainly and that possibly fulfil it"),
                "lesions": mapping(_VERDICT),
                "items": array(TEXT),
            },
        ),
    }
