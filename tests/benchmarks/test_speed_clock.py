import time

import torch

from tasktalk.benchmarks.speed_clock import machine, peak_rate, product_job, ratio, take_turns


def test_jobs_take_turns_and_the_first_round_is_not_counted() -> None:
    order: list[str] = []
    seconds = take_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3)
    assert order == ["a", "b"] * 4
    assert {name: len(taken) for name, taken in seconds.items()} == {"a": 3, "b": 3}
    assert all(taken >= 0 for taken in seconds["a"])


def test_the_second_of_two_runs_is_timed_if_wanted() -> None:
    naps: list[float] = []

    def nap() -> None:
        naps.append(0.0 if len(naps) % 2 else 0.05)
        time.sleep(naps[-1])

    (taken,) = take_turns({"a": nap}, 1, twice=True)["a"]
    assert naps == [0.05, 0.0] * 2 and taken < 0.04


def test_the_time_of_other_programs_is_left_out_if_wanted() -> None:
    def sleep() -> None:
        time.sleep(0.05)

    assert take_turns({"a": sleep}, 1)["a"][0] >= 0.05
    assert take_turns({"a": sleep}, 1, cpu_time=True)["a"][0] < 0.04


def test_a_ratio_is_taken_round_by_round() -> None:
    assert ratio([4.0, 9.0, 2.0], [2.0, 3.0, 2.0]) == {"median": 2.0, "lowest": 1.0, "highest": 3.0}


def test_the_rate_is_that_of_the_fastest_product() -> None:
    assert peak_rate([2.0, 0.5, 1.0], size=10) == 2 * 10**3 / 0.5
    product = product_job(8)()
    assert isinstance(product, torch.Tensor) and product.shape == (8, 8) and product.dtype == torch.float32


def test_the_machine_is_told() -> None:
    facts = machine()
    assert set(facts) == {"system", "processor", "cores", "load", "torch"}
    assert facts["processor"] and facts["torch"] == torch.__version__
