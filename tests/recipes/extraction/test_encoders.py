"""Any encoder for a cue: packed, trained with, exported, loaded by a user, and used."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from typer.testing import CliRunner

import tse
from diarspk import load_encoder
from diarspk.cli import app
from diarspk.encoders import FusedEncoder, build_encoder
from diarspk.encoders.stored import write_encoder
from diarspk.errors import ArgumentError, ModelError
from tests.diarspk.encoders.upstreams.small import (
    skip_without_s3prl,
    write_local,
    write_transformers,
)
from tests.recipes.commands import call
from tests.recipes.test_training_commands import write_extraction_data, write_speech
from tests.tiny_model import tone, write_tiny_model
from tse.loading import write_extractor
from tse.models import BandSplitConfig, build_network
from tse.models.conditioning import ConditioningConfig

pytest.importorskip("lightning", reason="training needs lightning")
skip_without_s3prl("transformers")

from eval.extraction import encoder_study as measuring  # noqa: E402
from recipes.extraction import encoder_study, export, train, translate, vectors  # noqa: E402
from recipes.extraction.cue_vectors import make_cue_vectors  # noqa: E402
from recipes.extraction.encoders import load_encoders  # noqa: E402
from recipes.extraction.prepare import write_pieces  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

RATE = 16000
SMALL = ("--blocks", 1, "--hidden", 8, "--batch-size", 2, "--seconds", 0.5, "--workers", 0)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Encoders of every kind by a short name, as the command line names them."""
    folder = tmp_path_factory.mktemp("encoders")
    xvector = build_encoder("x-vector", dimension=8)
    about = {"licence": "CC0-1.0", "recipe": "none"}
    features = xvector.front_end.config
    write_encoder(
        folder / "mine.json",
        xvector.network,
        "x-vector",
        pooling=None,
        features=features,
        about=about,
    )
    return {
        "card": str(write_tiny_model(folder)),
        "x-vector": str(folder / "mine.json"),
        "wavlm": "s3prl:" + write_local(folder / "front.pt", "wavlm_local"),
        "transformers": write_transformers(folder / "wavlm"),
        "features": "s3prl:fbank",
    }


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    write_extraction_data(folder)
    return folder


def train_and_export(packed, output, names, *options):
    encoders = ("--encoder", *names) if names else ()
    data = ("--packed", packed, "--output", output, "--steps", 2, "--validate-every", 2)
    call(train, *data, *SMALL, *encoders, *options)
    call(export, "--checkpoint", output / "final.ckpt", "--output", output / "mine.json")
    return output / "mine.json"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(train, "VALIDATION_BATCHES", 1)


KINDS = [
    (("card",), ()),
    (("card", "transformers", "features"), ()),
    (("x-vector", "card"), ("--joint-encoder",)),
    (("wavlm",), ("--joint-encoder",)),
    (("features", "card"), ("--cue", "multi-level")),
]


@pytest.mark.parametrize(("kinds", "options"), KINDS, ids=["-".join(k) for k, _ in KINDS])
@pytest.mark.usefixtures("quick")
def test_a_trained_extractor_reads_what_it_was_trained_with(
    kinds, options, names, packed, tmp_path
):
    """The vector of an enrolment is that of the training, whatever of the encoders has learned."""
    chosen = [names[kind] for kind in kinds]
    joint = "--joint-encoder" in options
    if not joint:
        call(vectors, "--packed", packed, "--encoder", *chosen, "--workers", 0)
    card = train_and_export(packed, tmp_path, chosen, *options)
    extractor = tse.load_extractor(card)
    encoders = load_encoders("utterance", chosen, tuned=joint)
    described = json.loads(card.read_text())["encoder"]
    entries = described if isinstance(described, list) else [described]
    fingerprints = [one["fingerprint"] for one in encoders.describe()]
    assert [one["fingerprint"] for one in entries] == fingerprints
    assert extractor.space == extractor.encoder.fingerprint

    waveform = np.load(packed / "train" / "waveforms.npy")[:RATE]
    found = extractor.cue(waveform, RATE)
    assert found.vector.shape == (1, sum(one.dimension for one in encoders.loaded))
    state = torch.load(tmp_path / "final.ckpt", weights_only=True)["state_dict"]
    learned = {name.removeprefix("joint."): v for name, v in state.items() if "joint." in name}
    reading = make_cue_vectors("utterance", encoders.loaded, tuned=joint)
    voices = encoders.read_voices(packed / "train")
    if "multi-level" in options or reading is None:
        assert not learned  # nothing of them was trained
    else:
        reading.load_state_dict(learned)
        untrained = load_encoders("utterance", chosen).loaded
        before = make_cue_vectors("utterance", untrained, tuned=joint).state_dict()
        assert any(not torch.equal(tensor, learned[name]) for name, tensor in before.items())
        batch = {
            "vector": torch.from_numpy(voices.vectors[[0]]),
            "enrolment": torch.from_numpy(waveform.astype(np.float32) / 32768)[None],
            "enrolment_samples": torch.tensor([RATE]),
        }
        with torch.inference_mode():
            np.testing.assert_allclose(found.vector, reading(batch), atol=3e-3)
    voice = extractor(tone("ann"), found)
    assert voice.shape == (3 * RATE,) and np.isfinite(voice).all()


