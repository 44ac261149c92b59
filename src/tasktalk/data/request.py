"""What is asked of a loader: which tasks, which columns, how to split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tasktalk.core.task import Kind

SplitKind = Literal["random", "scaffold"]


@dataclass(frozen=True)
class Request:
    """Everything about a data set that a user can choose; a loader takes what concerns it.

    Args:
        tasks: names of the tasks to load; None loads all.
        tokenizer: name of the tokeniser; None takes what suits the data.
        text: tables of texts: name of the text column.
        label: tables of texts, one per task: name of the label column; None means ``label``.
        labels: tables with a column per task: names of these columns; None means all that are nothing else.
        kinds: kind by task name, where it is not to be inferred.
        smiles: tables of molecules: name of the column of SMILES; empty where there are none.
        edges: node graphs: path of the edge list; empty where there is none.
        features: node graphs: path of the feature table; empty where there is none.
        node: node graphs: name of the column that names the node, in the label and the feature table.
        split: how rows are dealt to train, dev and test: at ``random``, or molecules by ``scaffold``.
        dev: share of the examples for development, where the data has no development part.
        test: share of the examples for testing, where the data has no test part.
        seed: of the split.
        known: tables that are only to be scored: classes by task, none of a regression, as a run knows them. Then
            labels may be all the same, and training need not have them all.
    """

    tasks: tuple[str, ...] | None = None
    tokenizer: str | None = None
    text: str = "text"
    label: str | None = None
    labels: tuple[str, ...] | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    smiles: str = ""
    edges: str = ""
    features: str = ""
    node: str = "node"
    split: SplitKind = "random"
    dev: float = 0.1
    test: float = 0.2
    seed: int = 0
    known: Mapping[str, Sequence[str]] | None = None
