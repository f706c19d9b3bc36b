import pickle

import pytest

from diarspk import errors


def test_every_error_has_one_base() -> None:
    public = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(kind, (errors.DiarspkError, errors.DiarspkWarning)) for kind in public)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in public)


def test_an_argument_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        raise errors.ArgumentError("`seconds` must be positive, got 0")


@pytest.mark.parametrize(
    ("line", "text"), [(3, "a.rttm:3: four fields"), (None, "a.rttm: four fields")]
)
def test_a_format_error_names_its_place_also_after_pickling(line: int | None, text: str) -> None:
    error = errors.FormatError("four fields", "a.rttm", line)
    assert str(error) == text
    assert str(pickle.loads(pickle.dumps(error))) == text
