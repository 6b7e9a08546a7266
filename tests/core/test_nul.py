"""A NUL is in no text that PostgreSQL keeps: nothing is where it is asked for."""

import pytest

pytestmark = pytest.mark.django_db
PROGRAMS = ["/api/v1/templates/%00/", "/api/v1/secrets/a%00/", "/hooks/%00/"]


@pytest.mark.parametrize("path", PROGRAMS)
def test_for_a_program_there_is_nothing_at_an_address_with_a_nul(api, alice, path):
    door = api(alice)
    for answer in (door.get(path), door.post(path, {}), door.delete(path)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_for_people_there_is_no_page_at_an_address_with_a_nul(client, alice):
    client.force_login(alice)
    for path in ("/experiments/%00/", "/analytics/%00/", "/nothing/%00/"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Content-Type"][:9]) == (404, "text/html")
