"""What stands before every route: the Host that may be asked for, the headers of every answer, bounded bodies."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request

from monitor.settings.addresses import is_loopback
from monitor.settings.models import Settings
from monitor.web.forms import Form
from monitor.web.identity import Refusal

MOST_FIELDS = 2_000

# A page of ours loads only what we serve; nothing is framed, nothing is sniffed, no address leaves with a click.
# The referrer is "same-origin" and not "no-referrer", with which browsers send `Origin: null` from our own forms.
HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        b"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


def client_of(request: Request, settings: Settings) -> str:
    """The address of who really asks: a proxy is believed only where it stands in a network that settings name.

    Proxies append to X-Forwarded-For, so it is read from its end; what a stranger wrote at its beginning is not.
    """
    peer = request.client.host if request.client is not None else ""
    trusted = [ip_network(each) for each in settings.earful.trusted_proxies]
    if not trusted:
        return peer
    told = ",".join(request.headers.getlist("x-forwarded-for"))[-2000:]
    for each in (peer, *(part.strip() for part in reversed(told.split(",")))):
        try:
            address = ip_address(each)
        except ValueError:
            return peer
        peer = str(address)
        if not any(address in network for network in trusted):
            return peer
    return peer


def is_trusted(address: str, settings: Settings) -> bool:
    """Whether a proxy that settings trust asks."""
    try:
        asks = ip_address(address)
    except ValueError:
        return False
    return any(asks in ip_network(each) for each in settings.earful.trusted_proxies)


def same_client(address: str) -> str:
    """What an address is counted by: of IPv6 its /64, of which one household or server has all."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))


def listen_of(settings: Settings) -> tuple[str, int]:
    """(host, port) to listen on."""
    return parts_of(settings.earful.page_listen)


def parts_of(address: str) -> tuple[str, int]:
    """(host, port) of "HOST:PORT"."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def hosts_of(settings: Settings, port: int) -> frozenset[str]:
    """The values of the Host header that are ours: the page's address, and this machine's own names."""
    page = urlsplit(settings.earful.page_url)
    found = {page.netloc.lower(), (page.hostname or "").lower()}
    host, _ = listen_of(settings)
    names = ("127.0.0.1", "localhost", "[::1]")
    if is_loopback(page.hostname or ""):  # a container listens everywhere, and is published on this machine only
        found |= {f"{name}:{page.port}" if page.port else name for name in names}
    if is_loopback(host):
        found |= {f"{name}:{port}" for name in names}
    elif host not in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not listened on
        found.add(f"{host}:{port}")
    return frozenset(found)


def check_host(headers: Headers, hosts: frozenset[str], *, open_demo: bool) -> None:
    """Refuse a request for a host that is not ours, and any proxy before a page that asks for no login."""
    given = headers.getlist("host")
    if len(given) != 1 or given[0].lower() not in hosts:
        raise Refusal(400, "This is not this page's address", "Use the address set as page_url.")
    if open_demo:
        if not is_loopback(given[0].rpartition(":")[0] or given[0]):
            raise Refusal(400, "The sample demo is shown on this machine only")
        if any(name in headers for name in FORWARDED):
            raise Refusal(
                403,
                "The sample demo cannot be shown through a proxy",
                "It needs no login. Set up your own installation: earful init",
            )


def check_origin(headers: Headers, hosts: frozenset[str]) -> None:
    """Refuse a POST that a browser says comes from another site."""
    site = headers.get("sec-fetch-site", "")
    if site and site not in {"same-origin", "none"}:
        raise Refusal(403, "This request came from another site")
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() not in hosts:
        raise Refusal(403, "This request came from another site")


def form_of(body: bytes) -> Form:
    """A posted form; whatever does not read as one is an empty one."""
    try:
        fields = parse_qs(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace"
        )
    except ValueError:
        raise Refusal(400, "Too many fields") from None
    return Form({name: [_bare(value) for value in values] for name, values in fields.items()}, body)


def _bare(value: str) -> str:
    return value.replace("\0", "").replace("\r\n", "\n")
