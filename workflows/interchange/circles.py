"""Links that lead round to where somebody came from (pure)."""

from collections.abc import Iterator, Sequence

from workflows.interchange.assembly import Link


def leading_round(links: Sequence[Link]) -> Iterator[Link]:
    """Those without which nothing leads round; what can be reached at all still can be then."""
    out: dict[str, list[Link]] = {}
    for link in links:
        out.setdefault(link.source, []).append(link)
    led_to = {link.target for link in links}
    done: set[str] = set()
    for first in sorted(out, key=led_to.__contains__):
        if first not in done:
            yield from _from(first, out, done)


def _from(first: str, out: dict[str, list[Link]], done: set[str]) -> Iterator[Link]:
    """Goes into the depth first; what leads back onto the way it came by leads round."""
    way, on_the_way = [(first, iter(out[first]))], {first}
    while way:
        at, left = way[-1]
        link = next(left, None)
        if link is None:
            way.pop()
            on_the_way.discard(at)
            done.add(at)
        elif link.target in on_the_way:
            yield link
        elif link.target not in done:
            on_the_way.add(link.target)
            way.append((link.target, iter(out.get(link.target, ()))))
