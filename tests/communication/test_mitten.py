import pytest
import torch
from torch import Tensor, nn

from tasktalk.communication.mitten import Dependency, MutualAttention
from tasktalk.core.errors import ConfigError
from tasktalk.testing import check_transfer

FEATURES, TASKS, POSITIONS = 3, 3, 5


def draw(groups: int = 1) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(TASKS, groups, POSITIONS, FEATURES), torch.randn(groups, POSITIONS, 2)


@pytest.mark.parametrize("dependency", ["scale", "log-prior"])
@pytest.mark.parametrize("include_self", [True, False])
def test_contract(dependency: Dependency, include_self: bool) -> None:
    check_transfer(
        lambda tasks: MutualAttention(FEATURES, tasks, 2.0, include_self, dependency),
        input_features=4,
        trains_senders=True,
    )


def test_tasks_start_alike_with_orthogonal_maps() -> None:
    torch.manual_seed(0)
    transfer = MutualAttention(FEATURES, TASKS)
    squares = {"send": 2.0, "receive": 1.0, "query": 1.0, "key": 1.0, "value_source": 1.0, "value_target": 1.0}
    for name, square in squares.items():
        maps = transfer.get_parameter(name)
        assert torch.equal(maps, maps[:1].expand_as(maps))
        torch.testing.assert_close(maps[0] @ maps[0].t(), square * torch.eye(FEATURES))
    assert not transfer.send_bias.any()
    assert not transfer.general.any()
    assert not torch.equal(transfer.query, transfer.key)


@pytest.mark.parametrize("include_self", [True, False])
def test_record(include_self: bool) -> None:
    transfer = MutualAttention(FEATURES, TASKS, include_self=include_self, prior=torch.rand(TASKS, TASKS) + 0.1)
    transfer.send_bias.data.fill_(3)  # none of the states that are sent is zero
    states, record = transfer(*draw(), (2, 0))
    assert states.shape == (2, POSITIONS, FEATURES)
    assert {name: tuple(values.shape) for name, values in record.items()} == {
        "dependency": (2, TASKS),
        "dependency_share": (2, TASKS),
        "attention": (2, POSITIONS, TASKS),
        "weights": (2, POSITIONS, TASKS),
    }
    assert torch.equal(record["dependency"], transfer.general[[2, 0]])
    takes_part = torch.ones(2, TASKS, dtype=torch.bool)
    takes_part[0, 2] = takes_part[1, 0] = include_self
    assert torch.equal(record["dependency_share"] != 0, takes_part)
    for name in ("attention", "weights"):
        assert torch.equal(record[name] != 0, takes_part.unsqueeze(1).expand(-1, POSITIONS, -1))


@pytest.mark.parametrize("include_self", [True, False])
def test_prior_is_where_the_shares_start(include_self: bool) -> None:
    prior = torch.tensor([[2.0, 1.0, 1.0], [0.0, 3.0, 1.0], [1.0, 1.0, 0.0]])
    transfer = MutualAttention(FEATURES, TASKS, include_self=include_self, dependency="log-prior", prior=prior)
    share = transfer(*draw(), (0, 1, 2)).record["dependency_share"]
    expected = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.75, 0.25], [0.5, 0.5, 0.0]])
    if not include_self:
        expected = torch.tensor([[0.0, 0.5, 0.5], [0.0, 0.0, 1.0], [0.5, 0.5, 0.0]])
    torch.testing.assert_close(share, expected, rtol=0, atol=2e-6)
    assert (share > 0).equal(torch.ones(TASKS, TASKS, dtype=torch.bool) if include_self else ~torch.eye(TASKS).bool())


def test_prior_may_come_later() -> None:
    prior = torch.tensor([[2.0, 1.0, 1.0], [0.0, 3.0, 1.0], [1.0, 1.0, 0.0]])
    transfer = MutualAttention(FEATURES, TASKS, include_self=False)
    transfer.set_prior(prior)
    assert torch.equal(transfer.general, MutualAttention(FEATURES, TASKS, include_self=False, prior=prior).general)
    with pytest.raises(ConfigError, match="a prior must be a matrix of 3 targets x 3 sources"):
        transfer.set_prior(prior[:2])


def test_without_eta_only_a_log_prior_speaks() -> None:
    prior = torch.tensor([[2.0, 1.0, 1.0], [1.0, 3.0, 1.0], [1.0, 1.0, 1.0]])
    cases: dict[Dependency, Tensor] = {"scale": torch.full((3, 3), 1 / 3), "log-prior": prior / prior.sum(1, True)}
    for dependency, expected in cases.items():
        transfer = MutualAttention(FEATURES, TASKS, eta=0.0, dependency=dependency, prior=prior)
        weights = transfer(*draw(), (0, 1, 2)).record["weights"]
        torch.testing.assert_close(weights, expected.unsqueeze(1).expand_as(weights))


