"""The settings told: the page docs/settings.md, the example file docs/settings.example.yaml, and what holds now."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from service.settings.kinds import File, Files, Kind, OneOf, Web, Whole
from service.settings.read import FILE, SettingsError, origins, read
from service.settings.table import SETTINGS, Setting

_INTRODUCTION = f"""# Settings

Each setting has a place in one file, which `{FILE}` names, and a variable of the environment, which wins over the file.
Whatever is set nowhere has its default. Everything is checked when the service starts: a name that does not exist or a value that
cannot be used stops the start, and every mistake is told at once, with its line.

| | |
|---|---|
| `flask settings check FILE` | every mistake in a file, before a server reads it; without FILE, in what this shell has set |
| `flask settings show` | what holds here, and whether the environment, the file or the default says so; secrets are not shown |
| [settings.example.yaml](settings.example.yaml) | a file to start from, with every setting as a comment |

A running server takes a changed file with `kill -HUP` (the number of the process).
A secret stands in the environment alone: in the file it is refused. The password of a store belongs in
`PGPASSWORD`, or in the file that `PGPASSFILE` names: one within its address is taken, and hidden by `flask settings show`.
"""
#: what the example file shows where neither the default nor the kind says anything useful
_SHOWN = {
    "server.state": "/var/lib/indication",
    "server.store": "/var/lib/indication/store.sqlite",
    "server.public_url": "https://indication.example",
    "rules.source": "/etc/indication/rules.bundle",
    "access.clients": "/etc/indication/clients.yaml",
    "access.proxies": "[10.0.0.7, unix]",
    "access.roles_header": "X-Forwarded-Groups",
    "audit.store": "postgresql://indication@db.example/indication",
}


def _sections(settings: Iterable[Setting]) -> Iterator[tuple[str, list[Setting]]]:
    """The settings of each section, in the order of the table."""
    order = list(dict.fromkeys(_section(setting) for setting in settings))
    by_section = sorted(settings, key=lambda setting: order.index(_section(setting)))
    for section, group in groupby(by_section, key=_section):
        yield section, list(group)


def _section(setting: Setting) -> str:
    return setting.name.partition(".")[0]


def markdown(settings: Mapping[str, Setting] = SETTINGS) -> str:
    """docs/settings.md."""
    parts = [_INTRODUCTION]
    for section, group in _sections(settings.values()):
        rows = "\n".join(_row(setting) for setting in group)
        parts.append(f"## {section}\n\n| in the file | variable | takes | default | |\n|---|---|---|---|---|\n{rows}\n")
    parts.append(
        "`flask settings page --out docs` writes this page and the example file, from `service/settings/table.py`.\n"
    )
    return "\n".join(parts)


def _row(setting: Setting) -> str:
    place = "only in the environment" if setting.secret else f"`{setting.name}`"
    cells = (place, f"`{setting.variable}`", setting.kind.told, _default(setting), setting.about)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _default(setting: Setting) -> str:
    return setting.otherwise or f"`{_written(setting.default)}`"


def example(settings: Mapping[str, Setting] = SETTINGS) -> str:
    """docs/settings.example.yaml: every setting that a file may hold, as comments. Without its `# ` each line is a good one."""
    lines = [
        "# Settings of Indication. INDICATION_SETTINGS names the file; what each means: settings.md beside this one.",
        "# Take the `# ` away before a section and before what you set in it, then: flask settings check FILE",
    ]
    for section, group in _sections(settings.values()):
        of_file = [setting for setting in group if not setting.secret]
        if of_file:
            lines += ["", f"# {section}:"]
        for setting in of_file:
            told = f"{setting.about} Takes {setting.kind.told}; default: {_default(setting)}."
            lines += [f"#   # {line}" for line in textwrap.wrap(told, 112)]
            lines.append(f"#   {setting.name.partition('.')[2]}: {_shown(setting)}")
    return "\n".join(lines) + "\n"


def _shown(setting: Setting) -> str:
    """A value that could stand in the file: the default, or one like what is needed."""
    if setting.name in _SHOWN:
        return _SHOWN[setting.name]
    if setting.default not in (None, ()):
        return _written(setting.default)
    return _like(setting.kind, setting.name.partition(".")[2])


def _like(kind: Kind, key: str) -> str:
    match kind:
        case File():
            return f"/etc/indication/{key}"
        case Files():
            return f"[/etc/indication/{key}]"
        case Web():
            return f"https://{key.replace('_', '-')}.example"
        case OneOf():
            return kind.known[0]
        case Whole():
            return f"{kind.lowest:g}"
        case _:
            return '""'


def _written(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case tuple() | list():
            return "[" + ", ".join(map(str, value)) + "]"
        case _:
            return str(value)


def told(environment: Mapping[str, str]) -> list[str]:
    """What holds: for each setting one line with its value and where that comes from. Raises SettingsError."""
    found, where = read(environment), origins(environment)
    width = max(map(len, SETTINGS))
    lines = []
    for name, setting in SETTINGS.items():
        value = shown(setting, found[name]) if name in where else _default(setting).replace("`", "")
        lines.append(f"{name:<{width}}  {value}  ({where.get(name, 'default')})")
    return lines


def shown(setting: Setting, value: Any) -> str:
    """A value as it may be shown: neither a secret nor the password in an address."""
    if setting.secret:
        return "set, not shown"
    return re.sub(r"(//[^/@\s:]*):[^@\s]*@", r"\1:…@", _written(value))


def mistakes(environment: Mapping[str, str]) -> list[str]:
    """Every mistake, one a line; none when the settings can be used."""
    try:
        read(environment)
    except SettingsError as error:
        return [str(each) for each in error.mistakes]
    return []
