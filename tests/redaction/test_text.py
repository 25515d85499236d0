"""Secrets inside text: found, hidden, and nothing else touched."""

from __future__ import annotations

import random
import time
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.redaction import Redactor
from obskit.redaction.assignments import Assignments
from obskit.redaction.detectors import Shape
from obskit.redaction.policy import KeyPolicy
from obskit.redaction.shapes import SHAPES
from obskit.redaction.sieve import Sieve
from redactioncard.clean import CLEAN, LATER
from redactioncard.corpus import Planted
from redactioncard.recipes import RECIPES, Recipe
from redactioncard.surroundings import SURROUNDINGS

REDACTOR = Redactor()
SIEVE = Sieve(SHAPES)

#: Where a secret is tried here; the redaction card tries all.
PLACES: Final = (
    "alone",
    "parentheses",
    "json in json",
    "repr of lines",
    "traceback",
    "query",
    "colours",
    "html",
)


def plant(recipe: Recipe, place: str) -> Planted:
    """Make a secret and put it into a text."""
    secret = recipe.make(random.Random(recipe.name + place))
    text, as_written = SURROUNDINGS[place].around(secret)
    return Planted(recipe.name, place, text, (as_written, secret.secret))


@pytest.mark.parametrize("name", RECIPES)
def test_secret_of_a_documented_shape_is_hidden_wherever_it_stands(name: str) -> None:
    """No eight characters of it survive, and hiding it twice changes nothing."""
    for place in PLACES:
        planted = plant(RECIPES[name], place)
        shown = REDACTOR.text(planted.text)
        assert not planted.leaks_in(shown), shown
        assert REDACTOR.text(shown) == shown


