"""The study of cues: sequences, pitch, gradient reversal, and from voices to the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from diarspk.encoders import build_encoder
from diarspk.errors import ArgumentError
from eval.embeddings.speech import Utterance
from eval.probes.decoder import MelDecoder, MelDecoderConfig, content_of
from eval.probes.judges import judge_network, reads_features
from eval.probes.synthesis import log_mel_of
from recipes.conditioning.adversary import SpeakerAdversary, reverse_gradient
from recipes.conditioning.cue_kinds import CueTable, standardize
from recipes.conditioning.data import CroppedBatches, PackedVoices, read_packed, write_packed
from recipes.conditioning.pitch import pitch_of, prosody_of

MELS = 6


def voice(number: int, take: int, seconds: float = 1.0) -> np.ndarray:
    """A hum of a pitch of its own, louder and softer."""
    time = np.arange(round(16000 * seconds)) / 16000
    pitch = 100 + 40 * number + 5 * take
    hum = sum(np.sin(2 * np.pi * pitch * n * time) / n**2 for n in range(1, 8))
    noise = np.random.default_rng([number, take]).normal(size=len(time))
    return (0.05 * hum * (1.2 + np.sin(9 * time + take)) + 0.002 * noise).astype(np.float32)


@pytest.fixture
def sequences() -> PackedVoices:
    """Three utterances whose cue says at each row how far it has come."""
    frames, rows = np.array([40, 50, 60]), np.array([4, 5, 6])
    progress = np.concatenate([np.linspace(0, 1, count) for count in frames])
    cues = np.concatenate([np.linspace(0, 1, count) for count in rows])[:, None]
    return PackedVoices(
        np.tile(progress[:, None], (1, MELS)).astype(np.float16),
        frames,
        cues.astype(np.float32),
        ("a", "a", "b"),
        "toy",
        "print",
        pitch=progress.astype(np.float32),
        cue_rows=rows,
    )


def test_sequences_and_pitch_survive_the_disk(sequences: PackedVoices, tmp_path: Path) -> None:
    write_packed(sequences, tmp_path / "p.npz")
    read = read_packed(tmp_path / "p.npz")
    assert read.cue(1).shape == (5, 1)
    np.testing.assert_array_equal(read.cue(2), sequences.cue(2))
    np.testing.assert_array_equal(read.pitch_of(1), np.linspace(0, 1, 50, dtype=np.float32))


def test_a_sequence_is_cropped_with_its_utterance(sequences: PackedVoices) -> None:
    data = CroppedBatches(sequences, cepstra=2, size=12, frames=30, reference="own")
    batch = data.batch(np.random.default_rng(0))
    assert batch["cue"].shape == (12, 30, 1)
    torch.testing.assert_close(batch["cue"][..., 0], batch["pitch"], atol=1e-5, rtol=0)
    torch.testing.assert_close(batch["cue"][..., 0], batch["log_mel"][..., 0], atol=1e-3, rtol=0)
    names = np.array(sorted(set(sequences.speakers)))
    assert set(names[batch["speaker"].numpy()]) == {"a", "b"}
    with pytest.raises(ArgumentError, match="`reference` must be own for cues that are sequences"):
        CroppedBatches(sequences, cepstra=2, frames=30)


def test_a_vector_and_the_same_vector_at_every_frame_are_one_cue() -> None:
    torch.manual_seed(0)
    decoder = MelDecoder(MelDecoderConfig(cepstra=3, cue=4, mels=MELS, width=8, pitch=True))
    content, cue = torch.randn(2, 11, 3), torch.randn(2, 4)
    once = decoder.states(content, cue)
    always = decoder.states(content, cue[:, None].expand(-1, 11, -1))
    for name, state in once.items():
        torch.testing.assert_close(state, always[name])
    assert once["output"].shape == (2, 11, MELS)
    assert once["pitch"].shape == (2, 11, 1)
    assert "pitch" not in MelDecoder(MelDecoderConfig(cue=4)).states(torch.randn(1, 9, 8), cue[:1])


def test_content_without_energy_does_not_know_the_volume_of_a_frame() -> None:
    features = np.random.default_rng(0).normal(size=(60, 80)).astype(np.float32)
    louder = features + np.linspace(0, 5, 60, dtype=np.float32)[:, None]
    whole, without = (content_of(features, 4, first=first) for first in (0, 1))
    np.testing.assert_allclose(content_of(louder, 4, first=1), without, atol=1e-4)
    assert np.abs(content_of(louder, 4) - whole).max() > 0.5
    np.testing.assert_allclose(whole[:, 1:], without[:, :3], atol=1e-6)


def test_the_gradient_is_reversed_and_weighted() -> None:
    states = torch.ones(2, 3, requires_grad=True)
    passed = reverse_gradient(states, 0.5)
    assert torch.equal(passed, states)
    (4 * passed).sum().backward()
    torch.testing.assert_close(states.grad, torch.full((2, 3), -2.0))


def test_a_step_makes_the_classifier_better_and_its_states_worse() -> None:
    torch.manual_seed(0)
    shape, adversary = torch.nn.Linear(4, 4), SpeakerAdversary(4, 3, 1.0)
    speaker = torch.arange(30) % 3
    content = torch.randn(30, 12, 4) + torch.randn(3, 4)[speaker][:, None]

    def loss() -> torch.Tensor:
        return torch.nn.functional.cross_entropy(adversary(shape(content)), speaker)

    before = loss()
    before.backward()
    after = []
    for part in (adversary, shape):
        kept = [parameter.detach().clone() for parameter in part.parameters()]
        with torch.no_grad():
            for parameter in part.parameters():
                parameter -= 1e-2 * parameter.grad
            after.append(float(loss()))
            for parameter, old in zip(part.parameters(), kept, strict=True):
                parameter.copy_(old)
    assert after[0] < float(before.detach()) < after[1]


def test_pitch_and_prosody_of_a_hum() -> None:
    pytest.importorskip("librosa")
    sound = voice(2, 0)
    log_mel = log_mel_of(sound)
    pitch = pitch_of(sound, len(log_mel))
    assert pitch.shape == (len(log_mel),)
    assert np.nanmedian(pitch) == pytest.approx(np.log2(180), abs=0.02)
    found = prosody_of(pitch, log_mel)
    assert found[0] == pytest.approx(np.log2(180), abs=0.05)
    assert found[5] > 0.8
    silent = prosody_of(np.full(9, np.nan), log_mel[:9])
    assert np.isfinite(silent).all() and silent[5] == 0


def test_cues_are_scaled_by_the_training_part() -> None:
    random = np.random.default_rng(0)
    train = CueTable((3 + 5 * random.normal(size=(50, 4))).astype(np.float32), None, "p")
    train.rows[:, 3] = 7  # a component that says nothing
    ours, other = standardize(train, [replace(train, rows=train.rows[:2] + 5)])
    np.testing.assert_allclose(ours.rows.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(ours.rows[:, :3].std(axis=0), 1, atol=1e-4)
    assert np.isfinite(other.rows).all()
    np.testing.assert_allclose(
        other.rows[0, :3] - ours.rows[0, :3], 5 / train.rows[:, :3].std(axis=0), rtol=1e-4
    )


def test_a_network_judges_features_as_it_judges_sound() -> None:
    encoder = build_encoder("x-vector", dimension=8)
    assert reads_features(encoder)
    sound = voice(1, 0)
    judged = judge_network(encoder)(log_mel_of(sound))
    assert judged @ encoder.embed(sound, 16000) > 0.999
    assert judge_network(encoder)(log_mel_of(sound)[:5]).shape == (8,)  # shorter than its context
    assert not reads_features(build_encoder("rawnet3", dimension=8))


@pytest.mark.filterwarnings("ignore")
def test_a_study_ends_in_a_page_and_does_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lightning", reason="training needs lightning")
    pytest.importorskip("librosa")
    from recipes.conditioning import study

    made = {f"s{n}-{take}": voice(n, take) for n in range(3) for take in range(2)}
    rows = [f"{name}\t{name.split('-')[0]}" for name in made]
    for split in ("train", "dev"):
        lines = "\n".join(["utterance\tspeaker", *rows, "alone-0\talone"])
        (tmp_path / f"{split}.tsv").write_text(f"{lines}\n")
    monkeypatch.setattr(
        study,
        "chosen_utterances",
        lambda folder, split, records: [
            Utterance(one.name, one.speaker, made[one.name]) for one in records
        ],
    )
    run, page = tmp_path / "run", tmp_path / "page.md"
    options = [str(run), "--data", str(tmp_path), "--speakers", "3", "--tested", "3", "--each", "2"]
    options += ["--encoders", "diarspk", "log-mel statistics", "no such encoder"]
    options += ["--steps", "2", "--size", "2", "--frames", "40", "--width", "8"]
    options += ["--judges", "diarspk", "nobody", "--profiles", "3", "--resamples", "5"]
    assert study.main([*options, "--page", str(page)]) == 0
    told = capsys.readouterr().err
    assert "no such encoder: left out: " in told and "judge nobody: left out: " in told
    text = page.read_text()
    for heading in ("Choice of embedding", "Levels of a cue", "Learnt disentanglement"):
        assert f"\n## {heading}" in text
    for title in ("frame statistics", "multi-level", "diarspk with gradient reversal"):
        assert f"\n| {title}" in text
    assert str(tmp_path) not in text
    reports = {path: path.stat().st_mtime_ns for path in run.rglob("report.json")}
    assert len(reports) == 2 + 5 + 1
    found = json.loads((run / "levels-multi-level" / "report.json").read_text())
    assert found["dimension"] == 192 + 192 + 6
    assert {one["factor"] for one in found["style"]["cue"]} >= {"pitch contour", "energy contour"}
    page.unlink()
    assert study.main([str(run), "--page", str(page)]) == 0  # goes on with what is stored
    assert page.read_text() == text
    assert reports == {path: path.stat().st_mtime_ns for path in run.rglob("report.json")}
    assert study.main([str(tmp_path / "new")]) == 1
    assert "a new study needs --data" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        study.main([str(tmp_path / "new"), "--encoders", "log-mel statistics"])
    assert "--encoders must begin with one that has frame embeddings" in capsys.readouterr().err
