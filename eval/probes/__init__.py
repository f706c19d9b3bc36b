"""What speaker cues carry, how robust they are, and whether synthesis takes the voice from them.

python -m eval.probes carried --data ../shared/speech --systems diarspk resemblyzer controls
python -m eval.probes robustness --data ../shared/speech --systems diarspk resemblyzer
python -m eval.probes synthesis --data ../shared/speech --decoder decoder.json
"""
