"""What `--memory` and `--threads` mean."""

import pytest

from service.cohort.running.errors import RunError
from service.cohort.running.memory import Memory, granted, size, written
from service.cohort.running.place import Size


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("4GB", 4 * 10**9), ("1500 MB", 15 * 10**8), ("2GiB", 2**31), ("1.5g", 15 * 10**8), ("2000000000", 2 * 10**9)],
)
def test_sizes(text: str, bytes_: int) -> None:
    assert size(text) == bytes_


@pytest.mark.parametrize("text", ["", "much", "-4GB", "4 XB", "4GB 2", "NaN"])
def test_no_size(text: str) -> None:
    with pytest.raises(RunError, match="write it as 4GB"):
        size(text)


def test_too_little_is_refused_with_the_reason() -> None:
    with pytest.raises(RunError, match="at least 1 GB"):
        granted("900MB", 1)
    with pytest.raises(RunError, match="add --threads 3"):
        granted("1GB", 16)
    assert granted("1GB", 3).threads == 3


def test_the_engine_gets_less_than_all() -> None:
    for total in (10**9, 4 * 10**9, 64 * 10**9):
        memory = Memory(total, 4)
        assert total // 3 < memory.engine < total


def test_parts_follow_from_the_memory() -> None:
    cohort = Size(1_000_000, 2_700_000)
    parts = [Memory(gigabytes * 10**9, 2).parts(cohort) for gigabytes in (1, 2, 4, 8, 64)]
    assert parts == sorted(parts, reverse=True)
    assert parts[0] > 50
    assert parts[-1] >= 9, "no part so large that much is lost when it is interrupted"
    assert Memory(4 * 10**9, 2).parts(Size(0, 0)) == 1


def test_written() -> None:
    assert [written(each) for each in (4 * 10**9, 15 * 10**8, 4 * 10**8, 12)] == ["4 GB", "1.5 GB", "400 MB", "12 B"]
