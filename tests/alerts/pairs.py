"""
Messages as bots and services really send them, labelled by hand.

All messages of a group of `SAME` tell of one failure that occurred again; any two of
a group of `DIFFERENT` tell of two failures, however much they look alike. The groups
of the second half were labelled before any rule was written and are never
looked at while a rule is changed.
"""

from __future__ import annotations

from itertools import combinations

SAME: list[tuple[str, ...]] = [
    # ids of all kinds
    (
        "Interaction 1180439563429920769 failed: Unknown interaction",
        "Interaction 1179911023331983410 failed: Unknown interaction",
        "Interaction 1192230481124499527 failed: Unknown interaction",
    ),
    ("workflow run 7023410023 did not finish", "workflow run 7023998871 did not finish"),
    (
        "run 4711 failed: exit code 1",
        "run 4712 failed: exit code 1",
        "run 98 failed: exit code 1",
    ),
    (
        "Task orders.tasks.bill[3f0c8a8e-6b1e-4f0a-9d3e-0e8f7c1b2a3d] raised unexpected: KeyError('price')",
        "Task orders.tasks.bill[b02f6c77-1c9b-4f8a-8e52-5b8e8f0a9c11] raised unexpected: KeyError('price')",
        "Task orders.tasks.bill[0d9e1f62-52de-4c0b-a1f3-9a1f4cfe1f0d] raised unexpected: KeyError('price')",
    ),
    ("could not check out 9f8e7d6c5b4a", "could not check out 1a2b3c4d5e6f"),
    (
        "fatal: reference is not a tree: 8d7f1c2b9e0a4f5d6c7b8a9e0f1d2c3b4a5e6f70",
        "fatal: reference is not a tree: 0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6a7b8c9d",
    ),
    (
        "segfault at 0x7ffd3a9c04 in libcrypto",
        "segfault at 0x7ffe11bc88 in libcrypto",
        "segfault at 0x55d0c1a3e2 in libcrypto",
    ),
    (
        "<Task pending name='Task-4711' coro=<poll() running at bot.py:12>> was destroyed",
        "<Task pending name='Task-12' coro=<poll() running at bot.py:12>> was destroyed",
        "<Task pending name='Task-9' coro=<poll() running at bot.py:31>> was destroyed",
    ),
    (
        "<Worker object at 0x7f3a9c04d1f0> is gone",
        "<Worker object at 0x7f3a9c88a2b0> is gone",
    ),
    (
        "message 01ARZ3NDEKTSV4RRFFQ69G5FAV was not acknowledged",
        "message 01BX5ZZKBKACTAV9WEVGEMMVRZ was not acknowledged",
    ),
    (
        "order 48213 could not be billed",
        "order 48977 could not be billed",
        "order 112048 could not be billed",
    ),
    ("Order #48213 could not be billed", "Order #7 could not be billed", "Order #112048 could not be billed"),
    ("issue #12 is closed", "issue #13 is closed", "issue #1377 is closed"),
    ("user_id=42 is blocked", "user_id=43 is blocked", "user_id=99171 is blocked"),
    ("user 99171 is blocked", "user 1288 is blocked"),
    ("guild_id: 81384788765712384 left", "guild_id: 42042042042042042 left"),
    ("worker pid 4242 was killed by signal 9", "worker pid 77 was killed by signal 9"),
    (
        "Worker (pid:31337) was sent SIGKILL! Perhaps out of memory?",
        "Worker (pid:812) was sent SIGKILL! Perhaps out of memory?",
    ),
    ("process 31337 exited with code 137", "process 40022 exited with code 137"),
    ("thread-17 died", "thread-3 died"),
    (
        "Exception in thread Thread-12 (poll)",
        "Exception in thread Thread-3 (poll)",
        "Exception in thread Thread-118 (poll)",
    ),
    ("pod orders-7d9c5b6f4-x2k9p was evicted", "pod orders-6f8d4c5b7-q8z7m was evicted"),
    ("container 3f2a9bc04d1e exited", "container 9c8b7a6d5e4f exited"),
    (
        "RequestId: 8f5f6b8e-3d0c-4d1e-9b57-0c7f2d0e8a11 Error: Task timed out after 3.00 seconds",
        "RequestId: 1c0d9b1a-77f2-4e43-8b8a-52d1c5a4f0e2 Error: Task timed out after 3.00 seconds",
        "RequestId: 2f7a4e80-2b6c-4f57-a3fd-7cbb0cf5a190 Error: Task timed out after 3.01 seconds",
    ),
    (
        "ThrottlingException when calling PutItem: Rate exceeded. RequestID VJ3S1K2TTQ9OCN4NJL7JMB3L9RVV4KQN",
        "ThrottlingException when calling PutItem: Rate exceeded. RequestID 8KH0BQ1V4TQ5V9C2R0J7L3P6NFVV4KQN",
    ),
    ("trace 4bf92f3577b34da6a3ce929d0e0e4736 was lost", "trace 0af7651916cd43dd8448eb211c80319c was lost"),
    ("session s_8f3b2a91 expired while paying", "session s_0c7d4e12 expired while paying"),
    ("key user:48213:cart is of the wrong type", "key user:77120:cart is of the wrong type"),
    (
        "arn:aws:lambda:eu-west-1:123456789012:function:bot was throttled",
        "arn:aws:lambda:eu-west-1:210987654321:function:bot was throttled",
    ),
    # times
    (
        "since 2026-01-02T03:04:05.678Z no heartbeat",
        "since 2026-11-25T16:00:00Z no heartbeat",
        "since 2026-01-02 03:04:06,678+02:00 no heartbeat",
    ),
    ("no backup since 2026-01-02", "no backup since 2026-01-03"),
    ("at 12:00:01 the feed stopped", "at 23:59:02.5 the feed stopped"),
    ("certificate expires on Jan 12 08:00:00 2027 GMT", "certificate expires on Mar 3 08:30:00 2027 GMT"),
    ("next try at Wed, 25 Nov 2026 16:00:00 GMT", "next try at Thu, 26 Nov 2026 04:10:00 GMT"),
    ("token issued at 1700000000 has expired", "token issued at 1700003600 has expired"),
    ("token issued at 1700000000.123 has expired", "token issued at 1700003600.9 has expired"),
    # durations, sizes, rates
    ("timed out after 30.1 s", "timed out after 2.75 s", "timed out after 12 s", "timed out after 31s"),
    ("query took 1500ms", "query took 900ms", "query took 12000ms"),
    (
        "HTTPSConnectionPool(host='api.github.com', port=443): Read timed out. (read timeout=10)",
        "HTTPSConnectionPool(host='api.github.com', port=443): Read timed out. (read timeout=9.97)",
    ),
    (
        "We are being rate limited. Retrying in 1.53 seconds",
        "We are being rate limited. Retrying in 0.82 seconds",
        "We are being rate limited. Retrying in 12 seconds",
    ),
    (
        "Can't keep up, shard ID None websocket is 21.4s behind.",
        "Can't keep up, shard ID None websocket is 60.9s behind.",
    ),
    ("only 12 MB left on /data", "only 7 MB left on /data", "only 1.5 GB left on /data"),
    ("read 17 bytes of 4096 bytes", "read 99 bytes of 1024 bytes"),
    ("disk /data is 91% full", "disk /data is 97% full", "disk /data is 97.5% full"),
    ("cache hit rate fell to 0.41", "cache hit rate fell to 0.39"),
    ("load average is 17.42", "load average is 21.03"),
    ("attempt 3 failed: connection refused", "attempt 4 failed: connection refused"),
    ("retry 1/5: connection refused", "retry 2/5: connection refused", "retry 5/5: connection refused"),
    ("queue length is 10412", "queue length is 20977"),
    ("heartbeat late by 2 minutes", "heartbeat late by 15 minutes", "heartbeat late by 1 minute"),
    # ports and addresses with ports
    ("connect to db.example.com:5432 failed", "connect to db.example.com:5433 failed"),
    ("peer 10.0.0.1:40112 reset the connection", "peer 10.0.0.1:53220 reset the connection"),
    ("connect to localhost:80 failed", "connect to localhost:8080 failed"),
    ("connect to [::1]:80 failed", "connect to [::1]:8080 failed"),
    ("listening on port 8080 failed: address in use", "listening on port 8081 failed: address in use"),
    (
        "Cannot connect to host discord.com:443 ssl:default [None]",
        "Cannot connect to host discord.com:80 ssl:default [None]",
    ),
    ("('10.0.0.1', 40112) closed the connection", "('10.0.0.1', 53220) closed the connection"),
    # places in source and input
    ("bot.py:12 failed", "bot.py:17 failed"),
    ('File "/app/bot.py", line 12, in poll', 'File "/app/bot.py", line 31, in poll'),
    ("Expecting value: line 1 column 1 (char 0)", "Expecting value: line 3 column 77 (char 210)"),
    ("error on line 12, column 3", "error on line 99, column 40"),
    ("invalid byte 0xff at offset 4112", "invalid byte 0xfe at offset 17"),
    # quoted values
    ("user 'alice' not found", "user 'bob' not found", "user 'Zoë' not found"),
    ('unknown option "x y"', 'unknown option "z"'),
    (
        "invalid literal for int() with base 10: 'abc'",
        "invalid literal for int() with base 10: ''",
        "invalid literal for int() with base 10: '12x'",
    ),
    ("column `price` does not exist", "column `prices` does not exist"),
    (
        "No such file or directory: '/tmp/tmpab12cd/in.csv'",
        "No such file or directory: '/tmp/tmpzz98yx/out.csv'",
    ),
    (
        'duplicate key value: Key (email)=("a@example.com") already exists',
        'duplicate key value: Key (email)=("b@example.org") already exists',
    ),
    # e-mail, URLs
    ("mail to alice@example.com bounced", "mail to bob+x@mail.example.org bounced"),
    (
        "GET https://api.example.com/v1/runs/123?page=2 failed",
        "GET https://api.example.com/v1/runs/99 failed",
        "GET https://api.example.com/v1/runs/7?page=1&per_page=5 failed",
    ),
    ("GET https://api.example.com:8443/a failed", "GET https://api.example.com:9443/a failed"),
    (
        "404 Client Error: Not Found for url: https://api.github.com/repos/o/r/actions/runs/7023410023/jobs",
        "404 Client Error: Not Found for url: https://api.github.com/repos/o/r/actions/runs/7023998871/jobs",
    ),
    ("POST /users/48213/orders failed with 500", "POST /users/77120/orders failed with 500"),
    (
        "cannot fetch https://cdn.example.com/a/9f8e7d6c5b4a.png",
        "cannot fetch https://cdn.example.com/a/1a2b3c4d5e6f.png",
    ),
    (
        "webhook delivery 5d3f2c1a-0b9e-11ef-9c3f-0242ac120002 timed out",
        "webhook delivery 77ab1c90-0b9f-11ef-8d21-0242ac120002 timed out",
    ),
    (
        "channel 42042042042042042 does not exist",
        "channel 81384788765712384 does not exist",
        "channel 99120012001200120 does not exist",
    ),
    ("mirror is 12 commits behind for 3 days", "mirror is 12 commits behind for 4 days"),
    # white space and length
    ("two   spaces\nand a line", "two spaces and a line"),
    ("x" * 3000 + "a", "x" * 3000 + "b"),
]

