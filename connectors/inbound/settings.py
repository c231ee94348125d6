"""The settings of a source of kind "inbound", and what follows from them: the proof and the form of what comes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from connectors.inbound.mapping import Getter, Unfit, compiled
from connectors.inbound.presets import FIELDS, PRESETS, Preset
from connectors.inbound.proof import Proof

SHORTEST = 16  # characters of a secret


class Settings(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """A source of kind "inbound": posts that others send to /in/NAME of the web page, or put into a folder."""

    secret: SecretStr | None = Field(None, description="signs each body; shared with whoever sends")
    token: SecretStr | None = Field(None, description="for senders that can't sign: Authorization: Bearer TOKEN")
    folder: Path | None = Field(None, description="also read CSV and JSON files that are moved into this folder")
    preset: Literal["posts", "survey", "typeform", "trustpilot", "discourse", "github"] = Field(
        "posts", description="how the posts are written"
    )
    each: str = Field("", description="JMESPath to the posts of a body, if they are inside it")
    fields: dict[str, str] = Field({}, description="JMESPath to a post's values, where the preset's are not the right")

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.secret is None and self.token is None and self.folder is None:
            raise ValueError("write a secret, a token or a folder: else nobody can bring anything")
        for name, value in (("secret", self.secret), ("token", self.token)):
            if value is not None and len(value.get_secret_value()) < SHORTEST:
                raise ValueError(f"{name} is too short; write at least {SHORTEST} characters (openssl rand -hex 32)")
        if self.secret is not None and not self.shape.signed:
            raise ValueError(f"{self.preset} can't sign: write a token instead of the secret")
        unknown = [name for name in self.fields if name not in FIELDS]
        if unknown:
            raise ValueError(f"fields.{unknown[0][:40]} is not known; the fields are {', '.join(FIELDS)}")
        for name, expression in {"each": self.each, **self.fields}.items():
            try:
                compiled(expression or "@")
            except Unfit as error:
                raise ValueError(f"{name if name == 'each' else f'fields.{name}'}: {error}") from None
        return self

    @property
    def shape(self) -> Preset:
        """The preset."""
        return PRESETS[self.preset]

    @cached_property
    def proof(self) -> Proof:
        """What is demanded of whoever sends."""
        secret, token = (each.get_secret_value() if each is not None else "" for each in (self.secret, self.token))
        return Proof(self.shape.scheme, secret, token)

    @cached_property
    def each_of(self) -> Getter | None:
        """What gives the posts of a document; None where the document is one, or a list of them."""
        expression = self.each or self.shape.each
        return compiled(expression) if expression else None

    @cached_property
    def getters(self) -> Mapping[str, Getter]:
        """What gives each value of a post."""
        written: Mapping[str, Any] = {**self.shape.fields, **self.fields}
        return {**self.shape.plain, **{name: compiled(expression) for name, expression in written.items()}}
