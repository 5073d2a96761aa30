"""Fills one gateway, runs the program of docs/MIGRATING_FROM_SVIX.md twice, and compares the other one with it. Called by
tests/lanes/quickstart.sh."""

import os
import subprocess
import sys

from svix.api import ApplicationIn, EndpointIn, EndpointListOptions, EventTypeIn, Svix, SvixOptions

APPLICATIONS = 3
# More than one page, so that the program has to turn it.
ENDPOINTS = 260


def client(side):
    return Svix(os.environ[f"{side}_TOKEN"], SvixOptions(server_url=os.environ[f"{side}_URL"]))


def seen(svix, application):
    """Every endpoint, by its uid."""
    found, options = {}, EndpointListOptions(limit=250)
    while True:
        page = svix.endpoint.list(application, options)
        for each in page.data:
            found[each.uid] = (each.url, each.event_types, each.channels, each.metadata)
        if page.done:
            return found
        options.iterator = page.iterator


old, new = client("OLD"), client("NEW")
for side in (old, new):
    side.event_type.create(EventTypeIn(name="invoice.paid", description="An invoice is paid"))
for number in range(APPLICATIONS):
    uid = f"customer-{number}"
    old.application.create(ApplicationIn(name=uid, uid=uid, metadata={"plan": "gold"}))
    for each in range(ENDPOINTS if number == 0 else 2):
        url = f"http://127.0.0.1:9000/{number}/{each}"
        wanted = {"event_types": ["invoice.paid"], "channels": ["eu"]} if each else {}
        old.endpoint.create(uid, EndpointIn(url=url, uid=f"hook-{each}", metadata={"n": str(each)}, **wanted))

for _ in range(2):  # the second run finds everything there
    subprocess.run([sys.executable, sys.argv[1]], check=True)
for number in range(APPLICATIONS):
    uid = f"customer-{number}"
    before, after = seen(old, uid), seen(new, uid)
    assert before == after and len(after) == (ENDPOINTS if number == 0 else 2), uid
    assert all(old.endpoint.get_secret(uid, hook).key == new.endpoint.get_secret(uid, hook).key for hook in list(after)[:5]), uid
print(f"ok {APPLICATIONS} applications, moved with their endpoints and secrets")
