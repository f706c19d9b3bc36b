"""More training of the activity head, over the frozen trunk."""
