"""The package itself: its public names, and that importing it is cheap."""

import subprocess
import sys

import pytest

import tasktalk


@pytest.mark.parametrize("name", [name for name in tasktalk.__all__ if name != "__version__"])
def test_every_public_name_is_there(name: str) -> None:
    assert callable(getattr(tasktalk, name))
    assert name in dir(tasktalk)


def test_unknown_name_is_refused_as_any_module_does() -> None:
    with pytest.raises(AttributeError, match="module 'tasktalk' has no attribute 'trian'"):
        _ = tasktalk.trian


def test_import_is_cheap() -> None:
    program = "import sys, tasktalk; print({'torch', 'numpy', 'sklearn', 'pydantic', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
