"""Secrets inside text: found, hidden, and nothing else touched."""

from __future__ import annotations

import random
import re
import string
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.redaction import Redactor
from obskit.redaction.assignments import Assignments
from obskit.redaction.detectors import compiled
from obskit.redaction.policy import KeyPolicy
from obskit.redaction.scan import gate_pattern
from obskit.redaction.shapes import SHAPES

REDACTOR = Redactor()

ALNUM = string.ascii_letters + string.digits
URL = ALNUM + "_-"
HEX = string.digits + "abcdef"
BASE32 = string.ascii_uppercase + "234567"
DIGITS = "123456789"

#: What stands before a secret, the alphabet and length of its parts, what stands after it.
Recipe = Callable[[random.Random], tuple[str, str, str]]


def recipe(before: str, secret: str, after: str = "") -> Recipe:
    """Describe a secret: ``<alphabet:length>`` is replaced by random characters."""
    alphabets = {"alnum": ALNUM, "url": URL, "hex": HEX, "base32": BASE32, "digits": DIGITS, "kind": "MNO"}

    def make(rng: random.Random) -> tuple[str, str, str]:
        def fill(match: re.Match[str]) -> str:
            return "".join(rng.choice(alphabets[match[1]]) for _ in range(int(match[2])))

        return tuple(re.sub(r"<(\w+):(\d+)>", fill, part) for part in (before, secret, after))  # type: ignore[return-value]

    return make


JWT = "eyJ<url:30>.eyJ<url:60>.<url:43>"
RECIPES = {
    "discord-new": recipe("", "<kind:1><url:25>.<url:6>.<url:38>"),
    "discord-old": recipe("", "<kind:1><url:23>.<url:6>.<url:27>"),
    "discord-webhook": recipe("https://ptb.discord.com/api/v10/webhooks/<digits:18>/", "<url:68>"),
    "discordapp-webhook": recipe("https://discordapp.com/api/webhooks/<digits:19>/", "<url:68>"),
    "discord-interaction": recipe("/webhooks/<digits:18>/", "<url:200>", "/messages/@original"),
    "discord-callback": recipe("/api/v10/interactions/<digits:18>/", "<url:200>", "/callback"),
    "telegram": recipe("", "<digits:10>:A<url:34>"),
    "telegram-url": recipe("https://api.telegram.org/bot", "<digits:10>:<url:35>", "/getMe"),
    "slack-bot": recipe("", "xoxb-<digits:12>-<digits:12>-<alnum:24>"),
    "slack-app": recipe("", "xapp-1-A<base32:10>-<digits:12>-<hex:64>"),
    "slack-hook": recipe("https://hooks.slack.com/services/T<base32:9>/", "B<base32:9>/<alnum:24>"),
    "github": recipe("", "ghp_<alnum:36>"),
    "github-app": recipe("", f"ghs_<digits:6>_{JWT}"),
    "github-fine": recipe("", "github_pat_<alnum:22>_<alnum:59>"),
    "gitlab": recipe("", "glpat-<alnum:1><url:18><alnum:1>"),
    "gitlab-routable": recipe("", "glpat-<url:27>.<alnum:2>.<alnum:9>"),
    "aws-id": recipe("", "AKIA<base32:16>"),
    "aws-secret": recipe("aws_secret_access_key = ", "<alnum:40>"),
    "aws-presigned": recipe("https://s3.example.com/b/k?X-Amz-Signature=", "<hex:64>", "&x=1"),
    "google": recipe("", "AIza<url:35>"),
    "google-oauth": recipe("", "ya29.<url:99><alnum:1>"),
    "azure": recipe("", "<url:3>8Q~<url:34>"),
    "azure-sas": recipe("https://a.example.net/c?sv=2024&sig=", "<alnum:43>"),
    "openai": recipe("", "sk-proj-<url:74>T3BlbkFJ<url:74>"),
    "anthropic": recipe("", "sk-ant-api03-<url:93>AA"),
    "stripe": recipe("", "sk_live_<alnum:24>"),
    "npm": recipe("", "npm_<alnum:36>"),
    "pypi": recipe("", "pypi-AgEIcHlwaS5vcmc<url:150>"),
    "hugging-face": recipe("", "hf_<alnum:34>"),
    "sendgrid": recipe("", "SG.<url:22>.<url:43>"),
    "jwt": recipe("", JWT),
    "jwt-after-underscore": recipe("session_", JWT),
    "pem": recipe(
        "-----BEGIN RSA PRIVATE KEY-----\n", "<alnum:64>\n<alnum:64>", "\n-----END RSA PRIVATE KEY-----"
    ),
    "pem-cut-and-escaped": recipe("-----BEGIN PRIVATE KEY-----\\n", "<alnum:64>\\n<alnum:30>"),
    "authorization": recipe("Authorization: Bot ", "<alnum:40>"),
    "digest": recipe("Authorization: Digest ", 'username="u", response=<hex:32>'),
    "basic": recipe("Authorization: Basic ", "<alnum:24>=="),
    "bearer": recipe("Bearer ", "<alnum:40>"),
    "cookie": recipe("Cookie: ", "theme=dark; sid=<alnum:26>", "\n"),
    "userinfo": recipe("postgres://app:", "<alnum:16>", "@db.example.org/x"),
    "userinfo-encoded": recipe("https://app%3A", "<alnum:16>", "@example.org/x"),
    "userinfo-slash": recipe("postgres://app:", "<alnum:8>/<alnum:8>", "@db.example.org:5432/x"),
    "userinfo-token": recipe("https://", "<hex:31>7", "@o1.ingest.example.org/42"),
    "query-encoded": recipe("/login?next=%2Fa%3Ftoken%3D", "<alnum:20>"),
    "query-code": recipe("/callback?code=", "<alnum:20>", "&state=1"),
    "odbc": recipe("Server=db;User Id=sa;Pwd=", "<alnum:9>", ";"),
    "json": recipe('{"user":"a","password":"', "<alnum:9>", '"}'),
    "escaped-json": recipe('{\\"client_secret\\": \\"', "<alnum:9>", '\\"}'),
    "assignment": recipe("api_key=", "<alnum:20>"),
    "prose": recipe("password: ", "<alnum:6>7!"),
    "option": recipe("--api-key ", "<alnum:20>", " --verbose"),
    "environment": recipe("export DB_PASSWORD='", "<alnum:10>", "'"),
    "curl": recipe("curl -u ada:", "<alnum:12>", " https://example.org"),
    "quoted-header": recipe("headers={'Authorization': 'Token ", "<alnum:24>", "'}"),
    "escaped-quote": recipe('password="', '<alnum:9>\\"<alnum:9>', '"'),
    "long-value": recipe("token=", "<alnum:400>"),
    "unclosed-quote": recipe('token="', "<alnum:20>", "\n"),
}

