"""Groups of settings: what all of them refuse."""

from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from tasktalk.models.settings import Settings, Share, Size, TextOptions


class Group(Settings):
    """A group of settings.

    Attributes:
        size: a size.
        share: a share.
        names: some names.
    """

    size: Size = 2
    share: Share = 0.5
    names: Annotated[list[str], Field(max_length=2)] = []  # noqa: RUF012  # pydantic copies it


@pytest.mark.parametrize(
    "values",
    [{"sise": 3}, {"size": 0}, {"size": 2.5}, {"share": 1}, {"share": -0.1}, {"share": float("nan")}, {"names": "ab"}],
)
def test_wrong_values_and_unknown_keys_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Group(**values)
    (key, value) = next(iter(values.items()))
    with pytest.raises(ValidationError):
        setattr(Group(), key, value)


def test_the_ends_of_the_ranges() -> None:
    assert (Group(size=1).size, Group(share=0).share, Group(share=0.99).share) == (1, 0, 0.99)


def test_groups_share_no_lists() -> None:
    first, second = Group(), Group()
    first.names.append("a")
    assert second.names == []


def test_defaults_of_a_network_for_texts() -> None:
    options = TextOptions()
    assert (options.pooling, options.embeddings, options.initialisation, options.wide) == (
        "last", "shared", "default", "off",
    )  # fmt: skip
    with pytest.raises(ValidationError):
        options.wide = "on"  # type: ignore[assignment]
