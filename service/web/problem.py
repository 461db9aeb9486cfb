"""One shape for every refusal: RFC 9457 problem details, in French or in English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.audit.errors import NotRecorded
from service.language.vocabulary import Text
from service.recommend.judge import Disagreement
from service.referral.complaints import Complaint, ReferralError
from service.run.adapter import EngineError

#: where each kind is explained
EXPLAINED = "/v1/docs#problem-"
#: a referral with more faults than this is not a referral: the first ones are enough to see why
MAX_FAULTS = 100
MAX_PLACE = 200


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. `detail` says what to do about it."""

    status: int
    title: Text
    detail: Text


KINDS: Mapping[str, Kind] = {
    "malformed-json": Kind(
        400,
        Text("JSON mal formé", "Malformed JSON"),
        Text("Le corps de la requête n’est pas du JSON utilisable.", "The body of the request is not usable JSON."),
    ),
    "bad-parameter": Kind(
        400,
        Text("Paramètre refusé", "Parameter refused"),
        Text("Corriger les paramètres de l’adresse.", "Mend the parameters of the address."),
    ),
    "bad-request": Kind(
        400,
        Text("Requête refusée", "Request refused"),
        Text("La requête n’a pas pu être lue en entier.", "The request could not be read to its end."),
    ),
    "unauthenticated": Kind(
        401,
        Text("Appelant inconnu", "Unknown caller"),
        Text(
            "Il faut une clé ou un jeton valable, dans l’en-tête Authorization (« Bearer … ») ; l’exploitant du service en donne.",
            "A valid key or token is needed, in the header Authorization: Bearer …; ask whoever runs the service for one.",
        ),
    ),
    "forbidden": Kind(
        403,
        Text("Accès refusé", "Not allowed"),
        Text(
            "Cet appelant n’a pas le rôle qu’il faut ici : le demander à l’exploitant du service.",
            "This caller has not the role that is needed here: ask whoever runs the service for it.",
        ),
    ),
    "cross-site": Kind(
        403,
        Text("Requête d’un autre site refusée", "Request from another site refused"),
        Text(
            "Le formulaire n’accepte que ce qu’envoient ses propres pages : ouvrir la page de ce service et recommencer.",
            "The form takes only what its own pages send: open the page of this service and try again.",
        ),
    ),
    "not-found": Kind(
        404,
        Text("Introuvable", "Not found"),
        Text(
            "Rien à cette adresse ; /v1/docs donne celles qui existent.",
            "Nothing at this address; /v1/docs lists those that exist.",
        ),
    ),
    "method-not-allowed": Kind(
        405,
        Text("Méthode refusée", "Method not allowed"),
        Text("L'en-tête Allow donne les méthodes acceptées ici.", "The Allow header lists the methods accepted here."),
    ),
    "too-large": Kind(
        413,
        Text("Requête trop volumineuse", "Request too large"),
        Text("Un cas tient en 1 Mo, un lot en 16 Mo.", "A referral is at most 1 MB, a batch 16 MB."),
    ),
    "unsupported-media-type": Kind(
        415,
        Text("Type de contenu refusé", "Content type refused"),
        Text(
            "L'en-tête Accept donne les types acceptés ici, sans compression.",
            "The Accept header lists the types accepted here, uncompressed.",
        ),
    ),
    "referral-refused": Kind(
        422,
        Text("Demande à corriger", "Referral to be mended"),
        Text("Corriger chaque point de « errors », puis renvoyer.", "Mend each point under «errors», then send again."),
    ),
    "too-many-requests": Kind(
        429,
        Text("Trop de requêtes", "Too many requests"),
        Text(
            "Attendre le nombre de secondes de l’en-tête Retry-After, puis renvoyer.",
            "Wait for the seconds of the Retry-After header, then send again.",
        ),
    ),
    "engine-disagreement": Kind(
        500,
        Text("Réponse retenue", "Answer withheld"),
        Text(
            "Les deux moteurs ne s’accordent pas, ou l’un a échoué : aucune réponse n’est donnée. Prévenir l’exploitant du service.",
            "The two engines do not agree, or one failed: no answer is given. Tell whoever runs the service.",
        ),
    ),
    "internal-error": Kind(
        500,
        Text("Erreur interne", "Internal error"),
        Text(
            "Aucune réponse n’est donnée. Prévenir l’exploitant du service.",
            "No answer is given. Tell whoever runs the service.",
        ),
    ),
    "not-ready": Kind(
        503,
        Text("Service non prêt", "Service not ready"),
        Text("Aucun référentiel en service ; /readyz dit pourquoi.", "No rulebook is in service; /readyz says why."),
    ),
    "overloaded": Kind(
        503,
        Text("Trop de requêtes à la fois", "Too many requests at once"),
        Text(
            "Le service est saturé et n’a pas traité cette requête : la renvoyer dans un instant.",
            "The service is full and did not take this request: send it again in a moment.",
        ),
    ),
    "not-replayable": Kind(
        409,
        Text("Décision non rejouable", "Decision not replayable"),
        Text(
            "L’enregistrement ne suffit pas pour décider à nouveau.",
            "The record does not suffice to decide again.",
        ),
    ),
    "not-recorded": Kind(
        503,
        Text("Réponse retenue : non consignée", "Answer withheld: not recorded"),
        Text(
            "La décision ne peut pas être consignée, et rien n’est répondu sans trace : réessayer dans un instant. "
            "Prévenir l’exploitant du service si cela dure.",
            "The decision cannot be recorded, and nothing is answered without a record: try again in a moment. "
            "Tell whoever runs the service if it lasts.",
        ),
    ),
    "batch-interrupted": Kind(
        503,
        Text("Lot interrompu", "Batch interrupted"),
        Text(
            "Le temps alloué au lot est écoulé : renvoyer cette ligne et les suivantes.",
            "The time of this batch is over: send this line and the next ones again.",
        ),
    ),
}

