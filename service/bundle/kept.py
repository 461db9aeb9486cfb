"""A rulebook as the record keeps it, by its digest: its files as they were served, so that it can be loaded again."""

import json
import zlib
from collections.abc import Mapping

from service.bundle.container import MAX_BUNDLE
from service.bundle.errors import BundleError
from service.rulebook.load import RulebookError, load_files
from service.rulebook.model import Rulebook


def packed(files: Mapping[str, bytes]) -> bytes:
    """Rule files in one piece; the same files give the same bytes."""
    texts = {name: content.decode("utf-8") for name, content in files.items()}
    return zlib.compress(json.dumps(texts, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode(), 9)


def unpacked(body: bytes, digest: str) -> Rulebook:
    """The rulebook in `body`. Raises BundleError when it is not whole, does not load, or is not the one of `digest`."""
    unpacking = zlib.decompressobj()
    try:
        texts = json.loads(unpacking.decompress(body, MAX_BUNDLE))
        rulebook = load_files({name: text.encode() for name, text in texts.items()})
    except (zlib.error, ValueError, AttributeError):
        raise BundleError(f"the rulebook kept as {digest} is not whole") from None
    except RulebookError as error:
        first = error.mistakes[0]
        raise BundleError(f"the rulebook kept as {digest} no longer loads with this version: {first}") from None
    if rulebook.digest != digest:
        raise BundleError(f"the rulebook kept as {digest} loads as another one, {rulebook.digest}")
    return rulebook
