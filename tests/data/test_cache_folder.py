"""Where the cache is."""

from pathlib import Path

import pytest

from tasktalk.data.cache_folder import cache_folder


def test_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKTALK_DATA", "~/data")
    assert cache_folder() == Path.home() / "data"
    monkeypatch.delenv("TASKTALK_DATA")
    assert cache_folder().is_absolute()
    assert "tasktalk" in cache_folder().parts
