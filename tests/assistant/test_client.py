"""What is asked of a server, in words that all of them know."""

from __future__ import annotations

from pydantic import BaseModel, Field

from monitor.assistant.client import unbounded


class Line(BaseModel, extra="forbid"):
    """Words for people."""

    title: str = Field(max_length=3000, description="a property with the name of a word about schemas")
    count: int = Field(ge=0, le=9)


class Page(BaseModel, extra="forbid"):
    lines: list[Line] = Field(max_length=4000, min_length=1)


def test_a_schema_loses_its_bounds_and_keeps_its_shape() -> None:
    assert unbounded(Page.model_json_schema()) == {
        "$defs": {
            "Line": {
                "additionalProperties": False,
                "properties": {"title": {"type": "string"}, "count": {"type": "integer"}},
                "required": ["title", "count"],
                "type": "object",
            }
        },
        "additionalProperties": False,
        "properties": {"lines": {"items": {"$ref": "#/$defs/Line"}, "type": "array"}},
        "required": ["lines"],
        "type": "object",
    }
