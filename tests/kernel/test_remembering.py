"""What several parts of one answer need is read once, and by the next answer anew."""

import pytest

from sla_portal.kernel.remembering import remembered, remembering

asked: list[int] = []


@remembered
def double(number: int) -> int:
    asked.append(number)
    return 2 * number


def test_it_is_read_once_for_the_same_arguments_and_anew_in_the_next_block():
    asked.clear()
    assert [double(1), double(1)] == [2, 2]
    assert asked == [1, 1]
    for _answer in range(2):
        with remembering():
            assert [double(1), double(2), double(1)] == [2, 4, 2]
    assert asked == [1, 1, 1, 2, 1, 2]


def test_nothing_is_remembered_after_a_block_that_failed():
    asked.clear()
    with pytest.raises(ZeroDivisionError), remembering():
        double(1)
        raise ZeroDivisionError
    double(1)
    assert asked == [1, 1]
