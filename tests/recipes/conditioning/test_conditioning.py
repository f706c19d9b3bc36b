"""The recipe of the conditioned decoder on made voices: packing, batches, learning."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError, FormatError
from eval.embeddings.speech import Utterance
from eval.probes.conditioning import probe_swap
from eval.probes.decoder import MelDecoderConfig, content_of, load_decoder, write_decoder
from eval.probes.synthesis import Voice, log_mel_of
from recipes.conditioning import prepare
from recipes.conditioning.data import CroppedBatches, PackedVoices, read_packed, write_packed

PEOPLE, TAKES, MELS = 4, 3, 16
NETWORK = MelDecoderConfig(cepstra=3, cue=PEOPLE, mels=MELS, width=16, core=1, layers=1)


@pytest.fixture
def voices() -> PackedVoices:
    """Four speakers with a spectrum and a cue of their own; the last has one utterance."""
    random = np.random.default_rng(0)
    colours = random.normal(0, 2, (PEOPLE, MELS))
    blocks, frames, cues, speakers = [], [], [], []
    for number in range(PEOPLE):
        for take in range(1 if number == PEOPLE - 1 else TAKES):
            length = 20 if (number, take) == (0, 0) else int(random.integers(40, 60))
            said = random.normal(size=(length, 1)) * np.cos(np.arange(MELS) / 5)
            blocks.append((colours[number] + said).astype(np.float16))
            frames.append(length)
            cues.append(np.eye(PEOPLE, dtype=np.float32)[number] * (1 + take))
            speakers.append(f"s{number}")
    return PackedVoices(
        np.concatenate(blocks), np.array(frames), np.stack(cues), tuple(speakers), "toy", "print"
    )


def test_packed_voices_survive_the_disk(voices: PackedVoices, tmp_path: Path) -> None:
    write_packed(voices, tmp_path / "p.npz")
    read = read_packed(tmp_path / "p.npz")
    assert (read.speakers, read.encoder, read.fingerprint) == (voices.speakers, "toy", "print")
    for number in range(len(voices.frames)):
        np.testing.assert_array_equal(read.utterance(number), voices.utterance(number))
    assert len(read.utterance(0)) == 20
    (tmp_path / "p.npz").write_bytes(b"no")
    with pytest.raises(FormatError, match="prepare them again"):
        read_packed(tmp_path / "p.npz")


def test_utterances_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    def embed(waveforms: list[np.ndarray]) -> np.ndarray:
        return np.array([[waveform.std(), 0.0] for waveform in waveforms], np.float32)

    monkeypatch.setattr(prepare, "load_system", lambda name: (embed, Space("print", 2, name)))
    sound = np.random.default_rng(0).normal(size=(2, 4000)).astype(np.float32)
    made = prepare.pack([Utterance("u", "a", sound[0]), Utterance("v", "b", sound[1])], "toy")
    assert (made.speakers, made.fingerprint) == (("a", "b"), "print")
    np.testing.assert_allclose(made.utterance(1), log_mel_of(sound[1]), atol=0.02)
    with pytest.raises(ArgumentError, match="one at least"):
        prepare.pack([], "toy")


def test_a_batch_depends_on_its_number_alone(voices: PackedVoices) -> None:
    first, again = (
        list(islice(CroppedBatches(voices, cepstra=3, size=8, frames=30, seed=3), 3))
        for _ in range(2)
    )
    for one, other in zip(first, again, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(first[0]["log_mel"], first[1]["log_mel"])
    assert first[0]["content"].shape == (8, 30, 3) and first[0]["log_mel"].shape == (8, 30, MELS)
    with pytest.raises(ArgumentError, match="`frames`"):
        CroppedBatches(voices, cepstra=3, frames=100)


def test_the_cue_is_of_another_utterance(voices: PackedVoices) -> None:
    data = CroppedBatches(voices, cepstra=3, size=16, frames=30, seed=0)
    for number, others in enumerate(data.others):
        names = {voices.speakers[other] for other in others}
        assert names == {voices.speakers[number]}
        assert (number in others) == (voices.speakers[number] == f"s{PEOPLE - 1}")
    colours = {name: voices.utterance(n).mean(axis=0) for n, name in enumerate(voices.speakers)}
    batch = data.batch(np.random.default_rng(0))
    for features, cue in zip(batch["log_mel"].numpy(), batch["cue"].numpy(), strict=True):
        distance = [np.abs(features.mean(axis=0) - one).mean() for one in colours.values()]
        assert int(np.argmin(distance)) == int(cue.argmax())
    dropped = CroppedBatches(voices, cepstra=3, size=64, frames=30, drop_cue=0.5)
    norms = dropped.batch(np.random.default_rng(0))["cue"].norm(dim=1)
    assert 0.25 < float((norms == 0).float().mean()) < 0.75


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_a_decoder_learns_to_take_the_voice_from_the_cue(
    voices: PackedVoices, tmp_path: Path
) -> None:
    pytest.importorskip("lightning", reason="training needs lightning")
    from recipes.conditioning.train import TrainConfig, fit

    config = TrainConfig(120, learning_rate=1e-2, warmup_steps=5, size=8, frames=30)
    decoder = fit(voices, NETWORK, config, tmp_path / "run")
    assert (decoder.encoder, decoder.fingerprint) == ("toy", "print")
    write_decoder(tmp_path / "decoder.json", decoder)
    decoder = load_decoder(tmp_path / "decoder.json")
    spoken = [
        Voice(name, content_of(features, 3), voices.cues[number], features)
        for number, name in enumerate(voices.speakers)
        for features in [voices.utterance(number)]
    ]

    def judge(log_mel: np.ndarray) -> np.ndarray:
        return log_mel.mean(axis=0) / np.linalg.norm(log_mel.mean(axis=0))

    swap = probe_swap(decoder, spoken, judge)
    assert swap.nearer_supplied > 0.8 and swap.transfer > 0.6


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_the_same_seed_gives_the_same_weights(voices: PackedVoices, tmp_path: Path) -> None:
    pytest.importorskip("lightning", reason="training needs lightning")
    from recipes.conditioning.train import TrainConfig, fit

    config = TrainConfig(3, size=2, frames=30, seed=5)
    first, again = (
        fit(voices, NETWORK, config, tmp_path / name).network.state_dict() for name in "ab"
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
