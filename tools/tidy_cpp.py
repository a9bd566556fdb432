"""As much C++ as tools/tidy.py has to read: comments, literals, includes and where functions lie.

Not a parser. It trusts .clang-format: the brace that opens a body stands after a space (`) {`), the
brace of an initialiser does not (`a_{x}`) or follows an equals sign.
"""

import re
from collections.abc import Iterator

# Tried in this order at every position: what can hide a brace or a word.
HIDING = re.compile(
    r'(?P<raw>R"(?P<mark>[^()\s\\"]{0,16})\(.*?\)(?P=mark)")'
    r"|(?P<line>//[^\n]*)"
    r"|(?P<block>/\*.*?\*/)"
    r'|(?P<text>"(?:\\.|[^"\\\n])*")'
    r"|(?P<letter>(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+')",
    re.DOTALL,
)

DIRECTIVE = re.compile(r"^[ \t]*#(?:.*\\\n)*.*$", re.MULTILINE)

# A scope that holds functions; any other brace outside of one opens a function or a value.
SCOPE = re.compile(r'\b(namespace|class|struct|union|enum)\b|\bextern\s*""\s*$')


def strip(text: str) -> str:
    """The code alone, on the same lines: comments are gone and literals are empty."""

    def blank(match: re.Match) -> str:
        breaks = "\n" * match[0].count("\n")
        if match["line"] or match["block"]:
            return breaks
        return '""' + breaks if match["raw"] or match["text"] else "' '"

    def keep_includes(match: re.Match) -> str:
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        return match[0] if before.strip() == "#include" else blank(match)

    return HIDING.sub(keep_includes, text)


def includes(text: str) -> Iterator[tuple[int, str]]:
    """Line and target of each #include; the target keeps its quotes or angles."""
    for number, line in enumerate(strip(text).splitlines(), 1):
        if match := re.match(r'\s*#\s*include\s*("[^"]+"|<[^>]+>)', line):
            yield number, match[1]


def functions(text: str) -> Iterator[tuple[int, int]]:
    """First and last line of each function's definition, lambdas inside it included."""
    code = DIRECTIVE.sub(lambda match: "\n" * match[0].count("\n"), strip(text))
    scopes: list[tuple[str, int]] = []  # kind of each open brace and the line its head begins on
    head_begin = 0  # where the text before the next brace begins
    parentheses = 0
    for match in re.finditer(r"[{}();]", code):
        sign, at = match[0], match.start()
        if sign in "()":
            parentheses += 1 if sign == "(" else -1
        elif sign == ";" and parentheses == 0:
            head_begin = at + 1
        elif sign == "{":
            kind = kind_of_brace(code[head_begin:at], parentheses, inside_body(scopes))
            scopes.append((kind, line_of(code, head_begin)))
            if kind != "value":
                head_begin = at + 1
        elif sign == "}" and scopes:
            kind, begin = scopes.pop()
            if kind != "value":
                head_begin = at + 1
            if kind == "function":
                yield begin, line_of(code, at)


def inside_body(scopes: list[tuple[str, int]]) -> bool:
    return any(kind in {"function", "body"} for kind, _ in scopes)


def kind_of_brace(head: str, parentheses: int, in_body: bool) -> str:
    """scope (namespace, class), function, body (a block inside a function) or value."""
    tight = head != "" and not head[-1].isspace() and head[-1] not in ")"
    if parentheses > 0 or head.rstrip().endswith(("=", ",", "return")) or tight:
        return "value"
    if in_body:
        return "body"
    if SCOPE.search(without_parentheses(head)):
        return "scope"
    return "function" if ")" in head else "value"


def without_parentheses(head: str) -> str:
    """Template and function parameters may say `class` or `struct` without opening one."""
    return re.sub(r"\([^()]*\)", "", re.sub(r"template\s*<[^{}]*?>", "", head))


def line_of(code: str, at: int) -> int:
    """The line of the first code at or after `at`."""
    first = re.compile(r"\S").search(code, at)
    return code.count("\n", 0, first.start() if first else at) + 1
