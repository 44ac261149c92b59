"""A block of one's own that breaks the contract is refused with the name of the check."""

from pathlib import Path

import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.training.contract import refuse_broken_block

BLOCKS = """from tasktalk.communication.private import PrivateLSTM


class Sound(PrivateLSTM):
    pass


class Padded(PrivateLSTM):
    def forward(self, words, mask, receivers):
        output = super().forward(words, mask, receivers)
        return output._replace(states=output.states + 1)


class Mixed(PrivateLSTM):
    def forward(self, words, mask, receivers):
        output = super().forward(words, mask, receivers)
        return output._replace(states=output.states - output.states.mean(1, keepdim=True) * mask.unsqueeze(-1))


class Fails(PrivateLSTM):
    def forward(self, words, mask, receivers):
        return super().forward(words @ words, mask, receivers)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"contract_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(BLOCKS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return name


def test_a_sound_block_passes(module: str) -> None:
    refuse_broken_block(f"{module}:Sound")
    refuse_broken_block("tasktalk.communication.direct:DirectCommunication")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Padded", "assert_states: the state of a padded word must be zero$"),
        ("Mixed", "assert_batch_equals_one_by_one: the rest of the batch changes"),
        ("Fails", r"assert_block: contract_.*\.py, line 22: RuntimeError: "),
        ("Missing", None),
    ],
)
def test_the_check_is_named(module: str, name: str, sentence: str | None) -> None:
    expected = f"^model.path {module}:{name} breaks the contract of a block, {sentence}"
    with pytest.raises(ConfigError, match=expected if sentence else "has no 'Missing'") as caught:
        refuse_broken_block(f"{module}:{name}")
    assert "\n" not in str(caught.value)
