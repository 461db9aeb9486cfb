"""Values are changed where they stand: everything else in the file stays as somebody wrote it."""

from datetime import date

import pytest
import yaml

from service.language.vocabulary import Text
from service.workbench.publish.editing import CannotEdit, with_release, with_values

DAY = date(2026, 11, 25)
BOOK = """\
# The rulebook.
name: indication   # never changes

version: 0.1.0     # see the changelog
effective: "2026-11-23"
status: draft
approved_by: []    # nobody yet
# words
notice: {fr: "Provisoire.", en: 'A draft.'}
"""
PLAIN = frozenset({("version",), ("status",)})
VALUES = {
    ("version",): "1.0.0",
    ("effective",): "2027-01-04",
    ("status",): "approved",
    ("approved_by",): ("A. First", 'B. "Second"'),
}


def test_values_are_changed_in_place():
    assert (
        with_values(BOOK, "rulebook.yaml", VALUES, PLAIN)
        == """\
# The rulebook.
name: indication   # never changes

version: 1.0.0     # see the changelog
effective: "2027-01-04"
status: approved
approved_by: ["A. First", "B. \\"Second\\""]    # nobody yet
# words
notice: {fr: "Provisoire.", en: 'A draft.'}
"""
    )


def test_a_value_further_in():
    edited = with_values(BOOK, "rulebook.yaml", {("notice", "en"): "Approved: «really»."})
    assert edited == BOOK.replace("'A draft.'", '"Approved: «really»."')


def test_a_list_on_lines_of_its_own():
    book = BOOK.replace(
        "approved_by: []    # nobody yet\n", "approved_by:\n  - A. First   # in the chair\n  - B. Second\n\n"
    )
    edited = with_values(book, "rulebook.yaml", {("approved_by",): ["C. Third"]})
    assert edited == BOOK.replace("approved_by: []    # nobody yet\n", 'approved_by:\n  ["C. Third"]\n\n')


def test_a_block_of_text():
    block = "\n  fr: |\n    Provisoire.\n    Vraiment.\n  # English\n  en: >-\n    A draft.\n"
    book = BOOK.replace("{fr: \"Provisoire.\", en: 'A draft.'}", block)
    assert block in book
    edited = with_values(book, "rulebook.yaml", {("notice", "fr"): "Bon."})
    assert '  fr: "Bon."\n  # English\n  en: >-\n    A draft.\n' in edited


@pytest.mark.parametrize("text", ["", "- a\n", "version: 1\n", "version: [\n"])
def test_what_cannot_be_edited(text):
    with pytest.raises((CannotEdit, yaml.YAMLError)):
        with_values(text, "rulebook.yaml", VALUES, PLAIN)


WORDS = Text("Plus tôt.", "Earlier.")


def released(text: str, changes: Text = WORDS) -> str:
    return with_release(text, "changelog.yaml", "1.1.0", DAY, ["A. First", "B. Second"], changes)


ENTRY = """\
  - version: 1.1.0
    date: "2026-11-25"
    approved_by: ["A. First", "B. Second"]
    changes:
      fr: "Plus tôt."
      en: "Earlier."
"""
OLDER = """\
  # the first that was approved
  - version: 1.0.0
    date: "2026-01-01"
    approved_by: [C. Third]
    changes: {fr: a, en: b}   # short
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# Newest first.\nreleases: []\n", f"# Newest first.\nreleases:\n{ENTRY}"),
        ("releases: []   # none yet\n# the end\n", f"releases:   # none yet\n{ENTRY}# the end\n"),
        ("releases: []", f"releases:\n{ENTRY}"),
        (f"releases:\n{OLDER}", f"releases:\n{ENTRY}{OLDER}"),
        (
            f"releases:   # newest first\n\n{OLDER}# the end\n",
            f"releases:   # newest first\n{ENTRY}\n{OLDER}# the end\n",
        ),
    ],
)
def test_a_release_is_added_before_the_others(before, after):
    assert released(before) == after


def test_a_list_that_is_not_indented():
    older = '- version: 1.0.0\n  date: "2026-01-01"\n  approved_by: [C]\n  changes: {fr: a, en: b}\n'
    edited = released(f"releases:\n{older}")
    assert edited.startswith("releases:\n- version: 1.1.0\n  date:")
    assert edited.endswith(older)


def test_words_on_several_lines_read_as_they_are():
    words = Text("Plaquettes : 50 → 30 G/L ;\n\n- puis # ceci\n  'cela' \"et\" {x: y}", "One\nTwo: three")
    edited = released("releases: []\n", changes=words)
    assert "      fr: |-\n        Plaquettes : 50 → 30 G/L ;\n\n        - puis # ceci\n" in edited
    changes = yaml.safe_load(edited)["releases"][0]["changes"]
    assert changes == {"fr": words.fr, "en": words.en}


def test_a_list_in_one_line_is_not_torn_apart():
    with pytest.raises(CannotEdit, match="on lines of its own"):
        released('releases: [{version: 1.0.0, date: "2026-01-01", approved_by: [C], changes: {fr: a, en: b}}]\n')


def test_an_edit_that_would_say_something_else_is_no_edit():
    """A text that YAML cannot hold in a block as it is."""
    with pytest.raises(CannotEdit, match="cannot be edited by place"):
        released("releases: []\n", changes=Text(" begins with a space\nsecond", "b"))
