"""One embedding does not fit all: every cue of every encoder, measured for every use.

python -m eval.cues --data ../shared/speech --systems diarspk resemblyzer controls \
        --verification v.json --intra-session i.json --diarization d.json --extraction-study e.json
"""
