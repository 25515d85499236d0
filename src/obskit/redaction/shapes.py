r"""
The secrets that obskit knows by their shape: one table, in the order they are searched.

The shapes come from the issuers' documentation and the rules of public
secret scanners. Each pattern takes time linear in the text: it can start only
where a run of its own characters starts (a look-behind), and what repeats is
bounded or possessive.

``(?<![A-Za-z0-9])`` is used instead of ``\b`` where a secret may follow an
underscore, as the JWT inside a GitHub App token does.
"""

from __future__ import annotations

from typing import Final

from .detectors import Shape

#: Behind an escape a token starts too, although the escape ends in a letter or a digit: as ``repr()`` and
#: JSON write a line break, as a URL writes a blank, as a terminal is told a colour.
_ESCAPED: Final = (
    r"(?<=\\[abfnrtv0])|(?<=\\x[0-9a-fA-F]{2})|(?<=\\u[0-9a-fA-F]{4})"
    r"|(?<=%[0-9a-fA-F]{2})|(?<=\[\dm)|(?<=\d\dm)"
)
_START: Final = rf"(?:(?<![A-Za-z0-9])|{_ESCAPED})"
_BLANK: Final = r"[ \t]{1,4}"
_USERINFO: Final = r"://[^\s/?#\"'<>@]{1,800}@|://[^\s\"'<>@]{1,193}@"
#: The characters of a token that has dots inside, but not the full stop after it.
_DOTTED: Final = r"(?:[A-Za-z0-9_=-]|\.(?=[A-Za-z0-9_=-]))"
#: A random token of this length has a digit; a long name in source text may have none.
_DIGIT: Final = r"(?=[A-Za-z_=.-]{0,64}+\d)"


def _prefixed(name: str, prefixes: str, rest: str, *, tail: bool = True) -> Shape:
    """Describe tokens that start with one of *prefixes*, which are separated by blanks."""
    anchors = tuple(prefixes.split())
    starts = "|".join(anchor.replace(".", r"\.") for anchor in anchors)
    return Shape(name=name, pattern=rf"{_START}(?P<secret>(?:{starts}){rest})", anchors=anchors, tail=tail)


