"""Probes of speaker cues: information, robustness, and their effect on synthesis.

python -m eval.probes carried --data ../shared/speech --systems diarspk resemblyzer controls
python -m eval.probes robustness --data ../shared/speech --systems diarspk resemblyzer
python -m eval.probes synthesis --data ../shared/speech --decoder decoder.json
"""
