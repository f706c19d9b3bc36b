"""ESPnet-SPK's WavLM + ECAPA-TDNN layout, against S3PRL and a second ECAPA-TDNN."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import yaml
from torch import nn

import diarspk
from diarspk.errors import ModelError
from tests.diarspk.encoders.local.test_encoder import noise
from tests.diarspk.encoders.local.test_network import trained_looking
from tests.diarspk.encoders.pretrained.test_espnet import Ecapa
from tests.diarspk.encoders.upstreams.small import skip_without_s3prl, write_local

skip_without_s3prl()

pytestmark = pytest.mark.filterwarnings("ignore")

RATE = 16000
CONFIG = {
    "frontend": "s3prl",
    "frontend_conf": {
        "frontend_conf": {"upstream": "wavlm_large"},
        "download_dir": "./hub",
        "multilayer_feature": True,
    },
    "normalize": "utterance_mvn",
    "normalize_conf": {"norm_vars": False},
    "encoder": "ecapa_tdnn",
    "encoder_conf": {"model_scale": 8, "ndim": 16, "output_size": 12},
    "pooling": "chn_attn_stat",
    "projector": "rawnet3",
    "projector_conf": {"output_size": 5},
}


class EspnetModel(nn.Module):
    """Front end, mean over time and ECAPA-TDNN, as in ESPnet's code."""

    def __init__(self, path):
        super().__init__()
        from diarspk.encoders.s3prl.compatibility import import_s3prl

        package = import_s3prl()
        self.frontend = nn.Module()
        self.frontend.upstream = package.S3PRLUpstream("wavlm_local", path_or_url=str(path))
        self.frontend.featurizer = package.Featurizer(self.frontend.upstream)
        self.ecapa = Ecapa()
        self.ecapa.encoder.conv = nn.Conv1d(16, 16, 5, padding=2)

    def forward(self, waveform):
        lengths = torch.full((len(waveform),), waveform.shape[1])
        frames, _ = self.frontend.featurizer(*self.frontend.upstream(waveform, lengths))
        return self.ecapa(frames - frames.mean(dim=1, keepdim=True))

    def names(self):
        state = self.state_dict()
        return {name.removeprefix("ecapa."): tensor for name, tensor in state.items()}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("espnet")
    write_local(folder / "wavlm.pt", "wavlm_local")
    torch.manual_seed(0)
    model = EspnetModel(folder / "wavlm.pt").eval()
    trained_looking(model.ecapa)
    with torch.no_grad():
        model.frontend.featurizer.weights.copy_(torch.tensor([0.5, -1.0, 1.0]))
    return model


def write(folder, model, **changes):
    torch.save({**model.names(), "loss.weight": torch.ones(7, 5)}, folder / "valid.eer.best.pth")
    (folder / "config.yaml").write_text(yaml.safe_dump({**CONFIG, **changes}))
    return folder


def test_embeddings_are_those_of_espnet(original, tmp_path):
    encoder = diarspk.load_encoder(write(tmp_path, original))
    audio = noise(1.0)
    with torch.inference_mode():
        expected = original(torch.from_numpy(audio)[None])[0].numpy()
    found = encoder.embed(audio, RATE)
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-5)
    frozen = [name for name, one in encoder.network.named_parameters() if one.requires_grad]
    assert frozen == []


def test_it_is_trained_on(original, tmp_path):
    encoder = diarspk.load_encoder(write(tmp_path, original))
    network = encoder.network.train().requires_grad_(True)
    network.upstream.set_tuned(True)
    network(torch.from_numpy(np.stack([noise(1.0), noise(1.0, 1)]))).square().sum().backward()
    layers = network.upstream.network.upstream.model.encoder.layers
    assert all(bool(layer.fc1.weight.grad.abs().sum() > 0) for layer in layers)
    assert bool(network.upstream.weights.grad.abs().sum() > 0)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"normalize_conf": {"norm_vars": True}}, "only utterance_mvn without norm_vars"),
        ({"normalize": "global_mvn"}, "normalize is global_mvn"),
        (
            {"frontend_conf": {"frontend_conf": {"upstream": "hubert_base"}}},
            "its upstream of s3prl is hubert_base",
        ),
        (
            {"frontend_conf": {"frontend_conf": {"upstream": "wavlm_base", "tile_factor": 2}}},
            "tile_factor: 2, only 1 is used",
        ),
    ],
)
def test_what_is_not_supported_is_an_error(original, tmp_path, changes, fault):
    with pytest.raises(ModelError, match=fault):
        diarspk.load_encoder(write(tmp_path, original, **changes))


def test_one_layer_alone(original, tmp_path):
    conf = {"frontend_conf": {"upstream": "wavlm_large"}, "layer": 1}
    encoder = diarspk.load_encoder(write(tmp_path, original, frontend_conf=conf, normalize=None))
    waveform = torch.from_numpy(noise(1.0))[None]
    with torch.inference_mode():
        states, _ = original.frontend.upstream(waveform, torch.tensor([waveform.shape[1]]))
        expected = original.ecapa(states[1])[0].numpy()
    found = encoder.embed(noise(1.0), RATE)
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-5)
