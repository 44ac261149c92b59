"""Where the cache is."""

import os
from pathlib import Path

CACHE_VARIABLE = "TASKTALK_DATA"


def cache_folder() -> Path:
    """The folder that the environment variable ``TASKTALK_DATA`` names, else the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    import pooch  # slow to import, and not needed where the variable is set

    return Path(pooch.os_cache("tasktalk"))
