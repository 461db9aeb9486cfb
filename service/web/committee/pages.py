"""The addresses of the committee's workbench. Nothing that is sent here is written on the server."""

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from service.decision import Language
from service.language.vocabulary import Text
from service.rulebook.schema import kind_of
from service.tell import words
from service.web import asked, refusals
from service.web.answering import identified, json_response
from service.web.committee import cases, mistakes, results
from service.web.committee.draft import Draft, normal
from service.web.committee.jobs import Busy, Job, Jobs, Limits
from service.web.committee.reading import reading
from service.web.committee.search import fold
from service.web.committee.workshop import EXTENSION, Library, Workshop, workshop
from service.web.form import pages as form
from service.web.form import same_origin
from service.web.problem import Problem
from service.web.unread import drain
from service.workbench.site.teller import Teller

blueprint = Blueprint("committee", __name__, url_prefix="/committee")

#: bytes of a draft: far above any real rule file, and read within seconds whatever stands in it, which a clinician may wait for
MOST_TEXT = 100_000
#: bytes of a request: a browser may write three for one
MOST_BYTES = 400_000
#: rules that are listed at once when nothing narrows the list
MOST_SHOWN = 60
_TOO_LARGE = Text(
    f"Un fichier de règles tient ici en {MOST_TEXT // 1000} ko.",
    f"A rule file is at most {MOST_TEXT // 1000} kB here.",
)
_GONE = Text(
    "Ce calcul n’est plus gardé : le relancer depuis la page du fichier. Le brouillon est resté dans l’onglet.",
    "This computation is no longer kept: start it again from the page of the file. The draft is still in the tab.",
)


def register(app: Flask) -> None:
    """Adds the pages, unless whoever runs the service wants none (INDICATION_COMMITTEE=off)."""
    if app.config["COMMITTEE"] == "off":
        return
    jobs = Jobs(
        app.config.get("COMMITTEE_COMMAND"),
        app.config.get("COMMITTEE_LIMITS", Limits()),
        app.config.get("COMMITTEE_HOME"),
    )
    app.extensions[EXTENSION] = Workshop(jobs, app.config["EXAMPLES"])
    app.register_blueprint(blueprint)


@blueprint.before_request
def only_from_here() -> None:
    request.max_content_length = MOST_BYTES + 1
    request.max_form_memory_size = MOST_BYTES
    if request.method == "POST":
        same_origin.check()
        if (request.content_length or 0) > MOST_BYTES:
            drain()
            raise Problem("too-large", detail=_TOO_LARGE)
        # A body of unsaid length is cut at the limit without a word: half a draft would be taken for the whole.
        if len(request.get_data()) > MOST_BYTES:
            drain()
            raise Problem("too-large", detail=_TOO_LARGE)


@blueprint.errorhandler(Exception)
def told_as_page(error: Exception) -> Response:
    """A refusal for whoever looks at a page; it is logged as everywhere else."""
    if isinstance(error, HTTPException) and (error.code or 500) < 400:
        return Response(error.get_response().get_data(), error.code, error.get_headers())
    found = refusals.refusal(error)
    if found.kind == "too-large":
        found = Problem("too-large", detail=_TOO_LARGE)
    language = _language()
    page = render_template("committee/problem.html", **_words(language), problem=found.told(language))
    return Response(page, found.status, content_type="text/html; charset=utf-8")


# ---- reading a request -----------------------------------------------------------------------------------------------


def _language() -> Language:
    match request.args.get("lang"):
        case "fr" | "en" as known:
            return known
    return asked.language()


def _draft() -> Draft:
    """The file and its text as the page sends them. Raises Problem."""
    library = workshop().library()
    file = request.form.get("file", "")
    text = request.form.get("text")
    if text is None or file not in library.redraft.files:
        raise Problem("not-found")
    # Half of a surrogate pair is no text, and would fail wherever it is written.
    whole = normal(text).encode("utf-8", "replace")
    if len(whole) > MOST_TEXT:
        raise Problem("too-large", detail=_TOO_LARGE)
    return Draft(library, file, whole.decode("utf-8"))


def _rule(draft: Draft, named: str | None) -> str:
    """The rule that is looked at, when it stands in this file."""
    rule = draft.library.rulebook.rules.get(named or "")
    return rule.id if rule and rule.file == draft.file else ""


# ---- pages -----------------------------------------------------------------------------------------------------------


