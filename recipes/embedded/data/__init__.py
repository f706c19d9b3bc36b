"""Training data of the embedded model: features, waveforms, conversations, teacher."""
