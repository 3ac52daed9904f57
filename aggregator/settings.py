"""All settings, read from the environment (``MUARA_…``); .env.example explains each of them.

A value that cannot be used ends the program with one sentence that names the variable.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import dj_email_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from accounts.vault import BadKey, new_key, read_keys
from aggregator import environment
from aggregator.database import database
from aggregator.environment import env, networks, read, refuse
from aggregator.keyfiles import KeyExposed, KeyMissing, read_or_make
from aggregator.logs import logging_config
from wire.guard import Guard

BASE_DIR = Path(__file__).resolve().parent.parent
_in_file = environment.read_env_file(env.str("ENV_FILE", ""), BASE_DIR / ".env")

# --- Where and in which shape ---------------------------------------------------------------------
MUARA_DATA = Path(read("str", "DATA", "") or BASE_DIR / "var").resolve()
MUARA_BIND = read("str", "BIND", "127.0.0.1")
MUARA_PORT = environment.port(read("int", "PORT", 8000))
MUARA_URL = read("str", "URL", f"http://localhost:{MUARA_PORT}").rstrip("/")
_url = environment.site_url(MUARA_URL)
REDIS_URL = environment.redis_url(read("str", "REDIS_URL", ""))
EMBEDDED = not REDIS_URL
DEBUG = read("bool", "DEBUG", False)

# --- Keys -----------------------------------------------------------------------------------------
KEY_FOLDER = MUARA_DATA / "keys"
_database = MUARA_DATA / "muara.sqlite3"


def _secret(name: str, file_name: str, make: Any) -> tuple[str, str]:
    """Read a key from its variable or, embedded, from the key file made on the first start.

    Return it with the name of where it came from.
    """
    value: str = read("str", name, "")
    if value or not EMBEDDED:
        missing = f"MUARA_{name} is missing; .env.example says how to make one."
        return value or refuse(missing), f"MUARA_{name}"
    path = KEY_FOLDER / file_name
    if environment.asks_for_help(sys.argv) and not path.exists():
        return make(), str(path)
    try:
        return read_or_make(path, make, may_make=not _database.exists()), str(path)
    except KeyMissing:
        refuse(
            f"{path} is missing, but {_database} was made with it; put it back from your backup."
        )
    except KeyExposed:
        refuse(f"Other people can read {path}; run chmod 600 {path} and start again.")
    except UnicodeDecodeError:
        refuse(f"{path} is no text file; put it back from your backup.")
    except OSError as error:
        refuse(
            f"{path} cannot be used ({error.strerror}); make {MUARA_DATA} a folder that this user "
            "can write in, or set MUARA_DATA to another."
        )


SECRET_KEY, _origin = _secret("SECRET_KEY", "secret.key", lambda: secrets.token_urlsafe(50))
if len(SECRET_KEY) < 32:
    refuse(f"{_origin} is shorter than 32 characters; make one with: openssl rand -hex 32")
_lines, CREDENTIAL_KEYS_FROM = _secret("CREDENTIAL_KEYS", "credential.keys", new_key)
try:
    MUARA_KEYS = read_keys(_lines.replace(",", "\n").split())
except BadKey as error:
    refuse(f"{CREDENTIAL_KEYS_FROM} cannot be read, as {error}; put it back from your backup.")
if not MUARA_KEYS:
    refuse(f"{CREDENTIAL_KEYS_FROM} is empty; put its keys back from your backup.")

# --- Other people's servers -----------------------------------------------------------------------
_detours = environment.detours(read("list", "CONNECT_TO", []))
_nameserver = environment.nameserver(read("str", "NAMESERVER", ""))
GUARD = Guard(networks("ALLOW_NETWORKS"), connect_to=_detours, nameserver=_nameserver)
CONNECTIONS_PER_HOST = read("int", "CONNECTIONS_PER_HOST", 100)
if CONNECTIONS_PER_HOST < 1:
    refuse("MUARA_CONNECTIONS_PER_HOST must be 1 or more.")
METRICS_NETWORKS = networks("METRICS_NETWORKS")

# --- Database, broker, cache ----------------------------------------------------------------------
DATABASE_URL = read("str", "DATABASE_URL", "")
DATABASES = {"default": database(DATABASE_URL, usual=_database, embedded=EMBEDDED)}
PACK_FOLDER = MUARA_DATA / "packs"
IMAGE_FOLDER = MUARA_DATA / "images"
TRANSFER_FOLDER = MUARA_DATA / "transfers"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# With no broker to install, the nudges stay inside the worker; the database is the queue.
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.05} if EMBEDDED else {}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# What is printed is for people to read, such as a mail that no server sends.
CELERY_WORKER_REDIRECT_STDOUTS = False
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
# A health check from this machine itself always finds its way in.
ALLOWED_HOSTS = sorted(
    {_url.netloc.lower().removesuffix(f":{_url.port}"), "localhost", "127.0.0.1", "[::1]"}
    | set(environment.hosts(read("list", "HOSTS", [])))
)
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
STATIC_ROOT = Path(read("str", "STATIC", "") or MUARA_DATA / "static")
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
ALLAUTH_TRUSTED_PROXY_COUNT = environment.proxy_count(read("int", "PROXY_COUNT", 0))
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
# Codes that were mailed, all of one kind: short enough to be read from a phone's lock screen.
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}
CODE_TRIES, CODE_SECONDS = 5, 10 * 60
ACCOUNT_ADAPTER = "accounts.signin.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_MAX_ATTEMPTS = CODE_TRIES
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = CODE_SECONDS
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_MAX_ATTEMPTS = CODE_TRIES
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = CODE_SECONDS
ACCOUNT_RATE_LIMITS = {"confirm_email": "1/m/key,3/h/key,5/d/key"}
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "accounts.signin.SealedMfaAdapter"
MFA_FORMS = {
    "add_webauthn": "accounts.passkeys.AddPasskeyForm",
    "edit_webauthn": "accounts.passkeys.RenamePasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = _url.hostname == "localhost"
MFA_TOTP_ISSUER = "Muara"
MFA_TOTP_TOLERANCE = 1  # The code just past and the next one count too: clocks differ.
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
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.sender(
    read("str", "EMAIL_FROM", "") or f"muara@{_url.hostname}"
)

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
environment.refuse_unknown(_in_file)
