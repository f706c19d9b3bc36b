"""Encoders on self-supervised front ends: frozen, tuned, cached, validated, reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from diarspk import load_encoder
from diarspk.encoders.s3prl.encoder import UpstreamArchitecture
from diarspk.errors import ArgumentError
from tests.diarspk.encoders.upstreams.small import (
    skip_without_s3prl,
    write_local,
    write_transformers,
)
from tests.paths import ROOT
from tests.recipes.synthetic_voices import harmonic_voice
from tests.recipes.zoo.test_run import PHASE

pytest.importorskip("lightning")
pytest.importorskip("lhotse")
skip_without_s3prl("transformers")

pytestmark = pytest.mark.filterwarnings("ignore")

from recipes.voxceleb import run  # noqa: E402
from recipes.zoo import table  # noqa: E402
from recipes.zoo.cut_crops import open_cuts  # noqa: E402
from recipes.zoo.dry_run import limit_settings, limit_trials  # noqa: E402
from recipes.zoo.embeddings import embed_whole, read_embeddings  # noqa: E402
from recipes.zoo.final_weights import BEST, FINAL, VALIDATION  # noqa: E402
from recipes.zoo.held_out import choose_speakers, pair_error_rate  # noqa: E402
from recipes.zoo.network import build_network, tune_front_end  # noqa: E402
from recipes.zoo.optimizer import parameter_groups  # noqa: E402
from recipes.zoo.quality import quality_measures  # noqa: E402
from recipes.zoo.settings import (  # noqa: E402
    DataSettings,
    FrontEndSettings,
    Settings,
    Validation,
    read_settings,
    write_settings,
)
from recipes.zoo.sources import open_held_out, open_source  # noqa: E402
from recipes.zoo.stages import SETTINGS, last_trained  # noqa: E402
from recipes.zoo.training import fit  # noqa: E402
from tests.recipes.voxceleb.test_run import write_manifest  # noqa: E402

RATE = 16000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Eight training voices and four others, three recordings each, and a list of trials."""
    folder = tmp_path_factory.mktemp("voices")
    generator = np.random.default_rng(0)

    def recordings(numbers):
        return [
            (f"id{number}-video-{take}", f"id{number}", voice)
            for number in numbers
            for take in range(3)
            for voice in [harmonic_voice(90.0 * 1.1**number, 12000 + 2000 * take, generator)]
        ]

    test = recordings(range(8, 12))
    names = [name.replace("-", "/") + ".wav" for name, _, _ in test]
    pairs = [
        f"{int(a.split('/')[0] == b.split('/')[0])} {a} {b}"
        for place, a in enumerate(names)
        for b in names[place + 1 :]
    ]
    (folder / "trials.txt").write_text("\n".join(pairs) + "\n")
    return DataSettings(
        "lhotse",
        write_manifest(folder / "train.jsonl.gz", recordings(range(8))),
        test=write_manifest(folder / "test.jsonl.gz", test),
        trials=str(folder / "trials.txt"),
    )


@pytest.fixture(scope="module")
def wavlm(tmp_path_factory):
    return write_local(tmp_path_factory.mktemp("front_end") / "wavlm.pt", "wavlm_local")


@pytest.fixture
def settings(corpus, wavlm):
    phase = replace(PHASE, steps=4, views=2)
    tuned = replace(PHASE, steps=2, front_end_rate=0.5, layer_decay=0.5)
    return Settings(
        "x-vector",
        corpus,
        phase,
        replace(tuned, crops=2),
        tune=tuned,
        dimension=8,
        workers=0,
        front_end=FrontEndSettings(wavlm),
        validation=Validation(2, every=2),
    )


def upstream_weights(path):
    state = torch.load(path, weights_only=True)["state_dict"]
    prefix = "network.upstream.network."
    return {name: tensor for name, tensor in state.items() if name.startswith(prefix)}


