"""All settings, read from the environment (``MUARA_…``); .env.example explains each of them.

A value that cannot be used ends the program with one sentence that names the variable.
"""

from __future__ import annotations

import os
import secrets
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import dj_database_url
import dj_email_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from environs import Env, EnvError

from accounts.vault import BadKey, new_key, read_keys
from aggregator.keyfiles import read_or_make
from aggregator.logs import logging_config
from wire.guard import Guard

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env(prefix="MUARA_", expand_vars=False)
env.read_env(env.str("ENV_FILE", str(BASE_DIR / ".env")), recurse=False)


def refuse(sentence: str) -> NoReturn:
    """End the program with one sentence that says what to do."""
    raise SystemExit(f"muara: {sentence}")


def read(kind: str, name: str, default: Any) -> Any:
    """Read one variable, or the file that ``NAME_FILE`` points to."""
    try:
        file = env.str(f"{name}_FILE", "")
        return _from_file(kind, name, Path(file)) if file else getattr(env, kind)(name, default)
    except EnvError as error:
        refuse(f"{error}. Mend the variable and start again.")
    except OSError as error:
        refuse(f"MUARA_{name}_FILE cannot be read: {error.strerror}: {error.filename}.")


def _from_file(kind: str, name: str, file: Path) -> Any:
    """Read a file's text as the variable itself would be read; it stays out of the environment."""
    os.environ[f"MUARA_{name}"] = file.read_text().strip()
    try:
        return getattr(env, kind)(name)
    finally:
        del os.environ[f"MUARA_{name}"]


# --- Where and in which shape ---------------------------------------------------------------------
MUARA_DATA = Path(read("str", "DATA", str(BASE_DIR / "var"))).resolve()
MUARA_BIND = read("str", "BIND", "127.0.0.1")
MUARA_PORT = read("int", "PORT", 8000)
if not 0 < MUARA_PORT < 65536:
    refuse(f"MUARA_PORT is {MUARA_PORT}, but a port lies between 1 and 65535.")
MUARA_URL = read("str", "URL", f"http://localhost:{MUARA_PORT}").rstrip("/")
_url = urlsplit(MUARA_URL)
if _url.scheme not in {"http", "https"} or not _url.hostname:
    refuse("MUARA_URL must look like https://mail.example.org.")
REDIS_URL = read("str", "REDIS_URL", "")
EMBEDDED = not REDIS_URL
DEBUG = read("bool", "DEBUG", False)

# --- Keys -----------------------------------------------------------------------------------------
KEY_FOLDER = MUARA_DATA / "keys"
_database = MUARA_DATA / "muara.sqlite3"


def _secret(name: str, file_name: str, make: Any) -> str:
    """Read a key from its variable or, embedded, from the key file made on the first start."""
    value: str = read("str", name, "")
    if value or not EMBEDDED:
        return value or refuse(f"MUARA_{name} is missing; .env.example says how to make one.")
    path = KEY_FOLDER / file_name
    try:
        return read_or_make(path, make, may_make=not _database.exists())
    except FileNotFoundError:
        refuse(
            f"{path} is missing, but {_database} was made with it. Put it back from your backup."
        )
    except OSError as error:
        refuse(
            f"{path} cannot be used ({error.strerror}). Make {MUARA_DATA} writable for this user."
        )


SECRET_KEY = _secret("SECRET_KEY", "secret.key", lambda: secrets.token_urlsafe(50))
try:
    MUARA_KEYS = read_keys(
        _secret("CREDENTIAL_KEYS", "credential.keys", new_key).replace(",", "\n").splitlines()
    )
except BadKey as error:
    refuse(f"MUARA_CREDENTIAL_KEYS cannot be read: {error}.")
if not MUARA_KEYS:
    refuse("MUARA_CREDENTIAL_KEYS is empty; .env.example says how to make a key.")


# --- Other people's servers -----------------------------------------------------------------------
def _networks(name: str) -> tuple[Any, ...]:
    try:
        return tuple(ip_network(value.strip()) for value in read("list", name, []))
    except ValueError as error:
        refuse(f"MUARA_{name}: {error}. Write networks as 10.0.0.0/8,fd00::/8.")


def _connect_to() -> dict[tuple[str, int], tuple[str, int]]:
    pairs = {}
    for rule in read("list", "CONNECT_TO", []):
        try:
            (name, port), (real, real_port) = (
                side.strip().rsplit(":", 1) for side in rule.split("=")
            )
            pairs[name.lower(), int(port)] = (real.strip("[]"), int(real_port))
        except ValueError:
            refuse(
                f"MUARA_CONNECT_TO: {rule!r} must look like pop.example.org:995=127.0.0.1:10995."
            )
    return pairs


GUARD = Guard(allow_networks=_networks("ALLOW_NETWORKS"), connect_to=_connect_to())
METRICS_NETWORKS = _networks("METRICS_NETWORKS")

