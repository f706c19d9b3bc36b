"""The recipe for any architecture, end to end on synthetic speakers."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from diarspk import load_encoder
from diarspk.encoders.architectures.pooling import POOLINGS
from diarspk.encoders.stored import write_encoder
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ArgumentError, ModelError
from diarspk.features.log_mel import FeatureConfig
from diarspk.segmentation.loading import has_segmentation_head
from tests.diarspk.encoders.local.test_encoder import noise
from tests.paths import ROOT

pytest.importorskip("lightning")
pytestmark = pytest.mark.filterwarnings("ignore")

from recipes.embedded.data.degradation import SPEED  # noqa: E402
from recipes.zoo import table  # noqa: E402
from recipes.zoo.final_weights import FINAL, average_checkpoints  # noqa: E402
from recipes.zoo.network import input_features  # noqa: E402
from recipes.zoo.settings import DataSettings, Phase, Settings, read_settings, write_settings  # noqa: E402
from recipes.zoo.sources import NumberedBatches, open_source  # noqa: E402
from recipes.zoo.speaker_training import SpeakerTraining  # noqa: E402
from recipes.zoo.stages import SETTINGS, STAGES, last_trained, run_stages  # noqa: E402
from recipes.zoo.training import fit  # noqa: E402

PHASE = Phase(
    steps=6, frames_per_crop=60, crops=4, warmup_steps=2, keep=2, keep_every=2, margin_to=0.8
)


def write_pool(folder, speakers, variants):
    """Three utterances a speaker, of noise with a spectrum of their own."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    blocks, start = [], 0
    with (folder / "index.csv").open("w", newline="") as stream:
        rows = csv.DictWriter(stream, ["utterance", "variant", "start", "frames"])
        rows.writeheader()
        for speaker in speakers:
            spectrum = generator.normal(0, 2, 80)
            for number in range(3):
                for variant in variants:
                    block = generator.normal(0, 0.3, (int(generator.integers(70, 120)), 80))
                    blocks.append((block * (1 + spectrum**2)).astype(np.float16))
                    row = {"utterance": f"{speaker}-{number}", "variant": variant}
                    rows.writerow({**row, "start": start, "frames": len(block)})
                    start += len(block)
    np.save(folder / "features.npy", np.concatenate(blocks))


