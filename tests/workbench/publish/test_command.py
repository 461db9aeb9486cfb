"""`flask rules publish`, `verify` and `keygen`, as a committee types them."""

import hashlib
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.bundle import bundle, keys
from service.language.vocabulary import Text
from service.rulebook.load import load_files
from service.rulebook.source import rule_files
from service.workbench.diff import Change, Diff
from service.workbench.publish.gates import Gate
from tests.publishing import Signer, changed, signer

NAME = "indication-bone-metastases"
#: all that a machine must say the first time
WHOLE = (
    "--no-input",
    "--version",
    "1.0.0",
    "--approved-by",
    "A. First",
    "--keep-notice",
    "--changes-fr",
    "Première version.",
    "--changes-en",
    "First version.",
    "--date",
    "2026-11-25",
)
RULES = ("--approved-by", "--version")


@cache
def _loaded(content: tuple[tuple[str, bytes], ...]) -> Any:
    return load_files(dict(content))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that were loaded once are not loaded again; and what must be passed before publishing is passed."""
    for module in ("service.cli.publish", "service.workbench.publish.following", "service.workbench.publish.prepare"):
        monkeypatch.setattr(f"{module}.load_files", lambda files: _loaded(tuple(sorted(files.items()))))
    monkeypatch.setattr(
        "service.cli.publish.GATES", tuple(Gate(name, lambda *_: []) for name in ("check", "prove", "test"))
    )


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the comparison come out with this grade; the real one is the subject of other tests."""

    def grade(as_: Any) -> None:
        words = Text("limite : 50 → 30 G/L", "limit: 50 → 30 G/L")
        found = Diff((Change("rule.condition", "safety/bleeding.yaml:1", words, as_),), as_)
        monkeypatch.setattr("service.workbench.diff.compare", lambda *_, **__: found)

    return grade


