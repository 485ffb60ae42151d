"""FastAPI with pydantic 2, as anyone would write it: checked bodies, typed queries, models that turn into JSON."""

from datetime import date
from typing import Annotated

from fastapi import FastAPI
from fastapi import HTTPException
from fastapi import Query
from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field
from pydantic import field_validator

app = FastAPI(title="Library")


class Book(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)

    title: str = Field(min_length=1, max_length=80)
    pages: int = Field(gt=0)
    bought: date | None = None
    tags: set[str] = set()

    @field_validator("tags")
    @classmethod
    def in_lower_case(cls, tags):
        return {tag.lower() for tag in tags}


SHELF = {1: Book(title="Sketch of the Analytical Engine", pages=65, tags={"Engines"})}


@app.get("/")
def index():
    return {"books": len(SHELF)}


@app.get("/books")
async def books(pages: Annotated[int, Query(ge=1)] = 1) -> list[Book]:
    return [book for book in SHELF.values() if book.pages >= pages]


@app.get("/books/{number}")
def book(number: int) -> Book:
    if number not in SHELF:
        raise HTTPException(404, f"there is no book {number}")
    return SHELF[number]


@app.post("/books", status_code=201)
async def check(book: Book) -> Book:
    return book
