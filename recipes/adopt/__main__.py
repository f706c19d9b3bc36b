"""Fit the pipeline to an encoder: PLDA, settings of clustering, calibration, confidence.

    python -m recipes.adopt 3dspeaker-campplus --data ../shared

MODEL is what `diarspk diarize --encoder` takes: a name of the catalogue, a preset, or the path of a
checkpoint, whose frames can be pooled. DATA holds ``speech/``, ``noise/noise/*.opus`` and
``conversations/``. The results, a megabyte at most, go to the adopted models of this machine, where
the diarizer finds them by the encoder's fingerprint.

With ``--counts SESSIONS``, the probabilities of numbers of people are fitted, too, on the sessions
of recipes.plda.counts, which are made there unless they are there already (in its KEPT/sessions).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from diarspk.arguments import check_counts
from diarspk.checkpoints.assets import adopted_folder
from diarspk.clustering.count_model import CountModel, write_count_model
from diarspk.clustering.plda import write_plda
from diarspk.diarization.defaults import Defaults, build_clusterer, default_config
from diarspk.diarization.diarizer import Diarizer
from diarspk.diarization.space_settings import SpaceSettings, write_space_settings
from diarspk.encoders.fused import FusedEncoder
from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.pooled import PooledEncoder
from diarspk.errors import ArgumentError
from diarspk.segmentation.loading import load_segmenter
from eval.command_line import Positional, command
from eval.diarization.confidence import Turns, collect_turns, fit_calibration, held_out_error
from eval.diarization.first_passes import FirstPassSettings
from eval.embeddings.speech import read_utterances
from eval.report.run_record import write_json
from eval.verification.calibration import fit_encoder
from recipes.adopt.choosing import Sets, choose_settings
from recipes.adopt.counts import fit_counts
from recipes.adopt.space import SHRINKAGE, FittedSpace, fit_space, read_windows, session_settings
from recipes.plda.rooms import RoomSettings

__all__ = ["main"]

KNOWN_RATIO = 2.0
"""Log-likelihood ratio from which on an embedding surely is that of a known speaker."""

SAME_VOICE_MARGIN = 0.6
"""See diarspk.diarization.LinkingConfig. Of the preset "accurate" it lowers the DER of the sixteen
simulated conversations from 10.2 to 9.4 %; 0.3 loses the second voice of overlaps on AMI."""


@dataclass(frozen=True)
class Settings:
    """Settings of the command line."""

    model: Positional[str]
    """Name or path of an encoder."""
    data: Path
    """Folder with speech, noise and conversations."""
    rooms: RoomSettings = field(default_factory=lambda: RoomSettings(groups=40, rooms=2))
    output: Path | None = None
    """Folder of assets to write into; none: that of the adopted models of this machine."""
    sets: tuple[str, ...] = ("simulated", "ami")
    """Folders of conversations, below DATA, that settings are chosen on."""
    segmentation: str | None = None
    """Segmentation that goes with it; none: the embedded one."""
    recordings: int | None = None
    """Number of recordings of each set; none: all."""
    utterances: int = 300
    """Number of dev utterances that the calibration is fitted on."""
    directions: int = 6
    """Number of directions of rooms that are taken out."""
    counts: Path | None = None
    """Folder that the sessions of recipes.plda.counts are in (its KEPT/sessions), or are made in,
    for the model of counts; none: no model."""
    count_sessions: int = 70
    """Number of those sessions that are used."""
    cache: Path | None = None
    """Folder to keep what was computed in: a second run goes on from there."""


@command
def main(settings: Settings) -> None:
    """Run the command line."""
    encoder = load_encoder(settings.model)
    if isinstance(encoder, LocalEncoder) or not isinstance(encoder, PooledEncoder | FusedEncoder):
        raise ArgumentError(
            f"`MODEL` must be a network of another project whose frames can be pooled, got "
            f"{type(encoder).__name__}; an ONNX graph has none"
        )
    _check(settings)
    output = settings.output or adopted_folder()
    segmentation = None if settings.segmentation is None else load_segmenter(settings.segmentation)
    diarizer = Diarizer(encoder=encoder, segmentation=segmentation, cache=settings.cache)
    windows = read_windows(settings.data, diarizer, settings.rooms, settings.cache)
    space = fit_space(windows, encoder.fingerprint, directions=settings.directions)
    print(f"{space.windows} windows of {space.speakers} speakers: {space.variation.shares}")
    sets = _read_sets(settings, diarizer)
    start = SpaceSettings(
        same_voice_margin=SAME_VOICE_MARGIN, session=session_settings(space.variation)
    )
    chosen = choose_settings(sets, space, start)

    speech = islice(read_utterances(settings.data / "speech", "dev"), settings.utterances)
    calibration, rate, bits = fit_encoder(encoder, list(speech))
    print(f"dev utterances: EER {100 * rate:.2f} %, Cllr {bits:.3f} bits on held-out speakers")
    similarity = round((KNOWN_RATIO - calibration.offset) / calibration.scale, 3)
    chosen = replace(chosen, known_similarity=similarity)

    counts = None
    if settings.counts is not None:
        clusterer = build_clusterer(space.plda, space.session, chosen)
        counts = fit_counts(
            settings.data, settings.counts, diarizer, clusterer, settings.count_sessions
        )
    confidence = _fit_confidence(diarizer, space, chosen, sets)

    # All of it is there before any of it is written: parts of two runs do not belong together.
    calibration_file = output / "calibration" / f"{encoder.fingerprint}.json"
    calibration_file.parent.mkdir(parents=True, exist_ok=True)
    calibration.write(calibration_file)
    _write_space(output, encoder.fingerprint, space, chosen, settings)
    if counts is not None:
        _write_counts(output, encoder.fingerprint, *counts, settings)
    if confidence is not None:
        path = output / "confidence" / f"{encoder.fingerprint}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(confidence, path)
    print(f"written below {output}, under {encoder.fingerprint}")


def _check(settings: Settings) -> None:
    """Refuse at once what would be found out after an hour.

    Raises
    ------
    ArgumentError
        If a set is missing, or no session is to be used.
    """
    for name in settings.sets:
        folder = settings.data / "conversations" / name
        if not folder.is_dir():
            raise ArgumentError(f"{folder}: no such folder; check --data and --sets")
    check_counts(settings, "count_sessions", "utterances")


def _read_sets(settings: Settings, diarizer: Diarizer) -> Sets:
    folders = tuple(settings.data / "conversations" / name for name in settings.sets)
    passes = FirstPassSettings(folders, recordings=settings.recordings)
    return {folder.name: list(passes.run(folder, diarizer)) for folder in folders}


def _write_counts(
    output: Path,
    fingerprint: str,
    model: CountModel,
    facts: Mapping[str, object],
    settings: Settings,
) -> None:
    card = {
        "recipe": (
            f"python -m recipes.adopt {settings.model} --data DATA --counts SESSIONS "
            f"--count-sessions {settings.count_sessions}"
        ),
        "encoder": fingerprint,
        **facts,
    }
    write_count_model(output / "counts" / f"{fingerprint}.json", model, card)


def _write_space(
    output: Path, fingerprint: str, space: FittedSpace, chosen: SpaceSettings, settings: Settings
) -> None:
    rooms, number = settings.rooms, settings.recordings
    recordings = "" if number is None else f" --recordings {number}"
    if settings.segmentation is not None:
        recordings += f" --segmentation {settings.segmentation}"
    card: dict[str, object] = {
        "recipe": (
            f"python -m recipes.adopt {settings.model} --data DATA --groups {rooms.groups} "
            f"--speakers {rooms.speakers} --rooms {rooms.rooms} --seed {rooms.seed} "
            f"--directions {settings.directions} --utterances {settings.utterances} "
            f"--sets {' '.join(settings.sets)}{recordings}"
        ),
        "windows": space.windows,
        "speakers": space.speakers,
        "shrinkage": list(SHRINKAGE),
    }
    for kind, plda in (("plda", space.plda), ("sessions", space.session)):
        (output / kind).mkdir(parents=True, exist_ok=True)
        facts = {**card, "variances": space.variation.shares} if kind == "sessions" else card
        write_plda(output / kind / f"{fingerprint}.json", plda, facts)
    sets = {"conversations": list(settings.sets)}
    write_space_settings(output, fingerprint, chosen, {**card, **sets})


def _fit_confidence(
    diarizer: Diarizer, space: FittedSpace, chosen: SpaceSettings, sets: Sets
) -> dict[str, object] | None:
    """Fit the confidence of turns under the settings that were chosen; None of one recording."""
    defaults = Defaults(
        clusterer=build_clusterer(space.plda, space.session, chosen),
        settings=chosen,
        vad_head=diarizer.postprocessing.defaults.vad_head,
    )
    config = default_config(known=True, settings=chosen)
    passes = [replace(one, defaults=defaults) for own in sets.values() for one in own]
    recordings = list(collect_turns(passes, config))
    if len(recordings) < 2:
        return None
    fitted, error = fit_calibration(Turns.join(recordings)), held_out_error(recordings)
    print(f"confidence: {fitted}, calibration error {100 * error:.1f} % on held-out recordings")
    facts = {"held_out_calibration_error": round(error, 5), "conversations": list(sets)}
    return {**vars(fitted), **facts}


if __name__ == "__main__":
    raise SystemExit(main())
