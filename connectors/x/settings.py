"""The settings of a source of kind "x"; prices as https://docs.x.com/x-api/getting-started/pricing lists them."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from connectors.oauth import SignIn

SMALLEST_PAGE, PAGE = 10, 100  # posts per request
TOTAL_SECONDS = 25.0  # for one read, and for one request
# What reading needs, and to be renewed without a person: https://docs.x.com/fundamentals/authentication/guides/v2-authentication-mapping
SCOPES = ("tweet.read", "users.read", "offline.access")
WITHOUT_REPOSTS = "-is:retweet"


class Prices(BaseModel, frozen=True, extra="forbid"):
    """What X asks, in US dollars."""

    post: float = Field(0.005, ge=0, description="per post from a search or look-up")
    user: float = Field(0.010, ge=0, description="per user profile")
    media: float = Field(0.005, ge=0, description="per picture, video or poll")
    owned: float = Field(
        0.001, ge=0, description="per post from the timeline or mentions of the app's owner, read as the owner"
    )


class Settings(BaseModel, frozen=True, extra="forbid"):
    """A source of kind "x"."""

    OLD_KEYS: ClassVar[dict[str, str]] = {
        "search_suffix": "search",
        "expand_authors": "expand+authors",
        "expand_media": "expand+media",
        "post_price": "prices.post",
        "user_price": "prices.user",
        "media_price": "prices.media",
        "owned_price": "prices.owned",
        "owner": "",
        "page_size": "",
        "total_seconds": "",
    }

    bearer_token: SecretStr | None = Field(
        None, description="the app's bearer token, from console.x.com, Apps, Keys and tokens"
    )
    client_id: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_-]{0,200}$",
        description="in place of bearer_token: the app's OAuth 2.0 client ID; then run earful connect",
    )
    api_url: str = Field("https://api.x.com", description="base address of the API, for a gateway or a test")
    search: bool | str = Field(
        True,
        description="search all public posts of the last seven days for the brands' words; a text is added to every "
        f'search, in X\'s own syntax, instead of "{WITHOUT_REPOSTS}"',
    )
    mentions_of: tuple[str, ...] = Field(
        (),
        description="handles or user ids whose mentions are read; all of them count as about the brand",
    )
    expand: tuple[Literal["authors", "media", "parents"], ...] = Field(
        (),
        description="also fetch names and follower counts, alt texts and poll choices, or what replies answer; "
        "each has its price",
    )
    monthly_budget: float | None = Field(
        20.0, ge=0, description="monthly limit in US dollars, spread over the month; null: no limit"
    )
    prices: Prices = Field(Prices(), description="what X asks for each, in US dollars")

    @field_validator("search")
    @classmethod
    def _short(cls, search: bool | str) -> bool | str:
        if isinstance(search, str) and len(search) > 200:
            raise ValueError("write at most 200 characters")
        return search

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.bearer_token is None) is (not self.client_id):
            raise ValueError("write bearer_token to read as your app, or client_id to read as a person; one of the two")
        return self

    @property
    def sign_in(self) -> SignIn | None:
        """How a person signs in; None where the app reads by itself.

        https://docs.x.com/fundamentals/authentication/oauth-2-0/user-access-token
        """
        if not self.client_id:
            return None
        return SignIn(
            network="X",
            client_id=self.client_id,
            authorize_url="https://x.com/i/oauth2/authorize",
            token_url=f"{self.api_url.rstrip('/')}/2/oauth2/token",
            scopes=SCOPES,
            console="console.x.com",
            owner_asked="Does this account own the developer app? X then bills its posts and mentions at a lower price",
        )

    @property
    def search_suffix(self) -> str:
        """What is added to every search."""
        return self.search if isinstance(self.search, str) else WITHOUT_REPOSTS

    @property
    def searches(self) -> bool:
        """Whether posts are searched for; an empty text adds nothing to the search."""
        return self.search is not False
