"""The settings of mail, and addresses as SMTP and the headers of a mail take them."""

from __future__ import annotations

import ipaddress
import re
from email.headerregistry import Address
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from alerts.wording import clean_line

_HEADER = 200  # characters of a subject; what is longer no list of mails shows
HEADER_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^\s\x00-\x1f@<>,;:\"()\[\]\\]{1,250}")


class Settings(BaseModel):
    """[[channels]] of kind "email"."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = Field(description="The outgoing mail server, for example smtp.example.org.")
    port: int = Field(default=587, ge=1, le=65535, description="587 for starttls, 465 for tls, 25 for none.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted; nothing is sent if the server can't."
    )
    username: str = Field(default="", description="The user name; empty: no login.")
    password: SecretStr = Field(default=SecretStr(""), description="The password; better, an app password.")
    sender: str = Field(description='The sender: "earful@example.org" or "Earful <earful@example.org>".')
    ca_file: Path | None = Field(
        default=None, description="A PEM file of certificates to trust, in addition to the system's."
    )
    timeout: float = Field(default=30.0, gt=0, le=300, description="Time limit in seconds for one mail.")

    @field_validator("sender")
    @classmethod
    def _sender_is_an_address(cls, text: str) -> str:
        sender_of(text)
        return text

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> Settings:
        if self.username and self.security == "none" and not _is_loopback(self.host):
            raise ValueError(
                'with a username, write security = "starttls" or "tls"; otherwise the password is sent unencrypted'
            )
        if self.username and not self.password.get_secret_value():
            raise ValueError("a username needs a password")
        return self


def header(text: str) -> str:
    """One line that a header takes, whatever somebody wrote."""
    return clean_line(HEADER_UNWANTED.sub(" ", text))[:_HEADER].rstrip() or "Earful"


def sender_of(text: str) -> Address:
    """Read "a@b" or "Name <a@b>"."""
    found = re.fullmatch(r"\s*(?:(?P<name>[^<>]*?)\s*<(?P<inner>[^<>]+)>|(?P<bare>\S+))\s*", text)
    address = (found["inner"] or found["bare"]) if found else ""
    if found is None or recipient_of(address) is None:
        raise ValueError('write an address such as "earful@example.org" or "Earful <earful@example.org>"')
    return Address(display_name=header(found["name"].strip('" ')) if found["name"] else "", addr_spec=address)


def recipient_of(target: str) -> str | None:
    """Return an address as SMTP takes it (its domain in ASCII), None if it is none."""
    if not _ADDRESS.fullmatch(target):
        return None
    local, _, domain = target.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
        Address(addr_spec=f"{local}@{ascii_domain}")
    except ValueError:  # UnicodeError is one
        return None
    return f"{local}@{ascii_domain}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() in {"localhost", "localhost.localdomain"}
