"""How often has a word the right speaker? Rules beside each other, on made words.

    python -m eval.transcripts --data ../shared/conversations/ami \
        ../shared/conversations/simulated --references only_words

Words are made from the turns of the reference by a seeded rule (`eval/transcripts/made_words.py`),
with jitter, ends stretched over pauses, and words without times. Each rule reads the same words
with the reference as diarization (its own errors), with the reference whose boundaries are
disturbed, and with what diarspk finds. WDER is of all words, and of those during which one person
talks; where two do, a made word lies in both turns, and no rule can tell whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pyannote.core import Annotation, Segment

from diarspk.diarization.diarizer import Diarizer
from diarspk.transcripts import Transcript
from eval.command_line import command
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import read_collections
from eval.report.markdown import markdown_table
from eval.report.progress import follow
from eval.report.run_record import JsonReport
from eval.transcripts.made_words import MadeWords, make_words
from eval.transcripts.rules import RULES, Rule
from eval.transcripts.word_errors import (
    SpokenWord,
    WordErrors,
    concatenated_errors,
    diarization_errors,
)

__all__ = ["Settings", "main", "score_rule"]

BOUNDARY_S = 0.2
"""Standard deviation of a disturbed boundary in seconds."""


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: tuple[Path, ...]
    """Folders of conversations."""
    references: tuple[str, ...] = ()
    """Make words of FOLDER/references/NAME instead, where a folder has it."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the words."""
    cache: Path | None = None
    """Folder to store the passes over recordings in."""


@dataclass
class Scores:
    """Errors of one rule on one set with one diarization."""

    every: WordErrors = field(default_factory=WordErrors)
    single: WordErrors = field(default_factory=WordErrors)
    concatenated: WordErrors = field(default_factory=WordErrors)


@command
def main(settings: Settings) -> None:
    diarizer = Diarizer.load(cache=settings.cache)
    sets = read_collections(settings.data, settings.references)
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for name, conversations in sets.items():
        scores: dict[tuple[str, str], Scores] = {}
        for conversation in follow(conversations, name):
            for reference in _references(conversation, settings.references):
                found = diarizer(conversation.audio).annotation
                for seed in settings.seeds:
                    _score(reference, found, seed, scores)
        print(f"{name}: {next(iter(scores.values())).every.words} words\n")
        print(_table(scores), end="\n\n")
        figures[name] = {f"{rule}, {kind}": _rates(one) for (rule, kind), one in scores.items()}
    settings.report.write({"sets": figures})


def _references(conversation: Conversation, names: tuple[str, ...]) -> Iterator[Annotation]:
    """Yield the reference that words are made of, cut to what is scored."""
    further = [conversation.further[name] for name in names if name in conversation.further]
    for reference in further or [conversation.reference]:
        yield reference.crop(conversation.uem)


def _score(
    reference: Annotation, found: Annotation, seed: int, scores: dict[tuple[str, str], Scores]
) -> None:
    spoken, recognised = make_words(reference, MadeWords(), seed)
    diarizations = {
        "reference": reference,
        "disturbed": disturb(reference, seed),
        "diarspk": found,
    }
    for kind, diarization in diarizations.items():
        for name, rule in RULES.items():
            own = scores.setdefault((name, kind), Scores())
            score_rule(rule, spoken, recognised, diarization, own)


def score_rule(
    rule: Rule, spoken: Transcript, recognised: Transcript, diarization: Annotation, scores: Scores
) -> None:
    """Add the errors of a rule on one recording."""
    truth: list[SpokenWord] = [(word.text, word.speaker) for word in spoken.words]
    texts = [word.text for word in recognised.words]
    guess = list(zip(texts, rule(recognised, diarization), strict=True))
    single = [not word.alternatives for word in spoken.words]
    scores.every += diarization_errors(truth, guess)
    scores.single += diarization_errors(truth, guess, single)
    scores.concatenated += concatenated_errors(truth, guess)


def disturb(reference: Annotation, seed: int) -> Annotation:
    """Move every boundary at random; turns that would end before they start vanish."""
    generator = np.random.default_rng([seed, 1])
    moved = Annotation(uri=reference.uri)
    for segment, track, label in reference.itertracks(yield_label=True):
        start, end = np.array(
            [segment.start, segment.end]
        ) + BOUNDARY_S * generator.standard_normal(2)
        if end > max(start, 0.0):
            moved[Segment(max(float(start), 0.0), float(end)), track] = label
    return moved


def _table(scores: dict[tuple[str, str], Scores]) -> str:
    kinds = list(dict.fromkeys(kind for _, kind in scores))
    measures = ("WDER %", "one talks %", "cpWER %")
    header = ["rule", *(f"{kind}: {measure}" for kind in kinds for measure in measures)]
    rows = [
        [
            rule,
            *(
                f"{100 * rate:.2f}"
                for kind in kinds
                for rate in _rates(scores[rule, kind]).values()
            ),
        ]
        for rule in dict.fromkeys(rule for rule, _ in scores)
    ]
    return markdown_table(header, rows)


def _rates(scores: Scores) -> dict[str, float]:
    return {
        "wder": scores.every.rate,
        "wder_single": scores.single.rate,
        "cpwer": scores.concatenated.rate,
    }


if __name__ == "__main__":
    raise SystemExit(main())
