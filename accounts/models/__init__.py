"""The tables of the accounts app, one module per subject."""

from accounts.models.account import Color, ExternalAccount, IncomingServer, OutgoingServer, State
from accounts.models.authorization import Authorization
from accounts.models.batch import Batch
from accounts.models.credential import Credential, Purpose
from accounts.models.identity import (
    CodeRecipient,
    Identity,
    OwnedAddress,
    Use,
    VerificationCode,
)
from accounts.models.notice import Notice, Topic
from accounts.models.oauth_app import OAuthApp
from accounts.models.policy import GroupPolicy
from accounts.models.preferences import PURGE_DAYS
from accounts.models.probe import Probe
from accounts.models.quota import Plan, Quota
from accounts.models.setup import Setup
from accounts.models.user import User

__all__ = [
    "PURGE_DAYS",
    "Authorization",
    "Batch",
    "CodeRecipient",
    "Color",
    "Credential",
    "ExternalAccount",
    "GroupPolicy",
    "Identity",
    "IncomingServer",
    "Notice",
    "OAuthApp",
    "OutgoingServer",
    "OwnedAddress",
    "Plan",
    "Probe",
    "Purpose",
    "Quota",
    "Setup",
    "State",
    "Topic",
    "Use",
    "User",
    "VerificationCode",
]
