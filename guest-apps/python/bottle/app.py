"""A dictionary of three words in Bottle."""

from bottle import Bottle
from bottle import abort
from bottle import request
from bottle import response
from bottle import template

WORDS = {"host": "the process that serves", "guest": "a component that is served", "wall": "what is between them"}

app = application = Bottle()

PAGE = """<!doctype html>
<title>Words</title>
<h1>Words</h1>
<dl>
% for word, meaning in words.items():
<dt>{{word}}<dd>{{meaning}}
% end
</dl>
"""


@app.get("/")
def index():
    return template(PAGE, words=WORDS)


@app.get("/words/<word>")
def look_up(word):
    return {"word": word, "meaning": WORDS.get(word) or abort(404, f"{word} is not in here")}


@app.post("/shout")
def shout():
    response.set_cookie("shouted", "yes")
    return request.forms.get("text", "").upper()


@app.get("/stream")
def stream():
    response.content_type = "text/plain; charset=utf-8"
    return (f"{word}\n" for word in WORDS)
