"""Live sessions in a ``with`` block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SessionContext"]


class SessionContext(ABC):
    """Session whose arrays are released at the end of a ``with`` block."""

    @abstractmethod
    def reset(self) -> None:
        """Begin another session with the same settings."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the session's arrays, so that a closed one takes no memory."""
        self.reset()