@pytest.mark.usefixtures("quick")
def test_a_user_runs_it_from_any_folder_and_is_told_what_is_missing(
    names, packed, tmp_path, monkeypatch
):
    (tmp_path / "encoders").mkdir()
    mine = write_tiny_model(tmp_path / "encoders")
    (tmp_path / "run").mkdir()
    call(vectors, "--packed", packed, "--encoder", mine, "--workers", 0)
    card = train_and_export(packed, tmp_path / "run", [mine])
    assert json.loads(card.read_text())["encoder"]["name"] == "../encoders/tiny.json"
    monkeypatch.chdir(packed)
    for name, seed in (("mixture.wav", 0), ("enrolment.wav", 1)):
        soundfile.write(tmp_path / name, tone("ann", seed=seed) + tone("ben", seed=seed), RATE)
    words = ["extract", str(tmp_path / "mixture.wav"), "--enroll", str(tmp_path / "enrolment.wav")]
    words += ["-o", str(tmp_path / "voice.wav"), "--quiet", "--extractor"]

    def run(extractor):
        return CliRunner().invoke(app, [*words, str(extractor)])

    assert run(card).exit_code == 0
    assert soundfile.info(tmp_path / "voice.wav").frames == 3 * RATE

    moved = tmp_path / "moved"
    moved.mkdir()
    for part in (card, card.with_suffix(".safetensors")):
        shutil.move(part, moved)
    shutil.rmtree(tmp_path / "encoders")
    failed = run(moved / "mine.json")
    assert failed.exit_code == 1
    message = failed.stderr.strip()
    assert len(message.splitlines()) == 1
    assert "needs the speaker encoder ../encoders/tiny.json" in message
    assert "put a file that was moved beside the card" in message

    write_tiny_model(moved, seed=1)
    failed = run(moved / "mine.json")
    assert failed.exit_code == 1
    assert "was trained with the speaker encoder ../encoders/tiny.json" in failed.stderr
    assert "train the extractor anew" in failed.stderr

    again = write_tiny_model(moved)  # beside the card
    assert run(moved / "mine.json").exit_code == 0
    (tmp_path / "elsewhere").mkdir()
    elsewhere = write_tiny_model(tmp_path / "elsewhere")
    again.unlink()
    for given in (elsewhere, str(elsewhere), load_encoder(elsewhere)):
        found = tse.load_extractor(moved / "mine.json", encoders=[given])
        assert found.space == load_encoder(elsewhere).fingerprint
    with pytest.raises(ArgumentError, match=r"as many .* \(../encoders/tiny.json\), got 2"):
        tse.load_extractor(moved / "mine.json", encoders=[elsewhere, elsewhere])
    with pytest.raises(ModelError, match="restore that encoder"):
        tse.load_extractor(moved / "mine.json", encoders=[load_encoder()])