#: What looks like the start of a secret and is none, for each shape.
NEAR_MISSES: Final = {
    "discord-bot-token": "MTA4aaaaaaaaaaaaaaaaaaaaaa.abcdef.too-short",
    "discord-webhook": "GET /api/v10/webhooks/123456789012345678/messages",
    "discord-interaction": "POST /api/v10/interactions/123456789012345678/callback",
    "telegram-bot-token": "2026:01_and_a_name_of_more_than_34_letters_behind",
    "slack-token": "xoxb-love and xoxp-kiss",
    "slack-webhook": "GET /services/TEAM/list",
    "teams-webhook": "/IncomingWebhook/list",
    "hook-path": "DELETE /repos/acme/site/hooks/12345678",
    "github-token": "ghp_ is a prefix, ghp_short too",
    "github-app-token": "ghs_short.name",
    "github-fine-grained-token": "github_pat_prefix",
    "gitlab-token": "glpat-short",
    "aws-access-key-id": "AKIA is a prefix, AKIAshort and AKIABCDEFGHIJKLMNOPQRSTUV are none",
    "aws-bedrock-key": "ABSKshort bedrock-api-key-short",
    "google-api-key": "AIzashort",
    "google-gemini-key": "AQ.Ab8short",
    "google-oauth-token": "ya29.short",
    "google-refresh-token": "1//0 and 1//0short",
    "google-client-secret": "GOCSPX-short",
    "azure-client-secret": "a48Q~short",
    "azure-identifiable-key": "AzFu and APIM and AZDO are signatures",
    "cloudflare-origin-key": "release v1.0-beta of v1.0-rc",
    "fly-token": "fm2_short and fo1_short",
    "databricks-token": "dapi and dapi0123",
    "openai-style-key": "sk-learn, sk-a-very-long-name-in-lower-case",
    "model-provider-key": "hf_hub_download and gsk_short",
    "model-service-key": "lsv2_short pcsk_short",
    "elevenlabs-key": "sk_0123456789abcdef",
    "xai-key": "xai-short",
    "stripe-key": "sk_live_short rk_test_a",
    "braintree-token": "access_token$staging$short",
    "plaid-token": "access-production-only",
    "sendgrid-key": "SG.short.name",
    "twilio-key": "SK0123456789",
    "mail-key": "550e8400-e29b-41d4-a716-446655440000 key-0123 us-east-us1",
    "square-token": "sq0atp-short",
    "square-or-meta-token": "EAAAshort and EAAMshort",
    "meta-app-token": "12|34 and 123456789012345|short",
    "shopify-token": "shpat_short",
    "registry-token": "rubygems_version lin_api_short",
    "service-key": "npm_config_registry_default_setting secret_santa",
    "1password-token": "ops_eyJshort",
    "sentry-org-token": "sntrys_short",
    "pypi-token": "pypi-AgEshort",
    "nuget-key": "oy2 and toy2" + "a" * 43,
    "crates-token": "cio and cioccolato" + "a" * 40,
    "okta-token": "00" + "a1" * 20 + " and 00-short",
    "vault-token": "hvs.short",
    "vault-legacy-token": "s.lower and this.is_a_name_of_24_or_more",
    "terraform-token": "app.atlasv1.short",
    "age-key": "AGE-SECRET-KEY-1SHORT",
    "1password-key": "size A3-paper, A3-ABC123-XYZ",
    "airtable-token": "pat.abcdef0123456789",
    "service-token": "pul-request tskey-auth sl.short dp.pt.a pat-name",
    "jwt": "eyJ is how one starts, eyJhbGciOi.x is none",
    "grafana-legacy-key": "eyJrIjoishort",
    "pem-private-key": "-----BEGIN CERTIFICATE-----MIIC0000-----END CERTIFICATE-----",
    "putty-private-key": "Private-Lines: many",
    "der-private-key": "MIIDxzCCAq+gAwIBAgIUQIBA is a certificate",
    "bearer": "Bearer token missing; token_type=bearer expires_in=3600",
    "bot-scheme": "Bot started in 3s",
    "basic": "Basic authentication of a basic HTTP/1.1 client, basic OpenAPI schema",
    "url-password": "http://localhost:8080/a@b, https://user:password@host, redis://{user}:{secret}@{host}",
    "database-password": "redis://cache:6379/0 and https://example.org:443/@name",
    "url-odd-password": "https://example.org/a:b/c@d and http://h:80/a@example.org",
    "url-token": "ssh://git@github.com/acme/site.git, https://user@example.org",
    "url-code": "?code=404&hash=abcdef",
    "presigned-url": "X-Amz-Date=20260101, &X-Amz-Signature={signature}",
    "curl-user": 'curl -u ada https://example.org; curl -u "$USER:$PASSWORD"; ls -u a:',
    "netrc": "the login needs a password , password too",
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_shape_has_examples_for_and_against_it(shape: Shape) -> None:
    """Each shape finds some documented secret, and leaves alone what only starts like one."""
    assert any(list(shape.find(plant(recipe, "alone").text)) for recipe in RECIPES.values())
    near_miss = NEAR_MISSES[shape.name]
    assert not list(shape.find(near_miss))
    assert REDACTOR.text(near_miss) is near_miss


#: What is hidden although it is harmless: a session may be taken over, an object may have a secret in it.
#: Behind a password, a name of two words looks like one word and a new sentence.
KNOWN_FALSE_ALARMS: Final = ('"key": ', '"keys": ', '"auth": ', "session_id=", "iCloud Keychain")


@pytest.mark.parametrize("kind", [*CLEAN, "later"])
def test_ordinary_text_stays(kind: str) -> None:
    """Prose, logs, source text, SQL, paths, hashes and ids come back as the same object."""
    texts = [Recipe("", "", text).make(random.Random(text)).secret for text in CLEAN.get(kind, LATER)]
    texts = [text for text in texts if not any(known in text for known in KNOWN_FALSE_ALARMS)]
    assert [text for text in texts if REDACTOR.text(text) is not text] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # What stands around a secret.
        (
            f"POST https://discord.com/api/v10/webhooks/123456789012345678/{'ab1_' * 17} gave 404",
            "POST https://discord.com/api/v10/webhooks/123456789012345678/***ab1_ gave 404",
        ),
        (
            "https://x-access-token:abcdef0123456789@github.com/o/r",
            "https://x-access-token:***@github.com/o/r",
        ),
        ("postgresql://user:p@ss/w0rd@host", "postgresql://user:***@host"),
        ("redis://:p#ss@h", "redis://:***@h"),
        ("redis://a:b@h1,redis://c:d@h2/0", "redis://a:***@h1,redis://c:***@h2/0"),
        ("mongodb://u:p@h1:27017,h2:27017/db", "mongodb://u:***@h1:27017,h2:27017/db"),
        ("https://u:p/w@db.example.org/x", "https://u:***@db.example.org/x"),
        ("GET https://u:pw@host/a?email=a@b.com ok", "GET https://u:***@host/a?email=a@b.com ok"),
        # Pairs.
        ("[['X-Api-Key','abcdefghijklmnop']]", "[['X-Api-Key','***mnop']]"),
        ('[("x-api-key", "abcdefgh1"), ("a", "b")]', '[("x-api-key", "***"), ("a", "b")]'),
        ('{"name": "X-Api-Key", "value": "abcdefgh1"} and', '{"name": "X-Api-Key", "value": "***"} and'),
        ('("token", 1)', '("token", 1)'),
        # One odd word behind the name of a password is one; a sentence, a state and a type are none.
        ("my password: swordfish", "my password: ***"),
        ("password: swordfish, user: ada", "password: ***, user: ada"),
        ("password: swordfish is not a good one", "password: swordfish is not a good one"),
        ("password: changed", "password: changed"),
        ("password: swordfishXY is not a good one", "password: *** is not a good one"),
        ("password: PostgreSQL wants one", "password: PostgreSQL wants one"),
        (f"password: {'k' * 21} wants one", "password: *** wants one"),
        # A doubtful name leaves it to the value.
        ("update_password: on_create", "update_password: on_create"),
        (
            "PASSWORD_HASHERS=a.contrib.Argon2Password1Hasher",
            "PASSWORD_HASHERS=a.contrib.Argon2Password1Hasher",
        ),
        ("host_key: SHA256:uNiVztksCsDhcc0u9e8", "host_key: SHA256:uNiVztksCsDhcc0u9e8"),
        ("CLIENT_SECRET_HEROKU=k7Qx2vT9wLr4", "CLIENT_SECRET_HEROKU=k7Qx2vT9wLr4"),
        ("CLIENT_SECRET_HEROKU=k7Qx2vT9wLr4zXb8", "CLIENT_SECRET_HEROKU=***zXb8"),
        ("password: SecretStr", "password: SecretStr"),
        ("X-Api-Key: abcdefghijklmnop", "X-Api-Key: ***mnop"),
        ("token: abcdefghijklmnop", "token: abcdefghijklmnop"),
        # A name in source text is no secret; a word that only ends like one may be.
        ("login(token=self._token, password=self.pw2)", "login(token=self._token, password=self.pw2)"),
        ("token=Name.Class key=key secret=APP_SECRET", "token=Name.Class key=key secret=APP_SECRET"),
        ("token=MAX_VALUE", "token=MAX_VALUE"),
        ("password=mypassword", "password=***"),
        ("password=john.smith", "password=***"),
        ("auth: https://example.org/login", "auth: https://example.org/login"),
        ('if token == "keyword":', 'if token == "keyword":'),
        ('print("Token: " + token)', 'print("Token: " + token)'),
        # Two environment variables sound like one and are none.
        ("PWD=/home/ada OLDPWD=/tmp", "PWD=/home/ada OLDPWD=/tmp"),
        ("Pwd=/home/ada", "Pwd=***"),
        # What is a part of something else.
        ('"AWS::IAM::AccessKey": "bf29289b78d371e3"', '"AWS::IAM::AccessKey": "bf29289b78d371e3"'),
        ("Cookie: a=b; sid=c1 was refused", "Cookie: *** was refused"),
        ("machine h login u password p1)", "machine h login u password ***)"),
        (f"token={'a1' * 200}, next", "token=***a1a1, next"),
        ('password="unclosed\nnext line', 'password="***\nnext line'),
        ('password="a\\"b" next', 'password="***" next'),
    ],
)
def test_only_the_secret_itself_is_replaced(text: str, shown: str) -> None:
    """The rest of the sentence stays, host and id too."""
    assert REDACTOR.text(text) == shown


