"""The first sheet of a workbook: what it is, how a threshold is changed, what not to do."""

from service.rulebook.model import Rulebook
from service.workbench.decision_tables.layout import SHEETS, WORDS

_STEPS = (
    (
        "Changer un seuil : dans la feuille de la règle, sur la ligne du critère, écrire le nouveau nombre dans la colonne "
        "« valeur » (fond jaune). L’unité est dans la colonne suivante. Les colonnes « en clair » ne se mettent pas à jour et "
        "ne sont pas relues.",
        "To change a threshold: in the sheet of the rule, on the row of the criterion, write the new number in the column "
        "“value” (yellow). Its unit is in the next column. The columns “in words” do not follow and are not read back.",
    ),
    (
        "Une règle tient sur une ou plusieurs lignes, une par critère. Le niveau dit où le critère se range : les lignes de "
        "niveau 1 appartiennent à la ligne de niveau 0 au-dessus, et ainsi de suite. Une ligne porte soit un lien, soit un "
        "critère. Liens : all (toutes), any (l’une au moins), not (ne doit pas être vrai), any_lesion (une lésion au moins), "
        "every_lesion (chaque lésion), count_lesions (nombre de lésions, avec comparaison et valeur).",
        "A rule takes one row or more, one for each criterion. The level says where the criterion belongs: rows of level 1 "
        "belong to the row of level 0 above them, and so on. A row holds either a joint or a criterion. Joints: all, any, "
        "not, any_lesion, every_lesion, count_lesions (how many lesions, with a comparison and a value).",
    ),
    (
        "Ajouter un critère : insérer une ligne sous la règle, y répéter technique et règle, donner le niveau. En ôter un : "
        "supprimer toute la ligne. Seule la première ligne d’une règle porte le reste (pourquoi, sources …).",
        "To add a criterion: insert a row below the rule, repeat technique and rule in it, give the level. To take one out: "
        "delete the whole row. Only the first row of a rule holds the rest (because, sources …).",
    ),
    (
        "Une réponse inconnue n’est jamais un « non » : « no » comme comparaison veut dire que l’on sait que c’est non.",
        "An unknown answer is never a “no”: “no” as a comparison means that it is known to be no.",
    ),
    (
        "Décimales : laisser le tableur en faire un nombre. Un pourcentage s’écrit 50 avec l’unité %. Plusieurs mots se "
        "séparent par des virgules. Durées : 72 h, 7 d, 6 wk, 3 mo, 1 y.",
        "Decimals: let the spreadsheet make a number of them. A percentage is written 50 with the unit %. Several words are "
        "parted by commas. Times: 72 h, 7 d, 6 wk, 3 mo, 1 y.",
    ),
    (
        "Ne pas changer la troisième ligne des feuilles ni les colonnes fichier et empreinte. Les colonnes peuvent être "
        "déplacées ; une colonne de notes personnelles (sans clé en ligne 3) n’est pas lue. Pas de formules, pas de macros.",
        "Leave the third row of the sheets and the columns file and digest as they are. Columns may be moved; a column of "
        "notes of your own (without a key in row 3) is not read. No formulas, no macros.",
    ),
    (
        "Relire : flask rules table import FICHIER.xlsx --rules DOSSIER. Toutes les erreurs sont dites à la fois, avec leur "
        "cellule. Seules les lignes qui ont changé changent dans les fichiers.",
        "To read it back: flask rules table import FILE.xlsx --rules FOLDER. All mistakes are told at once, each with its "
        "cell. Only the lines that changed are changed in the files.",
    ),
)


def instructions(book: Rulebook) -> list[tuple[str, str]]:
    """Rows of French beside English."""
    info = book.info
    of = f"{info.name} {info.version} ({info.status}), {book.digest[:12]}"
    sheets = [
        (f"Feuille « {sheet.name} » : {sheet.about.fr}.", f"Sheet “{sheet.name}”: {sheet.about.en}.")
        for sheet in (*SHEETS.values(), WORDS)
    ]
    return [
        ("Tables de décision", "Decision tables"),
        (f"Référentiel {of}. {info.notice.fr}", f"Rulebook {of}. {info.notice.en}"),
        *_STEPS,
        *sheets,
    ]
