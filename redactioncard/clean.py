"""
Texts that hold no secret and must not change: what bots and services write all day.

They were written down, kind by kind, from what the logs of bots, web frameworks, databases, brokers and build
machines look like, with at least as many secret-sounding words in them as such texts have; none was dropped
because it went wrong. ``<alphabet:length>`` stands for random characters, as in the recipes.
"""

from __future__ import annotations

from typing import Final

_UUID: Final = "<hex:8>-<hex:4>-4<hex:3>-a<hex:3>-<hex:12>"

_PROSE: Final = """\
The monkey pressed a key on the keyboard and the turkey watched.
Please enter your password to continue.
Your password must have at least 12 characters, one of them a digit.
We have sent you a link to reset your password; it is valid for one hour.
Token expired, please log in again.
The token you gave is not valid any more.
token: expired
Password: required
password: must not be empty
Passwords do not match. Try again.
secret: not found
API key: missing
api key: invalid
authorization: denied
Authorization: required
auth: failed for user ada
Access denied: bad credentials.
credentials: missing
credentials: none
session: closed by peer
Session: expired after 30 minutes of inactivity
cookie: consent needed
The cookies are in the oven: ten more minutes.
The secret of good soup: salt, time and patience.
Secret Santa: draw a name until December.
pin: enabled
Pin this message: it has the agenda.
signature: missing
A signature is needed: please sign on page 3.
Note to self: rotate the keys next week.
The key points: cheap, fast, good.
key takeaway: measure first
Press any key to continue
One key: many doors.
salt: to taste
Season with salt; pass the pepper.
pass: 41 fail: 2 skip: 1
pass the exam: study early
otp: disabled for this user
Two-factor authentication: enabled
The bot said: hello, how are you?
Bot started in 3s, 14 guilds, 3 shards
Bearer token missing
Bearer authentication required
Basic authentication failed for 10.0.0.7
Basic training: three weeks
basic idea: keep it small
Digest authentication is not supported
private: true
This is a private matter: do not share.
public key: see the profile page
license key: see the invoice
The license is MIT, the key is under the mat.
Our cookie policy: we use none.
login failed: wrong password
Wrong password: try again in 30 seconds.
password: changed
password changed successfully
Password reset requested for ada
Your new password was sent by mail.
The word of the day: passphrase.
A credential is what proves who you are.
The seed is planted; water it daily.
seed: planted in spring
hash: see below
Sign in with your account or continue as guest.
Dear Bob: the tokens for the arcade are in the drawer.
She gave him a token of her love: a ring.
Keys: under the mat. Wallet: on the table.
The author wrote about authority and authenticity.
authors: Ada Lovelace, Alan Turing
Auth service is back; all checks are green.
risk-assessment-for-the-quarterly-report-2026-10-10
task-management-system-integration-tests-for-2026
disk-usage-report-generator-and-friends-v2
desk-reservation-service-for-the-main-building-4
Ask-me-anything-session-with-the-founders-2026-11
xoxo, see you on Monday
eyJ is how a JSON web token starts
ghp_ is the prefix of a classic token
AKIA is the prefix of an access key id
sk-learn and sk-image are nicknames
Message from Bob: meet me at 12:30, room 4.
Reminder: stand-up at 09:15 (UTC+2), bring your notes.
Rate limited: retry after 1.5 seconds
Deploy finished: 3 services, 2 warnings, 0 errors
The webhook was deleted by its owner.
Webhook created: see the settings page.
webhook url: not set
database url: missing
connection string: invalid
dsn: not configured
"""

