"""Gallery of people who are enrolled by voice, on disk.

::

    gallery = create_gallery("people", encoder.space)
    gallery.enroll("alice", encoder.embed("alice.wav"), fingerprint=encoder.fingerprint)
    gallery.identify(encoder.embed("unknown.wav"), fingerprint=encoder.fingerprint).speaker

A gallery is an SQLite database: an acknowledged enrolment survives ``kill -9`` and a power cut,
readers never wait for a writer, and a thousand enrolments take a second. Up to 50,000 entries all
are compared at each search; beyond, an index (extra ``gallery``) finds the candidates, which are
compared exactly.
"""

from diarspk.verification.gallery.gallery import Gallery
from diarspk.verification.gallery.identification import Candidate, Identification, Match, Person
from diarspk.verification.gallery.opening import create_gallery, open_gallery

__all__ = [
    "Candidate",
    "Gallery",
    "Identification",
    "Match",
    "Person",
    "create_gallery",
    "open_gallery",
]
