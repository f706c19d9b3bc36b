"""Score an extractor on the mixtures of Libri2Mix, both speakers of each in turn.

    python -m recipes.libri2mix.evaluate --extractor CARD [--encoder NAME ...] \
        --metadata Libri2Mix/wav16k/min/metadata/mixture_test_mix_clean.csv [--json test.json]

The metadata are those that LibriMix's own scripts write. The enrolment is another utterance of the
speaker from the same split, drawn with a seed, or the one that ``--enrolments`` names: lines of
``MIXTURE UTTERANCE FILE``.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.errors import FormatError
from eval.command_line import command, one_of
from eval.extraction.evaluation import Run, evaluate, extraction, format_runs
from eval.extraction.mixtures import Trial
from eval.extraction.study_encoders import load_study_encoder
from eval.report.run_record import JsonReport
from recipes.libri2mix.prepare import speaker_of
from tse.loading import load_extractor
from tse.metrics import MEASURES
from tse.mixing import Mixture


@dataclass(frozen=True)
class Row:
    """A mixture: its files, and the utterances that its name consists of."""

    name: str
    mixture: Path
    sources: tuple[Path, ...]

    @property
    def utterances(self) -> list[str]:
        """``A-B-C_D-E-F`` names two."""
        return self.name.split("_")


def read_metadata(file: Path) -> list[Row]:
    """Rows of ``mixture_ID,mixture_path,source_1_path,source_2_path,...``.

    Raises
    ------
    FormatError
        If a column is missing, or it is no such table.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return [
            Row(
                row["mixture_ID"],
                Path(row["mixture_path"]),
                (Path(row["source_1_path"]), Path(row["source_2_path"])),
            )
            for row in rows
        ]
    except KeyError as error:
        raise FormatError(
            f"has no column {error}; it must be LibriMix's metadata", str(file)
        ) from error
    except (UnicodeDecodeError, csv.Error, TypeError) as error:  # the last of a line cut short
        raise FormatError(
            f"is no table that can be read ({error}); it must be LibriMix's metadata", str(file)
        ) from error


def draw_enrolments(rows: list[Row], seed: int) -> dict[tuple[str, str], Path]:
    """For each mixture and utterance in it, a file with another utterance of the speaker."""
    spoken: dict[str, dict[str, Path]] = defaultdict(dict)
    for row in rows:
        for utterance, source in zip(row.utterances, row.sources, strict=True):
            spoken[speaker_of(utterance)][utterance] = source
    generator, found = np.random.default_rng(seed), {}
    for row in rows:
        for utterance in row.utterances:
            own = spoken[speaker_of(utterance)]
            others = sorted(name for name in own if name != utterance)
            if others:
                found[row.name, utterance] = own[others[generator.integers(len(others))]]
    return found


def read_enrolments(file: Path) -> dict[tuple[str, str], Path]:
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines() if line]
    return {(mixture, utterance): Path(path) for mixture, utterance, path in lines}


def trials(rows: list[Row], enrolments: dict[tuple[str, str], Path]) -> Iterator[Trial]:
    """Every speaker of every mixture that has an enrolment."""
    for row in rows:
        mixture = load_audio(row.mixture)
        sources = [load_audio(source) for source in row.sources]
        noise = mixture - np.sum(sources, axis=0)
        for index, utterance in enumerate(row.utterances):
            if (row.name, utterance) not in enrolments:
                continue
            enrolment = load_audio(enrolments[row.name, utterance])
            others = tuple(s for other, s in enumerate(sources) if other != index)
            made = Mixture(mixture, sources[index], others, noise, present=True)
            yield Trial(made, speaker_of(utterance), enrolment, enrolment)


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    metadata: Path
    """Table of mixtures, as LibriMix's scripts write it."""
    extractor: str | None = None
    """Name or card; none: the embedded one."""
    encoder: Sequence[str] = ()
    """Speaker encoders of the cue, in the place of the names in the card; to find what moved."""
    judge: str | None = None
    """Encoder that tells whose voice an output is; none: the embedded one."""
    enrolments: Path | None = None
    """Lines of `MIXTURE UTTERANCE FILE`; none: drawn from the same split."""
    measures: Sequence[Annotated[str, one_of(MEASURES)]] = ("SDR",)
    """Measures beside SI-SDR."""
    seed: int = 0
    """Seed of the enrolments."""


@command
def main(settings: Settings) -> None:
    rows = read_metadata(settings.metadata)
    enrolments = (
        draw_enrolments(rows, settings.seed)
        if settings.enrolments is None
        else read_enrolments(settings.enrolments)
    )
    encoders = [load_study_encoder(name) for name in settings.encoder]
    drawn = list(trials(rows, enrolments))
    seconds = float(np.mean([len(trial.enrolment) for trial in drawn])) / SAMPLE_RATE
    found: Run = evaluate(
        drawn,
        extraction(load_extractor(settings.extractor, encoders=encoders)),
        condition=settings.metadata.stem,
        enrolment_s=round(seconds, 1),
        encoder=load_study_encoder(settings.judge),
        measures=settings.measures,
    )
    print(format_runs([found]))
    settings.report.write({"run": asdict(found)})


if __name__ == "__main__":
    raise SystemExit(main())