_LOGS: Final = f"""\
2026-01-01T12:30:45.123456+00:00 INFO started pid=4242 port=8080
2026-01-01 12:30:45,123 WARNING discord.gateway: Shard ID 0 heartbeat blocked for more than 10 seconds.
[12:30:45] INFO: connected to gateway (session {_UUID})
INFO:     127.0.0.1:53210 - "GET /healthz HTTP/1.1" 200 OK
10.0.0.7 - - [01/Jan/2026:12:30:45 +0000] "POST /interactions HTTP/1.1" 200 512 "-" "Discord-Interactions/1.0"
level=info ts=2026-01-01T12:30:45Z caller=main.go:42 msg="server started" addr=:8080
ts=1767270645 level=debug component=cache event=hit key=users:42 ttl=300
cache miss key=guild:<digits:18>:settings
cache set key=session:42 ttl=60
redis: GET user:42:profile took 1.2ms
evicted key user:<digits:6>:avatar from cache
key=orders.created routing_key=orders.created exchange=events
consumer_group=workers partition_key=<digits:6> offset=<digits:8>
kafka: message.key=<digits:8> topic=orders partition=3
sort_key=created_at partition_key=user#42
primary_key=id foreign_key=user_id
Duplicate entry '42' for key 'PRIMARY'
duplicate key value violates unique constraint "users_pkey"
DETAIL:  Key (id)=(42) already exists.
DETAIL:  Key (email)=(ada@example.org) already exists.
ERROR:  null value in column "key" violates not-null constraint
KeyError: 'name'
KeyError: 'token'
KeyError: 'DISCORD_TOKEN'
missing environment variable: DISCORD_TOKEN
environment variable API_KEY is not set
env: API_KEY not set, PASSWORD not set
required: TOKEN, SECRET
password=None user=ada
token=None
token=null
api_key=""
secret=''
password=*** user=ada
password=******
password=[REDACTED]
token=<redacted>
token=(hidden)
api_key=${{API_KEY}}
token=$TOKEN
token=%s
password=%(password)s
Authorization: Bearer <token>
Authorization: Bearer $TOKEN
Authorization: Bearer ***
authorization: none
usage: prompt_tokens=812 completion_tokens=96 total_tokens=908
max_tokens=4096 temperature=0.2 top_p=1
{{"usage": {{"input_tokens": 812, "output_tokens": 96, "cache_read_input_tokens": 0}}}}
input_tokens: 812, output_tokens: 96
token_count=128 tokens_per_second=41.5
tokens: 812
next_page_token=None
token_type=bearer expires_in=3600
token_type: Bearer
TOKEN_LIMIT=4000
token limit: 4000
tokenizer=cl100k_base
loaded tokenizer from /models/llama/tokenizer.json
key_id=42 key_name=deploy key_size=4096
kms_key_id={_UUID}
secret_name=prod/db secret_arn=arn:aws:secretsmanager:eu-west-1:<digits:12>:secret:prod/db
password_policy=strict password_length=16
session_timeout=3600 session_count=4
sessions=14 guilds=3
auth_method=oidc auth_provider=github
auth=none
auth_type: basic
signature_version=v4
signature: def f(x: int) -> str
public_key=/etc/app/public.pem
keys_url=https://api.github.com/users/ada/keys
hash=<hex:8> size=42
seed=42 epochs=10
retry in 5s; status=ok; code=404
exit code: 1
code=10008 message="Unknown Message"
?code=404
status_code=403 error_code=50013
pass=12 fail=0
passed: 12, failed: 0
12 passed, 3 failed in 4.20s
pid=1234 uid=1000 gid=1000
worker-1 | Task app.tasks.send[{_UUID}] succeeded in 0.042s: None
celery@worker1 ready.
Task app.tasks.refresh_tokens[{_UUID}] received
Removed 14 expired sessions
Rotated 3 keys in 0.4s
Refreshed access token for user <digits:18>
token refreshed, expires at 2026-01-01T13:30:45Z
login ok user=ada ip=10.0.0.7
sshd[812]: Accepted publickey for ada from 10.0.0.7 port 53210 ssh2: ED25519 SHA256:<b64:43>
sshd[812]: Failed password for invalid user admin from 10.0.0.7 port 53210 ssh2
systemd[1]: Started session-42.scope - Session 42 of user ada.
kernel: usb 1-1: New USB device found, idVendor=046d, idProduct=c31c (Keyboard)
postgres[77]: FATAL:  password authentication failed for user "ada"
mysqld: Access denied for user 'ada'@'localhost' (using password: YES)
mysqld: Access denied for user 'ada'@'localhost' (using password: NO)
nginx: [emerg] cannot load certificate key "/etc/ssl/private/site.key": no such file
x-request-id: {_UUID}
X-Amzn-Trace-Id: Root=1-<hex:8>-<hex:24>;Sampled=1
x-ratelimit-bucket: <hex:32>
etag: W/"<hex:32>"
content-security-policy: default-src 'self'; script-src 'self'
traceparent: 00-<hex:32>-<hex:16>-01
START RequestId: {_UUID} Version: $LATEST
REPORT RequestId: {_UUID} Duration: 12.34 ms Billed Duration: 13 ms Memory Size: 128 MB
Shard 0 resumed, session_id=<hex:32> seq=812
gateway: op=11 heartbeat_ack latency=41ms
HTTP 429 {{"message": "You are being rate limited.", "retry_after": 0.3, "global": false}}
discord.errors.Forbidden: 403 Forbidden (error code: 50013): Missing Permissions
telegram.error.BadRequest: Message is not modified
slack_sdk.errors.SlackApiError: {{'ok': False, 'error': 'invalid_auth'}}
{{"ok":false,"error":"token_revoked"}}
{{"error":"invalid_grant","error_description":"Bad Request"}}
{{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest"}}
{{"token": null, "password": null, "key": "name"}}
{{"type": "token", "value": 3}}
{{"key": "color", "value": "blue"}}
{{"name": "page", "value": "2"}}
{{"keys": ["a", "b"], "private": false}}
{{"private": true, "has_token": false, "auth_required": true}}
{{"cursor": null, "next": "page-2", "sort": {{"key": "created_at"}}}}
"""

