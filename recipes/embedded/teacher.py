"""Utterance embeddings of an openly licensed teacher, for distillation.

Resemblyzer 0.1.4 (Apache-2.0; weights inside its registry package) is read from its installed
files without importing it, and run in batches over the training utterances as recorded.

    python -m recipes.embedded.teacher --data ../shared --output PACKED/train/teacher.npz
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

import librosa
import numpy as np
import torch
from torch import Tensor, nn

from recipes.embedded.prepare import SAMPLE_RATE, Waveform, read_shard

WINDOW_FRAMES = 160
STEP_FRAMES = 80


class LstmTeacher(nn.Module):
    """Resemblyzer's network: three LSTM layers of 256 on 40 mels, linear, ReLU, unit norm."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(40, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)

    def forward(self, mels: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(mels)
        return nn.functional.normalize(self.linear(hidden[-1]).relu(), dim=-1)


def load_teacher() -> LstmTeacher:
    spec = find_spec("resemblyzer")
    if spec is None or spec.origin is None:
        raise SystemExit("resemblyzer is not installed: pip install resemblyzer==0.1.4")
    checkpoint = torch.load(Path(spec.origin).parent / "pretrained.pt", "cpu", weights_only=True)
    state = {k: v for k, v in checkpoint["model_state"].items() if k.startswith(("lstm", "linear"))}
    teacher = LstmTeacher().eval()
    teacher.load_state_dict(state)
    return teacher


def windows(audio: Waveform) -> Tensor:
    """Mel windows ``(windows, 160, 40)`` at Resemblyzer's level of -30 dBFS, half overlapping."""
    gain = 10 ** (-30 / 20) / max(float(np.sqrt(np.mean(audio**2))), 1e-6)
    audio = audio * min(gain, 1e4)
    mels = librosa.feature.melspectrogram(
        y=audio, sr=SAMPLE_RATE, n_fft=400, hop_length=160, n_mels=40
    ).T.astype(np.float32)
    if len(mels) < WINDOW_FRAMES:
        mels = np.pad(mels, ((0, WINDOW_FRAMES - len(mels)), (0, 0)))
    return torch.from_numpy(mels.copy()).unfold(0, WINDOW_FRAMES, STEP_FRAMES).transpose(1, 2)


def embed(teacher: LstmTeacher, utterances: list[Waveform]) -> Tensor:
    """Mean of the window embeddings of each utterance, unit norm, ``(utterances, 256)``."""
    parts = [windows(audio) for audio in utterances]
    embedded = teacher(torch.cat(parts)).split([len(part) for part in parts])
    return nn.functional.normalize(torch.stack([part.mean(0) for part in embedded]), dim=-1)


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    teacher, names, vectors = load_teacher(), [], []
    for shard in sorted((arguments.data / "speech").glob("train-*.tar")):
        entries = list(read_shard(shard))
        for first in range(0, len(entries), 32):
            batch = entries[first : first + 32]
            names += [name for name, _ in batch]
            vectors.append(embed(teacher, [audio for _, audio in batch]))
    np.savez(arguments.output, utterance=names, vector=torch.cat(vectors).half().numpy())


if __name__ == "__main__":
    main()
