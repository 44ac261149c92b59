"""Pinned values: a second anchor beside the oracles, which a change of both would not move.

Words and parameters are sines of their place, so that no generator of random numbers is part of the values.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tasktalk.communication.compose import Bidirectional
from tasktalk.communication.convolution import TaskConvolution
from tasktalk.communication.direct import DirectCommunication
from tasktalk.communication.fully_shared import FullyShared
from tasktalk.communication.indirect import IndirectCommunication
from tasktalk.communication.private import PrivateLSTM
from tasktalk.communication.shared_private import SharedPrivate

WORD_FEATURES, HIDDEN, TASKS = 3, 2, 3

# Name: block; states and record of task 2 at the last of four words and of task 0 at the last of three; the gradient of
# the sum of all states by the first features of the first two words of each; the penalty.
VALUES: dict[str, tuple[Callable[[], nn.Module], dict[str, list[float]]]] = {
    "private": (
        lambda: PrivateLSTM(WORD_FEATURES, HIDDEN, TASKS),
        {
            "states": [-0.011355788, -0.038458648, 0.021871995, 0.272726306],
            "gradient": [-0.062876707, 0.047730826, -0.146006257, -0.071952027],
        },
    ),
    "fully shared": (
        lambda: FullyShared(WORD_FEATURES, HIDDEN),
        {
            "states": [0.014675135, 0.253078688, 0.021871995, 0.272726306],
            "gradient": [-0.001331484, -0.714091347, -0.146006257, -0.071952027],
        },
    ),
    "shared private": (
        lambda: SharedPrivate(WORD_FEATURES, HIDDEN, TASKS),
        {
            "states": [
                -0.088574224,
                0.080722622,
                0.832507682,
                -0.045225739,
                0.082487735,
                -0.072982909,
                0.799314859,
                -0.049493289,
            ],
            "gradient": [0.321906803, -0.137545862, -0.034775578, -1.318015809],
            "penalty": [0.103657505],
        },
    ),
    "convolution": (
        lambda: TaskConvolution(WORD_FEATURES, HIDDEN, TASKS, window=3),
        {
            "states": [0.0, 0.0, 1.032125278, 0.0],
            "gradient": [1.849209837, -2.190209631, 4.080050489, -1.688853895],
        },
    ),
    "direct": (
        lambda: DirectCommunication(WORD_FEATURES, HIDDEN, TASKS),
        {
            "states": [-0.005161983, 0.025077257, 0.022778569, 0.322612383],
            "gradient": [-0.091541061, 0.058682431, -0.049870460, -0.045424619],
            "alpha": [0.494937138, 0.505062862, 0.0, 0.0, 0.503107548, 0.496892452],
            "gate": [0.498586134, 0.500057182],
        },
    ),
    "direct, senders kept": (
        lambda: DirectCommunication(WORD_FEATURES, HIDDEN, TASKS, train_senders=False),
        {
            "states": [-0.005161983, 0.025077257, 0.022778569, 0.322612383],
            "gradient": [-0.067075628, 0.057215947, -0.111011195, -0.043973433],
            "alpha": [0.494937138, 0.505062862, 0.0, 0.0, 0.503107548, 0.496892452],
            "gate": [0.498586134, 0.500057182],
        },
    ),
    "indirect": (
        lambda: IndirectCommunication(WORD_FEATURES, HIDDEN, TASKS),
        {
            "states": [-0.011442623, -0.045610151, 0.021232682, 0.215488824],
            "gradient": [-0.070694017, 0.035811809, -0.174754321, -0.098555939],
            "beta": [0.250207499, 0.249834775, 0.249649964, 0.250307763, 0.332792936, 0.332800614, 0.334406449, 0.0],
            "gate": [0.498235207, 0.511557065],
        },
    ),
    "indirect, causal": (
        lambda: IndirectCommunication(WORD_FEATURES, HIDDEN, TASKS, causal=True),
        {
            "states": [-0.012487934, -0.046483103, 0.020179489, 0.214772002],
            "gradient": [-0.090068593, 0.048059491, -0.184678522, -0.108632866],
            "beta": [0.250202088, 0.249839295, 0.249659136, 0.250299481, 0.332798848, 0.332806439, 0.334394713, 0.0],
            "gate": [0.498179850, 0.511573472],
        },
    ),
    "both directions": (
        lambda: Bidirectional(FullyShared(WORD_FEATURES, HIDDEN), FullyShared(WORD_FEATURES, HIDDEN)),
        {
            "states": [
                0.307210963,
                -0.694535873,
                0.011186916,
                0.151770904,
                0.310911336,
                -0.646079224,
                0.011043377,
                0.151991332,
            ],
            "gradient": [0.468943444, 1.634551648, 1.734333662, -0.423707826],
        },
    ),
}


def sines(shape: torch.Size | tuple[int, ...], step: float) -> Tensor:
    count = torch.Size(shape).numel()
    return torch.sin(step * torch.arange(1, count + 1, dtype=torch.float64)).view(shape)


def measure(block: nn.Module) -> dict[str, list[float]]:
    """States, record, penalty and gradient in numbers to compare."""
    block.double().train()
    with torch.no_grad():
        for number, (_, parameter) in enumerate(sorted(block.named_parameters())):
            parameter.copy_(2 * sines(parameter.shape, 1.3 + number / 7))
    words = sines((2, 1, 4, WORD_FEATURES), 0.7).requires_grad_()
    mask = torch.tensor([[[True, True, True, True]], [[True, True, True, False]]])
    states, record, penalty = block(words, mask, (2, 0))
    (gradient,) = torch.autograd.grad(states.sum(), words)
    found = {
        "states": states[0, 0, 3].tolist() + states[1, 0, 2].tolist(),
        "gradient": gradient[:, 0, :2, 0].flatten().tolist(),
    }
    for name, values in record.items():
        found[name] = values[0, 0, 3].flatten().tolist() + values[1, 0, 2].flatten().tolist()
    if penalty is not None:
        found["penalty"] = [penalty.item()]
    return found


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    make, expected = VALUES[name]
    found = measure(make())
    assert found.keys() == expected.keys()
    for entry, values in expected.items():
        assert found[entry] == pytest.approx(values, abs=2e-9, rel=0), entry
