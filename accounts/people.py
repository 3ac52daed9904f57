"""People made by whoever runs the program, rather than by sign-up."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User


def add_person(email: str, password: str, *, admin: bool = False) -> User:
    """Make a person who can sign in at once, the address counting as proved.

    Raise ValidationError for a bad or known address or a weak password.
    """
    # allauth keeps and looks for addresses in lower case.
    person = User(email=email.lower(), is_staff=admin, is_superuser=admin)
    if User.objects.filter(email__iexact=email).exists():
        raise ValidationError(f"There is already a person with the address {email}.")
    person.set_password(password)
    person.full_clean()
    validate_password(password, person)
    with transaction.atomic():
        person.save()
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person
