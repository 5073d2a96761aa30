"""A name server for tests/lanes/dns.sh: answers A and AAAA questions over UDP from the table below, and lies where it says so."""

import ipaddress
import socket
import struct
import sys
import threading
import time

GOOD, GOOD_SIX = "93.184.216.34", "2606:2800:220:1::1"
SLOW_SECONDS = 3

# Addresses of each name; a name instead of an address is an alias.
RECORDS = {
    "good.example": [GOOD],
    "six.example": [GOOD_SIX],
    "alias-of-good.example": ["good.example"],
    "inside.example": ["10.0.0.1"],
    "one-bad.example": [GOOD, "93.184.216.35", "127.0.0.1"],
    "alias-of-inside.example": ["inside.example"],
    "alias-of-alias.example": ["alias-of-inside.example"],
    "six-inside.example": ["::1"],
    "good-and-six-inside.example": [GOOD, "::1"],
    "rebound.example": ["127.0.0.1"],
    "slow.example": [GOOD],
}
A, CNAME, AAAA = 1, 5, 28
IN, NXDOMAIN = 1, 3

asked_for_rebound = 0


def question_of(query):
    """The name, its type, and the question's own bytes."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii").lower())
        at += 1 + query[at]
    kind = struct.unpack("!H", query[at + 1 : at + 3])[0]
    return ".".join(labels), kind, query[12 : at + 5]


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def records(name, kind):
    """What is known of the name, the aliases on the way to it first."""
    global asked_for_rebound
    values = RECORDS[name]
    if name == "rebound.example" and kind == A:
        asked_for_rebound += 1
        values = [GOOD] if asked_for_rebound == 1 else values
    for value in values:
        if value in RECORDS:
            yield name, CNAME, encoded(value)
            yield from records(value, kind)
            continue
        address = ipaddress.ip_address(value)
        if kind == (A if address.version == 4 else AAAA):
            yield name, kind, address.packed


def answer(query):
    name, kind, question = question_of(query)
    if name == "slow.example":
        time.sleep(SLOW_SECONDS)
    found = list(records(name, kind)) if name in RECORDS else []
    flags = 0x8580 | (0 if name in RECORDS else NXDOMAIN)
    head = query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
    body = b"".join(encoded(n) + struct.pack("!HHIH", k, IN, 0, len(data)) + data for n, k, data in found)
    return head + question + body


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    print("ready", flush=True)
    while True:
        query, client = server.recvfrom(4096)
        threading.Thread(target=lambda q=query, c=client: server.sendto(answer(q), c), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
