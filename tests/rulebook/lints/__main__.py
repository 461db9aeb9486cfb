"""`python -m tests.rulebook.lints` writes docs/workbench/lints.md."""

from tests.rulebook.lints.page import PAGE, page

PAGE.parent.mkdir(exist_ok=True)
PAGE.write_text(page(), encoding="utf-8")
