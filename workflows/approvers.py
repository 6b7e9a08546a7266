"""Whom the approvers of a node are: usernames, and `group:<name>`."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import Group

from accounts.models import User

GROUP = "group:"


def named(approvers: Iterable[str]) -> tuple[list[UUID], list[int]]:
    """The users and groups that there are of these names."""
    names = list(approvers)
    groups = [name.removeprefix(GROUP) for name in names if name.startswith(GROUP)]
    users = User.objects.filter(username__in=names).values_list("pk", flat=True)
    return list(users), list(Group.objects.filter(name__in=groups).values_list("pk", flat=True))
