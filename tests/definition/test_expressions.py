"""What expressions mean: a table of them, with their results and their errors."""

import pytest

from workflows.definition.expressions import (
    MAX_CHARACTERS,
    BadExpression,
    evaluate,
    is_true,
    parse,
)

NAMES = {
    "input": {"message": "Hi", "n": 3},
    "params": {"language": "en"},
    "text": "Hello, Zoë",
    "variables": {
        "count": 2,
        "price": 1.5,
        "nothing": None,
        "items": [{"name": "ink", "price": 5}, {"name": "pen", "price": 12.5}],
        "words": ["b", "a"],
        "map": {"z": 1, "a": {"deep": [10, 20]}},
        "day": "2026-11-21",
    },
    "nodes": {"draft": {"text": "A draft", "score": 7}},
}

RESULTS = [
    # names
    ("text", "Hello, Zoë"),
    ("'no database ' + \"holds\\u0000 this\"", "no database holds this"),
    ("{'a\\u0000b': 1}", {"ab": 1}),
    ("input.message", "Hi"),
    ("params.language == 'en'", True),
    ("nodes.draft.text", "A draft"),
    ("variables.map.a.deep[1]", 20),
    ("variables['map']['a'].deep[0]", 10),
    ("variables.items[1].name", "pen"),
    ("has(variables.count)", True),
    ("has(variables.missing)", False),
    ("has(nodes.review) && nodes.review.text == 'no'", False),
    ("variables.nothing == null", True),
    # numbers
    ("1 + 2 * 3", 7),
    ("variables.count + 1", 3),
    ("7 / 2", 3),
    ("-7 / 2", -3),
    ("7 % 3", 1),
    ("7.0 / 2", 3.5),
    ("1 + 2.5", 3.5),
    ("variables.count * variables.price", 3.0),
    ("variables.price * 2", 3.0),
    ("variables.items[0].price + variables.items[1].price", 17.5),
    ("size(variables.words) * 0.5", 1.0),
    ("variables.map.a.deep[variables.count - 1] * 0.5", 10.0),
    ("[0, 1].map(at, variables.items[at].price * 2)", [10, 25.0]),
    ("[1, 0].map(at, variables.map.a.deep[at] / 4.0)", [5.0, 2.5]),
    ("variables.map.a.deep[int('1')] + 0.5", 20.5),
    ("{'a': 1}['a'] + variables.map[variables.words[1]].deep[0] + 0.5", 11.5),
    ("int(variables.price) + 0.5", 1.5),
    ("1 == 1.0", True),
    ("2 < 2.5 && 2.5 < 3", True),
    ("int('12') + 1", 13),
    ("int(1.9)", 1),
    ("double(variables.count) / 4.0", 0.5),
    ("0x1F", 31),
    ("-9223372036854775808", -9223372036854775808),
    # texts
    ("'a' + \"b\"", "ab"),
    ("'n: ' + string(variables.count)", "n: 2"),
    ("string(variables.price)", "1.5"),
    ("string(true)", "true"),
    ("string(variables.words)", '["b", "a"]'),
    ("string(null)", ""),
    ("size(text)", 10),
    ("text.size() == 10", True),
    ("text.contains('Zoë')", True),
    ("text.contains('zoë')", False),
    ("text.startsWith('Hello') && text.endsWith('Zoë')", True),
    (r"variables.day.matches('^\\d{4}-\\d{2}-\\d{2}$')", True),
    (r"r'\d'", r"\d"),
    (r"'\u00e9'", "é"),
    ("'it''s'.size() == 3 // two texts side by side are no text", BadExpression),
    ("'a' < 'b'", True),
    # truth
    ("true && !false", True),
    ("variables.count > 1 ? 'many' : 'one'", "many"),
    ("true || 1 / 0 == 1", True),
    ("1 == '1'", False),
    ("true == 1", False),
    # lists and objects
    ("[1, 'a', null]", [1, "a", None]),
    ("{'b': 1, 'a': [2]}", {"a": [2], "b": 1}),
    ("variables.words + ['c']", ["b", "a", "c"]),
    ("'a' in variables.words", True),
    ("'z' in variables.map", True),
    ("size(variables.map)", 2),
    # loops
    ("variables.items.map(i, i.name)", ["ink", "pen"]),
    ("variables.items.filter(i, i.price > 10).map(i, i.name)", ["pen"]),
    ("variables.items.map(i, i.price > 10, i.name)", ["pen"]),
    ("variables.items.all(i, i.price > 1)", True),
    ("variables.items.exists(i, i.name == 'ink')", True),
    ("variables.items.exists_one(i, i.price > 1)", False),
    ("variables.map.map(key, key)", ["a", "z"]),
    ("{'d': 1, 'b': 2, 'a': 3, 'e': 4, 'c': 5}.map(key, key)", ["a", "b", "c", "d", "e"]),
    ("[[1, 2], [3]].map(row, row.map(n, n * 10))", [[10, 20], [30]]),
    ("[1, 2].map(n, n * variables.price)", [1.5, 3.0]),
    ("variables.words.exists(word, text.contains(word))", False),
]

