#!/usr/bin/env python3
"""Prints a bearer token of the organization the lane plays, as docs/AUTHENTICATION.md describes them, made without our code.

    make_token.py SECRET
"""

import base64
import hashlib
import hmac
import json
import sys
import time


def encoded(part):
    return base64.urlsafe_b64encode(part).rstrip(b"=")


seconds = int(time.time())
claims = {"iss": "fanfare", "sub": "org_23rb8YdGqMT0qIzpgGwdXfHirMu", "iat": seconds, "nbf": seconds, "exp": seconds + 3600}
signed = b".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
signature = hmac.new(sys.argv[1].encode(), signed, hashlib.sha256).digest()
print((signed + b"." + encoded(signature)).decode())
