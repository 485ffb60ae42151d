"""The resources of `wasi:http` that a response is made of, under one name, so that a rehearsal can bring its own."""

from guesthouse.interfaces import http


class Doors:
    """What the gateway calls to answer. `rehearsal.py` has the same four, without a host behind them."""

    __slots__ = ("Fields", "OutgoingResponse", "OutgoingBody", "ResponseOutparam")

    def __init__(self, fields, response, body, outparam):
        self.Fields = fields
        self.OutgoingResponse = response
        self.OutgoingBody = body
        self.ResponseOutparam = outparam


HOST = Doors(http.Fields, http.OutgoingResponse, http.OutgoingBody, http.ResponseOutparam)
