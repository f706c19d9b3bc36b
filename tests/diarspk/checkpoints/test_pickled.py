import pickle

import pytest
import torch

from diarspk.checkpoints.checkpoint import drop_prefix
from diarspk.encoders.pretrained import load_strictly, read_state
from diarspk.errors import ModelError


class Harmful:
    def __reduce__(self):
        return (exit, ("code in a checkpoint was run",))


def test_tensors_come_back(tmp_path):
    torch.save({"a": torch.ones(2), "version": "1.0"}, tmp_path / "x.pt")
    state = read_state(tmp_path / "x.pt")
    assert state["version"] == "1.0"
    assert torch.equal(state["a"], torch.ones(2))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a checkpoint",
        b"hello\n" * 9,
        b"RIFF....WAVE",
        b"\x80\x02..",
        pickle.dumps({"a": Harmful()}, 2),
    ],
)
def test_damage_and_code_are_refused(tmp_path, content):
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.pt: cannot be read"):
        read_state(path)


def test_code_inside_a_torch_file_is_refused(tmp_path):
    torch.save({"a": Harmful()}, tmp_path / "x.pt")
    with pytest.raises(ModelError, match="never run"):
        read_state(tmp_path / "x.pt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"none\.pt: no such file"):
        read_state(tmp_path / "none.pt")


def test_a_bare_tensor_is_refused(tmp_path):
    torch.save(torch.ones(2), tmp_path / "x.pt")
    with pytest.raises(ModelError, match="holds a Tensor"):
        read_state(tmp_path / "x.pt")


def test_only_tensors_of_the_prefix_stay():
    state = {"net.a": torch.ones(1), "net.b": "text", "other": torch.ones(1)}
    assert list(drop_prefix(state, "net.")) == ["a"]


def test_a_tensor_too_many_is_an_error():
    network = torch.nn.Linear(2, 1)
    with pytest.raises(ModelError, match=r"x\.pt: its tensors do not fit Linear .*extra"):
        load_strictly(network, {**network.state_dict(), "extra": torch.ones(1)}, "x.pt")
