"""The addresses of the fetcher app."""

from django.urls import path

from fetcher import views

urlpatterns = [
    path("mail-accounts/fetch/", views.fetch_all, name="fetch_all"),
    path("mail-accounts/<uuid:account>/fetch/", views.fetch_now, name="fetch_now"),
]