#: complaints about the text itself, before it is a referral
_MALFORMED = frozenset(
    {"not_utf8", "not_json", "duplicate_key", "not_a_number", "huge_number", "too_deep", "empty_line"}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend: in the body (`pointer`) or in the address (`parameter`)."""

    code: str
    text: Text
    pointer: str | None = None
    parameter: str | None = None

    def told(self, language: str) -> dict[str, str]:
        key, place = ("pointer", self.pointer or "") if self.parameter is None else ("parameter", self.parameter)
        # A key of the sender's may be a book: its beginning shows where it is.
        shown = place if len(place) <= MAX_PLACE else place[:MAX_PLACE] + "…"
        return {key: shown, "code": self.code, "detail": self.text.in_(language)}


class Problem(Exception):
    """A refusal. `kind` is a key of KINDS; `detail` replaces its own when it can be more precise."""

    def __init__(
        self,
        kind: str,
        *,
        faults: Sequence[Fault] = (),
        detail: Text | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.headers = headers or {}
        self.faults = tuple(faults)
        self.detail = detail or KINDS[kind].detail
        self.status = KINDS[kind].status

    def told(self, language: str) -> dict[str, Any]:
        """The problem as RFC 9457 has it."""
        body: dict[str, Any] = {
            "type": EXPLAINED + self.kind,
            "title": KINDS[self.kind].title.in_(language),
            "status": self.status,
            "detail": self.detail.in_(language),
        }
        if self.faults:
            body["errors"] = [fault.told(language) for fault in self.faults[:MAX_FAULTS]]
            if len(self.faults) > MAX_FAULTS:
                body["errors_in_all"] = len(self.faults)
        return body


def of(error: Exception) -> Problem:
    """What an exception becomes for a client. Its own text is never used, except where it was written for the sender."""
    match error:
        case Problem():
            return error
        case ReferralError():
            malformed = all(complaint.code in _MALFORMED for complaint in error.complaints)
            kind = "malformed-json" if malformed else "referral-refused"
            return Problem(kind, faults=[_fault(complaint) for complaint in error.complaints])
        case Disagreement() | EngineError():
            return Problem("engine-disagreement")
        case NotRecorded():
            return Problem("not-recorded", headers={"Retry-After": "5"})
    return Problem("internal-error")


def _fault(complaint: Complaint) -> Fault:
    return Fault(complaint.code, complaint.text, pointer=complaint.pointer)
