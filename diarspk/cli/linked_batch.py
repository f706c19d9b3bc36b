"""``diarspk diarize --link``: common labels for the results of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diarspk.cli.batch_task import Task
from diarspk.cli.diarization_work import DiarizationWork
from diarspk.cli.linked_files import write_linked
from diarspk.cli.linking_work import DiarizedRecording, LinkingWork
from diarspk.cli.terminal import Failures
from diarspk.errors import ModelError

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk import SpeakerEncoder
    from diarspk.diarization.linking_criterion import LinkingCriterion

__all__ = ["LinkedBatch"]


@dataclass(frozen=True)
class LinkedBatch:
    """Linking of the results of a batch in the folder where they are.

    People with a name, of a gallery or by hand, keep it; labels of strangers become those of the
    people whom they are of, whatever they were before, so that it can be done again with more
    recordings.
    """

    work: DiarizationWork
    encoder: SpeakerEncoder
    criterion: LinkingCriterion

    @classmethod
    def prepare(cls, work: DiarizationWork) -> LinkedBatch:
        """Load the encoder, and find when two voices of it are one person.

        Raises
        ------
        ModelError
            If nobody knows that.
        """
        from diarspk.diarization.linking_criterion import default_criterion

        encoder = work.models.load_encoder()
        criterion = default_criterion(encoder.fingerprint)
        if criterion is None:
            raise ModelError(
                "--link: nothing is known of how alike recordings of one person are to this "
                "encoder; leave it out, and run `diarspk link --threshold COSINE` on the results"
            )
        return cls(work, encoder, criterion)

    def run(self, tasks: Sequence[Task], folder: Path, jobs: int, quiet: bool) -> int:
        """Link the results of tasks that are done.

        Returns
        -------
        int
            Number of results that could not be linked; they keep their labels.
        """
        failures = Failures()
        recordings = []
        for task in tasks:
            with failures.caught(task.target):
                recordings.append(_read(task))
        work = LinkingWork(self.work.models.load_encoder, self.work.reader, read_before=True)
        linked = work.link(recordings, self.encoder, self.criterion, jobs, quiet)
        targets = {one.file: one.file for one in linked.recordings}
        write_linked(linked.people, linked.recordings, targets, folder)
        return failures.count + linked.failed


def _read(task: Task) -> DiarizedRecording:
    """Read a result, in which labels of strangers are to be linked."""
    from diarspk.verification.gallery.names import is_generic

    annotation = _read_turns(task.target)
    strangers = frozenset(filter(is_generic, map(str, annotation.labels())))
    named = task.named
    return DiarizedRecording(named.name, task.target, annotation, named.recording, strangers)


def _read_turns(file: Path) -> Annotation:
    from pyannote.core import Annotation, Segment

    if file.suffix == ".json":
        from diarspk.transcripts.diarization_json import read_turn_items

        annotation = Annotation()
        for number, turn in enumerate(read_turn_items(str(file))[1]):
            annotation[Segment(turn.start, turn.end), number] = turn.speaker
        return annotation
    from diarspk.formats import read_rttm

    # A result holds one recording; none where nobody talks.
    return next(iter(read_rttm(file).values()), Annotation())
