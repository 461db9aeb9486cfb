"""What the checks of sense find, in French: they word it in English, for the command line."""

from collections.abc import Mapping

#: the name of a check -> what it finds
FRENCH: Mapping[str, str] = {
    "figure-and-limit": "Le chiffre de la phrase n’est pas le seuil de la condition",
    "figure-by-language": "Un chiffre est dans le texte français et pas dans l’anglais, ou l’inverse",
    "side-reversed": "La phrase et la condition sont de part et d’autre du seuil",
    "unit-slip": "Seuil 10, 100 ou 1000 fois celui d’une autre règle : l’unité a-t-elle glissé ?",
    "never-decides": "Seuil au bord du possible : la comparaison est toujours vraie, ou jamais",
    "severity-falls": "De deux contre-indications, la plus éloignée de la normale est la moins grave",
    "said-twice": "Le même critère figure deux fois",
    "rule-twice": "Deux règles disent la même chose des mêmes actes, à la même condition",
    "bears-on-nobody": "La règle ne porte sur aucune technique",
    "mode-not-admitted": "La règle porte sur un mode qu’aucune de ses techniques n’admet",
    "recheck-elsewhere": "L’item à recontrôler n’est ni dans la condition ni dans la phrase",
    "correction-lost": "Contre-indication sans correction, alors que tout ce qu’elle lit peut changer",
    "checklist-never": "Item à la fois dans la liste d’avant geste et parmi ceux qui n’y vont jamais",
    "score-negated": "Un score d’usage limité figure sous une négation",
    "never-old": "Valeur qu’un traitement peut changer, sans durée de validité",
    "band-gap": "Un total possible du score n’est dans aucune de ses classes",
    "band-overlap": "Un total du score est dans deux de ses classes",
    "verified-unseen": "« verified: true », alors que personne n’a lu la source",
    "source-uncited": "Source que rien ne cite",
    "item-unread": "Item qu’aucune règle ne lit",
    "review-overdue": "La date de relecture de ce fichier est passée",
}
