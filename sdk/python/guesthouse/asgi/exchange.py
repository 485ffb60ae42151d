"""One request and its response, as the `receive` and `send` of ASGI."""

import asyncio

# What one `http.request` brings at most.
_CHUNK_BYTES = 64 * 1024


class Exchange:
    """Reads and writes wait for the visitor; no other request waits for them, since there is none in the instance."""

    def __init__(self, body, response, holds=False):
        self._body = body
        self._response = response
        # Under `guesthouse dev`: Starlette answers with 500 and raises what it answered for, which is shown instead.
        self._holds = holds
        self._held = None
        self._read = False
        self._ended = None
        self._complete = False

    @property
    def complete(self):
        return self._complete

    async def receive(self):
        if self._read or self._complete:
            if not self._complete:
                # Nothing more comes before the response is complete, or the visitor has left.
                self._ended = self._ended or asyncio.get_running_loop().create_future()
                await asyncio.shield(self._ended)
            return {"type": "http.disconnect"}
        try:
            data = self._body.read1(_CHUNK_BYTES)
        except ConnectionResetError:
            self._read = self._complete = True
            return {"type": "http.disconnect"}
        self._read = not data
        return {"type": "http.request", "body": data, "more_body": bool(data)}

    async def send(self, message):
        kind = message["type"]
        if self._holds and kind == "http.response.start":
            self._held = [] if message["status"] == 500 else None
        if self._held is not None:
            self._held.append(message)
            if kind == "http.response.body" and not message.get("more_body", False):
                self.end()
            return
        response = self._response
        if kind == "http.response.start":
            if response.headers is not None:
                raise RuntimeError("`http.response.start` came twice")
            response.status = "%03d" % message["status"]
            response.headers = [
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())
            ]
            return
        if kind != "http.response.body":
            raise RuntimeError("`%s` is no message of a response" % kind)
        if self._complete:
            raise RuntimeError("`http.response.body` came after the last one")
        data, more = bytes(message.get("body", b"")), message.get("more_body", False)
        if not response.sent:
            response.send_head(None if more else len(data))
        try:
            if data and not response.bodiless:
                response.push(data, more)
            if not more:
                # The visitor has all of it, whatever the app goes on to do.
                response.finish()
        finally:
            if not more:
                self.end()
        if more:
            # Others of this request's tasks have their turn.
            await asyncio.sleep(0)

    async def let_go(self):
        """The app has returned: it means what was held."""
        held, self._holds = self._held or (), False
        self._complete = self._complete and not held
        self._held = None
        for message in held:
            await self.send(message)

    def end(self):
        self._complete = True
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
