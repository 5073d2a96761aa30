"""Keeps what tests/lanes/schemathesis.sh makes up on this machine: an endpoint's URL that a request would really be sent to is
turned to a port of 127.0.0.1 where nobody listens. Everything else about it stays, and so do values that are no URL.

And keeps requests at their operation: clients take a part of a path that is `.` or `..` for a step and not for a name, so what they
send is a request for another path.
"""

from urllib.parse import urlsplit

import schemathesis

NOBODY = "127.0.0.1:8"


@schemathesis.hook
def before_call(context, case, kwargs):
    case.body = at_home(case.body)
    for name, value in (case.path_parameters or {}).items():
        if value in (".", ".."):
            case.path_parameters[name] = "no-step"


def at_home(value):
    if isinstance(value, dict):
        return {name: home_url(each) if name == "url" else at_home(each) for name, each in value.items()}
    if isinstance(value, list):
        return [at_home(each) for each in value]
    return value


def home_url(value):
    try:
        parts = urlsplit(value)
        return parts._replace(netloc=NOBODY).geturl() if parts.netloc else value
    except (AttributeError, TypeError, ValueError):  # no string, or no URL
        return value
