"""The words that are offered for the changelog."""

from service.language.vocabulary import Text
from service.workbench.diff import Change
from service.workbench.publish.following import Following


def test_what_publishing_itself_writes_is_no_news():
    def change(kind: str, of: str, words: str) -> Change:
        return Change(kind, "rulebook.yaml:1", Text(words, words), "wording", of=of)

    changes = (
        change("rulebook", "status", "approved → draft"),
        change("rulebook", "version", "1.0.0 → 1.1.0"),
        change("rulebook", "notice", "another notice"),
        change("rule.because", "status", "another sentence"),
    )
    words = Following("loosening", None, changes).words  # type: ignore[arg-type]
    assert words.en == words.fr == "another notice\nanother sentence"
