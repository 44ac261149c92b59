"""State of a run on disk."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from tasktalk.core.errors import RunFolderError
from tasktalk.training.checkpoint import load_state, load_tensors, load_weights, save_state, save_tensors

State = tuple[nn.Module, list[torch.optim.Optimizer]]


def make(kind: str = "adamw", hidden: int = 3) -> State:
    torch.manual_seed(0)
    network = nn.ModuleDict(
        {
            "words": nn.Embedding(6, hidden, sparse=kind == "adamw"),
            "used": nn.Linear(hidden, 2),
            "unused": nn.Linear(hidden, 2),
            "drop": nn.Dropout(0.5),
        }
    )
    dense = [*network["used"].parameters(), *network["unused"].parameters()]
    if kind == "adadelta":
        return network, [torch.optim.Adadelta([*network["words"].parameters(), *dense])]
    return network, [torch.optim.AdamW(dense), torch.optim.SparseAdam([*network["words"].parameters()])]


def train(state: State, steps: int) -> None:
    """Steps that draw random numbers and never use one of the layers."""
    network, optimizers = state
    assert isinstance(network, nn.ModuleDict)
    for _ in range(steps):
        words = network["words"](torch.randint(6, (4,)))
        network["used"](network["drop"](words)).square().sum().backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()


def flat(state: State) -> dict[str, object]:
    network, optimizers = state
    found: dict[str, object] = dict(network.state_dict())
    for o, optimizer in enumerate(optimizers):
        for index, values in optimizer.state_dict()["state"].items():
            found |= {f"{o}/{index}/{key}": value for key, value in values.items()}
    return found


def assert_same(one: State, other: State) -> None:
    first, second = flat(one), flat(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        twin = second[name]
        if isinstance(value, torch.Tensor):
            assert isinstance(twin, torch.Tensor) and value.dtype == twin.dtype and torch.equal(value, twin), name
        else:
            assert type(value) is type(twin) and value == twin, name


@pytest.mark.parametrize("kind", ["adamw", "adadelta"])
def test_a_checkpoint_brings_back_weights_optimisers_and_random_numbers(kind: str, tmp_path: Path) -> None:
    path, facts = tmp_path / "state", {"step": 3, "loss": 0.1 + 0.2, "best": [None, {"a": float("inf")}]}
    one = make(kind)
    train(one, 3)
    save_state(path, *one, facts)
    expected = make(kind)
    train(expected, 3)
    assert_same(one, expected)  # saving changes nothing
    train(one, 3)

    other = make(kind)
    train(other, 5)
    torch.manual_seed(99)
    assert load_state(path, *other) == facts
    assert_same(other, expected)
    train(other, 3)
    assert_same(other, one)  # dropout and words are drawn as if nothing had happened


def test_before_the_first_step_there_is_nothing_but_weights(tmp_path: Path) -> None:
    one, other = make(), make()
    save_state(tmp_path / "state", *one, {})
    train(other, 2)
    load_state(tmp_path / "state", *other)
    assert_same(one, other)


def test_tensors_come_back_bit_by_bit(tmp_path: Path) -> None:
    tensors = {
        "float": torch.tensor([0.1, -0.0, float("inf"), 1e-45]),
        "half": torch.tensor([0.1], dtype=torch.bfloat16),
        "scalar": torch.tensor(3.0),
        "transposed": torch.arange(6).reshape(2, 3).T,
        "empty": torch.zeros(0, 4),
    }
    save_tensors(tmp_path / "tensors", tensors, {"ü": [1, None]})
    found, facts = load_tensors(tmp_path / "tensors")
    assert facts == {"ü": [1, None]}
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape
        assert found[name].flatten().view(torch.uint8).equal(tensor.flatten().view(torch.uint8))


def test_weights_alone(tmp_path: Path) -> None:
    (one, _), (other, _) = make(), make()
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.add_(1)
    save_tensors(tmp_path / "weights", one.state_dict())
    load_weights(other, tmp_path / "weights")
    assert all(torch.equal(p, q) for p, q in zip(one.parameters(), other.parameters(), strict=True))
    with safe_open(tmp_path / "weights", "pt") as file:  # anybody can read it
        assert set(file.keys()) == set(one.state_dict())


@pytest.mark.parametrize("content", [b"", b"no safetensors", None])
def test_a_damaged_file_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_state(path, *make(), {})
    path.write_bytes(path.read_bytes()[:-9] if content is None else content)
    with pytest.raises(RunFolderError, match="state: cannot be read as weights"):
        load_state(path, *make())
    with pytest.raises(RunFolderError, match="state: cannot be read as weights"):
        load_weights(make()[0], path)
    with pytest.raises(RunFolderError, match="gone: cannot be read as weights"):
        load_tensors(tmp_path / "gone")


def test_another_network_is_refused_in_one_line(tmp_path: Path) -> None:
    save_state(tmp_path / "state", *make(), {})
    save_tensors(tmp_path / "weights", make()[0].state_dict())
    larger = make(hidden=4)
    with pytest.raises(RunFolderError, match="state: is not a checkpoint of this network .*size mismatch") as caught:
        load_state(tmp_path / "state", *larger)
    assert "\n" not in str(caught.value)
    with pytest.raises(RunFolderError, match="weights: holds the weights of another network .*size mismatch") as caught:
        load_weights(larger[0], tmp_path / "weights")
    assert "\n" not in str(caught.value)
    with pytest.raises(RunFolderError, match="weights: is not a checkpoint of this network"):
        load_state(tmp_path / "weights", *make())


def test_others_may_read_what_they_may_read_of_other_files(tmp_path: Path) -> None:
    save_tensors(tmp_path / "state", {"x": torch.ones(3)})
    (tmp_path / "text").write_text("", encoding="utf-8")
    assert (tmp_path / "state").stat().st_mode == (tmp_path / "text").stat().st_mode


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left, other = tmp_path / ".tmpAb3dEf", tmp_path / ".tmpfile.csv"
    for file in (left, other):
        file.write_text("half", encoding="utf-8")
    save_tensors(tmp_path / "state", {"x": torch.ones(3)})
    assert not left.exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == [other.name, "state"]


@contextmanager
def full_disk(largest_file: int) -> Iterator[None]:
    """No file may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_state(path, *make(), {"step": 1})
    before = path.read_bytes()
    with full_disk(largest_file=500), pytest.raises(RunFolderError, match="state: cannot be written"):
        save_state(path, *make(), {"step": 2})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="cannot be written"):
        save_tensors(tmp_path / "gone" / "weights", {"x": torch.zeros(1)})
