"""A loopback X (API v2): recent search, mentions, timelines, look-up, with the rules that X documents and enforces.

    with FakeX(NOW) as x:
        one = x.post("Acme lost my parcel", at=NOW - timedelta(minutes=5))
        X(Settings(bearer_token=TOKEN, api_url=x.url)).fetch(...)

Pages are newest first; a page token leads on to what is older than the last post of its page, and does not expire.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.oauth import SignIns
from tests.fakes.server import FakeServer, Reply, Seen

EPOCH = 1_288_834_974_657
PROBLEMS = "https://api.twitter.com/2/problems/"


class FakeX(FakeServer):
    """The server; `posts` by id, `users` (id -> handle); `token` is the bearer token it accepts (None: any)."""

    def __init__(self, now: datetime = datetime(2026, 11, 20, 12, 0, tzinfo=UTC), token: str | None = None) -> None:
        super().__init__()
        self.now = now
        self.token = token
        self.posts: dict[str, dict[str, Any]] = {}
        self.users: dict[str, str] = {}
        self.media: dict[str, dict[str, Any]] = {}  # media key -> what X shows of it
        self.polls: dict[str, list[dict[str, Any]]] = {}  # poll id -> its options
        self.me = ""  # the user whose token it is; the app's own has none
        self.limits = {"x-rate-limit-limit": "450", "x-rate-limit-remaining": "449"}
        self._count = 0
        self.sign_ins: SignIns | None = None  # whoever signs in reads with a token that it gives, and no other
        self.app_owner = ""  # the user who owns the app: their own timelines cost less, asked as themselves
        self._billed: dict[str, float] = {}
        self.route("/2/*", self._bill)

    @property
    def bill(self) -> float:
        """What all answers cost: each post and each user once a day (all is one day here)."""
        return sum(self._billed.values())

    def _bill(self, seen: Seen) -> Reply:
        reply = self._answer(seen)
        body = reply.json if isinstance(reply.json, dict) else {}
        data = body.get("data", [])
        includes = body.get("includes", {})
        users = [data] if isinstance(data, dict) else includes.get("users", [])
        self._billed |= {f"user {user['id']}": 0.010 for user in users}
        self._billed |= {f"media {each['media_key']}": 0.005 for each in includes.get("media", [])}
        self._billed |= {str(post["id"]): 0.005 for post in includes.get("tweets", [])}
        timeline = re.fullmatch(r"/2/users/(\d+)/(mentions|tweets)", seen.path)
        owned = bool(timeline and self.sign_ins and timeline[1] == self.me == self.app_owner)
        price = 0.001 if owned else 0.005
        self._billed |= {str(post.get("id")): price for post in data} if isinstance(data, list) else {}
        return reply

    def sign_in_people(self, client_id: str) -> SignIns:
        """From now on read as a person: by tokens that the app of this client ID was given."""
        self.sign_ins = SignIns(client_id, lambda: self.now)
        self.route("/2/oauth2/token", self.sign_ins.answer)
        return self.sign_ins

    def clear(self) -> None:
        """Begin anew: the same posts will get the same ids again."""
        self.posts.clear()
        self._count = 0

    def post(self, text: str, *, at: datetime | None = None, author: str = "1001", **fields: Any) -> str:
        """Add a post and give its id; `fields` replace or add what X would show (a value of None removes a field)."""
        self._count += 1
        at = at or self.now - timedelta(minutes=1)
        stamp = round(at.timestamp() * 1000)
        native_id = str(((stamp - EPOCH) << 22) | self._count)
        shown = {
            "id": native_id,
            "text": text,
            "author_id": author,
            "created_at": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z",
            "lang": "en",
            "conversation_id": native_id,
            "edit_history_tweet_ids": [native_id],
            "public_metrics": {"retweet_count": 0, "reply_count": 1, "like_count": 2, "impression_count": 30},
            **fields,
        }
        self.posts[native_id] = {key: value for key, value in shown.items() if value is not None}
        return native_id

    def _answer(self, seen: Seen) -> Reply:
        said = seen.headers.get("authorization", "")
        signed_in = self.sign_ins is not None and self.sign_ins.knows(said.removeprefix("Bearer "))
        if not signed_in and (self.sign_ins or (self.token is not None and said != f"Bearer {self.token}")):
            body = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}
            return Reply(401, json=body)
        limits = {**self.limits, "x-rate-limit-reset": str(int(self.now.timestamp()) + 600)}
        if seen.path == "/2/tweets":
            return Reply(json=self._look_up(seen), headers=limits)
        if named := re.fullmatch(r"/2/users/by/username/(\w+)", seen.path):
            return Reply(json=self._named(named[1]), headers=limits)
        if seen.path == "/2/users/me":
            unsupported = {"title": "Unsupported Authentication", "status": 403, "type": "about:blank"}
            return Reply(json={"data": self._user(self.me)}) if self.me else Reply(403, json=unsupported)
        fault = self._fault_of(seen)
        return Reply(400, json=fault, headers=limits) if fault else Reply(json=self._listing(seen), headers=limits)

    def _fault_of(self, seen: Seen) -> dict[str, Any] | None:
        """Refuse what X refuses; the words are of the documented shape."""
        searching = seen.path == "/2/tweets/search/recent"
        oldest = self.now - timedelta(days=7)
        since = seen.one("since_id")
        start = seen.one("start_time")
        if searching and not 1 <= len(seen.one("query")) <= 512:
            return _invalid("query", "the query has too many characters")
        if not (10 if searching else 5) <= int(seen.one("max_results", "10")) <= 100:
            return _invalid("max_results", "must be a number between 10 and 100")
        if searching and since and _time_of(since) < oldest:
            return _invalid("since_id", "'since_id' must be a tweet id created after the last 7 days")
        if searching and start and datetime.fromisoformat(start) < oldest:
            return _invalid("start_time", "'start_time' must be on or after the last 7 days")
        token = seen.one("next_token") or seen.one("pagination_token")
        if token and not re.fullmatch(r"p[0-9]+", token):
            return _invalid("next_token", "'next_token' is invalid")
        return None

    def _listing(self, seen: Seen) -> dict[str, Any]:
        found = [post for post in self.posts.values() if self._shows(post, seen)]
        since = seen.one("since_id")
        if since:
            found = [post for post in found if _number(post) > int(since)]
        if start := seen.one("start_time"):
            found = [post for post in found if _time_of(str(_number(post))) >= datetime.fromisoformat(start)]
        found.sort(key=_number, reverse=True)
        token = seen.one("next_token") or seen.one("pagination_token")
        if token:
            found = [post for post in found if _number(post) < int(token[1:])]
        size = int(seen.one("max_results", "10"))
        page = found[:size]
        body: dict[str, Any] = {"meta": {"result_count": len(page)}}
        if page:
            body["data"] = page
            body["meta"] |= {"newest_id": str(page[0].get("id")), "oldest_id": str(page[-1].get("id"))}
        if len(found) > size:
            body["meta"]["next_token"] = f"p{_number(page[-1])}"
        self._include(body, page, seen)
        return body

    def _include(self, body: dict[str, Any], page: list[dict[str, Any]], seen: Seen) -> None:
        """Add what comes along with posts: only what was asked for."""
        expansions = seen.one("expansions").split(",")
        attached = [post.get("attachments", {}) for post in page]
        includes: dict[str, list[dict[str, Any]]] = {}
        if "author_id" in expansions:
            ids = dict.fromkeys(post.get("author_id") for post in page)
            includes["users"] = [self._user(one) for one in ids if one in self.users]
        if "attachments.media_keys" in expansions and "alt_text" in seen.one("media.fields"):
            keys = dict.fromkeys(key for each in attached for key in each.get("media_keys", ()))
            includes["media"] = [
                {"media_key": key, "type": "photo", **self.media[key]} for key in keys if key in self.media
            ]
        if "attachments.poll_ids" in expansions:
            keys = dict.fromkeys(key for each in attached for key in each.get("poll_ids", ()))
            includes["polls"] = [{"id": key, "options": self.polls[key]} for key in keys if key in self.polls]
        if "referenced_tweets.id" in expansions:
            ids = dict.fromkeys(one["id"] for post in page for one in post.get("referenced_tweets", ()))
            includes["tweets"] = [self.posts[one] for one in ids if one in self.posts]
        if includes:
            body["includes"] = includes

    def _shows(self, post: Mapping[str, Any], seen: Seen) -> bool:
        text = str(post.get("text")).casefold()
        if timeline := re.fullmatch(r"/2/users/(\d+)/(mentions|tweets)", seen.path):
            handle = self.users.get(timeline[1], "")
            own = post.get("author_id") == timeline[1]
            return own if timeline[2] == "tweets" else not own and f"@{handle}" in text
        if talks := re.findall(r"conversation_id:(\d+)", seen.one("query")):
            return post.get("conversation_id") in talks
        words = re.findall(r'"([^"]+)"|(\S+)', re.sub(r"[()]|-is:\w+|\bOR\b", " ", seen.one("query")))
        return any((quoted or bare).casefold() in text for quoted, bare in words)

    def _look_up(self, seen: Seen) -> dict[str, Any]:
        asked = seen.one("ids").split(",")
        body: dict[str, Any] = {}
        if found := [self.posts[one] for one in asked if one in self.posts]:
            body["data"] = found
            self._include(body, found, seen)
        if gone := [one for one in asked if one not in self.posts]:
            body["errors"] = [_not_found("tweet", "ids", one) for one in gone]
        return body

    def _named(self, handle: str) -> dict[str, Any]:
        for user_id, name in self.users.items():
            if name == handle.casefold():
                return {"data": self._user(user_id)}
        return {"errors": [_not_found("user", "username", handle)]}

    def _user(self, user_id: str) -> dict[str, Any]:
        name = self.users[user_id]
        return {"id": user_id, "name": name.title(), "username": name, "public_metrics": {"followers_count": 4200}}


def _number(post: Mapping[str, Any]) -> int:
    found = post.get("id")
    return int(found) if isinstance(found, str) and found.isdigit() else 0


def _time_of(native_id: str) -> datetime:
    return datetime.fromtimestamp(((int(native_id) >> 22) + EPOCH) / 1000, UTC)


def _not_found(kind: str, parameter: str, value: str) -> dict[str, Any]:
    return {
        "value": value,
        "detail": f"Could not find {kind} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": value,
        "type": f"{PROBLEMS}resource-not-found",
    }


def _invalid(parameter: str, message: str) -> dict[str, Any]:
    return {
        "errors": [{"parameters": {parameter: ["..."]}, "message": f"Invalid '{parameter}': {message}"}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": f"{PROBLEMS}invalid-request",
    }
