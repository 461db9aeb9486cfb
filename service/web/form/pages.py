"""The addresses of the form. Every one of them takes the whole form and keeps nothing of it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, current_app, render_template, request, url_for
from markupsafe import Markup
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from service import ENGINE_VERSION
from service.decision import Language
from service.language.vocabulary import Text
from service.referral import strict_json
from service.referral.complaints import ReferralError
from service.referral.schema import MAX_LESIONS, parse_day
from service.settings.kinds import NO_RECORD
from service.tell import words
from service.web import asked, refusals
from service.web.answering import identified
from service.web.form import result, same_origin, skeleton, what_if
from service.web.form.deciding import Outcome, decided
from service.web.form.entries import PATIENT, Typed, left_out, lesion_owners, name, said, typed_from
from service.web.form.examples import KINDS, Examples
from service.web.form.fields import Controls
from service.web.form.place import LEVEL, PLACE, SIDE, SITE
from service.web.form.view import Viewer, choices, facts, moment_words
from service.web.problem import Problem
from service.web.state import Desk, state

blueprint = Blueprint("form", __name__)

EXAMPLES = "indication.examples"
#: a fact sheet has room for so many values beside the lesions
MOST_FACTS = 14
#: no control has a longer name, and no form more controls
_NAME = re.compile(r"[a-z|]{0,5}[a-z]+\d{0,2}:[a-z0-9_.]{1,60}:[a-z_]{1,10}\Z")
MOST_CONTROLS = 12_000


@dataclass(frozen=True, slots=True)
class Visit:
    """What one request says: the controls, what to do with them, in which language, for which moment."""

    typed: Typed
    do: str
    language: Language
    #: the moment of evaluation when it is not now
    moment: datetime | None
    what_if: str

    @property
    def at(self) -> datetime:
        return self.moment or datetime.now(UTC).replace(microsecond=0)


def register(app: Any, fixtures: Path) -> None:
    app.extensions[EXAMPLES] = Examples(fixtures)
    app.register_blueprint(blueprint)


@blueprint.before_request
def only_from_here() -> None:
    if request.method == "POST":
        same_origin.check()


@blueprint.errorhandler(Exception)
def told_as_page(error: Exception) -> Response:
    """A refusal for whoever looks at a page; it is logged as everywhere else."""
    if isinstance(error, HTTPException) and (error.code or 500) < 400:
        return Response(error.get_response().get_data(), error.code, error.get_headers())
    found = refusals.refusal(error)
    language = _language()
    page = render_template("form/problem.html", **_words(language), problem=found.told(language))
    return Response(page, found.status, found.headers, content_type="text/html; charset=utf-8")


# ---- reading a request -----------------------------------------------------------------------------------------------


def _language() -> Language:
    given = request.args.get("lang")
    match given:
        case "fr" | "en" as known:
            return known
    return asked.language()


def _visit() -> Visit:
    form = request.form
    typed = {key: tuple(form.getlist(key)) for key in list(form)[:MOST_CONTROLS] if _NAME.match(key)}
    # Nothing said of it: what is typed is known today. The page shows the same date.
    typed.setdefault(name(PATIENT, "recorded_at", "day"), (_today(),))
    return Visit(
        typed, form.get("do", "recommend")[:60], _language(), _moment(form.get("at", "")), form.get("what-if", "")[:100]
    )


def _today() -> str:
    zone = ZoneInfo(state().desk().decider.rulebook.info.timezone)
    return datetime.now(zone).date().isoformat()


def _moment(given: str) -> datetime | None:
    try:
        found = parse_day(given)
    except ValidationError:
        return None
    return found if isinstance(found, datetime) and found.tzinfo is not None else None


# ---- pages -----------------------------------------------------------------------------------------------------------


@blueprint.get("/")
def show() -> BaseResponse:
    """The form, empty or filled with an example."""
    language = _language()
    wanted = request.args.get("example")
    desk = state().desk()
    if wanted is None:
        return _page(desk, Visit({}, "", language, None, ""), tab="restore")
    example = _examples().all.get(wanted)
    if example is None:
        raise Problem("not-found")
    zone = ZoneInfo(desk.decider.rulebook.info.timezone)
    typed = typed_from(example.referral, desk.decider.rulebook.vocabulary, zone)
    notice = Text(
        f"Exemple : {example.label.fr}. Situation fictive.", f"Example: {example.label.en}. Fictitious situation."
    )
    return _page(desk, Visit(typed, "", language, example.at, ""), notices=[notice], tab="shown")


def filled(referral: Any, language: Language | None, notice: Text, status: int = 200, at: str = "") -> BaseResponse:
    """The form as another door fills it (a referral as the API takes it), or empty when that door has none.

    `at` is the moment of evaluation when it is not now.
    """
    desk = state().desk()
    zone = ZoneInfo(desk.decider.rulebook.info.timezone)
    typed = typed_from(referral, desk.decider.rulebook.vocabulary, zone)
    visit = Visit(typed, "", language or _language(), _moment(at), "")
    return _page(desk, visit, notices=[notice], tab="restore" if referral is None else "own", status=status)


@blueprint.post("/")
def act() -> BaseResponse:
    """What a button of the form, or a change in it, asks for: a page, or to htmx the parts that have changed."""
    visit = _visit()
    desk = state().desk()
    visit, add_fault = _changed(visit)
    if request.headers.get("HX-Request"):
        return _update(desk, visit, add_fault)
    return _page(desk, visit, add_fault=add_fault)


@blueprint.post("/trace")
def trace() -> BaseResponse:
    """The full trace of the form as it is, as a part of the page."""
    visit = _visit()
    desk = state().desk()
    outcome = decided(desk, visit.typed, visit.at, visit.language)
    return _html(desk, visit.language, str(_trace(desk, visit, outcome) or ""))


@blueprint.post("/print")
def sheet() -> BaseResponse:
    """One page for the multidisciplinary meeting."""
    visit = _visit()
    desk = state().desk()
    outcome = decided(desk, visit.typed, visit.at, visit.language)
    viewer = Viewer(desk.decider.rulebook, visit.language, visit.typed, outcome)
    if viewer.answer is None:
        return _page(desk, visit)
    context = _words(visit.language, viewer)
    return _html(
        desk,
        visit.language,
        render_template(
            "form/print.html",
            **context,
            view=result.view(viewer.answer, desk.decider.rulebook, visit.language, viewer.labels),
            facts=_facts(viewer, visit.language)[:MOST_FACTS],
            # What `flask audit show` takes, years later: the sheet is what stays in the patient's file.
            record=outcome.made.id if outcome.made and current_app.config["AUDIT_STORE"] != NO_RECORD else "",
        ),
    )


def _facts(viewer: Viewer, language: Language) -> list[tuple[str, str]]:
    """Each lesion's first items, then the patient's: what a meeting asks before anything else."""
    found = facts([control for section in viewer.patient_first for control in section.controls], language)
    for lesion in viewer.lesions:
        prefix = f"{lesion.label} — " if len(viewer.lesions) > 1 else ""
        own = [control for control in lesion.first if control.item not in PLACE]
        found += [(prefix + label, value) for label, value in facts(own, language)]
    return found


@blueprint.post("/referral.json")
def export() -> BaseResponse:
    """The form as the API takes it."""
    visit = _visit()
    desk = state().desk()
    outcome = decided(desk, visit.typed, visit.at, visit.language)
    if outcome.faults or outcome.general:
        return _page(desk, visit)
    body = json.dumps(outcome.filled.referral, ensure_ascii=False, indent=2) + "\n"
    response = Response(body, content_type="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="referral.json"'
    return identified(response, desk.decider.rulebook)


@blueprint.post("/import")
def open_file() -> BaseResponse:
    """A referral from a file, into the form. What the API would refuse is told beside its control."""
    desk = state().desk()
    language = _language()
    upload = request.files.get("file")
    try:
        referral = strict_json.parse(upload.read() if upload else b"")
        if not isinstance(referral, dict):
            raise ReferralError([])
    except ReferralError as error:
        told = [complaint.text for complaint in error.complaints] or [
            Text("il faut un objet JSON", "a JSON object is needed")
        ]
        notices = [Text(f"Fichier refusé : {text.fr}", f"File refused: {text.en}") for text in told[:5]]
        return _page(desk, Visit({}, "", language, None, ""), notices=notices, tab="shown", status=422)
    zone = ZoneInfo(desk.decider.rulebook.info.timezone)
    typed = typed_from(referral, desk.decider.rulebook.vocabulary, zone)
    strange = [name_[:60] for name_ in left_out(referral, typed, desk.decider.rulebook.vocabulary)[:10]]
    typed.setdefault(name(PATIENT, "recorded_at", "day"), ("",))
    notices = [Text("Cas ouvert depuis un fichier.", "Referral opened from a file.")]
    if strange:
        listed = ", ".join(strange)
        notices.append(
            Text(
                f"Non repris, car illisible ou inconnu : {listed}.",
                f"Not taken, because unreadable or not known: {listed}.",
            )
        )
    return _page(desk, Visit(typed, "", language, None, ""), notices=notices)


@blueprint.get("/examples")
def examples() -> BaseResponse:
    """Every example situation, by kind."""
    language = _language()
    desk = state().desk()
    groups = [(KINDS[kind].in_(language), found) for kind, found in _examples().by_kind().items() if found]
    return _html(desk, language, render_template("form/examples.html", **_words(language), groups=groups))


def _examples() -> Examples:
    found: Examples = current_app.extensions[EXAMPLES]
    return found


# ---- what the buttons do ---------------------------------------------------------------------------------------------


def _changed(visit: Visit) -> tuple[Visit, str]:
    """The form after its button was pressed, and what is wrong with a lesion that was to be added."""
    if visit.do == "add":
        return _added(visit)
    if visit.do.startswith("remove."):
        gone = visit.do.removeprefix("remove.")
        # The hypothesis may be about a lesion that is numbered otherwise from now on: it goes too.
        kept = (item for item in visit.typed.items() if not item[0].startswith((f"{gone}:", what_if.PREFIX)))
        return replace(visit, typed=_renumbered(dict(kept)), what_if=""), ""
    if visit.do == "now":
        return replace(visit, moment=None), ""
    return visit, ""


def _with(visit: Visit, typed: Typed) -> Visit:
    return replace(visit, typed=typed)


def _added(visit: Visit) -> tuple[Visit, str]:
    typed = {key: value for key, value in visit.typed.items() if not key.startswith("add:")}
    site, level, side = (said(visit.typed, "add", part, "value") for part in ("site", "level", "side"))
    if level and not site:
        # The levels of a bone name it: nobody says «vertebra» for L2.
        site = next((region.site for region in skeleton.REGIONS if region.level == level), "")
    if not site:
        return visit, Text("Choisir d’abord le siège.", "Choose the site first.").in_(visit.language)
    owners = lesion_owners(typed)
    if len(owners) >= MAX_LESIONS:
        return visit, Text(f"{MAX_LESIONS} lésions au plus.", f"{MAX_LESIONS} lesions at most.").in_(visit.language)
    owner = f"lesion{len(owners)}"
    taken = {said(typed, each, "id", "value") for each in owners}
    # A name that says nothing: a level may be mended later, and an id that still told the old one would mislead.
    typed[name(owner, "id", "value")] = (next(id_ for n in range(1, 100) if (id_ := f"lesion-{n}") not in taken),)
    for item, value in zip(PLACE, (site, level, side), strict=True):
        if value:
            typed[name(owner, item, "value")] = (value,)
    return _with(visit, typed), ""


def _renumbered(typed: Typed) -> Typed:
    """The same form with its lesions numbered from 0 without gap."""
    places = {owner: f"lesion{at}" for at, owner in enumerate(lesion_owners(typed))}
    return {
        f"{places.get(owner, owner)}{colon}{rest}": value
        for key, value in typed.items()
        for owner, colon, rest in [key.partition(":")]
    }


# ---- what is shown ---------------------------------------------------------------------------------------------------


def _page(
    desk: Desk,
    visit: Visit,
    *,
    notices: Iterable[Text] = (),
    add_fault: str = "",
    tab: str = "own",
    status: int = 200,
) -> BaseResponse:
    """A whole page. `tab` is what the browser's tab does with it: `restore` what it keeps, since nothing was typed; keep this,
    the user's `own`; or leave what it keeps alone, since this is only `shown` until something is typed."""
    outcome = decided(desk, visit.typed, visit.at, visit.language)
    viewer = Viewer(desk.decider.rulebook, visit.language, visit.typed, outcome)
    context = _words(visit.language, viewer)
    told = [text.in_(visit.language) for text in notices]
    page = render_template(
        "form/page.html", **context, form=_form(desk, visit, viewer, outcome, add_fault, tab), notices=told
    )
    return _html(desk, visit.language, page, status)