@blueprint.get("")
@blueprint.get("/")
def choose() -> BaseResponse:
    """Every rule, by what is looked for."""
    language, library = _language(), workshop().library()
    text = request.args.get("q", "")[:200]
    topic = request.args.get("topic") or None
    technique = request.args.get("technique") or None
    among = None
    if technique in library.rulebook.techniques:
        among = frozenset(told["id"] for told in library.catalogue.rules(technique))
    narrowed = bool(text.strip() or topic or among is not None)
    found = library.index.find(text, topic, among)
    topics: dict[str, list[Any]] = {}
    for rule in found:
        topics.setdefault(rule.topic, []).append(rule)
    names = _topics(library, language)
    page = render_template(
        "committee/choose.html",
        **_words(language),
        query=text,
        topic=topic,
        technique=technique,
        topics=names,
        techniques=sorted(
            (words.sentence(t.label.in_(language))[:-1], name) for name, t in library.rulebook.techniques.items()
        ),
        groups=[(label, topics[name]) for name, label in names.items() if name in topics],
        count=len(found),
        narrowed=narrowed,
        unfolded=narrowed and len(found) <= MOST_SHOWN,
        files=_other_files(library),
        book=_book(library),
        claims=_claims(library, found, language),
    )
    return _html(page, language)


@blueprint.get("/edit")
def open_file() -> BaseResponse:
    """A rule file as it is in use, at one of its rules."""
    library = workshop().library()
    rule = library.rulebook.rules.get(request.args.get("rule", ""))
    file = rule.file if rule else request.args.get("file", "")
    if file not in library.redraft.files:
        raise Problem("not-found")
    draft = Draft(library, file, library.text(file))
    return _editor(draft, rule.id if rule else "", tab="restore")


@blueprint.post("/edit")
def act() -> BaseResponse:
    """What a button asks for, without JavaScript: the page again in the other language, or a computation's own page."""
    draft = _draft()
    task = request.form.get("do", "")
    if task not in results.TASKS:
        return _editor(draft, _rule(draft, request.form.get("rule")), job=_known_job())
    try:
        job = _start(draft, task)
    except Busy as error:
        return _editor(draft, _rule(draft, request.form.get("rule")), busy=results.busy(error, _language()), status=409)
    return _to(job)


@blueprint.post("/typed")
def typed() -> BaseResponse:
    """What is wrong with the text as it is now, and what its rule says: a part of the page."""
    language, draft = _language(), _draft()
    rule = _rule(draft, request.form.get("rule"))
    return _html(render_template("committee/typed.html", **_words(language), **_shown(draft, rule, language)), language)


@blueprint.post("/download")
def download() -> BaseResponse:
    """The draft as a file."""
    draft = _draft()
    return _attached(draft.text, PurePosixPath(draft.file).name, "application/yaml")


@blueprint.post("/diff")
def difference() -> BaseResponse:
    """What the draft changes in the file in use, for `patch -p1` or `git apply`."""
    draft = _draft()
    return _attached(draft.difference(), f"{PurePosixPath(draft.file).name}.diff", "text/x-diff")


# ---- long computations -----------------------------------------------------------------------------------------------


@blueprint.post("/jobs")
def start() -> BaseResponse:
    """Starts a computation for the page's script: its name, or who is computing already."""
    draft = _draft()
    task = request.form.get("do", "")
    if task not in results.TASKS:
        raise Problem("not-found")
    try:
        job = _start(draft, task)
    except Busy as error:
        return json_response({"busy": results.busy(error, _language())}, [_language()], 409)
    return json_response({"job": job.name}, [_language()], 202)


def _start(draft: Draft, task: str) -> Job:
    shop = workshop()
    return shop.jobs.start(
        {
            "task": task,
            "file": draft.file,
            "text": draft.text,
            "rule": _rule(draft, request.form.get("rule")),
        },
        {
            "rules": {name: content.decode("utf-8") for name, content in draft.library.redraft.files.items()},
            "cases": str(shop.cases.resolve()),
        },
    )


@blueprint.get("/jobs/<name>")
def job_page(name: str) -> BaseResponse:
    """A computation with the draft that it is about."""
    job = _job(name)
    job.seen()
    return _of_job(job)


@blueprint.get("/jobs/<name>/part")
def job_part(name: str) -> BaseResponse:
    """The same as a part of the page, for its script."""
    job = _job(name)
    job.seen()
    language = _language()
    view = _view(job)
    response = _html(
        render_template("committee/job.html", **_words(language), job=view, file=job.order()["file"]), language
    )
    response.headers["Indication-Job"] = view.how
    return response


@blueprint.post("/jobs/<name>/cancel")
def cancel(name: str) -> BaseResponse:
    job = _job(name)
    job.cancel()
    return _to(job)


@blueprint.get("/jobs/<name>/patients/<int:number>")
def patient(name: str, number: int) -> BaseResponse:
    """A patient that a computation found, in the form."""
    found = _patient(name, number)
    told = found["name"]
    notice = Text(
        f"Patient du calcul du comité : {told['fr']}. La réponse est celle des règles en service, pas du brouillon.",
        f"Patient of the committee’s computation: {told['en']}. The answer is that of the rules in use, not of the draft.",
    )
    return form.filled(found["referral"], _language(), notice, at=found["at"])


@blueprint.get("/jobs/<name>/cases/<int:number>")
def case(name: str, number: int) -> BaseResponse:
    """The same as the file of a case, for somebody to approve."""
    found = _patient(name, number)
    return _attached(cases.file(found), f"{cases.name(found)}.yaml", "application/yaml")