def test_settings_with_a_front_end_survive_the_disk(settings, tmp_path):
    write_settings(settings, tmp_path / SETTINGS)
    assert read_settings(tmp_path / SETTINGS) == settings
    assert list(settings.phases) == ["train", "tune", "large-margin"]
    assert list(replace(settings, tune=None).phases) == ["train", "large-margin"]


def test_the_front_end_is_frozen_then_tuned(settings, tmp_path):
    """With a checkpoint that validates best, and a cache that finds frames again."""
    front_end = replace(settings.front_end, cache=str(tmp_path / "cache"))
    settings = replace(settings, front_end=front_end, precision="bf16-mixed")
    original = build_network(settings).upstream.network.state_dict()
    for name in settings.phases:
        start = last_trained(tmp_path, name)
        fit(settings, name, tmp_path / name, start=start, accelerator="cpu")
        assert (tmp_path / name / BEST).is_file()
        found = json.loads((tmp_path / name / VALIDATION).read_text())
        assert found["speakers"] == 2 and found["crops"] == 6
        assert 0 <= min(found["best"], found["mean_of_last"]) <= 1
    frozen, tuned = (upstream_weights(tmp_path / name / FINAL) for name in ("train", "tune"))
    for name, tensor in frozen.items():
        assert torch.equal(tensor, original[name.removeprefix("network.upstream.network.")])
    changed = {name for name, tensor in tuned.items() if not torch.equal(tensor, frozen[name])}
    assert any("layers.1." in name for name in changed)
    assert not any("feature_extractor" in name for name in changed)
    # 6 held-out crops, and at most 2 views of 3 utterances of 6 speakers at 3 speeds
    assert 6 < len(list((tmp_path / "cache").glob("*/*.npy"))) <= 6 + 2 * 3 * 6 * 3


def test_every_layer_has_its_rate(settings):
    network = build_network(settings)
    phase = settings.phases["tune"]
    tune_front_end(network, phase)
    groups = parameter_groups(network, phase)
    rates = [group.get("lr", phase.learning_rate) for group in groups]
    assert rates == pytest.approx([1e-3, 5e-4, 2.5e-4, 1.25e-4])
    trained = [one for one in network.parameters() if one.requires_grad]
    assert sum(len(group["params"]) for group in groups) == len(trained)
    top = {id(one) for one in groups[1]["params"]}
    layers = network.upstream.network.upstream.model.encoder.layers
    assert {id(one) for one in layers[1].parameters()} <= top
    assert id(network.upstream.weights) in {id(one) for one in groups[0]["params"]}
    tune_front_end(network, settings.train)
    (only,) = parameter_groups(network, settings.train)
    assert id(layers[1].fc1.weight) not in {id(one) for one in only["params"]}


def test_a_view_is_drawn_again(settings):
    generator = np.random.default_rng(0)
    source = open_cuts(settings, settings.train, None)
    seen = {
        waveform.numpy().tobytes()
        for _ in range(40)
        for waveform in source.batch(generator)["features"]
    }
    assert len(seen) <= 2 * 3 * 6 * 3
    endless = open_cuts(settings, replace(settings.train, views=0), None)
    seen = {
        waveform.numpy().tobytes()
        for _ in range(40)
        for waveform in endless.batch(generator)["features"]
    }
    assert len(seen) > 130


def test_held_out_speakers_are_not_trained_on(settings):
    source, held_out = open_source(settings, settings.train, None), open_held_out(settings, None)
    assert set(source.names) & set(held_out.speakers) == set()
    assert len(source.names) == 6 and len(held_out.crops) == 6
    assert held_out.crops.shape == (6, 4 * RATE) and len(held_out) == 1
    assert choose_speakers({"a": 1, "b": 2, "c": 3, "d": 2}, Validation(2)) == {"b", "d"}
    with pytest.raises(ArgumentError, match="`held_out` must be 0, or 2 to 3"):
        choose_speakers({"a": 1, "b": 2, "c": 3, "d": 2}, Validation(4))


