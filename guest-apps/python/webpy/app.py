"""A calculator in web.py: routes, a template, a form, an upload, cookies and a redirect."""

import os

import web

urls = ("/", "Sum", "/hello/(.*)", "Hello", "/upload", "Upload", "/stream", "Stream", "/old", "Old")
render = web.template.render(os.path.join(os.path.dirname(__file__), "templates"))


class Sum:
    def GET(self):
        asked = web.input(a="1", b="2")
        web.header("Content-Type", "text/html; charset=utf-8")
        return render.sum(asked.a, asked.b, int(asked.a) + int(asked.b))

    def POST(self):
        given = web.input()
        web.setcookie("a", given.a)
        web.setcookie("b", given.b)
        raise web.seeother(f"/?a={given.a}&b={given.b}")


class Hello:
    def GET(self, name):
        return f"hello {name or 'world'}"


class Upload:
    def POST(self):
        given = web.input(file={})
        return f"{given['file'].filename}: {len(given['file'].value)} bytes"


class Stream:
    def GET(self):
        web.header("Content-Type", "text/plain; charset=utf-8")
        for number in range(1, 6):
            yield f"line {number}\n"


class Old:
    def GET(self):
        raise web.redirect("/")


application = web.application(urls, globals()).wsgifunc()
