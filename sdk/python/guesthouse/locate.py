"""Finding the app that "module:callable" names, and telling which interface it speaks."""

import ast
import importlib
import inspect
import sys
import types

from guesthouse.settings import Refused


def load(name):
    """Imports the module and takes the callable. `module:make()` and `module:make("prod", debug=False)` call a factory."""
    module_name, _, path = name.partition(":")
    module = importlib.import_module(module_name)
    path, arguments, keywords = parted(name, path or default_name(module))
    app = module
    for part in path.split("."):
        if not hasattr(app, part):
            raise Refused("`%s` has no `%s`; it has %s" % (module_name, part, names_in(module)))
        app = getattr(app, part)
    if arguments is not None:
        app = app(*arguments, **keywords)
    if not callable(app):
        raise Refused("`%s` is no callable, but %s" % (name, type(app).__name__))
    return app


def parted(name, expression):
    """A dotted name and, for a call, its arguments, which are literals as gunicorn has them."""
    try:
        node = ast.parse(expression, mode="eval").body
        if not isinstance(node, ast.Call):
            return expression, None, {}
        arguments = [ast.literal_eval(one) for one in node.args]
        keywords = {one.arg: ast.literal_eval(one.value) for one in node.keywords}
    except (SyntaxError, ValueError, TypeError):
        raise Refused("`%s` is no name and no call with literals, as in `shop:create_app(\"prod\")`" % name) from None
    return ast.unparse(node.func), arguments, keywords


def default_name(module):
    for name in ("application", "app"):
        if callable(getattr(module, name, None)):
            return name
    raise Refused("`%s` has neither `application` nor `app`; name the callable: `module:callable`" % module.__name__)


def names_in(module):
    names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
    return ", ".join("`%s`" % name for name in names[:10]) or "no callables"


def interface_of(app):
    """ "asgi" for a coroutine function or three parameters, "wsgi" otherwise."""
    call = app if inspect.isroutine(app) or inspect.isclass(app) else type(app).__call__
    for one in (app, call):
        if inspect.iscoroutinefunction(one):
            return "asgi"
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return "wsgi"
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [one for one in parameters if one.kind in positional and one.default is inspect.Parameter.empty]
    return "asgi" if len(needed) == 3 else "wsgi"


def forget(root):
    """Takes the modules below a root out of memory again, after a failed import."""
    for name, module in list(sys.modules.items()):
        file = module.__dict__.get("__file__") if issubclass(type(module), types.ModuleType) else None
        if file and file.startswith(root + "/"):
            del sys.modules[name]
