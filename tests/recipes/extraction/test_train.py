"""Training of extractors on voices that are tones: mixtures, batches, learning, export."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import diarspk
import tse
from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.errors import ArgumentError
from recipes.extraction.data import BatchConfig, ExtractionBatches, Voices, equalize, read_voices
from recipes.extraction.prepare import at_speeds, cut_pieces, write_pieces
from recipes.extraction.translate import translate
from recipes.extraction.warm_start import load_warm_start, translate_vectors
from recipes.training.sharing import Share
from recipes.training.warm_start import read_warm_start
from tse.cues import Cue
from tse.mixing import MixtureConfig, mix
from tse.models import BandSplitConfig, build_network, describe_network
from tse.models.conditioning import ConditioningConfig, CueReader

RATE = 16000


def tone(frequency: float, seconds: float, seed: int = 0) -> np.ndarray:
    phase = np.random.default_rng(seed).uniform(0, 6)
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * frequency * time + phase)).astype(np.float32)


@pytest.fixture
def voices(tmp_path: Path) -> Voices:
    """Six speakers, a frequency each; the last one has a single piece."""
    pieces, vectors = [], []
    for number in range(6):
        for copy in range(1 if number == 5 else 3):
            samples = np.round(tone(200 + 150 * number, 0.8, copy) * 32767).astype(np.int16)
            pieces.append((f"{number}-{copy}", f"speaker-{number}", samples))
            vectors.append(np.eye(6, dtype=np.float32)[number])
    write_pieces(pieces, tmp_path / "train", vectors)
    return read_voices(tmp_path / "train")


CONFIG = BatchConfig(MixtureConfig(seconds=0.5, noise_probability=0, room_probability=0), size=4)


@given(
    seed=st.integers(0, 99),
    others=st.integers(0, 2),
    noisy=st.booleans(),
    present=st.booleans(),
    room=st.booleans(),
)
@settings(deadline=None, max_examples=30)
def test_a_mixture_is_the_sum_of_its_parts(
    seed: int, others: int, noisy: bool, present: bool, room: bool
) -> None:
    generator = np.random.default_rng(seed)
    config = MixtureConfig(seconds=0.3)
    voices = [tone(300 + 90 * index, 0.2 + 0.2 * index) for index in range(others)]
    made = mix(
        tone(200, 0.5) if present else None,
        voices,
        generator.normal(size=900).astype(np.float32) if noisy else None,
        config,
        generator,
        room=np.eye(2, 40) if room else None,
    )
    total = made.target + np.sum([*made.interferers, made.noise], axis=0)
    np.testing.assert_allclose(made.mixture, total, atol=1e-6)
    assert made.mixture.shape == (4800,) and len(made.interferers) == others
    assert made.present == present == bool(made.target.any())
    assert bool(made.noise.any()) == noisy


def test_levels_are_those_that_were_asked_for() -> None:
    config = MixtureConfig(
        seconds=0.5, interferer_db=(-6, -6), noise_ratio_db=(20, 20), overlap=(0.5, 0.5),
        level_db=(-25, -25),
    )  # fmt: skip
    generator = np.random.default_rng(0)
    noise = generator.normal(size=8000).astype(np.float32)
    made = mix(tone(200, 1.0), [tone(500, 1.0)], noise, config, generator)

    def level(part: np.ndarray) -> float:
        return 10 * np.log10(np.mean(part[part != 0] ** 2))

    assert level(made.mixture) == pytest.approx(-25, abs=0.1)
    assert level(made.interferers[0]) - level(made.target) == pytest.approx(-6, abs=0.1)
    assert level(made.noise) - level(made.target) == pytest.approx(-20, abs=0.1)
    assert np.mean(made.interferers[0] != 0) == pytest.approx(0.5, abs=0.01)


def test_long_utterances_are_two_pieces_and_very_short_ones_none() -> None:
    assert [len(piece) for piece in cut_pieces(tone(200, 6.0))] == [48000, 48000]
    assert [len(piece) for piece in cut_pieces(tone(200, 5.9))] == [94400]
    assert cut_pieces(tone(200, 0.5)) == []


def test_a_voice_at_another_speed_is_as_much_higher_as_it_is_shorter() -> None:
    played = dict(at_speeds(tone(200, 2.0), (0.8, 1.25)))
    assert list(played) == ["", "@0.8", "@1.25"]
    for speed, audio in zip((1, 0.8, 1.25), played.values(), strict=True):
        assert len(audio) == pytest.approx(2 * RATE / speed, abs=1)
        peak = np.argmax(np.abs(np.fft.rfft(audio))) * RATE / len(audio)
        assert peak == pytest.approx(200 * speed, abs=1)


def test_a_batch_depends_on_its_number_alone(voices: Voices) -> None:
    first = list(islice(ExtractionBatches(voices, None, None, CONFIG, seed=3), 4))
    later = list(ExtractionBatches(voices, None, None, CONFIG, seed=3, share=Share(2, 1, 4)))
    for one, other in zip(first[2:], later, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(first[0]["mixture"], first[1]["mixture"])


def test_enrolment_and_target_are_of_the_speaker_and_not_of_one_piece(voices: Voices) -> None:
    config = replace(CONFIG, drop_vector=0.0, drop_enrolment=0.0)
    data = ExtractionBatches(voices, None, None, config, seed=0)
    for batch in islice(data, 6):
        numbers = [int(data.speakers[int(label)][-1]) for label in batch["speaker"]]
        assert 5 not in numbers  # nothing would be left for an enrolment
        assert batch["vector"].argmax(1).tolist() == numbers
        assert (batch["target"].abs().amax(1) > 0).tolist() == batch["present"].tolist()
        for row, number in enumerate(numbers):
            for part in (batch["target"][row], batch["enrolment"][row]):
                if part.any():
                    peak = torch.fft.rfft(part, n=RATE).abs().argmax()
                    assert abs(int(peak) - (200 + 150 * number)) <= 3
    target = numbers[0]
    for _ in range(50):
        made, enrolment = data.draw(target, np.random.default_rng(_))
        assert voices.speaker[enrolment] == f"speaker-{target}"
        assert made.mixture.any()


def test_an_enrolment_is_of_no_utterance_in_the_mixture_where_there_is_another(
    voices: Voices,
) -> None:
    silent = np.zeros_like(voices.waveforms)
    silent[voices.start[2] : voices.start[2] + voices.samples[2]] = 9999
    halves = replace(
        voices, waveforms=silent, utterance=["a", "a", "b", *voices.utterance[3:]]
    )  # of speaker 0, whose b alone is in the mixture
    always = MixtureConfig(
        seconds=0.5, absent_probability=0, noise_probability=0, room_probability=0
    )
    config = replace(CONFIG, mixtures=always)
    data = ExtractionBatches(halves, None, None, config, seed=0)
    drawn = [data.draw(0, np.random.default_rng(seed)) for seed in range(30)]
    assert {enrolment for _, enrolment in drawn} == {0, 1, 2}
    for made, enrolment in drawn:
        assert np.all(made.target != 0) == (enrolment != 2)
    single = replace(halves, utterance=["a", "a", "a", *voices.utterance[3:]])
    data = ExtractionBatches(single, None, None, config, seed=0)
    assert any(data.draw(0, np.random.default_rng(seed))[0].target.any() for seed in range(30))


def test_voices_that_are_alike_are_mixed(voices: Voices) -> None:
    similarity = np.eye(6, dtype=np.float32)
    similarity[4, 0] = similarity[0, 4] = 0.9  # speakers 0 and 4 sound nearly the same
    vectors = similarity[[int(name[-1]) for name in voices.speaker]]
    always = replace(CONFIG, alike_probability=1.0, alike_candidates=5)
    data = ExtractionBatches(replace(voices, vectors=vectors), None, None, always, seed=0)
    generator = np.random.default_rng(0)
    assert {data.others(0, 1, generator)[0] for _ in range(20)} == {4}
    assert {data.others(4, 1, generator)[0] for _ in range(20)} == {0}
    fewer = replace(always, alike_candidates=2)
    data = ExtractionBatches(replace(voices, vectors=vectors), None, None, fewer, seed=0)
    for target in range(6):
        several = data.others(target, 2, generator)
        assert len(set(several) - {target}) == 2
    with pytest.raises(ArgumentError, match="`alike_probability` must be 0"):
        ExtractionBatches(replace(voices, vectors=None), None, None, always, seed=0)


def test_voices_vary_but_for_the_speed_of_the_target(voices: Voices) -> None:
    always = replace(CONFIG, vary_probability=1.0, speed=(1.25, 1.25))
    data = ExtractionBatches(voices, None, None, always, seed=0)
    plain = ExtractionBatches(voices, None, None, CONFIG, seed=0)
    spoken = tone(1000, 0.5)
    unchanged = data.vary(spoken, np.random.default_rng(0))
    faster = data.vary(spoken, np.random.default_rng(0), speed=True)
    assert len(unchanged) == len(spoken) and len(faster) == round(len(spoken) / 1.25)
    for voice, frequency in ((unchanged, 1000), (faster, 1250)):
        spectrum = np.abs(np.fft.rfft(voice))
        assert spectrum.argmax() * RATE / len(voice) == pytest.approx(frequency, abs=5)
    assert not np.allclose(unchanged, spoken, atol=1e-3)
    np.testing.assert_array_equal(plain.vary(spoken, np.random.default_rng(0)), spoken)
    first, again = (next(iter(data))["mixture"] for _ in range(2))
    assert torch.equal(first, again) and not torch.equal(first, next(iter(plain))["mixture"])


@given(seed=st.integers(0, 99), deviation=st.floats(0, 10), length=st.integers(100, 9000))
@settings(deadline=None, max_examples=30)
def test_an_equalizer_is_smooth_and_linear(seed: int, deviation: float, length: int) -> None:
    voice = np.random.default_rng(seed).normal(size=length).astype(np.float32)

    def equalized(samples: np.ndarray, deviation_db: float = deviation) -> np.ndarray:
        return equalize(samples, deviation_db, np.random.default_rng(seed + 1))

    assert equalized(voice).shape == voice.shape and equalized(voice).dtype == np.float32
    np.testing.assert_allclose(equalized(3 * voice), 3 * equalized(voice), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(equalized(voice, 0.0), voice, atol=1e-5)


def test_processes_share_the_batches_of_one(voices: Voices) -> None:
    def draw(share: Share) -> list[torch.Tensor]:
        data = ExtractionBatches(voices, None, None, CONFIG, seed=3, share=share)
        return [batch["mixture"] for batch in data]

    whole = draw(Share(last=7))
    shares = [draw(Share(first, 3, 7)) for first in range(3)]
    assert [len(share) for share in shares] == [3, 2, 2]
    for number, mixture in enumerate(whole):
        assert torch.equal(mixture, shares[number % 3][number // 3])


def test_levels_of_the_cue_are_dropped_in_turns(voices: Voices) -> None:
    config = replace(CONFIG, drop_vector=0.3, drop_enrolment=0.3)
    data = ExtractionBatches(voices, None, None, config, seed=0)
    found = [("vector" in batch, "enrolment" in batch) for batch in islice(data, 40)]
    assert set(found) == {(True, True), (True, False), (False, True)}


def test_a_joint_encoder_begins_as_the_frozen_one_and_has_a_gradient() -> None:
    from recipes.extraction.cue_vectors import make_cue_vectors

    generator = np.random.default_rng(0)
    audio = 0.1 * generator.normal(size=(2, RATE)).astype(np.float32)
    audio[1, 8000:] = 0
    encoder = diarspk.load_encoder()
    expected = [encoder.embed(audio[0], RATE), encoder.embed(audio[1, :8000], RATE)]
    joint = make_cue_vectors("utterance", [encoder], tuned=True)
    assert joint is not None
    lengths = torch.tensor([RATE, 8000])
    found = joint.train()({"enrolment": torch.from_numpy(audio), "enrolment_samples": lengths})
    assert found is not None
    np.testing.assert_allclose(found.detach(), expected, atol=5e-3)
    found[0, 0].backward()
    assert encoder.network.utterance.affine.weight.grad is not None


@pytest.mark.slow
# Lightning's own, where a validation loader is given.
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
def test_training_learns_exports_and_goes_on_exactly(voices: Voices, tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning")
    from recipes.extraction.cues import BatchCues
    from recipes.extraction.export import export
    from recipes.extraction.network import fit_conditioning
    from recipes.extraction.training import ExtractionTraining, TrainConfig
    from tse.cue_sources import OneHotCue
    from tse.loading import load_extractor
    from tse.models import BandSplitConfig

    names = sorted(set(voices.speaker))
    source = OneHotCue(tuple(names))
    network = fit_conditioning(
        BandSplitConfig(
            channels=16, hidden=32, bottleneck=32, mask_hidden=32, blocks=2, spectral_map=False
        ),
        source,
    )
    config = replace(CONFIG, drop_enrolment=0.0, drop_vector=0.0)
    config = replace(
        config, mixtures=replace(config.mixtures, speakers=(0.0, 1.0), absent_probability=0.1)
    )
    train = TrainConfig(
        steps=60, learning_rate=5e-3, warmup_steps=5, objective="snr", speaker_weight=0.1
    )

    def fit(steps: int, first: int, resume: Path | None) -> tuple[ExtractionTraining, list[float]]:
        lightning.seed_everything(0, verbose=False)
        training = ExtractionTraining(network, train, BatchCues("one-hot", source, names))
        logged: dict[str, list[float]] = {}

        def record(name: str, value: torch.Tensor, **_: object) -> None:
            logged.setdefault(name, []).append(float(value))

        training.log = record  # type: ignore[method-assign,assignment]
        trainer = lightning.Trainer(
            accelerator="cpu", max_steps=steps, logger=False, enable_progress_bar=False,
            enable_checkpointing=False, enable_model_summary=False, val_check_interval=20,
            check_val_every_n_epoch=None, num_sanity_val_steps=0,
        )  # fmt: skip
        data = ExtractionBatches(voices, None, None, config, seed=1, share=Share(first))
        held_out = ExtractionBatches(voices, None, None, config, seed=2, share=Share(last=1))
        loaders = [torch.utils.data.DataLoader(part, batch_size=None) for part in (data, held_out)]
        trainer.fit(training, *loaders, ckpt_path=resume)
        trainer.save_checkpoint(tmp_path / f"{steps}.ckpt")
        return training, logged["loss"]

    whole, losses = fit(60, 0, None)
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 3
    export(tmp_path / "60.ckpt", tmp_path / "extractor.json", speakers=tuple(names))
    embedded = load_extractor(tmp_path / "extractor.json")
    assert isinstance(embedded.source, OneHotCue) and embedded.source.speakers == tuple(names)
    fit(30, 0, None)
    resumed, _ = fit(60, 30, tmp_path / "30.ckpt")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_separator_lends_all_but_its_cue_and_fusion() -> None:
    pytest.importorskip("lightning")
    from recipes.extraction.warm_start import begin_as_separator
    from tse.models import BandSplitConfig, build_network

    small = BandSplitConfig(channels=16, hidden=32, bottleneck=32, mask_hidden=32, blocks=2)
    torch.manual_seed(0)
    trained = build_network(small).state_dict()
    torch.manual_seed(1)
    network = build_network(replace(small, fusion="add"))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    count = begin_as_separator(network, trained)
    after = network.state_dict()
    own = {name for name in after if name.startswith("reader.") or ".fusion." in name}
    assert own and count == sum(after[name].numel() for name in set(after) - own)
    for name, tensor in after.items():
        assert torch.equal(tensor, before[name] if name in own else trained[name]), name


SMALL = BandSplitConfig(channels=16, hidden=24, bottleneck=32, mask_hidden=32, blocks=2)


def checkpoint(path: Path, seed: int, **sizes: int) -> Path:
    from recipes.extraction.network import fit_conditioning
    from recipes.extraction.training import TrainConfig
    from tse.cue_sources import OneHotCue

    config = fit_conditioning(replace(SMALL, spectral_map=False, **sizes), OneHotCue(("a",)))
    torch.manual_seed(seed)
    state = {f"network.{name}": value for name, value in build_network(config).state_dict().items()}
    settings = {
        "network": describe_network(config),
        "train": asdict(TrainConfig(steps=1)),
        "cue": "one-hot",
    }
    stored = {"hyper_parameters": settings, "state_dict": state, "global_step": 1}
    torch.save(stored, path)
    return path


def test_exported_weights_are_averaged_with_those_before(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    from recipes.extraction.export import export
    from tse.loading import load_extractor

    after, before = checkpoint(tmp_path / "after.ckpt", 0), checkpoint(tmp_path / "before.ckpt", 1)
    card, mean = tmp_path / "before.json", tmp_path / "mean.json"
    export(before, card, speakers=("a",))
    states = [torch.load(path, weights_only=True)["state_dict"] for path in (after, before)]
    for earlier in (before, card):
        export(after, mean, speakers=("a",), before=earlier, share_before=0.25)
        written = json.loads(mean.read_text(encoding="utf-8"))
        name = earlier.name if earlier == before else read_checkpoint(card).fingerprint
        assert (written["before"], written["share_before"]) == (name, 0.25)
        for name, found in load_extractor(mean).network.state_dict().items():
            own, other = (state[f"network.{name}"] for state in states)
            torch.testing.assert_close(found, 0.75 * own + 0.25 * other, atol=2e-3, rtol=0)
    with pytest.raises(ArgumentError, match="do not fit"):
        export(after, mean, before=checkpoint(tmp_path / "other.ckpt", 2, blocks=3))


def test_a_smaller_network_before_is_averaged_as_if_it_had_grown(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    from recipes.extraction.export import export
    from tse.loading import load_extractor

    before = checkpoint(tmp_path / "before.ckpt", 1)
    after = checkpoint(tmp_path / "after.ckpt", 0, blocks=3)
    card = tmp_path / "mean.json"
    export(after, card, speakers=("a",), before=before, share_before=0.25)
    found = load_extractor(card).network.state_dict()
    states = [torch.load(path, weights_only=True)["state_dict"] for path in (after, before)]
    for name, tensor in found.items():
        own, other = (state.get(f"network.{name}") for state in states)
        if other is None:
            last = re.search(r"(expand|project)\.", name)
            other = torch.zeros_like(own) if last else own
        torch.testing.assert_close(tensor, 0.75 * own + 0.25 * other, atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    "larger", [SMALL, replace(SMALL, blocks=4, hidden=40), replace(SMALL, attention_heads=4)]
)
def test_a_larger_network_begins_by_computing_the_same(
    larger: BandSplitConfig, tmp_path: Path
) -> None:
    from tse.cues import Cue
    from tse.loading import write_extractor

    trained = build_network(SMALL).eval()
    training = torch.nn.Module()
    training.network = build_network(larger).eval()
    write_extractor(tmp_path / "small.json", trained, "enrolment")
    load_warm_start(
        training, read_warm_start(tmp_path / "small.json", part="encoder.", name="joint.")
    )
    cue = Cue(enrolment=torch.randn(2, 8000), enrolment_samples=torch.tensor([8000, 5000]))
    mixture = torch.randn(2, 6000)
    trained.load_state_dict({k: v.half().float() for k, v in trained.state_dict().items()})
    expected, found = trained(mixture, cue), training.network(mixture, cue)
    torch.testing.assert_close(found, expected)
    found.square().mean().backward()
    for name, parameter in training.network.named_parameters():
        last = re.search(r"blocks.*(project|attention\.output)\.weight", name)
        if last:  # what is new learns from the first step on
            assert (parameter.grad[:, -1] != 0).any(), name


@pytest.mark.parametrize(
    "other", [replace(SMALL, blocks=1), replace(SMALL, channels=24), replace(SMALL, fusion="add")]
)
def test_a_network_that_does_not_fit_stays_as_it_is(other: BandSplitConfig) -> None:
    training = torch.nn.Module()
    training.network = build_network(other)
    before = {name: tensor.clone() for name, tensor in training.state_dict().items()}
    trained = {f"network.{k}": v for k, v in build_network(SMALL).state_dict().items()}
    with pytest.raises(ArgumentError, match=r"do not fit this training \(network\."):
        load_warm_start(training, trained)
    assert all(torch.equal(before[k], v) for k, v in training.state_dict().items())


def test_a_causal_network_begins_with_what_it_can_use_of_one_that_looks_ahead() -> None:
    """Splices see a signal that stands still as before; LSTMs compute their forward half."""
    trained = build_network(SMALL).eval()
    training = torch.nn.Module()
    training.network = build_network(replace(SMALL, causal=True)).eval()
    load_warm_start(training, {f"network.{k}": v for k, v in trained.state_dict().items()})
    x = torch.randn(1, 1, 3, SMALL.channels).expand(1, 60, 3, SMALL.channels)
    frames = torch.randn(1, 20, SMALL.bottleneck)
    for before, after in zip(trained.blocks, training.network.blocks, strict=True):
        middle = slice(2 * before.convolve.dilation, -before.convolve.dilation)
        expected, found = (block.convolve(x, None)[:, middle] for block in (before, after))
        torch.testing.assert_close(found, expected)
        both = before.path.recurrent(frames)[0]
        forward = after.path.recurrent(frames)[0]
        torch.testing.assert_close(forward, both[..., : forward.shape[-1]])
        torch.testing.assert_close(
            after.path.affine.weight, before.path.affine.weight[:, : forward.shape[-1]]
        )
    assert torch.equal(training.network.decoder.norm.weight, trained.decoder.norm.weight)


@pytest.mark.parametrize("architecture", ["cross-attention", "td-speakerbeam"])
def test_attention_is_refused_where_it_would_do_nothing(architecture: str) -> None:
    pytest.importorskip("lightning")
    from recipes.extraction.network import NetworkSettings, choose_network

    with pytest.raises(ArgumentError, match=f"of band-split extractors, not of {architecture}"):
        choose_network(NetworkSettings(architecture, attention_heads=4))
    chosen = choose_network(NetworkSettings("band-split", attention_heads=4))
    assert isinstance(chosen, BandSplitConfig) and chosen.attention_heads == 4


def test_a_reader_translates_the_vectors_of_another_encoder() -> None:
    """The other encoder turns and mirrors the space, and adds a little of its own."""
    torch.manual_seed(0)
    size = 48
    turn, _ = torch.linalg.qr(torch.randn(size, size))
    before = torch.nn.functional.normalize(torch.randn(2000, size) + 0.3, dim=-1)
    after = before @ turn + 0.005 * torch.randn(2000, size)
    reader = CueReader(ConditioningConfig(vector_size=size, width=5))
    wanted = reader(Cue(vector=before)).vector.detach()
    strange = reader(Cue(vector=after)).vector.detach()
    explained = translate_vectors(reader, before[:1500], after[:1500])
    found = reader(Cue(vector=after)).vector.detach()
    fault, before_it = (found - wanted)[1500:].std(), (strange - wanted)[1500:].std()
    assert explained > 0.9
    assert fault < 0.2 * wanted.std() < wanted.std() < before_it


@pytest.mark.parametrize("shapes", [((9, 6), (8, 6)), ((9, 5), (9, 5)), ((9, 6), (9,))])
def test_vectors_that_do_not_belong_together_are_named(
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
) -> None:
    reader = CueReader(ConditioningConfig(vector_size=6, width=5))
    with pytest.raises(ArgumentError, match=r"before must be \(n, 6\)"):
        translate_vectors(reader, *map(torch.zeros, shapes))


def test_an_exported_extractor_is_translated(tmp_path: Path) -> None:
    """What it reads in turned vectors is what it read before, but for the ridge."""
    torch.manual_seed(0)
    turn, _ = torch.linalg.qr(torch.randn(192, 192))
    before = torch.nn.functional.normalize(torch.randn(3000, 192) + 0.3, dim=-1)
    after = before @ turn
    for name, vectors in (("before", before), ("after", after)):
        np.save(tmp_path / f"{name}.npy", vectors.numpy())
    embedded = asset_folder("tse") / "band-split.json"
    output = tmp_path / "translated.json"
    explained = translate(embedded, [tmp_path / "before.npy"], [tmp_path / "after.npy"], output)
    assert explained > 0.99
    extractors = [tse.load_extractor(path) for path in (embedded, output)]
    assert extractors[1].space == diarspk.load_encoder().fingerprint
    wanted, found = (
        extractor.network.reader(Cue(vector=vectors)).vector
        for extractor, vectors in zip(extractors, (before, after), strict=True)
    )
    assert (found - wanted).std() < 0.1 * wanted.std()
    notes = [read_checkpoint(path).card for path in (embedded, output)]
    assert notes[1]["training"] == notes[0]["training"]
    assert notes[1]["translated"]["from"] == notes[0]["encoder"]["fingerprint"]
