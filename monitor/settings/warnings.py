"""What is sound in settings, and yet worth a look before somebody relies on it."""

from __future__ import annotations

from monitor.settings.models import Settings


def worth_a_look(settings: Settings) -> list[str]:
    """Each in a sentence or two for people: what will not happen, and what to write."""
    found = list(settings.warnings)
    if not any(accounts for brand in settings.brands for accounts in brand.accounts.values()):
        found.append(
            "no brand has `accounts`: your own public replies are not seen, so no clock stops by itself and people are "
            f'reminded of what is answered. Write under [[brands]]: accounts = {{ {_answerable(settings)} = ["you"] }}'
        )
    return found


def _answerable(settings: Settings) -> str:
    return next((source.name for source in settings.sources if source.answerable), settings.sources[0].name)
