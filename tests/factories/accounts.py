"""Users and tokens for tests."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from accounts.models import ApiToken, User
from accounts.tokens import new_token_text

PASSWORD = "correct horse battery"


class UserFactory(DjangoModelFactory[User]):
    """Someone who logs in with PASSWORD."""

    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.django.Password(PASSWORD)


class AdministratorFactory(UserFactory):
    is_staff = True
    is_superuser = True


class ApiTokenFactory(DjangoModelFactory[ApiToken]):
    """A token that remembers its text as `plain`, as real ones never do."""

    class Meta:
        model = ApiToken

    class Params:
        text = factory.LazyFunction(new_token_text)

    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"token {n}")
    prefix = factory.LazyAttribute(lambda token: token.text.prefix)
    digest = factory.LazyAttribute(lambda token: token.text.digest)
    plain = factory.LazyAttribute(lambda token: token.text.plain)

    @classmethod
    def _create(cls, model_class: type[ApiToken], *args: Any, **kwargs: Any) -> ApiToken:
        plain = kwargs.pop("plain")
        token = super()._create(model_class, *args, **kwargs)
        token.plain = plain
        return token
