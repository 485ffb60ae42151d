"""Templates of the app are compiled at the build: else each instance would do that for its first visitor."""

import gc
import os
import sys
from itertools import islice

# More than an app shows in a lifetime; what a framework keeps has room for as many.
_TEMPLATES_MAX = 400


def compile_all(root):
    """Compiles what the frameworks in memory would find under `root`, and returns how many templates that are.

    A template that cannot be compiled is left for the request that shows it: it may be a draft, or no template at all.
    """
    return jinja() + django(root)


def jinja():
    """Each environment's loader knows its names; the environment keeps what was compiled."""
    if "jinja2" not in sys.modules:
        return 0
    if "flask" in sys.modules:
        # Made when it is first asked for.
        compiled(lambda app: app.jinja_env, all_of(sys.modules["flask"].Flask))
    return sum(compiled(one.get_template, names_of(one)) for one in all_of(sys.modules["jinja2"].Environment))


def all_of(kind):
    # Not `isinstance`: that asks the object, and a lazy one would begin to work.
    return [one for one in gc.get_objects() if issubclass(type(one), kind)]


def names_of(environment):
    try:
        return environment.list_templates() if environment.loader is not None else ()
    except Exception:
        # A loader need not be able to tell.
        return ()


def django(root):
    """The templates of the project and its own apps. Those of Django itself, the admin's hundred, are left where they are."""
    if "django.template" not in sys.modules or not sys.modules["django.conf"].settings.configured:
        return 0
    from django.template import engines
    from django.template.utils import get_app_template_dirs

    try:
        backends = [one for one in engines.all() if hasattr(one, "engine")]
    except Exception:
        return 0
    count = 0
    for backend in backends:
        folders = [str(one) for one in (*backend.engine.dirs, *get_app_template_dirs("templates"))]
        own = (one for one in folders if one.startswith(root + "/"))
        count += compiled(backend.get_template, (name for folder in own for name in files_in(folder)))
    return count


def files_in(folder):
    for path, _, files in os.walk(folder):
        yield from (os.path.relpath(path + "/" + name, folder) for name in files)


def compiled(get, names):
    """How many of `names` can be had."""
    count = 0
    for name in islice(dict.fromkeys(names), _TEMPLATES_MAX):
        try:
            get(name)
        except Exception:
            continue
        count += 1
    return count
