"""What comes before what in a graph, and what can happen in one and the same run (pure).

Sets of nodes are bits of a whole number: bit n is the node at place n of `order`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from workflows.definition.graph import Edge
from workflows.definition.loops import Loop, loops_of

Targets = Mapping[str, Mapping[str, tuple[str, ...]]]  # source → port → targets


@dataclass(frozen=True)
class Flow:
    """Edges in three kinds: onwards, back into a loop for its next round, and wrongly round.

    `bodies` are the heads of those loops whose rounds see nothing of one another. `reached` is what
    follows the start, `behind` what follows the `handlers` of the graph.
    """

    order: Sequence[str]
    onwards: Sequence[Edge]
    loops: Mapping[str, Loop]
    wrong: Sequence[Edge]
    reached: frozenset[str]
    bodies: frozenset[str] = frozenset()
    handlers: frozenset[str] = frozenset()

    @cached_property
    def behind(self) -> frozenset[str]:
        edges = _targets([*self.onwards, *self.wrong])
        return frozenset(reachable(self.handlers, edges))

    def body_of(self, node: str) -> str:
        """The head of the innermost body a node stands in; empty: of none."""
        around = [self.loops[head] for head in self.bodies if node in self.loops[head].body]
        return min(around, key=lambda loop: len(loop.body)).head if around else ""

    @cached_property
    def place(self) -> dict[str, int]:
        return {node: at for at, node in enumerate(self.order)}

    @cached_property
    def targets(self) -> Targets:
        """Onwards only."""
        return _targets(self.onwards)

    @cached_property
    def _before(self) -> list[int]:
        """The nodes before each one, in earlier rounds too, but for those that are not seen."""
        return self._all_before([*self.onwards, *self._seen_again, *self.wrong])

    @cached_property
    def _over(self) -> list[int]:
        """The nodes that are over when each one begins, of its own round and of loops before it."""
        return self._all_before([*self.onwards, *self._out_of_rounds, *self.wrong])

    def _all_before(self, edges: Iterable[Edge]) -> list[int]:
        before = [0] * len(self.order)
        pairs = sorted((self.place[edge.source], self.place[edge.target]) for edge in edges)
        changed = True
        while changed:
            changed = False
            for source, target in pairs:
                more = before[target] | before[source] | 1 << source
                changed = changed or more != before[target]
                before[target] = more
        return before

    def comes_before(self, one: str, other: str) -> bool:
        """Whether `one` may have run when `other` does."""
        return one in self.place and bool(self._before[self.place[other]] >> self.place[one] & 1)

    def leads(self, one: str, port: str, other: str) -> bool:
        """Whether `other` may run after `one` left by this port, and has not left again since."""
        return other in self._following(one, self._in_turn.get(one, {}).get(port, ()))

    def leads_past(self, one: str, other: str) -> bool:
        """Whether there is a way to `other` that does not go through `one`."""
        return other in self._following(one, tuple(self.order[at] for at in self._starts))

    def _following(self, one: str, first: tuple[str, ...]) -> Collection[str]:
        """These nodes and all that follow without going through `one`."""
        if (one, first) not in self._followed:
            self._followed[one, first] = reachable(first, self._in_turn, end=one)
        return self._followed[one, first]

    @cached_property
    def _followed(self) -> dict[tuple[str, tuple[str, ...]], Collection[str]]:
        return {}

    @cached_property
    def _in_turn(self) -> Targets:
        """All ways that a run takes from node to node, but for those into what is not seen."""
        return _targets([*self.onwards, *self._seen_again, *self.wrong])

    def begins(self, head: str, node: str) -> bool:
        """Whether `node` runs, or is left, only in rounds that `head` begins."""
        loop = self.loops.get(head)
        return loop is not None and head not in self.bodies and node in {head, *loop.body}

    @property
    def back(self) -> Sequence[Edge]:
        return [edge for loop in self.loops.values() for edge in loop.back]

    @property
    def _seen_again(self) -> Sequence[Edge]:
        loops = [loop for loop in self.loops.values() if loop.head not in self.bodies]
        return [edge for loop in loops for edge in loop.back]

    @property
    def _out_of_rounds(self) -> Iterator[Edge]:
        """From where a round ends to what follows its loop, which waits for the last one."""
        for loop in self.loops.values():
            for edge in self.onwards:
                if edge.source == loop.head and edge.source_port != loop.port:
                    yield from (Edge(source=e.source, target=edge.target) for e in loop.back)

    @cached_property
    def _together(self) -> list[int]:
        """For each node those that one run may reach beside it.

        Two tokens walk from a start, always the one that is behind; where they stand on the same
        node they leave by the same port. So whatever pair they reach, one run can reach.
        """
        size = len(self.order)
        pairs, met = [0] * size, [0] * size
        for start in self._starts:
            pairs[start] |= 1 << start
        for at, node in enumerate(self.order):
            ports = [[self.place[t] for t in to] for to in self.targets.get(node, {}).values()]
            for port in ports if pairs[at] >> at & 1 else ():
                for one in port:
                    for other in port:
                        pairs[min(one, other)] |= 1 << max(one, other)
            partners = list(_bits(pairs[at] >> (at + 1) << (at + 1)))
            for target in {target for port in ports for target in port}:
                for partner in partners:
                    pairs[min(target, partner)] |= 1 << max(target, partner)
            met[at] = pairs[at]
        return [self._with_what_follows(bits) for bits in met]

    @cached_property
    def _starts(self) -> list[int]:
        entered = {edge.target for edge in self.onwards}
        return [self.place[node] for node in self.reached | self.handlers if node not in entered]

    @cached_property
    def _after(self) -> list[int]:
        after = [1 << at for at in range(len(self.order))]
        for at in reversed(range(len(self.order))):
            for port in self.targets.get(self.order[at], {}).values():
                for target in port:
                    after[at] |= after[self.place[target]]
        return after

    def _with_what_follows(self, bits: int) -> int:
        found = 0
        for at in _bits(bits):
            found |= self._after[at]
        return found

    def at_once(self, one: str, other: str) -> bool:
        """Whether one run may reach both, in the same round, with neither before the other."""
        first, second = sorted((self.place[one], self.place[other]))
        ordered = self._over[second] >> first & 1 or self._over[first] >> second & 1
        return not ordered and bool(self._together[first] >> second & 1)


def flow_of(
    nodes: Sequence[str],
    edges: Iterable[Edge],
    starts: Sequence[str],
    round_ports: Mapping[str, str],
    *,
    bodies: Iterable[str] = (),
    handlers: Iterable[str] = (),
    stops: Iterable[str] = (),
) -> Flow:
    """The flow of a graph; edges from or to nodes that do not exist are left out."""
    known = set(nodes)
    real = [e for e in dict.fromkeys(edges) if e.source in known and e.target in known]
    handlers = frozenset(handlers)
    loops = loops_of(real, [*starts, *handlers], round_ports, stops)
    back = [edge for loop in loops.values() for edge in loop.back]
    order, onwards, wrong = _ordered(nodes, _others(real, back))
    reached = reachable(starts, _targets([*onwards, *wrong]))
    heads = frozenset(bodies) & loops.keys()
    return Flow(order, onwards, loops, wrong, frozenset(reached), heads, handlers)


def reachable(first: Iterable[str], targets: Targets, end: str = "") -> set[str]:
    """The nodes of `first` and all that follow; behind `end` nothing does."""
    found = set(first)
    waiting = list(found)
    while waiting:
        node = waiting.pop()
        for port in targets.get(node, {}).values() if node != end else ():
            for target in port:
                if target not in found:
                    found.add(target)
                    waiting.append(target)
    return found


def _others(edges: Sequence[Edge], without: Iterable[Edge]) -> list[Edge]:
    left_out = set(without)
    return [edge for edge in edges if edge not in left_out]


def _ordered(
    nodes: Sequence[str], edges: Sequence[Edge]
) -> tuple[Sequence[str], Sequence[Edge], Sequence[Edge]]:
    """The nodes in an order that follows the edges; those edges, and others that had to go."""
    wrong: list[Edge] = []
    while True:
        sorter: TopologicalSorter[str] = TopologicalSorter({node: () for node in nodes})
        for edge in edges:
            sorter.add(edge.target, edge.source)
        try:
            return tuple(sorter.static_order()), edges, wrong
        except CycleError as round_trip:
            pair = tuple(round_trip.args[1][-2:])
            wrong += [edge for edge in edges if (edge.source, edge.target) == pair]
            edges = [edge for edge in edges if (edge.source, edge.target) != pair]


def _targets(edges: Iterable[Edge]) -> Targets:
    found: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for edge in edges:
        ports = found[edge.source]
        ports[edge.source_port] = (*ports.get(edge.source_port, ()), edge.target)
    return dict(found)


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
