"""Streaming diarization: accuracy at each latency, stability of labels, time and memory."""
