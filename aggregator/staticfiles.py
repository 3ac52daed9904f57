"""How static files are stored: hashed names, compressed, imports between modules followed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(StaticFilesConfig):
    """Leave out what of htmx we do not use: extensions, some of which import missing files."""

    ignore_patterns = [  # noqa: RUF012 - Django's declaration
        *StaticFilesConfig.ignore_patterns,
        "django_htmx/ext/*",
        "django_htmx/*-4*",
    ]


class ModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise ships no types
    """Rewrite ``import`` in our ES modules to the hashed names, so that no build step is needed."""

    support_js_module_import_aggregation = True


def collect_if_stale() -> None:
    """Collect the static files unless nothing about them has changed since the last time."""
    stamp = Path(settings.STATIC_ROOT) / "stamp"
    state = _state()
    if not stamp.exists() or stamp.read_text() != state:
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(state)


def _state() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(StaticFiles.ignore_patterns):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_mtime_ns} {status.st_size}\n".encode())
    return digest.hexdigest()
