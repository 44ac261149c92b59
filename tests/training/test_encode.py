"""The encoder that suits the examples and the model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasktalk.core.errors import RunFolderError
from tasktalk.core.inputs import GraphInputs, TextInputs
from tasktalk.data.dataset import Dataset
from tasktalk.training.config import make_config
from tasktalk.training.encode import Encoder, fit_encoder, is_encoded, load_encoder
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.graph_encoders import FINGERPRINT, MoleculeEncoder, NodeEncoder
from tests.training.toy import molecules, nodes, toy


def encoder_of(dataset: Dataset, model: str, **settings: Any) -> Encoder:
    return fit_encoder(dataset, make_config({"model": {"name": model, **settings}}))


@pytest.mark.parametrize(
    ("model", "settings", "features"),
    [
        ("linear", {}, True),
        ("forest", {}, True),
        ("ic", {}, False),
        ("ic", {"wide": "fitted"}, True),
        ("mitten", {}, False),
        ("mitten", {"wide": "joint"}, True),
    ],
)
def test_texts_have_sparse_features_where_a_model_reads_them(
    model: str, settings: dict[str, Any], features: bool
) -> None:
    encoder = encoder_of(toy(), model, **settings)
    assert isinstance(encoder, TextEncoder) and isinstance(encoder.inputs, TextInputs)
    assert (encoder(toy().splits["dev"]).features is not None) == features == bool(encoder.inputs.wide_features)


@pytest.mark.parametrize(
    ("model", "settings", "seen"),
    [
        ("mitten", {}, ("kinds", "descriptors")),
        ("mitten", {"bonds": "one", "molecules": "ecfp"}, ("one", "ecfp")),
        ("single", {"molecules": "atoms"}, ("kinds", "atoms")),
        ("linear", {}, ("one", "ecfp")),
        ("forest", {"molecules": "both"}, ("one", "both")),
        ("ic", {}, ("one", "atoms")),  # it is refused later
    ],
)
def test_of_molecules_a_model_sees_what_its_settings_say(
    model: str, settings: dict[str, Any], seen: tuple[str, str]
) -> None:
    encoder = encoder_of(molecules(), model, **settings)
    assert isinstance(encoder, MoleculeEncoder)
    assert (encoder.bonds, encoder.sees) == seen
    features = encoder(molecules().splits["dev"]).features
    assert (features is None) == (seen[1] == "atoms")
    assert features is None or features.shape[1] >= (0 if seen[1] == "descriptors" else FINGERPRINT)


@pytest.mark.parametrize(
    ("model", "settings", "columns", "learned"),
    [
        ("mitten", {}, 0, 60),
        ("mitten", {"nodes": "spectral"}, 128, 0),
        ("shared", {"nodes": "both"}, 128, 60),
        ("linear", {}, 128, 0),
        ("forest", {}, 128, 0),
    ],
)
def test_of_nodes_a_model_sees_what_its_settings_say(
    model: str, settings: dict[str, Any], columns: int, learned: int
) -> None:
    encoder = encoder_of(nodes(features=False), model, **settings)
    assert isinstance(encoder, NodeEncoder)
    assert encoder.inputs == GraphInputs("nodes", columns, 1, learned=learned)


@pytest.mark.parametrize(("dataset", "kind"), [(toy, TextEncoder), (molecules, MoleculeEncoder), (nodes, NodeEncoder)])
@pytest.mark.parametrize("model", ["mitten", "linear"])
def test_a_run_folder_tells_which_encoder_it_has(
    dataset: Callable[[], Dataset], kind: type, model: str, tmp_path: Path
) -> None:
    data, config = dataset(), make_config({"model": {"name": model}})
    encoder = fit_encoder(data, config)
    assert isinstance(encoder, Encoder)
    assert not is_encoded(tmp_path)
    encoder.save(tmp_path)
    assert is_encoded(tmp_path)
    again = load_encoder(tmp_path, config)
    assert type(again) is type(encoder) is kind
    assert again.inputs == encoder.inputs
    for split in data.splits.values():
        one, other = encoder(split), again(split)
        assert one.checksum() == other.checksum()
        assert (one.features is None) == (other.features is None)
        assert one.features is None or (one.features != other.features).nnz == 0


def test_a_folder_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="vocabulary.txt: cannot be read"):
        load_encoder(tmp_path, make_config())
