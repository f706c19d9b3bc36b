"""Time and memory of whole commands, of inference runtimes and of front ends."""
