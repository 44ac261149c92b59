import pytest
import torch

from tasktalk.communication.kernels.choice import VARIABLE, choose, using
from tasktalk.core.errors import ConfigError

WEIGHT = torch.zeros(1, 2, 8)


def test_processors_get_compiled_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert choose(WEIGHT) == choose(WEIGHT.double()) == "compiled"
    assert choose(WEIGHT.bfloat16()) == choose(WEIGHT.to("meta")) == "fused"


def test_a_block_of_code_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "fused")
    assert choose(WEIGHT) == "fused"
    with using("reference"):
        assert choose(WEIGHT) == "reference"
        with using("compiled"):
            assert choose(WEIGHT) == "compiled"
            assert choose(WEIGHT.bfloat16()) == "fused"
        assert choose(WEIGHT) == "reference"
    assert choose(WEIGHT) == "fused"


def test_a_name_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "compield")
    with pytest.raises(ConfigError, match="TASKTALK_KERNEL: 'compield' .* did you mean 'compiled'"):
        choose(WEIGHT)
