"""Scripts that run other projects' systems, each in an environment that holds these alone.

They import nothing of diarspk, which is not installed there.
"""
