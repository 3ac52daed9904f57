"""How static files are stored: hashed names, compressed, imports between modules followed."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise ships no types
    """Rewrite ``import`` in our ES modules to the hashed names, so that no build step is needed."""

    support_js_module_import_aggregation = True
