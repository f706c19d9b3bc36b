"""Voices and cues of a part of the study, packed once for all decoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diarspk.atomic import atomic_path
from eval.embeddings.speech import Utterance
from eval.probes.synthesis import log_mel_of
from eval.report.progress import follow
from recipes.conditioning.cue_kinds import CueTable, compute_cues, standardize, with_cues
from recipes.conditioning.data import PackedVoices, read_packed, write_packed
from recipes.conditioning.pitch import pitch_of

__all__ = ["Part", "pack_part", "read_part"]

VOICES = "voices.npz"


@dataclass(frozen=True, eq=False)
class Part:
    """Utterances of one split, with all their cues.

    Attributes
    ----------
    voices : PackedVoices
        Features and pitch; cues are in the tables.
    tables : dict of str to CueTable
    """

    voices: PackedVoices
    tables: dict[str, CueTable]

    def with_cue(self, name: str) -> PackedVoices:
        """Voices with one kind of cue."""
        return with_cues(self.voices, name, self.tables[name])

    def standardize(self, other: Part) -> tuple[Part, Part]:
        """Centre and scale all cues of both by this part."""
        tables = {
            name: standardize(table, [other.tables[name]]) for name, table in self.tables.items()
        }
        return (
            Part(self.voices, {name: one for name, (one, _) in tables.items()}),
            Part(other.voices, {name: two for name, (_, two) in tables.items()}),
        )

    def write(self, run: Path, name: str) -> None:
        """Write into a folder of the study; what is there is replaced file by file."""
        write_packed(self.voices, run / name / VOICES)
        for number, (cue, table) in enumerate(self.tables.items()):
            with (
                atomic_path(run / name / f"cue-{number:02d}.npz") as part,
                part.open("wb") as stream,
            ):
                counts = np.zeros(0, np.int64) if table.counts is None else table.counts
                named = np.array([cue, table.fingerprint])
                np.savez(stream, rows=table.rows, counts=counts, named=named)


def pack_part(utterances: Sequence[Utterance], encoders: Sequence[str]) -> Part:
    """Compute features, pitch and cues of utterances; errors are those of `compute_cues`."""
    features = [log_mel_of(one.waveform).astype(np.float16) for one in utterances]
    pitches = [
        pitch_of(one.waveform, len(log_mel))
        for one, log_mel in follow(zip(utterances, features, strict=True), "pitch", len(utterances))
    ]
    voices = PackedVoices(
        np.concatenate(features),
        np.array([len(one) for one in features], np.int64),
        np.zeros((len(features), 0), np.float32),
        tuple(one.speaker for one in utterances),
        "",
        "",
        pitch=np.concatenate(pitches),
    )
    return Part(voices, compute_cues(utterances, voices, encoders))


def read_part(run: Path, name: str) -> Part:
    """Read what :meth:`Part.write` has written."""
    tables = {}
    for file in sorted((run / name).glob("cue-*.npz")):
        with np.load(file, allow_pickle=False) as stored:
            cue, fingerprint = stored["named"].tolist()
            counts = stored["counts"] if len(stored["counts"]) else None
            tables[cue] = CueTable(stored["rows"], counts, fingerprint)
    return Part(read_packed(run / name / VOICES), tables)
