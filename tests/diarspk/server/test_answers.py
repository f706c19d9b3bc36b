"""What is told to a client of each error, and what is not."""

from __future__ import annotations

import errno
import json
import logging

import pytest
from pydantic import ValidationError

from diarspk.errors import ArgumentError, AudioError, ModelError
from diarspk.server.answers import describe_fault, describe_validation, error_answer, log_fault
from diarspk.server.job_requests import DiarizeRequest
from diarspk.server.limited_audio import RecordingTooLong
from diarspk.server.upload_store import UploadTooLarge
from diarspk.server.work_control import WorkCancelled, WorkTimedOut
from diarspk.server.worker_pool import PoolStopped, QueueFull


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ArgumentError("wrong"), 400),
        (AudioError("no audio"), 400),
        (ModelError("another space"), 400),
        (RecordingTooLong("long"), 413),
        (UploadTooLarge(), 413),
        (QueueFull(7), 429),
        (WorkCancelled(), 499),
        (PoolStopped(), 503),
        (MemoryError(), 503),
        (WorkTimedOut("late"), 504),
        (OSError(errno.ENOSPC, "No space left on device"), 507),
    ],
)
def test_every_expected_error_has_a_status_and_one_line(error: Exception, status: int) -> None:
    described = describe_fault(error)
    assert described is not None
    assert described[0] == status
    assert described[1].strip()


@pytest.mark.parametrize("error", [ZeroDivisionError(), OSError(errno.EACCES, "denied", "/secret")])
def test_a_fault_of_the_server_tells_nothing_of_it(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert describe_fault(error) is None
    with caplog.at_level(logging.ERROR):
        try:
            raise error
        except Exception as raised:
            log_fault(raised, "a request")
    (record,) = caplog.records
    assert "test_answers.py:" in record.getMessage()
    assert type(error).__name__ in record.getMessage()
    assert "secret" not in record.getMessage()


def test_a_message_is_one_line_of_bounded_length_that_utf_8_can_hold() -> None:
    answer = error_answer(400, "a\nb \udcff" + "x" * 1000)
    content = json.loads(bytes(answer.body))
    assert content["message"] == content["error"]["message"]
    assert content["message"].startswith(r"a b \xff")
    assert len(content["message"]) == 500


def test_a_validation_names_the_field_and_not_its_value() -> None:
    fault = {"loc": ("body", "numSpeakers"), "msg": "Input should be a number", "input": "secret"}
    assert describe_validation([fault]) == "`numSpeakers`: Input should be a number"
    for fields, told in (
        ({"numSpeakers": True}, "`numSpeakers`: Input should be a number, not true or false"),
        ({"minSpeakers": 3, "maxSpeakers": 2}, "`body`: minSpeakers must not be above maxSpeakers"),
    ):
        with pytest.raises(ValidationError) as refused:
            DiarizeRequest.model_validate(fields)
        assert describe_validation(refused.value.errors()) == told
    assert describe_validation([]) == "the request is not valid"
