"""my-app: a list of wishes that each visitor keeps in a session."""

import os

from flask import Flask
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import session
from flask import url_for

WISHES_MAX = 20
WISH_CHARACTERS_MAX = 80

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY", "only for development")
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"


@app.get("/")
def wishes():
    return render_template("wishes.html", wishes=session.get("wishes", []))


@app.post("/")
def wish():
    text = request.form.get("text", "").strip()[:WISH_CHARACTERS_MAX]
    if text:
        session["wishes"] = [*session.get("wishes", []), text][-WISHES_MAX:]
        flash(f"Noted: {text}")
    else:
        flash("Please write something.")
    # Sent on with a GET, so that reloading does not send the form again.
    return redirect(url_for("wishes"), 303)


@app.get("/lines")
def lines():
    """A body whose length nobody knows when it begins: it is sent as it comes."""
    return (f"line {number}\n" for number in range(1, 6)), {"Content-Type": "text/plain; charset=utf-8"}


@app.errorhandler(404)
def not_found(_error):
    return render_template("not_found.html"), 404
