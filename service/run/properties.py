"""What is known of a patient or lesion, as the numbers the engine compares. Unknown values have no property."""

from collections.abc import Mapping

from service.language.facts import Listing, Moment, Value
from service.language.vocabulary import Vocabulary


def properties_of(known: Mapping[str, Value], vocabulary: Vocabulary) -> dict[str, float]:
    """Numbers as they are, flags as 0 or 1, words by their place, lists word by word, moments as hours and days."""
    values: dict[str, float] = {}
    for name, value in known.items():
        match value:
            case bool():
                values[name] = 1.0 if value else 0.0
            case float():
                values[name] = value
            case str():
                values[name] = float(list(vocabulary[name].choices).index(value))
            case Listing():
                for word in vocabulary[name].choices:
                    holds = value.holds(word)
                    if holds is not None:
                        values[f"{name}:{word}"] = 1.0 if holds else 0.0
            case Moment():
                values[f"{name}:since:low"], values[f"{name}:since:high"] = value.since
                values[f"{name}:days"] = float(value.days)
    return values
