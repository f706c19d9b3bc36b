"""People who are known by voice, kept on disk, found again in any recording.

::

    gallery = create_gallery("people", encoder.space)
    gallery.enroll("alice", encoder.embed("alice.wav"), fingerprint=encoder.fingerprint)
    gallery.identify(encoder.embed("unknown.wav"), fingerprint=encoder.fingerprint).speaker

A gallery is an SQLite database, so an acknowledged enrolment survives ``kill -9`` and a power cut,
readers never wait for a writer, and a thousand enrolments take a second. From 10,000 entries on,
:meth:`Gallery.build_index` puts an approximate index beside it; the index only proposes entries,
which are then compared exactly, and what was enrolled later is searched as well.
"""

from diarspk.verification.gallery.entries import Candidate, Identification, Match, Person
from diarspk.verification.gallery.gallery import Gallery
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
