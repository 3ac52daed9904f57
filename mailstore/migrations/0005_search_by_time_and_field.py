"""The full-text index in the order of time, and by field. It begins empty: reindex fills it."""

from django.db import migrations

FTS = """
DROP TABLE mailstore_search;
CREATE VIRTUAL TABLE mailstore_search USING fts5 (
    marks, starts, subject, sender, recipients, cc, bcc, files, body,
    content='', tokenize="unicode61 remove_diacritics 0"
);
CREATE TABLE mailstore_search_place (
    place integer PRIMARY KEY,
    message_id integer NOT NULL UNIQUE
);
"""
VECTORS = """
DROP TABLE mailstore_search;
CREATE TABLE mailstore_search (
    message_id bigint PRIMARY KEY,
    owner_id bigint NOT NULL,
    place bigint NOT NULL,
    words tsvector NOT NULL
);
CREATE INDEX mailstore_search_words ON mailstore_search USING gin (owner_id, words);
CREATE INDEX mailstore_search_by_time ON mailstore_search (owner_id, place, message_id);
"""
FTS_BEFORE = """
DROP TABLE mailstore_search_place;
DROP TABLE mailstore_search;
CREATE VIRTUAL TABLE mailstore_search USING fts5 (
    owner, subject, people, body, content='', tokenize="unicode61 remove_diacritics 0"
);
"""
VECTORS_BEFORE = """
DROP TABLE mailstore_search;
CREATE TABLE mailstore_search (
    message_id bigint PRIMARY KEY,
    owner_id bigint NOT NULL,
    words tsvector NOT NULL
);
CREATE INDEX mailstore_search_words ON mailstore_search USING gin (owner_id, words);
"""


def forward(apps, schema_editor):
    _execute(schema_editor, FTS, VECTORS)


def back(apps, schema_editor):
    _execute(schema_editor, FTS_BEFORE, VECTORS_BEFORE)


def _execute(schema_editor, fts, vectors):
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in (fts if is_sqlite else vectors).split(";"):
        if statement.strip():
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("mailstore", "0004_folder_trees_labels_snoozes")]
    operations = [migrations.RunPython(forward, back)]
