"""The redactor as a project sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import obskit.redaction
from obskit.errors import ConfigError
from obskit.redaction import Detector, Literals, Redactor
from obskit.redaction.verdict import Verdict

SECRET = "planted" + "Secret77"


class Wards:
    """A project's own detector."""

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Find every ward."""
        for match in re.finditer("ward-[0-9]+", text):
            yield match.start(), match.end(), "ward"


class Failing:
    """A detector that fails."""

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Fail with the secret in the message."""
        raise LookupError(text)


class Wild:
    """A detector that finds what is not there."""

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Point outside of the text."""
        return [(3, 99, "wild")]


def test_examples_of_the_documentation_hold() -> None:
    """Keys by word, values of any type, a tail where it is safe."""
    value = {
        "api_token": "token12345678",
        "apiToken": "abc",
        "X-API-Key": 12345,
        "APIKEY": b"bytes",
        "authKey": bytearray(b"bytes"),
        "token": ["a"],
        "monkey": "see",
        "keyboard": "qwerty",
        "max_tokens": 100,
        "keys_url": "u",
        "nested": [({"password": "x" * 20},)],
    }
    assert Redactor()(value) == {
        "api_token": "***5678",
        "apiToken": "***",
        "X-API-Key": "***",
        "APIKEY": b"***",
        "authKey": bytearray(b"***"),
        "token": "***",
        "monkey": "see",
        "keyboard": "qwerty",
        "max_tokens": 100,
        "keys_url": "u",
        "nested": [({"password": "***"},)],
    }


def test_original_rule_is_an_option() -> None:
    """With tail_min_length=5 every hidden value of that length keeps its last four."""
    assert Redactor(tail_min_length=5)({"password": "hunter2", "token": "token12345678", "key": "abcd"}) == {
        "password": "***ter2",
        "token": "***5678",
        "key": "***",
    }


def test_names_of_a_project_go_first() -> None:
    """What it calls secret is hidden whatever it is, and what it calls safe is searched."""
    redactor = Redactor(keys=["badge"], safe_keys=["token"])
    value = {"badge": 12, "token": "abc", "note": f"password={SECRET}", "more": {"password": SECRET}}
    assert redactor(value) == {
        "badge": "***",
        "token": "abc",
        "note": "password=***",
        "more": {"password": "***"},
    }


def test_own_rules_are_added_to_the_built_in_ones() -> None:
    """Patterns and detectors of a project work next to all others."""
    redactor = Redactor(detectors=[re.compile("badge (?P<secret>[0-9]+)"), re.compile("room-[0-9]"), Wards()])
    assert redactor.text("badge 123 room-7 ward-9 password=abc123") == "badge *** *** *** password=***"


def test_group_that_took_no_part_in_a_match_is_no_secret() -> None:
    """An optional group "secret" hides nothing where it is not there."""
    assert Redactor(detectors=[re.compile("door(?P<secret>[0-9]+)?")]).text("door door12") == "door door***"


def test_overlapping_finds_become_one_marker() -> None:
    """What two rules find is hidden once."""
    redactor = Redactor(detectors=[re.compile("abc-def"), re.compile("def-ghi")])
    assert redactor.text("x abc-def-ghi y") == "x *** y"


def test_names_select_among_the_built_in_detectors() -> None:
    """With names in the list only these shapes are searched."""
    redactor = Redactor(detectors=["jwt"])
    token = "ghp_" + "a1" * 18
    assert redactor.text(token) == token


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        (["no-such"], "no-such"),
        ("jwt", "jwt"),
        ([re.compile(b"x")], "for bytes"),
        ([re.compile("a*")], "empty"),
        ([3], "got 3"),
        ([Wards], "Wards"),
    ],
)
def test_wrong_rules_are_refused_by_name(rules: list[object], named: str) -> None:
    """A rule that cannot work is an error at set-up, and the message names it."""
    with pytest.raises(ConfigError, match=named):
        Redactor(detectors=rules)


@pytest.mark.parametrize(("rule", "kind"), [(Failing(), "LookupError"), (Wild(), "ValueError")])
def test_failing_rule_hides_the_text(rule: Detector, kind: str) -> None:
    """An error inside redaction never lets the text through, and is counted."""
    redactor = Redactor(detectors=[rule])
    hidden = f"[redaction failed: {kind}]"
    assert redactor.text(f"note {SECRET}") == hidden
    assert list(redactor({"a": SECRET}).values()) == [hidden]
    assert redactor.stats()["redaction_failed"] >= 2


def test_broken_rule_object_fails_closed_in_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even an error in the rules themselves hides the value."""

    def fail(*args: object) -> Verdict:
        raise LookupError(SECRET)

    redactor = Redactor()
    monkeypatch.setattr(redactor._policy, "verdict", fail)
    assert redactor({"a": SECRET}) == {"[redaction failed: LookupError]": "***"}
    monkeypatch.setattr("obskit.redaction.walk.walk", fail)
    assert str(redactor([SECRET])) == "[redaction failed: LookupError]"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, GeneratorExit])
