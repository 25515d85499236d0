r"""
The secrets that obskit knows by their shape: one table, in the order they are searched.

The shapes come from the issuers' documentation and the rules of public
secret scanners. Each pattern takes time linear in the text: it can start only
where a run of its own characters starts (a look-behind), and what repeats is
bounded or possessive.

The shapes are those of the plain text; a secret that is written with escapes
is found in a plainer reading of it.
"""

from __future__ import annotations

import re
from typing import Final

from .detectors import Shape

#: Unlike ``\b``, it lets a token follow an underscore, as the JWT inside a GitHub App token does.
_START: Final = r"(?<![A-Za-z0-9])"
_BLANK: Final = r"[ \t]{1,4}"
#: The characters of a token that has dots inside, but not the full stop after it.
_DOTTED: Final = r"(?:[A-Za-z0-9_=-]|\.(?=[A-Za-z0-9_=-]))"
#: A random token has a capital or a digit; a long name in source text may have none.
_MIXED: Final = r"(?=[a-z_=.-]{0,64}+[A-Z\d])"
#: Some characters that are in any token.
_RUN: Final = r"[\w%/+=.$-]{8}"
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: The user of a URL; what follows may be its password, unless it is a port or stands for a password.
_USER: Final = (
    r"://[^\s/?#:@\"'<>\[]{0,256}+:(?!\d{1,5}+(?:[/?#\s,;)\]}\"'<>]|$))"
    r"(?!\{\w{0,40}\}@|\$|%s|(?i:pass|password|pwd|secret|token)@)"
)
_USERINFO: Final = r":(?=//(?:[^\s/?#\"'<>@]{0,800}+|[^\s\"'<>@]{0,193}+)@)"
_HOST: Final = r"@(?=[\w\[])"


def _prefixed(name: str, prefixes: str, rest: str) -> Shape:
    """Describe tokens that start with one of *prefixes*, which are separated by blanks."""
    anchors = tuple(prefixes.split())
    starts = "|".join(map(re.escape, anchors))
    # What is glued to a token is hidden with it: without it, it might start with another one.
    pattern = rf"{_START}(?P<secret>(?:{starts}){rest}[\w-]*+)"
    return Shape(name=name, pattern=pattern, anchors=anchors, rest=_RUN)


