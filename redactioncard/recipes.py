"""
The documented shapes of secrets, as recipes from which random ones are made.

``<alphabet:length>`` stands for random characters; with ``<alphabet:shortest-longest>`` the length is random,
too. What is before and after a secret is its carrier: a name, a header, a URL; it may be readable.
The shapes are those of the issuers' documentation and of the rules of public secret scanners.
"""

from __future__ import annotations

import random
import re
import string
from dataclasses import dataclass
from typing import Final

_ALPHABETS: Final = {
    "alnum": string.ascii_letters + string.digits,
    "url": string.ascii_letters + string.digits + "_-",
    "b64": string.ascii_letters + string.digits + "+/",
    "letters": string.ascii_letters,
    "lower": string.ascii_lowercase + string.digits,
    "upper": string.ascii_uppercase + string.digits,
    "base32": string.ascii_uppercase + "234567",
    "hex": "0123456789abcdef",
    "digits": "123456789",
    "kind": "MNO",
    "symbols": string.ascii_letters + string.digits + "!#%*+-.=?_~",
}
_RANDOM: Final = re.compile(r"<(\w+):(\d+)(?:-(\d+))?>")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret and its carrier."""

    before: str
    secret: str
    after: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a kind of secret is made."""

    name: str
    before: str
    secret: str
    after: str = ""

    def make(self, rng: random.Random) -> Secret:
        """Make one."""

        def fill(match: re.Match[str]) -> str:
            alphabet, shortest, longest = match.groups()
            length = rng.randint(int(shortest), int(longest or shortest))
            return "".join(rng.choices(_ALPHABETS[alphabet], k=length))

        return Secret(*(_RANDOM.sub(fill, part) for part in (self.before, self.secret, self.after)))


_JWT: Final = "eyJ<url:30>.eyJ<url:60>.<url:43>"
_UUID: Final = "<hex:8>-<hex:4>-<hex:4>-<hex:4>-<hex:12>"
_PEM_LINES: Final = "\n".join(["<b64:64>"] * 3)

