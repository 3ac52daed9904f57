"""Every address of the site, app by app."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.views.authorizing import oauth_callback
from aggregator import health, help_pages, metrics, pages

admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # allauth's documented way

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="mail_home"), name="home"),
    path("auth/", include("allauth.urls")),
    path("settings/", include("accounts.urls")),
    path("settings/", include("fetcher.urls")),
    path("settings/", include("mailstore.account_urls")),
    path("oauth/<slug:provider>/callback", oauth_callback, name="oauth_callback"),
    path("mail/", include("mailstore.urls")),
    path("help/", help_pages.index, name="help"),
    path("help/errors/<str:code>/", help_pages.error, name="help_error"),
    path("help/<slug:topic>/", help_pages.topic, name="help_topic"),
    path("language/", pages.set_language, name="set_language"),
    path("favicon.ico", pages.favicon, name="favicon"),
    path("admin/figures/", admin.site.admin_view(metrics.figures), name="figures"),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", metrics.metrics, name="metrics"),
]
handler400 = "aggregator.pages.bad_request"
handler404 = "aggregator.pages.not_found"
handler500 = "aggregator.pages.server_error"
