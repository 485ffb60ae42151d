"""What a framework only finds out with its first request, and can say before it."""

import sys


class NotSound(Exception):
    """The framework's own checks say that the app cannot answer."""


def check():
    """Django imports the URLs and what they lead to when it is asked for one; its checks do that as well."""
    django = sys.modules.get("django.conf")
    if django is None or not django.settings.configured:
        return
    from django.apps import apps
    from django.core import checks

    if not apps.ready:
        return
    serious = [one for one in checks.run_checks() if one.is_serious() and not one.is_silenced()]
    if serious:
        raise NotSound("; ".join("%s: %s" % (one.id or "check", one.msg) for one in serious[:3]))
