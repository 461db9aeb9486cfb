"""The field of the file of clients that says where public keys are: in the file, in another file, or at an address."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from service.clients.checked import Checked, Wrong, https_address, nested, refuse, unknown_keys
from service.clients.keys import MAX_KEY_SET, read_key_set


class KeySource(Checked):
    """Where public keys are. What is read is kept: {"found": keys or None, "at": address or None}.

    `remote` is the key under which an address stands, `accepted` the algorithms that its keys may serve.
    """

    def __init__(self, folder: Path, remote: str, accepted: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.remote = remote
        self.accepted = accepted

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        sources = ("jwks", "jwks_file", self.remote)
        needed = f"one of jwks, jwks_file or {self.remote} is needed below it"
        if not isinstance(value, dict):
            raise refuse(needed)
        wrong: dict[str | int, Any] = dict(unknown_keys(value, sources))
        found = None
        for source, reading in (("jwks", self._inline), ("jwks_file", self._file)):
            if source in value:
                try:
                    found = reading(value[source])
                except ValidationError as error:
                    wrong[source] = error.messages
        if "jwks" in value and "jwks_file" in value:
            wrong["jwks_file"] = [Wrong("jwks or jwks_file, not both")]
        if not value.keys() & set(sources) and not wrong:
            raise refuse(needed)
        at = None
        if self.remote in value:
            try:
                at = https_address(value[self.remote])
            except ValidationError as error:
                wrong[self.remote] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return {"found": found, "at": at}

    def _inline(self, value: Any) -> Any:
        found, faults = read_key_set(value, self.accepted)
        if faults:
            raise ValidationError(nested((keys, Wrong(message)) for keys, message in faults))
        return found

    def _file(self, value: Any) -> Any:
        if not isinstance(value, str) or not value:
            raise refuse("the path of a JWKS file is needed, from the folder of this file", value)
        path = self.folder / value
        try:
            if path.stat().st_size > MAX_KEY_SET:
                raise refuse(f"this file is larger than {MAX_KEY_SET} bytes", value)
            data = json.loads(path.read_bytes())
        except OSError as error:
            raise refuse(f"this file cannot be read ({error.strerror or type(error).__name__})", value) from None
        except (ValueError, RecursionError):
            raise refuse("this file is not JSON", value) from None
        found, faults = read_key_set(data, self.accepted)
        if faults:
            raise ValidationError(
                [Wrong(f"{'.'.join(map(str, keys)) or 'in it'}: {text}", value) for keys, text in faults]
            )
        return found
