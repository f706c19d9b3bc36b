"""Time and memory of whole commands, engines and front-ends."""
