"""Probes of synthesisers whose behaviour is known: they ignore the cue, or speak by it alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from diarspk.errors import ArgumentError, ModelError
from diarspk.features.log_mel import LogMel
from eval.embeddings.speech import Utterance
from eval.probes import __main__ as command
from eval.probes import synthesis_report
from eval.probes.conditioning import probe_swap, probe_zero
from eval.probes.decoder import (
    ConditionedDecoder,
    MelDecoder,
    MelDecoderConfig,
    content_of,
    load_decoder,
    write_decoder,
)
from eval.probes.judges import judge_features, judge_sound, remember, sound_of
from eval.probes.leakage import probe_leakage, separation
from eval.probes.similarity import profiles_of, real_similarities
from eval.probes.sweep import sweep_mean, sweep_norm
from eval.probes.synthesis import Synthesis, Voice, log_mel_of

PEOPLE, TAKES, FRAMES = 5, 6, 6
Features = NDArray[np.float32]


def features_of(speaker: int, seed: int) -> Features:
    """A band of their own for each speaker, and what is said in the last bands."""
    features = np.zeros((FRAMES, 20), np.float32)
    features[:, speaker] = 4.0
    features[:, 16:] = 0.3 * np.random.default_rng([speaker, seed]).normal(size=(FRAMES, 4))
    return features


def judge(log_mel: Features) -> Features:
    mean = log_mel.mean(axis=0) + 1e-6
    return mean / np.linalg.norm(mean)


VOICES = [
    Voice(
        f"s{speaker}", features_of(speaker, take), 2 * np.eye(PEOPLE, dtype="f4")[speaker],
        features_of(speaker, take),
    )
    for speaker in range(PEOPLE)
    for take in range(TAKES)
]  # fmt: skip


class Ignoring:
    """Speaks the content with the voice it came with."""

    encoder = "toy"

    def synthesise(self, content: Features, cue: Features) -> Synthesis:
        return Synthesis(content, {"core": content})

    def read(self, utterance: Utterance) -> Voice:
        return VOICES[int(utterance.name)]


class Copying(Ignoring):
    """Speaks with the voice of the cue alone; with none, like a voice that nobody has."""

    def synthesise(self, content: Features, cue: Features) -> Synthesis:
        made = content.copy()
        made[:, :10] = 0
        made[:, :PEOPLE] = 2 * cue
        made[:, 9] = 4.0 * (np.linalg.norm(cue) == 0)
        return Synthesis(made, {"core": content[:, 16:]})


def test_who_ignores_the_cue_has_no_transfer() -> None:
    swap = probe_swap(Ignoring(), VOICES, judge)
    assert swap.transfer == pytest.approx(0.0, abs=1e-6)
    assert swap.nearer_supplied == 0.0
    assert swap.original > 0.95 > 0.2 > swap.supplied
    assert swap.pairs == len(VOICES)


def test_who_speaks_by_the_cue_alone_has_all_of_it() -> None:
    swap = probe_swap(Copying(), VOICES, judge)
    assert swap.transfer == pytest.approx(1.0, abs=0.02)
    assert swap.nearer_supplied == 1.0
    assert swap.supplied > 0.95 > 0.2 > swap.original
    assert swap.same > 0.9 > 0.2 > swap.different
    assert (swap.same, swap.different) == pytest.approx(real_similarities(VOICES, judge))


def test_who_sounds_like_nobody_transfers_nothing() -> None:
    class Mute(Ignoring):
        def synthesise(self, content: Features, cue: Features) -> Synthesis:
            return Synthesis(np.eye(FRAMES, 20, dtype=np.float32))

    assert probe_swap(Mute(), VOICES, judge).transfer == 0.0
    with pytest.raises(ArgumentError, match="two speakers"):
        probe_swap(Copying(), VOICES[:TAKES], judge)


def test_a_cue_of_zeros() -> None:
    ignored = probe_zero(Ignoring(), VOICES, judge)
    assert ignored.found_source == 1.0 and ignored.chance == 1 / PEOPLE
    assert ignored.entropy_bits == pytest.approx(np.log2(PEOPLE))
    assert ignored.entropy_share == pytest.approx(1.0) and ignored.commonest_share == 1 / PEOPLE
    nobody = probe_zero(Copying(), VOICES, judge)
    assert nobody.agreement > 0.95 > ignored.agreement
    assert nobody.nearest_similarity < 0.2 < ignored.nearest_similarity
    alone = probe_zero(Copying(), VOICES, judge, {"one": judge(features_of(0, 0))})
    assert (alone.speakers, alone.entropy_bits, alone.commonest_share) == (1, 0.0, 1.0)


def test_leakage_is_found_where_it_is() -> None:
    found = {one.cue: one for one in probe_leakage(Copying(), VOICES, resamples=5)}
    assert set(found) == {
        *("content", "core, own cue", "output, own cue", "core, zero cue", "output, zero cue"),
    }
    assert found["content"].score.value == found["output, own cue"].score.value == 1.0
    assert found["core, zero cue"].score.value < 0.7  # random bands, five speakers
    leaking = {one.cue: one for one in probe_leakage(Ignoring(), VOICES, resamples=5)}
    assert leaking["core, zero cue"].score.value == 1.0
    assert leaking["core, zero cue"].chance == 1 / PEOPLE


def test_separation_needs_both() -> None:
    copying, ignoring = (
        (probe_swap(one, VOICES, judge), probe_leakage(one, VOICES, resamples=2))
        for one in (Copying(), Ignoring())
    )
    assert separation(*ignoring) == 0.0
    assert separation(copying[0], ignoring[1]) == 0.0
    clean = [one for one in copying[1] if one.cue == "core, zero cue"]
    brought, kept_out = min(copying[0].transfer, 1.0), 1 - clean[0].informativeness
    expected = 2 * brought * kept_out / (brought + kept_out)
    assert separation(*copying) == pytest.approx(expected)
    assert separation(copying[0], []) is None


def test_sweeps() -> None:
    by_norm = {one.value: one for one in sweep_norm(Copying(), VOICES, judge)}
    assert by_norm[0.0].own < 0.2
    assert by_norm[1.0].own > 0.95 > by_norm[1.0].others
    assert by_norm[1.0].distance == pytest.approx(0.0, abs=1e-6)
    assert by_norm[2.0].distance == pytest.approx(4.0 / 20)  # one band of 20, twice as loud
    to_mean = [one.own for one in sweep_mean(Copying(), VOICES, judge)]
    assert to_mean == sorted(to_mean, reverse=True)
    last = sweep_mean(Copying(), VOICES, judge)[-1]
    assert last.own == pytest.approx(last.others, abs=0.02)  # everybody sounds the same


def test_features_forget_the_volume() -> None:
    sound = np.random.default_rng(0).normal(size=8000).astype(np.float32)
    np.testing.assert_allclose(log_mel_of(sound), log_mel_of(0.01 * sound), atol=1e-3)
    assert log_mel_of(sound).shape == (48, 80)


def test_content_is_a_normalised_bottleneck() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(50, 80)).astype(np.float32)
    content = content_of(features, 5)
    assert content.shape == (50, 5) and content.dtype == np.float32
    np.testing.assert_allclose(content.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(content.std(axis=0), 1, atol=1e-4)
    colour = random.normal(size=80).astype(np.float32)  # of a voice, or of a microphone
    np.testing.assert_allclose(content, content_of(features + colour, 5), atol=1e-4)


def test_a_decoder_survives_the_disk(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(0)
    config = MelDecoderConfig(cepstra=3, cue=4, mels=6, width=8, layers=2)
    decoder = ConditionedDecoder(MelDecoder(config), "toy", "print")
    content, cue = np.ones((7, 3), np.float32), np.ones(4, np.float32)
    made = decoder.synthesise(content, cue)
    assert made.log_mel.shape == (7, 6)
    assert {name: one.shape for name, one in made.hidden.items()} == {
        "core": (7, 8),
        "decoder": (7, 8),
    }
    other = decoder.synthesise(content, 0 * cue)
    assert np.array_equal(made.hidden["core"], other.hidden["core"])  # the cue comes later
    assert not np.array_equal(made.log_mel, other.log_mel)
    write_decoder(tmp_path / "d.json", decoder, {"steps": 1})
    read = load_decoder(tmp_path / "d.json")
    assert (read.encoder, read.fingerprint) == ("toy", "print")
    np.testing.assert_array_equal(read.synthesise(content, cue).log_mel, made.log_mel)
    card = json.loads((tmp_path / "d.json").read_text())
    (tmp_path / "d.json").write_text(json.dumps({**card, "config": {"size": 3}}))
    with pytest.raises(ModelError, match="not a decoder"):
        load_decoder(tmp_path / "d.json")


def test_a_decoder_takes_no_cues_of_another_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    from diarspk.embeddings.space import Space
    from eval.probes import decoder as module

    def embed(waveforms: list[Features]) -> Features:
        return np.ones((1, 4), np.float32)

    monkeypatch.setattr(module, "load_system", lambda name: (embed, Space("new", 4, name)))
    network = MelDecoder(MelDecoderConfig(cue=4))
    sound = np.random.default_rng(0).normal(size=8000).astype(np.float32)
    utterance = Utterance("u", "s", sound)
    voice = ConditionedDecoder(network, "toy", "new").read(utterance)
    assert voice.content.shape == (48, 8) and voice.log_mel.shape == (48, 80)
    with pytest.raises(ModelError, match="trained with old"):
        ConditionedDecoder(network, "toy", "old").read(utterance)


def test_a_judge_of_features_agrees_with_the_encoder_on_sound() -> None:
    import torch

    from diarspk.encoders import LocalEncoder, SpeakerNetwork, SpeakerNetworkConfig, TrunkConfig

    torch.manual_seed(0)
    trunk = TrunkConfig(front_channels=(4, 8), width=16, dilations=(1, 2))
    network = SpeakerNetwork(SpeakerNetworkConfig(trunk, 32, dimension=8, prefixes=(4,)))
    encoder = LocalEncoder(network.eval(), "test")
    sound = np.random.default_rng(0).normal(size=16000).astype(np.float32)
    judged = judge_features(encoder)(log_mel_of(0.1 * sound))
    assert judged @ encoder.embed(0.1 * sound, 16000) > 0.995
    calls = []
    judged = remember(lambda log_mel: calls.append(1) or judge(log_mel))
    first = judged(features_of(0, 0))
    np.testing.assert_array_equal(first, judged(features_of(0, 0)))
    judged(features_of(1, 0))
    assert len(calls) == 2


def test_sound_has_the_features_that_it_was_made_of() -> None:
    pytest.importorskip("librosa", reason="judging sound needs librosa")
    time = np.arange(16000) / 16000
    voice = sum(np.sin(2 * np.pi * 150 * n * time) / n for n in range(1, 20))
    features = log_mel_of((0.05 * voice).astype(np.float32))
    sound = sound_of(features)
    again = log_mel_of(sound)[: len(features)]
    assert np.corrcoef(features[2:-2].ravel(), again[2 : len(features) - 2].ravel())[0, 1] > 0.9
    np.testing.assert_array_equal(sound, sound_of(features))
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(0.05, rel=1e-3)
    assert LogMel().config.mels == features.shape[1]
    judged = judge_sound(lambda waves: np.array([[len(wave)] for wave in waves]))(features)
    assert judged[0] == len(sound)


def test_the_command_with_a_synthesiser_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ModuleType("own_synthesis")
    own.load = Copying  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own_synthesis", own)
    monkeypatch.setattr(synthesis_report, "load_judge", lambda name: judge)
    rows = [f"{row}\t{voice.speaker}" for row, voice in enumerate(VOICES)]
    for split in ("train", "dev"):
        table = "\n".join(["utterance\tspeaker", *rows])
        (tmp_path / f"{split}.tsv").write_text(f"{table}\n")
    made = [Utterance(str(n), voice.speaker, np.zeros(1, "f4")) for n, voice in enumerate(VOICES)]
    monkeypatch.setattr(
        "eval.probes.vectors.read_utterances", lambda folder, split, names: iter(made)
    )
    target = tmp_path / "report.json"
    options = ["synthesis", "--data", str(tmp_path), "--judges", "toy", "other", "--each", "6"]
    options += ["--resamples", "5", "--json", str(target)]
    assert command.main([*options, "--synthesiser", "own_synthesis:load"]) == 0
    printed = capsys.readouterr().out
    assert "toy*" in printed and "other*" not in printed  # who made the cues judges, too
    report = json.loads(target.read_text())
    assert report["judges"][0]["swap"]["nearer_supplied"] == 1.0
    assert {one["kind"] for one in report["judges"][0]["sweep"]} == {"norm", "mean"}
    assert command.main([*options, "--synthesiser", "own_synthesis:none"]) == 1
    assert "module:function" in capsys.readouterr().err
    assert profiles_of(VOICES, judge).keys() == {f"s{n}" for n in range(PEOPLE)}
