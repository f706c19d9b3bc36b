"""Verification inside sessions: whether an encoder tells the speakers of one recording apart.

Source: Jung et al., *In search of strong embedding extractors for speaker diarisation*, 2023
(arXiv 2210.14682), with the rules that its published lists follow. Run as
``python -m eval.intra_session build``, ``score`` or ``report``.
"""

from __future__ import annotations

from eval.intra_session.lists import LIST_NAMES, read_trials, write_trials
from eval.intra_session.trials import Crop, Trial, TrialRules, build_lists

__all__ = [
    "LIST_NAMES",
    "Crop",
    "Trial",
    "TrialRules",
    "build_lists",
    "read_trials",
    "write_trials",
]
