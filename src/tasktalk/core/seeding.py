"""One seed for everything that draws."""

import random

import numpy as np


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and torch's global generators (every device)."""
    import torch  # seconds to import, and readers need only ``generator``

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def generator(seed: int, *purpose: int) -> np.random.Generator:
    """A generator that depends on nothing but the seed and some numbers that name its purpose.

    Batches of an epoch come from ``generator(seed, epoch)``: a resumed run draws what the killed one would have drawn.
    """
    return np.random.default_rng([seed, *purpose])
