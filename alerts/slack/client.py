"""Slack's Web API by its own library, each call once and with an end."""

from __future__ import annotations

import json
import logging
import urllib.request
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from alerts import ChannelError
from alerts.http import Answer, WireError, exchange
from alerts.slack.errors import api_error
from alerts.slack.settings import Settings


def quiet_logger() -> logging.Logger:
    """Return the logger that slack_sdk gets: it would print bodies, post texts and one-time addresses."""
    for name in ("slack_sdk", "alerts.slack.sdk"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return logging.getLogger("alerts.slack.sdk")


class NotSlack(Exception):
    """An answer that is no JSON object, whatever its status: a proxy's page, a broken gateway."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"status {answer.status}")
        self.answer = answer


class Client(WebClient):
    """slack_sdk's client with an end to every call, no retries of its own (they post twice), and no redirects."""

    def __init__(self, token: str | None, settings: Settings) -> None:
        super().__init__(
            token=token,
            base_url=settings.api_url.rstrip("/") + "/",
            timeout=max(int(settings.timeout), 1),
            retry_handlers=[],
            logger=quiet_logger(),
        )
        self.proxy = settings.proxy.get_secret_value() if settings.proxy else None
        self._seconds = settings.timeout

    def _perform_urllib_http_request_internal(self, url: str, req: urllib.request.Request) -> dict[str, Any]:  # noqa: ARG002
        answer = exchange(req, self._seconds, proxy=self.proxy or "")
        try:
            whole = isinstance(json.loads(answer.body), dict)
        except (ValueError, RecursionError):
            whole = False
        if not whole:
            raise NotSlack(answer)
        headers = dict(answer.headers)
        if "retry-after" in headers:
            headers["Retry-After"] = headers["retry-after"]  # as slack_sdk spells it
        return {"status": answer.status, "headers": headers, "body": answer.body.decode("utf-8", "replace")}

    def ask(self, method: str, **arguments: Any) -> Any:
        """Call one method once ("chat.update"), and say in the words of ChannelError what went wrong."""
        call = getattr(self, method.replace(".", "_"))  # "chat.update" is chat_update there
        try:
            return call(**arguments)
        except WireError as error:
            raise ChannelError(f"Slack: {error.reason}", outcome_unknown=error.left, remedy=error.remedy) from None
        except NotSlack as error:
            raise api_error(error.answer.status, {}, error.answer.headers) from None
        except SlackApiError as error:
            response: Any = error.response
            raise api_error(int(response.status_code), response.data, response.headers) from None
