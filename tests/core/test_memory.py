import subprocess
import sys

import pytest

from tasktalk.core.memory import keep_freed_memory, peak_memory_mb

FAULTS = """
import resource
import torch
from tasktalk.core.memory import keep_freed_memory
if {keep}:
    keep_freed_memory()
torch.set_num_threads(1)
for step in range(30):
    if step == 20:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(16_000_000)  # 64 MB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_after_a_few_steps_tensors_need_no_new_pages() -> None:
    def faults(keep: bool) -> int:
        code = FAULTS.format(keep=keep)
        return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)

    assert faults(keep=True) < 0.1 * faults(keep=False)


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    keep_freed_memory()


def test_the_peak_is_that_of_this_process_in_megabytes() -> None:
    code = "from tasktalk.core.memory import peak_memory_mb; print(peak_memory_mb())"
    held = bytearray(300_000_000)
    child = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert 5 < child < 200  # not what its parent has
    assert len(held) / 1e6 < peak_memory_mb() < 100_000
