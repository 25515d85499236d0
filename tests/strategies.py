"""What Hypothesis draws for more than one test."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

#: Text with everything that breaks encoders: lone surrogates, line breaks, control characters.
any_text = st.text(st.characters(codec=None, categories=("L", "N", "P", "S", "Z", "C", "Cs")), max_size=40)

json_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
json_values = st.recursive(
    json_scalars | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


class Hostile:
    """An object whose own code fails in the way it was told to."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __repr__(self) -> str:
        raise self._error

    def __hash__(self) -> int:
        raise self._error

    def __eq__(self, other: object) -> bool:
        raise self._error

    def __bool__(self) -> bool:
        raise self._error

    def __len__(self) -> int:
        raise self._error


class LyingDict(dict[str, object]):
    """A dict whose views cannot be used."""

    def items(self) -> object:  # type: ignore[override]
        """Return what is no view."""
        return 3


hostile_values = st.sampled_from(
    [ValueError("no"), RecursionError("no"), SystemExit("no"), MemoryError()]
).map(Hostile)

#: Values of every type that obskit has a rule for, and of some that it has none for.
any_value = st.recursive(
    json_scalars
    | any_text
    | st.floats()
    | st.integers(min_value=-(10**4000), max_value=10**4000)
    | st.binary(max_size=20)
    | st.sampled_from(
        [
            datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
            timedelta(seconds=1.5),
            Decimal("NaN"),
            UUID(int=7),
            ValueError("broken"),
            LyingDict(a=1),
            object(),
            int,
            range(3),
            (number for number in range(3)),
        ]
    )
    | hostile_values,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.lists(inner, max_size=4).map(deque)
        | st.dictionaries(any_text | st.integers() | st.none() | st.tuples(st.integers()), inner, max_size=4)
    ),
    max_leaves=12,
)
