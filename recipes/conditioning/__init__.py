"""A decoder of log-mel features from content and a cue, to try the probes of synthesis on."""