FRAGMENTS = st.sampled_from(
    [anchor for shape in SHAPES for anchor in shape.anchors]
    + [text for recipe in RECIPES.values() for text in plant(recipe, "alone").text.split(None, 2)]
    + [
        "oy2",
        "cio",
        "00",
        "s.",
        "pat",
        "key-",
        "bot1:",
        "://a:",
        "eyJ" + "a" * 12,
        "a" * 36,
        "A1" * 20,
        "password: ",
        "key=",
        "token",
        "***",
    ]
    + list(".:@=/- \"'\\%&,([{\n")
    + ["://", "%3A", "%2F", "\\/", "\\u003d", "&quot;"]
)
TEXTS = st.lists(st.one_of(FRAGMENTS, st.text(max_size=8)), max_size=12).map("".join)


@settings(max_examples=300)
@given(TEXTS)
def test_sieve_overlooks_nothing_that_a_shape_would_find(text: str) -> None:
    """Where a shape matches, the sieve names it, and the shape's own check says that it may."""
    named = set(SIEVE.shapes(SIEVE.signs(text)))
    for shape in SHAPES:
        if list(shape.find(text)):
            assert shape in named
            assert shape.may_find(text)


@settings(max_examples=300)
@given(TEXTS)
def test_hiding_twice_changes_nothing(text: str) -> None:
    """What was made safe is left alone."""
    once = REDACTOR.text(text)
    assert REDACTOR.text(once) == once