_CODE: Final = """\
def login(user: str, password: str) -> Token: ...
def __init__(self, token: str, *, key: bytes | None = None) -> None:
    password = get_password()
    self.token = token
    token = self._token
    self._token = os.environ["TOKEN"]
    api_key = os.environ.get("API_KEY")
    secret = settings.SECRET_KEY
    session = self.sessions.get(user_id, token=self._token)
    client = Client(token=config.token, secret=config.secret)
    return connect(host, user=user, password=password)
    response = await client.post(url, headers={"Authorization": self.header})
    headers = {"Authorization": f"Bearer {token}"}
    headers["X-Api-Key"] = key
    if not token: raise ValueError("token is missing")
    if password == confirm_password:
    assert token == expected_token
    for key, value in mapping.items():
    key = lambda item: item.name
    items.sort(key=lambda item: item.created_at)
    max(items, key=len)
    sorted(names, key=str.casefold)
    print(f"{key}={value}")
    key: str = "name"
    password: SecretStr = Field(min_length=8)
    token: Optional[str] = None
    secret: bytes = secrets.token_bytes(32)
    token = secrets.token_urlsafe()
    key = hashlib.sha256(data).hexdigest()
    signature = hmac.new(key, body, "sha256")
    cookie = SimpleCookie()
    auth = HTTPBasicAuth(user, password)
    auth=(user, password)
    @pytest.mark.parametrize("key", ["a", "b"])
    @app.route("/login", methods=["POST"])
const token = process.env.TOKEN;
const { key, value } = entry;
let password: string;
export const API_KEY = import.meta.env.VITE_API_KEY;
var key = keys[0];
type Token = { kind: string; value: string };
interface Props { token?: string; onPress: () => void }
public class TokenFilter : IFilter<Token>
private static final String KEY = "name";
func (s *Server) Token(ctx context.Context) (string, error) {
if err := auth.Check(token); err != nil {
impl Token for Bearer { fn name(&self) -> &str }
let key = map.keys().next();
password: ${{ secrets.DB_PASSWORD }}
token: ${{ secrets.GITHUB_TOKEN }}
GITHUB_TOKEN: ${{ github.token }}
env: { TOKEN: "{{ .Values.token }}" }
password: "{{ lookup('env', 'DB_PASSWORD') }}"
password: !vault |
key: value
keys: [a, b, c]
secretKeyRef: {name: app, key: password}
valueFrom: {secretKeyRef: {name: db-credentials, key: url}}
api-key: ""
--token TOKEN  the token to use
  --password PASSWORD  ask for it if it is left out
usage: app [--key KEY] [--secret FILE] command
--key is required
--token requires a value
use --key to sort the output
docker run -e TOKEN -e API_KEY app:1.2.3
export TOKEN=$(cat /run/secrets/token)
TOKEN="$(vault read -field=token secret/app)"
ssh-keygen -t ed25519 -f id_ed25519
openssl rsa -in key.pem -pubout -out public.pem
openssl genrsa -out private.key 4096
gpg --armor --export ada@example.org
git clone git@github.com:acme/site.git
git clone ssh://git@github.com/acme/site.git
curl -u "$USER:$PASSWORD" https://example.org
curl -H "Authorization: Bearer $TOKEN" https://example.org
pip install tokenizers==0.20.1 cryptography==43.0.3
dependencies: jsonwebtoken: 9.0.2, passport: 0.7.0
npm install npm_config_registry_default_setting
<input type="password" name="password" placeholder="Password">
<meta name="csrf-token" content="">
<label for="api-key">API key:</label>
<button key="save" onClick={save}>Save</button>
File "/app/bot/auth/token.py", line 42, in refresh
  File "/usr/lib/python3.11/site-packages/jwt/api_jwt.py", line 210, in decode
TypeError: login() missing 1 required positional argument: 'password'
TypeError: Client.__init__() got an unexpected keyword argument 'token'
AttributeError: 'NoneType' object has no attribute 'token'
NameError: name 'api_key' is not defined
jwt.exceptions.ExpiredSignatureError: Signature has expired
<function token at 0x7f3b2c1d4e50>
<Token kind='NAME' value='x'>
object at 0x7f3b2c1d4e50
-----BEGIN CERTIFICATE-----
-----BEGIN PUBLIC KEY-----
"""

