"""The site: which pages there are, and each of them as bytes. Same rulebook, same day: same bytes."""

import hashlib
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service import ENGINE_VERSION
from service.rulebook.model import MODE_KINDS, Rulebook
from service.tell import words
from service.tell.catalogue import Catalogue
from service.workbench.site import chain
from service.workbench.site.references import References
from service.workbench.site.views import FOLDERS, Link, Views, page_of

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
#: the first is the root's
LANGUAGES = ("fr", "en")


@dataclass(frozen=True, slots=True)
class Page:
    """One page in one language: its title, and what its template reads."""

    template: str
    title: str
    context: Callable[[], Mapping[str, Any]]


class Site:
    """Pages are rendered when they are asked for. `form` is the address of the clinician's form, where there is one."""

    def __init__(self, rulebook: Rulebook, today: date, form: str = "") -> None:
        self.rulebook = rulebook
        self.today = today
        self._form = form
        self._references = References(rulebook)
        self._summary = Catalogue(rulebook).summary
        self._views = {language: Views(self._references, language) for language in LANGUAGES}
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @cached_property
    def version(self) -> str:
        """What the bytes of the pages depend on, in one word: rulebook, day, and the pages' own making."""
        made = hashlib.sha256()
        for path in sorted((*HERE.rglob("*.html"), *ASSETS.iterdir())):
            made.update(path.read_bytes())
        made.update(f"{self.rulebook.digest} {self.today} {ENGINE_VERSION} {self._form}".encode())
        return made.hexdigest()

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every file of the site, by its path from the root, in the order of their names."""
        pages = [f"{language}/{page}" for language in LANGUAGES for page in self._pages[language]]
        return tuple(sorted(["index.html", *pages, *(f"assets/{path.name}" for path in ASSETS.iterdir())]))

    def content(self, path: str) -> bytes:
        """One file of the site. Raises KeyError when there is none of this path."""
        if path not in self.paths:
            raise KeyError(path)
        if path.startswith("assets/"):
            return (ASSETS / PurePosixPath(path).name).read_bytes()
        language, _, page = path.partition("/") if path != "index.html" else (LANGUAGES[0], "", "index.html")
        return self._rendered(path, language, page).encode()

    def _rendered(self, path: str, language: str, name: str) -> str:
        page = self._pages[language][name]
        views = self._views[language]
        other = LANGUAGES[1] if language == LANGUAGES[0] else LANGUAGES[0]

        def url(target: str, anchor: str = "") -> str:
            """The address of a page of the same language, from this one."""
            return _relative(path, f"{language}/{target}") + (f"#{quote(anchor)}" if anchor else "")

        def link(to: Link) -> str:
            return url(to.page, to.anchor)

        return self._environment.get_template(page.template).render(
            language=language,
            t=views.tell.t,
            say=views.tell.say,
            tell=views.tell,
            views=views,
            url=url,
            link=link,
            asset=lambda file: _relative(path, f"assets/{file}"),
            here=name,
            other=other,
            other_url=_relative(path, f"{other}/{name}"),
            title=page.title,
            menu=self._menu(language),
            form=f"{self._form}?lang={language}" if self._form else "",
            info=self.rulebook.info,
            digest=self.rulebook.digest,
            engine_version=ENGINE_VERSION,
            today=self.day(self.today, language),
            status=self._status(views),
            **page.context(),
        )

    def day(self, when: date, language: str) -> str:
        return words.day(when, language).replace(" ", "\u00a0", 1)

    def _status(self, views: Views) -> str:
        draft = self.rulebook.info.status == "draft"
        return views.tell.t("provisoire", "draft") if draft else views.tell.t("approuvé", "approved")

    def _menu(self, language: str) -> list[tuple[str, str]]:
        pages = self._pages[language]
        names = (
            "index.html",
            "techniques/index.html",
            "rules/index.html",
            "alerts.html",
            "modes.html",
            "scores.html",
            "vocabulary.html",
            "order.html",
            "checks.html",
            "sources.html",
            "review.html",
            "changelog.html",
            "chain.html",
        )
        return [(name, pages[name].title) for name in names]

    @cached_property
    def _pages(self) -> dict[str, dict[str, Page]]:
        return {language: dict(self._of(self._views[language])) for language in LANGUAGES}

    def _of(self, views: Views) -> Iterator[tuple[str, Page]]:
        t = views.tell.t
        single: tuple[tuple[str, str, Callable[[Views], Mapping[str, Any]]], ...] = (
            ("index", t("Accueil", "Home"), self._home),
            ("alerts", t("Alertes", "Alerts"), self._alerts),
            ("modes", t("Anesthésie, guidage, séjour", "Anaesthesia, guidance, stay"), self._modes),
            ("scores", t("Scores", "Scores"), self._scores),
            ("vocabulary", t("Vocabulaire", "Vocabulary"), self._vocabulary),
            ("order", t("Statuts et classement", "Statuses and ranking"), self._order),
            ("checks", t("Vérifications et réglages", "Checks and settings"), self._checks),
            ("sources", t("Bibliographie", "Bibliography"), self._sources),
            ("review", t("À vérifier, à relire", "To check, to review"), self._review),
            ("changelog", t("Versions", "Versions"), self._changelog),
            ("chain", t("Enchaînement", "How it chains"), self._chain),
        )
        for name, title, context in single:
            yield f"{name}.html", Page(f"{name}.html", title, partial(context, views))
        yield "rules/index.html", Page("rules.html", t("Toutes les règles", "Every rule"), partial(self._rules, views))
        yield (
            "techniques/index.html",
            Page("techniques.html", t("Techniques", "Techniques"), partial(self._techniques, views)),
        )
        for name in self.rulebook.techniques:
            title = views.technique_link(name).label
            yield f"techniques/{name}.html", Page("technique.html", title, partial(self._technique, views, name))
        for file in self._references.rules_of:
            title = views.file_link(file).label
            yield page_of(file), Page("topic.html", title, partial(self._topic, views, file))

    # ---- what each page reads ----

    def _home(self, views: Views) -> Mapping[str, Any]:
        references = self._references
        return {
            "counts": self._summary["counts"],
            "claims": self._claims(views),
            "effective": self.day(date.fromisoformat(self.rulebook.info.effective), views.tell.language),
            "unchecked": len(references.unchecked),
            "evidence": len(references.evidence),
            "overdue": len(references.overdue(self.today)),
            "reviews": len(references.reviews),
            "techniques": [views.technique_link(name) for name in self.rulebook.techniques],
        }

    def _claims(self, views: Views) -> list[tuple[str, int]]:
        """How many rules make each claim."""
        by_claim = self._summary["counts"]["by_claim"]
        told = {claim: views.tell.say(words.CLAIM[claim]) for claim in ("indicates", "favours", "preempts")}
        told["contraindicates"] = views.tell.t("contre-indication", "contraindication")
        return [(label, by_claim.get(claim, 0)) for claim, label in told.items()]

    def _folders(self, views: Views) -> list[tuple[str, list[str]]]:
        t = views.tell.t
        titles = {
            "alerts": t("Alertes", "Alerts"),
            "safety": t("Sécurité", "Safety"),
            "techniques": t("Techniques", "Techniques"),
            "anaesthesia": t("Anesthésie", "Anaesthesia"),
            "guidance": t("Guidage", "Guidance"),
            "stay": t("Séjour", "Stay"),
        }
        files = self._references.rules_of
        found = [(titles[folder], [file for file in files if file.split("/")[0] == folder]) for folder in FOLDERS]
        return [(title, files) for title, files in found if files]

    def _rules(self, views: Views) -> Mapping[str, Any]:
        return {"folders": self._folders(views)}

    def _topic(self, views: Views, file: str) -> Mapping[str, Any]:
        folder = file.split("/")[0]
        data = self._references.files[file]
        subject = next((views.technique_link(data[key]) for key in ("technique",) if key in data), None)
        if folder in MODE_KINDS:
            subject = views.mode_link(self.rulebook.modes[(folder, data[folder])])
        return {
            "file": file,
            "rules": views.of_file(file),
            "because": self._references.because(file),
            "subject": subject,
            "review": self._reviewed(file, views),
        }

    def _reviewed(self, file: str, views: Views) -> tuple[str, bool] | None:
        day = self.rulebook.review_by.get(file)
        if day is None:
            return None
        when = date.fromisoformat(day)
        return self.day(when, views.tell.language), when < self.today

    def _techniques(self, views: Views) -> Mapping[str, Any]:
        return {"techniques": list(self.rulebook.techniques.values())}

    def _technique(self, views: Views, name: str) -> Mapping[str, Any]:
        technique = self.rulebook.techniques[name]
        file = next(file for file, data in self._references.files.items() if data.get("technique") == name)
        return {
            "technique": technique,
            "file": file,
            "table": views.decision_table(technique),
            "modes": views.mode_tables(technique),
            "whole": chain.of_technique(views, technique),
            "proposed": chain.of_indications(views, technique),
            "review": self._reviewed(file, views),
            "own_page": page_of(file),
        }

    def _alerts(self, views: Views) -> Mapping[str, Any]:
        return {"alerts": [rule for rule in views.rules.values() if rule.alert]}

    def _modes(self, views: Views) -> Mapping[str, Any]:
        book = self.rulebook
        kinds = []
        for kind in MODE_KINDS:
            modes = [
                (
                    mode,
                    [
                        views.technique_link(name)
                        for name, technique in book.techniques.items()
                        if mode.id in technique.modes[kind]
                    ],
                    [file for file in self._references.rules_of if self._references.files[file].get(kind) == mode.id],
                )
                for mode in book.modes.values()
                if mode.kind == kind
            ]
            kinds.append((kind, words.sentence(views.tell.say(words.KIND[kind]))[:-1], modes))
        return {"kinds": kinds}

    def _scores(self, views: Views) -> Mapping[str, Any]:
        book, references = self.rulebook, self._references
        readers = {
            name: [rule for rule in views.rules.values() if any(link.anchor == name for link in rule.scores)]
            for name in book.scores
        }
        return {
            "scores": [book.scores[name] for name in sorted(book.scores)],
            "references": references,
            "readers": readers,
        }

    def _vocabulary(self, views: Views) -> Mapping[str, Any]:
        items = list(self.rulebook.vocabulary)
        sections = [
            (name, views.tell.say(label), [item for item in items if item.section == name])
            for name, label in self.rulebook.vocabulary.sections.items()
        ]
        return {"sections": sections, "reading": self._references.reading, "checklist": self.rulebook.checklist}

    def _order(self, views: Views) -> Mapping[str, Any]:
        return {
            "statuses": words.STATUS,
            "ranking": self.rulebook.ranking,
            "session": self.rulebook.session,
            "mode_label": lambda mode: views.tell.say(self.rulebook.modes[("anaesthesia", mode)].label),
        }

    def _checks(self, views: Views) -> Mapping[str, Any]:
        return {"book": self.rulebook, "references": self._references, "status_words": words.STATUS}

    def _sources(self, views: Views) -> Mapping[str, Any]:
        citing = self._references.citing
        return {
            "sources": [(self.rulebook.sources[key], cited) for key, cited in citing.items() if cited],
            "idle": [self.rulebook.sources[key] for key, cited in citing.items() if not cited],
            "seen": words.SEEN,
        }

    def _review(self, views: Views) -> Mapping[str, Any]:
        references = self._references

        def told(files: list[tuple[str, date]]) -> list[tuple[str, str]]:
            return [(file, self.day(day, views.tell.language)) for file, day in files]

        overdue = references.overdue(self.today)
        return {
            "unchecked": references.unchecked,
            "evidence": len(references.evidence),
            "overdue": told(overdue),
            "ahead": told([each for each in references.reviews if each not in overdue]),
            "unplanned": references.never_reviewed,
            "unread": [source for _, source in sorted(self.rulebook.sources.items()) if source.seen == "unchecked"],
            "pages": {file: page_of(file) for file in references.rules_of},
        }

    def _changelog(self, views: Views) -> Mapping[str, Any]:
        releases = [
            (release, self.day(date.fromisoformat(release.date), views.tell.language))
            for release in self.rulebook.releases
        ]
        return {"releases": releases}

    def _chain(self, views: Views) -> Mapping[str, Any]:
        references, book = self._references, self.rulebook
        shared = [file for file in references.rules_of if file.split("/")[0] in ("alerts", "safety")]
        matrix = [
            (
                views.file_link(file),
                [
                    sum(name in references.techniques_of.get(rule.id, ()) for rule in references.rules_of[file])
                    for name in book.techniques
                ],
            )
            for file in shared
        ]
        return {
            "whole": chain.of_rulebook(views),
            "matrix": matrix,
            "techniques": [views.technique_link(name) for name in book.techniques],
        }


def _relative(here: str, target: str) -> str:
    """The address of one file of the site from another."""
    return quote(posixpath.relpath(target, posixpath.dirname(here) or "."))
