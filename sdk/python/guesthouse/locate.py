"""Finding the app that "module:callable" names, and telling which interface it speaks."""

import ast
import importlib
import inspect
import sys
import types

from guesthouse.settings import Refused


def load(name):
    """Imports the module and takes the callable: `module:app`, `module:make("prod", debug=False)`, `module:Shop().app()`."""
    module_name, _, expression = name.partition(":")
    module = importlib.import_module(module_name)
    try:
        node = ast.parse(expression or default_name(module), mode="eval").body
    except SyntaxError:
        raise not_understood(name) from None
    app = value_of(node, module, name)
    if not callable(app):
        raise Refused("`%s` is no callable, but %s" % (name, type(app).__name__))
    return app


def value_of(node, module, name):
    """What a dotted name or a call stands for. The arguments of calls are literals, as gunicorn has them."""
    if isinstance(node, ast.Call):
        try:
            arguments = [ast.literal_eval(one) for one in node.args]
            keywords = {one.arg: ast.literal_eval(one.value) for one in node.keywords}
        except (ValueError, TypeError):
            raise not_understood(name) from None
        return value_of(node.func, module, name)(*arguments, **keywords)
    if isinstance(node, ast.Name):
        of, part = module, node.id
    elif isinstance(node, ast.Attribute):
        of, part = value_of(node.value, module, name), node.attr
    else:
        raise not_understood(name)
    if not hasattr(of, part):
        raise Refused("`%s` has no `%s`; it has %s" % (module.__name__, part, names_in(module)))
    return getattr(of, part)


def not_understood(name):
    return Refused("`%s` is no name and no call with literals, as in `shop:create_app(\"prod\")`" % name)


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
