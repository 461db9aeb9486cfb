"""The site as a folder of files. Only a folder that is new, empty or a former output is written to."""

import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from service.workbench.site.site import Site

#: says that a folder holds a site of ours, and which of its files are
MANIFEST = "rulebook-site.json"
_KIND = "indication rulebook site"


class FolderRefused(Exception):
    """The folder holds something that is not a site of ours."""


def write_site(site: Site, folder: Path, *, force: bool = False, step: Callable[[str], None] | None = None) -> int:
    """Writes every page, removes pages of a former output that are no more, and gives the number of files.

    The list of files is written first, so that an output that was interrupted is known as ours. Raises FolderRefused
    when the folder holds other things and `force` is not set (with it they stay where they are), OSError as files do.
    """
    former = _former(folder, force=force)
    folder.mkdir(parents=True, exist_ok=True)
    _list(site, folder, sorted({*site.paths, *former}))
    for path in site.paths:
        if step:
            step(path)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(site.content(path))
    for path in sorted(former - set(site.paths)):
        (folder / path).unlink(missing_ok=True)
    _list(site, folder, list(site.paths))
    return len(site.paths)


def _list(site: Site, folder: Path, files: list[str]) -> None:
    info = site.rulebook.info
    told = {
        "kind": _KIND,
        "rulebook": info.name,
        "version": info.version,
        "digest": site.rulebook.digest,
        "day": site.today.isoformat(),
        "files": files,
    }
    (folder / MANIFEST).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _former(folder: Path, *, force: bool) -> set[str]:
    """The files of a former output. Raises FolderRefused."""
    if not folder.exists() or not any(folder.iterdir()):
        return set()
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if told["kind"] == _KIND:
            return {path for path in told["files"] if _within(folder, path)}
    except (OSError, ValueError, TypeError, KeyError):
        pass
    if force:
        return set()
    raise FolderRefused(f"{folder} is not empty and holds no site written by this command")


def _within(folder: Path, path: object) -> bool:
    """Whether a path of the list stays in the folder and names a file of a site: the list may have been edited."""
    if not isinstance(path, str):
        return False
    pure = PurePosixPath(path)
    ours = pure == PurePosixPath("index.html") or pure.parts[0] in ("fr", "en", "assets")
    return ours and ".." not in pure.parts and (folder / pure).resolve().is_relative_to(folder.resolve())
