"""A bundle of the real rules: what comes out is what went in, and whoever changes a part of it is found out."""

import dataclasses
import json
from typing import Any

import pytest

from service.bundle import bundle, container, keys, manifest, serve
from service.bundle.container import Parts
from service.bundle.errors import BundleError
from service.bundle.manifest import Edition
from service.rulebook.load import load_files
from tests.publishing import DAY, NAMES, changed, published


@pytest.fixture(scope="module")
def parts(ready) -> Parts:
    return container.unpack(ready.bundle)


def refused(data: bytes, trusted: keys.Trusted | None) -> str:
    with pytest.raises(BundleError) as caught:
        bundle.rulebook_of(bundle.opened(data, trusted))
    assert all("\n" not in line for line in caught.value.errors)
    return "\n".join(caught.value.errors)


def test_what_went_in_comes_out(ready, ours, files):
    found = bundle.opened(ready.bundle, ours.trusted)
    assert found.signed_by == ours.id
    assert found.files == {**files, **ready.files}
    about = found.manifest
    assert (about.version, about.digest) == ("1.0.0", ready.rulebook.digest)
    assert (about.approved_by, about.date, about.follows) == (NAMES, "2026-11-25", None)
    assert bundle.rulebook_of(found).digest == ready.rulebook.digest


def test_the_same_rules_give_the_same_bytes(ready, ours, files):
    shuffled = dict(reversed(files.items()))
    assert published(shuffled, key=ours.key).bundle == ready.bundle


def test_whom_to_trust(ready, ours, theirs, files):
    assert f"{ours.id}, which is not trusted here" in refused(ready.bundle, theirs.trusted)
    unsigned = container.pack(Parts(container.unpack(ready.bundle).manifest, None, {**files, **ready.files}))
    assert "not signed" in refused(unsigned, ours.trusted)
    anybody = bundle.opened(ready.bundle, None)
    assert (anybody.signed_by, anybody.claims) == (None, ours.id)
    nobody = bundle.opened(unsigned, None)
    assert (nobody.signed_by, nobody.claims) == (None, None)


