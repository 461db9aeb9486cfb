"""What can be wrong with a bundle or a key, said so that whoever runs the service can mend it."""

from collections.abc import Iterable


class BundleError(Exception):
    """The bundle, or a key, cannot be used. `errors` says why, one line each."""

    def __init__(self, errors: str | Iterable[str]) -> None:
        self.errors = (errors,) if isinstance(errors, str) else tuple(errors)
        super().__init__("\n".join(self.errors))
