"""Tries to break the promises of the database, shared by the tests of the three apps' tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.db.models import CheckConstraint

Attempt = Callable[[], object]


def named_constraints(app: str) -> dict[str, models.BaseConstraint]:
    """Return every named constraint of an app's tables."""
    kinds = apps.get_app_config(app).get_models()
    return {rule.name: rule for kind in kinds for rule in kind._meta.constraints}


def refused(app: str, name: str, attempts: Mapping[str, Attempt]) -> None:
    """Make the attempt that a constraint forbids, and see the database refuse it."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        attempts[name]()
    if isinstance(named_constraints(app)[name], CheckConstraint):
        # Django's own check of a positive column, named for the column, may answer before ours.
        assert name.partition("_never")[0] in str(caught.value)
