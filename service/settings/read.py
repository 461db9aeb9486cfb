"""Settings from one file and the environment, which wins. Every mistake at once, with its place and how to mend it."""

import os
import re
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from service.language.errors import Mistake, nearest
from service.rulebook.source import Document
from service.rulebook.source import read as read_yaml
from service.settings.kinds import Files, Wrong
from service.settings.table import SETTINGS, Setting

#: the variable that names the file
FILE = "INDICATION_SETTINGS"
#: which variables were set from it, parted by spaces
FROM_FILE = "INDICATION_FROM_FILE"
#: set by the gunicorn master, for its workers (service/web/reload.py)
RULES_STATUS = "INDICATION_RULES_STATUS"
#: variables of ours that are no settings: what the gunicorn master tells its workers
INNER = frozenset(
    {
        FILE,
        FROM_FILE,
        "INDICATION_ACTIVE_RULES",
        "INDICATION_ACTIVE_CLIENTS",
        RULES_STATUS,
        "INDICATION_LISTENERS",
        "INDICATION_LISTENING",
    }
)


#: what Kubernetes tells every container of a service called indication
_KUBERNETES = re.compile(r"INDICATION_(SERVICE_|PORT)")


class SettingsError(Exception):
    """Settings that cannot be used. `mistakes` says each, where it stands and how to mend it; never a value that is secret."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """The value of every setting by its name (`audit.keep`), defaults included. Raises SettingsError."""
    texts, mistakes = _texts(environment)
    found: dict[str, Any] = {}
    for setting in SETTINGS.values():
        found[setting.name] = setting.default
        if setting.name in texts:
            text, document, keys = texts[setting.name]
            try:
                found[setting.name] = setting.kind.read(text)
            except Wrong as wrong:
                where = setting.name if document.places else setting.variable
                mistakes.append(document.mistake(keys, f"{where}: {wrong}", suggestion=wrong.suggestion))
    if mistakes:
        raise SettingsError(mistakes)
    return found


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The file as variables of the environment; without those that the environment itself sets. Raises SettingsError."""
    read(environment)
    texts, _ = _texts(environment)
    return {
        SETTINGS[name].variable: text
        for name, (text, document, _) in texts.items()
        if document.places and not environment.get(SETTINGS[name].variable)
    }


def take_file(environment: MutableMapping[str, str]) -> None:
    """Puts what the file says in the environment too, as the gunicorn master does: some is read there. Raises SettingsError."""
    found = variables(environment)
    if found:
        environment.update(found)
        environment[FROM_FILE] = " ".join([*environment.get(FROM_FILE, "").split(), *found])


def without_file(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment as it was before `take_file`."""
    came = environment.get(FROM_FILE, "").split()
    return {name: text for name, text in environment.items() if name not in came}


def origins(environment: Mapping[str, str]) -> dict[str, str]:
    """Where each setting that is set comes from: a variable of the environment, or a line of the file."""
    texts, _ = _texts(environment)
    return {
        name: f"{document.name}, line {document.places[keys][0]}" if document.places else SETTINGS[name].variable
        for name, (_, document, keys) in texts.items()
    }


def _texts(
    environment: Mapping[str, str],
) -> tuple[dict[str, tuple[str, Document, tuple[str | int, ...]]], list[Mistake]]:
    """What is set, as text: by the file, else by the environment, which wins. An empty variable sets nothing."""
    mistakes: list[Mistake] = []
    found: dict[str, tuple[str, Document, tuple[str | int, ...]]] = {}
    # What the gunicorn master took from the file stands in the environment of its workers: they must not see a file that
    # was changed since, which nobody has checked.
    path = None if environment.keys() >= {FROM_FILE, RULES_STATUS} else environment.get(FILE)
    if path:
        try:
            document, mistakes = read_yaml(Path(path), Path(path).name)
        except OSError as error:
            mistakes = [Mistake(path, 1, 1, f"{FILE}: cannot be read: {error.strerror or type(error).__name__}")]
        else:
            if document.text.strip() and not re.sub(r"(?m)^\s*#.*$", "", document.text).strip():
                mistakes = []  # comments alone, as in the example file, set nothing
            mistakes += list(_unknown(document))
            for name, setting in SETTINGS.items():
                section, key = name.split(".")
                if not _is_at(document.data, section, key):
                    continue
                value = document.data[section][key]
                try:
                    found[name] = (_text(setting, value), document, (section, key))
                except Wrong as wrong:
                    mistakes.append(document.mistake((section, key), f"{name}: {wrong}"))
    empty = Document("the environment", None, {})
    found |= {
        name: (text, empty, ()) for name, setting in SETTINGS.items() if (text := environment.get(setting.variable))
    }
    known = {setting.variable for setting in SETTINGS.values()} | INNER
    for variable in sorted(environment):
        if variable.startswith("INDICATION_") and variable not in known and not _KUBERNETES.match(variable):
            near = nearest(variable, known)
            mistakes.append(Mistake("the environment", 1, 1, f"{variable}: no such setting", suggestion=near))
    return found, mistakes


def _is_at(data: Any, section: str, key: str) -> bool:
    inner = data.get(section) if isinstance(data, dict) else None
    return isinstance(inner, dict) and key in inner


def _text(setting: Setting, value: Any) -> str:
    """A value of the file as the environment would have it. Raises Wrong."""
    if value is None:
        raise Wrong("nothing stands behind it: give it a value, or take the line away for the default")
    if setting.secret:
        raise Wrong(f"a secret belongs in the environment, as {setting.variable}, not in a file")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return (os.pathsep if isinstance(setting.kind, Files) else ",").join(value)
    if isinstance(value, str | int | float):
        return str(value)
    raise Wrong(f"{setting.kind.told} is needed")


def _unknown(document: Document) -> Iterator[Mistake]:
    """What the file says and no setting means."""
    if not isinstance(document.data, dict):
        if document.data is not None or not document.text.strip():
            yield document.mistake((), "sections are needed: server, rules, access, audit …")
        return
    sections = {name.split(".")[0] for name in SETTINGS}
    for section, inner in document.data.items():
        if section not in sections:
            yield document.mistake((section,), f"{section}: no such section", suggestion=nearest(section, sections))
        elif not isinstance(inner, dict):
            yield document.mistake((section,), f"{section}: settings are needed below it")
        else:
            keys = {name.split(".")[1] for name in SETTINGS if name.startswith(section + ".")}
            for key in inner:
                if key not in keys:
                    near = nearest(key, keys)
                    yield document.mistake((section, key), f"{section}.{key}: no such setting", suggestion=near)
