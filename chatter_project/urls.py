"""Every address."""

from django.contrib import admin
from django.urls import include, path, re_path

from chatter_project.docs import ApiDocs, ApiSchema
from chatter_project.health import healthz, readyz
from core.api import not_found
from telemetry.views import metrics

handler400 = "chatter_project.bad_requests.bad_request"

api = [
    path("", include("accounts.api.urls")),
    path("", include("audit.api.urls")),
    path("", include("budgets.api.urls")),
    path("", include("llms.api.urls")),
    path("", include("tools.api.urls")),
    path("", include("analytics.api.urls")),
    path("", include("experiments.api.urls")),
    path("", include("triggers.api.urls")),
    path("", include("conversations.api.urls")),
    path("", include("webhooks.api.urls")),
    path("", include("privacy.api.urls")),
    path("", include("security.api.urls")),
    path("", include("workflows.api.urls")),
]

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("budgets.urls")),
    path("", include("conversations.urls")),
    path("", include("webhooks.urls")),
    path("", include("workflows.urls")),
    path("", include("triggers.urls")),
    path("", include("analytics.urls")),
    path("", include("security.urls")),
    path("", include("experiments.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include(api)),
    path("api/schema/", ApiSchema.as_view(), name="api-schema"),
    path("api/docs/", ApiDocs.as_view(), name="api-docs"),
    re_path(r"^api/", not_found),
    re_path(r"^hooks/", not_found),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
