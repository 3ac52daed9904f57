"""The project itself as an app, for its commands."""

from django.apps import AppConfig


class AggregatorConfig(AppConfig):
    """Register the project's commands."""

    name = "aggregator"
