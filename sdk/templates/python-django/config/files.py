"""Addresses of static files, where the app answers below a mount as well as on a host of its own."""

from django.contrib.staticfiles.storage import StaticFilesStorage
from django.urls import get_script_prefix


class MountedStaticFiles(StaticFilesStorage):
    """Django adds the mount to STATIC_URL once; here one process answers below several."""

    def url(self, name):
        return get_script_prefix().rstrip("/") + super().url(name)
