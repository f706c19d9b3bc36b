"""Encoders on front ends, from training to `diarspk embed --encoder`."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import soundfile
import torch
from typer.testing import CliRunner

from diarspk import load_encoder
from diarspk.cli.application import app
from diarspk.encoders.stored import write_encoder
from diarspk.encoders.upstreams import (
    FrameCache,
    build_upstream_encoder,
    load_upstream,
    parse_upstream,
)
from diarspk.errors import ArgumentError, ModelError
from tests.diarspk.encoders.local.test_encoder import noise
from tests.diarspk.encoders.upstreams.small import (
    skip_without_s3prl,
    write_local,
    write_transformers,
)

skip_without_s3prl("transformers")

pytestmark = pytest.mark.filterwarnings("ignore")

RATE = 16000
COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUB = f"hf:somebody/front@{COMMIT}"


@pytest.fixture(scope="module", params=["wavlm_local", "hubert_local", "hf", "s3prl:fbank"])
def front_end(request, tmp_path_factory):
    """Name of a front end, and the path that it needs, if any."""
    folder = tmp_path_factory.mktemp("front_end")
    if request.param == "hf":
        return write_transformers(folder / "wavlm"), folder / "wavlm"
    if request.param.endswith("_local"):
        return write_local(folder / "front.pt", request.param), folder / "front.pt"
    return request.param, None


def store(encoder, path):
    about = {"licence": "CC0-1.0", "recipe": "none"}
    write_encoder(path, encoder.network, "x-vector", pooling=None, features=None, about=about)
    return json.loads(path.read_text())


def test_a_stored_encoder_needs_nothing_beside_it(front_end, tmp_path):
    """The front end's own file may be gone, and its weights may have been fine-tuned."""
    name, source = front_end
    kept = shutil.move(source, tmp_path / "kept") if source else None
    if kept:
        shutil.copytree(kept, source) if kept.is_dir() else shutil.copy(kept, source)
    encoder = build_upstream_encoder(parse_upstream(name), "x-vector", dimension=8)
    with torch.no_grad():
        for parameter in encoder.network.upstream.parameters():
            parameter.add_(torch.randn_like(parameter) / 50)
    expected = encoder.embed(noise(1.0), RATE)
    card = store(encoder, tmp_path / "mine.json")
    assert card["upstream"]["weights"] == ("inside" if source else "named")
    if source:
        shutil.rmtree(source) if source.is_dir() else source.unlink()
    try:
        loaded = load_encoder(tmp_path / "mine.json")
        np.testing.assert_allclose(loaded.embed(noise(1.0), RATE), expected, atol=1e-6)
        again = store(loaded, tmp_path / "again.json")
        assert {**again, "name": "mine"} == card
        assert load_encoder(tmp_path / "again.json").fingerprint == loaded.fingerprint
    finally:
        if source:
            shutil.move(tmp_path / "kept", source)


def test_the_fingerprint_survives(front_end, tmp_path):
    name, _ = front_end
    encoder = build_upstream_encoder(parse_upstream(name), "x-vector", dimension=8)
    store(encoder, tmp_path / "mine.json")
    assert load_encoder(tmp_path / "mine.json").fingerprint == encoder.fingerprint


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A cache of the hub that holds one commit."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = tmp_path / "hub" / "models--somebody--front" / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    write_transformers(folder)
    return folder


def test_frozen_weights_of_a_commit_are_named(hub, tmp_path):
    encoder = build_upstream_encoder(parse_upstream(HUB), "x-vector", dimension=8)
    card = store(encoder, tmp_path / "mine.json")
    assert (card["upstream"]["name"], card["upstream"]["weights"]) == (HUB, "named")
    loaded = load_encoder(tmp_path / "mine.json")
    np.testing.assert_array_equal(loaded.embed(noise(1.0), RATE), encoder.embed(noise(1.0), RATE))
    # the weights are in the hub's cache alone
    stored = (tmp_path / "mine.safetensors").read_bytes()
    assert b"upstream.weights" in stored and b"upstream.network" not in stored
    with torch.no_grad():
        next(iter(encoder.network.upstream.network.parameters())).add_(0.1)
    assert store(encoder, tmp_path / "tuned.json")["upstream"]["weights"] == "inside"
    write_transformers(hub, normalize=False)
    other = json.loads((hub / "config.json").read_text())
    torch.manual_seed(5)
    import transformers

    transformers.WavLMModel(transformers.WavLMConfig(**other)).save_pretrained(hub)
    with pytest.raises(ModelError, match="its weights are not those that the encoder was trained"):
        load_encoder(tmp_path / "mine.json")


def test_a_commit_that_is_not_here_says_so(hub, tmp_path):
    encoder = build_upstream_encoder(parse_upstream(HUB), "x-vector", dimension=8)
    store(encoder, tmp_path / "mine.json")
    shutil.rmtree(hub)
    with pytest.raises(ModelError, match="not in the local cache; load it once with"):
        load_encoder(tmp_path / "mine.json")


def test_the_command_line_embeds_with_it(tmp_path):
    name = write_local(tmp_path / "front.pt", "wavlm_local")
    encoder = build_upstream_encoder(parse_upstream(name), "x-vector", dimension=8)
    store(encoder, tmp_path / "mine.json")
    soundfile.write(tmp_path / "a.wav", noise(1.0), RATE)
    arguments = ["embed", str(tmp_path / "a.wav"), "--encoder", str(tmp_path / "mine.json")]
    done = CliRunner().invoke(app, [*arguments, "--output", str(tmp_path / "a.npz")])
    assert done.exit_code == 0, done.output
    with np.load(tmp_path / "a.npz") as stored:
        vector = next(stored[name] for name in stored if stored[name].dtype == np.float32).squeeze()
    assert vector.shape == (8,)


