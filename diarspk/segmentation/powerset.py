"""Sets of simultaneous speakers as classes (Plaquet & Bredin 2023, section 2)."""

from __future__ import annotations

from itertools import combinations, permutations

import torch
from torch import Tensor

__all__ = ["Powerset"]


class Powerset:
    """All sets of at most ``simultaneous`` out of ``speakers`` local speakers, smallest first.

    With three speakers, two at once: nobody, A, B, C, A+B, A+C, B+C.
    """

    def __init__(self, speakers: int = 3, simultaneous: int = 2) -> None:
        self.speakers, self.simultaneous = speakers, simultaneous
        sets = [c for size in range(simultaneous + 1) for c in combinations(range(speakers), size)]
        self.members = torch.zeros(len(sets), speakers)
        """``(classes, speakers)``, one where a speaker belongs to the set."""
        for row, chosen in enumerate(sets):
            self.members[row, list(chosen)] = 1.0
        code = (self.members.long() << torch.arange(speakers)).sum(-1)
        self.class_of_code = torch.full((2**speakers,), -1)
        self.class_of_code[code] = torch.arange(len(sets))

    def __len__(self) -> int:
        return len(self.members)

    def encode(self, activity: Tensor) -> Tensor:
        """Binary ``(..., speakers)`` to class numbers ``(...)``; -1 for too many at once."""
        code = (activity.long() << torch.arange(self.speakers, device=activity.device)).sum(-1)
        return self.class_of_code.to(activity.device)[code]

    def marginals(self, probabilities: Tensor) -> Tensor:
        """Sum probabilities of classes ``(..., classes)`` to those of ``(..., speakers)``."""
        return probabilities @ self.members.to(probabilities)

    def orders(self) -> Tensor:
        """Class ``c`` is ``orders[p, c]`` once permutation ``p`` has renamed the speakers.

        Shape
        -----
        ``(speakers!, classes)``
        """
        every = permutations(range(self.speakers))
        return torch.stack([self.encode(self.members[:, list(order)]) for order in every])
