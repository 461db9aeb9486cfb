"""What was found in a record and could not be used, with the reason in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.language.vocabulary import Text


@dataclass(frozen=True, slots=True)
class Unused:
    """`resource` is "Type/id", or "Type/#n" by position; `code` a short word for programs; `text` for people."""

    resource: str
    code: str
    text: Text


REASONS: Mapping[str, Text] = {
    "absent": Text("résultat déclaré absent (dataAbsentReason)", "result declared absent (dataAbsentReason)"),
    "answer": Text("réponse qui ne dit ni oui ni non", "answer that says neither yes nor no"),
    "comparator": Text("valeur bornée (< ou >), non exacte", "bounded value (< or >), not exact"),
    "components": Text("composantes non lues", "components not read"),
    "conflict": Text(
        "valeurs différentes pour le même instant ou le même fait", "different values for one instant or one fact"
    ),
    "deceased": Text("patient déclaré décédé", "patient declared deceased"),
    "do-not-perform": Text("prescription de ne pas donner", "order not to give"),
    "ended": Text("traitement terminé", "treatment ended"),
    "future": Text("daté après le moment de l’évaluation", "dated after the moment of evaluation"),
    "umbrella": Text(
        "métastases sans siège propre, alors qu’une autre ressource en donne un : pas une lésion de plus",
        "metastases with no site of their own, while another resource gives one: not one more lesion",
    ),
    "imprecise": Text("date trop peu précise pour conclure", "date not precise enough to conclude"),
    "inactive": Text("problème qui n’est plus actif", "problem no longer active"),
    "intent": Text("proposition, non prescription", "proposal, not an order"),
    "modifier": Text(
        "extension qui change le sens et que nous ne connaissons pas",
        "extension that changes the meaning, unknown to us",
    ),
    "no-code": Text("aucun code que le vocabulaire connaisse", "no code that the vocabulary knows"),
    "no-medication": Text("médicament introuvable dans l’envoi", "medication not found in what was sent"),
    "no-reason": Text(
        "demande dont le motif n’est pas une métastase osseuse", "request whose reason is not a bone metastasis"
    ),
    "not-a-resource": Text("élément qui n’est pas une ressource FHIR", "element that is not a FHIR resource"),
    "not-linked": Text("dispositif qui n’est rattaché à personne", "device linked to nobody"),
    "not-only": Text(
        "absence d’allergie déclarée à côté d’autres entrées, ou liste partielle",
        "no known allergy declared beside other entries, or in a partial list",
    ),
    "not-read": Text("type de ressource que nous ne lisons pas", "type of resource that we do not read"),
    "other-patient": Text("ressource d’un autre patient", "resource of another patient"),
    "outcome": Text("le serveur signale un problème", "the server reports a problem"),
    "partial": Text("liste envoyée en partie seulement (pages suivantes)", "list sent in part only (more pages)"),
    "range": Text("hors des bornes plausibles", "outside the plausible range"),
    "reaction": Text("réaction non décrite comme celle qui compte", "reaction not described as the one that counts"),
    "several-codes": Text("codes qui désignent plusieurs choses", "codes that name several things"),
    "several-patients": Text("plusieurs patients dans l’envoi", "several patients in what was sent"),
    "site": Text("siège non lisible sans ambiguïté", "site that cannot be read without ambiguity"),
    "site-conflict": Text("sièges contradictoires", "contradictory sites"),
    "status": Text("statut qui ne permet pas de l’utiliser", "status that does not allow its use"),
    "superseded": Text("un résultat plus récent n’a pas pu être lu", "a newer result could not be read"),
    "too-many": Text("plus de lésions que nous n’en traitons", "more lesions than we handle"),
    "unconfirmed": Text("diagnostic non confirmé", "diagnosis not confirmed"),
    "undated": Text("sans date utilisable", "without a usable date"),
    "unit": Text("unité absente, inconnue ou contradictoire", "unit missing, unknown or contradictory"),
    "unmatched-drug": Text(
        "produit que le vocabulaire ne connaît pas : inconnu", "product that the vocabulary does not know: unknown"
    ),
    "value": Text("valeur d’une forme que nous ne lisons pas", "value of a form that we do not read"),
    "which-lesion": Text("rien ne dit de quelle lésion il s’agit", "nothing says which lesion it is about"),
}


def unused(resource: str, code: str) -> Unused:
    return Unused(resource, code, REASONS[code])