SURROUNDINGS = (
    "{}",
    "failed with {} in request",
    "url={}",
    "({})",
    "'{}'",
    "GET {} 200",
    "{}, retry",
    "[{}]",
    "error: {}",
    "{}\nnext line",
    "<{}>",
    "`{}`",
    "a\t{}\tb",
)

UNCHANGED = (
    "auth: https://example.com/login",
    "the monkey pressed a key on the keyboard",
    "token expired, please log in again",
    "token: expired",
    "Password: required",
    "password must be at least 8 characters long",
    "error: password: must not be empty",
    "invalid key: primary",
    "key: users/42/avatar.png",
    "cache key=users:42 hit",
    "KeyError: 'name'",
    "max_tokens=512 prompt_tokens=12 total_tokens=524",
    "input_tokens: 512, output_tokens: 30",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b merged",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "id=550e8400-e29b-41d4-a716-446655440000",
    "user 123456789012345678 in guild 987654321098765432",
    "version=1.2.3-rc.1 python=3.11.9",
    "SELECT * FROM users WHERE key = 'abc' AND token = $1",
    "UPDATE users SET password = ? WHERE id = 3",
    "INSERT INTO t (key, value) VALUES (%s, %s)",
    "GET https://api.github.com/repos/a/b/actions/runs/12345678901 200",
    "GET https://discord.com/api/v10/webhooks/123456789012345678 200",
    "/usr/lib/python3.11/site-packages/foo/bar.py:12: DeprecationWarning",
    "2026-01-01T12:30:45.123456+00:00 INFO started",
    "the bot said: hello",
    "Bot started in 3s",
    "Basic authentication failed",
    "Bearer token missing",
    "Bearer authentication required",
    "Authorization: required",
    "authorization failed for user bob",
    "auth: failed",
    "session: expired",
    "session=42 closed",
    "session_id missing",
    "def login(user: str, password: str) -> Token: ...",
    "password = get_password()",
    'token=os.environ["TOKEN"]',
    "password: str = None",
    "token: ${TOKEN}",
    "password=%s",
    "--token is required",
    "--token requires a value",
    "use --key to sort",
    "email me at user@example.com",
    "ssh://git@github.com/a/b.git",
    "https://example.com/a?page=2&sort=key",
    "https://example.com/?q=token",
    "http://localhost:8080/path@2x.png",
    "https://docs.example.com/@scope/pkg",
    "eyJ is the start of a token",
    "sk-learn and sk-image",
    "risk-assessment-for-the-quarterly-report-2026-10-10",
    "task-management-system-integration-tests-for-2026",
    "disk-usage-report-generator-and-friends-v2",
    "desk-reservation-service-for-the-main-building-4",
    "xoxo-love",
    "ghp_ is a prefix",
    "AKIA is a prefix",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    "cookie: consent needed",
    "keys: a, b, c",
    "primary_key=id",
    "foreign key: user_id",
    "key=value",
    "api key: missing",
    "secret: not found",
    "the secret of good soup: salt",
    "pin: enabled",
    "salt: to taste",
    "auth=none",
    "token_type=bearer",
    "token_type: bearer",
    "key_id=42",
    "keys_url=https://api.github.com/users/a/keys",
    "retry in 5s; status=ok; code=404",
    "?code=404",
    "otp: disabled",
    "private: true",
    '"private": false',
    "tokens: 512",
    "3 tokens: foo bar baz",
    "'token': None",
    '"password": null',
    '"key": "name"',
    '"keys": ["a", "b"]',
    "image: registry/app:1.2.3",
    "time=12:30:45 took=3ms",
    "object at 0x7f3b2c1d4e50",
    "<function token at 0x7f3b2c1d4e50>",
    "signature: def f(x)",
    "function signature mismatch: expected 2",
    "seed=42",
    "hash=abcdef",
    "pass: 3 fail: 2",
    "12 passed, 3 failed",
    "dependencies: jsonwebtoken: 9.0.0",
    "hook: pre-commit",
    "feature_flag.key=new-ui",
    "routing key: orders.created",
    "key 'abc' not found",
    "secret santa: december",
    "TOKEN_LIMIT=4000",
    "token limit: 4000",
    "trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331",
    "npm install npm_config_registry_default_setting",
    "pat: john",
    "Traceback (most recent call last):",
    "mail sent to a.b@c.de with key points: one two",
    "monkey=banana keyboard=qwerty1234567890",
    "turkey: 12345678901234567890",
    "author=jane_doe_1990_the_second",
    "Set-Cookie missing",
    "database url: missing",
)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("surrounding", SURROUNDINGS)
def test_secret_of_a_documented_shape_is_hidden_in_any_sentence(name: str, surrounding: str) -> None:
    """Nothing of a secret survives but a tail of four, and hiding it twice changes nothing."""
    before, secret, after = RECIPES[name](random.Random(name + surrounding))
    shown = REDACTOR.text(surrounding.format(before + secret + after))
    assert not [secret[i : i + 5] for i in range(len(secret) - 4) if secret[i : i + 5] in shown]
    assert REDACTOR.text(shown) == shown


