"""GET /rulebook: the site of the rules in use, read-only. A page is rendered on first demand and kept while it is current."""

from collections import OrderedDict
from datetime import UTC, date, datetime
from mimetypes import guess_type
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, current_app, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from service.language.errors import nearest
from service.language.vocabulary import Text
from service.rulebook.model import Rulebook
from service.web import asked
from service.web.answering import identified
from service.web.form import pages as form
from service.web.problem import Problem
from service.web.state import state
from service.workbench.site.site import LANGUAGES, Site

blueprint = Blueprint("rulebook", __name__, url_prefix="/rulebook")
blueprint.register_error_handler(Exception, form.told_as_page)

SHELF = "indication.rulebook-pages"
#: rulebooks (or days) whose pages are kept: the one in use, and the one it has just replaced
KEPT = 2


class Shelf:
    """The sites that were asked for, with the pages rendered so far. A site has so many pages and no more."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, date], tuple[Site, dict[str, bytes]]] = OrderedDict()

    def site(self, book: Rulebook) -> tuple[Site, dict[str, bytes]]:
        today = datetime.now(UTC).astimezone(ZoneInfo(book.info.timezone)).date()
        key = (book.digest, today)
        found = self._kept.get(key)
        if found is None:
            # Two threads may both come here: the pages are the same, and the later ones are kept.
            found = self._kept[key] = (Site(book, today, form="/"), {})
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


def register(app: Flask) -> None:
    app.extensions[SHELF] = Shelf()
    app.register_blueprint(blueprint)


@blueprint.get("")
@blueprint.get("/")
def home() -> BaseResponse:
    """The first page, in the language asked for."""
    asked.only("lang")
    response = redirect(f"/rulebook/{asked.one_of('lang', LANGUAGES) or asked.language()}/index.html")
    response.vary.add("Accept-Language")
    return response


@blueprint.get("/<path:name>")
def page(name: str) -> BaseResponse:
    """One file of the site; with ?lang=, the same page in that language."""
    asked.only("lang")
    book = state().desk().decider.rulebook
    shelf: Shelf = current_app.extensions[SHELF]
    site, rendered = shelf.site(book)
    language, _, rest = name.partition("/")
    wanted = asked.one_of("lang", LANGUAGES)
    if wanted and language in LANGUAGES and wanted != language and name in site.paths:
        return redirect(f"/rulebook/{wanted}/{rest}")
    if name not in rendered:
        if name not in site.paths:
            raise _missing(name, site)
        rendered[name] = site.content(name)
    kind = guess_type(name)[0] or "application/octet-stream"
    response = Response(rendered[name], content_type=f"{kind}; charset=utf-8")
    if name.endswith(".html"):
        response.content_language.add(language if language in LANGUAGES else LANGUAGES[0])
    # Weak, since it may be sent compressed: the digest, the day, and how the pages are made.
    response.set_etag(f"{book.digest}-{site.today}-{site.version[:16]}", weak=True)
    return identified(response, book).make_conditional(request)


def _missing(name: str, site: Site) -> Problem:
    near = nearest(name[:100], site.paths)
    return Problem(
        "not-found",
        detail=Text(
            f"Le référentiel n’a pas de page « {name[:100]} »{f' ; vouliez-vous dire « {near} » ?' if near else '.'}",
            f"The rulebook has no page «{name[:100]}»{f'; did you mean «{near}»?' if near else '.'}",
        ),
    )