@blueprint.get("/jobs/<name>/picture.svg")
def picture(name: str) -> BaseResponse:
    result = _result(name)
    if not result["picture"]:
        raise Problem("not-found")
    return Response(result["picture"][_language()], content_type="image/svg+xml")


def _to(job: Job) -> BaseResponse:
    """To the page of a computation."""
    return redirect(f"/committee/jobs/{job.name}?{urlencode({'lang': _language()})}", 303)


def _job(name: str) -> Job:
    job = workshop().jobs.find(name)
    if job is None:
        raise Problem("not-found", detail=_GONE)
    return job


def _known_job() -> Job | None:
    return workshop().jobs.find(request.form.get("job", ""))


def _view(job: Job) -> results.View:
    try:
        return results.view(job, job.state(), workshop().jobs.limits.longest, _language())
    except FileNotFoundError:
        raise Problem("not-found", detail=_GONE) from None


def _result(name: str) -> Any:
    state = _job(name).state()
    if state.result is None:
        raise Problem("not-found", detail=_GONE)
    return state.result


def _patient(name: str, number: int) -> Any:
    patients = results.patients(_result(name))
    if number >= len(patients):
        raise Problem("not-found")
    return patients[number]


# ---- what is shown ---------------------------------------------------------------------------------------------------


def _of_job(job: Job) -> BaseResponse:
    order = job.order()
    library = workshop().library()
    if order["file"] not in library.redraft.files:
        raise Problem("not-found", detail=_GONE)
    draft = Draft(library, order["file"], order["text"])
    return _editor(draft, _rule(draft, order["rule"]), job=job)


def _editor(
    draft: Draft, rule: str, *, tab: str = "own", job: Job | None = None, busy: str = "", status: int = 200
) -> BaseResponse:
    language = _language()
    shown = _shown(draft, rule, language)
    page = render_template(
        "committee/edit.html",
        **_words(language),
        **shown,
        tab=tab,
        text=draft.text,
        used=draft.library.text(draft.file),
        rules_here=[each for each in draft.library.rulebook.rules.values() if each.file == draft.file],
        tasks=[
            (name, label.in_(language), question.in_(language)) for name, (label, question) in results.TASKS.items()
        ],
        job=_view(job) if job else None,
        busy=busy,
        book=_book(draft.library),
        digest=draft.library.rulebook.digest[:12],
    )
    return identified(_html(page, language, status), draft.library.rulebook)


def _shown(draft: Draft, rule: str, language: Language) -> dict[str, Any]:
    """What depends on the text: its mistakes, its changes, what its rule says."""
    told = [
        {
            "mistake": mistake,
            "text": words.typeset(text) if language == "fr" else text,
            "excerpt": draft.excerpt(mistake),
            "here": mistake.file == draft.file,
        }
        for mistake in draft.mistakes
        for text in [mistakes.told(mistake, language)]
    ]
    return {
        "file": draft.file,
        "rule": rule,
        "mistakes": told,
        "changed": draft.changed,
        "changed_lines": draft.changed_lines if draft.changed else [],
        "difference": draft.shown if draft.changed else [],
        "reading": reading(draft, rule, language) if rule else None,
        "seconds": draft.seconds,
    }


def _topics(library: Library, language: Language) -> dict[str, str]:
    """What the topics are called: by their files, where those say it."""
    found = {}
    for rule in library.rulebook.rules.values():
        if rule.topic not in found:
            label = library.redraft.data(rule.file).get("label")
            found[rule.topic] = label[language] if label else rule.topic
    return dict(sorted(found.items(), key=lambda pair: fold(pair[1])))


def _other_files(library: Library) -> list[str]:
    with_rules = {rule.file for rule in library.rulebook.rules.values()}
    return [name for name in library.redraft.files if name not in with_rules and kind_of(name)]


def _claims(library: Library, rules: list[Any], language: Language) -> dict[str, str]:
    teller = Teller(library.rulebook, language)
    return {rule.id: teller.claim(rule) for rule in rules}


def _book(library: Library) -> str:
    info = library.rulebook.info
    return f"{info.name} {info.version} ({info.status}) {library.rulebook.digest[:12]}"


def _words(language: Language) -> dict[str, Any]:
    """What every template of these pages may call."""

    def t(fr: str, en: str) -> str:
        return en if language == "en" else words.typeset(fr)

    def say(text: Text) -> str:
        return t(text.fr, text.en)

    return {"language": language, "t": t, "say": say, "asset": form.asset}


def _html(page: str, language: Language, status: int = 200) -> Response:
    response = Response(page, status, content_type="text/html; charset=utf-8")
    response.content_language.add(language)
    response.vary.add("Accept-Language")
    return response


def _attached(text: str, name: str, mimetype: str) -> Response:
    response = Response(text, content_type=f"{mimetype}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