ERRORS = [
    # names
    ("nobody == 1", "'nobody' is not a known name"),
    ("Text == 'x'", "'Text' is not a known name"),
    ("variables.missing > 1", "there is no 'missing'"),
    ("variables.Count > 1", "there is no 'Count'"),
    ("input.message.length", "refers to nothing known here"),
    ("nodes.review.text", "refers to nothing known here"),
    ("[1].all(x, true) && x", "'x' is not a known name"),
    (".text == ''", "is out of place"),
    ("nodes.in.text == ''", "the key 'in' is written ['in'], without a dot"),
    ("nodes.true == ''", "the key 'true' is written ['true'], without a dot"),
    ("[1].map(text, text)", "'text' is a name of the run"),
    ("variables.items[7]", "index out of bounds"),
    # what does not parse
    ("", "'' is not an expression: nothing stands there"),
    (" // later", "nothing stands there"),
    ("1 +", "1:4: Syntax error"),
    ("'open", "is not an expression"),
    ("input.n = 3", "write == where two values are compared"),
    ("input.n === 3", "write == where two values are compared"),
    ("{{ text", "is never closed: }} has to follow"),
    ("{{ text" + " and more" * 500, "Braces that are no expression are written {{ '{{' }}."),
    ("{{input.n > 3}}", "it stands here without {{ and }}"),
    ("text == “Hi”", "texts stand in straight quotes"),
    ("variables.?x", "unsupported syntax"),
    ("__import__('os')", "There is no function '__import__'"),
    ("text.upper()", "There is no function 'upper'"),
    ("contains(text, 'Zoë')", "write it behind its text: text.contains(…)"),
    ("variables.day.int() > 1", "write int(…) around the value"),
    ("[1].map(1, 2)", "is not an expression"),
    ("false && size(text, text) > 1", "size takes one value"),
    ("false && text.contains()", "contains takes one value"),
    ("false && text.startsWith('a', [')', 'b'])", "startsWith takes one value"),
    ("false && text.size(1) > 1", "size takes one value"),
    # types do not mix, but for numbers
    ("'a' + 1", "Unsupported operation: string + int"),
    ("1 ? 2 : 3", "No such overload"),
    ("!text", "No such overload"),
    ("'Zoë' in text", "of a text, write text.contains(…)"),
    ("variables.words.contains('a')", "contains takes texts; of a list, write … in …."),
    ("text.startsWith(input.n)", "startsWith takes texts."),
    ("int(true)", "int takes a number or a text."),
    ("variables.price * double(variables.words)", "double takes a number or a text."),
    ("size(3)", "only a text, a list or an object has a size"),
    ("int('x')", "invalid digit"),
    ("5.5 % 2.0", "Unsupported operation"),
    # numbers that JSON does not have, and values that it does not have
    ("1 / 0", "division by zero"),
    ("1.0 / 0.0", "inf is not a number"),
    ("double('nan')", "nan is not a number"),
    ("9223372036854775807 + 1", "overflow"),
    ("1e400", "invalid double"),
    ("{1: 2}", "the keys of an object are texts"),
    ("b'bytes'", "is not an expression"),
    ("1u", "is not an expression"),
    ("timestamp('2026-01-01T00:00:00Z')", "There is no function 'timestamp'"),
    ("duration('1h')", "There is no function 'duration'"),
    # patterns
    ("text.matches(input.message)", "the pattern as it is"),
    ("text.matches('(')", "not a valid regex"),
    ("text.matches('(a{9}){9}')", "a pattern counts no groups"),
    (r"text.matches('\\w{99}')", "ask for too much"),
    ("['a'].exists(x, x.matches('a'))", "matches cannot stand in a loop"),
    # too much
    ("'" + "a" * MAX_CHARACTERS + "'", f"at most {MAX_CHARACTERS} characters"),
    ("[1]" + ".map(a, [a, a, a])" * 20, "too much work"),
    ("[1, 2].all(x, " * 30 + "true" + ")" * 30, "too much work"),
    ("(" * 200 + "1" + ")" * 200, "is not an expression"),
]


