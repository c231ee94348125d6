"""Puts the routes together: who may use each, in which threads it runs, and what a fault looks like."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlencode, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route as Path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.people.actors import NotAllowed, NotPossible
from monitor.store.connect import Error
from monitor.web import alone, auth, security
from monitor.web.context import WebContext, in_pool
from monitor.web.html import page, static_files
from monitor.web.identity import Identity, Refusal
from monitor.web.login import own_address
from monitor.web.routing import ROUTES, RequestContext, Route

log = logging.getLogger("earful.page")

ANY_HOST = ("/health", "/ready")  # asked by probes that know only an address


def build(site: WebContext) -> Starlette:
    """The application: our routes, then what guards them all."""
    from monitor.web import pages_of  # the modules that declare routes

    pages_of()
    by_path: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        by_path.setdefault(route.path, {})[route.method] = route
    paths = [
        Path(path, _endpoint(site, methods), methods=list(methods))
        for path, methods in sorted(by_path.items(), key=lambda item: ("{" in item[0], item[0]))
    ]
    from monitor.web.door import paths_of as door_paths
    from monitor.web.health import paths_of as health_paths
    from monitor.web.live import paths_of as live_paths
    from monitor.web.pager import paths_of as pager_paths
    from monitor.web.slack import paths_of as slack_paths

    # With rules of their own.
    outside = [
        *health_paths(site), *live_paths(site), *slack_paths(site), *pager_paths(site), *door_paths(site),
    ]  # fmt: skip
    app = Starlette(routes=[*outside, Path("/static/{name}", _static), *paths])
    app.add_exception_handler(Refusal, partial(_on_refusal, site))
    app.add_exception_handler(HTTPException, partial(_on_http, site))
    app.add_middleware(partial(_Guard, site=site))
    return app


class _Guard:
    """Before every route: the host. After every route: the headers. Plain ASGI, so that streams stay streams."""

    def __init__(self, app: ASGIApp, site: WebContext) -> None:
        self.app = app
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(each for each in security.HEADERS if each[0] not in kept)]
                if auth.is_secure(self.site.assembly_of().settings):
                    message["headers"].append((b"strict-transport-security", b"max-age=31536000"))
            await send(message)

        try:
            if self.site.is_metrics_port(scope):
                if scope["path"] != "/metrics":
                    raise Refusal(404, "There is nothing here", "This port only serves /metrics.")
            elif scope["path"] not in ANY_HOST:
                headers = Headers(scope=scope)
                self._watch(headers)
                security.check_host(headers, self.site.hosts, open_demo=self.site.open_demo)
        except Refusal as refusal:
            await _plain(refusal)(scope, receive, with_headers)
            return
        try:
            await self.app(scope, receive, with_headers)
        except ClientDisconnect:  # whoever hung up is answered nothing, and it is no fault
            return

    def _watch(self, headers: Headers) -> None:
        """Note the first request that is not this machine's own: whoever is alone here is asked again from then on."""
        assembly = self.site.assembly_of()
        if self.site.open_demo or self.site.authenticator.elsewhere or not alone.may_be(assembly.settings):
            return
        why = alone.came_from_elsewhere(headers, self.site.hosts)
        if why:
            self.site.authenticator.elsewhere = why  # at once; and kept, for the next start
            self.site.pool.submit(alone.end, assembly.database, assembly.settings, why, self.site.clock())


def _plain(refusal: Refusal, *, close: bool = False) -> Response:
    headers = {"connection": "close"} if close else None
    return Response(f"{refusal.title}. {refusal.text}\n", refusal.status, headers, media_type="text/plain")


