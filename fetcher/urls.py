"""The addresses of the fetcher app."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