def test_interrupts_pass(stop: type[BaseException]) -> None:
    """Who stops the program stops it during redaction too."""

    class Stopping:
        def __repr__(self) -> str:
            raise stop

        def find(self, text: str) -> list[tuple[int, int, str]]:
            raise stop

    redactor = Redactor()
    for call in (
        lambda: redactor([Stopping()]),
        lambda: redactor({Stopping(): 1}),
        lambda: Redactor(detectors=[Stopping()]).text("text"),
    ):
        with pytest.raises(stop):
            call()


def test_secrets_are_counted_and_not_shown() -> None:
    """The redactor tells how much it hid, and nothing of what."""
    redactor = Redactor(keys=["badge"], fingerprint_key=b"fingerprint-key")
    redactor({"badge": SECRET, "note": "password=abc1 token=abc2"})
    assert redactor.stats() == {"redacted": 3, "redaction_failed": 0}
    assert "fingerprint-key" not in f"{redactor!r}{redactor._mask!r}"


def test_basic_credentials_and_blank_values_show_no_tail() -> None:
    """The end of base64 gives the end of a password away."""
    assert Redactor()({"Authorization": "Basic dXNlcjpwYXNzd29yZDEy"}) == {"Authorization": "***"}
    assert Redactor().text("Authorization: Basic dXNlcjpwYXNzd29yZDEy") == "Authorization: Basic ***"


def test_many_names_keep_the_memory_bounded() -> None:
    """Names made at run time do not pile up."""
    redactor = Redactor()
    for number in range(5_000):
        redactor({f"name{number}x": f"a text with number {number}"})
    assert len(redactor.edition().names) <= 4_096
    assert len(redactor.edition().texts) <= 4_096


def test_exported_names_exist() -> None:
    """The package exports what it says."""
    assert all(hasattr(obskit.redaction, name) for name in obskit.redaction.__all__)


def test_a_detector_that_never_has_enough_comes_to_an_end() -> None:
    """A text is searched again only so often."""

    class Greedy:
        def find(self, text: str) -> list[tuple[int, int, str]]:
            return [(0, 2, "greedy")] if len(text) > 2 else []

    assert "ab" not in Redactor(detectors=[Greedy()]).text("ab cd")


def test_names_are_not_remembered_without_end() -> None:
    """Innocent names that come from outside do not fill the memory."""
    redactor = Redactor(literals=Literals())
    for number in range(5_000):
        redactor.name(f"column_{number}_of_many")
    assert 0 < len(redactor.edition().names) < 5_000


def test_a_value_that_cannot_be_asked_what_it_is_is_hidden_under_a_secret_name() -> None:
    """Even its class may raise."""

    class Hostile:
        @property  # type: ignore[misc]
        def __class__(self) -> type:
            raise LookupError(SECRET)

    redactor = Redactor(literals=Literals())
    verdict, _ = redactor.name("password")
    assert verdict is not None
    assert redactor.hidden(Hostile(), verdict) == "[redaction failed: LookupError]"


class Text(str):
    """A text of another class."""

    __slots__ = ()


class Interrupted:
    """A value of which Ctrl-C interrupts the reading."""

    def get_secret_value(self) -> str:
        """Be interrupted."""
        raise KeyboardInterrupt


def test_a_value_under_a_secret_name_may_be_of_any_class() -> None:
    """A text of another class is hidden as well, and an interrupt is nobody's failure."""
    assert Redactor()({"password": Text("hunter2")}) == {"password": "***"}
    with pytest.raises(KeyboardInterrupt):
        Redactor().hidden(Interrupted(), Verdict())


def test_the_package_lists_its_names() -> None:
    """Also those that are loaded at first need."""
    assert "Detector" in dir(obskit.redaction)


def test_what_is_loaded_early_is_not_loaded_again() -> None:
    """A redactor that has searched already may be told to load all the rest."""
    redactor = Redactor()
    assert redactor.text("password=hunter2") == "password=***"
    tools = redactor._scanner.load()
    redactor.load()
    assert redactor._scanner.load() is tools
