"""A server on loopback that speaks OpenAI's chat completions and says what a test has scripted.

    with FakeServer() as server:
        model = FakeModel(server, says={"sentences": ["Hallo"]})
        ...
        model.asked[0].user                            # what it was given to read

`says` is what the model says: a dict (as JSON), a text as it is, a whole Reply, or a function of what was asked. With
`schemas=False` it refuses `response_format` with 400, as llama.cpp does where it can't make a grammar of a schema.
Everything else that a server can do wrong is the server's `mode` (tests/fakes/server.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.server import FakeServer, Reply, Seen

PATH = "/v1/chat/completions"


@dataclass(frozen=True)
class Asked:
    """One question as it arrived."""

    system: str
    user: str
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def whole(self) -> str:
        """Everything that the server was given to read."""
        return f"{self.system}\n{self.user}"

    def block(self, name: str) -> str:
        """The text of one block of the data."""
        _, _, rest = self.user.partition(f"BEGIN {name} ")
        mark, _, text = rest.partition("\n")
        return text.partition(f"\nEND {name} {mark}")[0]


Says = dict[str, Any] | str | Reply | Callable[[Asked], Any]


class FakeModel:
    """The model behind the server; `says` may be changed at any time."""

    def __init__(self, server: FakeServer, says: Says = "", *, schemas: bool = True) -> None:
        self.says = says
        self.schemas = schemas
        self.asked: list[Asked] = []
        self.address = f"{server.url}/v1"
        server.route(PATH, self._answer)

    def settings(self, more: str = "") -> str:
        """The [assistant] table that leads here."""
        return f'\n[assistant]\naddress = "{self.address}"\nmodel = "scripted"\n{more}\n'

    def _answer(self, seen: Seen) -> Reply:
        system, user = (each["content"] for each in seen.json["messages"])
        asked = Asked(system, user, seen.json, seen.headers)
        self.asked.append(asked)
        if "response_format" in seen.json and not self.schemas:
            return Reply(400, json={"error": {"code": 400, "message": "failed to parse grammar"}})
        said = self.says(asked) if callable(self.says) else self.says
        return said if isinstance(said, Reply) else Reply(json=completion(said))


def completion(said: Any, finish: str = "stop") -> dict[str, Any]:
    """An answer in the shape of https://platform.openai.com/docs/api-reference/chat/object."""
    content = said if isinstance(said, str) else json.dumps(said)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_772_618_400,
        "model": "scripted",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100},
    }
