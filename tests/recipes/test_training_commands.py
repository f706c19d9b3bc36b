"""Every training command outside ``recipes.embedded``, two steps or iterations, on made data."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import tarfile

import numpy as np
import pytest
import soundfile

import tse
from diarspk import load_encoder
from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.clustering.plda import read_plda
from diarspk.errors import ArgumentError
from eval.probes.decoder import load_decoder
from recipes.extraction.prepare import write_pieces
from recipes.training.trainer import steps_done
from tests.recipes.commands import call
from tests.recipes.synthetic_voices import harmonic_voice

pytest.importorskip("lightning", reason="training needs lightning")
pytestmark = pytest.mark.filterwarnings("ignore")

RATE = 16000
COLUMNS = (
    *("utterance", "speaker", "shard", "corpus", "gender", "age", "language", "speech_seconds"),
)


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Tar shards and tables of six training and three other speakers, two utterances each."""
    folder = tmp_path_factory.mktemp("speech")
    write_speech(folder)
    return folder


def write_speech(folder):
    folder.mkdir(exist_ok=True)
    generator = np.random.default_rng(0)
    for split, numbers in (("train", range(6)), ("dev", range(6, 9))):
        with (
            (folder / f"{split}.tsv").open("w", newline="") as table,
            tarfile.open(folder / f"{split}-00.tar", "w") as shard,
        ):
            rows = csv.writer(table, delimiter="\t")
            rows.writerow(COLUMNS)
            for number in numbers:
                for take in range(2):
                    name = f"{number}-{take}"
                    stream = io.BytesIO()
                    voice = harmonic_voice(90.0 * 1.15**number, 2 * RATE + 4000 * take, generator)
                    soundfile.write(stream, voice, RATE, format="OGG", subtype="OPUS")
                    member = tarfile.TarInfo(f"{name}.opus")
                    member.size = stream.tell()
                    stream.seek(0)
                    shard.addfile(member, stream)
                    rows.writerow([name, f"s{number}", f"{split}-00.tar", "made", "", "", "", "2"])


def write_extraction_data(folder):
    """What ``recipes.extraction.prepare`` writes, of sixteen speakers."""
    generator, dimension = np.random.default_rng(0), load_encoder().dimension
    for split in ("train", "dev"):
        pieces, vectors = [], []
        for number in range(16):
            for take in range(2):
                voice = harmonic_voice(90.0 * 1.15**number, RATE, generator)
                pieces.append((f"{number}-{take}", f"s{number}", np.int16(voice * 32767)))
                vectors.append(generator.normal(size=dimension))
        unit = [vector / np.linalg.norm(vector) for vector in vectors]
        write_pieces(pieces, folder / split, unit)
    hiss = np.int16(300 * generator.normal(size=RATE))
    write_pieces([("hiss", "noise", hiss)], folder / "noise")
    rooms = np.zeros((2, 4, 200), np.float16)
    rooms[..., 0] = 1.0
    np.save(folder / "rooms.npy", rooms)


