"""Whether a `$` expression of a config is on the allow-list, judged by its parsed form."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from .allowed_names import ATTRIBUTES, BUILTINS, CONSTANTS, ENVIRONMENT, FUNCTIONS, IMPORTS, METHODS, REFUSED_ARGUMENTS

_MOST_LETTERS, _MOST_TOLD = 2000, 3
_REFERENCE = re.compile(r"@(?:\w*)(?:::\w*)*")  # as MONAI finds them
_REFERENCES = "__local_refs"
_PLAIN = (
    ast.Expression, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.Load, ast.Store, ast.IfExp, ast.BoolOp,
    ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.Compare, ast.cmpop, ast.BinOp, ast.Add, ast.Sub,
    ast.Mult, ast.Div, ast.FloorDiv, ast.Slice, ast.keyword,
)  # fmt: skip
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def references(text: str) -> list[str]:
    """Return the ids that a text refers to, `@train#handlers#0` as `train::handlers::0`."""
    return [found[1:] for found in _REFERENCE.findall(text.replace("#", "::"))]


def names_a_module(reference: str) -> bool:
    """Return whether an id may stand for an imported module, or for the whole config, which holds them."""
    return "imports" in reference.split("::") or not reference.replace(":", "")


def is_import(expression: str) -> bool:
    """Return whether MONAI would take an expression for an import statement: it looks at its first statement alone."""
    tree = _parse(expression, "exec")
    return isinstance(tree, ast.Module) and bool(tree.body) and isinstance(tree.body[0], ast.Import | ast.ImportFrom)


def problem_of_import(expression: str) -> str:
    """Return why an import statement is refused; empty where it is allowed."""
    tree = _parse(expression, "exec")
    statement = tree.body[0] if isinstance(tree, ast.Module) and len(tree.body) == 1 else None
    if not isinstance(statement, ast.Import) or len(statement.names) != 1:
        return "more than one plain import"
    (alias,) = statement.names
    if IMPORTS.get(alias.asname or alias.name) == alias.name:
        return ""
    return f"{alias.name} is not on the list" if alias.asname is None else f"{alias.name} as {alias.asname} is not"


def problem_of_expression(expression: str) -> str:
    """Return why an expression, without its `$`, is refused; empty where it is allowed."""
    if len(expression) > _MOST_LETTERS:
        return f"{len(expression)} letters, {_MOST_LETTERS} at most"
    if not expression.isascii() or _REFERENCES in expression:  # Python takes a long s for an s, and more of the kind
        return "letters beyond ASCII, or MONAI's own name for references"
    found = references(expression)
    if any(reference.startswith("::") for reference in found):
        return "a relative reference, which becomes part of the code"
    if any(map(names_a_module, found)):
        return "a reference to a module"
    tree = _parse(_as_evaluated(expression), "eval")
    if tree is None:
        return "no Python expression"
    try:
        return ", ".join(list(dict.fromkeys(_problems(tree, frozenset())))[:_MOST_TOLD])
    except RecursionError:
        return "nested too deep"


def _as_evaluated(expression: str) -> str:
    """Return the code that MONAI makes of an expression: each reference by its text, the longest first."""
    code = expression.replace("#", "::")
    for item in sorted(_REFERENCE.findall(code), key=len, reverse=True):
        code = code.replace(item, f"{_REFERENCES}['{item[1:]}']")
    return code


def _parse(code: str, mode: str) -> ast.AST | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in somebody's text
            return ast.parse(code, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what the parser raises on nonsense and on depth
        return None


def _problems(node: ast.AST, local: frozenset[str]) -> Iterator[str]:
    """Yield what is not allowed in a part of an expression.

    Args:
        node: the part.
        local: names that a lambda or a comprehension around it gives.
    """
    if isinstance(node, ast.Attribute):
        yield from _problems_of_attribute(node, local, ATTRIBUTES, CONSTANTS)
    elif isinstance(node, ast.Call):
        yield from _problems_of_call(node, local)
    elif isinstance(node, ast.Subscript):
        yield from _problems_of_subscript(node, local)
    elif isinstance(node, ast.Name):
        if node.id not in local:
            yield f"the name {node.id}"
    elif isinstance(node, ast.Lambda):
        names = [argument.arg for argument in node.args.args]
        if ast.unparse(node.args) != ", ".join(names):
            yield "a lambda with more than plain arguments"
        yield from _problems_inside([node.body], names, local)
    elif isinstance(node, _COMPREHENSIONS):
        bound = [part for each in node.generators for part in ast.walk(each.target)]
        if not all(isinstance(part, ast.Name | ast.Tuple | ast.Store) for part in bound):
            yield "a loop over more than plain names"
        names = [part.id for part in bound if isinstance(part, ast.Name)]
        yield from _problems_inside(list(ast.iter_child_nodes(node)), names, local)
    elif isinstance(node, _PLAIN) or (isinstance(node, ast.comprehension) and not node.is_async):
        for child in ast.iter_child_nodes(node):
            yield from _problems(child, local)
    else:
        yield f"a {type(node).__name__}"


def _problems_inside(parts: list[ast.AST], names: list[str], local: frozenset[str]) -> Iterator[str]:
    """Yield what is not allowed in parts that see some names of their own, none of which may hide another."""
    taken = [name for name in names if name in BUILTINS or name in IMPORTS or name.startswith("_")]
    if taken:
        yield f"the name {taken[0]} for something else"
    for part in parts:
        yield from _problems(part, local | set(names))


def _problems_of_call(node: ast.Call, local: frozenset[str]) -> Iterator[str]:
    function = node.func
    if isinstance(function, ast.Name):
        if function.id not in BUILTINS or function.id in local:
            yield f"calls {function.id}"
    elif isinstance(function, ast.Attribute):
        yield from _problems_of_attribute(function, local, METHODS, FUNCTIONS, "calls ")
        refused = REFUSED_ARGUMENTS.get(_full_name(function), frozenset())
        if refused and (node.args or any(each.arg in refused for each in node.keywords)):
            yield f"calls {ast.unparse(function)} with {' or '.join(sorted(refused))}, or without naming an argument"
    else:
        yield f"calls a {type(function).__name__}"
    for argument in (*node.args, *node.keywords):
        yield from _problems(argument, local)
        if isinstance(argument, ast.keyword) and argument.arg is None:
            yield "unpacked arguments"


def _problems_of_attribute(
    node: ast.Attribute, local: frozenset[str], of_values: frozenset[str], of_modules: frozenset[str], how: str = ""
) -> Iterator[str]:
    """Yield what is not allowed in `a.b`: of a module its full name is looked up, of anything else the last."""
    root = _root(node)
    if isinstance(root, ast.Name) and root.id not in local and root.id != _REFERENCES:
        if _full_name(node) not in of_modules:
            yield f"{how}{ast.unparse(node)}"
        return
    if node.attr not in of_values:
        yield f"{how}.{node.attr}"
    yield from _problems(node.value, local)


def _full_name(node: ast.Attribute) -> str:
    """Return the name of `a.b` with the module that `a` is bound to."""
    name, root = ast.unparse(node), _root(node)
    return name if not isinstance(root, ast.Name) else IMPORTS.get(root.id, root.id) + name[len(root.id) :]


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def _problems_of_subscript(node: ast.Subscript, local: frozenset[str]) -> Iterator[str]:
    if isinstance(node.value, ast.Name) and node.value.id == _REFERENCES:
        return  # a reference, made by `_as_evaluated`: its id holds letters and digits alone
    if ast.unparse(node.value) == "os.environ" and "os" not in local:
        if not (isinstance(node.slice, ast.Constant) and node.slice.value in ENVIRONMENT):
            yield f"reads {ast.unparse(node)}"
        return
    yield from _problems(node.value, local)
    yield from _problems(node.slice, local)