def test_error_of_all_pairs_by_hand():
    """Same speaker: 1 and -1; others: 0 and 0, 0 and 0: half of each kind is wrong."""
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert pair_error_rate(vectors, ["a", "a", "b", "b"]) == pytest.approx(0.5)
    apart = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert pair_error_rate(apart, ["a", "a", "b", "b"]) == 0.0


def test_from_lists_to_a_report(corpus, wavlm, tmp_path, capsys, monkeypatch):
    def train_here(folder, phase, accelerator, devices, nodes):
        settings, start = read_settings(folder / SETTINGS), last_trained(folder, phase)
        fit(settings, phase, folder / phase, start=start, accelerator=accelerator)

    monkeypatch.setattr("recipes.zoo.stages._train", train_here)
    folder = tmp_path / "run"
    lists = ["--train", corpus.train, "--test", corpus.test, "--trials", corpus.trials]
    options = ["--architecture", "x-vector", "--dimension", "8", "--front-end", wavlm]
    options += ["--held-out", "2", "--workers", "0"]
    words = [str(folder), *lists, *options, "--accelerator", "cpu", "--limit", "2"]
    assert run.main(words) == 0
    said = capsys.readouterr()
    assert "lists: 24 utterances of 8 speakers to train on, 12 of 4 to test, 66 trials" in said.out
    assert "dry run: 2 steps of each phase, 6 crops" in said.err
    report = json.loads((folder / "report.json").read_text())
    assert report["dry_run"] and report["calibrated_on"] == "held-out speakers"
    assert report["cosine"]["trials"] == 66
    assert {"normalized", "quality"} <= report.keys()  # without Cllr, where scores tell nothing
    encoder = load_encoder(folder / "model.json")
    assert isinstance(encoder.network, UpstreamArchitecture)
    assert encoder.fingerprint == report["fingerprint"]
    found = read_embeddings(folder)
    assert len(found.names) == 12 and found.cohort.shape == (6, 8)
    # the same command goes on, other options are another run
    assert run.main([*words, "--from", "report"]) == 0
    assert run.main([*words, "--from", "report", "--seed", "1"]) == 1
    assert "other settings (seed)" in capsys.readouterr().err
    table.main([str(folder)])
    assert "x-vector on wavlm_local" in capsys.readouterr().out


def test_an_encoder_to_begin_with(settings, tmp_path, capsys):
    """ESPnet's layout, or a run of before, is trained further with the front end that it has."""
    from diarspk.encoders.stored import write_encoder

    network = build_network(settings)
    path = tmp_path / "first.json"
    write_encoder(path, network, "x-vector", pooling=None, features=None, about={})
    further = replace(settings, front_end=None, weights=str(path), tune=None)
    fit(further, "large-margin", tmp_path / "run", accelerator="cpu", stop_at=1)
    state = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["state_dict"]
    own = {name.removeprefix("network."): one for name, one in state.items()}
    assert set(network.state_dict()) <= set(own)
    conv = "upstream.network.upstream.model.feature_extractor.conv_layers.0.0.weight"
    assert torch.equal(own[conv], network.state_dict()[conv])
    other = replace(further, dimension=9)
    with pytest.raises(ArgumentError, match=r"`weights` must be those of x-vector \(dimension 9"):
        build_network(other)


def test_magnitudes_are_those_before_unit_vectors(settings):
    from diarspk.encoders import build_encoder

    encoder = build_encoder("x-vector", dimension=6)
    audio = harmonic_voice(120.0, RATE, np.random.default_rng(0)).astype(np.float32)
    vector, magnitude = embed_whole(encoder, audio)
    np.testing.assert_allclose(vector, encoder.embed(audio, RATE), atol=1e-6)
    with torch.inference_mode():
        raw = encoder.network(encoder.front_end(torch.from_numpy(audio))[None])[0]
    assert magnitude == pytest.approx(float(raw.norm()), rel=1e-5)


