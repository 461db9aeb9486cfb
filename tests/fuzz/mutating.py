"""Bytes made from good ones by what goes wrong with files: bits that flip, lines that move, parts that are cut or swollen."""

from random import Random

#: what stands in no good file, or stands elsewhere in it
_STRANGE = (
    b"", b"~", b"-1", b"9" * 400, b"1e999", b".nan", b"[]", b"{}", b"[[]]", b"{fr: 1, en: []}", b"\xff", b"\x00", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"!!python/object:x", b"&a [*a]", b"'", b'"', b"|", b"? ", b"\t", b": ", b"- ", b"%", b"@",
    b"x" * 20_000, b"[" * 2_000, b"{a: " * 500, b"not " * 2_000, b"(" * 2_000,
)  # fmt: skip


def mutated(content: bytes, random: Random) -> bytes:
    """One to four mishaps."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        content = random.choice((_flip, _flip, _cut, _swap, _drop, _repeat, _indent, _value, _value, _splice))(
            content, random
        )
    return content


def _flip(content: bytes, random: Random) -> bytes:
    if not content:
        return content
    at = random.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _splice(content: bytes, random: Random) -> bytes:
    at = random.randrange(len(content) + 1)
    return content[:at] + random.choice(_STRANGE) + content[at:]


def _lines(content: bytes, random: Random) -> tuple[list[bytes], int]:
    lines = content.split(b"\n")
    return lines, random.randrange(len(lines))


def _swap(content: bytes, random: Random) -> bytes:
    lines, at = _lines(content, random)
    other = random.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]
    return b"\n".join(lines)


def _drop(content: bytes, random: Random) -> bytes:
    lines, at = _lines(content, random)
    del lines[at : at + random.choice((1, 1, 5))]
    return b"\n".join(lines)


def _repeat(content: bytes, random: Random) -> bytes:
    lines, at = _lines(content, random)
    lines[at:at] = lines[at : at + random.choice((1, 3))] * random.choice((1, 1, 50))
    return b"\n".join(lines)


def _indent(content: bytes, random: Random) -> bytes:
    lines, at = _lines(content, random)
    lines[at] = lines[at].lstrip() if random.random() < 0.5 else b"  " + lines[at]
    return b"\n".join(lines)


def _value(content: bytes, random: Random) -> bytes:
    """What stands after a colon is something else."""
    lines, at = _lines(content, random)
    key, colon, _ = lines[at].partition(b":")
    if colon:
        lines[at] = key + b": " + random.choice(_STRANGE)
    return b"\n".join(lines)
