"""Values that are made by the dozen for each post: frozen to whoever writes code, and made as quickly as can be.

A frozen dataclass sets each of its fields through a call that goes round its own guard. That was a tenth of what an
import takes. So the type checker guards these, and nothing does at run time.
https://docs.python.org/3/library/dataclasses.html#frozen-instances
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

__all__ = ["value_class"]

if TYPE_CHECKING:
    from dataclasses import dataclass as value_class
else:

    def value_class(*, frozen: bool, slots: bool) -> Any:
        """Make a dataclass of a class, with a hash of its fields, as `dataclass(frozen=True)` does for the checker."""
        return dataclass(slots=slots, unsafe_hash=frozen)
