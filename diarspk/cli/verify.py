"""``diarspk verify``: speaker verification of two recordings, or of a trial list."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import diarspk
from diarspk.atomic import atomic_path
from diarspk.cli.json_text import json_text
from diarspk.cli.kept_inputs import keep_inputs
from diarspk.cli.options import Channel, Device, Encoder, Raw, Track
from diarspk.cli.recordings import Reader
from diarspk.cli.terminal import exit_on_error, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from diarspk.verification.report import TrialReport
    from diarspk.verification.trials import Trial

__all__ = ["verify"]


class ScoringName(str, Enum):
    """Way to score a pair; see :mod:`diarspk.verification.scoring`."""

    COHORT = "cohort"
    COSINE = "cosine"
    PLDA = "plda"


def verify(
    recordings: Annotated[
        list[Path] | None, typer.Argument(metavar="AUDIO AUDIO", help="Two recordings.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Score to accept at. Default: a probability of the same speaker of 1/2."),
    ] = None,
    prior: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Prior probability of the same speaker, 0 to 1."),
    ] = 0.5,
    trials: Annotated[
        Path | None,
        typer.Option(help="Trial list to score: lines `1 ENROLL TEST` or `ENROLL TEST target`."),
    ] = None,
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the recordings of a trial list.")
    ] = Path(),
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the scores of a trial list here."
        ),
    ] = None,
    scoring: Annotated[
        ScoringName | None,
        typer.Option(
            help="`cosine`; `cohort`, the cosine judged by how near both voices are to other "
            "people; or `plda`. Default: cohort where the encoder has one, else cosine."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Encoder = None,
    device: Device = "auto",
) -> None:
    """Verify that two recordings are of the same speaker, or score a trial list.

    Two recordings give one line: both names, score, probability of the same speaker, decision. The
    score is the cosine, or with `--scoring plda` the logarithm of a ratio; whose voices the
    probability was fitted on is told beside it.
    """
    pair = recordings or []
    if trials is None and len(pair) != 2:
        raise typer.BadParameter(f"give two recordings, or a list with --trials; got {len(pair)}")
    if trials is not None and (pair or threshold is not None):
        raise typer.BadParameter("--trials goes without recordings and --threshold")
    if trials is None and output is not None:
        raise typer.BadParameter("-o is for the scores of a trial list; give --trials, too")
    if not 0 < prior < 1:
        raise typer.BadParameter(f"--prior must be between 0 and 1, got {prior}")
    reader = Reader.of(pair, channel=channel, track=track, raw=raw)
    with exit_on_error():
        keep_inputs(output, [trials])
        loaded = diarspk.load_encoder(encoder, device=device)
        if trials is not None:
            _score_list(trials, root, output, loaded, reader, scoring, as_json)
        else:
            _compare(pair, threshold, prior, loaded, reader, scoring, as_json)


def _compare(
    pair: list[Path],
    threshold: float | None,
    prior: float,
    encoder: diarspk.SpeakerEncoder,
    reader: Reader,
    scoring: ScoringName | None,
    as_json: bool,
) -> None:
    from diarspk.audio import SAMPLE_RATE
    from diarspk.verification.calibration import probability
    from diarspk.verification.scoring import load_scorer

    vectors = [encoder.embed(reader.read_voice(file), SAMPLE_RATE) for file in pair]
    scorer = load_scorer(encoder.fingerprint, None if scoring is None else scoring.value)
    sides = vectors[0][None], vectors[1][None]
    score = float(scorer.scores(*sides)[0])
    same: float | None = None
    fitted_on = ""
    if scorer.calibration is not None:
        same = float(probability(scorer.log_likelihood_ratios(*sides), prior)[0])
        fitted_on = scorer.calibration.fitted_on
    if threshold is not None:
        answer: bool | None = score >= threshold
    else:
        answer = None if same is None else same >= 0.5
    if answer is None:
        say(f"warning: no calibration for fingerprint {encoder.fingerprint}; give --threshold")
    if as_json:
        record = {
            "files": [str(file) for file in pair],
            "score": score,
            "probability": same,
            "same": answer,
            "fingerprint": encoder.fingerprint,
            "scoring": scorer.scoring,
            "fitted_on": fitted_on or None,
        }
        print(json_text(record))
        return
    if fitted_on:
        say(f"probability by {scorer.scoring}, fitted on {fitted_on}")
    words = {True: "same", False: "different", None: "unknown"}
    sure = "-" if same is None else f"{same:.4f}"
    print(f"{pair[0]}\t{pair[1]}\t{score:.4f}\t{sure}\t{words[answer]}")


def _score_list(
    file: Path,
    root: Path,
    output: Path | None,
    encoder: diarspk.SpeakerEncoder,
    reader: Reader,
    scoring: ScoringName | None,
    as_json: bool,
) -> None:
    import numpy as np

    from diarspk.verification.report import report_trials
    from diarspk.verification.scoring import load_scorer
    from diarspk.verification.trials import read_trials, score_trials

    listed = read_trials(file)
    names = dict.fromkeys(name for one in listed for name in (one.enrolment, one.test))
    embeddings = {name: encoder.embed(reader.open(root / name)) for name in names}
    scorer = load_scorer(encoder.fingerprint, None if scoring is None else scoring.value)
    scores, labels = score_trials(listed, embeddings, scorer.scores)
    ratios = None
    if scorer.calibration is not None:
        first = np.stack([embeddings[one.enrolment] for one in listed])
        second = np.stack([embeddings[one.test] for one in listed])
        ratios = scorer.log_likelihood_ratios(first, second)
        if scorer.calibration.quality:
            scores = ratios  # what a pair is judged by is more than its cosine
        if scorer.calibration.fitted_on:
            say(f"ratios by {scorer.scoring}, fitted on {scorer.calibration.fitted_on}")
    report = report_trials(
        scores,
        labels,
        groups=[one.enrolment for one in listed],
        log_likelihood_ratios=ratios,
    )
    if output is not None:
        _write_scores(listed, scores, output)
    print(json_text(asdict(report), indent=2) if as_json else _format(report))


def _write_scores(listed: list[Trial], scores: NDArray[np.float64], output: Path) -> None:
    """Write a score file as Kaldi has them; it appears whole or not at all."""
    lines = (
        f"{one.enrolment} {one.test} {score:.6f}\n"
        for one, score in zip(listed, scores, strict=True)
    )
    with atomic_path(output) as part:
        part.write_text("".join(lines), encoding="utf-8")


def _format(report: TrialReport) -> str:
    rate = report.equal_error_rate
    lines = [
        f"trials       {report.trials}, {report.targets} of them targets",
        f"EER %        {100 * rate.value:.2f} (95 %: {100 * rate.low:.2f} to "
        f"{100 * rate.high:.2f}), at score {report.equal_error_threshold:.3f}",
        f"EER % at the nearest point (ESPnet)  {100 * report.stepped_equal_error_rate:.2f}",
    ]
    for prior, cost in report.min_dcf.items():
        actual = "" if report.actual_dcf is None else f", actDCF {report.actual_dcf[prior]:.3f}"
        lines.append(f"minDCF({prior:g})  {cost:.3f}{actual}")
    if report.cllr is not None:
        lines.append(
            f"Cllr         {report.cllr.value:.3f} (95 %: {report.cllr.low:.3f} to "
            f"{report.cllr.high:.3f})"
        )
    return "\n".join(lines)
