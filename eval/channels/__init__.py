"""What the channel of a recording does to verification."""
