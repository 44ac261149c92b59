"""``tasktalk data build``."""

import gzip
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tasktalk.cli import build
from tasktalk.core.errors import ConfigError, DataError
from tests.data.test_dblp import dump

parent = typer.Typer()
parent.add_typer(build.app, name="build")


def run(*args: object) -> Result:
    return CliRunner().invoke(parent, ["build", "dblp", *map(str, args)], catch_exceptions=False)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A packed dump, a list of conferences, and a folder that is not there."""
    packed = tmp_path / "dblp.xml.gz"
    packed.write_bytes(gzip.compress(dump(tmp_path).read_bytes()))
    conferences = tmp_path / "conferences.txt"
    conferences.write_text("conf/nips\nconf/kdd\n")
    return packed, conferences, tmp_path / "out"


def test_tables_and_counts(files: tuple[Path, Path, Path]) -> None:
    xml, conferences, out = files
    done = run("--xml", xml, "--out", out, "--conferences", conferences)
    assert done.exit_code == 0
    assert done.stdout == f"conference  authors\nnips              2\nkdd               2\n{out}: 3 authors, 2 links\n"
    assert "warning: left out 2 authors without a link" in done.stderr
    assert "warning: left out 1 papers without a year" in done.stderr
    assert "two passes" in done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["edges.csv", "features.csv", "labels.csv"]


def test_options_and_quiet(files: tuple[Path, Path, Path]) -> None:
    xml, conferences, out = files
    options = ("--since", 2013, "--until", 2020, "--joint", 3, "--quiet")
    done = run("--xml", xml, "--out", out, "--conferences", conferences, *options)
    assert done.exit_code == 0
    assert "1 links" in done.stdout
    assert "two passes" not in done.stderr


def test_errors_are_of_the_family_that_main_prints(files: tuple[Path, Path, Path]) -> None:
    xml, conferences, out = files
    with pytest.raises(DataError, match="no paper of 'conf/icml'"):
        run("--xml", xml, "--out", out, "--quiet")
    with pytest.raises(ConfigError, match="expected years in order"):
        run("--xml", xml, "--out", out, "--conferences", conferences, "--since", 2030)
    assert run("--xml", xml).exit_code == 2
    assert not out.exists()
