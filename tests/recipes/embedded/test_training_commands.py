"""Every training command of the embedded model, two steps each, on made data."""

import csv

import numpy as np
import pytest
import torch

from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.encoders.loading import load_encoder
from recipes.embedded.data.conversations import ConversationConfig
from recipes.embedded.data.crops import CropConfig
from recipes.embedded.data.teacher_targets import teacher_keys
from recipes.embedded.data.waveforms import write_waveforms
from recipes.training.trainer import steps_done
from tests.recipes.commands import call
from tests.recipes.embedded.small_model import SMALL, comb_talkers

pytest.importorskip("lightning", reason="training needs lightning")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")

STRIDE = 4
"""Feature frames for each of the teacher's."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the commands of ``recipes.embedded.data`` write, of six made-up speakers."""
    root = tmp_path_factory.mktemp("embedded")
    packed = root / "packed"
    talkers = comb_talkers(packed / "train")
    for name in ("features.npy", "index.csv"):
        (packed / "noise").mkdir(exist_ok=True)
        (packed / "noise" / name).write_bytes((packed / "train" / name).read_bytes())
    write_waveforms(talkers.sources.voices, packed / "train")
    write_waveforms(talkers.sources.noises, packed / "noise")
    np.save(packed / "rooms.npy", talkers.sources.rooms)
    np.savez(
        packed / "train" / "speech.npz",
        utterance=list(talkers.speech),
        chunks=[len(one) for one in talkers.speech.values()],
        probability=np.concatenate([np.uint8(255 * one) for one in talkers.speech.values()]),
    )
    frames = dict(zip(teacher_keys(talkers.pool), talkers.pool.frames.tolist(), strict=True))
    speakers = [int(talkers.speakers[utterance]) for utterance, _ in frames]
    counts = [-(-count // STRIDE) for count in frames.values()]
    np.savez(
        packed / "train" / "teacher.npz",
        utterance=[utterance for utterance, _ in frames],
        speed=[speed for _, speed in frames],
        vector=np.eye(SMALL.dimension, dtype=np.float16)[speakers],
        frames=counts,
        stride=STRIDE,
    )
    vectors = np.random.default_rng(0).normal(size=(sum(counts), 4)).astype(np.float16)
    np.save(packed / "train" / "teacher-frames.npy", vectors)
    with (packed / "train" / "speakers.tsv").open("w", newline="") as stream:
        table = csv.writer(stream, delimiter="\t")
        table.writerow(["utterance", "speaker", "group"])
        table.writerows([name, who, "woman"] for name, who in talkers.speakers.items())
    for corpus in ("ami/train", "voxconverse/dev"):
        (root / "annotations" / corpus).mkdir(parents=True)
        turns = [(0, 6, "a"), (5, 4, "b"), (9, 9, "a"), (18, 4, "b")]
        (root / "annotations" / corpus / "meeting.rttm").write_text(
            "".join(f"SPEAKER meeting 1 {t} {d} <NA> <NA> {n} <NA> <NA>\n" for t, d, n in turns)
        )
    return root


def train(module, folder, run, *options):
    """Two steps of a command on the data of `folder`; the checkpoint that it ends with."""
    data = ["--packed", folder / "packed", "--speakers", folder / "packed/train/speakers.tsv"]
    data += ["--annotations", folder / "annotations", "--workers", 0]
    call(module, *data, "--output", folder / run, "--steps", 2, *options)
    assert steps_done(folder / run / "final.ckpt") == 2
    return folder / run / "final.ckpt"


@pytest.fixture(scope="module")
def checkpoint(folder):
    """Two steps of trunk, utterance head and segmentation head, whitened at the end."""
    from recipes.embedded.data import data_module
    from recipes.embedded.trunk import train as trunk
    from recipes.embedded.trunk import whitening

    with pytest.MonkeyPatch.context() as patch:  # of the sizes of network and batches alone
        patch.setattr(trunk, "SpeakerNetworkConfig", lambda: SMALL)
        patch.setattr(data_module, "CropConfig", lambda: CropConfig(frames_per_batch=600))
        small = ConversationConfig(windows_per_batch=1)
        patch.setattr(data_module, "ConversationConfig", lambda: small)
        trained = train(trunk, folder, "trunk")
    whitened = folder / "trunk" / "whitened.ckpt"
    places = ["--packed", folder / "packed", "--speakers", folder / "packed/train/speakers.tsv"]
    call(whitening, *places, "--encoder", trained, "--output", whitened)
    return whitened


def test_trunk_segmentation_head_and_card(folder, checkpoint):
    from recipes.embedded.segmentation import train as segmentation
    from recipes.embedded.trunk import export

    head = train(segmentation, folder, "segmentation", "--encoder", checkpoint)
    card = folder / "card" / "tiny.json"
    card.parent.mkdir()
    call(export, "--encoder", checkpoint, "--segmentation", head, "--output", card)
    encoder = load_encoder(card)
    assert encoder.dimension == SMALL.dimension
    audio = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    assert np.linalg.norm(encoder.embed(audio, 16000)) == pytest.approx(1.0, abs=1e-5)
    trained = torch.load(head, weights_only=True)["state_dict"]["head.classify.weight"]
    stored = read_checkpoint(card).tensors["activity.classify.weight"]
    torch.testing.assert_close(stored.float(), trained, atol=1e-2, rtol=1e-2)


def test_frame_head_and_its_card(folder, checkpoint):
    from recipes.embedded import export_head
    from recipes.embedded.frames import train as frames
    from recipes.embedded.trunk import export

    card = folder / "frames-card" / "tiny.json"
    card.parent.mkdir()
    call(export, "--encoder", checkpoint, "--output", card)
    trained = train(frames, folder, "frames", "--encoder", card, "--windows", 1)
    call(export_head, "frame", "--checkpoint", trained, "--output", folder / "heads")
    fingerprint = load_encoder(card).fingerprint
    written = folder / "heads" / f"{fingerprint}.json"
    assert written.is_file()

    from recipes.embedded import translate_head  # over the same encoder, so that nothing changes

    places = ["--packed", folder / "packed", "--speakers", folder / "packed/train/speakers.tsv"]
    again = folder / "heads" / "again.json"
    spaces = ["--before", card, "--encoder", card]
    call(translate_head, "frame", "--head", written, *spaces, *places, "--output", again)
    stored = read_checkpoint(again)
    assert stored.card["translated"]["from"] == stored.card["encoder"] == fingerprint
    for name, tensor in read_checkpoint(written).tensors.items():
        torch.testing.assert_close(stored.tensors[name], tensor, atol=2e-2, rtol=1e-2)


def test_target_speaker_vad_over_the_embedded_encoder(folder):
    from recipes.embedded import export_head
    from recipes.embedded.target_speaker_vad import train as target_speaker_vad

    trained = train(target_speaker_vad, folder, "tsvad", "--windows", 1)
    call(export_head, "target-speaker-vad", "--checkpoint", trained, "--output", folder / "heads")
    assert (folder / "heads" / f"{load_encoder().fingerprint}.json").is_file()
