"""All pages of results: which commands measure what each of them shows."""

from __future__ import annotations

from eval.all.page import Page, Step

__all__ = ["PAGES"]

NEW = Step(
    "eval.simulate --data {data} --split dev --templates ami-dev voxconverse-dev "
    "--conversations 40 --seconds 150 --seed 9 --output {new}",
    silent=True,
)
"""Conversations that nothing was chosen on."""

PAGES = (
    Page(
        "diarization",
        "Diarization",
        (
            NEW,
            Step(
                "eval.diarization --data {sets} {new} --systems diarspk --by-speakers "
                "--references mfa only_words",
                "diarization",
            ),
        ),
        minutes=8,
    ),
    Page(
        "boundaries",
        "Tight and loose boundaries",
        (
            NEW,
            Step(
                "eval.simulate --data {data} --split dev --templates ami-mfa-dev "
                "--references ami-dev --conversations 24 --seconds 150 --seed 33 "
                "--output {annotators}",
                silent=True,
            ),
            Step(
                "eval.diarization.boundaries --data {sets} {new} {annotators} "
                "--references mfa only_words ami-dev --cache {passes}",
                "boundaries",
            ),
        ),
        minutes=15,
    ),
    Page(
        "ablation",
        "What each part of the diarizer brings",
        (Step("eval.diarization.ablation --data {sets} --cache {passes}", "ablation"),),
        minutes=15,
    ),
    Page(
        "clusterers",
        "Clusterers and session adaptation",
        (
            Step(
                "eval.clustering.sweep --data {sets} --thresholds 0.6 0.7 0.8 --cache {passes}",
                "sweep",
            ),
        ),
        minutes=25,
    ),
    Page(
        "clustering-scale",
        "Time and memory of clusterers",
        (Step("eval.clustering", "scale"),),
        minutes=40,
        models=(),
    ),
    Page(
        "counting",
        "The number of speakers",
        (
            Step(
                "eval.counting --data {data} --keep {work}/counting --seed 2000 --longest 2.5 "
                "--plot {page}/counts.svg",
                "counting",
            ),
        ),
        minutes=45,
    ),
    Page(
        "cases",
        "Hard cases",
        (Step("eval.cases --data {data} --output {work}/cases", "cases"),),
        minutes=8,
    ),
    Page(
        "confidence",
        "Confidence of turns",
        (
            NEW,
            Step(
                "eval.diarization.confidence --data {sets} {new} --fit --cache {passes} "
                "--plot {page}/reliability.svg",
                "confidence",
            ),
        ),
        minutes=8,
    ),
    Page(
        "streaming",
        "Streaming",
        (
            Step(
                "eval.streaming --data {simulated} --latencies 0.32 0.64 1.04 5 "
                "--plot {page}/latency.svg",
                "streaming",
            ),
        ),
        minutes=40,
    ),
    Page(
        "words",
        "Words with speakers",
        (Step("eval.transcripts --data {sets} --references only_words --cache {passes}", "words"),),
        minutes=6,
    ),
    Page(
        "correction",
        "Correction in the review page",
        (Step("eval.review.correction --data {sets} --cache {passes}", "correction"),),
        minutes=10,
    ),
    Page(
        "verification",
        "Verification",
        (
            Step(
                "eval.verification --data {speech} --split dev --systems diarspk diarspk:20",
                "pairs",
            ),
            Step(
                "eval.verification --data {speech} --split dev --systems diarspk diarspk:20 "
                "--equal-spectra",
                "equal",
            ),
            Step(
                "eval.verification.trials --data {speech} --systems diarspk --cohort 300 "
                "--groups gender age --cache {vectors} --det {page}/det.png",
                "trials",
            ),
            Step("eval.verification.groups --data {speech} --cache {vectors}", "groups"),
            Step("eval.channels --data {speech}", "channels"),
        ),
        minutes=12,
    ),
    Page(
        "identification",
        "Identification and linking",
        (
            Step("eval.verification.identification --data {speech} --cache {vectors}", "gallery"),
            Step("eval.linking --data {data}", "linking"),
        ),
        minutes=20,
    ),
    Page(
        "sessions",
        "Verification inside sessions",
        (
            NEW,
            Step(
                "eval.intra_session report --rttm {new} --audio {new} --output {work}/sessions "
                "--systems diarspk resemblyzer"
            ),
        ),
        minutes=5,
    ),
    Page(
        "correlation",
        "EER and DER",
        (
            Step(
                "eval.correlation --data {data} --output {work}/correlation "
                "--plot {page}/predictors.svg",
            ),
        ),
        minutes=240,
    ),
    Page(
        "alignment",
        "Alignment of embedding spaces",
        (
            Step(
                "eval.verification.alignment --data {speech} --enrolment resemblyzer "
                "--runtime diarspk --limit 3000 --cache {vectors}",
                "alignment",
            ),
            Step(
                "eval.verification.alignment --data {speech} --enrolment generation:18f69eb "
                "--runtime diarspk --limit 3000 --cache {vectors}",
                "close",
            ),
        ),
        minutes=60,
    ),
    Page(
        "frames",
        "Embeddings of frames",
        (Step("eval.frame_embeddings --data {sets}", "frames"),),
        minutes=5,
    ),
    Page(
        "cues",
        "What cues carry",
        (
            Step(
                "eval.verification --data {speech} --split dev --systems diarspk resemblyzer",
                "pairs",
            ),
            Step("eval.diarization --data {sets} --systems diarspk", "diarization"),
            Step(
                "eval.probes carried --data {speech} --systems diarspk resemblyzer controls "
                "--cache {work}/cues",
                "carried",
            ),
            Step(
                "eval.probes robustness --data {speech} --systems diarspk resemblyzer controls",
                "robustness",
            ),
            Step(
                "eval.cues --verification {json:pairs} --diarization {json:diarization} "
                "--probes {json:carried} --robustness {json:robustness} --plot {page}/cues.svg",
                "cues",
            ),
        ),
        minutes=45,
    ),
    Page(
        "extraction",
        "Target speech extraction",
        (
            Step(
                "eval.extraction --data {data} "
                "--conditions clean-2 noisy-2 clean-3 noisy-3 absent-2",
                "mixtures",
            ),
            Step("eval.extraction.presence --data {data}", "presence"),
            Step("eval.extraction.detection --data {data}", "detection"),
            Step("eval.extraction.overlap_verification --data {simulated}", "overlap"),
            Step(
                "eval.extraction.meetings --data {data}/conversations/ami --reference mfa "
                "--simulate {data}",
                "meetings",
            ),
            Step("eval.extraction.optimised_cue --data {data} --conditions clean-2", "optimised"),
        ),
        minutes=60,
        models=("encoder", "extractor"),
    ),
    Page(
        "speed",
        "Speed and memory",
        (Step("eval.speed --data {simulated} --minutes 6 60 180 --systems diarspk", "speed"),),
        minutes=8,
    ),
    Page(
        "throughput",
        "Many recordings, and the server",
        (
            Step("eval.speed.batch --data {simulated} --files 200", "batch"),
            Step("eval.speed.server --data {simulated} --clients 1 8 64", "server"),
        ),
        minutes=30,
    ),
)
"""All pages, those first that much else is compared with."""