DIFFERENT: list[tuple[str, ...]] = [
    # status and error codes
    ("GitHub answered 502", "GitHub answered 403", "GitHub answered 404", "GitHub answered 500"),
    ("HTTP (403)", "HTTP (500)", "HTTP (429)"),
    ("status:403", "status:500"),
    ("status=403", "status=500"),
    ("answer '403' came", "answer '500' came"),
    (
        "403 Forbidden (error code: 50013): Missing Permissions",
        "403 Forbidden (error code: 50001): Missing Access",
        "404 Not Found (error code: 10062): Unknown interaction",
    ),
    ("error code 10015", "error code 50035"),
    (
        "Shard ID 0 WebSocket closed with 4004",
        "Shard ID 0 WebSocket closed with 4014",
        "Shard ID 0 WebSocket closed with 1000",
    ),
    (
        "[Errno 111] Connection refused",
        "[Errno 104] Connection reset by peer",
        "[Errno 110] Connection timed out",
    ),
    ("[WinError 10061] refused", "[WinError 10054] refused"),
    ("SMTP 421", "SMTP 550", "SMTP 535"),
    ("exit code 1", "exit code 2", "exit code 137"),
    ("terminated by signal 9", "terminated by signal 11", "terminated by signal 15"),
    ("ORA-00942", "ORA-01017", "ORA-12541"),
    ("SQLSTATE 23505", "SQLSTATE 23503", "SQLSTATE 40001"),
    ("MySQL error 1045", "MySQL error 1205", "MySQL error 2006"),
    ("(2006, 'MySQL server has gone away')", "(1205, 'Lock wait timeout exceeded')"),
    ("errno 28", "errno 5"),
    ("E1101 in the plug-in", "E0602 in the plug-in"),
    ("curl: (6) failed", "curl: (7) failed", "curl: (28) failed"),
    ("HRESULT 0x80070005", "HRESULT 0x80004005"),
    ("error 0x1f", "error 0x2f"),
    # hosts and services
    ("host a.example.com is down", "host b.example.com is down"),
    ("cannot reach 'a.example.com'", "cannot reach 'b.example.com'"),
    ("connect to a.example.com:80", "connect to b.example.com:80"),
    ("connect to 10.0.0.1", "connect to 10.0.0.2"),
    ("connect to 10.0.0.1:5432", "connect to 10.0.0.2:5432"),
    ("db-1 is read-only", "db-2 is read-only"),
    ("redis-master is down", "redis-replica is down"),
    ("Cannot connect to host discord.com:443", "Cannot connect to host api.github.com:443"),
    (
        "HTTPSConnectionPool(host='api.github.com', port=443): Read timed out.",
        "HTTPSConnectionPool(host='discord.com', port=443): Read timed out.",
    ),
    ("bucket eu-west-1 is slow", "bucket us-east-1 is slow", "bucket eu-west-2 is slow"),
    # words that matter
    ("disk full", "disk fail"),
    ("can't connect, won't retry", "can't log in, won't retry"),
    ("connection refused", "connection reset", "connection timed out"),
    ("backup failed", "backup succeeded late"),
    ("could not read the settings", "could not write the settings"),
    ("KeyError", "ValueError", "TypeError"),
    ("login failed", "logout failed"),
    ("decade defaced", "facade effaced"),
    ("queue a is full", "queue b is full"),
    ("table users is locked", "table orders is locked"),
    ("Task orders.tasks.bill failed", "Task orders.tasks.ship failed"),
    (
        "An error occurred (ThrottlingException) when calling the PutItem operation",
        "An error occurred (AccessDeniedException) when calling the PutItem operation",
        "An error occurred (ThrottlingException) when calling the GetItem operation",
    ),
    ("Missing Permissions", "Missing Access"),
    ("429 Too Many Requests: channel", "429 Too Many Requests: global"),
    ("heartbeat of worker stopped", "heartbeat of shard stopped"),
    # small numbers
    ("shard 3 lost", "shard 4 lost"),
    ("replica 1 is behind", "replica 2 is behind"),
    ("step 2 of the migration failed", "step 3 of the migration failed"),
    ("Python 3.11 is too old", "Python 3.12 is too old"),
    ("TLS 1.0 is refused", "TLS 1.1 is refused"),
    ("schema version 7 is unknown", "schema version 8 is unknown"),
    ("RAID disk 0 failed", "RAID disk 1 failed"),
    # URLs
    ("GET https://api.example.com/v1/runs failed", "GET https://api.example.com/v2/runs failed"),
    ("GET https://api.example.com/users failed", "GET https://api.example.com/teams failed"),
    ("GET https://a.example.com/x failed", "GET https://b.example.com/x failed"),
    ("GET https://api.example.com/x failed", "POST https://api.example.com/x failed"),
    (
        "POST /users/48213/orders failed with 500",
        "POST /users/48213/orders failed with 404",
        "POST /users/48213/invoices failed with 500",
    ),
    (
        "404 Client Error: Not Found for url: https://api.github.com/repos/o/r/actions/runs/7023410023/jobs",
        "404 Client Error: Not Found for url: https://api.github.com/repos/o/r/actions/runs/7023410023/logs",
        "403 Client Error: Forbidden for url: https://api.github.com/repos/o/r/actions/runs/7023410023/jobs",
    ),
    # the rest of a message after what is volatile
    ("run 4711 failed: exit code 1", "run 4711 failed: exit code 2"),
    ("user 'alice' not found", "user 'alice' not allowed"),
    ("timed out after 30 s: api.github.com", "timed out after 30 s: discord.com"),
    ("only 12 MB left on /data", "only 12 MB left on /var"),
    ("process 31337 exited with code 137", "process 31337 exited with code 1"),
    ("Exception in thread Thread-12 (poll)", "Exception in thread Thread-12 (push)"),
    ("attempt 3 failed: connection refused", "attempt 3 failed: connection reset"),
    ("bot.py:12 failed", "web.py:12 failed"),
    ("backup of /data failed", "backup of /var failed"),
    ("member joined but has no role", "member left but has a role"),
    ("SSL: CERTIFICATE_VERIFY_FAILED", "SSL: WRONG_VERSION_NUMBER", "SSL: UNEXPECTED_EOF_WHILE_READING"),
]

