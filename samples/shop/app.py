"""A shop on a database of its operator's: Flask, SQLAlchemy over whatever driver `DATABASE_URL` names, sessions in Redis.

The manifest names both places (`[outbound] tcp`) and gives `DATABASE_URL` and `REDIS_URL`.
"""

import json
import os
import secrets

import redis
from flask import Flask, request, session
from flask.sessions import SecureCookieSession, SessionInterface
from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm import Session as Work

SESSION_SECONDS = 24 * 3600


class RedisSessions(SessionInterface):
    """A session is JSON in Redis; the visitor has its key alone."""

    def __init__(self, store):
        self.store = store

    def open_session(self, app, request):
        key = request.cookies.get("session", "")
        kept = self.store.get("session:" + key) if key else None
        opened = SecureCookieSession(json.loads(kept) if kept else {})
        opened.key = key if kept else secrets.token_urlsafe()
        return opened

    def save_session(self, app, session, response):
        if session.modified:
            self.store.set("session:" + session.key, json.dumps(dict(session)), ex=SESSION_SECONDS)
            response.set_cookie("session", session.key, max_age=SESSION_SECONDS, httponly=True, samesite="Lax")


app = Flask(__name__)
app.session_interface = RedisSessions(redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost")))


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


engine = create_engine(os.environ.get("DATABASE_URL", "postgresql+pg8000://localhost/shop"), pool_pre_ping=True)


@app.get("/")
def index():
    return "a shop\n"


@app.post("/setup")
def setup():
    Base.metadata.create_all(engine)
    return "ready\n"


@app.post("/items")
def add():
    with Work(engine) as work:
        work.add(Item(name=request.form["name"]))
        work.commit()
    return "added\n", 201


@app.get("/items")
def items():
    with Work(engine) as work:
        return ", ".join(work.scalars(select(Item.name).order_by(Item.id))) + "\n"


@app.post("/cart")
def put():
    session["cart"] = [*session.get("cart", []), request.form["name"]]
    return ", ".join(session["cart"]) + "\n"