def write_table(path, speakers):
    lines = [f"{name}-{number}\t{name}" for name in speakers for number in range(3)]
    path.write_text("\n".join(["utterance\tspeaker", *lines]) + "\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    train, dev = [f"t{n}" for n in range(6)], [f"d{n}" for n in range(8)]
    write_pool(folder / "train", train, ("recorded", "room", *SPEED))
    write_pool(folder / "dev", dev, ("recorded",))
    write_pool(folder / "noise", ["n"], ("noise",))
    write_table(folder / "train.tsv", train)
    write_table(folder / "dev.tsv", dev)
    return DataSettings(
        "packed",
        str(folder),
        speakers=str(folder / "train.tsv"),
        test_speakers=str(folder / "dev.tsv"),
    )


@pytest.fixture
def settings(data):
    large = replace(PHASE, frames_per_crop=90, crops=2, altered_speed=0.0, margin=0.4, steps=2)
    return Settings("x-vector", data, PHASE, large, dimension=8, workers=0)


def final_weights(folder):
    return torch.load(folder / FINAL, weights_only=True)["state_dict"]


def test_settings_survive_the_disk(settings, tmp_path):
    write_settings(settings, tmp_path / "settings.json")
    assert read_settings(tmp_path / "settings.json") == settings
    with pytest.raises(ArgumentError, match="`phase` must be one of train, large-margin"):
        settings.phase("middle")


@pytest.mark.parametrize("loss", ["aam", "subcentre", "softmax", "ge2e"])
def test_every_loss_learns(settings, loss):
    settings = replace(settings, loss=loss, dimension=16)
    phase = replace(settings.train, steps=100)
    source = open_source(settings, phase, FeatureConfig())
    training = SpeakerTraining(settings, phase, source.classes)
    if loss == "subcentre":  # five nearest others need six speakers
        assert source.classes == 6 * (1 + len(SPEED))
    batch = source.batch(np.random.default_rng(0))
    assert batch["features"].shape == (4, 60, 80)
    if loss == "ge2e":
        assert torch.unique(batch["label"], return_counts=True)[1].tolist() == [2, 2]
    optimizer = torch.optim.AdamW(training.parameters(), 1e-3)
    losses = []
    # Features of chance are to be learned by heart: those of the speakers are told apart at once.
    features = torch.randn(4, 60, 80, generator=torch.Generator().manual_seed(0))
    for _ in range(6):
        optimizer.zero_grad()
        value = training.criterion(training.network(features), batch["label"])
        value.backward()
        optimizer.step()
        losses.append(float(value))
    assert losses[-1] < losses[0]


def test_batches_are_shared_out(settings):
    source = open_source(settings, settings.train, FeatureConfig())

    def drawn(first, rank, world, count):
        data = NumberedBatches(source, 0, first=first, rank=rank, world=world)
        return [batch["features"] for batch, _ in zip(data, range(count), strict=False)]

    alone = drawn(0, 0, 1, 4)
    for rank in (0, 1):
        own = drawn(0, rank, 2, 2)
        assert all(torch.equal(*pair) for pair in zip(own, alone[rank::2], strict=True))
    assert torch.equal(drawn(1, 1, 2, 1)[0], alone[3])
    assert not torch.equal(alone[0], alone[1])


def test_interrupting_changes_nothing(settings, tmp_path):
    fit(settings, "train", tmp_path / "whole", accelerator="cpu")
    for stop in (3, None):
        fit(settings, "train", tmp_path / "parts", accelerator="cpu", stop_at=stop)
        assert (tmp_path / "parts" / FINAL).is_file() == (stop is None)
    whole, parts = final_weights(tmp_path / "whole"), final_weights(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_checkpoints_are_averaged(tmp_path):
    for number in (1.0, 3.0):
        state = {"weight": torch.tensor([number]), "count": torch.tensor(int(number))}
        torch.save({"state_dict": state}, tmp_path / f"{number}.ckpt")
    average_checkpoints([tmp_path / "1.0.ckpt", tmp_path / "3.0.ckpt"], tmp_path / "mean.ckpt")
    mean = torch.load(tmp_path / "mean.ckpt", weights_only=True)["state_dict"]
    assert (mean["weight"].item(), mean["count"].item()) == (2.0, 3)


def test_stages_lead_to_a_report(settings, tmp_path, capsys, monkeypatch):
    settings = replace(settings, train=replace(PHASE, steps=30))
    run = tmp_path / "run"
    run.mkdir()
    write_settings(settings, run / SETTINGS)

    def train_here(run, phase, accelerator, devices, nodes):
        start = last_trained(run, phase)
        fit(read_settings(run / SETTINGS), phase, run / phase, start=start, accelerator="cpu")

    monkeypatch.setattr("recipes.zoo.stages._train", train_here)
    run_stages(run, "train", "report", accelerator="cpu", devices=1)
    report = json.loads((run / "report.json").read_text())
    assert report["cosine"]["trials"] == 24 * 23 // 2
    assert report["cosine"]["targets"] == 8 * 3
    assert 0 <= report["normalized"]["equal_error_rate"]["value"] <= 1
    assert report["normalized"]["cllr"] is not None
    encoder = load_encoder(run / "model.json")
    assert encoder.dimension == 8
    assert not has_segmentation_head(run / "model.json")
    averaged = final_weights(run / "large-margin")
    for name, tensor in encoder.network.state_dict().items():
        torch.testing.assert_close(tensor, averaged[f"network.{name}"])
    table.main([str(run)])
    assert "x-vector" in capsys.readouterr().out


def test_stages_that_cannot_be_run(settings, tmp_path):
    write_settings(settings, tmp_path / SETTINGS)
    with pytest.raises(ArgumentError, match="`stage` must be one of train"):
        run_stages(tmp_path, "train", "end", accelerator="cpu", devices=1)
    with pytest.raises(ArgumentError, match="`to` must not come before"):
        run_stages(tmp_path, "report", "train", accelerator="cpu", devices=1)
    with pytest.raises(ArgumentError, match="`run` must have been trained"):
        STAGES["average"](settings, tmp_path)


@pytest.mark.parametrize("architecture", ["rawnet3", "redimnet-b1"])
def test_other_features_are_not_packed(settings, architecture):
    other = replace(settings, architecture=architecture)
    with pytest.raises(ArgumentError, match="`architecture` must read the packed features"):
        open_source(other, other.train, input_features(other))


def test_workers_take_turns(settings, monkeypatch):
    source = open_source(settings, settings.train, FeatureConfig())
    whole = [
        batch["label"]
        for batch, _ in zip(
            NumberedBatches(source, 0, first=2, rank=0, world=1), range(4), strict=False
        )
    ]
    for worker in (0, 1):
        loader = SimpleNamespace(id=worker, num_workers=2)
        monkeypatch.setattr("recipes.zoo.sources.get_worker_info", lambda loader=loader: loader)
        data = NumberedBatches(source, 0, first=2, rank=0, world=1)
        own = [batch["label"] for batch, _ in zip(data, range(2), strict=False)]
        assert all(torch.equal(*pair) for pair in zip(own, whole[worker::2], strict=True))


@pytest.mark.slow
def test_two_processes_train_one_network(settings, tmp_path):
    write_settings(settings, tmp_path / SETTINGS)
    command = [sys.executable, "-m", "recipes.zoo.train", str(tmp_path), "train"]
    options = ["--accelerator", "cpu", "--devices", "2"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    trained = final_weights(tmp_path / "train")
    assert all(tensor.isfinite().all() for tensor in trained.values())
    last = torch.load(tmp_path / "train" / "last.ckpt", weights_only=True)
    assert last["global_step"] == settings.train.steps


def test_a_stored_encoder_is_what_was_written(tmp_path):
    from diarspk.encoders import build_architecture

    network = build_architecture("x-vector", dimension=6, pooling="mean", mels=40, seed=1).eval()
    features, path = FeatureConfig(mels=40, window="povey"), tmp_path / "mine.json"
    about = {"licence": "CC0-1.0", "recipe": "none"}
    write_encoder(path, network, "x-vector", pooling="mean", features=features, about=about)
    encoder = load_encoder(path)
    assert isinstance(encoder, WindowedEncoder)
    assert encoder.front_end.config == features
    assert isinstance(encoder.network.pool, POOLINGS["mean"])
    with torch.inference_mode():
        features = encoder.front_end(torch.from_numpy(noise(1.0)))[None]
        expected = torch.nn.functional.normalize(network(features), dim=-1)[0].numpy()
    np.testing.assert_allclose(encoder.embed(noise(1.0), 16000), expected, atol=1e-6)
    card = json.loads(path.read_text())
    path.write_text(json.dumps({**card, "dimension": 7}))
    with pytest.raises(ModelError, match="the card does not fit the tensors"):
        load_encoder(path)
