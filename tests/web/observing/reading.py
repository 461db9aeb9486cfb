"""Reads what /metrics tells."""

from prometheus_client.parser import text_string_to_metric_families


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels; each stands there once."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def value(text: str, name: str, /, **labels: str) -> float:
    """The sum of the samples of this name that have these labels; 0 when there is none."""
    wanted = set(labels.items())
    return sum(number for (named, having), number in samples(text).items() if named == name and wanted <= having)