@pytest.mark.parametrize("text", UNCHANGED)
def test_ordinary_text_stays(text: str) -> None:
    """Prose, paths, hashes, ids, versions, SQL and source text come back as the same object."""
    assert REDACTOR.text(text) is text


def test_rest_of_the_sentence_stays() -> None:
    """Only the secret itself is replaced; host and id of a webhook stay readable."""
    url = "https://discord.com/api/v10/webhooks/123456789012345678/" + "ab1_" * 17
    assert REDACTOR.text(f"POST {url} gave 404") == (
        "POST https://discord.com/api/v10/webhooks/123456789012345678/***ab1_ gave 404"
    )


FRAGMENTS = st.sampled_from(
    [anchor for shape in SHAPES for anchor in shape.anchors]
    + [
        "eyJ" + "a" * 12,
        "a" * 36,
        "A1" * 20,
        ".",
        ":",
        "@",
        "=",
        "://",
        "/",
        "-",
        " ",
        '"',
        "\\",
        "token",
        "key",
        "***",
    ]
)


@settings(max_examples=300)
@given(st.lists(st.one_of(FRAGMENTS, st.text(max_size=8)), max_size=12).map("".join))
def test_silent_gate_means_that_no_detector_matches(text: str) -> None:
    """What the gate lets pass holds nothing that a detector would have found."""
    if compiled(gate_pattern(SHAPES)).search(text) is None:
        assert [shape.name for shape in SHAPES if list(shape.find(text))] == []
    for shape in SHAPES:
        assert shape.may_find(text) or not list(shape.find(text))