def test_no_byte_of_any_part_can_be_another(ready, ours):
    """Every part of the file: its head, the manifest, the signature, each rule file, the directory at the end."""
    data = ready.bundle
    places = {*range(120), *range(len(data) - 200, len(data)), *range(120, len(data), len(data) // 100)}
    for mark in (b"manifest.json", b"signature.json", b"rules/"):
        at = data.find(mark)
        while at >= 0:
            # The header before a name, the name, and the first bytes of what it names.
            places |= set(range(at - 30, at + len(mark) + 30, 23))
            at = data.find(mark, at + 1)
    for at in sorted(places & set(range(len(data)))):
        altered = bytearray(data)
        altered[at] ^= 0x01
        with pytest.raises(BundleError):
            bundle.opened(bytes(altered), ours.trusted)


def test_a_rule_that_was_changed(parts, ours, theirs):
    """By somebody who packs it well, and has no key that is trusted."""
    files = changed(parts.files, "safety/bleeding.yaml", "< 50 G/L", "< 20 G/L")
    packed = container.pack(Parts(parts.manifest, parts.signature, files))
    assert refused(packed, ours.trusted) == "safety/bleeding.yaml: altered: its sha256 is not the one in the manifest"
    assert refused(packed, None) == "safety/bleeding.yaml: altered: its sha256 is not the one in the manifest"

    told = json.loads(parts.manifest)
    told["files"] = manifest.digests(files)
    told["digest"] = load_files(files).digest
    lying = (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()
    assert "altered after it was signed" in refused(container.pack(Parts(lying, parts.signature, files)), ours.trusted)
    own = keys.signed(lying, theirs.key)
    assert "not trusted here" in refused(container.pack(Parts(lying, own, files)), ours.trusted)
    # The name of the key is not part of what is signed: another's name does not help.
    named = own.replace(theirs.id.encode(), ours.id.encode())
    assert "altered after it was signed" in refused(container.pack(Parts(lying, named, files)), ours.trusted)


def test_files_lost_and_added(parts, ours):
    fewer = {name: content for name, content in parts.files.items() if name != "site.yaml"}
    assert refused(container.pack(Parts(parts.manifest, parts.signature, fewer)), ours.trusted) == (
        "site.yaml: is missing, the manifest names it"
    )
    more = {**parts.files, "safety/extra.yaml": b"topic: extra\n"}
    assert refused(container.pack(Parts(parts.manifest, parts.signature, more)), ours.trusted) == (
        "safety/extra.yaml: the manifest does not name it"
    )


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"digest": "0" * 64}, "the manifest says digest 000000000000…, the rules say"),
        ({"version": "1.0.1"}, "the manifest says version 1.0.1, the rules say 1.0.0"),
        ({"name": "other"}, "the manifest says name other, the rules say"),
        ({"effective": "2027-01-01"}, "the manifest says effective 2027-01-01, the rules say 2026-11-25"),
        ({"approved_by": ["C. Third"]}, "the manifest says approved_by C. Third, the rules say A. First, B. Second"),
        ({"date": "2026-11-26"}, "changelog.yaml does not begin with version 1.0.0 of 2026-11-26"),
        ({"date": "2026-13-01"}, "the manifest is not in the form"),
        ({"version": "1.0"}, "the manifest is not in the form indication-rulebook/1 (at version)"),
        ({"format": "indication-rulebook/2"}, "the manifest is not in the form indication-rulebook/1 (at format)"),
        ({"more": 1}, "the manifest is not in the form"),
        ({"approved_by": []}, "(at approved_by)"),
        ({"grade": "fine"}, "(at grade)"),
    ],
)
def test_a_manifest_that_does_not_tell_the_truth(parts, ours, lie, said):
    """Even signed by a trusted key: the rules are what they are."""
    told: dict[str, Any] = {**json.loads(parts.manifest), **lie}
    lying = (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()
    assert said in refused(container.pack(Parts(lying, keys.signed(lying, ours.key), parts.files)), ours.trusted)


@pytest.mark.parametrize("written", [b"", b"\xff", b"[]", b"{" * 100_000, b'{"a": NaN}', b"1" * 10_000])
def test_what_is_no_manifest(parts, ours, written):
    packed = container.pack(Parts(written, keys.signed(written, ours.key), parts.files))
    assert "the manifest is not in the form" in refused(packed, ours.trusted)


def test_a_manifest_in_another_form(parts, ours):
    """A key twice, spaces: what is read must be what was signed, to the byte."""
    for written in (parts.manifest + b" ", parts.manifest.replace(b"{", b'{"version": "9.9.9",', 1)):
        packed = container.pack(Parts(written, keys.signed(written, ours.key), parts.files))
        assert "the manifest is not in the form" in refused(packed, ours.trusted)


def test_rules_that_do_not_load(parts, ours):
    files = {**parts.files, "site.yaml": b"nothing: [\n"}
    about = dataclasses.replace(manifest.read(parts.manifest), files=manifest.digests(files))
    packed = container.pack(Parts(about.written(), keys.signed(about.written(), ours.key), files))
    assert refused(packed, ours.trusted).startswith("site.yaml:")


def test_what_cannot_be_made(files, ready):
    book = ready.rulebook
    settings = {"date": "2026-11-25", "grade": "first", "follows": None, "key": None}
    rules = {**files, **ready.files}
    with pytest.raises(BundleError, match=r"strange name\.yaml: cannot stand in a bundle"):
        bundle.make({**rules, "safety/strange name.yaml": b"x"}, book, **settings)
    with pytest.raises(BundleError, match="more than 998 rule files"):
        bundle.make({f"safety/a{number}.yaml": b"x" for number in range(999)}, book, **settings)
    with pytest.raises(BundleError, match=r"does not begin with version 1\.0\.0 of 2026-11-26"):
        bundle.make(rules, book, **{**settings, "date": "2026-11-26"})
    draft = dataclasses.replace(book, info=dataclasses.replace(book.info, status="draft"))
    with pytest.raises(BundleError, match="status draft"):
        bundle.make(rules, draft, **settings)


def test_what_it_follows_is_told(files, ours):
    follows = Edition("0.9.0", "f" * 64)
    found = bundle.opened(published(files, key=ours.key, grade="loosening", follows=follows).bundle, ours.trusted)
    assert (found.manifest.follows, found.manifest.grade) == (follows, "loosening")
    assert found.manifest.date == DAY.isoformat()


def test_from_a_file(ready, ours, root, tmp_path):
    path = tmp_path / "a.bundle"
    path.write_bytes(ready.bundle)
    assert bundle.read(path, ours.trusted).signed_by == ours.id
    path.write_bytes(b"nothing")
    for source, said in ((path, "not a bundle of rules"), (tmp_path / "none.bundle", "cannot be read")):
        with pytest.raises(BundleError) as caught:
            bundle.read(source, None)
        assert caught.value.errors[0].startswith(f"{source}: {said}")


def test_what_is_served(ready, ours, root, tmp_path):
    path = tmp_path / "a.bundle"
    path.write_bytes(ready.bundle)
    trusted = ours.public.parent
    source = serve.load(path, trusted)
    assert (source.rulebook.digest, source.bundle and source.bundle.signed_by) == (ready.rulebook.digest, ours.id)
    with pytest.raises(BundleError, match="only bundles signed by a trusted key are served here"):
        serve.load(root / "rules", trusted)
    with pytest.raises(BundleError, match="only bundles signed by a trusted key"):
        serve.load(tmp_path / "none", trusted)
    with pytest.raises(BundleError, match="holds no key"):
        serve.load(path, tmp_path)
    assert serve.look(root / "rules", None) is None