@pytest.mark.parametrize("change", ["layers", "structure", "code", "tensors"])
def test_a_damaged_card_is_an_error(tmp_path, change):
    name = write_local(tmp_path / "front.pt", "wavlm_local")
    encoder = build_upstream_encoder(parse_upstream(name), "x-vector", dimension=8)
    card = store(encoder, tmp_path / "mine.json")
    section = card["upstream"]["structure"]
    if change == "layers":
        section["cfg"]["encoder_layers"] = 10**6
    elif change == "structure":
        del section["cfg"]
    elif change == "code":
        section["cfg"]["conv_feature_layers"] = "__import__('os').getcwd()"
    else:
        section["model"]["mask_emb"]["tensor"] = [10**12]
    (tmp_path / "mine.json").write_text(json.dumps(card))
    with pytest.raises(ModelError):
        load_encoder(tmp_path / "mine.json")


@pytest.mark.parametrize("kind", ["WavLM", "Hubert", "Wav2Vec2"])
@pytest.mark.parametrize("normalize", [True, False])
def test_hidden_states_are_those_of_transformers(tmp_path, kind, normalize):
    import transformers

    folder = tmp_path / "network"
    name = write_transformers(folder, kind, normalize=normalize)
    original = getattr(transformers, f"{kind}Model").from_pretrained(folder).eval()
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=normalize)
    audio = noise(1.0)
    inputs = extractor(audio, sampling_rate=RATE, return_tensors="pt")["input_values"]
    with torch.inference_mode():
        states = original(inputs, output_hidden_states=True).hidden_states
    waveform = torch.from_numpy(audio)[None]
    for layer in range(3):
        upstream = load_upstream(parse_upstream(name, layer=layer))
        assert (upstream.channels, upstream.stride, upstream.layers) == (16, 320, 3)
        torch.testing.assert_close(upstream(waveform)[0], states[layer], atol=1e-5, rtol=1e-5)
    normed = load_upstream(parse_upstream(name, layer=-1, normalize=True))(waveform)[0]
    expected = torch.nn.functional.layer_norm(states[-1], (16,))
    torch.testing.assert_close(normed, expected, atol=1e-4, rtol=1e-4)


def test_chance_in_training_is_that_of_torch(tmp_path):
    name = write_transformers(tmp_path / "network")
    upstream = load_upstream(parse_upstream(name)).train()
    upstream.set_tuned(True)
    waveform = torch.from_numpy(noise(1.0))[None]
    outputs = []
    for seed in range(2):  # of NumPy and Python, which nobody sets
        np.random.seed(seed)
        torch.manual_seed(0)
        outputs.append(upstream(waveform)[0])
    first, second = outputs
    torch.testing.assert_close(first, second, atol=0, rtol=0)
    first.square().sum().backward()
    for part, parameter in upstream.network.named_parameters():
        assert ("feature_extractor." in part) == (not parameter.requires_grad)
    upstream.set_tuned(False)
    assert not any(module.training for module in upstream.network.modules())


def test_names_are_read():
    assert parse_upstream("s3prl:fbank") == parse_upstream("fbank")
    local = parse_upstream("s3prl:wavlm_local=a=b.pt", layer=-1)
    assert (local.name, local.path, local.layer) == ("wavlm_local", "a=b.pt", -1)
    assert parse_upstream(HUB).name == HUB
    for wrong in ("", "s3prl:", "hf:", "wavlm_local="):
        with pytest.raises(ArgumentError, match="`front_end` must be"):
            parse_upstream(wrong)
    with pytest.raises(ModelError, match="must be named hf:OWNER/NAME@COMMIT"):
        load_upstream(parse_upstream("hf:microsoft/wavlm-large"))


def test_a_network_without_waveforms_is_refused(tmp_path):
    import transformers

    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=9
    )
    transformers.BertModel(config).save_pretrained(tmp_path / "bert")
    with pytest.raises(ModelError, match="BertModel does not read waveforms"):
        load_upstream(parse_upstream(f"hf:{tmp_path / 'bert'}"))


def test_cached_frames_are_those_of_float16(tmp_path):
    """Whether read or computed; other audio, weights and layers are told apart."""
    name = write_transformers(tmp_path / "network")
    upstream = load_upstream(parse_upstream(name)).eval()
    waveform = torch.from_numpy(np.stack([noise(0.5), noise(0.5, 1)]))
    plain = upstream(waveform)[0]
    upstream.cache = FrameCache(tmp_path / "cache")
    computed = upstream(waveform)[0]
    torch.testing.assert_close(computed, plain, atol=2e-3, rtol=2e-3)
    assert (upstream.cache.hits, upstream.cache.misses) == (0, 2)
    torch.testing.assert_close(upstream(waveform)[0], computed, atol=0, rtol=0)
    torch.testing.assert_close(upstream(waveform[1:])[0], computed[1:], atol=0, rtol=0)
    assert upstream.cache.hits == 3
    last = load_upstream(parse_upstream(name, layer=-1)).eval()
    last.cache = upstream.cache
    assert last(waveform)[0].shape == computed.shape and upstream.cache.hits == 3
    state = {key: tensor + 0.01 for key, tensor in upstream.state_dict().items()}
    upstream.load_state_dict(state)
    assert not torch.equal(upstream(waveform)[0], computed) and upstream.cache.hits == 3
    upstream.weights.grad = None
    upstream(waveform)[0].sum().backward()
    assert upstream.weights.grad.abs().sum() > 0  # the sum of layers is learned beside the cache
