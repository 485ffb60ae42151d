#!/usr/bin/env python3
"""A Flask app's own tests, as they are, against a server that runs the app.

What the tests do with `app.test_client()` goes over HTTP to the address instead: the app that is imported here is named
alone, and never called. Run it with a Python that has the app and pytest, once for our host and once for another server:

    python3 bench/flask_suite.py --app httpbin:app http://127.0.0.1:8000 ~/src/httpbin/tests/test_httpbin.py

The tests ask for the host `localhost`; what they set of `REMOTE_ADDR` does not reach a server. Loopback only.
"""

import argparse
import http.client
import importlib
import sys
import urllib.parse

SECONDS_MAX = 60
# Fields of one connection (RFC 9110, section 7.6.1), which http.client has dealt with.
OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding"}


class Far:
    """A WSGI app that is at `address`."""

    def __init__(self, address):
        self.netloc = urllib.parse.urlsplit(address).netloc

    def __call__(self, environ, start_response):
        target = urllib.parse.quote(environ["PATH_INFO"].encode("latin-1"), safe="/;=,:@!$&'()*+~")
        if environ.get("QUERY_STRING"):
            target += "?" + environ["QUERY_STRING"]
        fields = {name[5:].replace("_", "-"): value for name, value in environ.items() if name[:5] == "HTTP_" and name[5:]}
        if environ.get("CONTENT_TYPE"):
            fields["Content-Type"] = environ["CONTENT_TYPE"]
        body, chunked = None, "TRANSFER-ENCODING" in fields
        if chunked:
            body = iter([environ["wsgi.input"].read()])
        elif length := int(environ.get("CONTENT_LENGTH") or 0):
            body = environ["wsgi.input"].read(length)
        connection = http.client.HTTPConnection(self.netloc, timeout=SECONDS_MAX)
        connection.request(environ["REQUEST_METHOD"], target or "/", body, fields, encode_chunked=chunked)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        fields = [(name, value) for name, value in answer.getheaders() if name.lower() not in OF_THE_CONNECTION]
        start_response("%d %s" % (answer.status, answer.reason or "-"), fields)
        return [content]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--app", required=True, metavar="MODULE:APP")
    parser.add_argument("address")
    parser.add_argument("tests", nargs="+")
    given = parser.parse_args()
    module, _, name = given.app.partition(":")
    getattr(importlib.import_module(module), name).wsgi_app = Far(given.address)
    import pytest

    return pytest.main(["-q", "-p", "no:cacheprovider", *given.tests])


if __name__ == "__main__":
    sys.exit(main())
