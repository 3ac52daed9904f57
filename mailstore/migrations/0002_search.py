"""The full-text index, made with what each database has for it."""

from django.db import migrations

FTS = """
CREATE VIRTUAL TABLE mailstore_search USING fts5 (
    owner, subject, people, body, content='', tokenize="unicode61 remove_diacritics 0"
)
"""
VECTORS = """
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE TABLE mailstore_search (
    message_id bigint PRIMARY KEY,
    owner_id bigint NOT NULL,
    words tsvector NOT NULL
);
CREATE INDEX mailstore_search_words ON mailstore_search USING gin (owner_id, words);
"""


def create(apps, schema_editor):
    schema_editor.execute(FTS if schema_editor.connection.vendor == "sqlite" else VECTORS)


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE mailstore_search")


class Migration(migrations.Migration):
    dependencies = [("mailstore", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
