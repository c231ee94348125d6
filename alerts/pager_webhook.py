"""What a pager tells: its V3 webhook, signed over the raw body. `signed` proves it, `acknowledged` reads it.

https://github.com/PagerDuty/developer-docs, docs/webhooks: 04-Signatures.md (HMAC-SHA256, one for each secret, without
a time) and 01-Overview.md (the shapes). The REST API's reference calls `incident_key` the incident's deduplication key,
which is ours; people report incidents whose key is empty or PagerDuty's own, with ours on the alert below alone
(https://github.com/PagerDuty/pdpyras/issues/44). Then the incident's id says where to ask (`Pager.case_of`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr

from alerts import wording

_CASE = "earful-case-"
_SIGNATURES = 10  # of one header; there is one for each secret while it is being changed


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody there acknowledged an incident. `id` is the same each time this is told.

    `case_id` is empty where the webhook does not say whether the incident is of a case.
    """

    id: str
    case_id: str
    incident_id: str
    user_id: str
    user_name: str
    at: datetime


def case_key(case_id: str) -> str:
    """The deduplication key of a case."""
    return _CASE + re.sub(r"[^\w.-]", "", case_id, flags=re.ASCII)[:100]


def case_of_key(key: object) -> str:
    """The case that a deduplication key stands for, "" where it is not one of ours."""
    return key.removeprefix(_CASE)[:100] if isinstance(key, str) and key.startswith(_CASE) else ""


def signed(body: bytes, header: str, secret: SecretStr) -> bool:
    """Whether one of the signatures in X-PagerDuty-Signature is that of this body under the secret."""
    proof = "v1=" + hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
    given = [each.strip().encode("utf-8", "replace") for each in header.split(",", _SIGNATURES)[:_SIGNATURES]]
    return any(hmac.compare_digest(proof.encode(), each) for each in given)


def acknowledged(body: bytes) -> Acknowledged | None:
    """What a webhook says, None where it is not a person's acknowledgement.

    What Earful acknowledges there comes back too, by an agent that is no user. Raises ValueError for what is no event.
    """
    try:
        event = json.loads(body)["event"]
        found = str(event["id"])[:200], str(event["event_type"]), event["occurred_at"]
        at = datetime.fromisoformat(found[2])
        if found[1] != "incident.acknowledged":
            return None
        agent, incident = event["agent"] or {}, event["data"]
        if agent.get("type") != "user_reference":
            return None
        case_id, incident_id = case_of_key(incident.get("incident_key")), str(incident.get("id") or "")[:100]
        user_id, name = str(agent["id"])[:100], str(agent.get("summary") or "")
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it is not an event of a V3 webhook") from error
    when = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return Acknowledged(found[0], case_id, incident_id, user_id, wording.excerpt(name, 80), when)
