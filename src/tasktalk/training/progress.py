"""What a person sees while a network trains."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@runtime_checkable  # signatures are checked while the tests run
class Reporter(Protocol):
    """Is told how training goes."""

    def begin(self, label: str, epochs: int, done: int) -> None:
        """Training starts (or goes on after ``done`` epochs)."""
        ...

    def steps(self, step: int, steps: int, task: str, loss: float, examples: int) -> None:
        """So many steps of the epoch are done; the latest task, the epoch's mean loss, examples since the last call."""
        ...

    def epoch(self, row: Mapping[str, Any]) -> None:
        """An epoch ended with this row of the history."""
        ...


class Silent:
    """Shows nothing."""

    def begin(self, label: str, epochs: int, done: int) -> None:
        """Nothing."""

    def steps(self, step: int, steps: int, task: str, loss: float, examples: int) -> None:
        """Nothing."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Nothing."""


class Bars:
    """A progress bar on standard error for the running epoch, and a line for each finished one.

    Args:
        console: where to draw; None takes standard error.
        lines: whether finished epochs have lines.
    """

    def __init__(self, console: Console | None = None, lines: bool = True) -> None:
        self.console, self.lines = console or Console(stderr=True), lines
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[facts]}", markup=False),
            TextColumn("left"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=False),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.bar = self.progress.add_task("", facts="", visible=False)
        self.label, self.epochs, self.done, self.examples = "", 0, 0, 0

    def __enter__(self) -> "Bars":
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def begin(self, label: str, epochs: int, done: int) -> None:
        """Start a bar for the whole training: the time left counts all epochs."""
        self.label, self.epochs, self.done, self.examples = label, epochs, done, 0
        self.progress.reset(self.bar, total=float(epochs), completed=done, visible=True, description=label)

    def steps(self, step: int, steps: int, task: str, loss: float, examples: int) -> None:
        """Move the bar."""
        self.examples += examples
        elapsed = self.progress.tasks[0].elapsed or 0.0
        rate = f"{self.examples / elapsed:.0f}/s" if elapsed > 0 else ""
        self.progress.update(
            self.bar,
            completed=self.done + step / steps,
            description=f"{self.label} {self.done + 1}/{self.epochs}",
            facts=f"loss {loss:.3f} {rate} {task[:12]}",
        )

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Print the line of a finished epoch."""
        self.done = int(row["epoch"])
        if not self.lines:
            return
        criterion = row.get("criterion", "error")
        value = row.get(f"dev_{criterion}")
        shown = "{:5.2f} %" if criterion == "error" else "{:.4f}"
        dev = "no dev data" if value is None else f"dev {criterion} {shown.format(value)}"
        facts = f"loss {row['train_loss']:.4f}  {dev}  {row['seconds']:.0f} s"
        self.console.print(f"{self.label} epoch {self.done}/{self.epochs}  {facts}", highlight=False)
