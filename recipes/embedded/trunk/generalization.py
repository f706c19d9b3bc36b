"""How much of the teacher an encoder knows of voices that it was trained on, and of others.

    python -m recipes.embedded.trunk.generalization --data ../shared --packed PACKED \
        --encoders diarspk RUN/last.ckpt

Crops of an encoder's own training voices say how well it has learned them, crops of dev voices how
well it has learned to follow the teacher: what lies between is learned by heart. Any encoder has
axes of its own, so a linear map to the teacher's is fitted first, to the embeddings of crops of
half of the training voices; crops of the other half and of dev voices are measured. Voices that an
encoder was not trained on, though they are of the training set, are told apart by
``--also TABLE``: the speakers of that table alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.embeddings.space import Space
from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.network import SpeakerNetwork
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import gated_level
from diarspk.verification.alignment import LinearAlignment
from eval.command_line import command
from eval.report.markdown import markdown_table
from recipes.embedded.data.pool import FRAMES_PER_SECOND, Pool, read_pool
from recipes.embedded.data.shards import read_shard
from recipes.embedded.data.speakers import read_speakers
from recipes.embedded.data.teacher import BATCH, load_teacher
from recipes.embedded.trunk.export import read_network

__all__ = ["Voices", "agreement", "fit_map", "main"]


@dataclass(frozen=True, eq=False)
class Voices:
    """Recordings, one crop of each, and the teacher's unit vector of the whole."""

    pool: Pool
    rows: NDArray[np.int64]
    teacher: Tensor

    def sample(self, count: int, seed: int) -> Voices:
        """Draw so many recordings, or take all where there are fewer."""
        chosen = np.random.default_rng(seed).permutation(len(self.rows))[:count]
        return Voices(self.pool, self.rows[chosen], self.teacher[torch.from_numpy(chosen)])

    def embed(self, network: SpeakerNetwork, seconds: float, seed: int) -> Tensor:
        """Embed a crop of each recording, ``(rows, dimension)``, unit norm."""
        generator = np.random.default_rng(seed)
        length = round(seconds * FRAMES_PER_SECOND)
        crops = [self.pool.crop(int(row), length, generator) for row in self.rows]
        found = []
        for first in range(0, len(crops), 64):
            features = torch.from_numpy(np.stack(crops[first : first + 64]).astype(np.float32))
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                vectors = network(features - gated_level(features)[:, None, None])
            found.append(vectors.float())
        return nn.functional.normalize(torch.cat(found), dim=-1)


def fit_map(embeddings: Tensor, target: Tensor) -> LinearAlignment:
    """Fit the map from embeddings ``(n, dimension)`` to the teacher's, by ridge regression."""
    own, teacher = (
        Space(name, one.shape[1]) for name, one in (("student", embeddings), ("teacher", target))
    )
    mapping = LinearAlignment(own, teacher, toward="runtime", kind="least_squares")
    return mapping.fit(embeddings.numpy(), target.numpy())


def agreement(embeddings: Tensor, teacher: Tensor, mapping: LinearAlignment) -> tuple[float, float]:
    """Mean cosine distance to the teacher, and correlation of all pairs' cosines with its own."""
    mapped = torch.from_numpy(mapping.transform(embeddings.numpy(), side="enrolment"))
    distance = 1 - (mapped * teacher).sum(1).mean()
    pairs = torch.triu_indices(len(teacher), len(teacher), offset=1).unbind()
    own, others = ((one @ one.T)[pairs].double() for one in (embeddings, teacher))
    return float(distance), float(torch.corrcoef(torch.stack([own, others]))[0, 1])


def training_voices(packed: Path, speakers: dict[str, str], frames: int) -> Voices:
    """Read recordings of the packed training speech by these speakers."""
    pool = read_pool(packed / "train", in_memory=False)
    with np.load(packed / "train" / "teacher.npz") as stored:
        recorded = stored["speed"] == "recorded"
        names, vectors = stored["utterance"][recorded].tolist(), stored["vector"][recorded]
    place = {name: number for number, name in enumerate(names)}
    rows = [
        row
        for row, (name, kind) in enumerate(zip(pool.utterance, pool.variant, strict=True))
        if kind == "recorded" and name in speakers and name in place and pool.frames[row] >= frames
    ]
    chosen = vectors[[place[pool.utterance[row]] for row in rows]]
    return Voices(pool, np.array(rows, np.int64), _unit(chosen))


