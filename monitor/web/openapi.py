"""What each call of the API takes: said once, read by it, and told to others as an OpenAPI 3.1 document.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NoReturn

from starlette.responses import Response

from connectors.text import clean
from monitor.settings.models import EARLIEST, LATEST
from monitor.web.identity import Refusal, Role
from monitor.web.routing import RequestContext, get, post

BASE = "/api/v1"
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter of the address, or a key of the body. `most` is a length for texts and a value for numbers."""

    name: str
    about: str
    kind: Literal["text", "choice", "time", "whole", "yes"] = "text"
    choices: tuple[str, ...] = ()
    most: int = 300
    least: int = 0
    default: Any = None
    needed: bool = False

    def read(self, given: object) -> Any:
        """The value, sound; Refusal (400) says what was found wrong. Texts lose what no database keeps."""
        if self.kind == "whole":
            return self._whole(given)
        if self.kind == "yes":
            if not isinstance(given, (bool, str)) or given not in {True, False, "true", "false"}:
                self._wrong("write true or false")
            return given in {True, "true"}
        if not isinstance(given, str):
            self._wrong("write a text")
        if self.kind == "choice":
            return given if given in self.choices else self._wrong(f"write one of {', '.join(self.choices)}")
        if self.kind == "time":
            return self._time(given)
        if len(given) > self.most:
            self._wrong(f"at most {self.most} characters")
        return clean(given).strip()

    def _whole(self, given: object) -> int:
        number = int(given) if isinstance(given, str) and _WHOLE.fullmatch(given) else given
        if isinstance(number, bool) or not isinstance(number, int) or not self.least <= number <= self.most:
            self._wrong(f"write a whole number from {self.least} to {self.most}")
        return number

    def _time(self, given: str) -> datetime:
        try:
            moment = datetime.fromisoformat(given.strip())
            moment = moment.astimezone(UTC) if moment.tzinfo else self._wrong("a time needs its zone")
        except (ValueError, OverflowError):
            self._wrong("write a time with its zone, such as 2026-11-30T09:00:00Z")
        return moment if EARLIEST <= moment < LATEST else self._wrong("write a time between 2000 and 2100")

    def _wrong(self, advice: str) -> NoReturn:
        raise Refusal(400, "Invalid request", f"{self.name}: {advice}")

    def schema(self) -> dict[str, Any]:
        """The same for others, as JSON schema."""
        kinds: dict[str, dict[str, Any]] = {
            "text": {"type": "string", "maxLength": self.most},
            "choice": {"type": "string", "enum": list(self.choices)},
            "time": {"type": "string", "format": "date-time"},
            "whole": {"type": "integer", "minimum": self.least, "maximum": self.most},
            "yes": {"type": "boolean"},
        }
        return kinds[self.kind] | ({"default": self.default} if self.default is not None else {})


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: its address, who may make it, what it takes in the address and in the body, what it gives."""

    method: str
    path: str
    name: str
    about: str
    role: Role
    takes: tuple[Field, ...]
    body: tuple[Field, ...]
    gives: Mapping[str, Any]


OPERATIONS: list[Operation] = []
Answer = Callable[[RequestContext, dict[str, Any]], Any]


def operation(
    method: Literal["GET", "POST"],
    path: str,
    about: str,
    *,
    role: Role,
    takes: Sequence[Field] = (),
    body: Sequence[Field] = (),
    gives: Mapping[str, Any] | None = None,
) -> Callable[[Answer], Answer]:
    """Serve a call; its function is given the values by name (None where one was left out) and returns JSON."""

    def keep(answer: Answer) -> Answer:
        made = Operation(
            method, path, answer.__name__, about, role, tuple(takes), tuple(body), gives or {"type": "object"}
        )
        OPERATIONS.append(made)

        def handle(context: RequestContext) -> Response:
            values = _values(made, context)
            return as_json(answer(context, values))

        (get if method == "GET" else post)(BASE + path, role, "api")(handle)
        return answer

    return keep


def as_json(value: Any) -> Response:
    """An answer that nobody keeps; every character that is not ASCII is escaped, so that any text can travel."""
    return Response(
        json.dumps(value, separators=(",", ":")), media_type="application/json", headers={"cache-control": "no-store"}
    )


def _values(made: Operation, context: RequestContext) -> dict[str, Any]:
    given: list[tuple[str, object]] = list(context.request.query_params.multi_items())
    _read_names(made.takes, [name for name, _ in given])
    values = _read(made.takes, dict(given))
    if made.method == "POST":
        sent = _body(context)
        _read_names(made.body, list(sent))
        values |= _read(made.body, sent)
    return values


def _read_names(fields: Sequence[Field], names: Sequence[str]) -> None:
    known = {field.name for field in fields}
    for name in names:
        if name not in known:
            raise Refusal(400, "Unknown parameter", f"write one of: {', '.join(sorted(known)) or 'nothing'}")
    if len(set(names)) < len(names):
        raise Refusal(400, "Invalid request", "give each parameter only once")


def _read(fields: Sequence[Field], given: Mapping[str, object]) -> dict[str, Any]:
    values = {}
    for field in fields:
        if given.get(field.name) is None or given[field.name] == "":
            if field.needed:
                raise Refusal(400, "Something is missing", f"{field.name}: {field.about}")
            values[field.name] = field.default
        else:
            values[field.name] = field.read(given[field.name])
    return values


def _body(context: RequestContext) -> dict[str, object]:
    kind = context.request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind != "application/json":
        raise Refusal(415, "Send JSON", "content-type: application/json")
    try:
        found = json.loads(context.form.body)
    except (ValueError, RecursionError):
        raise Refusal(400, "Not valid JSON") from None
    if not isinstance(found, dict):
        raise Refusal(400, "Send one JSON object")
    return found


_REFUSED = {
    "description": "Nothing was done; detail says why",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refused"}}},
}


def document(version: str) -> dict[str, Any]:
    """The description of every call, from the same table that reads them."""
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        names = re.findall(r"\{([a-z]+)\}", each.path)
        parameters: list[dict[str, Any]] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in names
        ]
        parameters += [
            {"name": field.name, "in": "query", "required": field.needed, "description": field.about,
             "schema": field.schema()}
            for field in each.takes
        ]  # fmt: skip
        told: dict[str, Any] = {
            "operationId": each.name,
            "summary": each.about,
            "description": f"For the role {each.role} and above.",
            "parameters": parameters,
            "responses": {
                "200": {"description": "Done", "content": {"application/json": {"schema": each.gives}}},
                **dict.fromkeys(("400", "401", "403", "503"), _REFUSED),
                **({"404": _REFUSED} if names else {}),
                **(dict.fromkeys(("409", "413", "415"), _REFUSED) if each.method == "POST" else {}),
            },
        }
        if each.method == "POST":
            told["parameters"].append(
                {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"},
                 "description": "With the same key and token, a request is carried out only once."}
            )  # fmt: skip
            told["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(each.body)}}}
        paths.setdefault(BASE + each.path, {})[each.method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {"title": "Earful", "version": version, "description": "Complaints about your brands, and who has "
                 "answered them. Nothing here posts anything in public."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Refused": {
                    "type": "object",
                    "required": ["error", "detail"],
                    "properties": {"error": {"type": "string"}, "detail": {"type": "string"}},
                }
            },
        },
    }  # fmt: skip


def _schema(fields: Sequence[Field]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in fields if field.needed],
        "properties": {field.name: {**field.schema(), "description": field.about} for field in fields},
    }
