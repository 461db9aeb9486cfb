"""Why a clinician may set a card aside: the standard codes of HL7's terminology, said in French and in English."""

from service.language.vocabulary import Text

SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"

REASONS = {
    "patient-contraindication": Text("Contre-indication chez ce patient", "Contraindicated for this patient"),
    "patient-ineligible": Text("Le patient n’est pas concerné", "The patient is not eligible"),
    "need-more-info": Text("Il faut d’autres informations", "More information is needed"),
    "action-completed": Text("Déjà fait ou déjà demandé", "Already done or already ordered"),
    "risk-benefit-ratio": Text("Rapport bénéfice-risque défavorable", "Risks outweigh benefits"),
    "patient-refuses": Text("Le patient refuse", "The patient refuses"),
    "prefers-alternative": Text("Une autre option est préférée", "Another option is preferred"),
    "service-not-available": Text("Non disponible ici", "Not available here"),
}


def reasons(language: str) -> list[dict[str, str]]:
    return [{"code": code, "system": SYSTEM, "display": text.in_(language)} for code, text in REASONS.items()]
