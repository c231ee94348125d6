"""One request to a server that speaks OpenAI's chat completions, as Ollama, llama.cpp and vLLM do.

https://platform.openai.com/docs/api-reference/chat/create - only what all of them know is sent: model, messages,
temperature, max_tokens, and a JSON schema as `response_format`. A server that refuses the schema (400, 422) is asked
once more without it; the instructions tell the schema in any case. What comes back is a stranger's text: it has an end
in time and size, and is read as one JSON object or not at all.
"""

from __future__ import annotations

import json
import re
import urllib.request
from dataclasses import dataclass
from typing import Any, Literal

from alerts.http import Answer as HttpAnswer
from alerts.http import WireError, exchange
from monitor.settings.models import Assistant as Settings
from monitor.timeouts import Overran, within

LONGEST = 1_000_000  # bytes of an answer with everything around it
MOST_TOKENS = 3_000  # of one answer: the longest text that is translated, also where a word is many of them
_TEMPERATURE = 0.2  # the same question gives nearly the same answer; asked again on purpose, another
_REFUSED_SCHEMA = frozenset({400, 422})
# llama.cpp refuses schemas whose bounds unroll into too many rules (ggml-org/llama.cpp#17473); we check them ourselves.
_BOUNDS = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "pattern", "format", "default", "title", "description"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
)
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)

Fault = Literal["unreachable", "slow", "refused", "unusable"]


class NoAnswer(Exception):
    """Nothing usable came. `left`: the request was on its way, so it may have cost something. Names no address."""

    def __init__(self, fault: Fault, reason: str, *, left: bool = True) -> None:
        super().__init__(reason)
        self.fault: Fault = fault
        self.reason = reason
        self.left = left


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model said: one JSON object, and the tokens that the server counted (0 where it counts none)."""

    said: dict[str, Any]
    tokens: int


def complete(
    settings: Settings, name: str, system: str, user: str, schema: dict[str, Any], *, again: int = 0
) -> Completion:
    """Ask once. Raises NoAnswer: dead, slow, refusing, or answering with something else than one JSON object."""
    body: dict[str, Any] = {
        "model": settings.model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
        "temperature": min(_TEMPERATURE + 0.3 * again, 1.0),
        "max_tokens": MOST_TOKENS,
        "stream": False,
    }
    told = {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": unbounded(schema)}}
    answer = _posted(settings, {**body, "response_format": told})
    if answer.status in _REFUSED_SCHEMA:
        answer = _posted(settings, body)
    if answer.status != 200:
        raise NoAnswer("refused", _refusal(answer.status))
    return _read(answer.body)


def unbounded(schema: Any) -> Any:
    """A schema without the bounds that servers differ about, and without words for people."""
    if isinstance(schema, list):
        return [unbounded(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in _BOUNDS or not _is_bound(value)}
    return {
        key: {name: unbounded(each) for name, each in value.items()}
        if key in {"properties", "$defs"} and isinstance(value, dict)
        else unbounded(value)
        for key, value in kept.items()
    }


def _is_bound(value: object) -> bool:
    """A property may be called `title`, too: its value is a schema and not a word."""
    return not isinstance(value, dict)


def models(settings: Settings) -> list[str]:
    """The names of the models that the server lists; costs nothing. Raises NoAnswer.

    https://platform.openai.com/docs/api-reference/models/list
    """
    answer = _exchanged(settings, "models", None)
    if answer.status != 200:
        raise NoAnswer("refused", _refusal(answer.status))
    try:
        return [str(each["id"]) for each in json.loads(answer.body)["data"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NoAnswer("unusable", "its answer is not a list of models; check address under [assistant]") from None


def _posted(settings: Settings, body: dict[str, Any]) -> HttpAnswer:
    return _exchanged(settings, "chat/completions", json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))


def _exchanged(settings: Settings, path: str, data: bytes | None) -> HttpAnswer:
    """One request under a total deadline: a GET without `data`."""
    headers = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json", "User-Agent": "Earful"}
    if settings.key is not None:
        headers["Authorization"] = f"Bearer {settings.key.get_secret_value()}"
    seconds = settings.deadline.total_seconds()
    request = urllib.request.Request(f"{settings.address.rstrip('/')}/{path}", data, headers)  # noqa: S310
    try:
        # The exchange has an end of its own; looking up a name has none.
        return within(seconds + 2, lambda: exchange(request, seconds, cap=LONGEST), "assistant")
    except Overran:
        raise NoAnswer("slow", f"no answer within {seconds:g} seconds") from None
    except WireError as error:
        fault: Fault = "slow" if "within" in error.reason else "unreachable"
        fault = "unusable" if "too long" in error.reason else fault
        raise NoAnswer(fault, error.reason, left=error.left) from None


def _refusal(status: int) -> str:
    if status in {401, 403}:
        return f"it refused the key ({status}); check key under [assistant]"
    if status == 404:
        return "it knows no such model or address (404); check model and address under [assistant]"
    if status == 429:
        return "it is busy or its quota is used up (429)"
    if status in {400, 413, 422}:
        return f"it answered {status}; the text may be longer than the model can read"
    if 300 <= status < 400:
        return f"it redirects elsewhere ({status}); write that address under [assistant]"
    return f"it answered {status}"


def _read(body: bytes) -> Completion:
    try:
        document = json.loads(body)
        choice = document["choices"][0]
        text = choice["message"]["content"]
        if not isinstance(text, str):
            raise TypeError
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise NoAnswer("unusable", "its answer is not a chat completion; check address under [assistant]") from None
    if choice.get("finish_reason") == "length":
        raise NoAnswer("unusable", "its answer was cut off: too long")
    usage = document.get("usage")
    tokens = usage.get("total_tokens") if isinstance(usage, dict) else 0
    return Completion(_object(text), tokens if isinstance(tokens, int) and 0 <= tokens < 10**9 else 0)


def _object(text: str) -> dict[str, Any]:
    """The one JSON object that a text is; thoughts before it and a fence around it are taken away."""
    text = _THOUGHT.sub("", text, count=1)
    fenced = _FENCE.match(text)
    try:
        said = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        raise NoAnswer("unusable", "its answer is not JSON") from None
    if not isinstance(said, dict):
        raise NoAnswer("unusable", "its answer is not a JSON object")
    return said
