"""
Check bodies against Discord's published OpenAPI document, where it is present.

The document is not part of this repository. Where it, or the package jsonschema,
is missing, `find_schemas()` says so and the stand-ins rely on their own rules.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any, Final

from .server import Violation

_REPOSITORY: Final = Path(__file__).resolve().parents[3]
_DOCUMENT: Final = _REPOSITORY.parent / "shared" / "data" / "discord-openapi.json"
_NAME: Final = "urn:discord"


@functools.cache
def missing() -> str | None:
    """Say in one line why bodies are not checked against the document; None if they are."""
    if not _DOCUMENT.is_file():
        return "discord-openapi.json is not there: the stand-ins check requests by their own rules only"
    if importlib.util.find_spec("jsonschema") is None:
        return "jsonschema is not installed: the stand-ins check requests by their own rules only"
    return None


def check_body(body: object, *, path: str, method: str) -> None:
    """Raise `Violation` where *body* does not fit what the document says of *path* and *method*."""
    if missing() is None:
        error = next(_validator(path, method).iter_errors(body), None)
        if error is not None:
            raise Violation(f"OpenAPI: {error.message[:200]} at {error.json_path}")


@functools.cache
def _validator(path: str, method: str) -> Any:
    jsonschema: Any = importlib.import_module("jsonschema")
    referencing: Any = importlib.import_module("referencing.jsonschema")
    document = _document()
    schema = document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    absolute = json.loads(json.dumps(schema).replace('"#/', f'"{_NAME}#/'))
    resource = referencing.DRAFT202012.create_resource(document)
    registry = referencing.EMPTY_REGISTRY.with_resource(_NAME, resource)
    return jsonschema.Draft202012Validator(absolute, registry=registry)


@functools.cache
def _document() -> Any:
    return json.loads(_DOCUMENT.read_bytes())