@pytest.mark.parametrize(("text", "expected"), RESULTS, ids=[text for text, _ in RESULTS])
def test_an_expression_has_this_value(text, expected):
    if expected is BadExpression:
        with pytest.raises(BadExpression):
            evaluate(text, NAMES)
        return
    value = evaluate(text, NAMES)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(("text", "told"), ERRORS, ids=[text[:60] for text, _ in ERRORS])
def test_an_expression_is_refused_in_one_line_that_says_why(text, told):
    with pytest.raises(BadExpression) as refused:
        evaluate(text, NAMES)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300
    assert refused.value.code == "bad_expression"


@pytest.mark.parametrize(
    "text",
    [
        "nobody",
        "nobody.x",
        "Text == ''",
        "1 +",
        "foo(1)",
        "[1].all(text, true)",
        "'('.matches('(')",
        "contains(text, 'a')",
        "startsWith(text, 'a')",
        "variables.day.int() > 1",
    ],
)
def test_names_and_functions_are_checked_before_anything_runs(text):
    with pytest.raises(BadExpression):
        parse(text)


def test_only_true_is_true():
    assert is_true("text != ''", NAMES) is True
    for text in ("1", "text", "null", "variables.nothing", "variables.words"):
        with pytest.raises(BadExpression, match="neither true nor false"):
            is_true(text, NAMES)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("variables.list.map(x, variables.list)", "too much work"),
        ("variables.list.filter(x, x in variables.list)", "too much work"),
        ("variables.list.exists(x, variables.list.exists(y, x == y))", "too much work"),
        ("variables.long + variables.long", "too large"),
        ("variables.long.contains('x')", "too large"),
        ("string(variables.wide.big)", "64 bits"),
        ("variables.medium.matches('x')", "at most 20000 characters"),
    ],
)
def test_an_expression_that_would_take_long_is_not_begun(text, told):
    variables = {
        "list": list(range(1000)),
        "medium": "x" * 30_000,
        "long": "y" * 3_000_000,
        "wide": {"big": 2**70},
    }
    with pytest.raises(BadExpression, match=told):
        evaluate(text, {**NAMES, "variables": variables})


def test_what_an_expression_does_not_name_costs_it_nothing():
    variables = {"count": 1, "long": "y" * 3_000_000, "big": 2**70}
    assert evaluate("variables.count + 1", {**NAMES, "variables": variables}) == 2


def test_a_plain_name_keeps_its_value_as_it_is():
    value = {"z": 2**70, "a": (1,)}
    assert evaluate("variables.x", {"variables": {"x": value}}) is value
