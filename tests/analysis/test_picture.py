"""What the helpers between parts and page agree on."""

from dataclasses import FrozenInstanceError

import pytest

from tasktalk.analysis.picture import Check, Part


def test_a_part_may_have_nothing_but_its_words() -> None:
    part = Part("words", "Words", "This model reads no words.", ())
    assert (part.pictures, part.checks) == ((), ())


def test_a_verdict_is_not_changed_afterwards() -> None:
    check = Check("spread", None, "One sample.")
    with pytest.raises(FrozenInstanceError):
        check.passed = True  # type: ignore[misc]