def test_every_receiver_reads_its_group() -> None:
    torch.manual_seed(0)
    transfer = MutualAttention(FEATURES, TASKS)
    states, inputs = draw(groups=2)
    mixed, _ = transfer(states, inputs, (2, 0))
    for group, receiver in enumerate((2, 0)):
        alone, _ = transfer(states[:, group : group + 1], inputs[group : group + 1], (receiver,))
        torch.testing.assert_close(mixed[group : group + 1], alone)


@pytest.mark.parametrize(
    ("prior", "sentence"),
    [
        (torch.ones(2, 3), r"a prior must be a matrix of 3 targets x 3 sources, found the shape \(2, 3\)"),
        (-torch.eye(3), "are finite and not negative and whose rows are not all zero"),
        (torch.full((3, 3), float("nan")), "are finite"),
        (torch.tensor([[1.0, 0, 0], [0, 0, 0], [0, 0, 1]]), "rows are not all zero"),
    ],
)
def test_prior_that_does_not_fit(prior: Tensor, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        MutualAttention(FEATURES, TASKS, prior=prior)


def test_prior_with_nobody_else() -> None:
    MutualAttention(FEATURES, TASKS, prior=torch.eye(3))
    with pytest.raises(ConfigError, match="rows are not all zero"):
        MutualAttention(FEATURES, TASKS, include_self=False, prior=torch.eye(3))


def test_impossible_settings() -> None:
    with pytest.raises(ConfigError, match=r"without include_self, mutual attention needs at least 2 tasks, found 1"):
        MutualAttention(FEATURES, 1, include_self=False)
    states, _ = MutualAttention(FEATURES, 1)(torch.ones(1, 1, 2, FEATURES), torch.ones(1, 2, 1), (0,))
    assert states.shape == (1, 2, FEATURES)


@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("dependency", ["scale", "log-prior"])
def test_nobody_hears_who_came_later(dependency: Dependency, include_self: bool, groups: bool) -> None:
    """Five tasks, of which the last two came later, against the tasks before each, to the last bit."""
    torch.manual_seed(0)
    large = MutualAttention(FEATURES, 5, 2.0, include_self, dependency, newcomers=2)
    for parameter in large.parameters():
        nn.init.normal_(parameter)
    states = torch.randn(5, 3 if groups else 1, POSITIONS, FEATURES)
    inputs = torch.randn(states.shape[1], POSITIONS, 2)
    for tasks, heard in (((2, 0, 1), 3), ((3, 3, 3), 4), ((4, 4, 4), 5)):
        receivers = tasks if groups else tuple(dict.fromkeys(tasks))
        alone = MutualAttention(FEATURES, heard, 2.0, include_self, dependency)
        for name, parameter in alone.named_parameters():
            parameter.data = large.get_parameter(name).data[tuple(slice(size) for size in parameter.shape)].clone()
        assert large.sources(receivers) == tuple(range(heard))
        found, expected = large(states[:heard], inputs, receivers), alone(states[:heard], inputs, receivers)
        assert torch.equal(found.states, expected.states)
        assert all(torch.equal(found.record[name], values) for name, values in expected.record.items())


def test_newcomers_among_the_receivers() -> None:
    torch.manual_seed(0)
    large = MutualAttention(FEATURES, 5, newcomers=2).double()
    for parameter in large.parameters():
        nn.init.normal_(parameter)
    states, inputs = torch.randn(5, 1, POSITIONS, FEATURES).double(), torch.randn(1, POSITIONS, 2).double()
    every = large(states, inputs, (4, 1, 3))
    assert large.sources((4, 1, 3)) == (0, 1, 2, 3, 4)
    for place, (task, heard) in enumerate(((4, 5), (1, 3), (3, 4))):
        one = large(states[:heard], inputs, (task,))
        torch.testing.assert_close(every.states[place], one.states[0])
        torch.testing.assert_close(every.record["weights"][place, :, :heard], one.record["weights"][0])
        for name in ("dependency_share", "attention", "weights"):
            assert not every.record[name][place, ..., heard:].any()
    every.states[1].sum().backward()
    assert large.send.grad is not None and not large.send.grad[3:].any() and large.send.grad[:3].any()
    assert large.general.grad is not None and not large.general.grad[1, 3:].any()


def test_newcomers_join_others() -> None:
    with pytest.raises(ConfigError, match="expected fewer newcomers than tasks, found 3 of 3"):
        MutualAttention(FEATURES, 3, newcomers=3)
    with pytest.raises(ConfigError, match="needs at least 2 tasks, found 1"):
        MutualAttention(FEATURES, 3, include_self=False, newcomers=2)