_DATA: Final = f"""\
SELECT * FROM users WHERE key = 'abc' AND token = $1
SELECT id, name FROM api_keys WHERE revoked_at IS NULL
SELECT key, value FROM settings WHERE key LIKE 'smtp.%'
UPDATE users SET password = ? WHERE id = 3
UPDATE users SET password_hash = :password_hash WHERE id = :id
INSERT INTO tokens (user_id, token) VALUES (%s, %s)
INSERT INTO t (key, value) VALUES ('color', 'blue')
CREATE TABLE tokens (id bigint PRIMARY KEY, token text NOT NULL)
ALTER TABLE users ADD COLUMN password_hash text
ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id)
CREATE INDEX CONCURRENTLY idx_key ON settings (key)
commit <hex:40>
commit <hex:40> merged into main
Merge: <hex:7> <hex:7>
HEAD is now at <hex:8> docs: say what a token is
sha256:<hex:64>
sha512-<b64:86>==
integrity sha256-<b64:43>=
md5=<hex:32>
digest: sha256:<hex:64>
image: ghcr.io/acme/bot@sha256:<hex:64>
image: registry.example.org/app:1.2.3
id={_UUID}
request_id={_UUID} user=42
correlation id {_UUID}
trace_id=<hex:32> span_id=<hex:16>
ulid=01<upper:24>
user <digits:18> in guild <digits:19>
channel_id=<digits:18> message_id=<digits:19>
<@<digits:18>> mentioned <#<digits:18>>
<:party:<digits:18>>
chat_id=-100<digits:10>
run 1<digits:10> of workflow deploy.yml
version=1.2.3-rc.1 python=3.11.9
obskit-1.2.3-py3-none-any.whl
urllib3==2.5.0 --hash=sha256:<hex:64>
time=12:30:45 took=3ms
01:23:45:67:89:ab
fe80::1ff:fe23:4567:890a
10.0.0.7:5432
AA:BB:CC:DD:EE:FF joined the network
ISBN 978-3-16-148410-0
tel:+49-30-1234567
DE89 3704 0044 0532 0130 00
color=#ff8800 width=42px
data:image/png;base64,iVBORw0KGgo=
lorem_ipsum_dolor_sit_amet_consectetur_adipiscing_elit_v2
com.example.application.service.implementation.UserServiceImpl2
/usr/lib/python3.11/site-packages/foo/bar.py:12: DeprecationWarning
/var/run/secrets/kubernetes.io/serviceaccount
C:\\Users\\ada\\AppData\\Local\\Temp\\build\\new.txt
s3://bucket/users/42/avatar.png
key: users/42/avatar.png
object key users/2026/01/01/report.csv
File size: 12 KB, 300 lines, checksum <hex:8>
GET https://api.github.com/repos/acme/site/actions/runs/1<digits:10> 200
GET https://discord.com/api/v10/webhooks/<digits:18> 200
GET https://discord.com/api/v10/channels/<digits:18>/messages/<digits:19> 404
POST https://discord.com/api/v10/interactions 200
https://discord.com/channels/<digits:18>/<digits:18>
https://discord.gg/invite-code
https://hooks.slack.com/
https://example.slack.com/archives/C<upper:10>/p<digits:16>
https://t.me/obskit_bot
https://example.org/a?page=2&sort=key
https://example.org/?q=token
https://example.org/search?q=api+key&lang=en
https://example.org/reset-password?lang=en
https://example.org/docs/authentication#bearer-tokens
https://example.org/oauth/authorize?client_id=42&response_type=code&scope=read
https://example.org/@ada/statuses/<digits:18>
https://example.org/a%20b/c%2Fd?x=%7B1%7D
https://user@example.org/path
http://localhost:8080/path@2x.png
http://localhost:8080/users/ada@example.org
https://docs.example.org/@scope/package
https://www.youtube.com/watch?v=<url:11>
https://www.example.com/package/@types/node
https://maps.example.org/@52.5200,13.4050,15z
https://storage.example.org/bucket/object?versionId=<digits:16>
postgresql://db.example.org:5432/app
postgresql://app@db.example.org:5432/app
redis://cache:6379/0
amqp://guest@mq.example.org/
sqlite:////var/lib/app/app.db
mailto:ada@example.org?subject=key
write to ada@example.org or bob@example.org: we answer
ssh://git@github.com:22/acme/site.git
s3.amazonaws.com/bucket/key=2026/part-0001.parquet
sort=-created_at&filter[key]=name
a=1&b=2&c=3
utm_source=mail&utm_campaign=spring
x = y == z
if a == b: c
f(x)[0] = {{'a': 1}}
{{"a": {{"b": [1, 2, 3]}}}}
[('Accept', '*/*'), ('Host', 'example.org')]
[("key", "value"), ("sort", "asc")]
('token', 'expired')
["password", "required"]
Host: example.org
Accept: application/json
Content-Type: application/json; charset=utf-8
Content-Length: 512
User-Agent: python-httpx/0.28.1
Cache-Control: no-cache, no-store
Access-Control-Allow-Headers: Authorization, X-Api-Key
Vary: Cookie, Authorization
WWW-Authenticate: Bearer realm="example", error="invalid_token"
WWW-Authenticate: Basic realm="Restricted"
Set-Cookie missing
feature_flag.key=new-ui
translation key: checkout.title
message key 'abc' not found
key 'users.42' not found
key: primary
the key: value pairs
keyboard=qwerty1234567890 monkey=banana
author=jane_doe_1990_the_second
turkey: 12345678901234567890
hotkey: ctrl+shift+p
passage=42 compass=north
secretary: Mrs. Smith
tokenize: 12 ms
cookiecutter: 2.6.0
"""