def test_quality_does_not_depend_on_the_order_of_a_trial(settings):
    from recipes.zoo.embeddings import Embeddings

    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(4, 3)).astype(np.float32)
    measured = generator.uniform(1, 9, (2, 4))
    found = Embeddings(list("abcd"), list("aabb"), vectors, vectors, *measured)
    pairs, means = np.array([[0, 1], [2, 3]]), generator.normal(size=(2, 2))
    there = quality_measures(found, pairs, means)
    back = quality_measures(found, pairs[:, ::-1], means[:, ::-1])
    assert list(there) == list(back) and len(there) == 6
    for name, values in there.items():
        np.testing.assert_array_equal(values, back[name])
    assert there["lower_log_seconds"] == pytest.approx(
        np.log(found.seconds).reshape(2, 2).min(axis=1)
    )


def test_a_dry_run_is_short(settings):
    large = replace(settings.train, steps=10**6, crops=10**4, keep_every=10**4)
    settings = replace(settings, train=large, large_margin=large)
    short = limit_settings(settings, 6, speakers=8, accelerator="cpu")
    assert (short.train.steps, short.train.crops, short.large_margin.keep_every) == (6, 6, 3)
    assert short.tune.steps == 2 and short.limit == 6
    from diarspk.verification.trials import Trial

    trials = [Trial("a", str(n), n % 3 == 0) for n in range(900)]
    few = limit_trials(trials, 6)
    assert sum(one.target for one in few) == 100 and len(few) == 200
    assert limit_trials(trials, None) == trials


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--tune-steps", "5"], "need --front-end"),
        (["--front-end", "wavlm_local"], "must be the checkpoint of wavlm_local"),
        (["--front-end", "hf:microsoft/wavlm-large"], "must be named hf:OWNER/NAME@COMMIT"),
        (["--front-end", "s3prl:fbank", "--layer-decay", "2"], "--layer-decay above 0"),
        (["--front-end", "s3prl:fbank", "--weights", "a.json"], "leave --front-end out"),
        (["--front-end", "s3prl:fbank", "--architecture", "rawnet3"], "reads the waveform"),
    ],
)
def test_options_that_do_not_fit(corpus, tmp_path, capsys, words, fault):
    lists = ["--train", corpus.train, "--test", corpus.test, "--crops", "4"]
    try:
        assert run.main([str(tmp_path / "run"), *lists, *words]) == 1
    except SystemExit as stop:  # what the options alone tell
        assert stop.code == 2
    assert fault in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_two_machines_train_one_network(corpus, tmp_path):
    """Two processes of one device each, as on two machines, found by address and number."""
    front_end = write_transformers(tmp_path / "network")
    command = [sys.executable, "-m", "recipes.voxceleb.run", str(tmp_path / "run")]
    command += ["--train", corpus.train, "--test", corpus.test, "--nodes", "2", "--limit", "2"]
    command += ["--architecture", "x-vector", "--dimension", "8", "--front-end", front_end]
    command += ["--held-out", "2", "--workers", "0", "--accelerator", "cpu"]
    common = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29531"}
    started = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**common, "NODE_RANK": str(number)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(2)
    ]
    said = [process.communicate(timeout=300)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert "the first process goes on alone" in said[1]
    assert (tmp_path / "run" / "report.json").is_file()


def test_scores_that_tell_nothing_end_in_a_report(settings, tmp_path, capsys):
    """A calibration of negative slope cannot be fitted; the error rate is told all the same."""
    from diarspk.encoders import build_encoder
    from diarspk.encoders.stored import write_encoder
    from diarspk.features.log_mel import FeatureConfig
    from recipes.zoo import evaluation
    from recipes.zoo.embeddings import Embeddings, write_embeddings

    encoder = build_encoder("x-vector", dimension=6)
    write_encoder(
        tmp_path / "model.json",
        encoder.network,
        "x-vector",
        pooling=None,
        features=FeatureConfig(),
        about={},
    )
    alike = np.eye(4, 6, dtype=np.float32)[[0, 1, 0, 1]]  # of other speakers, never of one
    write_embeddings(
        Embeddings(list("abcd"), list("xxyy"), alike, np.eye(6)[2:], np.ones(4), np.ones(4)),
        tmp_path,
    )
    plain = replace(settings, validation=Validation(), data=replace(settings.data, trials=""))
    for stage in ("score", "normalize", "calibrate", "measure_quality", "report"):
        getattr(evaluation, stage)(plain, tmp_path)
    assert "warning: no calibration" in capsys.readouterr().err
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["normalized"]["cllr"] is None and report["quality"] is None
    assert report["cosine"]["equal_error_rate"]["value"] > 0.4
    table.main([str(tmp_path)])
    assert "x-vector" in capsys.readouterr().out


def test_espnet_layout_is_trained_further(settings, tmp_path, monkeypatch):
    """WavLM with ECAPA-TDNN as ESPnet stores it, at a size of the test's own."""
    from diarspk.encoders.architectures import registry
    from diarspk.encoders.architectures.ecapa import ESPNET_ECAPA, EcapaTdnn
    from recipes.zoo.stages import average
    from tests.diarspk.encoders.pretrained import test_espnet_upstream as espnet

    config = replace(ESPNET_ECAPA, channels=16, aggregated=12, bottleneck=4, dimension=5)
    small = registry.ArchitectureEntry("ecapa-small", EcapaTdnn, config, None, "")
    small = replace(small, features=registry.MELS80)
    known = {**registry.ARCHITECTURES, small.name: small}
    monkeypatch.setattr(registry, "ARCHITECTURES", known)
    write_local(tmp_path / "wavlm.pt", "wavlm_local")
    folder = tmp_path / "espnet"
    folder.mkdir()
    espnet.write(folder, espnet.EspnetModel(tmp_path / "wavlm.pt"))
    (tmp_path / "wavlm.pt").unlink()
    further = replace(
        settings,
        architecture="ecapa-small",
        weights=str(folder),
        front_end=None,
        dimension=None,
        validation=Validation(),
    )
    fit(further, "large-margin", tmp_path / "large-margin", accelerator="cpu")
    average(further, tmp_path)
    before, after = load_encoder(folder), load_encoder(tmp_path / "model.json")
    assert after.network.upstream.config.centred and after.dimension == 5
    audio = harmonic_voice(120.0, RATE, np.random.default_rng(0)).astype(np.float32)
    assert np.abs(before.embed(audio, RATE) - after.embed(audio, RATE)).max() > 1e-5


def test_costs_are_measured_once(tmp_path, monkeypatch, capsys):
    from eval.speed.front_ends import PairCost
    from recipes.zoo import costs

    asked = []

    def measure(front_end, encoder, seconds, folder):
        asked.append((front_end, encoder))
        upstream = 90_000_000 if front_end == "wavlm-base" else 0
        parts = (5_000_000 + upstream, upstream, 3e8, 0.01 * len(asked), 100.0)
        return PairCost(front_end, encoder, *parts, frames=(9, 9), embedding=(8,))

    monkeypatch.setattr(costs, "measure_apart", measure)
    words = [str(tmp_path), "--front-ends", "log-mel", "wavlm-base", "--encoders", "x-vector"]
    for _ in range(2):
        assert costs.main(words) == 0
    assert asked == [("log-mel", "x-vector"), ("wavlm-base", "x-vector")]
    rows = (tmp_path / "costs.md").read_text().splitlines()
    cells = [cell.strip() for cell in rows[3].strip("|").split("|")]
    assert cells[:3] == ["wavlm-base", "x-vector", "random"]
    assert cells[3:7] == ["95.00 M", "5.00 M", "0.30 G", "2.00"]
