"""Structured logs: ids, codes, counts and durations, never a secret, a subject or an address."""

from __future__ import annotations

import logging
from typing import Any

import structlog

# What Django raises when a visitor asks for what it does not take.
REFUSALS = ("DisallowedHost", "RequestDataTooBig", "TooManyFieldsSent", "TooManyFilesSent")


def is_news(record: logging.LogRecord) -> bool:
    """Drop what is no fault: /healthz may answer 503 every few seconds, and says why itself."""
    return getattr(record, "status_code", None) != 503


def calm(record: logging.LogRecord) -> bool:
    """Turn a traceback that any stranger can cause into one line, with the remedy if there is."""
    record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    if record.name.endswith("DisallowedHost"):
        record.msg = "Asked for under a name that is not in MUARA_URL or MUARA_HOSTS."
        record.args = ()
    return True


def logging_config(*, as_json: bool) -> dict[str, Any]:
    """Build the logging settings: JSON lines for machines, short lines for a terminal."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processor": renderer,
                "foreign_pre_chain": shared,
            }
        },
        "filters": {
            "is_news": {"()": lambda: is_news},
            "calm": {"()": lambda: calm},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # Each of these says the same every second, or repeats what we log ourselves.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "kombu.connection": {"level": "ERROR"},
            "waitress.queue": {"level": "ERROR"},
            "django.request": {"filters": ["is_news"]},
            **{f"django.security.{name}": {"filters": ["calm"]} for name in REFUSALS},
        },
    }
