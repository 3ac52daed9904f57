"""The addresses of the fetcher app."""

from django.urls import path

from fetcher import provider_views, views

ACCOUNT = "mail-accounts/<uuid:account>"
JOURNAL = f"{ACCOUNT}/journal"

urlpatterns = [
    path("mail-accounts/fetch/", views.fetch_all, name="fetch_all"),
    path(f"{ACCOUNT}/fetch/", views.fetch_now, name="fetch_now"),
    path(f"{ACCOUNT}/deletion/", provider_views.account_deletion, name="account_deletion"),
    path(f"{JOURNAL}/", views.read_journal, name="journal"),
    path(f"{JOURNAL}/again/", views.try_again, name="try_again"),
    path(f"{JOURNAL}.csv", views.export_journal, {"kind": "csv"}, name="journal_csv"),
    path(f"{JOURNAL}.jsonl", views.export_journal, {"kind": "jsonl"}, name="journal_jsonl"),
]
