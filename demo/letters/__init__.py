"""The demo's letters: two mailboxes of invented people and firms, in English and Indonesian."""
