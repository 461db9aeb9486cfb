"""What a disk may hold after a power cut: all that was synced, and of the rest some, in pieces.

The model is the weakest that file systems keep to. Of the changes of a file since its last sync each one may be there, not there,
or torn. Of the changes of a folder (a name made, removed, given to another) since its last sync, those up to some point are
there: metadata is journalled in order. A file that is synced in a folder that is not may have no name, and is lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeAlias

from tests.faults.crash.log import Operation

SECTOR = 512


@dataclass
class File:
    synced: bytearray = field(default_factory=bytearray)
    since: list[Operation] = field(default_factory=list)


@dataclass
class Folder:
    synced: "dict[str, File | Folder]" = field(default_factory=dict)
    #: a name and what it stands for from then on; None: it is removed
    since: "list[tuple[str, File | Folder | None]]" = field(default_factory=list)

    def now(self, changes: int | None = None) -> "dict[str, File | Folder]":
        """Its names with the first so many changes; all of them by default."""
        found = dict(self.synced)
        for name, node in self.since[:changes]:
            if node is None:
                found.pop(name, None)
            else:
                found[name] = node
        return found


#: each file's path and content; None: a folder
Image: TypeAlias = dict[str, bytes | None]


class Disk:
    """A folder, followed from operation to operation."""

    def __init__(self) -> None:
        self._root = Folder()

    def do(self, operation: Operation) -> None:
        match operation.what:
            case "create":
                self._name(operation.name, File())
            case "mkdir":
                self._name(operation.name, Folder())
            case "unlink":
                self._name(operation.name, None)
            case "rename":
                self._name(operation.data.decode(), self._at(operation.name))
                self._name(operation.name, None)
            case "sync":
                match self._at(operation.name):
                    case File() as file:
                        for each in file.since:
                            _apply(file.synced, each)
                        file.since.clear()
                    case Folder() as folder:
                        folder.synced = folder.now()
                        folder.since.clear()
            case _:
                file = self._at(operation.name)
                assert isinstance(file, File)
                file.since.append(operation)

    def process_ended(self) -> Image:
        """What is there when the process was killed and the machine runs on."""
        return self._image(self._root, len, lambda file: file.since)

    def power_cut(self) -> Image:
        """What is there at the least."""
        return self._image(self._root, lambda _: 0, lambda _: [])

    def power_cut_in_pieces(self, random: Random) -> Image:
        """What may be there."""
        return self._image(
            self._root,
            lambda changes: random.randint(0, len(changes)),
            lambda file: [piece for each in file.since for piece in _pieces(each, random)],
        )

    def _image(
        self,
        folder: Folder,
        names: "Callable[[list[tuple[str, File | Folder | None]]], int]",
        changes: Callable[[File], list[Operation]],
    ) -> Image:
        image: Image = {}
        for name, node in sorted(folder.now(names(folder.since)).items()):
            if isinstance(node, Folder):
                below = self._image(node, names, changes)
                image |= {name: None, **{f"{name}/{path}": content for path, content in below.items()}}
            else:
                content = bytearray(node.synced)
                for each in changes(node):
                    _apply(content, each)
                image[name] = bytes(content)
        return image

    def _at(self, path: str) -> "File | Folder":
        node: File | Folder = self._root
        for name in path.split("/") if path else ():
            assert isinstance(node, Folder)
            node = node.now()[name]
        return node

    def _name(self, path: str, node: "File | Folder | None") -> None:
        parent, _, name = path.rpartition("/")
        folder = self._at(parent)
        assert isinstance(folder, Folder)
        folder.since.append((name, node))


def laid_out(image: Image, folder: Path) -> None:
    """Makes the files of an image in this folder."""
    for path, content in image.items():
        if content is None:
            (folder / path).mkdir(mode=0o700)
        else:
            (folder / path).write_bytes(content)
            (folder / path).chmod(0o600)


def _apply(content: bytearray, change: Operation) -> None:
    if change.what == "truncate" and change.offset <= len(content):
        del content[change.offset :]
        return
    content.extend(bytes(max(change.offset - len(content), 0)))
    if change.what == "write":
        content[change.offset : change.offset + len(change.data)] = change.data


def _pieces(change: Operation, random: Random) -> list[Operation]:
    """What is left of it: all, nothing, its beginning, or some of its sectors and zeros for the others that are new."""
    match random.choice(["all", "all", "nothing", "nothing", "beginning", "sectors"]):
        case "nothing":
            return []
        case "beginning" if change.what == "write":
            return [Operation("write", change.name, change.offset, change.data[: random.randint(0, len(change.data))])]
        case "sectors" if change.what == "write":
            starts = range(0, len(change.data), SECTOR)
            return [
                Operation("write", change.name, change.offset + start, change.data[start : start + SECTOR])
                for start in starts
                if random.random() < 0.5
            ]
    return [change]
