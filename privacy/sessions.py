"""Django's sessions say in code whose they are, so they are looked through."""

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

from accounts.models import User
from privacy.table import pages


def end_sessions(user: User) -> int:
    """Delete all of this user's; returns how many."""
    count = 0
    for keys in pages(Session.objects.all()):
        found = Session.objects.filter(pk__in=keys)
        theirs = [one.pk for one in found if one.get_decoded().get(SESSION_KEY) == str(user.pk)]
        count += len(theirs)
        Session.objects.filter(pk__in=theirs).delete()
    return count
