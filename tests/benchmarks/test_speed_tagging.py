"""Words per second of taggers."""

import json
from pathlib import Path

from tasktalk.benchmarks.speed_tagging import MODELS, main


def test_table_of_every_model(tmp_path: Path) -> None:
    main(["--out", str(tmp_path / "table"), "--quick", "--cpu-time"])
    found = json.loads((tmp_path / "table.json").read_text())
    assert [row["model"] for row in found["rows"]] == list(MODELS)
    assert all(rate > 0 for row in found["rows"] for what in ("learns", "tags") for rate in row[what])
    table = (tmp_path / "table.md").read_text()
    assert all(f"| {model} | 1 | " in table for model in MODELS)
    assert "time: CPU" in table
