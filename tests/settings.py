"""The real settings with a data folder of the test run's own; differences stay under ten lines."""

import os
import tempfile

os.environ.setdefault("MUARA_ENV_FILE", os.devnull)
os.environ.setdefault("MUARA_DATA", tempfile.mkdtemp(prefix="muara-tests-"))
from aggregator.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"  # noqa: F405
STATIC_ROOT.mkdir(exist_ok=True)  # noqa: F405 - whitenoise warns where it is missing
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
if "MUARA_DATABASE_URL" not in os.environ:
    DATABASES["default"]["TEST"] = {"NAME": str(MUARA_DATA / "test.sqlite3")}  # noqa: F405
