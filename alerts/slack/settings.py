"""The settings of Slack: a bot's token, or the address of an incoming webhook."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class Settings(BaseModel):
    """[[channels]] of kind "slack". One of `token` and `webhook_url`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: SecretStr | None = Field(None, description="the bot token, xoxb-...: posts, edits, buttons, look-ups")
    webhook_url: SecretStr | None = Field(
        None, description="an incoming webhook instead: posts only, no edits, no buttons"
    )
    app_token: SecretStr | None = Field(
        None, description="the app token, xapp-...: receives button presses over Socket Mode"
    )
    signing_secret: SecretStr | None = Field(None, description="verifies button presses sent to a public address")
    team: str = Field("", description="the workspace's id, T...; presses from any other are ignored")
    may_press: str = Field("", description="a user group's id, S...: only its members may press, as staff")
    unknown_may_press: bool = Field(
        False, description="true: people not under [[people]] may press too; Earful does not learn from them"
    )
    api_url: str = Field("https://slack.com/api/", description="the Web API's address, for a gateway or a test")
    proxy: SecretStr | None = Field(
        None, description="a proxy for all calls; proxies set in the environment are ignored"
    )
    timeout: float = Field(15.0, gt=0, le=120, description="time limit in seconds for one call")
    wakes: bool = Field(False, description="true if people let this app notify them at night")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.token is None and self.webhook_url is None:
            raise ValueError('write token = { env = "SLACK_TOKEN" } or webhook_url = { env = "SLACK_WEBHOOK" }')
        if self.token is not None and self.webhook_url is not None:
            raise ValueError("keep either token or webhook_url, not both: a webhook has no buttons")
        if self.webhook_url and not self.webhook_url.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("webhook_url is not an http(s) address; copy it from the app's Incoming Webhooks page")
        if not self.api_url.startswith(("https://", "http://")):
            raise ValueError("api_url is not an http(s) address; leave it out for Slack itself")
        return self

    @property
    def hears_presses(self) -> bool:
        """Whether a press of a button can come back to us."""
        return self.token is not None and bool(self.app_token or self.signing_secret)
