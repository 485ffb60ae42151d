"""Settings that a class declares as fields, as pydantic's do: which variables of the environment are read for them."""

import functools


class State:
    """Who wants to know, while the app is imported."""

    note = None


def note(names):
    if State.note is not None:
        State.note([name.upper() for name in names])


def change(module):
    """pydantic-settings: a source of values looks through the whole environment for each field of its class."""
    source = module.EnvSettingsSource
    if hasattr(source.__init__, "__wrapped__"):
        return
    real = source.__init__

    @functools.wraps(real)
    def init(self, settings_cls, *args, **keywords):
        real(self, settings_cls, *args, **keywords)
        fields = getattr(settings_cls, "model_fields", {}).items()
        note(found[1] for name, field in fields for found in self._extract_field_info(field, name))

    source.__init__ = init


def change_older(module):
    """The same in pydantic 1, whose fields know their names."""
    source = module.EnvSettingsSource
    real = source.__call__

    @functools.wraps(real)
    def call(self, settings):
        note(name for field in settings.__fields__.values() for name in field.field_info.extra.get("env_names", ()))
        return real(self, settings)

    source.__call__ = call


def changes():
    return {
        "pydantic.env_settings": change_older,
        "pydantic.v1.env_settings": change_older,
        "pydantic_settings.sources": change,
        "pydantic_settings.sources.providers.env": change,
    }
