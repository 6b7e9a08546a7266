"""The project as an app (its commands), and the back office."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ProjectConfig(AppConfig):
    name = "chatter_project"
    default = True


class ChatterAdminConfig(admin_apps.AdminConfig):
    """Django's admin, entered through Chatter's own login."""

    default = False
    default_site = "chatter_project.admin.ChatterAdminSite"
