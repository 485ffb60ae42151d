"""A guest book in Flask: templates, sessions, messages, an upload, files, streaming and errors."""

import hashlib
import time

from flask import Flask
from flask import abort
from flask import flash
from flask import jsonify
from flask import redirect
from flask import render_template
from flask import request
from flask import session
from flask import url_for

app = Flask(__name__)
# Signs the visitors' sessions. A real app takes it from its environment.
app.secret_key = "only for this example"
app.config["MAX_CONTENT_LENGTH"] = 8 * 1024 * 1024


@app.get("/")
def book():
    session["visits"] = session.get("visits", 0) + 1
    return render_template("book.html", entries=session.get("entries", []), visits=session["visits"])


@app.post("/")
def sign():
    name = request.form.get("name", "").strip()
    if not name:
        flash("Please write a name.")
        return redirect(url_for("book"))
    session["entries"] = [*session.get("entries", []), name][-20:]
    flash(f"Thank you, {name}!")
    return redirect(url_for("book"))


@app.get("/hello/<name>")
def hello(name):
    return render_template("hello.html", name=name)


@app.post("/upload")
def upload():
    """A file beyond 500 KB goes through a temporary file: Werkzeug does that by itself."""
    file = request.files.get("file") or abort(400)
    content = file.read()
    return jsonify(name=file.filename, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


@app.get("/stream")
def stream():
    def lines():
        for number in range(1, 6):
            yield f"line {number}\n"
            time.sleep(0.02)

    return lines(), {"Content-Type": "text/plain; charset=utf-8"}


@app.get("/error")
def error():
    raise RuntimeError("raised on purpose")


@app.errorhandler(404)
def not_found(_error):
    return render_template("not_found.html"), 404