#: Written when the detectors were thought to be finished, and reported whatever came of them.
_LATER: Final = f"""\
django.security.csrf: Forbidden (CSRF token missing.): /accounts/login/
django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.
UserWarning: SECRET_KEY is the default one; set it before you go live
django.db.utils.OperationalError: FATAL: password authentication failed for user "app"
django.db.utils.IntegrityError: duplicate key value violates unique constraint "auth_user_username_key"
Watching for file changes with StatReloader
Applying sessions.0001_initial... OK
Applying auth.0012_alter_user_first_name_max_length... OK
Applying authtoken.0003_tokenproxy... OK
No changes detected in app 'tokens'
fastapi.exceptions.HTTPException: 401: Could not validate credentials
pydantic_core.ValidationError: 1 validation error for Settings\\napi_key\\n  Field required [type=missing]
INFO:     Application startup complete.
INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)
flask.sessions: The session cookie is too large: it may be ignored by the browser.
werkzeug: 127.0.0.1 - - [01/Jan/2026 12:30:45] "GET /login?next=%2Fadmin%2F HTTP/1.1" 200 -
sqlalchemy.exc.NoSuchColumnError: Could not locate column in row for column 'tokens.key'
sqlalchemy.engine.Engine SELECT tokens.id, tokens.key FROM tokens WHERE tokens.user_id = %(user_id)s
sqlalchemy.engine.Engine [generated in 0.00021s] {{'user_id': 42}}
psycopg.errors.ForeignKeyViolation: insert on table "orders" violates foreign key constraint "fk_user"
asyncpg.exceptions.InvalidPasswordError: password authentication failed for user "app"
redis.exceptions.AuthenticationError: Authentication required.
redis.exceptions.ResponseError: WRONGTYPE Operation against a key holding the wrong kind of value
redis.exceptions.ResponseError: NOAUTH Authentication required
MOVED 3999 127.0.0.1:6381
botocore.exceptions.NoCredentialsError: Unable to locate credentials
ClientError: An error occurred (ExpiredToken) when calling PutObject: The provided token has expired.
botocore.credentials: Found credentials in environment variables.
botocore.credentials: Found credentials in shared credentials file: ~/.aws/credentials
An error occurred (NoSuchKey) when calling the GetObject operation: The specified key does not exist.
An error occurred (AccessDenied) when calling Decrypt: The ciphertext refers to a key that does not exist
arn:aws:kms:eu-west-1:<digits:12>:key/{_UUID}
arn:aws:iam::<digits:12>:role/token-rotation
arn:aws:lambda:eu-west-1:<digits:12>:function:rotate-secrets:42
s3:ObjectCreated:Put key=incoming/2026/01/01/report.csv size=1024
dynamodb: ConditionalCheckFailedException: key already exists
google.auth.exceptions.DefaultCredentialsError: Your default credentials were not found.
azure.identity: DefaultAzureCredential failed to retrieve a token from the included credentials.
kubectl: error: You must be logged in to the server (Unauthorized)
Error from server (NotFound): secrets "app-token" not found
secret/app-credentials configured
MountVolume.SetUp failed for volume "kube-api-access": configmap "ca" not registered
Back-off restarting failed container bot in pod bot-<lower:9>-<lower:5>_prod({_UUID})
pod/bot-6d4cf56db6-x8lqk 1/1 Running 0 3d
terraform: aws_secretsmanager_secret.app: Refreshing state... [id=prod/app]
terraform: random_password.db: Creation complete after 0s [id=none]
  + password = (sensitive value)
  ~ token_ttl = 3600 -> 7200
ansible: TASK [app : set the password of the database] ok: [web-1]
ok: [web-1] => {{"changed": false, "key": null}}
vault: Success! Data written to: secret/app
vault: token_policies ["default"]
helm: Error: INSTALLATION FAILED: secret name must be set
docker: denied: requested access to the resource is denied
Login Succeeded
Step 4/9 : ARG TOKEN
 ---> Using cache
 => [internal] load metadata for docker.io/library/python:3.12-slim
 => => sha256:<hex:64> 1.08kB / 1.08kB
##[group]Run actions/checkout@v4
  token: ***
  persist-credentials: true
  ssh-strict: true
Run echo "::add-mask::***"
Warning: Unexpected input(s) 'token', valid inputs are ['repository', 'path']
Cache restored from key: pip-Linux-<hex:64>
Cache not found for input keys: node-<hex:64>, node-
hint: Updates were rejected because the tip of your current branch is behind
remote: Invalid username or password.
fatal: Authentication failed for 'https://github.com/acme/site.git/'
fatal: could not read Username for 'https://github.com': terminal prompts disabled
git@github.com: Permission denied (publickey).
Enter passphrase for key '/home/ada/.ssh/id_ed25519':
The authenticity of host 'github.com (140.82.121.4)' can't be established.
ED25519 key fingerprint is SHA256:<b64:43>.
debug1: Offering public key: /home/ada/.ssh/id_rsa RSA SHA256:<b64:43> agent
gpg: Good signature from "Ada Lovelace <ada@example.org>"
gpg: key <upper:16>: public key "Ada Lovelace" imported
[sudo] password for ada:
sudo: 3 incorrect password attempts
pam_unix(sshd:session): session opened for user ada(uid=1000) by (uid=0)
pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=10.0.0.7
CRON[4242]: (root) CMD (test -x /usr/sbin/rotate-keys)
npm ERR! code ENEEDAUTH
npm ERR! need auth This command requires you to be logged in.
npm warn config optional Use `--omit=optional` to exclude optional dependencies
pip: WARNING: Retrying after connection broken by 'NewConnectionError': /simple/tokenizers/
Collecting cryptography>=42 (from -r requirements.txt (line 3))
Successfully installed PyJWT-2.9.0 oauthlib-3.2.2 passlib-1.7.4
pytest: 3 failed, 141 passed in 12.34s
FAILED tests/test_auth.py::test_token_expires[key0-value0] - AssertionError: assert 'a' == 'b'
E       AssertionError: assert token is None
>       assert response.json()["token"] == token
tests/test_login.py:42: in test_wrong_password
ruff: S105 Possible hardcoded password assigned to: "token"
bandit: [B106:hardcoded_password_funcarg] Possible hardcoded password
mypy: error: Argument "key" to "get" has incompatible type "int"; expected "str"
tsc: error TS2339: Property 'token' does not exist on type 'Session'.
warning: unused variable: `key`
panic: runtime error: assignment to entry in nil map: key "a"
Caused by: java.security.InvalidKeyException: Illegal key size
javax.net.ssl.SSLHandshakeException: PKIX path building failed
ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed
OpenSSL: error:0909006C:PEM routines:get_name:no start line
cryptography.fernet.InvalidToken
jwt.exceptions.InvalidSignatureError: Signature verification failed
jwt.exceptions.DecodeError: Not enough segments
itsdangerous.exc.SignatureExpired: Signature age 3601 > 3600 seconds
oauthlib.oauth2.rfc6749.errors.InvalidGrantError: (invalid_grant) Token has been expired or revoked.
authlib: mismatching_state: CSRF Warning! State not equal in request and response.
smtplib.SMTPAuthenticationError: (535, b'5.7.8 Username and Password not accepted.')
imaplib.error: b'[AUTHENTICATIONFAILED] Invalid credentials (Failure)'
paramiko.ssh_exception.AuthenticationException: Authentication failed.
httpx: HTTP Request: POST https://api.openai.com/v1/chat/completions "HTTP/1.1 200 OK"
openai.AuthenticationError: Error code: 401 - {{'error': {{'message': 'Incorrect API key provided.'}}}}
anthropic.RateLimitError: 429: number of input tokens has exceeded your per-minute limit
model=gpt-4o prompt_tokens=1024 cached_tokens=512 reasoning_tokens=0
prompt: summarize this; max tokens: 200; stop: none
embedding cache key=doc:<digits:6>:chunk:3 dims=1536
discord.client: logging in using static token
discord.gateway: Shard ID None has connected to Gateway (Session ID: <hex:32>).
discord.app_commands: command 'token' not found
discord.errors.LoginFailure: Improper token has been passed.
discord.errors.PrivilegedIntentsRequired: Shard ID None is requesting privileged intents
telegram.ext: Conflict: terminated by other getUpdates request
telegram.error.InvalidToken: The token was rejected by the server.
aiogram.event: Update id=<digits:9> is handled. Duration 41 ms by bot id=<digits:10>
slack_bolt.App: Unhandled request ({{'type': 'event_callback', 'event': {{'type': 'app_mention'}}}})
slack: missing_scope needed=chat:write provided=identify
twilio: 20003 Authenticate
stripe: No such customer: 'cus_<alnum:14>'
stripe: payment_intent pi_<alnum:24> succeeded
stripe: evt_<alnum:24> charge.refunded
sentry_sdk: sending event <hex:32>
otel: Failed to export traces: StatusCode.UNAUTHENTICATED
grafana: logger=auth.session t=2026-01-01T12:30:45Z level=info msg="session cleanup" deleted=3
prometheus: label key="job" value="bot"
nginx: 2026/01/01 12:30:45 [error] 77#77: *42 open() "/var/www/token.txt" failed (2: No such file)
caddy: {{"level":"info","ts":1767270645.12,"msg":"certificate obtained","identifier":"example.org"}}
haproxy: backend/web-1 0/0/1/12/13 200 512 - - ---- 3/3/0/0/0 0/0 "GET /key HTTP/1.1"
mongod: {{"t":"2026-01-01","s":"I","c":"ACCESS","msg":"Successfully authenticated","attr":{{"user":"app"}}}}
elasticsearch: security_exception: missing authentication credentials for REST request [/_search]
rabbitmq: PLAIN login refused: user 'guest' can only connect via localhost
kafka: SASL authentication error: Authentication failed during authentication
minio: SignatureDoesNotMatch: The request signature we calculated does not match
consul: rpc error: Permission denied: token with AccessorID '{_UUID}' lacks permission
@ada can you rotate the staging password today? thanks
anyone know why the login says "token mismatch"?
I lost my keys again: they were in the fridge
what's the wifi password? - ask Bob, he wrote it on the board
the api key page is at settings > developers > keys
new key binding: ctrl+k opens the palette
this recipe needs: 2 eggs, salt, a secret ingredient
key change in bar 12: from C major to A minor
lol my password is the same as my luggage
play "Session" by Linkin Park
your order #A1B2C3 has shipped: tracking number 1Z999AA10123456784
meeting id: 812 3456 7890
flight LH1234 gate B42 seat 17A
The KEY is to keep going: never stop.
pass me the salt: thanks
auth: ok (12 ms), db: ok (3 ms), cache: ok (1 ms)
status: token=valid session=active
token status: valid
secret rotation: done, next rotation: tomorrow
signature: valid (RSA, 2048 bit)
api_keys: 3 active, 1 revoked
{{"api_keys_count": 3, "active_sessions": 2, "token_limit": 100}}
{{"status": "ok", "auth": {{"required": true, "methods": ["oidc"]}}}}
{{"title": "Reset your password", "body": "Click the link below."}}
{{"i18n_key": "login.password.label", "text": "Password"}}
{{"sort_key": "name", "group_key": "team"}}
{{"error": {{"code": "invalid_api_key", "param": null}}}}
{{"event": "key_pressed", "code": "KeyA", "shift": false}}
{{"public_key": "MCowBQYDK2VwAyEA<alnum:43>="}}
{{"kid": "<hex:16>", "alg": "RS256", "use": "sig"}}
{{"client_id": "<digits:18>", "scope": "bot applications.commands"}}
"""