SHAPES: Final[tuple[Shape, ...]] = (
    # Bots: Discord, Telegram, Slack.
    Shape(
        # The id of the bot in base64 (its first digit gives M, N or O), a timestamp, a signature of 27 or 38.
        name="discord-bot-token",
        pattern=rf"{_START}(?P<secret>[MNO][\w-]{{22,27}}\.[\w-]{{6}}\.[\w-]{{27,64}}+)",
        anchors=(".",),
        probe=r"\.[\w-]{6}\.[\w-]{27}",
    ),
    Shape(
        # Webhooks and the answers to interactions; also the bare path, as urllib3 prints it.
        name="discord-webhook",
        pattern=r"/webhooks/\d{15,21}/(?P<secret>[\w-]{20,}+)",
        anchors=("/webhooks/",),
    ),
    Shape(
        name="discord-interaction",
        pattern=r"/interactions/\d{15,21}/(?P<secret>[\w-]{20,}+)",
        anchors=("/interactions/",),
    ),
    Shape(
        name="telegram-bot-token",
        pattern=r"(?<!\d)(?P<secret>\d{5,16}:[A-Za-z0-9_-]{34,36}+)(?![\w-])",
        anchors=(":",),
        probe=r":[\w-]{34}",
    ),
    _prefixed(
        "slack-token",
        "xoxb- xoxp- xoxa- xoxr- xoxo- xoxs- xoxc- xoxd- xoxe- xoxe. xapp- xwfp-",
        r"[A-Za-z0-9%/+._-]{8,}+",
    ),
    Shape(
        name="slack-webhook",
        pattern=r"(?:/services/|/workflows/|/triggers/)[TE][A-Z0-9]{7,14}/(?P<secret>[A-Za-z0-9/+_-]{16,}+)",
        anchors=("/services/", "/workflows/", "/triggers/"),
    ),
    Shape(
        name="teams-webhook",
        pattern=r"/IncomingWebhook/(?P<secret>[0-9a-f]{32}/[0-9a-f-]{36})",
        anchors=("/IncomingWebhook/",),
    ),
    # Forges. An installation token has held a JWT, with dots, since 2026-04.
    _prefixed("github-token", "ghp_ gho_ ghu_ ghr_", r"[A-Za-z0-9]{30,}+"),
    _prefixed("github-app-token", "ghs_", _DOTTED + "{30,}+"),
    _prefixed("github-fine-grained-token", "github_pat_", r"[A-Za-z0-9_]{36,}+"),
    _prefixed(
        "gitlab-token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct- GR1348941",
        _DOTTED + "{18,}+",
    ),
    # Clouds.
    Shape(
        name="aws-access-key-id",
        pattern=rf"{_START}(?P<secret>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16}})(?![A-Za-z0-9])",
        anchors=("AKIA", "ASIA", "ABIA", "ACCA"),
    ),
    _prefixed("aws-bedrock-key", "ABSKQmVkcm9ja0FQSUtleS bedrock-api-key-", r"[A-Za-z0-9+/]{20,}+={0,2}"),
    _prefixed("google-api-key", "AIza", r"[A-Za-z0-9_-]{35,}+"),
    _prefixed("google-gemini-key", "AQ.Ab8", r"[A-Za-z0-9_-]{30,}+"),
    _prefixed("google-oauth-token", "ya29.", _DOTTED + "{20,}+"),
    _prefixed("google-client-secret", "GOCSPX-", r"[A-Za-z0-9_-]{20,}+"),
    Shape(
        name="azure-client-secret",
        pattern=r"(?<![\w~.-])(?P<secret>[\w~.-]{3}\dQ~[\w~.-]{31,34})(?![\w~-])",
        anchors=("Q~",),
    ),
    # Models.
    _prefixed("openai-style-key", "sk-", _DIGIT + "[A-Za-z0-9_-]{20,}+"),
    _prefixed("model-provider-key", "gsk_ hf_ r8_ pplx- api_org_", r"[A-Za-z0-9]{30,}+"),
    _prefixed("model-service-key", "pcsk_ lsv2_ wandb_v1_", _DIGIT + "[A-Za-z0-9_]{30,}+"),
    _prefixed("xai-key", "xai-", r"[A-Za-z0-9_-]{40,}+"),
    # Payment, mail, phone.
    _prefixed(
        "stripe-key", "sk_live_ sk_test_ rk_live_ rk_test_ sk_org_ whsec_", r"[A-Za-z0-9_+/]{10,}+={0,2}"
    ),
    _prefixed("sendgrid-key", "SG.", r"[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}+"),
    Shape(name="twilio-key", pattern=rf"{_START}(?P<secret>SK[0-9a-f]{{32}})(?!\w)", anchors=("SK",)),
    _prefixed("square-token", "sq0atp- sq0csp-", r"[A-Za-z0-9_-]{22,}+"),
    _prefixed("shopify-token", "shpat_ shpca_ shppa_ shpss_", r"[A-Fa-f0-9]{32,}+"),
    # Registries and services.
    _prefixed(
        "registry-token",
        "npm_ rubygems_ dckr_pat_ dckr_oat_ dop_v1_ doo_v1_ dor_v1_ CCIPAT_ bkua_ squ_ sqp_ sqa_ sbp_ "
        "sb_secret_ rnd_ lin_api_ ntn_ figd_ sntryu_ glsa_ glc_ phx_ essu_ pscale_tkn_ pscale_oauth_ "
        "pscale_pw_ mdb_sa_sk_ vcp_ vck_ pylf_v1_ pylf_v2_",
        _DIGIT + _DOTTED + "{20,}+",
    ),
    _prefixed("sentry-org-token", "sntrys_", r"[A-Za-z0-9_+/=-]{40,}+"),
    _prefixed("pypi-token", "pypi-AgE", r"[A-Za-z0-9_-]{40,}+"),
    _prefixed("vault-token", "hvs. hvb. hvr.", r"[A-Za-z0-9_-]{24,}+"),
    _prefixed("age-key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}+"),
    _prefixed(
        "service-token",
        "tskey- PMAK- NRAK- xkeysib- ATATT3 dp.pt. pul- HRKU-",
        _DIGIT + _DOTTED + "{24,}+",
    ),
    # Formats that many issuers share.
    Shape(
        # Up to five parts (JWE); the signature may be empty or cut off.
        name="jwt",
        pattern=(
            r"(?<![\w-])(?:[\w-]{0,64}?(?<![A-Za-z0-9]))?"
            r"(?P<secret>eyJ[\w-]{8,}+\.[\w-]{4,}+(?:\.[\w-]++){0,3})"
        ),
        anchors=("eyJ",),
    ),
    Shape(
        # To the end marker, or as far as there is base64: a key that was cut off is still a key.
        # Tracebacks of exception groups and quoted mail put a sign before each line.
        name="pem-private-key",
        pattern=(
            r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}?PRIVATE KEY(?: BLOCK)?-----"
            r"(?P<secret>(?:[A-Za-z0-9+/=\s,:|>]|\\+[nrt]|-(?!----END))*+)"
        ),
        anchors=("-----BEGIN ",),
        tail=False,
    ),
    Shape(
        name="bearer",
        pattern=(
            r"(?:Bearer|bearer|BEARER)(?:[ \t]{1,4}|%20|\+)"
            r"(?=[A-Za-z_.~/-]*+[\d+=]|[\w.~+/-]{20})(?P<secret>[\w.~+/-]{6,}+={0,2})"
        ),
        anchors=("Bearer", "bearer", "BEARER"),
    ),
    Shape(
        name="bot-scheme",
        pattern=rf"(?<!\w)Bot{_BLANK}(?=[A-Za-z_.~/-]*+\d)(?P<secret>[\w.~+/-]{{20,}}+)",
        anchors=("Bot",),
    ),
    Shape(
        # Base64 of user:password. What has no digit, no "=" and no upper case inside is a word.
        name="basic",
        pattern=(
            rf"(?:Basic|basic|BASIC){_BLANK}"
            r"(?=[a-zA-Z+/]*+[0-9=]|[A-Z]*+[a-z]+[A-Z])(?P<secret>[A-Za-z0-9+/_-]{6,}+={0,2})"
        ),
        anchors=("Basic", "basic", "BASIC"),
        tail=False,
    ),
    Shape(
        name="url-password",
        pattern=r"://(?:[^\s/?#:@\"'<>%]|%(?!3[Aa])){0,256}+(?::|%3[Aa])(?P<secret>[^\s/?#\"'<>]{1,512})@(?=[\w\[.-])",
        anchors=("://",),
        probe=_USERINFO,
        tail=False,
    ),
    Shape(
        # A password with a slash or question mark in it, unescaped, up to the last @ of the word.
        name="url-odd-password",
        pattern=r"://[^\s/?#:@\"'<>]{1,64}+:(?!\d{1,5}+(?:[/?#\s]|$))(?P<secret>[^\s@\"'<>]{1,128}+)@[\w.-]++:\d",
        anchors=("://",),
        probe=_USERINFO,
        tail=False,
    ),
    Shape(
        name="url-token",
        pattern=r"://(?=[^\s/?#@]*+@)(?=[A-Za-z_.%~-]*+\d)(?P<secret>[^\s/?#:@\"'<>]{16,512}+)@",
        anchors=("://",),
        probe=_USERINFO,
    ),
    Shape(
        name="url-code",
        pattern=r"[?&](?:code|ticket|assertion|otp|hash|x-amz-credential)=(?P<secret>[^\s&#\"'<>]{8,}+)",
        anchors=("code=", "ticket=", "assertion=", "otp=", "hash=", "x-amz-credential="),
    ),
    Shape(
        name="presigned-url",
        pattern=r"(?<=[?&])X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)=(?P<secret>[^\s&#\"'<>]{1,}+)",
        anchors=("X-Amz-", "X-Goog-"),
    ),
    Shape(
        name="curl-user",
        pattern=r"(?<!\S)(?:-u|--user)[ =]{1,2}[\"']?[^\s:\"']{1,64}+:(?P<secret>[^\s\"']{1,256}+)",
        anchors=("-u ", "-u=", "--user"),
        tail=False,
    ),
)
