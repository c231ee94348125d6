"""The examples of a proxy before the page: they lead to where it listens, and no stranger's word about who they are."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import Any

import pytest

from monitor.settings.models import Earful
from monitor.web.security import FORWARDED
from tests.house.reading import ROOT

# By which proxies tell the program behind them who somebody is: oauth2-proxy, Authelia, authentik, Apache, nginx.
IDENTITY = {
    "remote-user", "remote-email", "remote-name", "remote-groups", "x-remote-user", "x-forwarded-user",
    "x-forwarded-email", "x-forwarded-preferred-username", "x-forwarded-groups", "x-auth-request-user",
    "x-auth-request-email", "x-auth-request-groups",
}  # fmt: skip
WORDS = re.compile(r"""\s*(?:\#[^\n]*|("(?:[^"\\]|\\.)*"|[{};]|(?:[^\s{};"]|\{\w+\})+))""")


def nginx(text: str) -> list[Any]:
    """The directives of a file as nginx reads them: (words, block or None)."""
    words = [found[1] for found in WORDS.finditer(text) if found[1]]

    def block(at: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        said: list[str] = []
        while at < len(words) and words[at] != "}":
            word, at = words[at], at + 1
            if word == ";":
                found.append((said, None))
                said = []
            elif word == "{":
                inside, at = block(at)
                found.append((said, inside))
                said = []
            else:
                said.append(word.strip('"'))
        assert not said, f"not ended: {said}"
        return found, at + 1

    return block(0)[0]


def caddy(text: str) -> list[Any]:
    """The same of a Caddyfile: a line is a directive, a brace at its end opens a block."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]

    def block() -> list[Any]:
        found: list[Any] = []
        while lines:
            line = lines.pop(0)
            if line == "}":
                return found
            if line:
                opens = line.endswith(" {")
                found.append((shlex.split(line.removesuffix(" {")), block() if opens else None))
        return found

    return block()


def inside(found: list[Any], *path: str) -> list[Any]:
    """The block below these words, one level a word."""
    for step in path:
        (found,) = [each for said, each in found if " ".join(said) == step and each is not None]
    return found


def headers_of_nginx() -> dict[str, str]:
    site = [each for said, each in nginx((ROOT / "deploy/nginx.conf").read_text("utf-8")) if said == ["server"]][-1]
    place = inside(site, "location /")
    return {said[1].lower(): said[2] for said, _ in place if said[0] == "proxy_set_header"}


def headers_of_caddy() -> dict[str, str]:
    site = inside(caddy((ROOT / "deploy/Caddyfile").read_text("utf-8")), "care.example.org")
    place = inside(site, "reverse_proxy 127.0.0.1:8321")
    said = [words for words, _ in place if words[0] == "header_up"]
    return {words[1].lower().lstrip("-"): words[2] if len(words) > 2 else "" for words in said}


@pytest.mark.parametrize("headers", [headers_of_nginx, headers_of_caddy])
def test_what_a_stranger_says_of_who_they_are_is_taken_away(headers: Any) -> None:
    sent = headers()
    assert {name for name in IDENTITY if sent.get(name) != ""} == set()
    ours = {
        str(field.default).lower()
        for name, field in Earful.model_fields.items()
        if "header" in name and isinstance(field.default, str) and field.default
    }
    assert {name for name in ours if sent.get(name) != ""} == set(), "a header that Earful may be told to believe"


@pytest.mark.parametrize("headers", [headers_of_nginx, headers_of_caddy])
def test_where_somebody_comes_from_is_what_the_proxy_sees(headers: Any) -> None:
    """Replaced and not appended to: of what a stranger wrote at its beginning nothing is left."""
    sent = headers()
    assert sent["x-forwarded-for"] in {"$remote_addr", "{remote_host}"}
    kept = {name for name in FORWARDED if name not in sent} - {"via"}
    assert kept == set(), "headers that Earful takes for a proxy's, and the proxy hands on"


def test_they_lead_to_where_the_page_listens_and_speak_tls() -> None:
    listens = Earful().page_listen
    text = nginx((ROOT / "deploy/nginx.conf").read_text("utf-8"))
    plain, secure = (each for said, each in text if said == ["server"])
    assert [said for said, _ in plain if said[0] == "return"] == [
        ["return", "301", "https://care.example.org$request_uri"]
    ]
    assert all("ssl" in said for said, _ in secure if said[0] == "listen")
    assert [f"http://{listens}"] == [said[1] for said, _ in inside(secure, "location /") if said[0] == "proxy_pass"]
    assert (["return", "404"], None) in inside(secure, "location = /metrics")
    site = inside(caddy((ROOT / "deploy/Caddyfile").read_text("utf-8")), "care.example.org")
    assert (["respond", "/metrics", "404"], None) in site
    assert inside(site, f"reverse_proxy {listens}")


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_the_settings_that_go_with_them_load(name: str) -> None:
    text = (ROOT / "deploy" / name).read_text("utf-8")
    written = tomllib.loads("\n".join(re.findall(r"^#   (.*)$", text, re.MULTILINE)))
    settings = Earful.model_validate(written["earful"])
    assert settings.page_url == "https://care.example.org"
    assert settings.trusted_proxies == ("127.0.0.1/32",)
