"""Webhooks signed with the providers' own libraries for Python: Slack's, and for PayPal what its library says is signed, with a
certificate made here. One JSON object a line, as vectors.mjs has it, and "certificate" besides."""

import base64
import datetime
import json
import secrets
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from paypalrestsdk.notifications import WebhookEvent
from slack_sdk.signature import SignatureVerifier

count = int(sys.argv[1])
seconds = int(time.time())
ALPHABET = " \n\"\\/:;=&%+{}aZ09ßéЖ中😀"


def random_json():
    text = "".join(secrets.choice(ALPHABET) for _ in range(secrets.randbelow(80)))
    return json.dumps({"event_id": secrets.token_hex(8), "type": "thing", "text": text}, ensure_ascii=False)


def emit(by, provider, secret, headers, body, is_right, certificate=None):
    line = {"by": by, "provider": provider, "secret": secret, "seconds": seconds, "url": "https://example.com/in"}
    line |= {"headers": list(headers.items()), "body": base64.b64encode(body.encode()).decode(), "isRight": is_right}
    print(json.dumps(line | {"certificate": certificate}))


def slack():
    secret = secrets.token_hex(16)
    body = random_json()
    verifier = SignatureVerifier(secret)
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": str(seconds),
        "X-Slack-Signature": verifier.generate_signature(timestamp=str(seconds), body=body),
    }
    assert verifier.is_valid_request(body, headers)
    assert not verifier.is_valid_request(body + " ", headers)
    emit("slack_sdk", {"kind": "slack"}, secret, headers, body, True)
    emit("slack_sdk", {"kind": "slack"}, secret, headers, body + " ", False)
    emit("slack_sdk", {"kind": "slack"}, secrets.token_hex(16), headers, body, False)


def paypal_certificate(key):
    host = "messageverificationcerts.sandbox.paypal.com"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def paypal(key, certificate):
    webhook = secrets.token_hex(8).upper()
    transmission = secrets.token_hex(16)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    body = random_json()
    signed = WebhookEvent._get_expected_sig(transmission, at, webhook, body)
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    headers = {
        "Content-Type": "application/json",
        "Paypal-Auth-Algo": "SHA256withRSA",
        "Paypal-Cert-Url": "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77",
        "Paypal-Transmission-Id": transmission,
        "Paypal-Transmission-Time": at,
        "Paypal-Transmission-Sig": base64.b64encode(signature).decode(),
    }
    emit("paypalrestsdk", {"kind": "paypal", "webhookId": webhook}, None, headers, body, True, certificate)
    emit("paypalrestsdk", {"kind": "paypal", "webhookId": webhook}, None, headers, body + " ", False, certificate)
    emit("paypalrestsdk", {"kind": "paypal", "webhookId": "OTHER"}, None, headers, body, False, certificate)


key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
certificate = paypal_certificate(key)
for _ in range(count):
    slack()
    paypal(key, certificate)