@settings(max_examples=300)
@given(st.lists(st.one_of(FRAGMENTS, st.text(max_size=8)), max_size=12).map("".join))
def test_hiding_twice_changes_nothing(text: str) -> None:
    """What was made safe is left alone."""
    once = REDACTOR.text(text)
    assert REDACTOR.text(once) == once


@given(st.sampled_from(sorted(RECIPES)), st.integers())
def test_gate_lets_no_secret_pass(name: str, seed: int) -> None:
    """For each documented shape the gate or the search for assignments speaks up."""
    text = "".join(RECIPES[name](random.Random(seed)))
    found = list(Assignments(KeyPolicy()).find(text))
    assert found or compiled(gate_pattern(SHAPES)).search(text) is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "eyJ",
        "eyJ.",
        "eyJ-",
        "a.",
        "://",
        "://a:",
        ":",
        "@",
        "key=",
        "key=/",
        'key="',
        "key='key=\"",
        '"',
        "\\",
        'key=\\"',
        "-----BEGIN ",
        "xox",
        "Bearer ",
        "bearer+",
        "AKIA",
        "sk-",
        "npm_",
        "ghs_",
        "Cookie: ",
        "token: ",
        "a_",
        '{"a":',
    ],
)
def test_time_grows_with_the_length_of_the_text(unit: str) -> None:
    """Eight times the text takes about eight times the time, whatever an attacker repeats."""

    def seconds(length: int) -> float:
        text = (unit * (length // len(unit) + 1))[:length]
        times = []
        for _ in range(3):
            started = time.thread_time()  # other work on the machine does not count
            REDACTOR.text(text)
            times.append(time.thread_time() - started)
        return min(times)

    # Quadratic time would be 64 times as long; caches of the processor may cost a factor of two.
    assert seconds(200_000) < 24 * seconds(25_000) + 0.02


@pytest.mark.parametrize("prefix", ["", "  | ", "> ", "\t"])
def test_a_private_key_is_hidden_whatever_stands_before_its_lines(prefix: str) -> None:
    """An exception group draws a bar before each line of its members."""
    lines = ["-----BEGIN RSA PRIVATE KEY-----", *["MIIfake0" + "A" * 56] * 3, "-----END RSA PRIVATE KEY-----"]
    text = "\n".join(prefix + line for line in lines)
    assert "fake" not in REDACTOR.text(f"ValueError: bad key\n{text}\nin load()")


@pytest.mark.parametrize(
    "escape",
    ["\\n", "\\t", "\\r\\n", "\\x00", "\\u0000", "%20", "%0A", "\x1b[31m", "\x1b[1;31m", "\x1b[0m", "tok_"],
)
@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "Ab1" * 12,
        "MTA4" + "a" * 22 + ".abcdef." + "A1b" * 13,
        "AKIA" + "ABCDEFGH2345672A",
        "xoxb-" + "1234567890-1234567890-" + "aB1" * 8,
        "sk-proj-" + "aB3" * 16,
    ],
)
def test_a_token_behind_an_escape_is_hidden(escape: str, token: str) -> None:
    """The letter that ends an escape does not belong to the token."""
    assert token[8:] not in REDACTOR.text(f"cfg{escape}{token} end")
