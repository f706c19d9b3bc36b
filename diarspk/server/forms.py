"""Forms with recordings: their parts, checked, and open as long as the request lasts."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile

from diarspk.errors import ArgumentError
from diarspk.server.limited_audio import NamedFile

__all__ = ["Form", "open_form", "read_data_url", "read_json", "validated"]

MAX_FILES = 20
MAX_FIELDS = 60
MAX_FIELD_BYTES = 8 << 20
"""Largest field that is no file; a data URL with a voice of some seconds is one."""
MAX_JSON_BYTES = 4 << 20

Model = TypeVar("Model", bound=BaseModel)


class Form:
    """Parts of a form by name."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def files(self, *names: str) -> list[NamedFile]:
        """Files of parts with one of these names, in order."""
        return [
            NamedFile(part.file, part.filename)
            for name, part in self._data.multi_items()
            if name in names and isinstance(part, UploadFile)
        ]

    def file(self, name: str) -> NamedFile:
        """Find the one file of this name; see :meth:`part`."""
        part = self.part(name)
        return NamedFile(part.file, part.filename)

    def part(self, name: str) -> UploadFile:
        """Find the one part of this name that is a file.

        Raises
        ------
        ArgumentError
            If there is none, or several.
        """
        parts = self._data.getlist(name)
        files = [part for part in parts if isinstance(part, UploadFile)]
        if len(files) != 1:
            raise ArgumentError(f"`{name}` must be one file of the form, got {len(files)}")
        return files[0]

    def texts(self, name: str) -> list[str]:
        """Texts of parts called ``name`` or ``name[]``, in order."""
        return [
            part
            for key, part in self._data.multi_items()
            if key in {name, f"{name}[]"} and isinstance(part, str)
        ]

    def fields(self, kind: type[BaseModel]) -> dict[str, Any]:
        """Fields that a model has: a list where it wants several, JSON where it wants objects."""
        found: dict[str, Any] = {}
        for name, field in kind.model_fields.items():
            key, wanted = field.alias or name, str(field.annotation)
            texts = self.texts(key)
            if texts and "list[str]" in wanted:
                found[key] = texts
            elif texts:
                found[key] = texts[-1] if "str" in wanted else _structured(texts[-1])
        return found


@asynccontextmanager
async def open_form(request: Request) -> AsyncIterator[Form]:
    """Read the form of a request; its files go when the request ends.

    They never have a name in the file system, so that nothing of them is left, whatever happens.

    Raises
    ------
    ArgumentError
        If the request has no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise ArgumentError("`Content-Type` must be multipart/form-data, with the recording")
    async with request.form(
        max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
    ) as data:
        yield Form(data)


def validated(kind: type[Model], values: Any) -> Model:
    """Make a model of what a client sent.

    Raises
    ------
    RequestValidationError
        With the field, in the way of FastAPI.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from None


async def read_json(request: Request) -> Any:
    """Read a body of JSON, of bounded size.

    Raises
    ------
    ArgumentError
        If it is none.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise ArgumentError(f"the body must be of {MAX_JSON_BYTES} bytes at most")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ArgumentError("the body must be JSON, or a form with the recording") from None


def read_data_url(url: str, name: str) -> BinaryIO:
    """Read the bytes of a ``data:`` URL in base64.

    Raises
    ------
    ArgumentError
        If it is none.
    """
    head, comma, content = url.partition(",")
    if head[:5].lower() != "data:" or not comma or not head.lower().endswith(";base64"):
        raise ArgumentError(f"`{name}` must be URLs that begin with data:audio/...;base64,")
    try:
        return io.BytesIO(base64.b64decode(content, validate=True))
    except (binascii.Error, ValueError):
        raise ArgumentError(f"`{name}` must hold base64 after the comma; it is damaged") from None


def _structured(text: str) -> Any:
    """Objects and lists as JSON; pydantic reads numbers and truth values off their text."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
