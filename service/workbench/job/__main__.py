"""`python -m service.workbench.job`: one computation over a draft. The order on standard input, what happens on standard output.

The order is JSON: `task`, `file` and `text` of the draft, `rules` (the text of every rule file in use, by its name),
`cases` (a folder). Each line of the output is JSON:
{"progress": {"done", "of", "label"}} now and then, at the end {"result": …} or {"fault": "where it failed"}.
"""

import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from service.language.vocabulary import Text
from service.rulebook.load import RulebookError
from service.selftest import SelfTestError
from service.workbench.job.order import Order
from service.workbench.job.outcome import both
from service.workbench.job.tasks import TASKS, refused

#: between two words on the progress
EVERY_SECONDS = 0.2


class Speaker:
    """Says how far a computation is, not more often than anybody reads."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._last = float("-inf")

    def progress(self, done: int, of: int, label: Text) -> None:
        now = time.monotonic()
        if now - self._last >= EVERY_SECONDS:
            self._last = now
            self.say({"progress": {"done": done, "of": of, "label": both(label)}})

    def say(self, event: dict[str, Any]) -> None:
        self._output.write(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._output.flush()


def main(source: TextIO, output: TextIO) -> int:
    given = json.load(source)
    present = {name: text.encode() for name, text in given["rules"].items()}
    order = Order(given["file"], given["text"], present, Path(given["cases"]))
    speaker = Speaker(output)
    try:
        outcome = TASKS[given["task"]](order, speaker.progress)
    except (RulebookError, SelfTestError) as error:
        outcome = refused(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, the page must say that it failed
        frame = traceback.extract_tb(error.__traceback__)[-1]
        # Not its message, which may be long and quote the draft.
        speaker.say({"fault": f"{type(error).__name__} ({Path(frame.filename).name}:{frame.lineno})"})
        return 1
    speaker.say({"result": outcome.plain()})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin, sys.stdout))