def _update(desk: Desk, visit: Visit, add_fault: str) -> BaseResponse:
    outcome = decided(desk, visit.typed, visit.at, visit.language)
    viewer = Viewer(desk.decider.rulebook, visit.language, visit.typed, outcome, whole=False)
    changed = request.headers.get("X-Changed", "").split(",")
    lists = [key.removesuffix(":present").partition(":") for key in changed if key.endswith(":present")]
    words_of = [
        viewer.control(owner, item)
        for owner, _, item in lists
        if owner in (PATIENT, *viewer.owners) and item in desk.decider.rulebook.vocabulary
    ]
    rebuilt = (visit.do == "add" and not add_fault) or visit.do.startswith("remove.")
    parts = render_template(
        "form/update.html",
        **_words(visit.language, viewer),
        form=_form(desk, visit, viewer, outcome, add_fault),
        rebuilt=rebuilt,
        words_of=words_of,
        what_if_stays=not rebuilt and changed[-1].startswith(what_if.PREFIX),
    )
    return _html(desk, visit.language, parts)


def _form(
    desk: Desk, visit: Visit, viewer: Viewer, outcome: Outcome, add_fault: str, tab: str = "own"
) -> SimpleNamespace:
    """What the templates of the form read."""
    rulebook, language = desk.decider.rulebook, visit.language
    zone = ZoneInfo(rulebook.info.timezone)
    lesions = viewer.lesions
    recorded = {part: said(visit.typed, PATIENT, "recorded_at", part) for part in ("day", "time")}
    recorded_fault = outcome.faults.get(name(PATIENT, "recorded_at"))
    answer = viewer.answer
    return SimpleNamespace(
        tab=tab,
        lesions=lesions,
        labels=viewer.labels,
        marks=viewer.marks(lesions),
        picture=skeleton.VIEWS,
        regions=skeleton.labels(rulebook.vocabulary, language),
        patient_first=viewer.patient_first,
        patient_faults=viewer.general(PATIENT),
        sections=viewer.sections(PATIENT),
        asked=viewer.asked,
        faults=viewer.faults,
        fault_count=len(viewer.faults),
        general=viewer.general(),
        status=viewer.status,
        peek=viewer.peek,
        sites=choices(rulebook, SITE, language),
        levels=choices(rulebook, LEVEL, language),
        sides=choices(rulebook, SIDE, language),
        add=SimpleNamespace(site=said(visit.typed, "add", "site", "value") if add_fault else "", fault=add_fault),
        recorded_at=SimpleNamespace(
            # Emptied, or not readable in a file: never filled in by us.
            day=recorded["day"] if name(PATIENT, "recorded_at", "day") in visit.typed else _today(),
            time=recorded["time"],
            fault=recorded_fault.in_(language) if recorded_fault else "",
        ),
        moment=visit.moment.isoformat() if visit.moment else "",
        moment_words=moment_words(visit.moment.astimezone(zone), language) if visit.moment else "",
        result=result.view(answer, rulebook, language, viewer.labels) if answer else None,
        evaluated=words.day(datetime.fromisoformat(answer["evaluated_at"]), language) if answer else "",
        trace=_trace(desk, visit, outcome) if visit.do == "trace" else "",
        what_if=_what_if(desk, visit, viewer),
        notice=rulebook.info.notice.in_(language),
        book=f"{rulebook.info.name} {rulebook.info.version} ({rulebook.info.status}) {rulebook.digest[:12]}",
    )


