"""Starlette (ASGI): routes, JSON, a streamed body, a background task, and what is done at the start."""

import asyncio
import contextlib

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import HTMLResponse
from starlette.responses import JSONResponse
from starlette.responses import StreamingResponse
from starlette.routing import Route

started = []
done = []


@contextlib.asynccontextmanager
async def lifespan(_app):
    started.append("started")
    yield
    started.clear()


async def index(_request):
    await asyncio.sleep(0.01)
    return HTMLResponse("<!doctype html><title>Starlette</title><h1>Starlette</h1>")


async def echo(request):
    return JSONResponse({"length": len(await request.body()), "query": dict(request.query_params)})


async def stream(_request):
    async def lines():
        for number in range(1, 6):
            yield f"line {number}\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(lines(), media_type="text/plain")


def plain(_request):
    """Not a coroutine: where there are threads, it would run in one."""
    return JSONResponse({"started": started, "done": done}, background=BackgroundTask(done.append, "after"))


app = Starlette(
    routes=[
        Route("/", index),
        Route("/echo", echo, methods=["POST"]),
        Route("/stream", stream),
        Route("/plain", plain),
    ],
    lifespan=lifespan,
)