def test_vectors_are_packed_once_and_asked_for_by_what_they_are_of(names, packed, tmp_path):
    voices = tmp_path / "packed"
    shutil.copytree(packed, voices, ignore=shutil.ignore_patterns("vectors-*"))
    encoders = load_encoders("utterance", [names["x-vector"]])
    with pytest.raises(ArgumentError, match=r"must have vectors of .*mine.json.*--encoder "):
        encoders.read_voices(voices / "dev")
    call(vectors, "--packed", voices, "--encoder", names["x-vector"], "--workers", 0)
    found = encoders.read_voices(voices / "dev").vectors[:]
    waveforms = np.load(voices / "dev" / "waveforms.npy")
    alone = encoders.loaded[0].embed(waveforms[RATE : 2 * RATE], RATE)
    np.testing.assert_allclose(found[1], alone, atol=1e-5)
    (file,) = (voices / "dev").glob("vectors-*.npy")
    before = file.stat().st_mtime_ns
    call(vectors, "--packed", voices, "--encoder", names["x-vector"], "--workers", 0)
    assert file.stat().st_mtime_ns == before
    write_pieces([("a", "s", waveforms[:RATE])], voices / "train")
    assert not list((voices / "train").glob("vectors*"))  # they were of other pieces

    note = {"encoder": "embedded", "fingerprint": "another"}
    (voices / "dev" / "vectors.json").write_text(json.dumps(note))
    with pytest.raises(ArgumentError, match="holds those of another"):
        load_encoders("utterance", []).read_voices(voices / "dev")


def test_an_extractor_is_translated_to_any_encoders(names, tmp_path, capsys):
    """What it reads in the vectors of two others, turned, is what it read before."""
    torch.manual_seed(0)
    encoder = load_encoder(names["card"])
    small = BandSplitConfig(
        channels=8,
        hidden=8,
        bottleneck=8,
        mask_hidden=8,
        blocks=1,
        conditioning=ConditioningConfig(encoder.dimension),
    )
    card, output = tmp_path / "small.json", tmp_path / "out" / "translated.json"
    output.parent.mkdir()
    network = build_network(small)
    options = {"encoder": encoder, "encoder_name": names["card"]}
    write_extractor(card, network, "utterance", **options, notes={"licence": "none"})
    chosen = load_encoders("utterance", [names["x-vector"], names["features"]])
    features = chosen.loaded[1]
    before = torch.nn.functional.normalize(torch.randn(1000, 8) + 0.3, dim=-1)
    turned = [
        before @ torch.linalg.qr(torch.randn(size, size))[0][:8] for size in (8, features.dimension)
    ]
    files = [tmp_path / f"vectors-{number}.npy" for number in range(3)]
    layers = turned[1][:, None].repeat(1, features.layers, 1)
    for file, vectors_of_it in zip(files, (before, turned[0], layers), strict=True):
        np.save(file, vectors_of_it.numpy())
    words = ["--extractor", card, "--vectors-before", files[0], "--output", output]
    words += ["--encoder", *chosen.names, "--vectors"]
    call(translate, *words, *files[1:])
    assert "explain 9" in capsys.readouterr().out

    extractor = tse.load_extractor(output)
    assert extractor.space == chosen.joined.fingerprint
    assert extractor.network.config.conditioning.vector_size == 8 + features.dimension
    joined = torch.nn.functional.normalize(torch.cat(turned, dim=1), dim=-1)
    wanted = tse.load_extractor(card).network.reader(tse.Cue(vector=before)).vector
    found = extractor.network.reader(tse.Cue(vector=joined)).vector
    assert (found - wanted).std() < 0.2 * wanted.std()  # to standardise 8 values is not linear
    assert extractor(tone("ann"), extractor.cue(tone("ann"), RATE), RATE).shape == (3 * RATE,)
    assert json.loads(output.read_text())["licence"] == "none"

    note = {"encoder": "another", "fingerprint": "another"}
    files[1].with_suffix(".json").write_text(json.dumps(note))
    faults = {
        (files[1],): "one file for each of 2 encoders",
        (files[1], files[2]): "holds those of another",
        (files[0], tmp_path / "no.npy"): "no.npy",
    }
    for given, fault in faults.items():
        assert translate.main([*map(str, words), *map(str, given)]) == 1
        assert fault in capsys.readouterr().err
    frames = replace(small, conditioning=ConditioningConfig(8, 8))
    write_extractor(card, build_network(frames), "multi-level", **options)
    assert translate.main([*map(str, words), *map(str, files[1:])]) == 1
    assert "reads frame embeddings, too" in capsys.readouterr().err


