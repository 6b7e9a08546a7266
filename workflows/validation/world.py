"""What a user may name in a graph, read from the database; each thing once."""


from accounts.models import User
from llms.errors import UnknownModel
from llms.profiles import ProfileSpec
from llms.services.profiles import resolve_profile


class WorldOf:
    """The `World` of one user."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._models: dict[str, ProfileSpec | None] = {}

    def model(self, name: str) -> ProfileSpec | None:
        if name not in self._models:
            self._models[name] = self._resolved(name)
        return self._models[name]

    def _resolved(self, name: str) -> ProfileSpec | None:
        try:
            return resolve_profile(name, self._user)
        except UnknownModel:
            return None
