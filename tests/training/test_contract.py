"""A block of one's own that breaks the contract is refused with the name of the check."""

import hashlib
import json
from pathlib import Path

import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.models.options import IndirectOptions
from tasktalk.training.contract import block_checksum, refuse_broken_block, warn_if_changed
from tasktalk.training.run import Run
from tasktalk.training.train import train
from tests.training.toy import config, toy

BLOCKS = """from tasktalk.communication.private import PrivateLSTM


class Sound(PrivateLSTM):
    pass


class Gain(PrivateLSTM):
    def __init__(self, word_features, hidden, tasks, padding=0):
        super().__init__(word_features, hidden, tasks)
        self.padding = padding

    def forward(self, words, mask, receivers):
        output = super().forward(words, mask, receivers)
        return output._replace(states=output.states + self.padding)


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


def test_its_own_settings_count(module: str) -> None:
    refuse_broken_block(f"{module}:Gain", {"padding": 0})
    with pytest.raises(ConfigError, match="assert_states: the state of a padded word must be zero$"):
        refuse_broken_block(f"{module}:Gain", {"padding": 1})
    with pytest.raises(ConfigError, match="^model.options.pading: .* takes no 'pading': did you mean 'padding'?"):
        refuse_broken_block(f"{module}:Gain", {"pading": 1})


def test_a_source_that_has_changed_is_one_line(module: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = {"padding": 0}
    own = config(f"{module}:Gain", options=settings, training__epochs=1, dropout=None)
    run = train(toy(), own, tmp_path / "run")
    source = tmp_path / f"{module}.py"
    recorded = json.loads((run.folder / "environment.json").read_text())["block"]
    assert recorded == block_checksum(own.model) == {source.name: hashlib.sha256(source.read_bytes()).hexdigest()}
    Run.load(run.folder).predict(["good"])
    assert not caplog.records
    source.write_text(BLOCKS + "# changed\n", encoding="utf-8")
    Run.load(run.folder).predict(["good"])
    assert [record.getMessage() for record in caplog.records] == [
        f"warning: {run.folder}: {source.name} has changed since the run was trained, and so may its answers"
    ]
    caplog.clear()
    warn_if_changed(run.folder, IndirectOptions())
    facts = json.loads((run.folder / "environment.json").read_text())
    facts.pop("block")
    (run.folder / "environment.json").write_text(json.dumps(facts))
    warn_if_changed(run.folder, own.model)  # of an older version
    assert not caplog.records and block_checksum(IndirectOptions()) == {}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Padded", "assert_states: the state of a padded word must be zero$"),
        ("Mixed", "assert_batch_equals_one_by_one: the rest of the batch changes"),
        ("Fails", r"assert_block: contract_.*\.py, line 32: RuntimeError: "),
        ("Missing", None),
    ],
)
def test_the_check_is_named(module: str, name: str, sentence: str | None) -> None:
    expected = f"^model.path {module}:{name} breaks the contract of a block, {sentence}"
    with pytest.raises(ConfigError, match=expected if sentence else "has no 'Missing'") as caught:
        refuse_broken_block(f"{module}:{name}")
    assert "\n" not in str(caught.value)
