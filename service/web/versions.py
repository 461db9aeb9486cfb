"""Several versions of the rulebook side by side, each at an address of its own: `/v1/rulebooks/{version}/…`.

The rules in service answer there too. The others are bundles; each is loaded and put to the self-test when it is first
asked for, as the rules in service were, and answers only then. One that cannot serve harms no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app

from service.bundle import serve
from service.bundle.errors import BundleError
from service.language.errors import nearest
from service.language.vocabulary import Text
from service.web import api, asked
from service.web.answering import identified, json_response
from service.web.problem import Problem
from service.web.state import Desk, NotReady, State, published, state

blueprint = Blueprint("versions", __name__, url_prefix="/v1/rulebooks")

EXTENSION = "indication-versions"
#: each takes memory in every worker once it is asked for
MOST_VERSIONS = 8
#: seconds before a version that could not be loaded is tried anew: it is a copy that does not change, and whoever asks for
#: it again and again must not keep a worker at loading it
RETRY_SECONDS = 600.0


@dataclass(frozen=True)
class Beside:
    """One version served beside the rules in service."""

    name: str
    digest: str
    published: dict[str, Any]
    state: State


class Versions:
    """The bundles that a setting names, by version. They are looked at once, and loaded when they are asked for."""

    def __init__(self, bundles: Sequence[Path], trusted: Path | None) -> None:
        self._paths = bundles
        self._trusted = trusted

    @cached_property
    def _looked(self) -> tuple[dict[str, Beside], list[str]]:
        found: dict[str, Beside] = {}
        errors: list[str] = []
        for path in self._paths[:MOST_VERSIONS]:
            try:
                bundle = serve.look(path, self._trusted)
                if bundle is None:
                    raise BundleError(f"{path}: holds no bundle; only bundles are served beside the rules")
            except BundleError as error:
                errors += error.errors
                continue
            about = bundle.manifest
            known = found.setdefault(
                about.version,
                Beside(about.name, about.digest, published(bundle), State(path, self._trusted, RETRY_SECONDS)),
            )
            if known.digest != about.digest:
                errors.append(f"{path}: another bundle is version {about.version} too; the first one is served")
        left = len(self._paths) - MOST_VERSIONS
        if left > 0:
            errors.append(f"{left} more bundles are not served: at most {MOST_VERSIONS} beside the rules in service")
        return found, errors

    @property
    def beside(self) -> dict[str, Beside]:
        return self._looked[0]

    @property
    def errors(self) -> list[str]:
        """Why bundles that were named are not served."""
        return self._looked[1] + [error for each in self.beside.values() for error in each.state.errors]

    def told(self) -> dict[str, Any]:
        """For whoever runs the service."""
        return {"versions": sorted(self.beside), "errors": self.errors}


def register(app: Flask, bundles: Sequence[Path], trusted: Path | None) -> None:
    app.extensions[EXTENSION] = Versions(bundles, trusted)
    app.register_blueprint(blueprint)


def current() -> Versions:
    """The versions beside the rules of the current application."""
    found: Versions = current_app.extensions[EXTENSION]
    return found


@blueprint.get("")
def versions() -> Response:
    asked.only()
    here, main = current(), state().desk()
    info = main.decider.rulebook.info
    listed = [
        {
            "version": info.version,
            "name": info.name,
            "digest": main.decider.rulebook.digest,
            "in_service": True,
            "published": main.published,
        }
    ]
    errors = here.errors
    for version, each in here.beside.items():
        if version != info.version:
            listed.append(
                {
                    "version": version,
                    "name": each.name,
                    "digest": each.digest,
                    "in_service": False,
                    "published": each.published,
                }
            )
        elif each.digest != main.decider.rulebook.digest:
            errors = [*errors, f"version {version} is also the rules in service, with other content; those are served"]
    listed.sort(key=lambda told: tuple(map(int, str(told["version"]).split("."))))
    return identified(json_response({"rulebooks": listed, "errors": errors}, ["en"]), main.decider.rulebook)


@blueprint.get("/<version>/rulebook")
def rulebook(version: str) -> Response:
    asked.only()
    desk = _desk(version)
    told = {**desk.catalogue.summary, "published": desk.published}
    return identified(json_response(told), desk.decider.rulebook)


@blueprint.post("/<version>/recommendations")
def recommend(version: str) -> Response:
    """The contract of `/v1/recommendations`, decided by the rules of this version."""
    return api.recommended(_desk(version))[0]


def _desk(version: str) -> Desk:
    main = state().desk()
    if version == main.decider.rulebook.info.version:
        return main
    beside = current().beside
    if version not in beside:
        known = sorted({*beside, main.decider.rulebook.info.version})
        near = nearest(version[:60], known)
        raise Problem(
            "not-found",
            detail=Text(
                f"La version « {version[:60]} » n’est pas servie ici"
                f"{f' ; vouliez-vous dire « {near} » ?' if near else '.'} (servies : {', '.join(known)})",
                f"Version «{version[:60]}» is not served here{f'; did you mean «{near}»?' if near else '.'}"
                f" (served: {', '.join(known)})",
            ),
        )
    try:
        return beside[version].state.desk()
    except NotReady:
        raise Problem(
            "not-ready",
            detail=Text(
                f"La version {version} ne peut pas servir ; /v1/rulebooks dit pourquoi.",
                f"Version {version} cannot serve; /v1/rulebooks says why.",
            ),
        ) from None