def test_names_known_to_be_innocent_change_nothing() -> None:
    """A text is judged the same with a memory of names that is empty, full and emptied."""
    assignments = Assignments(KeyPolicy())
    for number in range(4_200):
        assert not list(assignments.find(f"user_a{number}b=1"))
        if number % 600 == 0:
            (span,) = assignments.find(f"user_a{number}b=1 password=hunter2 n=3")
            assert (span.start, span.end) == (
                len(f"user_a{number}b=1 password="),
                len(f"user_a{number}b=1 password=hunter2"),
            )


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    """eyJ eyJ. eyJ- a. :// ://a: ://a@ http://a:b@ redis://a:b@ : @ key= key=/ key=" key='key=" " \\ key=\\"
    -----BEGIN· xox Bearer· bearer+ AKIA sk- npm_ ghs_ Cookie:· Cookie:·a= token:· a_ {"a": aB3+dE6/ %2F
    %3A%2F%2F \\/ \\\\" \\u0041 %25 &amp; \x1b[0m \x00a ('a', ["key", "name":·"key", login·a·password·
    s. |a .aaaaaa. -0 aaaaaaaa- MIIAAAIBA key:·a- password:·a· password={a} Private-Lines:·1· {a} 1//0
    AZDO token== Authorization:·Digest·a= _ a1_""".split(),
)
def test_time_grows_with_the_length_of_the_text(unit: str) -> None:
    """Eight times the text, a megabyte, takes about eight times the time, whatever an attacker repeats."""
    unit = unit.replace("·", " ")

    def seconds(length: int, tries: int) -> float:
        text = (unit * (length // len(unit) + 1))[:length]
        times = []
        for _ in range(tries):
            started = time.thread_time()  # other work on the machine does not count
            REDACTOR.text(text)
            times.append(time.thread_time() - started)
        return min(times)

    # Quadratic time would be 64 times as long; caches of the processor may cost a factor of two.
    assert seconds(1_000_000, tries=1) < 24 * seconds(125_000, tries=3) + 0.1


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
