"""
What the words of a name say about the value under it.

Tables only: `names` reads names by them.
"""

# As in `event`, without `from __future__ import annotations`: a named tuple would compile each of them.

from collections.abc import Mapping
from typing import Final

from .verdict import PASSWORD, TOKEN, Verdict


def _table(rows: Mapping[Verdict, str]) -> Mapping[str, Verdict]:
    return {word: verdict for verdict, words in rows.items() for word in words.split()}


def _pairs(rows: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Read rows of second words and the words before them."""
    return frozenset(
        (first, second)
        for seconds, firsts in rows.items()
        for second in seconds.split()
        for first in firsts.split()
    )


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Words that hold the secret itself, so that even an unknown word behind them leaves a doubt.
STRONG: Final = _table(
    {
        TOKEN: "secret token bearer macaroon",
        PASSWORD: """password passwd passphrase passcode pwd pw psw pswd pword passwrd psk pgpass
            credential cred passwort kennwort contrasena contraseña senha motdepasse mdp wachtwoord
            losenord lösenord salasana haslo hasło heslo parola sifre şifre пароль 密码 密碼 パスワード
            비밀번호""",
        Verdict(weak=True): "key",
        Verdict(numbers=False, tail=False, weak=True): "pass",
        Verdict(numbers=False, weak=True, doubtful=True): "jwk jwt",
    }
)

#: What the last word of a name says about its value.
HEADS: Final = {
    **STRONG,
    **_table(
        {
            TOKEN: "authorization",
            PASSWORD: """mnemonic cookie otp totp hotp pin cvv cvc cvn ccv csc ssn dsn sessid phpsessid
                jsessionid sessdata aspxauth kubeconfig dockerconfigjson dockercfg netrc htpasswd nsec
                xprv puk rwcommunity rocommunity requirepass conninfo""",
            Verdict(weak=True): "auth",
            Verdict(numbers=False, weak=True): "sig salt pepper seed pat hmac",
            Verdict(numbers=False, tail=False, weak=True): "session sess",
            Verdict(
                numbers=False, tail=False, weak=True, doubtful=True
            ): """keystore pfx jks p8 p12 pkcs keytab webhook hook api conn license licence encrypt kek
                dek irk ltk oauth signature ha community communities csrf xsrf private sas""",
        }
    ),
}

#: Of these, the word before tells whether they are meant; an unknown one leaves a doubt.
MANIFOLD: Final = _set("key session auth")
#: Of these there are many as a rule, and none of them is told: ``sessions``.
TOPICS: Final = _set("pass private session sess pin webhook hook api seed license licence")

#: Two last words that mean a secret together and not apart.
PAIRS: Final = _pairs(
    {
        "word words": "pass seed",
        "phrase phrases": "pass seed mnemonic",
        "code codes": """pass recovery backup verification auth authorization mfa fa otp totp sms login
            pairing setup device access activation unlock reset registration confirmation confirm verify
            email pin oauth security secret install alarm disarm keypad door gate""",
        "id ids sid": "session sess connect",
        "id": "secret",
        "ticket": "session auth login steam",
        "string strings str": "session auth connection connect conn",
        "answer": "secret security",
        "stamp": "security",
        "url uri": "database db postgres postgresql pg mysql mongo mongodb redis amqp rabbitmq broker celery",
        "url uri urls": "webhook hook apprise shoutrrr otpauth totp",
        "verifier": "code oauth",
        "assertion": "client saml jwt",
        "response": "saml",
        "block": "pin",
        "value": "verification",
        "config": "kube",
        "hash hashes digest sha md bcrypt": "pass password passwd pwd pw pin",
        "hash": "access api auth password nt lm",
        "card": "credit debit",
        "number": "card security cc",
        "key keys pem ssh rsa jwk": "private",
        "rsa ed dsa ecdsa": "id",
        "community communities": "snmp trap read write ro rw",
        "claim": "plex",
        "auth": "basic http redis rediscli registry composer db database user",
        "environment env vars variables": "sensitive secure",
        "string": "community",
        "passe": "de",
    }
)

#: The same, where only what looks random is the secret: a service account may be an address.
DOUBTFUL_PAIRS: Final = _pairs(
    {
        "profile": "publish provisioning",
        "account": "service",
        "json": "sa services play",
        "users user": "auth local",
        "parameters params": "auth authentication",
        "content contents data": "file",
        "config": "jaas auth",
        "iv": "encryption cipher aes",
        "link": "csc magic",
        "url": "slack discord teams mattermost",
        "certificate cert certificates": """signing sign build macos mac apple windows win ios developer
            distribution""",
    }
)

#: With one of these in the name, a primary key is one of two keys and none of a table.
CIPHERS: Final = _set("encryption storage azure cosmosdb")

_COUNTS: Final = """max min maximum minimum input output prompt completion total n count used remaining
    available cached reasoning context generated thinking audio image text training inference accepted
    rejected prediction sampled budget limit avg average by candidates per"""

#: Last words that sound like a secret, and the words before them that say otherwise.
INNOCENT_PAIRS: Final = _pairs(
    {
        "key keys": """primary foreign public pub publishable site cache partition sort sequence
            composite unique natural surrogate candidate routing ordering idempotency dedupe dedup
            deduplication group grouping hash hot object map dict index row column field metric message
            record document shard item resource thread context translation locale issue project feature
            flag tag job task entity member space s3 gcs blob verify verifying kms managed authorized
            trusted known websocket socket i tracking arrow search answer start evaluated path response
            setting attribute property mapping match matching boundary""",
        "token tokens": """next page continuation pagination previous prev paging starting forward
            backward sequence iterator scroll marker offset checkpoint sync delta block unit chunk
            change lock version etag fencing skip idempotency concurrency cursor resume since from batch
            position watch history stop special pad eos bos unk mask sep cls start end first last word
            sub bpe llm design unexpected expected peek lookahead color base quote native gas fee reward
            governance collateral staking wrapped nft lp""",
        "tokens": _COUNTS,
        "signature": "author forward method function type slot call email",
        "pin": """gpio clk clock mosi miso sck sclk scl sda cs ss tx rx rst reset busy dc data led irq
            int interrupt power input output trigger trig echo relay button dio pwm analog digital adc
            dac mclk bclk lrclk ws dout din backlight bl cts rts wakeup wake sensor motor step dir
            direction header pull up down enable en red green blue white cold warm latch strobe signal
            oe le fan heater buzzer speaker mic switch boot sleep standby status ready fault pdn pwdn
            vsync href pclk xclk i2s spi uart rs rw wr rd stb lcd tft display touch lora can ce csn txd
            rxd dtr d0 d1 d2 d3 d4 d5 d6 d7 servo stepper pump valve""",
        "credentials": "allow",
        "cookie cookies": "secure",
        "mnemonic": "algorithm",
        "seed": "random",
        "private": "pydantic",  # where a model keeps its private attributes
    }
)

#: Words before a head that make it a setting or a name more often than a secret.
DOUBTFUL_BEFORE: Final = _pairs(
    {
        "token": f"{_COUNTS} http creation service request",
        "tokens": "http",
        "auth": "tls mtls cert certificate iam ldap saml sso kerberos smtp mail imap client method mfa",
        "secret secrets": """existing truststore keystore tls cert certificate certificates ca users
            pull config env credentials password passwords vars scripts configuration license volume
            mount image""",
        "authorization": "peering",
        "credentials": "application",
    }
)

#: Words before ``key`` and the like that leave no doubt.
QUALIFIERS: Final = _set(
    """api access secret private priv auth oauth bot refresh session csrf xsrf user master encryption
    encrypt encrypted signing sign webhook app application service account sas aws gcp product serial
    activation cd azure admin root deploy bearer jwt login device push personal github gitlab slack
    discord telegram twilio stripe openai anthropic sentry npm pypi consumer hmac license licence shared
    s c a my rest live test dd datadog registration identity pass gh gl enc crypto fernet aes rsa write
    ingest subscription stream provider integration unlock unseal wallet recovery web functions
    instrumentation preshared psk wpa radius tacacs snmp"""
)

#: Words behind a secret's that say the value is a name, a place or a digest of it, though it may look random.
NOUNS: Final = _set(
    """id ids uid uuid guid name names alias url uri urls uris endpoint arn arns type types kind path
    paths file files filename dir directory user username email owner hash hashes digest fingerprint
    thumbprint checksum sha md version versions revision etag jti kid ref reference urn address contract
    symbol mint cid cert certs certificate certificates crt chain ca issuer audience jwks algorithm
    algorithms algo prefix suffix host hostname domain bucket region image commit policy provider table
    column namespace schema label identifier location link keyring vault size length count"""
)

#: Trailing words that say how the value is written or which one it is; so do a number and a single letter.
TRAILERS: Final = _set(
    """value values val str string strings raw text txt plain plaintext clear base content contents
    encoded encrypted decrypted hex binary json xml pem param data material confirm confirmation again
    repeat retype old new current previous prev original prod production staging stage dev development
    test testing live sandbox local default backup write read ro rw main primary secondary internal
    external global"""
)

#: Words anywhere before a secret's that ask or tell something about it, or count it.
VERBS: Final = _set(
    """is has have can should must may use uses using used enable enabled disable disabled allow allowed
    deny require requires required force enforce purge generate auto rotate update expire expires ignore
    revoke invalidate skip show hide include exclude validate need needs no not num number max min count
    total without existing supports support accept accepts persist manage create cleanup clean export
    import load add remove delete change changed forgot lost with reveal save remember forward stub mock
    mask redact ask prompt reject display echo print strip quote prefer retry retain path"""
)

#: What is said of a secret behind these is not its name: ``secret_for_files``.
PREPOSITIONS: Final = _set("for of")
#: Behind these is another thing: ``time_to_first_token``.
LINKS: Final = _set("to per via")

#: Words that end a longer one only where it is a secret, whatever stands before them: ``webpassword``.
UNMISTAKABLE: Final = _set(
    """password passwords passwd passphrase pass secret secrets credential credentials cookie cookies
    pwd pw sessid key auth"""
)
#: Words that are one letter longer where they are a secret: ``skey``, ``xauth``.
LETTERED: Final = _set("key keys token tokens auth pass pwd")

#: Other words that a longer one may be made of; the last ones only look as if they were made of words.
_OTHERS: Final = _set(
    """cloud bind send sso public pub site hot page next primary foreign cache keys tokens secrets
    passwords php event turn encoding enable fields client server storage ssh gpg pgp ssl tls nt lm smtp
    mail ftp ldap mysql postgres saltenv jsonwebtoken compass bypass trespass surpass overpass underpass
    encompass lowpass highpass bandpass allpass subpass multipass"""
)
_ALL: Final = {word for pair in PAIRS for word in pair}.union(HEADS, QUALIFIERS, NOUNS, TRAILERS, _OTHERS)
#: Every word by which a longer one is taken apart; short ones are in too many words.
KNOWN: Final = frozenset(word for word in _ALL if len(word) > 2) | _set("id db pw my pg gh")