def test_what_cannot_be_is_refused(names, packed, tmp_path, capsys):
    data = ["--packed", str(packed), "--output", str(tmp_path), "--steps", "2"]
    cases = {
        ("--cue", "log-mel", "--encoder", names["card"]): "does not go with the cue log-mel",
        ("--cue", "frames", "--joint-encoder"): "--joint-encoder goes with the cues utterance",
        ("--encoder", "nobody"): "known model",
        ("--encoder", "s3prl:wavlm_local=nothing.pt"): "nothing.pt",
        ("--encoder", "hf:somebody/front"): "OWNER/NAME@COMMIT",
    }
    for words, fault in cases.items():
        assert train.main([*data, *words]) == 1
        assert fault in capsys.readouterr().err
    fused = FusedEncoder(load_encoder(), build_encoder("x-vector", dimension=8), name="both")
    with pytest.raises(ArgumentError, match="both: a FusedEncoder cannot be trained along"):
        make_cue_vectors("utterance", [fused], tuned=True)


@pytest.fixture(scope="module")
def study_data(tmp_path_factory):
    """Voices as ``DATA/speech``, of speakers that are packed."""
    folder = tmp_path_factory.mktemp("data")
    write_speech(folder / "speech")
    return folder


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_the_study_of_encoders_runs_to_its_findings_and_goes_on(
    names, packed, study_data, tmp_path, monkeypatch, capfd
):
    modules = {one.__name__: one for one in (train, measuring)}
    commands, words = [], []

    def here(command, *, check):
        commands.append(command[2])
        words.extend(command)
        call(modules[command[2]], *command[3:])

    monkeypatch.setattr(subprocess, "run", here)
    encoders = [
        {"name": "mine", "source": names["card"]},
        {"name": "prefix of mine", "source": names["card"], "prefix": 4},
        {"name": "nobody's", "source": "nowhere/model.json"},
    ]
    (tmp_path / "encoders.json").write_text(json.dumps(encoders))
    study = tmp_path / "study"
    options = ["--packed", packed, "--data", study_data, "--output", study, "--steps", 2]
    options += ["--encoders", tmp_path / "encoders.json", "--others", "one-hot"]
    options += ["--embedders", 0, "--mixtures", 3, "--optimised", 1, "--iterations", 2]
    options += ["--resamples", 50, "--save-every", 1, *SMALL]
    call(encoder_study, *options)
    told = capfd.readouterr()
    assert "nobody's: left out:" in told.err
    claims = ("1. One-hot codes beat", "2. The best cue depends", "3. Optimising the cue gains")
    assert all(claim in told.out for claim in claims)  # two encoders have no correlation
    found = json.loads((study / "study-results.json").read_text())
    assert len(found["cells"]) == 3 and len(found["findings"]) == 3
    assert commands.count("recipes.extraction.train") == 3

    commands.clear()
    assert "--resume" not in words
    (study / "cells" / "mine.json").unlink()  # as if it had stopped before the export
    call(encoder_study, *options)
    assert commands == ["recipes.extraction.train", "eval.extraction.encoder_study"]
    assert "--resume" in words
    again = json.loads((study / "study-results.json").read_text())
    assert again["cells"] == found["cells"]
    assert encoder_study.main([*map(str, options), "--steps", "3"]) == 1
    assert "was begun with steps '2', got '3'" in capfd.readouterr().err
    encoders = [{"name": name, "source": names["card"]} for name in ("mine!", "Mine")]
    (tmp_path / "encoders.json").write_text(json.dumps(encoders))
    assert encoder_study.main([*map(str, options)]) == 1
    assert "must differ in letters or digits, got mine!, Mine" in capfd.readouterr().err


def test_a_study_tells_of_missing_voices_before_its_work(packed, tmp_path, capsys):
    part = tmp_path / "packed"
    (part / "train").mkdir(parents=True)
    for file in ("index.csv", "waveforms.npy"):
        (part / "train" / file).write_bytes((packed / "train" / file).read_bytes())
    words = ["--data", tmp_path, "--packed", part, "--output", tmp_path / "study"]
    assert encoder_study.main([str(word) for word in words]) == 1
    assert f"{part / 'dev'} has no index.csv" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()
