"""The shapes in which posts come to the door, each as expressions that settings can override one by one.

None of the services' shapes was tried against the real service: they are read from the pages named beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from connectors.inbound.mapping import Getter, first_of
from connectors.inbound.proof import DISCOURSE, GITHUB, OURS, TYPEFORM, Scheme

# What a post is made of here. `html` is text with tags, `out_of` the best score that can be given where it is not five
# stars, `deleted` says that the post is gone, `wanted` (where it is false) that this is none at all.
FIELDS = (
    "id", "text", "html", "title", "author", "author_name", "author_id", "url", "posted_at", "edited_at", "rating",
    "out_of", "reach", "lang", "thread", "parent", "parent_author", "reply", "replied_at", "source", "deleted",
    "wanted",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preset:
    """One shape: how it is signed, where its posts are, and where their values.

    `ours`: who writes there, writes to us, whatever their words.
    """

    scheme: Scheme = OURS
    signed: bool = True  # whether the service can sign at all
    each: str = ""  # "": the body is one post, a list of posts, or JSON lines
    fields: Mapping[str, str] = field(default_factory=dict)
    plain: Mapping[str, Getter] = field(default_factory=dict)  # keys that are read as they are
    ours: bool = True


# As `earful mentions --json` prints them, and a few more. Of another installation's mention the post's own id counts.
_AS_PRINTED: Mapping[str, Getter] = MappingProxyType(
    {name: first_of(name) for name in FIELDS}
    | {
        "id": first_of("native_id", "id"),
        "lang": first_of("lang", "language"),
        "thread": first_of("thread", "thread_id"),
        "parent": first_of("parent", "parent_id"),
        "reply": first_of("reply", "reply_text"),
    }
)

# Any tool that asks customers: a score under one of the usual names, and perhaps words beside it.
_SURVEY = {
    "id": "not_null(id, response_id, responseId, token)",
    "text": "not_null(text, comment, feedback, answer, message)",
    "author": "not_null(author, name, customer, email)",
    "url": "not_null(url, link)",
    "posted_at": "not_null(posted_at, submitted_at, created_at, at, date)",
    "rating": "not_null(nps, csat, stars, rating, score)",
    "out_of": "out_of || (nps != `null` && `10`) || `5`",
}

# https://www.typeform.com/developers/webhooks/example-payload/
_TYPEFORM = {
    "id": "form_response.token",
    "text": "form_response.answers[?type == 'text'].text",
    "author": "form_response.answers[?type == 'email'].email | [0]",
    "posted_at": "form_response.submitted_at",
    "rating": "form_response.answers[?type == 'number' && "
    "(field.type == 'nps' || field.type == 'opinion_scale' || field.type == 'rating')].number | [0]",
    "out_of": "(form_response.answers[?field.type == 'nps' || field.type == 'opinion_scale'] && `10`) || `5`",
    "wanted": "event_type == 'form_response'",
}

# https://support.trustpilot.com/hc/en-us/community/posts/10109980750738-How-to-set-up-Trustpilot-Webhooks
_TRUSTPILOT = {
    "id": "eventData.id",
    "text": "eventData.text",
    "title": "eventData.title",
    "author": "eventData.consumer.name",
    "author_id": "eventData.consumer.id",
    "url": "join('', ['https://www.trustpilot.com/reviews/', eventData.id])",
    "posted_at": "eventData.createdAt",
    "rating": "eventData.stars",
    "lang": "eventData.language",
    "reply": "eventData.companyReply.text",
    "replied_at": "eventData.companyReply.createdAt",
    "deleted": "ends_with(eventName, '-deleted')",
    "wanted": "contains(eventName, '-review-')",
}

# https://meta.discourse.org/t/configure-webhooks-that-trigger-on-discourse-events/49045
_DISCOURSE = {
    "id": "join('#', [to_string(topic_id), to_string(post_number)])",
    "text": "raw",
    "html": "cooked",
    "title": "(post_number == `1` && topic_title) || ''",
    "author": "username",
    "author_name": "name",
    "author_id": "to_string(user_id)",
    "posted_at": "created_at",
    "thread": "to_string(topic_id)",
    "parent": "(post_number != `1` && join('#', [to_string(topic_id), "
    "to_string(not_null(reply_to_post_number, `1`))])) || ''",
    "parent_author": "reply_to_user.username",
    "deleted": "deleted_at || hidden",
    "wanted": "post_type == `null` || post_type == `1`",
}

# https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues (issue_comment, discussion, ..._comment)
_GITHUB = {
    "id": "not_null(comment.node_id, discussion.node_id, issue.node_id)",
    "text": "(comment && comment.body) || (!comment && not_null(discussion.body, issue.body)) || ''",
    "title": "(!comment && not_null(discussion.title, issue.title)) || ''",
    "author": "not_null(comment.user.login, discussion.user.login, issue.user.login)",
    "author_id": "to_string(not_null(comment.user.id, discussion.user.id, issue.user.id))",
    "url": "not_null(comment.html_url, discussion.html_url, issue.html_url)",
    "posted_at": "not_null(comment.created_at, discussion.created_at, issue.created_at)",
    "thread": "not_null(discussion.node_id, issue.node_id)",
    "parent": "(comment && not_null(discussion.node_id, issue.node_id)) || ''",
    "deleted": "action == 'deleted'",
    "wanted": "(issue || discussion) && (action == 'opened' || action == 'created' || action == 'edited' "
    "|| action == 'deleted')",
}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "posts": Preset(plain=_AS_PRINTED, ours=False),
        "survey": Preset(fields=_SURVEY),
        "typeform": Preset(scheme=TYPEFORM, each="@", fields=_TYPEFORM),
        "trustpilot": Preset(signed=False, each="events", fields=_TRUSTPILOT),
        "discourse": Preset(scheme=DISCOURSE, each="post", fields=_DISCOURSE),
        "github": Preset(scheme=GITHUB, each="@", fields=_GITHUB),
    }
)
