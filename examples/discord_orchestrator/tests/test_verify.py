"""
Whatever arrives, the verifier opens it or refuses it, and nothing else.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from orchestrator import verify
from orchestrator.verify import MAX_AGE, Refused, Verifier

NOW = 1_700_000_000
KEY = SigningKey.generate()


def verifier() -> Verifier:
    return Verifier(KEY.verify_key.encode().hex(), now=lambda: NOW)


def signed(body: bytes, timestamp: str = str(NOW)) -> dict[str, str]:
    signature = KEY.sign(timestamp.encode() + body).signature.hex()
    return {"x-signature-ed25519": signature, "x-signature-timestamp": timestamp}


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_what_is_signed_is_opened(interaction: dict[str, object]) -> None:
    """
    An object that was signed comes out as it went in.
    """
    body = json.dumps(interaction).encode()
    assert verifier().open(signed(body), body) == interaction


@given(st.binary(), st.text(max_size=140), st.text(max_size=20))
def test_no_text_in_the_headers_is_more_than_a_refusal(body: bytes, signature: str, timestamp: str) -> None:
    """
    Nobody without the key gets in, and nothing they send raises anything else.
    """
    with pytest.raises(Refused) as refused:
        verifier().open({"x-signature-ed25519": signature, "x-signature-timestamp": timestamp}, body)
    assert refused.value.status == 401


@given(st.binary(min_size=1), st.integers(min_value=0), st.integers(1, 255))
def test_one_changed_byte_is_refused(body: bytes, place: int, change: int) -> None:
    """
    A body that differs in a single byte from the signed one does not pass.
    """
    spoilt = bytearray(body)
    spoilt[place % len(body)] ^= change
    with pytest.raises(Refused, match="bad signature"):
        verifier().open(signed(body), bytes(spoilt))


@given(st.binary())
def test_any_signed_bytes_are_an_object_or_a_bad_request(body: bytes) -> None:
    """
    What Discord would never sign is refused as nonsense, not as a forgery.
    """
    try:
        status = 200 if isinstance(verifier().open(signed(body), body), dict) else 500
    except Refused as refused:
        status = refused.status
    assert status in {200, 400}


@pytest.mark.parametrize("age", [0, MAX_AGE, -MAX_AGE])
def test_five_minutes_are_fresh_enough(age: int) -> None:
    """
    Clocks may differ by five minutes, either way.
    """
    assert verifier().open(signed(b"{}", f"{NOW - age:.0f}"), b"{}") == {}


@pytest.mark.parametrize("timestamp", [f"{NOW - 301}", f"{NOW + 301}", "-5", "1e9", "²³", "9" * 13])
def test_other_timestamps_are_stale(timestamp: str) -> None:
    """
    An old request, a future one and one without a time are refused though rightly signed.
    """
    with pytest.raises(Refused, match="stale timestamp"):
        verifier().open(signed(b"{}", timestamp), b"{}")


def test_an_interaction_is_accepted_once() -> None:
    """
    The second time, the same interaction is a replay; another one is not.
    """
    opened = verifier()
    opened.refuse_replay("1")
    opened.refuse_replay("2")
    with pytest.raises(Refused, match="replayed"):
        opened.refuse_replay("1")


def test_the_memory_for_replays_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A flood of interactions costs a fixed amount of memory; the latest are remembered.
    """
    monkeypatch.setattr(verify, "_REMEMBERED", 20)
    opened = verifier()
    for number in range(25):
        opened.refuse_replay(str(number))
    opened.refuse_replay("0")
    with pytest.raises(Refused):
        opened.refuse_replay("24")