#: Written to provoke the rules of doubtful names, odd words and tokens without a prefix.
_PROVOKING: Final = """\
The password: macOS asks for it when the keychain is locked.
password: iCloud Keychain is not available on this device
Forgot your password: reset links go to the address on file
your password: eduPersonPrincipalName is what the proxy expects
passwd: libPAM says the account has expired
token: webOS client does not send one
pwd: mountPoint /var/lib/docker is read-only
passphrase: openPGP smartcards ask on the device itself
login: password: kwargsOnly arguments are not positional
secret: camelCase or snake_case names both work here
00000000-0000-0000-0000-000000000000 is the nil trace
trace 00f067aa0ba902b7 parent 0000000000000000 sampled 01
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
sha256:00a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f layer already exists
commit 00fb3c1d9e7a52b84c60f1d2e3a4b5c6d7e8f901 cherry-picked onto release
00:1A:2B:3C:4D:5E joined the access point as client 12
object 0000000000000000000000000000000000000042 is the genesis block
Batch 00-Import-Of-The-Customers-From-The-Old-Shop done
socioeconomicIndicatorsOfTheRegionAndItsNeighbours2026.csv uploaded
cio: the chief information officer signed the purchase order
curiociolo wins the derby, 3 lengths ahead
precious cioccolato recipes, page 12 of 40
oy2 is how package keys begin, says the manual
toy24 and boy2boy are channel names
nuget push Foo.1.2.3.nupkg --skip-duplicate finished in 2.1 s
cargo publish: crate obskeeper v0.1.0 uploaded, waiting for the index
okta: user 00u1a2b3c4D5e6F7g8h9 suspended by an administrator
okta app 0oa1b2c3d4E5f6G7h8i9 has no assignments left
SSWS is the scheme of the header, see the manual
client_secret_post is not supported by this provider
token_endpoint_auth_methods_supported: client_secret_basic, private_key_jwt
update_password: on_create
existingSecret: harbor-core-credentials
secretName: wildcard-example-org-tls
serviceAccount: default, automountServiceAccountToken: false
reset_pin: GPIO17, clk_pin: GPIO18, busy_pin: GPIO4
route_key: $default, integration: lambda:orders-prod-v2
kms_key_id=arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
key_arn: arn:aws:secretsmanager:eu-west-1:123456789012:secret:db/prod-AbCdEf
session_state=ready session_count=12 session_ttl=3600s
PASSWORD_HASHERS=django.contrib.auth.hashers.Argon2PasswordHasher
AUTH_PASSWORD_VALIDATORS: 4 validators loaded
jwt: issuer https://id.example.org/realms/main2 is not trusted
csrf: origin https://app.example.org does not match
signature: def fetch(url: str, timeout: float = 10.0) -> Response
private: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16
community: Discord server with 1200 members
license: Apache-2.0 WITH LLVM-exception
webhook: push event of acme/app received, delivery 72d3162e-cc78-11e3-81ab-4c9367dc0958
api: v2beta1, deprecated since 2025-03-01T00:00:00Z
max_token: 4096, min_token: 1, top_k: 40
credentials: include, mode: cors, cache: no-store
TLS_KEY=/etc/ssl/private/app2.key TLS_CERT=/etc/ssl/certs/app2.crt
ssh_key: ~/.ssh/id_ed25519 (ED25519, 256 bits, no comment)
gpg_key: https://packages.example.org/keys/release2024.asc
host_key: SHA256:uNiVztksCsDhcc0u9e8BrqY1kXg is not in known_hosts
cache_key: user:42:profile:v3 expired after 300 s
idempotency_key: 9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d was used before
public_key: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
verify_key: 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29
"""

#: Each text, by its kind.
CLEAN: Final = {
    "prose": _PROSE.splitlines(),
    "logs": _LOGS.splitlines(),
    "code": _CODE.splitlines(),
    "data, ids and URLs": _DATA.splitlines(),
}
PROVOKING: Final = _PROVOKING.splitlines()
LATER: Final = [*_LATER.splitlines(), *PROVOKING]
