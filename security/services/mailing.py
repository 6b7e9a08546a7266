"""Alerts by e-mail: each once, and never again if it could not be sent."""

from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail

from core import clock
from security.models import SecurityAlert

_NEWS = timedelta(days=1)  # whoever is named first is not sent all there ever was
NO_SERVER = "django.core.mail.backends.dummy.EmailBackend"


def recipients() -> list[str]:
    """Those of settings; nobody, while nothing is set or there is no mail server."""
    return list(settings.SECURITY_EMAILS) if settings.EMAIL_BACKEND != NO_SERVER else []


def claim_alert() -> SecurityAlert | None:
    """An alert that no process has mailed, nor will: from now on it is this one's to send."""
    since = clock.now() - _NEWS
    unsent = SecurityAlert.objects.raised().filter(mailed_at__isnull=True, raised_at__gte=since)
    for alert in unsent.order_by("id")[:10]:
        if unsent.filter(pk=alert.pk).update(mailed_at=clock.now()):
            return alert
    return None


def mail(alert: SecurityAlert, recipient: str) -> None:
    """Send it to one: of several, smtplib does not say who was refused as long as one was not.

    Takes as long as the mail server does, at most `EMAIL_TIMEOUT`. No database. Raises what smtplib
    does, an OSError, and other exceptions for what is no address.
    """
    lines = [
        f"{alert.get_kind_display().capitalize()}: {alert.count}, of at most "
        f"{alert.threshold - 1} in {alert.window_s} s.",
        f"About: {alert.subject}",
        f"From {alert.first_at:%Y-%m-%d %H:%M:%S} to {alert.last_at:%H:%M:%S} UTC.",
        f"Audit entries: {', '.join(map(str, alert.entries))}",
        f"Back office: /admin/security/securityalert/{alert.pk}/change/",
    ]
    subject = f"[Chatter] {alert.get_kind_display()}"
    send_mail(subject, "\n".join(lines), None, [recipient])
