"""Pages that want proof that a person is reading: what stands in front of a site, told by its headers and words."""

from __future__ import annotations

import re
from collections.abc import Mapping

REMEDY = (
    "The site only lets browsers in, and no key helps. Ask its owner to allow this reader (by its address, or "
    'its name "earful"), or read the same posts from another address.'
)
_LOOKED_AT = 20_000  # bytes of a page

# name -> header, and what its value begins with
_HEADERS = (
    ("Cloudflare", "cf-mitigated", ""),
    ("DataDome", "x-datadome", ""),
    ("Vercel", "x-vercel-mitigated", "challenge"),
    ("AWS WAF", "x-amzn-waf-action", ""),
    ("Imperva", "x-iinfo", ""),
)
_PAGES = re.compile(
    r"(?P<Cloudflare>just a moment\.\.\.|attention required! \| cloudflare|cf-chl-|cdn-cgi/challenge-platform"
    r"|checking your browser before accessing)"
    r"|(?P<Anubis>making sure you(?:'|&#39;|\u2019)re not a bot)"
    r"|(?P<DDoS_Guard>ddos-guard)"
    r"|(?P<Imperva>incapsula incident|_incapsula_resource)"
    r"|(?P<Sucuri>sucuri website firewall)"
    r"|(?P<PerimeterX>px-captcha)"
    r"|(?P<DataDome>captcha-delivery\.com)"
    r"|(?P<Vercel>vercel security checkpoint)"
    r"|(?P<a_captcha>g-recaptcha|h-captcha|hcaptcha\.com|are you a robot|verify (?:that )?you are (?:a )?human"
    r"|enable javascript and cookies to continue)",
    re.IGNORECASE,
)


def guard_of(headers: Mapping[str, str], body: bytes) -> str:
    """Name what asks for proof of a person, or "" if nothing does. `headers` have lower-case keys."""
    for name, header, value in _HEADERS:
        if header in headers and headers[header].lower().startswith(value):
            return name
    if b"<" not in body[:200]:
        return ""
    found = _PAGES.search(body[:_LOOKED_AT].decode("utf-8", "replace"))
    return (found.lastgroup or "").replace("_", " ") if found else ""