SHAPES: Final[tuple[Shape, ...]] = (
    # Bots: Discord, Telegram, Slack, Teams, Mattermost.
    Shape(
        # The id of the bot in base64 (its first digit gives M, N or O), a timestamp, a signature of 27 or 38.
        name="discord-bot-token",
        pattern=rf"{_START}(?P<secret>[MNO][\w-]{{22,27}}\.[\w-]{{6}}\.[\w-]{{27,}}+)",
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
        pattern=rf"(?:{_START}|(?<=bot))(?P<secret>\d{{5,16}}:[A-Za-z0-9_-]{{34,36}}+)(?![\w-])",
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
    Shape(
        # Mattermost; Rocket.Chat puts an id before it.
        name="hook-path",
        pattern=r"/hooks/(?:[\w-]{17,24}/)?(?=[a-z]*+\d)(?P<secret>[A-Za-z0-9]{26,}+)(?![\w-])",
        anchors=("/hooks/",),
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
    _prefixed("aws-bedrock-key", "ABSK bedrock-api-key-", r"[A-Za-z0-9+/]{40,}+={0,2}"),
    _prefixed("google-api-key", "AIza", r"[A-Za-z0-9_-]{35,}+"),
    _prefixed("google-gemini-key", "AQ.Ab8", r"[A-Za-z0-9_-]{30,}+"),
    _prefixed("google-oauth-token", "ya29.", _DOTTED + "{20,}+"),
    _prefixed("google-refresh-token", "1//0", r"[A-Za-z0-9_-]{30,}+"),
    _prefixed("google-client-secret", "GOCSPX-", r"[A-Za-z0-9_-]{20,}+"),
    Shape(
        name="azure-client-secret",
        pattern=r"(?<![\w~.-])(?P<secret>[\w~.-]{3}\dQ~[\w~.-]{31,34})(?![\w~-])",
        anchors=("Q~",),
    ),
    Shape(
        # Keys with the signature of their service inside, and a checksum behind it.
        name="azure-identifiable-key",
        pattern=(
            r"(?<![A-Za-z0-9+/_-])(?P<secret>[A-Za-z0-9+/_-]{32,76}"
            r"(?:JQQJ9[9DH]|AZDO|AzFu|AzSe|AzCa|AIoT|ACDb|APIM|\+(?:ASt|AEH|ASB|ABa|AMC|ACR))"
            r"[A-Za-z0-9+/_-]{4,40}={0,2})(?![A-Za-z0-9+/_-])"
        ),
        anchors=tuple("QQJ9 AZDO AzFu AzSe AzCa AIoT ACDb APIM +ASt +AEH +ASB +ABa +AMC +ACR".split()),
    ),
    _prefixed("cloudflare-origin-key", "v1.0-", r"[0-9a-f]{24}-[0-9a-f]{64,}+"),
    _prefixed("fly-token", "fm2_ fo1_", r"[\w=,/+-]{40,}+"),
    _prefixed("databricks-token", "dapi", r"[0-9a-f]{32}(?:-\d)?(?!\w)"),
    # Models.
    _prefixed("openai-style-key", "sk-", _MIXED + "[A-Za-z0-9_-]{20,}+"),
    _prefixed("model-provider-key", "gsk_ hf_ r8_ pplx- api_org_", r"[A-Za-z0-9]{30,}+"),
    _prefixed("model-service-key", "pcsk_ lsv2_ wandb_v1_", _MIXED + "[A-Za-z0-9_]{30,}+"),
    _prefixed("elevenlabs-key", "sk_", "[0-9a-f]{48}(?![A-Za-z0-9])"),
    _prefixed("xai-key", "xai-", r"[A-Za-z0-9_-]{40,}+"),
    # Payment, mail, phone.
    _prefixed(
        "stripe-key", "sk_live_ sk_test_ rk_live_ rk_test_ sk_org_ whsec_", r"[A-Za-z0-9_+/]{10,}+={0,2}"
    ),
    _prefixed("braintree-token", "access_token$", r"[a-z]{4,16}\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    _prefixed("plaid-token", "access-sandbox- access-development- access-production-", _UUID),
    _prefixed("sendgrid-key", "SG.", r"[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}+"),
    Shape(name="twilio-key", pattern=rf"{_START}(?P<secret>SK[0-9a-f]{{32}})(?!\w)", anchors=("SK",)),
    Shape(
        name="mail-key",
        pattern=(
            rf"{_START}(?P<secret>key-[0-9a-f]{{32}}|[0-9a-f]{{32}}-(?:us\d\d?|[0-9a-f]{{8}}-[0-9a-f]{{8}}))"
            r"(?![\w-])"
        ),
        probe=r"-(?:us\d|[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{8}(?![\w-]))",
    ),
    _prefixed("square-token", "sq0atp- sq0csp-", r"[A-Za-z0-9_-]{22,}+"),
    _prefixed("square-or-meta-token", "EAAA EAAM EAAC EAAB EAAG", r"[A-Za-z0-9_-]{50,}+"),
    Shape(
        name="meta-app-token",
        pattern=r"(?<!\d)(?P<secret>\d{15,16}\|[\w-]{27,40}+)(?!\w)",
        probe=r"\|[\w-]{27}",
    ),
    _prefixed("shopify-token", "shpat_ shpca_ shppa_ shpss_", r"[A-Fa-f0-9]{32,}+"),
    # Registries and services.
    _prefixed(
        "registry-token",
        "rubygems_ dckr_pat_ dckr_oat_ dop_v1_ doo_v1_ dor_v1_ CCIPAT_ bkpat_ lin_api_ figd_ sntryu_ glsa_ "
        "pscale_tkn_ pscale_oauth_ pscale_pw_ mdb_sa_sk_ pylf_v cfut_ cfat_ hcxik_",
        _DOTTED + "{20,}+",
    ),
    _prefixed(
        # Names in source text start so, too.
        "service-key",
        "npm_ bkua_ bkaa_ bkct_ bkpt_ squ_ sqp_ sqa_ sbp_ sb_secret_ rnd_ ntn_ secret_ glc_ phx_ essu_ "
        "vcp_ vci_ vca_ vcr_ vck_",
        _MIXED + _DOTTED + "{20,}+",
    ),
    Shape(
        name="nuget-key",
        pattern=rf"{_START}(?P<secret>oy2[a-z0-9]{{43}})(?!\w)",
        probe=r"2(?<=oy2)[a-z0-9]{43}(?!\w)",
    ),
    Shape(
        name="crates-token",
        pattern=rf"{_START}(?P<secret>cio(?=[A-Za-z]{{0,31}}+\d)[A-Za-z0-9]{{32}})(?!\w)",
        probe=r"cio[A-Za-z0-9]{32}(?!\w)",
    ),
    Shape(
        name="okta-token",
        pattern=r"(?<![\w-])(?P<secret>00(?=[\w-]{0,39}[a-z])(?=[\w-]{0,39}[A-Z])[\w-]{40})(?![\w-])",
        probe=r"0(?<=00)[\w-]{40}(?![\w-])",
    ),
    _prefixed("1password-token", "ops_eyJ", r"[\w+/=-]{40,}+"),
    _prefixed("sentry-org-token", "sntrys_", r"[A-Za-z0-9_+/=-]{40,}+"),
    _prefixed("pypi-token", "pypi-AgE", r"[A-Za-z0-9_-]{40,}+"),
    _prefixed("vault-token", "hvs. hvb. hvr.", r"[A-Za-z0-9_-]{24,}+"),
    Shape(
        name="vault-legacy-token",
        pattern=r"(?<![\w.])(?P<secret>s\.(?=[A-Za-z]{0,23}\d)[A-Za-z0-9]{24})(?!\w|\.\w)",
        probe=r"\.(?<=s\.)[A-Za-z0-9]{24}(?![A-Za-z0-9])",
    ),
    Shape(
        name="terraform-token",
        pattern=rf"{_START}(?P<secret>[A-Za-z0-9]{{14}}\.atlasv1\.[\w=-]{{40,}}+)",
        anchors=(".atlasv1.",),
    ),
    _prefixed("age-key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}+"),
    _prefixed("1password-key", "A3-", r"[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){4,5}+(?!\w)"),
    Shape(
        name="airtable-token",
        pattern=rf"{_START}(?P<secret>pat[A-Za-z0-9]{{14}}\.[0-9a-f]{{64}})(?!\w)",
        probe=r"\.[0-9a-f]{64}",
    ),
    _prefixed(
        "service-token",
        "tskey- PMAK- NRAK- NRII- NRJS- NRBR- xkeysib- ATATT3 ATCTT3 ATBB pat-na pat-eu "
        "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit. pul- HRKU- sl.",
        _MIXED + _DOTTED + "{18,}+",
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
    _prefixed("grafana-legacy-key", "eyJrIjoi", r"[A-Za-z0-9+/]{40,}+={0,2}"),
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
        name="putty-private-key",
        pattern=r"Private-Lines: \d{1,4}(?P<secret>(?:\s{1,4}[A-Za-z0-9+/=]{1,80}(?![\w-]))++)",
        anchors=("Private-Lines: ",),
        tail=False,
    ),
    Shape(
        # A sequence that starts with a small number: PKCS #1, #8 and #12. A certificate starts otherwise.
        name="der-private-key",
        pattern=r"(?<![A-Za-z0-9+/])(?P<secret>MII[A-Za-z0-9+/]{2}[AQgw]IBA[A-Za-z0-9+/\r\n]{200,}+={0,2})",
        anchors=("AIBA", "QIBA", "gIBA", "wIBA"),
        tail=False,
    ),
    Shape(
        name="bearer",
        pattern=(
            r"(?:Bearer|bearer|BEARER|SSWS|GenieKey)[ \t+]{1,4}"
            r"(?=[A-Za-z_.~/-]*+[\d+=]|[\w.~+/-]{20})(?P<secret>[\w.~+/-]{6,}+={0,2}+)(?!\w)"
        ),
        anchors=("Bearer", "bearer", "BEARER", "SSWS", "GenieKey"),
    ),
    Shape(
        name="bot-scheme",
        pattern=rf"(?<!\w)Bot{_BLANK}(?=[A-Za-z_.~/-]*+\d)(?P<secret>[\w.~+/-]{{20,}}+)",
        anchors=("Bot",),
    ),
    Shape(
        # Base64 of user:password. What has no digit, no "=" and hardly a change of case is a word.
        name="basic",
        pattern=(
            rf"(?:Basic|basic|BASIC){_BLANK}"
            r"(?=[a-zA-Z+/]*+[0-9=]|(?:[A-Z+/]*+[a-z+/]++){3}[A-Z])(?P<secret>[A-Za-z0-9+/_-]{7,}+={0,2})"
        ),
        anchors=("Basic", "basic", "BASIC"),
        tail=False,
    ),
    Shape(
        # Up to the last @ before the path, which should not be in a password but is.
        name="url-password",
        pattern=rf"{_USER}(?P<secret>[^\s/?#\"'<>]{{1,512}}){_HOST}",
        probe=_USERINFO,
        tail=False,
    ),
    Shape(
        # Only web addresses have an @ in their path: in others, the host is behind the last one of the word.
        name="database-password",
        pattern=rf"(?<!http)(?<!https){_USER}(?P<secret>(?:[^\s\"'<>:]|:(?!//)){{1,256}}){_HOST}",
        probe=_USERINFO,
        tail=False,
    ),
    Shape(
        # A slash in the password of a web address; then what follows the @ must look like a host.
        name="url-odd-password",
        pattern=rf"{_USER}(?P<secret>[^\s\"'<>@]{{1,256}}+)@(?=(?:[\w-]++\.)++\w|[\w-]++:\d)",
        probe=_USERINFO,
        tail=False,
    ),
    Shape(
        name="url-token",
        pattern=r"://(?=[^\s/?#@]*+@)(?=[A-Za-z_.%~-]*+\d)(?P<secret>[^\s/?#:@\"'<>]{16,512}+)@",
        probe=_USERINFO,
    ),
    Shape(
        name="url-code",
        pattern=r"[?&](?:code|ticket|assertion|otp|hash|x-amz-credential)=(?P<secret>[^\s&#\"'<>]{8,}+)",
        anchors=("code=", "ticket=", "assertion=", "otp=", "hash=", "x-amz-credential="),
    ),
    Shape(
        name="presigned-url",
        pattern=(
            r"(?<=[?&])X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)="
            r"(?P<secret>(?!\{)[^\s&#\"'<>]{1,}+)"
        ),
        anchors=("X-Amz-", "X-Goog-"),
    ),
    Shape(
        name="curl-user",
        pattern=r"(?<!\S)(?:-u|--user)[ =]{1,2}[\"']?[^\s:\"']{1,64}+:(?P<secret>(?!\$)[^\s\"']{1,256}+)",
        anchors=("-u ", "-u=", "--user"),
        tail=False,
    ),
    Shape(
        name="netrc",
        pattern=(
            r"(?<!\w)login\s{1,8}\S{1,128}\s{1,8}password[ ]\s{0,8}"
            r"(?P<secret>\S{0,255}[^\s\"'`)\]}>.,;])"
        ),
        anchors=("password ",),
        tail=False,
    ),
)
