"""The network of every graph model: encoders, transfer, readout, head (dependency paper, Fig. 2 and 5)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tasktalk.communication.transfer import Transfer
from tasktalk.core.batch import GraphBatch, Output
from tasktalk.encoders.graph import GraphEncoders
from tasktalk.encoders.summary import SummaryEncoders
from tasktalk.heads.classifier import Classifier
from tasktalk.heads.readout import Readout


class GraphNetwork(nn.Module):
    """Molecules or nodes to the logits of every task.

    Args:
        encoders: atoms or nodes to states, by as many encoders as the transfer asks for.
        transfer: how the tasks share.
        readout: states of a molecule's atoms to one vector; None where an example is a node.
        head: output layer of every task.
        dropout: share of the features before the head that are dropped while training.
        summaries: encoders of features of each whole molecule, or None. They count as one more position of their
            molecule: the transfer mixes what the encoders make of them, and the head gets that beside the readout.
    """

    def __init__(
        self,
        encoders: GraphEncoders,
        transfer: Transfer,
        readout: Readout | None,
        head: Classifier,
        dropout: float = 0.2,
        summaries: SummaryEncoders | None = None,
    ) -> None:
        super().__init__()
        self.encoders = encoders
        self.transfer = transfer
        self.readout = readout
        self.head = head
        self.dropout = nn.Dropout(dropout)
        self.summaries = summaries

    def forward(self, batch: GraphBatch) -> Output:
        """Logits of every receiver, and who listened to whom at every atom or node."""
        sources = self.transfer.sources(batch.receivers)
        states, inputs = self.encoders(batch.features, batch.adjacency, sources)
        if batch.nodes is not None:  # a transfer looks at one position at a time
            states, inputs = states[:, batch.nodes], inputs[batch.nodes]
        atoms = states.shape[1]
        if self.summaries is not None and batch.wide is not None:
            states = torch.cat((states, self.summaries(batch.wide, sources)), dim=1)
            inputs = torch.cat((inputs, _mean_of_atoms(inputs, batch)))  # what a gate reads of a whole molecule
        states, record = self.transfer(states.unsqueeze(1), inputs.unsqueeze(0), batch.receivers)
        pooled = self._read_out(states[:, :atoms], batch)
        if states.shape[1] > atoms:
            pooled = torch.cat((pooled, states[:, atoms:]), dim=-1)
            record = {name: w[:, :atoms] if w.ndim == 3 else w for name, w in record.items()}
        return Output(self.head(self.dropout(pooled), batch.receivers), record)

    def _read_out(
        self, states: Float[Tensor, "receivers positions features"], batch: GraphBatch
    ) -> Float[Tensor, "receivers batch pooled"]:
        if self.readout is None or batch.graph_of is None:
            return states
        pooled: Tensor = self.readout(states, batch.graph_of, batch.labels.shape[1], batch.receivers)
        return pooled


def _mean_of_atoms(inputs: Float[Tensor, "positions features"], batch: GraphBatch) -> Float[Tensor, "batch features"]:
    sums = inputs.new_zeros(batch.labels.shape[1], inputs.shape[1])
    if batch.graph_of is None:
        return sums
    count = torch.bincount(batch.graph_of, minlength=len(sums)).clamp(min=1).unsqueeze(-1)
    return sums.index_add(0, batch.graph_of, inputs) / count
