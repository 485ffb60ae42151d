"""FastAPI with pydantic 1: a checked body, an answer by its model, and the generated description."""

from fastapi import FastAPI
from fastapi import HTTPException
from pydantic import BaseModel
from pydantic import conint

app = FastAPI(title="Cakes")


class Order(BaseModel):
    cake: str
    pieces: conint(ge=1, le=12) = 1


@app.get("/")
def index():
    return {"cakes": ["lemon", "plum"]}


@app.post("/orders")
async def order(order: Order):
    if order.cake not in ("lemon", "plum"):
        raise HTTPException(404, f"there is no {order.cake} cake")
    return {"cake": order.cake, "pieces": order.pieces}
