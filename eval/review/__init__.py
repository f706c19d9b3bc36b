"""The review page: how quickly it works, and how many operations a correction takes."""
