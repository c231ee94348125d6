"""The settings of a source of kind "x"; prices as https://docs.x.com/x-api/getting-started/pricing lists them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

SMALLEST_PAGE, PAGE = 10, 100  # posts per request
TOTAL_SECONDS = 25.0  # for one read, and for one request
WITHOUT_REPOSTS = "-is:retweet"


class Prices(BaseModel, frozen=True, extra="forbid"):
    """What X asks, in US dollars."""

    post: float = Field(0.005, ge=0, description="per post from a search or look-up")
    user: float = Field(0.010, ge=0, description="per user profile")
    media: float = Field(0.005, ge=0, description="per picture, video or poll")
    owned: float = Field(0.001, ge=0, description="per post from `owner`'s timeline or mentions")


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
        "page_size": "",
        "total_seconds": "",
    }

    bearer_token: SecretStr = Field(description="the app's bearer token, from console.x.com, Apps, Keys and tokens")
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
    owner: str = Field(
        "", description="handle or id of the app's owner, if bearer_token is that user's token and not the app's"
    )

    @field_validator("search")
    @classmethod
    def _short(cls, search: bool | str) -> bool | str:
        if isinstance(search, str) and len(search) > 200:
            raise ValueError("write at most 200 characters")
        return search

    @property
    def search_suffix(self) -> str:
        """What is added to every search."""
        return self.search if isinstance(self.search, str) else WITHOUT_REPOSTS

    @property
    def searches(self) -> bool:
        """Whether posts are searched for; an empty text adds nothing to the search."""
        return self.search is not False
