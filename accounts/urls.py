"""Addresses of the account pages."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("login/", views.login_page, name="login"),
    path("logout/", views.logout_page, name="logout"),
    path("account/password/", views.password_page, name="password"),
    path("account/tokens/", views.tokens_page, name="tokens"),
]