@pytest.fixture
def run(app, root, monkeypatch):
    monkeypatch.chdir(root)

    def run(*arguments: object, typed: str | None = None):
        result = app.test_cli_runner().invoke(args=["rules", *map(str, arguments)], input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture(scope="session")
def ours(tmp_path_factory) -> Signer:
    return signer(tmp_path_factory.mktemp("signer"))


@pytest.fixture
def rules(root, tmp_path) -> Path:
    """A copy of the rules."""
    shutil.copytree(root / "rules", tmp_path / "rules")
    return tmp_path / "rules"


@pytest.fixture
def out(tmp_path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def nothing_written(rules, out):
    """Holds at the end: the rules are as they were, and there is no bundle."""
    before = rule_files(rules)
    yield
    assert rule_files(rules) == before
    assert [path.name for path in (*rules.iterdir(), *out.iterdir()) if path.name.startswith(".")] == []
    assert list(out.iterdir()) == []


@pytest.fixture
def published(run, rules, out, ours) -> Path:
    """Version 1.0.0, as a bundle; `rules` are those of it."""
    code, _, errors = run("publish", "--out", out, "--rules", rules, "--key", ours.private, *WHOLE)
    assert code == 0, errors
    return out / f"{NAME}-1.0.0.bundle"


def edit(rules: Path, name: str = "safety/bleeding.yaml", old: str = "< 50 G/L", new: str = "< 30 G/L") -> None:
    (rules / name).write_bytes(changed(rule_files(rules), name, old, new)[name])


# ---- the first time ----------------------------------------------------------------------------------------------


def test_the_first_publication(run, rules, out, ours):
    before = rule_files(rules)
    code, output, errors = run("publish", "--out", out, "--rules", rules, "--key", ours.private, *WHOLE)
    assert code == 0, errors
    (path,) = out.iterdir()
    found = bundle.read(path, ours.trusted)
    book = bundle.rulebook_of(found)
    assert path.name == f"{NAME}-1.0.0.bundle"
    assert f"digest {book.digest}" in output
    assert f"signed with the key {ours.id}" in output
    assert (book.info.status, book.info.approved_by, book.info.effective) == ("approved", ("A. First",), "2026-11-25")
    (release,) = book.releases
    assert (release.version, release.date, release.changes.fr) == ("1.0.0", "2026-11-25", "Première version.")
    assert (found.manifest.grade, found.manifest.follows) == ("first", None)
    after = rule_files(rules)
    assert after == found.files, "the folder holds what the bundle holds"
    assert {name for name in after if after[name] != before[name]} == {"rulebook.yaml", "changelog.yaml"}
    # Comments, order and layout stay: line by line only the four values differ.
    lines = [each.decode().splitlines() for each in (before["rulebook.yaml"], after["rulebook.yaml"])]
    differing = [new.partition(":")[0] for old, new in zip(*lines, strict=True) if old != new]
    assert differing == ["version", "effective", "status", "approved_by"]
    assert after["changelog.yaml"].decode().startswith(before["changelog.yaml"].decode().partition("releases")[0])

    code, output, _ = run("verify", path, "--key", ours.public)
    assert code == 0
    for said in (f"{NAME} 1.0.0, digest {book.digest}", f"signature verified, by the key {ours.id}", "A. First"):
        assert said in output


def test_the_same_again_gives_the_same_bytes(run, root, out, ours, tmp_path):
    digests = set()
    for number in range(2):
        rules = tmp_path / f"copy{number}"
        shutil.copytree(root / "rules", rules)
        target = out / f"{number}.bundle"
        code, _, errors = run("publish", "--out", target, "--rules", rules, "--key", ours.private, *WHOLE)
        assert code == 0, errors
        digests.add(hashlib.sha256(target.read_bytes()).hexdigest())
    assert len(digests) == 1


# ---- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("shut", ["check", "prove", "test"])
def test_refused_unless_all_pass(run, rules, out, monkeypatch, shut):
    gates = tuple(
        Gate(name, lambda *_, name=name: ["safety/a.yaml:1: wrong"] if name == shut else [])
        for name in ("check", "prove", "test")
    )
    monkeypatch.setattr("service.cli.publish.GATES", gates)
    code, output, errors = run("publish", "--out", out, "--rules", rules, *WHOLE)
    assert (code, output) == (1, "")
    assert "safety/a.yaml:1: wrong" in errors
    assert f"flask rules {shut}: refused" in errors
    assert f"{shut}: 1 to mend" in errors
    assert errors.count(": passed") == 2, "the others are run too, so that all is known at once"
    assert errors.endswith("nothing was written\n")


def without(options: tuple[str, ...], name: str) -> tuple[str, ...]:
    at = options.index(name)
    return options[:at] + options[at + (1 if name in ("--keep-notice", "--no-input") else 2) :]


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (without(WHOLE, "--approved-by"), "approved by 0, and 1 must approve"),
        ((*WHOLE, "--approvals", "2"), "approved by 1, and 2 must approve"),
        ((*WHOLE, "--approvals", "2", "--approved-by", "a.  first "), "an approver is named twice"),
        ((*WHOLE, "--approved-by", "  "), "cannot be taken for a name"),
        ((*WHOLE, "--approved-by", "B\x1b[2J"), "cannot be taken for a name"),
        (without(WHOLE, "--version"), "--version is needed with --no-input"),
        ((*WHOLE, "--version", "1.0"), "1.0: not a version; three numbers are needed"),
        ((*WHOLE, "--version", "0.0.9"), "0.0.9 is lower than 0.1.0, which rulebook.yaml says already"),
        (without(WHOLE, "--keep-notice"), "every answer would still say"),
        (without(WHOLE, "--changes-fr"), "--changes-fr is needed"),
        ((*WHOLE, "--changes-en", " "), "the changes (en) are empty"),
        ((*WHOLE, "--changes-en", "a\tb"), "the changes (en) are empty"),
        ((*WHOLE, "--previous", "no-such-revision"), "no-such-revision: no such folder or file"),
        ((*WHOLE, "--key", "/nowhere/key.pem"), "/nowhere/key.pem: cannot be read"),
    ],
)
def test_what_must_be_said(run, rules, out, options, said):
    code, _, errors = run("publish", "--out", out, "--rules", rules, *options)
    assert code == 1
    assert said in errors
    assert errors.endswith("nothing was written\n")


@pytest.mark.usefixtures("nothing_written")
def test_all_that_must_be_said_is_told_at_once_and_before_the_long_part(run, rules, out, monkeypatch):
    monkeypatch.setattr("service.cli.publish.GATES", (Gate("prove", lambda *_: pytest.fail("minutes for nothing")),))
    code, _, errors = run("publish", "--out", out, "--rules", rules, "--no-input")
    assert code == 1
    for missing in ("--approved-by", "--version", "--keep-notice", "--changes-fr", "--changes-en"):
        assert missing in errors, missing


