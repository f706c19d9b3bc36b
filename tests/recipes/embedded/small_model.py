"""A tiny model and six synthetic talkers, for the recipes of heads."""

import numpy as np
import torch

from diarspk.encoders import FrameHeadConfig, SpeakerNetworkConfig, TrunkConfig
from recipes.embedded.data.conversations import ConversationConfig
from recipes.embedded.frames.clean_voices import CleanVoices
from tests.recipes.synthetic_voices import MELS, PLAIN, VARIANTS, coloured_noise, make_talkers

SPEAKERS = 6
TEMPLATES = [[[(0, 500, "a"), (400, 800, "b"), (800, 1000, "a")]]]
"""One conversation of two speakers who overlap for a second."""
SMALL = SpeakerNetworkConfig(
    trunk=TrunkConfig(
        front_channels=(4, 8), coarse_channels=4, coarse_pairs=1, width=16, dilations=(1,)
    ),
    pooled_channels=32,
    dimension=8,
    prefixes=(4,),
)
HEAD = FrameHeadConfig(
    width=16, channels=16, layers=1, heads=2, kernel=5, reach=8, pooled_reach=10, dimension=8
)
SETTINGS = {
    **PLAIN,
    "windows_per_batch": 2,
    "noise_ratio_db": (0.0, 35.0),
    "equal_channel_probability": 0.0,
    "similar_probability": 0.0,
}


def comb_talkers(folder):
    """Two utterances of each speaker in every variant; a voice is a comb over the mel axis."""
    generator = np.random.default_rng(0)
    position = (np.arange(MELS) + 0.5) / MELS
    voices = {
        f"{speaker}-{number}": coloured_noise(
            3 * np.cos(np.pi * (speaker + 1) * position),
            int(generator.integers(24000, 40000)),
            generator,
        )
        for speaker in range(SPEAKERS)
        for number in range(2)
    }
    return make_talkers(folder, voices)


def converse(talkers, seed=0, **changes):
    """Conversations of the talkers, with settings changed by name."""
    return talkers.conversations(
        TEMPLATES,
        ConversationConfig(**{**SETTINGS, **changes}),
        teacher=np.eye(SPEAKERS)[talkers.numbers],
        seed=seed,
    )


def spread_voices(network, conversations):
    """Take off what the embeddings of an untrained network have in common, nearly all."""
    rows = torch.arange(0, len(conversations.voices.pool.start), len(VARIANTS))
    vectors = CleanVoices(conversations.voices, network)(rows)
    network.utterance.whitening.mean[: vectors.shape[1]].copy_(vectors.mean(0))
