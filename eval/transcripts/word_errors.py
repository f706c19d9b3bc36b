"""Error rates of words with speakers: WDER, and cpWER by meeteval. Both add by counts.

WDER is that of Shafey, Soltau and Shafran, *Joint Speech Recognition and Speaker Diarization via
Sequence Transduction* (Interspeech 2019): of the recognised words that are aligned with a word of
the reference, right or substituted, the share that has the wrong speaker. cpWER is that of Watanabe
et al., *CHiME-6 Challenge* (2020).

Needs the extra ``wer``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

__all__ = ["SpokenWord", "WordErrors", "concatenated_errors", "diarization_errors"]

SpokenWord = tuple[str, "str | None"]
"""Text and speaker; nobody is always wrong."""

NOTHING = ""
"""Where an alignment has no word; no word is empty."""


@dataclass(frozen=True)
class WordErrors:
    """Wrong words of all words.

    Attributes
    ----------
    errors, words : int
    """

    errors: int = 0
    words: int = 0

    @property
    def rate(self) -> float:
        """Error rate; 0 of nothing."""
        return self.errors / self.words if self.words else 0.0

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(self.errors + other.errors, self.words + other.words)


def diarization_errors(
    reference: Sequence[SpokenWord],
    hypothesis: Sequence[SpokenWord],
    counted: Sequence[bool] | None = None,
) -> WordErrors:
    """Count the words of the wrong speaker, for the WDER.

    Words are aligned for the fewest edits, then speakers one to one for the fewest errors.

    Parameters
    ----------
    reference, hypothesis : sequence of (text, speaker)
        In the order of time.
    counted : sequence of bool, optional
        Which words of the reference count. Speakers are matched on all of them.
    """
    from kaldialign import align

    chosen = [True] * len(reference) if counted is None else list(counted)
    aligned = align([text for text, _ in reference], [text for text, _ in hypothesis], NOTHING)
    pairs: list[tuple[str | None, str | None, bool]] = []
    spoken, recognised = iter(zip(reference, chosen, strict=True)), iter(hypothesis)
    for left, right in aligned:
        said = next(spoken) if left != NOTHING else None
        given = next(recognised) if right != NOTHING else None
        if said is not None and given is not None:
            pairs.append((said[0][1], given[1], said[1]))
    matched = _match([(truth, guess) for truth, guess, _ in pairs])
    counting = [(truth, guess) for truth, guess, counts in pairs if counts]
    wrong = sum(guess is None or matched.get(guess) != truth for truth, guess in counting)
    return WordErrors(wrong, len(counting))


def _match(pairs: Sequence[tuple[str | None, str | None]]) -> dict[str, str]:
    """Speaker of the reference for each of the hypothesis, for the most words."""
    truths = sorted({truth for truth, _ in pairs if truth is not None})
    guesses = sorted({guess for _, guess in pairs if guess is not None})
    counts = np.zeros((len(guesses), len(truths)), np.int64)
    for truth, guess in pairs:
        if truth is not None and guess is not None:
            counts[guesses.index(guess), truths.index(truth)] += 1
    rows, columns = linear_sum_assignment(-counts)
    return {guesses[row]: truths[column] for row, column in zip(rows, columns, strict=True)}


def concatenated_errors(
    reference: Sequence[SpokenWord], hypothesis: Sequence[SpokenWord]
) -> WordErrors:
    """Count the errors of the cpWER by meeteval; words of nobody are those of one more speaker."""
    from meeteval.wer import cp_word_error_rate

    found = cp_word_error_rate(
        _by_speaker(reference), _by_speaker(hypothesis), reference_sort=False, hypothesis_sort=False
    )
    return WordErrors(int(found.errors), int(found.length))


def _by_speaker(words: Sequence[SpokenWord]) -> dict[str, str]:
    texts: dict[str, list[str]] = {}
    for text, speaker in words:
        texts.setdefault("(nobody)" if speaker is None else speaker, []).append(text)
    return {speaker: " ".join(said) for speaker, said in texts.items()}
