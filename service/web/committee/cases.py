"""A patient of a computation as the file of a case, for a person to read, to mend and to approve."""

import re
from datetime import datetime
from typing import Any

from service.web.committee.search import fold
from service.workbench.adding import case_text

_HEAD = """\
# Situation trouvée par l’atelier du comité. La réponse attendue ci-dessous est celle du brouillon : personne ne l’a approuvée.
# La relire ; compléter « why » ; ajouter, par qui et quand elle est approuvée, deux lignes :
#   approved_by: ["…"]
#   approved_on: "AAAA-MM-JJ"
# puis ranger le fichier dans fixtures/referrals/. Sans elles, « flask rules test » refuse le cas.
#
# A situation that the committee's workbench found. The answer expected below is the draft's: nobody has approved it.
# Read it; complete «why»; add, by whom and when it is approved, two lines:
#   approved_by: ["…"]
#   approved_on: "YYYY-MM-DD"
# and put the file into fixtures/referrals/. Without them `flask rules test` refuses the case.
"""


def file(patient: Any) -> str:
    """The text of the file. Raises CannotBeWritten."""
    data = {
        "name": patient["name"],
        "why": "…",
        "at": datetime.fromisoformat(patient["at"]).isoformat(),
        "referral": patient["referral"],
        "expect": patient["expect"] or {},
    }
    return _HEAD + case_text(data)


def name(patient: Any) -> str:
    """A name for the file: small letters, figures and hyphens."""
    words = re.sub(r"[^a-z0-9]+", "-", fold(patient["name"]["en"])).strip("-")[:60].strip("-")
    return words or "case"