#: Tokens that say what they are, wherever they stand.
_TOKENS: Final = {
    "discord bot token": "<kind:1><url:25>.<url:6>.<url:38>",
    "discord bot token, old": "<kind:1><url:23>.<url:6>.<url:27>",
    "telegram bot token": "<digits:8-10>:A<url:34>",
    "slack bot token": "xoxb-<digits:12>-<digits:12>-<alnum:24>",
    "slack user token": "xoxp-<digits:12>-<digits:12>-<digits:12>-<hex:32>",
    "slack app token": "xapp-1-A<upper:10>-<digits:12>-<hex:64>",
    "slack configuration token": "xoxe.xoxp-1-<alnum:163>",
    "slack refresh token": "xoxe-1-<alnum:146>",
    "slack legacy token": "xoxa-2-<alnum:40>",
    "slack session token": "xoxc-<digits:12>-<digits:12>-<digits:12>-<hex:64>",
    "slack workflow token": "xwfp-<digits:12>-<alnum:40>",
    "github classic token": "ghp_<alnum:36>",
    "github oauth token": "gho_<alnum:36>",
    "github user token": "ghu_<alnum:36>",
    "github installation token": "ghs_<alnum:36>",
    "github installation token of 2026": f"ghs_<digits:7>_{_JWT}",
    "github refresh token": "ghr_<alnum:76>",
    "github fine-grained token": "github_pat_<alnum:22>_<alnum:59>",
    "gitlab token": "glpat-<alnum:1><url:18><alnum:1>",
    "gitlab routable token": "glpat-<alnum:27>.<lower:2>.<lower:9>",
    "gitlab deploy token": "gldt-<alnum:1><url:18><alnum:1>",
    "gitlab runner token": "glrt-<alnum:1><url:18><alnum:1>",
    "gitlab job token": "glcbt-<hex:2>_<alnum:20>",
    "atlassian token": "ATATT3<alnum:180><url:6>",
    "circleci token": "CCIPAT_<alnum:22>_<hex:40>",
    "buildkite token": "bkua_<hex:40>",
    "sonar token": "squ_<hex:40>",
    "docker hub token": "dckr_pat_<url:26><alnum:1>",
    "nuget key": "oy2<lower:43>",
    "crates.io token": "cio<alnum:31>7",
    "okta token": "00<url:38>aB",
    "npm token": "npm_<alnum:36>",
    "pypi token": "pypi-AgEIcHlwaS5vcmc<url:150>",
    "testpypi token": "pypi-AgENdGVzdC5weXBpLm9yZw<url:120>",
    "rubygems key": "rubygems_<hex:48>",
    "aws access key id": "AKIA<base32:16>",
    "aws temporary key id": "ASIA<base32:16>",
    "aws bedrock key": "ABSK<b64:108>",
    "google api key": "AIza<url:35>",
    "google gemini key": "AQ.Ab8RN6<url:44>",
    "google access token": "ya29.<url:99><alnum:1>",
    "google client secret": "GOCSPX-<url:28>",
    "google refresh token": "1//0<url:100>",
    "azure client secret": "<alnum:3>8Q~<url:34>",
    "azure identifiable key": "<alnum:52>JQQJ99<alnum:26>",
    "azure devops token": "<alnum:76>AZDO<alnum:4>",
    "digitalocean token": "dop_v1_<hex:64>",
    "cloudflare token": "cfut_<alnum:40><hex:8>",
    "cloudflare origin key": "v1.0-<hex:24>-<hex:146>",
    "heroku key": "HRKU-AA<url:57><alnum:1>",
    "fly token": "fm2_<b64:160>",
    "vercel token": "vcp_<alnum:56>",
    "render key": "rnd_<alnum:28>",
    "supabase token": "sbp_<hex:40>",
    "supabase secret": "sb_secret_<alnum:31>",
    "databricks token": "dapi<hex:32>",
    "vault token": "hvs.<url:95>",
    "vault token, old": "s.<alnum:23>7",
    "terraform token": "<alnum:14>.atlasv1.<url:66><alnum:1>",
    "pulumi token": "pul-<hex:40>",
    "doppler token": "dp.pt.<alnum:43>",
    "1password secret key": "A3-<upper:6>-<upper:11>-<upper:5>-<upper:5>-<upper:5>",
    "1password service token": "ops_eyJ<b64:250>",
    "age key": "AGE-SECRET-KEY-1<upper:58>",
    "tailscale key": "tskey-auth-<alnum:16>-<alnum:32>",
    "planetscale token": "pscale_tkn_<url:42><alnum:1>",
    "mongodb atlas secret": "mdb_sa_sk_<url:39><alnum:1>",
    "openai key": "sk-proj-<url:74>T3BlbkFJ<url:73><alnum:1>",
    "openai key, old": "sk-<alnum:20>T3BlbkFJ<alnum:20>",
    "anthropic key": "sk-ant-api03-<url:93>AA",
    "anthropic oauth token": "sk-ant-oat01-<url:93>AA",
    "openrouter key": "sk-or-v1-<hex:64>",
    "deepseek key": "sk-<hex:32>",
    "groq key": "gsk_<alnum:52>",
    "xai key": "xai-<alnum:80>",
    "perplexity key": "pplx-<alnum:48>",
    "replicate token": "r8_<alnum:37>",
    "hugging face token": "hf_<letters:34>",
    "langsmith key": "lsv2_pt_<hex:32>_<hex:10>",
    "elevenlabs key": "sk_<hex:48>",
    "pinecone key": "pcsk_<alnum:6>_<alnum:63>",
    "wandb key": "wandb_v1_<alnum:77>",
    "stripe key": "sk_live_<alnum:24>",
    "stripe restricted key": "rk_test_<alnum:98>",
    "stripe webhook secret": "whsec_<alnum:32>",
    "square token": "sq0atp-<url:21><alnum:1>",
    "square access token": "EAAA<url:59><alnum:1>",
    "shopify token": "shpat_<hex:32>",
    "braintree token": "access_token$production$<lower:16>$<hex:32>",
    "plaid token": f"access-production-{_UUID}",
    "twilio key": "SK<hex:32>",
    "sendgrid key": "SG.<url:22>.<url:42><alnum:1>",
    "mailgun key": "<hex:32>-<hex:8>-<hex:8>",
    "mailgun key, old": "key-<hex:32>",
    "mailchimp key": "<hex:32>-us<digits:1>",
    "brevo key": "xkeysib-<hex:64>-<alnum:16>",
    "hubspot token": f"pat-na1-{_UUID}",
    "notion token": "ntn_<digits:11><alnum:35>",
    "notion token, old": "secret_<alnum:43>",
    "linear key": "lin_api_<alnum:40>",
    "airtable token": "pat<alnum:14>.<hex:64>",
    "figma token": "figd_<url:39><alnum:1>",
    "postman key": "PMAK-<hex:24>-<hex:34>",
    "dropbox token": "sl.<url:134><alnum:1>",
    "meta token": "EAAM<alnum:150>",
    "meta app token": "<digits:16>|<url:26><alnum:1>",
    "sentry user token": "sntryu_<hex:64>",
    "sentry organisation token": "sntrys_eyJpYXQiO<alnum:120>_<alnum:43>",
    "new relic key": "NRAK-<upper:27>",
    "grafana token": "glsa_<alnum:32>_<hex:8>",
    "grafana key, old": "eyJrIjoi<b64:80>",
    "grafana cloud token": "glc_eyJ<alnum:80>",
    "posthog key": "phx_<alnum:43>",
    "elastic key": "essu_<alnum:80>",
    "logfire token": "pylf_v1_eu_<alnum:43>",
    "json web token": _JWT,
    "encrypted web token": "eyJ<url:40>.<url:200>.<url:16>.<url:120>.<url:22>",
}

