"""
Whatever arrives, the verifier opens it or refuses it, and nothing else.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

import obskit
from obskit.alerts.dedupe import MemoryDedupe, SQLiteDedupe
from orchestrator.verify import MAX_AGE, Once, Refused, opened

NOW = 1_700_000_000
KEY = SigningKey.generate()
APP = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is `NOW`."""
    monkeypatch.setattr("time.time", lambda: NOW)


def signed(body: bytes, timestamp: str = str(NOW)) -> dict[str, str]:
    signature = KEY.sign(timestamp.encode() + body).signature.hex()
    return {"x-signature-ed25519": signature, "x-signature-timestamp": timestamp}


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_what_is_signed_is_opened(interaction: dict[str, object]) -> None:
    """
    An object that was signed comes out as it went in.
    """
    body = json.dumps(interaction).encode()
    assert opened(KEY.verify_key, signed(body), body) == interaction


@given(st.binary(), st.text(max_size=140), st.text(max_size=20))
def test_no_text_in_the_headers_is_more_than_a_refusal(body: bytes, signature: str, timestamp: str) -> None:
    """
    Nobody without the key gets in, and nothing they send raises anything else.
    """
    with pytest.raises(Refused) as refused:
        opened(KEY.verify_key, {"x-signature-ed25519": signature, "x-signature-timestamp": timestamp}, body)
    assert refused.value.status == 401


@given(st.binary(min_size=1), st.integers(min_value=0), st.integers(1, 255))
def test_one_changed_byte_is_refused(body: bytes, place: int, change: int) -> None:
    """
    A body that differs in a single byte from the signed one does not pass.
    """
    spoilt = bytearray(body)
    spoilt[place % len(body)] ^= change
    with pytest.raises(Refused, match="bad signature"):
        opened(KEY.verify_key, signed(body), bytes(spoilt))


@given(st.binary())
def test_any_signed_bytes_are_an_object_or_a_bad_request(body: bytes) -> None:
    """
    What Discord would never sign is refused as nonsense, not as a forgery.
    """
    try:
        status = 200 if isinstance(opened(KEY.verify_key, signed(body), body), dict) else 500
    except Refused as refused:
        status = refused.status
    assert status in {200, 400}


@pytest.mark.parametrize("age", [0, MAX_AGE, -MAX_AGE])
def test_five_minutes_are_fresh_enough(age: int) -> None:
    """
    Clocks may differ by five minutes, either way.
    """
    assert opened(KEY.verify_key, signed(b"{}", f"{NOW - age:.0f}"), b"{}") == {}


@pytest.mark.parametrize("timestamp", [f"{NOW - 301}", f"{NOW + 301}", "-5", "1e9", "²³", "9" * 13])
def test_other_timestamps_are_stale(timestamp: str) -> None:
    """
    An old request, a future one and one without a time are refused though rightly signed.
    """
    with pytest.raises(Refused, match="stale timestamp"):
        opened(KEY.verify_key, signed(b"{}", timestamp), b"{}")


def test_an_interaction_is_claimed_once() -> None:
    """
    Whoever asks first may go on; another interaction is another matter.
    """
    once = Once(MemoryDedupe())
    assert [once.claim(interaction) for interaction in ("1", "2", "1", "1")] == [True, True, False, False]


def test_of_all_processes_that_ask_at_the_same_time_one_may_go_on(tmp_path: Path) -> None:
    """
    However close together they are: the claim is one step in the file that they share.
    """
    path = tmp_path / "traces.db"
    ask = "import sys; from orchestrator.verify import Once; from obskit.alerts.dedupe import dedupe_at;"
    ask += f"once = Once(dedupe_at('sqlite:///{path}')); print('ready', flush=True); sys.stdin.readline();"
    ask += "print(*(number for number in range(50) if once.claim(str(number))))"
    askers = [
        subprocess.Popen([sys.executable, "-c", ask], stdin=PIPE, stdout=PIPE, text=True, cwd=APP)
        for _ in range(3)
    ]
    assert [asker.stdout and asker.stdout.readline() for asker in askers] == ["ready\n"] * 3
    for asker in askers:
        assert asker.stdin
        asker.stdin.write("go\n")
        asker.stdin.flush()
    claimed = [number for asker in askers for number in asker.communicate()[0].split()]
    assert sorted(map(int, claimed)) == [*range(50)]


def test_a_memory_out_of_reach_stops_nobody(tmp_path: Path) -> None:
    """
    A workflow that may start twice is better than none; it is told in one line.
    """
    out = io.BytesIO()
    with obskit.configure(output=out, capture_logging=False, hooks=False):
        once = Once(SQLiteDedupe(tmp_path))  # a folder
        assert once.claim("1")
        assert once.claim("1")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["msg"] for line in lines] == ["Interaction not claimed, so it may run twice"] * 2
