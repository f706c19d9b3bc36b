import json

import pytest
import torch

from diarspk.checkpoints.checkpoint import read_card, read_checkpoint, write_checkpoint
from diarspk.errors import ModelError
from diarspk.segmentation.loading import load_embedded
from tests.tiny_model import write_tiny_model


@pytest.fixture
def card(tmp_path):
    path = tmp_path / "model.json"
    tensors = {"weight": torch.arange(6.0).reshape(2, 3), "steps": torch.tensor(3)}
    write_checkpoint(path, tensors, {"name": "model"})
    return path


def test_what_is_written_is_read(card):
    checkpoint = read_checkpoint(card)
    assert checkpoint.tensors["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert checkpoint.tensors["weight"].dtype == torch.float32
    assert checkpoint.tensors["steps"].item() == 3
    assert checkpoint.card["name"] == "model"
    assert len(checkpoint.fingerprint) == 16


def test_the_same_weights_have_the_same_fingerprint(card, tmp_path):
    other = tmp_path / "other.json"
    write_checkpoint(other, read_checkpoint(card).tensors, {"name": "other"})
    assert read_checkpoint(other).fingerprint == read_checkpoint(card).fingerprint


def test_the_fingerprint_is_of_the_part_that_makes_embeddings(tmp_path):
    def fingerprint(network, head):
        tensors = {
            "network.weight": torch.full((2,), network),
            "head.weight": torch.full((2,), head),
        }
        write_checkpoint(tmp_path / "model.json", tensors, {}, identity="network.")
        return read_checkpoint(tmp_path / "model.json").fingerprint

    assert fingerprint(1.0, 2.0) == fingerprint(1.0, 3.0) != fingerprint(4.0, 2.0)


def test_damaged_weights_are_refused(card):
    weights = card.with_suffix(".safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.safetensors: sha256 .* damaged"):
        read_checkpoint(card)


def test_missing_files_are_named(card):
    card.with_suffix(".safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors: no such file"):
        read_checkpoint(card)


def test_a_card_that_is_not_json_is_named(card):
    card.write_text("{")
    with pytest.raises(ModelError, match=r"model\.json: not JSON"):
        read_checkpoint(card)


@pytest.mark.parametrize("text", ["[]", "3", "null"])
def test_a_card_is_an_object(card, text):
    card.write_text(text)
    with pytest.raises(ModelError, match=r"model\.json: not a JSON object"):
        read_card(card)


def test_a_card_is_read_without_its_weights(card):
    expected = read_checkpoint(card).card
    card.with_suffix(".safetensors").unlink()
    assert read_card(card) == expected


def test_a_missing_section_is_named(card):
    with pytest.raises(ModelError, match="the card has no section 'network'"):
        read_checkpoint(card).section("network")


def test_a_checkpoint_prints_without_its_tensors(card):
    checkpoint = read_checkpoint(card)
    assert repr(checkpoint) == f"Checkpoint('model', 2 tensors, {checkpoint.fingerprint!r})"


def test_nothing_but_the_two_files_is_left(card):
    assert {path.name for path in card.parent.iterdir()} == {"model.json", "model.safetensors"}
    assert json.loads(card.read_text())["sha256"]


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda card: card["network"]["trunk"].update(coarse_pairs=10**6), "coarse_pairs: 1000000"),
        (lambda card: card["network"]["trunk"].update(width=10**9), "width: 1000000000"),
        (lambda card: card["network"].update(dimension=-(10**9)), "dimension: -1000000000"),
        (lambda card: card["network"]["trunk"].update(front_pairs=[1] * 9999), "front_pairs: 9999"),
        (lambda card: card["activity"].update(layers=100_000), "layers: 100000"),
        (lambda card: card["activity"].update(window_s=float("nan")), "window_s: nan"),
    ],
)
def test_sizes_that_the_weights_cannot_have_allocate_nothing(tmp_path, damage, fault):
    path = write_tiny_model(tmp_path)
    card = json.loads(path.read_text())
    damage(card)
    path.write_text(json.dumps(card))
    with pytest.raises(ModelError, match=fault + ", where they allow at most"):
        load_embedded(path)
