"""Gallery of people who are enrolled by voice, on disk.

::

    gallery = create_gallery("people", encoder.space)
    gallery.enroll("alice", encoder.embed("alice.wav"), fingerprint=encoder.fingerprint)
    gallery.identify(encoder.embed("unknown.wav"), fingerprint=encoder.fingerprint).speaker

A gallery is an SQLite database: an acknowledged enrolment survives ``kill -9`` and a power cut,
readers never wait for a writer, and a thousand enrolments take a second. From 10,000 entries on,
:meth:`Gallery.build_index` adds an approximate index, whose candidates are compared exactly; later
enrolments are searched as well.
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
