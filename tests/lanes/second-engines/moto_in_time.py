"""moto's server on the loopback address, with queues whose time a test may set, as it sets the time of our own.

    moto_in_time.py PORT

`POST /clock/MS` stops the queues' clock at so many milliseconds since the epoch. `POST /forget` makes moto forget everything, and the
clock run again.
"""

import re
import sys

import moto.sqs.models as queues
from moto.core.utils import unix_time
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

stopped_at_ms = None


def now_ms():
    return unix_time() * 1000.0 if stopped_at_ms is None else stopped_at_ms


queues.unix_time_millis = now_ms
queues.unix_time = lambda: now_ms() / 1000.0
moto = DomainDispatcherApplication(create_backend_app)


def answer(environ, start_response):
    global stopped_at_ms
    path = environ["PATH_INFO"]
    if clock := re.fullmatch(r"/clock/(\d+)", path):
        stopped_at_ms = float(clock[1])
        start_response("200 OK", [])
        return [b""]
    if path == "/forget":
        stopped_at_ms = None
        environ["PATH_INFO"] = environ["RAW_URI"] = environ["REQUEST_URI"] = "/moto-api/reset"
    return moto(environ, start_response)


run_simple("127.0.0.1", int(sys.argv[1]), answer, threaded=True, request_handler=MotoRequestHandler)
