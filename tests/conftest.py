"""Fixtures that every test folder uses."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real data sets, in the layout of the download cache."""
    folder = os.environ.get("TASKTALK_DATA")
    if not folder:
        pytest.skip("TASKTALK_DATA is not set: the real data is not at hand")
    return Path(folder).resolve()
