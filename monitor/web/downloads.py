"""Files that people take away: streamed part by part in the page's own threads, with cells that no spreadsheet runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.responses import Response, StreamingResponse

from monitor.web.routing import RequestContext


def safe_cell(value: Any) -> str:
    """A cell that no spreadsheet runs: what could begin a formula begins with an apostrophe, controls are gone."""
    if isinstance(value, list):
        value = " · ".join(str(each) for each in value)
    text = "" if value is None else str(value)
    text = "".join(letter if letter >= " " or letter in "\n" else " " for letter in text)
    if isinstance(value, (int, float)):
        return text
    return f"'{text}" if text.lstrip()[:1] in {"=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠"} else text


async def _in_turns(pool: ThreadPoolExecutor, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each part is made in the page's own threads, and only when the last one has gone out."""
    while (part := await asyncio.get_running_loop().run_in_executor(pool, next, parts, None)) is not None:
        yield part


def download(context: RequestContext, parts: Iterator[bytes], media: str, name: str) -> Response:
    """Parts of a file, as an attachment that nobody keeps."""
    return StreamingResponse(
        _in_turns(context.site.pool, parts),
        200,
        {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"},
        media,
    )