HELD_OUT_SAME: list[tuple[str, ...]] = [
    (
        "Ignoring exception in command deploy for guild 613425648685547541",
        "Ignoring exception in command deploy for guild 302094807046684672",
    ),
    ("Webhook 1180439563429920769 returned 404", "Webhook 1179911023331983410 returned 404"),
    (
        "Conflict: terminated by other getUpdates request (update 881203311)",
        "Conflict: terminated by other getUpdates request (update 881209945)",
    ),
    ("chat_id=-1001234567890 kicked the bot", "chat_id=-1009876543210 kicked the bot"),
    ("deployment 55120 is stuck", "deployment 55127 is stuck"),
    ("job 8812 on runner gh-runner-4 was cancelled", "job 9913 on runner gh-runner-4 was cancelled"),
    (
        'psycopg.OperationalError: connection to server at "10.2.0.4", port 5432 failed: timeout expired',
        'psycopg.OperationalError: connection to server at "10.2.0.4", port 6432 failed: timeout expired',
    ),
    (
        "deadlock detected: Process 8812 waits for ShareLock on transaction 120931",
        "deadlock detected: Process 9120 waits for ShareLock on transaction 133107",
    ),
    (
        "canceling statement due to statement timeout after 30001 ms",
        "canceling statement due to statement timeout after 30004 ms",
    ),
    (
        "redis.exceptions.TimeoutError: Timeout reading from cache.internal:6379",
        "redis.exceptions.TimeoutError: Timeout reading from cache.internal:6380",
    ),
    ("S3 upload of 'reports/2026-11-24.csv' failed", "S3 upload of 'reports/2026-11-25.csv' failed"),
    ("Memory usage 412 MiB exceeds the limit", "Memory usage 530 MiB exceeds the limit"),
    ("consumer lag is 120934 messages", "consumer lag is 98211 messages"),
    (
        "SSL certificate of shop.example.org expires in 6 days",
        "SSL certificate of shop.example.org expires in 5 days",
    ),
    (
        "payment pi_3OaB7cLkdIwHu7ix0Z1xQ2yT failed: card declined",
        "payment pi_1NzQ9eLkdIwHu7ix3R8vK5mP failed: card declined",
    ),
    ("invoice INV-20931 could not be sent", "invoice INV-20977 could not be sent"),
    ("cron job nightly finished 12 min late", "cron job nightly finished 47 min late"),
    (
        "<aiohttp.client_reqrep.ClientResponse object at 0x7f1e2a3b4c50> leaked",
        "<aiohttp.client_reqrep.ClientResponse object at 0x7f1e2a9f8810> leaked",
    ),
    (
        "Unclosed client session: <ClientSession object at 0x10f3a8d90>",
        "Unclosed client session: <ClientSession object at 0x10f41bc50>",
    ),
    (
        "Response payload is not completed: <TransferEncodingError: 400>, read 20480 of 65536 bytes",
        "Response payload is not completed: <TransferEncodingError: 400>, read 4096 of 65536 bytes",
    ),
    ("JSONDecodeError at line 14 column 3 (char 412)", "JSONDecodeError at line 2 column 9 (char 31)"),
    ("user alice@example.com has no e-mail verified", "user carol@example.net has no e-mail verified"),
    ("unreachable since 04:12:33", "unreachable since 16:45:09"),
    ("backup of 2026-11-24T02:00:00+00:00 is missing", "backup of 2026-11-25T02:00:00+00:00 is missing"),
    (
        "upstream request 7c9e6679-7425-40de-944b-e07fc1f90ae7 was aborted",
        "upstream request 3d813cbb-47fb-32ba-91df-831e1593ac29 was aborted",
    ),
    (
        "PUT https://es.internal:9200/logs-2026.11.24/_doc/af81c2d9e0 answered 503",
        "PUT https://es.internal:9200/logs-2026.11.25/_doc/0b92d3eaf1 answered 503",
    ),
    ("lock held for 91.2s by worker", "lock held for 120s by worker"),
    ("slow request: 12.4 seconds", "slow request: 8.1 seconds"),
    ("failed to process update 771203345", "failed to process update 771203399"),
]

