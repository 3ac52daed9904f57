"""The tables of the message store: raw bytes, where they lie, and the index over them.

The raw message is the truth; every other column here can be rebuilt from it. Sizes are bytes of
the raw message, times are UTC.
"""

from mailstore.models.acts import ImageSender, Snooze, Undo, Unsubscribing, Unsubscription
from mailstore.models.folder import DEEPEST, DISCARDED, Folder, Label, Role
from mailstore.models.message import Message, MessageQuerySet, Part, Thread, ThreadLink
from mailstore.models.pack import SHA256_HEX, Blob, Pack
from mailstore.models.saved_search import SavedSearch
from mailstore.transfers.models import Transfer

__all__ = [
    "DEEPEST",
    "DISCARDED",
    "SHA256_HEX",
    "Blob",
    "Folder",
    "ImageSender",
    "Label",
    "Message",
    "MessageQuerySet",
    "Pack",
    "Part",
    "Role",
    "SavedSearch",
    "Snooze",
    "Thread",
    "ThreadLink",
    "Transfer",
    "Undo",
    "Unsubscribing",
    "Unsubscription",
]