def _trace(desk: Desk, visit: Visit, outcome: Outcome) -> Markup | None:
    answer = outcome.answer(visit.language, "full")
    if answer is None:
        return None
    rulebook = desk.decider.rulebook
    viewer = Viewer(rulebook, visit.language, visit.typed, outcome)
    view = result.view(answer, rulebook, visit.language, viewer.labels)
    # The template escapes every value of its own.
    return Markup(render_template("form/trace_part.html", **_words(visit.language, viewer), view=view))  # noqa: S704 - as said above


def _what_if(desk: Desk, visit: Visit, viewer: Viewer) -> SimpleNamespace:
    """The choice of a value to change, its control, and both recommendations once it was changed."""
    groups = [
        SimpleNamespace(label=viewer.label(owner) if owner != PATIENT else "Patient", controls=found)
        for owner in (PATIENT, *viewer.owners)
        if (found := viewer.known(owner))
    ]
    if viewer.asked:
        label = Text("Questions ouvertes", "Open questions").in_(visit.language)
        groups.append(SimpleNamespace(label=label, controls=[question.control for question in viewer.asked]))
    names = {control.name: control for group in groups for control in group.controls}
    shown = SimpleNamespace(groups=groups, target="", control=None, sides=None, message="")
    if viewer.answer is None or visit.what_if not in names:
        return shown
    shown.target = visit.what_if
    owner, _, item = visit.what_if.partition(":")
    hypothesis = what_if.hypothesis(visit.typed, visit.what_if)
    outcome = decided(desk, hypothesis, visit.at, visit.language, "what-if")
    controls = Controls(desk.decider.rulebook, visit.language)
    faults = {key: text for key, text in outcome.faults.items() if key == visit.what_if}
    # The control is empty until another value is typed: the present one stands in the form.
    shown.control = controls.of(owner, item, what_if.typed(visit.typed), faults, what_if.PREFIX)
    if not shown.control.answered:
        return shown
    after = outcome.answer(visit.language)
    if after is None or shown.control.fault:
        told = [text.in_(visit.language) for _, text in outcome.general] or [shown.control.fault]
        shown.message = " ".join(told)
    else:
        shown.sides = what_if.side_by_side(viewer.answer, after)
    return shown


def _words(language: Language, viewer: Viewer | None = None) -> dict[str, Any]:
    """What every template of the form may call."""

    def t(fr: str, en: str) -> str:
        return en if language == "en" else fr

    def field_href(item: str, lesion: str | None = None) -> str:
        owner = viewer.owner_of.get(lesion, PATIENT) if viewer is not None and lesion else PATIENT
        return f"#f-{owner}-{item}"

    def day(moment: str) -> str:
        return words.day(datetime.fromisoformat(moment), language)

    return {
        "language": language,
        "t": t,
        "field_href": field_href,
        "day": day,
        "asset": asset,
        "engine_version": ENGINE_VERSION,
    }


def asset(file: str) -> str:
    """The address of a static file, with its age so that a new one is not mistaken for the old."""
    path = Path(current_app.static_folder or "") / file
    age = int(path.stat().st_mtime) if path.is_file() else 0
    return f"{url_for('static', filename=file)}?{urlencode({'v': age})}"


def _html(desk: Desk, language: Language, page: str, status: int = 200) -> Response:
    response = Response(page, status, content_type="text/html; charset=utf-8")
    response.content_language.add(language)
    response.vary.update(("Accept-Language", "HX-Request"))
    return identified(response, desk.decider.rulebook)
