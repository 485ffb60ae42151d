"""What Python had until 3.12 or 3.13 and packages that their apps' authors have pinned still ask for.

Only what has a true answer today is here: names that were another spelling of something that is there. Modules that are gone
are not: the builder says which release of a package does without.
"""

import ast
import importlib.abc
import importlib.util
import os
import pkgutil
import sys

# `ast.Str` and its kin, each with what the value of the constant is.
_CONSTANTS = {"Str": (str,), "Num": (int, float, complex), "Bytes": (bytes,), "NameConstant": (bool, type(None))}
_CONSTANTS["Ellipsis"] = (type(...),)
_RESOURCES = ("ResourceReader", "Traversable", "TraversableResources")


def install(roots):
    """To be called before anything of the app is imported. What is there is left alone. Packages lie in `roots`."""
    for name, types in _CONSTANTS.items():
        add(ast, name, Constant(name, (), {"types": types}))
    for name in ("n", "s"):
        add(ast.Constant, name, property(lambda node: node.value, lambda node, value: setattr(node, "value", value)))
    add(pkgutil, "get_loader", get_loader)
    add(pkgutil, "find_loader", find_loader)
    add(pkgutil, "ImpImporter", type("ImpImporter", (), {"__module__": "pkgutil"}))
    add(pkgutil, "ImpLoader", type("ImpLoader", (), {"__module__": "pkgutil"}))
    add(importlib.abc, "__getattr__", resources)
    if any(os.path.isfile(root + "/_distutils_hack/__init__.py") for root in roots):
        # setuptools brings distutils; outside of a guest a file `.pth` tells every Python so.
        import _distutils_hack

        _distutils_hack.add_shim()


def changes():
    """What to do to these modules as soon as they are there."""
    return {"django.template.context": change_django, "starlette.routing": change_starlette}


def add(owner, name, value):
    if not hasattr(owner, name):
        setattr(owner, name, value)


class Constant(type):
    """A node that was of its own class before 3.8, and is an `ast.Constant`."""

    def __instancecheck__(cls, node):
        return type(node) is ast.Constant and type(node.value) in cls.types

    def __call__(cls, *args, **keywords):
        for name in ("n", "s"):
            if name in keywords:
                keywords["value"] = keywords.pop(name)
        return ast.Constant(*(args or (() if keywords else (...,))), **keywords)


def find_loader(fullname):
    spec = importlib.util.find_spec(fullname)
    return spec and spec.loader


def get_loader(module_or_name):
    if module_or_name in sys.modules:
        module_or_name = sys.modules[module_or_name]
        if module_or_name is None:
            return None
    if isinstance(module_or_name, str):
        return find_loader(module_or_name)
    loader = getattr(module_or_name, "__loader__", None)
    spec = getattr(module_or_name, "__spec__", None)
    return loader or (spec and spec.loader)


def resources(name):
    """`importlib.abc.Traversable`: it has moved."""
    if name not in _RESOURCES:
        raise AttributeError("module 'importlib.abc' has no attribute %r" % name)
    from importlib.resources import abc

    return getattr(abc, name)


def change_django(module):
    """Before 5.2.8 it copies `super()`, of which 3.14 makes a copy of its own kind: each page of the admin fails."""
    context = getattr(module, "BaseContext", None)
    if context is not None:
        context.__copy__ = copied


class Mount:
    """Whether an app of ASGI finds its mount in `path` too, as the specification has it since 2023."""

    in_path = True


def change_starlette(module):
    """Before 0.33 its routes are compared with the whole `path`: with the mount in it, every page is a 404."""
    constants = module.Route.matches.__code__.co_consts
    Mount.in_path = hasattr(module, "get_route_path") or "route_root_path" in constants


def copied(context):
    duplicate = object.__new__(type(context))
    duplicate.__dict__ = dict(context.__dict__)
    duplicate.dicts = context.dicts[:]
    return duplicate
