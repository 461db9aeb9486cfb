"""What makes a reader stumble: typography of both languages, leftovers of the machine."""

import re
from collections.abc import Iterator


def faults_of_text(text: str, language: str) -> Iterator[str]:
    """What a reader would stumble on, in any text."""
    if text != text.strip():
        yield "space at an edge"
    if "  " in text or "\n" in text:
        yield "double space"
    if re.search(r"[{}«»\"']\s*[{}]|\{\}|\bNone\b|\bTODO\b|\bXXX\b|%[sd]|\bnull\b", text):
        yield "leftover"
    if re.search(r"\.\.|,,|;;| ,| \.(?!\d)|\(\s|\s\)|\(\)", text):
        yield "punctuation"
    if language == "fr":
        if re.search(r"[^\s\d][:;?!»](\s|$)|\d[;?!](\s|$)|«\S", text):
            yield "no space before a double sign"
        # A unit is written as it is: mL/min/1.73m2.
        if re.search(r"\d\.\d", text.replace("/1.73m2", "")):
            yield "decimal point"
        if "'" in text:
            yield "straight apostrophe"
    else:
        if re.search(r"\s[:;?!]", text):
            yield "space before a double sign"
        if re.search(r"\d,\d(?!\d\d)", text):
            yield "decimal comma"


def faults_of_sentence(text: str) -> Iterator[str]:
    if not text.endswith((".", "!", "?")):
        yield "no full stop"
    if text[:1].islower():
        yield "no capital"