def _endpoint(site: WebContext, methods: dict[str, Route]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        route = methods.get(request.method) or methods["GET"]  # HEAD
        context = RequestContext(request, site, site.assembly_of(), site.clock())
        if request.method in {"GET", "HEAD"}:
            return await in_pool(site, partial(serve, site, route, context))
        # A body is read only for whoever may send one: that is known from the head alone.
        security.check_origin(request.headers, site.hosts)
        if refused_at_once := await in_pool(site, partial(admitted, site, route, context)):
            return refused_at_once
        owner = "signed" if route.kind == "signed" else security.same_client(context.address)
        try:
            body = await site.bodies.read(request, owner)
        except Refusal as refusal:
            if refusal.status != 408 or route.kind == "api":
                raise
            return _plain(refusal, close=True)  # in a few words: who is this slow gets no page made
        context.form = security.form_of(body)
        work = partial(done, route, context)
        return await (site.hashing.run(owner, work) if route.hashes else in_pool(site, work))

    return endpoint


def serve(site: WebContext, route: Route, context: RequestContext) -> Response:
    """Answer a request without a body."""
    return admitted(site, route, context) or done(route, context)


def admitted(site: WebContext, route: Route, context: RequestContext) -> Response | None:
    """Who asks, and may they, from the head alone: None where they may, else what they are told."""
    return _safely(route, context, lambda: _admit(site, route, context))


def done(route: Route, context: RequestContext) -> Response:
    """Whether the form is ours, then the route's own function."""
    answer = _safely(route, context, lambda: _act(route, context))
    assert answer is not None
    return answer


def _safely(route: Route, context: RequestContext, work: Callable[[], Response | None]) -> Response | None:
    try:
        return work()
    except Refusal as refusal:
        return refused(context, route, refusal)
    except NotAllowed as error:
        return refused(context, route, Refusal(403, "Not allowed for your role", str(error)))
    except NotPossible as error:
        return refused(context, route, Refusal(409, "Not possible now", str(error)))
    except Error as error:
        log.error("can't make the page: the database said %s", type(error).__name__)
        return refused(context, route, Refusal(503, "The database does not answer", "Try again in a moment.", wait=5))
    except Exception as error:  # a page that cannot be made is told of here, by name and without anybody's words
        log.error("the page %s failed: %s", route.path, type(error).__name__)
        log.debug("the page %s failed", route.path, exc_info=error)
        return refused(
            context, route, Refusal(500, "Something went wrong on our side", "It has been logged; nothing was lost.")
        )


def _admit(site: WebContext, route: Route, context: RequestContext) -> Response | None:
    context.identity = _identity(site, route, context)
    if context.identity is None and route.kind == "page":
        if context.request.method != "GET":
            raise Refusal(401, "You are not logged in", "Log in, then do it again.")
        return RedirectResponse("/login" + _next(context), 303)
    if context.identity is not None and route.role != "nobody" and not context.identity.may(route.role):
        raise Refusal(
            403, "Not allowed for your role", f"It needs the role {route.role}; you are {context.identity.role}."
        )
    if context.identity is not None and (elsewhere := _first(context, context.identity, route)):
        return RedirectResponse(elsewhere, 303)
    if route.before is not None:
        route.before(context)
    if (
        route.kind == "public"
        and route.method == "POST"
        and not (context.identity is not None and context.identity.csrf)  # their forms hold the session's own secret
        and not context.request.cookies.get(auth.cookie_name(context.settings, auth.FORM_COOKIE))
    ):
        raise _grown_old()
    return None


def _act(route: Route, context: RequestContext) -> Response:
    fresh = ""
    if context.identity is not None and context.identity.csrf:
        context.csrf = context.identity.csrf
    elif route.kind == "public":
        context.csrf = context.request.cookies.get(auth.cookie_name(context.settings, auth.FORM_COOKIE), "")[:100]
        if not context.csrf:
            context.csrf = fresh = secrets.token_urlsafe(24)
    if route.method == "POST" and route.kind not in {"signed", "api"}:
        given = context.form.get("csrf")
        if fresh or not hmac.compare_digest(given.encode(), context.csrf.encode()):
            raise _grown_old()
    response = route.handle(context)
    if context.identity is not None and context.identity.renew:
        auth.set_cookie(response, context.settings, context.identity.renew, alone=True)
    if fresh:
        response.set_cookie(
            auth.cookie_name(context.settings, auth.FORM_COOKIE), fresh, httponly=True, samesite="strict",
            secure=auth.is_secure(context.settings), path="/",
        )  # fmt: skip
    return response


def _identity(site: WebContext, route: Route, context: RequestContext) -> Identity | None:
    """Who asks: by a token at the API, by a session on the page."""
    if site.is_metrics_port(context.request.scope):
        return Identity("metrics", "viewer", "", way="api")
    request, database, settings = context.request, context.database, context.settings
    if route.kind == "api":
        return auth.caller(request, database, settings, context.now)
    return site.authenticator.identity(request, database, settings, context.now, open_demo=site.open_demo)


def _first(context: RequestContext, identity: Identity, route: Route) -> str:
    """Where somebody has to go before this: a second factor that is demanded, a login that is asked for again."""
    if route.kind != "page":
        return ""
    if identity.needs_factor and route.path not in {"/you/factor", "/logout", "/again"}:
        return "/you/factor"
    if not route.fresh or identity.is_fresh(context.now):
        return ""
    path = context.request.url.path
    has_page = any(each.path == route.path and each.method == "GET" for each in ROUTES)
    where = "/again" if identity.session else "/login"  # a proxy's word is no login
    return f"{where}?" + urlencode({"next": path if has_page else path.rpartition("/")[0] or "/"})


def _grown_old() -> Refusal:
    return Refusal(403, "This page is out of date", "Nothing was done. Reload the page and try again.")


def _next(context: RequestContext) -> str:
    target = context.request.url.path + (f"?{context.request.url.query}" if context.request.url.query else "")
    return "" if target == "/" else "?" + urlencode({"next": target[:500]})


def refused(context: RequestContext, route: Route | None, refusal: Refusal) -> Response:
    """What a refusal looks like to who asked: a page, or JSON."""
    headers = {"retry-after": str(refusal.wait)} if refusal.wait else {}
    if (route is not None and route.kind == "api") or context.request.url.path.startswith("/api/"):
        if refusal.status == 401:
            headers["www-authenticate"] = "Bearer"
        return JSONResponse({"error": refusal.title, "detail": refusal.text}, refusal.status, headers)
    origin = _pressed_on(context)
    response = page(
        context, "refused.html", title=refusal.title, status=refusal.status, text=refusal.text, code=refusal.status,
        login="/login" + (f"?{urlencode({'next': origin})}" if origin else ""),
        back=origin if context.identity is not None else "",
    )  # fmt: skip
    response.headers.update(headers)
    return response


def _pressed_on(context: RequestContext) -> str:
    """The page of ours on which a button was pressed, as the browser says; "" for any other."""
    if context.request.method != "POST":
        return ""
    there = urlsplit(context.request.headers.get("referer", "")[:1000])
    ours = there.netloc.lower() in context.site.hosts
    return own_address(there.path + (f"?{there.query}" if there.query else "")) if ours else ""


async def _on_refusal(site: WebContext, request: Request, error: Refusal) -> Response:
    return refused(RequestContext(request, site, site.assembly_of(), site.clock()), None, error)


async def _on_http(site: WebContext, request: Request, error: HTTPException) -> Response:
    told = {
        404: ("Page not found", "The address may be wrong, or the page may be gone."),
        405: ("That can't be done here", "Go back and use the buttons of the page."),
    }
    refusal = Refusal(error.status_code, *told.get(error.status_code, ("That did not work", "Go back and try again.")))
    return refused(RequestContext(request, site, site.assembly_of(), site.clock()), None, refusal)


async def _static(request: Request) -> Response:
    found = static_files().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    content, media, mark = found
    kept = "public, max-age=31536000, immutable" if request.query_params.get("v") == mark else "no-cache"
    return Response(content, 200, {"cache-control": kept}, media)
