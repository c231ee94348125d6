"""The command that an assistant starts to ask Earful questions."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor import mcp_server
from monitor.cli.base import Failed, app, opened
from monitor.service.scheduler import utc_now


@app.command(name="mcp")
def serve(
    name: Annotated[str, typer.Option("--as", help="The name to log for this assistant.")] = "an assistant",
) -> None:
    """Let an AI assistant ask what is unanswered, and why.

    Speaks the Model Context Protocol over standard input and output.
    """
    if not mcp_server.installed():
        raise Failed("the mcp package is not installed; run in Earful's folder: .venv/bin/pip install -e '.[mcp]'")
    with opened() as assembly:
        mcp_server.server_of(mcp_server.Desk(lambda: assembly, utc_now, name[:64])).run("stdio")