#: Secrets that their carrier gives away.
_CARRIED: Final = (
    ("discord webhook", "https://discord.com/api/webhooks/<digits:18>/", "<url:68>"),
    ("discord webhook, canary", "https://canary.discord.com/api/v10/webhooks/<digits:19>/", "<url:68>"),
    ("discord webhook, old host", "https://discordapp.com/api/webhooks/<digits:18>/", "<url:68>"),
    ("discord webhook, path", "POST /api/v10/webhooks/<digits:18>/", "<url:68>", " HTTP/1.1"),
    ("discord interaction", "/webhooks/<digits:18>/", "<url:200>", "/messages/@original"),
    ("discord callback", "/api/v10/interactions/<digits:18>/", "<url:200>", "/callback"),
    ("telegram url", "https://api.telegram.org/bot<digits:10>:", "AA<url:33>", "/getMe"),
    ("slack webhook", "https://hooks.slack.com/services/T<upper:9>/B<upper:9>/", "<alnum:24>"),
    ("slack webhook, path", "POST /services/T<upper:9>/B<upper:9>/", "<alnum:24>", " HTTP/1.1"),
    (
        "slack workflow hook",
        "https://hooks.slack.com/workflows/T<upper:9>/A<upper:9>/",
        "<digits:18>/<alnum:24>",
    ),
    ("json web token behind a word", "session_", _JWT),
    ("slack cookie", "Cookie: d=", "xoxd-<alnum:100>%2B<alnum:20>"),
    (
        "teams webhook",
        f"https://acme.webhook.office.com/webhookb2/{_UUID}@{_UUID}/IncomingWebhook/",
        f"<hex:32>/{_UUID}",
    ),
    (
        "power automate hook",
        "https://prod-1.logic.azure.com/workflows/x/triggers/m/run?sp=r&sig=",
        "<url:43>",
    ),
    ("mattermost hook", "https://chat.example.org/hooks/", "<lower:25>7"),
    ("gitlab session", "_gitlab_session=", "<hex:32>"),
    ("npm config", "//registry.example.org/:_authToken=", _UUID),
    ("aws secret key", "aws_secret_access_key = ", "<b64:40>"),
    ("aws secret key in the environment", "AWS_SECRET_ACCESS_KEY=", "<b64:40>"),
    ("aws session token", "aws_session_token=", "IQoJ<b64:300>"),
    ("aws signed url", "https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature=", "<hex:64>", "&x=1"),
    (
        "aws security token in a url",
        "https://b.s3.amazonaws.com/k?X-Amz-Security-Token=",
        "IQoJ<alnum:300>",
        "&x=1",
    ),
    ("google signed url", "https://storage.googleapis.com/b/o?X-Goog-Signature=", "<hex:128>"),
    ("google maps url", "https://maps.googleapis.com/maps/api/geocode/json?address=x&key=", "AIza<url:35>"),
    (
        "service account",
        '{"type": "service_account", "private_key": "',
        "-----BEGIN PRIVATE KEY-----\\n<b64:64>",
        '"}',
    ),
    ("azure storage key", "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=", "<b64:86>=="),
    (
        "azure bus",
        "Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=",
        "<b64:43>=",
    ),
    (
        "azure signed url",
        "https://acme.blob.core.windows.net/c/b?sv=2024-11-04&se=2026&sig=",
        "<alnum:43>%3D",
    ),
    ("discord client secret", "DISCORD_CLIENT_SECRET=", "<url:32>"),
    ("twitch secret", "TWITCH_CLIENT_SECRET: ", "<lower:30>"),
    ("twilio auth token", "TWILIO_AUTH_TOKEN=", "<hex:32>"),
    ("datadog header", "DD-API-KEY: ", "<hex:32>"),
    ("datadog application key", "DD_APPLICATION_KEY=", "<hex:40>"),
    ("coinbase secret", "COINBASE_API_SECRET=", "<lower:64>"),
    ("okta header", "Authorization: SSWS ", "00<url:40>"),
    ("wandb key, old", "WANDB_API_KEY=", "<hex:40>"),
    ("header x-api-key", "X-Api-Key: ", "<alnum:24>"),
    ("header x-api-key of letters", "X-API-Key: ", "<letters:16>"),
    ("header x-auth-token", "x-auth-token: ", "<url:30>"),
    ("authorization bearer", "Authorization: Bearer ", "<url:40>"),
    ("authorization bot", "Authorization: Bot ", "<alnum:59>"),
    ("authorization token", "authorization: token ", "<hex:40>"),
    ("authorization basic", "Authorization: Basic ", "<alnum:23>7=="),
    ("authorization digest", "Authorization: Digest ", 'username="u", nonce="<hex:16>", response="<hex:32>"'),
    ("proxy authorization", "Proxy-Authorization: Basic ", "<alnum:23>7=="),
    (
        "aws signature",
        "Authorization: AWS4-HMAC-SHA256 ",
        "Credential=AKIA<base32:16>/20260101, Signature=<hex:64>",
    ),
    ("bearer in a sentence", "called it with Bearer ", "<alnum:40>"),
    ("cookie header", "Cookie: theme=dark; sid=", "<alnum:26>", ""),
    ("set-cookie header", "Set-Cookie: session=", "<url:40>", "; Path=/; HttpOnly"),
    ("headers of a client", "headers={'Authorization': 'Bearer ", "<alnum:40>", "', 'Accept': '*/*'}"),
    ("headers as pairs", "[('Host', 'example.org'), ('X-Api-Key', '", "<alnum:20>", "')]"),
    ("headers as bytes", "[(b'authorization', b'Bearer ", "<alnum:40>", "')]"),
    ("headers as objects", '[{"name": "Authorization", "value": "Token ', "<hex:40>", '"}]'),
    ("database url", "postgresql://app:", "<alnum:16>", "@db.example.org:5432/app"),
    ("database url, odd password", "postgresql://app:", "<alnum:6>@<alnum:6>/<alnum:6>", "@db"),
    ("database url, hash sign", "redis://:", "<alnum:8>#<alnum:8>", "@cache:6379/0"),
    ("database url, encoded", "mysql://app:", "<alnum:8>%40<alnum:8>", "@10.0.0.7/app"),
    ("mongodb url", "mongodb+srv://app:", "<symbols:14>", "@cluster0.abcde.mongodb.net/?retryWrites=true"),
    ("broker url", "amqps://worker:", "<alnum:20>", "@mq.example.org/%2F"),
    ("git url", "https://x-access-token:", "ghs_<alnum:36>", "@github.com/acme/site.git"),
    ("git url of a runner", "https://gitlab-ci-token:", "<alnum:20>", "@gitlab.com/acme/site.git"),
    ("index url", "https://__token__:", "pypi-AgEIcHlwaS5vcmc<url:100>", "@upload.example.org/legacy/"),
    ("proxy url", "http://user:", "<alnum:12>", "@proxy.example.org:3128"),
    ("notification url", "discord://", "<alnum:31>7", "@123456789012345678"),
    ("sentry dsn", "https://", "<hex:31>7", "@o12345.ingest.sentry.io/42"),
    ("query access token", "https://api.example.org/v1/me?access_token=", "<alnum:32>", "&fields=id"),
    ("query api key", "GET /v1/items?page=2&api_key=", "<hex:32>", " HTTP/1.1"),
    ("query code", "GET /oauth/callback?code=", "<alnum:30>", "&state=xyz"),
    ("query plex token", "http://plex:32400/library?X-Plex-Token=", "<alnum:20>"),
    ("query in a query", "/login?next=%2Fa%3Ftoken%3D", "<alnum:20>", "%26x%3D1"),
    ("odbc", "Server=db;Database=app;User Id=sa;Pwd=", "<alnum:12>", ";Encrypt=yes"),
    ("odbc, braces", "Driver={ODBC Driver 18};Server=db;Uid=sa;Password=", "<alnum:12>!", ";"),
    ("libpq", "host=db user=app password=", "<alnum:12>", " dbname=app"),
    ("jdbc", "jdbc:mysql://db:3306/app?user=app&password=", "<alnum:12>"),
    ("curl user", "curl -u ada:", "<alnum:12>", " https://example.org"),
    ("curl header", "curl -H 'Authorization: Bearer ", "<alnum:40>", "' https://example.org"),
    ("option", "deploy --api-key ", "<alnum:20>", " --verbose"),
    ("option with a sign", "deploy --token=", "<alnum:20>", " --verbose"),
    ("netrc", "machine api.example.org login ada password ", "<alnum:16>"),
    ("pem key", "-----BEGIN RSA PRIVATE KEY-----\n", _PEM_LINES, "\n-----END RSA PRIVATE KEY-----"),
    ("pem key, cut off", "-----BEGIN EC PRIVATE KEY-----\n", "<b64:64>\n<b64:40>"),
    (
        "pem key, one line",
        "-----BEGIN PRIVATE KEY-----\\n",
        "<b64:64>\\n<b64:30>",
        "\\n-----END PRIVATE KEY-----",
    ),
    (
        "openssh key",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n",
        _PEM_LINES,
        "\n-----END OPENSSH PRIVATE KEY-----",
    ),
    ("putty key", "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 3\n", _PEM_LINES, "\nPrivate-MAC: 0a1b"),
    ("der key", "", "MIIEvgIBADANBgkqhkiG9w0BAQEFAASC<b64:400>"),
    ("pkcs 12 bundle", "", "MIIKYwIBAzCC<b64:600>"),
    ("one-time password url", "otpauth://totp/Acme:ada?secret=", "<base32:32>", "&issuer=Acme"),
    ("environment variable", "export DB_PASSWORD='", "<symbols:14>", "'"),
    ("settings", 'api_key = "', "<alnum:32>", '"'),
    ("settings, colon", "client_secret: ", "<url:30>7"),
    ("json field", '{"user": "ada", "password": "', "<symbols:12>", '", "ok": true}'),
    ("json field, camel case", '{"refreshToken":"', "<alnum:32>", '"}'),
    ("python dict", "{'user': 'ada', 'passwd': '", "<alnum:10>", "'}"),
    ("dataclass", "Settings(host='db', db_password='", "<alnum:10>", "', port=5432)"),
    ("xml attribute", '<add name="db" connectionString="Server=db;Password=', "<alnum:12>", '"/>'),
    ("prose", "the password: ", "<alnum:8>7", ""),
    ("prose of a word", "your password: ", "swordfish<letters:2>", ""),
    ("sms code", "otp=", "<digits:6>"),
    ("encryption key", "FERNET_KEY=", "<url:43>="),
    ("django key", "SECRET_KEY = 'django-insecure-", "<alnum:50>", "'"),
    ("hmac signature", "X-Hub-Signature-256: sha256=", "<hex:64>"),
)

RECIPES: Final = {
    recipe.name: recipe
    for recipe in (
        *(Recipe(name, "", shape) for name, shape in _TOKENS.items()),
        *(Recipe(*parts) for parts in _CARRIED),
    )
}
