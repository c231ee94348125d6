"""The settings of a source of kind "x"; prices as https://docs.x.com/x-api/getting-started/pricing lists them."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr

SMALLEST_PAGE = 10


class Settings(BaseModel, frozen=True, extra="forbid"):
    """A source of kind "x"."""

    bearer_token: SecretStr = Field(description="the app's bearer token, from console.x.com, Apps, Keys and tokens")
    api_url: str = Field("https://api.x.com", description="base address of the API, for a gateway or a test")
    search: bool = Field(True, description="search all public posts of the last seven days for the brands' words")
    search_suffix: str = Field("-is:retweet", max_length=200, description="added to every search, in X's own syntax")
    mentions_of: tuple[str, ...] = Field(
        (),
        description="handles or user ids whose mentions are read; all of them count as about the brand",
    )
    expand_authors: bool = Field(False, description="also fetch names and follower counts; each user costs user_price")
    expand_media: bool = Field(
        False, description="also fetch picture alt texts and poll choices; each costs media_price"
    )
    monthly_budget: float | None = Field(
        20.0, ge=0, description="monthly limit in US dollars, spread over the month; null: no limit"
    )
    post_price: float = Field(0.005, ge=0, description="US dollars per post from a search or look-up")
    user_price: float = Field(0.010, ge=0, description="US dollars per user profile")
    media_price: float = Field(0.005, ge=0, description="US dollars per picture, video or poll")
    owner: str = Field(
        "", description="handle or id of the app's owner, if bearer_token is that user's token and not the app's"
    )
    owned_price: float = Field(0.001, ge=0, description="US dollars per post from `owner`'s timeline or mentions")
    page_size: int = Field(100, ge=SMALLEST_PAGE, le=100, description="posts per request")
    total_seconds: float = Field(25.0, gt=0, le=300, description="time limit in seconds for one read and one request")
