"""Where a teacher comes from: a run of recipes.zoo, or any encoder whose levels are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diarspk import load_encoder
from diarspk.encoders import SpeakerEncoder, WindowedEncoder
from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.registry import ARCHITECTURES
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import FeatureConfig
from eval.probes.judges import reads_features
from recipes.xvector_distillation.layer_activations import LOCAL, TEACHERS, Levels, levels_of
from recipes.xvector_distillation.local_teacher import LocalTeacher
from recipes.xvector_distillation.settings import Settings
from recipes.zoo.evaluation import MODEL, load_run_encoder
from recipes.zoo.settings import DataSettings
from recipes.zoo.settings import Settings as TeacherSettings
from recipes.zoo.settings import read_settings as read_teacher_settings
from recipes.zoo.stages import SETTINGS as TEACHER_SETTINGS

__all__ = ["EMBEDDED", "TeacherSource", "open_teacher"]

EMBEDDED = ("diarspk", "embedded")
"""Names of the embedded encoder."""


@dataclass(frozen=True)
class TeacherSource:
    """A trained network, and the data that students learn on.

    Attributes
    ----------
    network : Architecture
        On packed features.
    trained : Settings
        Of the run that trained it; for an encoder, those of its aggregations.
    levels : Levels
    name, fingerprint : str
        Of the encoder.
    """

    network: Architecture
    trained: TeacherSettings
    levels: Levels
    name: str
    fingerprint: str


def open_teacher(settings: Settings) -> TeacherSource:
    """Load the teacher of a distillation.

    Raises
    ------
    ArgumentError
        If a run was not trained to its end, or not on packed features, if there are no data for
        an encoder, or if the levels of its architecture are not known.
    ModelError
        If there is no such encoder.
    """
    run = Path(settings.teacher)
    if (run / TEACHER_SETTINGS).is_file():
        trained, encoder = _read_training(run), load_run_encoder(run)
        levels = levels_of(trained.architecture)
        return TeacherSource(encoder.network, trained, levels, run.name, encoder.fingerprint)
    if not (settings.packed and settings.speakers and settings.test_speakers):
        raise ArgumentError(
            "`teacher` must be a run of recipes.zoo, or an encoder with --packed and "
            f"--test-speakers, what its students learn on; got {settings.teacher}"
        )
    return _open_encoder(settings)


def _read_training(run: Path) -> TeacherSettings:
    trained = read_teacher_settings(run / TEACHER_SETTINGS)
    if not (run / MODEL).is_file():
        raise ArgumentError(
            f"`teacher` must be a run of recipes.zoo with {MODEL}, got {run}; "
            f"train it to its end: python -m recipes.zoo.run {run}"
        )
    if trained.data.kind != "packed":
        raise ArgumentError(f"`teacher` must read packed features, got {trained.data.kind}")
    return trained


def _open_encoder(settings: Settings) -> TeacherSource:
    encoder = load_encoder(None if settings.teacher in EMBEDDED else settings.teacher)
    architecture, network = _read_network(encoder)
    data = DataSettings(
        "packed",
        settings.packed,
        speakers=settings.speakers,
        test_speakers=settings.test_speakers,
    )
    trained = TeacherSettings(
        architecture,
        data,
        settings.aggregation,
        settings.aggregation,
        workers=settings.workers,
        seed=settings.seed,
        precision=settings.precision,
    )
    levels = levels_of(architecture)
    return TeacherSource(
        network, trained, levels, encoder.name or architecture, encoder.fingerprint
    )


def _read_network(encoder: SpeakerEncoder) -> tuple[str, Architecture]:
    """Name the architecture of an encoder, and put its network on packed features."""
    if isinstance(encoder, LocalEncoder):
        return LOCAL, LocalTeacher(encoder.network)
    known = [name for name in TEACHERS if name in ARCHITECTURES]
    if isinstance(encoder, WindowedEncoder):
        kind = type(encoder.network)
        if not reads_features(encoder):
            raise ArgumentError(
                f"`teacher` must read {FeatureConfig().mels} log-mel bins, as they are packed, got "
                f"{encoder.name}, which reads {encoder.front_end.describe()}"
            )
        for name in known:
            if ARCHITECTURES[name].network is kind:
                return name, encoder.network
    raise ArgumentError(
        f"`teacher` must be the embedded encoder or one of {', '.join(known)}, got {encoder.name}, "
        "whose levels are not known"
    )