HELD_OUT_DIFFERENT: list[tuple[str, ...]] = [
    ("Webhook 1180439563429920769 returned 404", "Webhook 1180439563429920769 returned 401"),
    ("Webhook returned 50027", "Webhook answered 200"),
    (
        "400 Bad Request (error code: 50035): Invalid Form Body",
        "400 Bad Request (error code: 50006): Cannot send an empty message",
    ),
    (
        'psycopg.OperationalError: connection to server at "10.2.0.4" failed',
        'psycopg.OperationalError: connection to server at "10.2.0.5" failed',
    ),
    ("cache.internal:6379 timed out", "queue.internal:6379 timed out"),
    ("rabbit-1 left the cluster", "rabbit-3 left the cluster"),
    ("lambda bot-prod was throttled", "lambda bot-staging was throttled"),
    (
        "SSL certificate of shop.example.org expires in 6 days",
        "SSL certificate of www.example.org expires in 6 days",
    ),
    ("payment failed: card declined", "payment failed: card expired", "payment failed: insufficient funds"),
    ("returned non-zero exit status 1", "returned non-zero exit status 128"),
    ("Unhandled exception in on_message", "Unhandled exception in on_ready"),
    ("queue depth of high is over the limit", "queue depth of low is over the limit"),
    (
        "ConnectionResetError(104, 'Connection reset by peer')",
        "ConnectionRefusedError(111, 'Connection refused')",
    ),
    ("gateway closed with code 4008", "gateway closed with code 4013"),
    ("GET /health answered 503", "GET /ready answered 503", "GET /health answered 500"),
    ("database orders is corrupt", "database users is corrupt"),
    ("Telegram says 409", "Telegram says 401", "Telegram says 400"),
    ("node 1 is unreachable", "node 2 is unreachable"),
    ("HTTP/1.1 502 Bad Gateway", "HTTP/1.1 504 Gateway Timeout"),
    ("api v9 is gone", "api v10 is gone"),
    ("job build was cancelled", "job deploy was cancelled"),
    ("timeout on read after 5 s", "timeout on write after 5 s"),
    ("SIGSEGV", "SIGKILL", "SIGTERM"),
    ("exhausted all 5 retries of pay", "exhausted all 5 retries of ship"),
]


def pairs(groups: list[tuple[str, ...]]) -> list[tuple[str, str]]:
    """Return every pair of messages that stand in one group."""
    return [pair for group in groups for pair in combinations(group, 2)]
