"""A small decoder of log-mel features, conditioned on a speaker cue, for the probes of eval/."""