def dev_voices(data: Path, packed: Path, frames: int) -> Voices:
    """Read recordings of dev speakers; the teacher's vectors are kept in the packed folder."""
    pool, file = read_pool(packed / "dev"), packed / "dev" / "teacher.npz"
    if not file.exists():
        names, vectors = [], []
        for batch in _batches(data / "speech" / "dev-00.tar"):
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                outputs = load_teacher().forward([audio for _, audio in batch])
            names += [name for name, _ in batch]
            vectors += [one.vector.half().numpy() for one in outputs]
        np.savez(file, utterance=names, vector=np.stack(vectors))
    with np.load(file) as stored:
        vector = dict(zip(stored["utterance"].tolist(), stored["vector"], strict=True))
    rows = np.flatnonzero(pool.frames >= frames)
    return Voices(pool, rows, _unit(np.stack([vector[pool.utterance[row]] for row in rows])))


def _batches(shard: Path) -> Iterator[list[tuple[str, NDArray[np.float32]]]]:
    recordings = sorted(read_shard(shard), key=lambda one: len(one[1]))
    for first in range(0, len(recordings), BATCH):
        yield recordings[first : first + BATCH]


def _unit(vectors: NDArray[np.float16]) -> Tensor:
    return nn.functional.normalize(torch.from_numpy(vectors.astype(np.float32)), dim=-1)


def read_encoder(name: str) -> SpeakerNetwork:
    """Read the network of a checkpoint of ``train.py``, or of an encoder with such a network."""
    if name.endswith(".ckpt"):
        return read_network(Path(name))
    encoder = load_encoder(None if name == "diarspk" else name)
    if not isinstance(encoder, LocalEncoder):
        raise ArgumentError(f"{name}: must have the network of the embedded encoder")
    return encoder.network


def split_voices(voices: Voices, speakers: dict[str, str], seed: int) -> tuple[Voices, Voices]:
    """Halve voices by their speakers."""
    owner = np.array([speakers[voices.pool.utterance[row]] for row in voices.rows])
    names = np.random.default_rng(seed).permutation(np.unique(owner))
    first = np.isin(owner, names[: len(names) // 2])
    halves = [
        Voices(voices.pool, voices.rows[part], voices.teacher[torch.from_numpy(part)])
        for part in (first, ~first)
    ]
    return halves[0], halves[1]


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder with speech/."""
    packed: Path
    """Folder that recipes.embedded.data.prepare and .teacher have packed."""
    encoders: Sequence[str] = ("diarspk",)
    """Checkpoints of recipes.embedded.trunk.train, or names or cards of encoders."""
    table: str = "train.tsv"
    """Table of the speakers that the encoders were trained on."""
    also: str | None = None
    """Table of packed training speakers that they were not trained on."""
    seconds: Sequence[float] = (1.0, 2.0)
    """Lengths of the crops in seconds."""
    crops: int = 1000
    """Number of crops of each kind of voices that are measured; the map is fitted to three times
    as many."""
    seed: int = 0
    """Seed of the halves and the crops."""


@command
def main(settings: Settings) -> None:
    frames = round(max(settings.seconds) * FRAMES_PER_SECOND)
    speech = settings.data / "speech"
    speakers = read_speakers(speech / settings.table)
    fitted, seen = split_voices(
        training_voices(settings.packed, speakers, frames), speakers, settings.seed
    )
    sets = {"training": seen}
    if settings.also is not None:
        others = read_speakers(speech / settings.also)
        sets[settings.also] = training_voices(settings.packed, others, frames)
    sets["dev"] = dev_voices(settings.data, settings.packed, frames)
    fitted = fitted.sample(3 * settings.crops, settings.seed)
    sets = {kind: voices.sample(settings.crops, settings.seed) for kind, voices in sets.items()}
    rows = []
    for name in settings.encoders:
        network = read_encoder(name)
        for seconds in settings.seconds:
            mapping = fit_map(fitted.embed(network, seconds, settings.seed), fitted.teacher)
            for kind, voices in sets.items():
                found = voices.embed(network, seconds, settings.seed)
                distance, correlation = agreement(found, voices.teacher, mapping)
                rows.append([name, f"{seconds:g}", kind, f"{distance:.3f}", f"{correlation:.3f}"])
    header = ["encoder", "seconds", "voices", "distance to the teacher", "correlation of cosines"]
    print(markdown_table(header, rows))


if __name__ == "__main__":
    raise SystemExit(main())