@pytest.mark.usefixtures("nothing_written")
def test_rules_that_change_meanwhile(run, rules, out, monkeypatch):
    path = rules / "site.yaml"
    before = path.read_bytes()

    def meddle(*_):
        path.write_bytes(before + b"# meanwhile\n")
        return []

    monkeypatch.setattr("service.cli.publish.GATES", (Gate("check", meddle),))
    code, _, errors = run("publish", "--out", out, "--rules", rules, *WHOLE)
    path.write_bytes(before)
    assert code == 1
    assert "was changed meanwhile" in errors


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_all_or_nothing(run, rules, out, monkeypatch, fails_at):
    taken = 0
    replace = Path.replace

    def failing(self, target):
        nonlocal taken
        taken += 1
        if taken == fails_at:
            raise OSError(28, "No space left on device", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    code, _, errors = run("publish", "--out", out, "--rules", rules, *WHOLE)
    assert code == 1
    assert "cannot be written: No space left on device" in errors


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("typed", ["", "\n", "1.0.0\n\nx\ny\n\n\nA. First\n\nn\n"])
def test_interrupted_or_declined_at_a_prompt(run, rules, out, typed):
    code, _, errors = run("publish", "--out", out, "--rules", rules, typed=typed)
    assert code == 130
    assert "interrupted: nothing was written" in errors


@pytest.mark.usefixtures("nothing_written")
def test_a_dry_run(run, rules, out):
    code, output, errors = run("publish", "--out", out, "--rules", rules, "--dry-run")
    assert (code, output) == (0, "the first publication: version 0.1.0 or higher\n")
    assert "dry run: nothing was written" in errors


def test_what_was_published_stays_as_it_is(run, rules, out, published, graded):
    before = published.read_bytes()
    edit(rules)
    graded("tightening")
    code, _, errors = run(
        "publish", "--out", published, "--rules", rules, "--previous", published, *WHOLE, "--version", "2.0.0"
    )
    assert code == 1
    assert "exists already, and is not overwritten" in errors
    assert published.read_bytes() == before


def test_what_it_follows_must_be_the_last_one_published(run, rules, out, published, root):
    code, _, errors = run("publish", "--out", out, "--rules", rules, *WHOLE)
    assert (code, "version 1.0.0 was published before; name it with --previous" in errors) == (1, True)
    code, _, errors = run("publish", "--out", out, "--rules", rules, "--previous", root / "rules", *WHOLE)
    assert (code, "the last one published is 1.0.0; name that one" in errors) == (1, True)
    code, _, errors = run("publish", "--out", out, "--rules", rules, "--previous", published, *WHOLE)
    assert (code, "nothing has changed since" in errors) == (1, True)
    edit(rules, "rulebook.yaml", f"name: {NAME}", "name: other")
    code, _, errors = run("publish", "--out", out, "--rules", rules, "--previous", published, *WHOLE)
    assert (code, f"is «{NAME}», not «other»" in errors) == (1, True)


# ---- the next version --------------------------------------------------------------------------------------------


def test_a_loosening_is_never_a_patch(run, rules, out, published, ours):
    """A threshold is lowered; the comparison is the real one."""
    edit(rules)
    at = ("publish", "--out", out, "--rules", rules, "--key", ours.private, "--previous", published, "--lang", "en")
    code, output, errors = run(*at, *WHOLE, "--version", "1.0.1")
    assert code == 1
    assert "1.0.1 is too low: what follows 1.0.0 is at least 1.1.0 (minor), since it is a loosening" in errors
    assert re.search(r"50 → 30 G/L", output)

    # At the prompts: the lowest version and the words of the comparison are offered; nobody's name is.
    # What is refused is asked again: a number that is too low, no day, too few names, the same name twice.
    typed = "1.0.9\n\nsoon\n2027-01-04\n\nPlatelet limit lowered.\nA. First\n\na. first\nB. Second\n\ny\n"
    code, output, errors = run(*at, "--approvals", "2", "--date", "2026-12-01", typed=typed)
    assert code == 0, errors
    told = output + errors
    for said in ("Version [1.1.0]", "1.0.9 is too low", "a day is needed", "approved by 1, and 2 must", "named twice"):
        assert said in told
    found = bundle.read(out / f"{NAME}-1.1.0.bundle", ours.trusted)
    book = bundle.rulebook_of(found)
    assert (found.manifest.grade, found.manifest.follows) == (
        "loosening",
        bundle.Edition("1.0.0", bundle.read(published, None).manifest.digest),
    )
    assert (book.info.effective, book.info.approved_by) == ("2027-01-04", ("A. First", "B. Second"))
    newest, oldest = book.releases
    assert (newest.version, newest.date, oldest.version) == ("1.1.0", "2026-12-01", "1.0.0")
    assert newest.changes.en == "Platelet limit lowered."
    assert "50 → 30 G/L" in newest.changes.fr
    assert run("verify", out / f"{NAME}-1.1.0.bundle", "--key", ours.public)[0] == 0


@pytest.mark.parametrize(("grade", "lowest"), [("wording", "1.0.1"), ("mixed", "1.1.0")])
def test_the_lowest_is_told(run, rules, out, published, graded, grade, lowest):
    edit(rules)
    graded(grade)
    code, output, _ = run("publish", "--out", out, "--rules", rules, "--previous", published, "--dry-run")
    assert code == 0
    assert f"the next version is at least {lowest} " in output


def test_what_breaks_referrals_is_a_major_version(run, rules, out, published, graded):
    graded("wording")
    edit(rules, "vocabulary/blood.yaml", ", /uL: 0.001", "")
    options = ("publish", "--out", out, "--rules", rules, "--previous", published)
    code, _, errors = run(*options, *WHOLE, "--version", "1.1.0")
    assert code == 1
    assert "at least 2.0.0 (major)" in errors
    assert "no longer takes the unit /uL" in errors
    code, output, errors = run(*options, *WHOLE, "--version", "2.0.0")
    assert code == 0, errors
    assert "not signed" in output


def test_a_notice_for_an_approved_rulebook(run, rules, out):
    options = without(WHOLE, "--keep-notice")
    notice = ("--notice-fr", "Approuvé « en comité ».", "--notice-en", "Approved by the committee.")
    code, _, errors = run("publish", "--out", out, "--rules", rules, *options, *notice)
    assert code == 0, errors
    book = load_files(rule_files(rules))
    assert (book.info.notice.fr, book.info.notice.en) == (notice[1], notice[3])


# ---- keys --------------------------------------------------------------------------------------------------------


def test_keygen(run, tmp_path):
    folder = tmp_path / "keys"
    code, _, errors = run("keygen", "--out", folder)
    assert code == 0
    private, public = folder / "rulebook.private.pem", folder / "rulebook.public.pem"
    assert private.stat().st_mode & 0o777 == 0o600
    (name,) = keys.load_trusted(public)
    assert keys.key_id(keys.load_private(private).public_key()) == name
    assert name in errors
    before = private.read_bytes()
    code, _, errors = run("keygen", "--out", folder)
    assert (code, private.read_bytes()) == (1, before)
    assert "exists already, and is not overwritten" in errors


def test_an_encrypted_key(run, rules, out, tmp_path):
    folder = tmp_path / "keys"
    assert run("keygen", "--out", folder, "--encrypt", typed="a secret\na secret\n")[0] == 0
    private, phrase = folder / "rulebook.private.pem", tmp_path / "phrase"
    options = ("publish", "--out", out, "--rules", rules, "--key", private, *WHOLE)
    code, _, errors = run(*options)
    assert (code, "is encrypted; name the file of its passphrase" in errors) == (1, True)
    phrase.write_text("wrong\n")
    code, _, errors = run(*options, "--passphrase-file", phrase)
    assert (code, "the passphrase is wrong" in errors) == (1, True)
    phrase.write_text("a secret\n")
    assert run(*options, "--passphrase-file", phrase)[0] == 0
    assert run("verify", out / f"{NAME}-1.0.0.bundle", "--key", folder / "rulebook.public.pem")[0] == 0


def test_verify_tells_what_it_does_not_know(run, rules, out, published, tmp_path):
    code, output, _ = run("verify", published)
    assert code == 0
    assert "SIGNATURE NOT VERIFIED" in output
    other = signer(tmp_path / "other")
    code, output, errors = run("verify", published, "--key", other.public)
    assert (code, output) == (1, "")
    assert "not trusted here" in errors
    data = bytearray(published.read_bytes())
    data[len(data) // 2] ^= 1
    published.write_bytes(data)
    code, output, errors = run("verify", published)
    assert (code, output) == (1, "")
    assert "not to be served" in errors
