"""The addresses of the mailstore app."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
