"""Charges a card by somebody else's API: a JSON request with a secret, its answer, and what may go wrong.

The manifest names the place (`[outbound] http`) and gives two variables, `API_URL` and `API_KEY`.
"""

import os

import requests
from flask import Flask, request

app = Flask(__name__)

PAGE = """<!doctype html><title>charge</title><form method=post action=charge>
<label>Cents <input name=amount></label> <button>Charge</button></form>"""


@app.get("/")
def index():
    return PAGE


@app.post("/charge")
def charge():
    amount = request.form.get("amount", type=int)
    if not amount or amount < 0:
        return text("an amount is a number of cents", 400)
    try:
        answer = requests.post(
            os.environ["API_URL"] + "/v1/charges",
            json={"amount": amount, "currency": "eur"},
            headers={"Authorization": "Bearer " + os.environ["API_KEY"]},
            timeout=10,
        )
    except requests.RequestException as error:
        return text(f"the API cannot be asked: {error}", 502)
    said = answer.json()
    if answer.ok:
        return text(f"charged {amount}: {said['id']}", 200)
    return text(f"the API says {answer.status_code}: {said['error']}", 502)


def text(line, status):
    return line + "\n", status, {"Content-Type": "text/plain; charset=utf-8"}
