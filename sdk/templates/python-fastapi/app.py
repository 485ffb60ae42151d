"""A web app in Python with FastAPI: typed bodies and queries, checked by pydantic, and a description at /docs."""

from typing import Annotated

from fastapi import FastAPI
from fastapi import HTTPException
from fastapi import Query
from pydantic import BaseModel
from pydantic import Field

app = FastAPI(title="my-app")


class Parcel(BaseModel):
    to: str = Field(min_length=1, max_length=80)
    grams: int = Field(gt=0, le=31_500)


class Price(BaseModel):
    to: str
    cents: int


@app.get("/")
def index() -> dict[str, str]:
    return {"hello": "world", "description": "docs"}


@app.get("/hello")
def hello(name: Annotated[str, Query(max_length=40)] = "world") -> dict[str, str]:
    return {"hello": name}


@app.post("/parcels")
async def price(parcel: Parcel) -> Price:
    if parcel.to == "nowhere":
        raise HTTPException(404, "there is no such place")
    return Price(to=parcel.to, cents=399 + parcel.grams // 10)
