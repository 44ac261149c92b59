"""What is shown while training."""

import io
import re
from itertools import count
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from tasktalk.training.progress import Bars, Reporter, Silent
from tasktalk.training.train import train
from tests.training.toy import config, toy

ROW = {"epoch": 3, "train_loss": 0.51234, "dev_error": 8.333, "dev_loss": 0.4, "seconds": 61.7}


def console(terminal: bool) -> tuple[Console, io.StringIO]:
    """A screen of 80 columns, and a clock that goes on by a second whenever somebody looks."""
    file, seconds = io.StringIO(), count()
    shown = Console(
        file=file,
        width=80,
        force_terminal=terminal,
        color_system=None,
        legacy_windows=False,
        get_time=lambda: float(next(seconds)),
    )
    return shown, file


def frames(text: str) -> list[str]:
    """Every line that stood on the screen at some time."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return [line for line in re.split(r"[\r\n]", plain) if line.strip()]


def test_a_line_for_every_epoch() -> None:
    shown, file = console(terminal=False)
    with Bars(shown) as bars:
        bars.begin("ic", 12, 2)
        bars.steps(5, 10, "books", 0.5, 80)
        bars.epoch(ROW)
        bars.epoch({"epoch": 4, "train_loss": 0.4, "dev_error": None, "seconds": 70.2})
    assert file.getvalue().splitlines() == [
        "ic epoch 3/12  loss 0.5123  dev error  8.33 %  62 s",
        "ic epoch 4/12  loss 0.4000  no dev data  70 s",
    ]


def test_no_lines_where_a_trial_has_one() -> None:
    shown, file = console(terminal=False)
    with Bars(shown, lines=False) as bars:
        bars.begin("ic", 12, 2)
        bars.epoch(ROW)
    assert file.getvalue() == "" and bars.done == 3


def test_the_bar_shows_epoch_loss_rate_task_and_time_left() -> None:
    shown, file = console(terminal=True)
    with Bars(shown) as bars:
        bars.begin("ic", 4, 0)
        for step in range(1, 11):
            bars.steps(step, 10, "books", 0.5, 160)
        bars.progress.refresh()
        assert bars.progress.tasks[0].completed == 1  # of 4 epochs
    last = frames(file.getvalue())[-1]
    assert re.fullmatch(r"ic 1/4 \S+ +25% loss 0.500 \d+/s books left \d\d:\d\d", last), last


def test_a_resumed_run_begins_where_it_was() -> None:
    shown, _ = console(terminal=True)
    with Bars(shown) as bars:
        bars.begin("ic", 4, 3)
        assert bars.progress.tasks[0].percentage == 75
        bars.steps(1, 2, "books", 0.5, 16)
        assert bars.progress.tasks[0].completed == 3.5
        assert bars.progress.tasks[0].description == "ic 4/4"


@pytest.mark.parametrize("task", ["health_personal_care_and_more", "映画" * 12, "a[/b] [red]x", "16 tasks"])
def test_nothing_is_wider_than_the_screen(task: str) -> None:
    shown, file = console(terminal=True)
    with Bars(shown) as bars:
        bars.begin("stacked", 160, 158)
        for step in (1, 500, 999):
            bars.steps(step, 1000, task, 12345.678, 10**6)
            bars.progress.refresh()
        bars.epoch({"epoch": 160, "train_loss": 12345.678, "dev_error": 100.0, "seconds": 1234567.0})
    lines = frames(file.getvalue())
    assert max(cell_len(line) for line in lines) <= 80
    assert any(line.startswith("stacked 159/160 ") and task[:9] in line for line in lines)
    assert "stacked epoch 160/160  loss 12345.6780  dev error 100.00 %  1234567 s" in lines


def test_the_screen_is_free_again_after_an_error() -> None:
    bars = Bars(console(terminal=True)[0])
    with pytest.raises(KeyboardInterrupt), bars:
        raise KeyboardInterrupt
    assert not bars.progress.live.is_started


def test_both_are_reporters_and_one_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    silent: Reporter = Silent()
    train(toy(), config(training__epochs=1), tmp_path / "silent", reporter=silent)
    assert capfd.readouterr() == ("", "")
    with Bars() as bars:
        train(toy(), config(training__epochs=1), tmp_path / "bars", reporter=bars)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("fs epoch 1/1  loss 0.")
