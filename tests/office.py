"""A browser in the back office."""

from typing import Any

from django.test import Client


class Office(Client):
    """With what is entered on the page of a row it sends what that page keeps hidden."""

    def post(self, path: str, data: Any = None, *args: Any, **kwargs: Any) -> Any:
        if path.endswith("/change/"):
            page = self.get(path).context
            hidden = page["adminform"].form.hidden_fields() if page and "adminform" in page else ()
            data = {field.name: field.value() for field in hidden} | (data or {})
        return super().post(path, data, *args, **kwargs)
