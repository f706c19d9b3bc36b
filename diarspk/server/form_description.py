"""OpenAPI descriptions of forms that the routes read themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

__all__ = ["form_of", "json_or_form_of"]


def form_of(
    fields: type[BaseModel] | None, files: Sequence[str], required: Sequence[str] = ()
) -> dict[str, Any]:
    """Describe a form with files, and with the fields of a model."""
    return _body({"multipart/form-data": {"schema": _schema(fields, files, required)}})


def json_or_form_of(fields: type[BaseModel]) -> dict[str, Any]:
    """Describe a body that is a model in JSON, or a form of its fields with a ``file``."""
    return _body(
        {
            "application/json": {"schema": _schema(fields, (), ())},
            "multipart/form-data": {"schema": _schema(fields, ("file",), ("file",))},
        }
    )


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


def _schema(
    fields: type[BaseModel] | None, files: Sequence[str], required: Sequence[str]
) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    if fields is not None:
        schema = fields.model_json_schema(by_alias=True)
        schema.setdefault("properties", {})
    for name in files:
        schema["properties"][name] = {"type": "string", "format": "binary"}
    wanted = [*schema.get("required", []), *required]
    return schema | ({"required": wanted} if wanted else {})
