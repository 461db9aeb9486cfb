"""A page as a reader takes it: its links, its text without what has no translation, and whether its tags close."""

from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input", "br", "img", "hr"})
#: what has no translation: identifiers, titles of publications, and what is written as it stands in the rule files
UNTRANSLATED = frozenset({"code", "pre", "cite"})


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.inline: list[str] = []
        self.faults: list[str] = []
        self.words: list[str] = []
        self.language = ""
        self._open: list[tuple[str, bool]] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag, _ in self._open]

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self._note(tag, values)
        if tag == "html":
            self.language = values["lang"]
        foreign = "lang" in values and tag != "html" and values["lang"] != self.language
        if tag not in VOID:
            self._open.append((tag, foreign or tag in UNTRANSLATED))

    def handle_startendtag(self, tag, attrs):
        self._note(tag, dict(attrs))

    def handle_endtag(self, tag):
        if not self._open or self._open[-1][0] != tag:
            self.faults.append(f"</{tag}> closes <{self._open[-1][0] if self._open else 'nothing'}> at {self.getpos()}")
        if self._open:
            self._open.pop()

    def handle_data(self, data):
        if not any(untranslated for _, untranslated in self._open):
            self.words.append(data)

    def _note(self, tag, values):
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        if tag in ("link", "script", "img"):
            self.loaded.append(values.get("href") or values.get("src") or "inline")
        if tag == "style" or any(name == "style" or name.startswith("on") for name in values):
            self.inline.append(tag)
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if "aria-label" in values:
            self.words.append(values["aria-label"])

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())
