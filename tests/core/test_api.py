"""What the API says to a request that none of its views answers."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("method", ["DISPATCH", "SCHEMA", "INITIAL", "BREW", "OPTIONS", "GET"])
def test_the_name_of_what_a_view_has_is_no_method(api, alice, method):
    answer = api(alice).generic(method, "/api/v1/chat/")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert method in answer.json()["message"]
