"""Which names are secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.errors import ConfigError
from obskit.redaction import Redactor
from obskit.redaction.names import words_of
from obskit.redaction.policy import KeyPolicy

SECRET = (
    "token secret password key authorization api_key api_token apiToken X-API-Key APIKEY apikey "
    "passwd pwd userPwd passphrase credential credentials creds cookie set-cookie session session_id "
    "sessionid PHPSESSID connect.sid csrf csrf-token jwt bearer auth dsn connection_string connStr "
    "database_url redisUrl mongo_uri webhook_url otp totp pin cvv cvc ssn private_key privateKey salt "
    "signature DB_PASSWORD_PROD password2 new_password passwordConfirmation password_hash clientSecret "
    "client_secret_value dbpassword SecretString aws_secret_access_key AWS_SESSION_TOKEN refresh_token "
    "accessKey authToken access_token_v2 apikey_v2 X-APIKey_v2 secret_id passkey privkey sharedaccesskey "
    "ghtoken tokenstring sid twilio_pwd connstr code_verifier s3_secret_key "
    "encryption_primary_key enable_secret proxyuserpwd "
    "bottoken recovery_codes passWord id_token page_access_token DD-APPLICATION-KEY tokens keys"
).split()

INNOCENT = (
    "monkey keyboard max_tokens keys_url turkey hockey keyword keyframe primary_key foreignKey public_key "
    "partition_key routing_key idempotency_key key_id kms_key_id token_type token_count secret_name "
    "password_policy total_tokens completion_tokens next_page_token nextToken time_to_first_token author "
    "authors accessor passenger bypass compass tokenizer design assign pinned spin path session_count "
    "access_tokens_url token_expires_in jsonwebtoken code nonce msg id user_id trace_id"
).split()


@pytest.mark.parametrize("name", SECRET)
def test_secret_names_are_known_in_any_spelling(name: str) -> None:
    """A name whose head is a secret has a verdict."""
    assert KeyPolicy().verdict(name) is not None


@pytest.mark.parametrize("name", INNOCENT)
def test_innocent_names_pass(name: str) -> None:
    """Under a name that merely contains a secret word, an ordinary value stays."""
    assert Redactor()({name: "7 in eu-west-1"}) == {name: "7 in eu-west-1"}


def test_project_names_match_in_any_spelling_and_at_the_end_of_a_name() -> None:
    """A project's own name is secret however it is written."""
    policy = KeyPolicy(keys=["badge_number"])
    assert policy.verdict("badgeNumber") is not None
    assert policy.verdict("EMPLOYEE-BADGE-NUMBER") is not None
    assert policy.verdict("number") is None


def test_safe_names_win_over_the_rule() -> None:
    """A project can say that one of its names is innocent."""
    policy = KeyPolicy(safe_keys=["session_key"])
    assert policy.verdict("sessionKey") is None
    assert policy.verdict("old_session_key") is not None


@pytest.mark.parametrize("names", ["token", [""], [3], ["--"]])
def test_wrong_names_are_refused(names: object) -> None:
    """What is no list of names is an error at set-up."""
    with pytest.raises(ConfigError, match="safe_keys"):
        KeyPolicy(safe_keys=names)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["num_passwords", "max_token", "password_attempts", "tokens"])
def test_names_that_count_let_numbers_pass(name: str) -> None:
    """How many passwords there are is no password."""
    assert KeyPolicy().verdict(name) is not None
    assert Redactor()({name: 7}) == {name: 7}
    assert Redactor().text(f"{name}=7000") == f"{name}=7000"


@pytest.mark.parametrize(
    "name",
    (
        "route_key debugSession buildSignature keystore client_secret_heroku update_password existingSecret "
        "use_auth secret_to_rotate ANDROID_SERVICE_ACCOUNT"
    ).split(),
)
def test_doubtful_names_leave_it_to_the_value(name: str) -> None:
    """Where a name may mean anything, only a value that looks random is hidden."""
    redactor = Redactor()
    assert redactor({name: "orders.created"}) == {name: "orders.created"}
    assert redactor({name: ["a", 7, True]}) == {name: ["a", 7, True]}
    assert redactor({name: {"password": "hunter2"}}) == {name: {"password": "***"}}
    for value in ("k7Qx2vT9w" + "Lr4zXb8Nf3Yc", "AbcdEfghIjklMnopQrStuv"):
        assert value not in str(redactor({name: value}))
        assert value.encode() not in redactor({name: value.encode()})[name]


@pytest.mark.parametrize("name", ["password", "has_password", "csrf", "use_auth"])
def test_a_flag_is_no_secret(name: str) -> None:
    """True and False say nothing that anyone could use."""
    assert Redactor()({name: True}) == {name: True}


def test_memory_of_the_policy_stays_bounded() -> None:
    """However many names are asked for, few are remembered."""
    policy = KeyPolicy()
    for number in range(5_000):
        policy.verdict(f"name_{number}")
    policy.verdict("long" * 100)
    assert len(policy._known) <= 4_096


@given(st.text())
def test_any_text_is_a_name(name: str) -> None:
    """No name raises, and the same name has the same verdict."""
    policy = KeyPolicy()
    assert policy.verdict(name) == policy.verdict(name)
    assert all(word == word.lower() for word in words_of(name))