@pytest.fixture(scope="module")
def extraction(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extraction")
    write_extraction_data(folder)
    return folder


SMALL = ("--blocks", 1, "--hidden", 8, "--batch-size", 2, "--seconds", 0.5, "--workers", 0)


def test_an_extractor_is_trained_and_exported(extraction, tmp_path, monkeypatch):
    from recipes.extraction import export, train

    monkeypatch.setattr(train, "VALIDATION_BATCHES", 1)
    data = ("--packed", extraction, "--output", tmp_path, "--steps", 2)
    call(train, *data, *SMALL, "--validate-every", 2)
    assert steps_done(tmp_path / "final.ckpt") == 2
    call(export, "--checkpoint", tmp_path / "final.ckpt", "--output", tmp_path / "tiny.json")
    mixture, enrolment = np.random.default_rng(0).normal(0, 0.1, (2, RATE)).astype(np.float32)
    extractor = tse.load_extractor(str(tmp_path / "tiny.json"))
    voice = extractor(mixture, extractor.cue(enrolment, RATE), RATE)
    assert voice.shape == mixture.shape and np.isfinite(voice).all()


def test_a_causal_extractor_begins_with_one_that_looks_ahead_and_learns_from_it(
    extraction, tmp_path, monkeypatch
):
    from recipes.extraction import export, train

    monkeypatch.setattr(train, "VALIDATION_BATCHES", 1)
    ahead = tmp_path / "ahead.json"
    data = ("--packed", extraction, "--steps", 2, *SMALL)
    call(train, *data, "--output", tmp_path / "ahead")
    call(export, "--checkpoint", tmp_path / "ahead" / "final.ckpt", "--output", ahead)
    causal = ("--architecture", "band-split-causal", "--start", ahead, "--teacher", ahead)
    call(train, *data, *causal, "--output", tmp_path / "causal")
    card = tmp_path / "causal.json"
    call(export, "--checkpoint", tmp_path / "causal" / "final.ckpt", "--output", card)
    with pytest.raises(ArgumentError, match=r"leave them out for this causal one"):
        export.export(tmp_path / "causal" / "final.ckpt", card, verified=True)
    extractor = tse.load_extractor(card)
    assert extractor.causal
    assert not any("teacher" in name for name in read_checkpoint(card).tensors)
    mixture, enrolment = np.random.default_rng(0).normal(0, 0.1, (2, RATE)).astype(np.float32)
    stream = tse.StreamingExtractor(extractor.cue(enrolment, RATE), RATE, extractor=extractor)
    voice = np.concatenate([stream.push(mixture), stream.finish()])
    np.testing.assert_allclose(voice, extractor(mixture, stream.cue), atol=1e-5)


def test_the_study_trains_each_cell_once(extraction, tmp_path, monkeypatch):
    from recipes.extraction import study, train

    monkeypatch.setattr(train, "VALIDATION_BATCHES", 1)
    commands = []

    def here(command, *, check):
        commands.append(command)
        call(train, *command[3:])

    monkeypatch.setattr(subprocess, "run", here)
    data = ("--packed", extraction, "--output", tmp_path, "--steps", 2, "--cues", "utterance")
    for _ in range(2):
        call(study, *data, "--fusions", "film", *SMALL)
    assert len(commands) == 1
    assert commands[0][1:3] == ["-m", "recipes.extraction.train"]
    assert (tmp_path / "utterance_film.json").is_file()


def test_a_decoder_of_features_is_trained(speech, tmp_path):
    from recipes.conditioning import prepare, train

    packed = tmp_path / "packed.npz"
    call(prepare, "--data", speech, "--output", packed, "--speakers", 4, "--each", 2)
    call(train, "--packed", packed, "--output", tmp_path, "--steps", 2, "--width", 8)
    decoder = load_decoder(tmp_path / "decoder.json")
    assert decoder.fingerprint == load_encoder().fingerprint
    assert read_checkpoint(tmp_path / "decoder.json").card["training"]["steps"] == 2


def test_a_plda_is_fitted(speech, tmp_path, capsys):
    from recipes.plda import train

    card = tmp_path / "plda" / "card.json"
    call(train, "--data", speech, "--output", card, "--seconds", 0.5, "--iterations", 2)
    assert read_plda(card).fingerprint == load_encoder().fingerprint
    assert "6 speakers" in capsys.readouterr().out


def test_a_cohort_is_embedded(speech, tmp_path):
    from recipes.cohort import embed

    card = tmp_path / "cohort.json"
    call(embed, "--data", speech, "--output", card, "--speakers", 3, "--min-seconds", 0)
    stored = read_checkpoint(card).tensors
    assert stored["recorded"].shape == (3, load_encoder().dimension)
    assert read_checkpoint(card).card["encoder"] == load_encoder().fingerprint
    pairs = (stored["recorded"] * stored["by_telephone"]).sum(1)  # a telephone changes a voice
    assert ((pairs > 0) & (pairs < 0.999)).all()


def in_this_process(run, phase, accelerator, devices, nodes):
    """Train a phase where a process of its own would."""
    from recipes.zoo import train

    call(train, run, phase, "--accelerator", "cpu")


@pytest.fixture
def no_processes(monkeypatch):
    monkeypatch.setattr("recipes.zoo.stages._train", in_this_process)


def test_an_architecture_is_trained_on_packed_features(tmp_path, no_processes):
    from recipes.zoo import run
    from tests.recipes.zoo.test_run import write_pool, write_table

    speakers = [f"t{number}" for number in range(6)]
    variants = ("recorded", "room", "slow", "fast", "slower", "faster")
    write_pool(tmp_path / "train", speakers, variants)
    write_pool(tmp_path / "noise", ["n"], ("noise",))
    write_table(tmp_path / "train.tsv", speakers)
    data = ("--packed", tmp_path, "--tables", tmp_path, "--architecture", "x-vector")
    call(
        run, tmp_path / "run", *data, "--steps", 2, "--crops", 4, "--workers", 0, "--to", "average"
    )
    encoder = load_encoder(tmp_path / "run" / "model.json")
    assert encoder.dimension == 512
    settings = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert settings["train"]["steps"] == 2


def test_shards_become_manifests(speech, tmp_path):
    pytest.importorskip("lhotse")
    from recipes.zoo import cuts
    from recipes.zoo.manifests import load_cut, read_cuts, speaker_of

    call(cuts, "--data", speech, "--output", tmp_path, "--speakers", 4)
    train, test = (read_cuts(tmp_path / f"{part}.jsonl.gz") for part in ("train", "test"))
    assert len({speaker_of(cut, "train") for cut in train}) == 4 and len(train) == 8
    assert [speaker_of(cut, "test") for cut in test] == ["s6", "s6", "s7", "s7", "s8", "s8"]
    assert len(load_cut(test[0])) == pytest.approx(2 * RATE, abs=RATE // 20)


def test_an_architecture_is_trained_on_manifests(tmp_path, no_processes):
    pytest.importorskip("lhotse")
    from recipes.voxceleb import run
    from tests.recipes.voxceleb.test_run import write_manifest

    generator = np.random.default_rng(0)
    cuts = [(f"{name}-0", name, 0.1 * generator.normal(size=RATE)) for name in "abcdefghij"]
    manifest = write_manifest(tmp_path / "train.jsonl.gz", cuts)
    data = ("--train", manifest, "--test", manifest, "--architecture", "x-vector", "--workers", 0)
    call(run, tmp_path / "run", *data, "--crops", 8, "--epochs", 1, "--to", "average")
    assert load_encoder(tmp_path / "run" / "model.json").dimension == 512
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["data"]["kind"] == "lhotse"