# --- Database, broker, cache ----------------------------------------------------------------------
DATABASE_URL = read("str", "DATABASE_URL", "")
if not EMBEDDED and not DATABASE_URL:
    refuse("MUARA_REDIS_URL is set, so MUARA_DATABASE_URL must name a PostgreSQL database.")
if DATABASE_URL:
    try:
        DATABASES = {"default": dict(dj_database_url.parse(DATABASE_URL, conn_max_age=60))}
    except ValueError:
        refuse("MUARA_DATABASE_URL must look like postgres://user:password@host:5432/name.")
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(_database),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    }
PACK_FOLDER = MUARA_DATA / "packs"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# With no broker to install, the nudges stay inside the worker; the database is the queue.
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.05} if EMBEDDED else {}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if EMBEDDED
    else {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
}

# --- The web --------------------------------------------------------------------------------------
ROOT_URLCONF = "aggregator.urls"
WSGI_APPLICATION = "aggregator.wsgi.application"
ALLOWED_HOSTS = sorted({_url.hostname, *read("list", "HOSTS", [])})
if _url.hostname == "localhost":
    ALLOWED_HOSTS += ["127.0.0.1", "[::1]"]
INSTALLED_APPS = [
    "aggregator",
    "accounts",
    "mailstore",
    "fetcher",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "lucide",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "aggregator.staticfiles.StaticFiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "aggregator.headers.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "aggregator.language.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.signin.CalmSessionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
# An image carries its static files outside the volume, so that a new image brings new ones.
STATIC_ROOT = Path(read("str", "STATIC", str(MUARA_DATA / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "aggregator.staticfiles.ModuleStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Headers and cookies (SAFETY: ASVS 3.3, 3.4) --------------------------------------------------
HTTPS = _url.scheme == "https"
if DEBUG and _url.hostname not in {"localhost", "127.0.0.1", "::1"}:
    refuse("MUARA_DEBUG shows secrets on error pages; switch it off or use http://localhost.")
_prefix = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_prefix}muara_session"
CSRF_COOKIE_NAME = f"{_prefix}muara_csrf"
LANGUAGE_COOKIE_NAME = "muara_language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not "no-referrer": browsers then send "Origin: null" with our own forms, and the token check
# refuses them. Other sites learn nothing under this one either.
SECURE_REFERRER_POLICY = "same-origin"
# No server here speaks TLS itself, so behind https:// there always stands a proxy that says so.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
ALLAUTH_TRUSTED_PROXY_COUNT = read("int", "PROXY_COUNT", 0)
BEHIND_PROXY = HTTPS or ALLAUTH_TRUSTED_PROXY_COUNT > 0
CSRF_TRUSTED_ORIGINS = [MUARA_URL]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# --- People ---------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
# auth.W004 asks for unique=True; ours is unique whatever the case, by a named constraint.
# W008 and W021: sending people to HTTPS, and preload lists, are the proxy's and its owner's.
SILENCED_SYSTEM_CHECKS = ["auth.W004", "security.W008", "security.W021"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 10}),
        ("CommonPasswordValidator", {}),
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/mail/"
SIGNUP_OPEN = read("bool", "SIGNUP", True)
ACCOUNT_ADAPTER = "accounts.signin.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "accounts.signin.SealedMfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = _url.hostname == "localhost"
MFA_TOTP_ISSUER = "Muara"
USERSESSIONS_TRACK_ACTIVITY = True

# --- Mail that Muara itself sends -----------------------------------------------------------------
EMAIL_URL = read("str", "EMAIL_URL", "")
if not EMAIL_URL and not EMBEDDED:
    refuse(
        "MUARA_EMAIL_URL is missing: codes must reach people. Set smtp+tls://user:pass@host:587."
    )
if EMAIL_URL:
    try:
        _mail = dj_email_url.parse(EMAIL_URL)
        EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
    except (ValueError, KeyError, TypeError):
        refuse("MUARA_EMAIL_URL must look like smtp+tls://user:password@smtp.example.org:587.")
    EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"], _mail["EMAIL_PORT"]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"], _mail["EMAIL_HOST_PASSWORD"]
    EMAIL_USE_TLS, EMAIL_USE_SSL = _mail["EMAIL_USE_TLS"], _mail["EMAIL_USE_SSL"]
else:
    EMAIL_BACKEND = "aggregator.outbox.OutboxBackend"
EMAIL_TIMEOUT = 20
EMAIL_FILE_PATH = MUARA_DATA / "outbox"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = read("str", "EMAIL_FROM", f"muara@{_url.hostname}")

# --- Languages and time ---------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("id", _("Indonesian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = read("str", "TIME_ZONE", "UTC")
if TIME_ZONE not in available_timezones():
    refuse(f"MUARA_TIME_ZONE is {TIME_ZONE!r}; write a zone such as Asia/Jakarta.")

LOGGING = logging_config(as_json=not EMBEDDED)
