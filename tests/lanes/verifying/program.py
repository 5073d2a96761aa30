"""Around a block of Python: see run.py."""

import base64
import sys

from verify import verify

for line in sys.stdin:
    secret, message_id, sent_at, signatures, body = line.rstrip("\n").split("\t")
    headers = {"webhook-id": message_id, "webhook-timestamp": sent_at, "webhook-signature": signatures}
    try:
        verify(secret, headers, base64.b64decode(body))
        print("true")
    except Exception:
        print("false")
