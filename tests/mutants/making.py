"""Makes mutants of a module: one place of its syntax tree changed in one way. Texts and logs are never touched."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

ORDERS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
A_SPAN = 100  # a number above is a size or a span: one more of it would be no change
NOTHING = (None, False, True, "")  # returned, they are changed as constants or as good as None
LOGS = {"log", "logger", "logging", "warnings"}
OF_THE_LANGUAGE = {"strict", "ensure_ascii", "separators", "stacklevel"}  # keywords that change no behaviour of ours


@dataclass(frozen=True)
class Mutant:
    """One change: the `variant`-th of the `node`-th node of a module, and what it reads as."""

    path: str
    line: int
    end: int
    within: str  # the function's name; of what stands at the module's top the name that it gives, in <>
    node: int
    variant: int
    change: str
    nth: int = 0  # the same change stands more than once in a function

    @property
    def id(self) -> str:
        """A name that stays while other lines change."""
        told = f"{self.path}|{self.within}|{self.change}|{self.nth}"
        return hashlib.sha256(told.encode()).hexdigest()[:12]


def variants(node: ast.AST) -> list[ast.AST]:
    """What may stand in a node's place."""
    match node:
        case ast.Compare(ops=[only]):
            return [_with(node, ops=[other()]) for other in ORDERS[type(only)]]
        case ast.BoolOp():
            return [_with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())]
        case ast.UnaryOp(op=ast.Not()):
            return [node.operand]
        case ast.BinOp() if type(node.op) in ARITHMETIC and not (_is_text(node.left) or _is_text(node.right)):
            return [_with(node, op=ARITHMETIC[type(node.op)]())]
        case ast.Constant(value=bool(value)):
            return [ast.Constant(not value)]
        case ast.Constant(value=int(value) | float(value)):
            return [ast.Constant(value + 1 if value <= A_SPAN else value * 2)]
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant) or value.value not in NOTHING:
            return [ast.Return(ast.Constant(None))]
        case ast.Expr(value=ast.Call()):
            return [ast.Pass()]
        case (
            ast.If(test=ast.Name() | ast.Call() | ast.Attribute())
            | ast.IfExp(test=ast.Name() | ast.Call() | ast.Attribute())
        ):
            return [_with(node, test=ast.UnaryOp(ast.Not(), node.test))]
    return []


def _with(node: ast.AST, **changed: object) -> ast.AST:
    fields = {name: changed.get(name, value) for name, value in ast.iter_fields(node)}
    return type(node)(**fields)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _left_alone(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that are no behaviour: types, decorators, texts, what is logged, an error's words."""
    match node:
        case ast.JoinedStr() | ast.Raise():
            yield node
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in LOGS:
            yield node
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))) if name in LOGS:
            yield node
        case ast.AnnAssign() | ast.arg():
            yield from [node.annotation] if node.annotation else []
        case ast.keyword(arg=str(name)) if name in OF_THE_LANGUAGE:
            yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from node.decorator_list
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
        yield node.returns


def _shown(node: ast.AST) -> str:
    """The changed place in one line."""
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}:"
    return ast.unparse(node).splitlines()[0]


def mutants(path: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its tree."""
    tree = ast.parse(source)
    alone = {id(part) for node in ast.walk(tree) for whole in _left_alone(node) for part in ast.walk(whole)}
    where = dict(_homes(tree))
    found: list[Mutant] = []
    seen: Counter[tuple[str, str]] = Counter()
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in alone:
            continue
        for variant, other in enumerate(variants(node)):
            within, first = where[id(node)]
            change = f"{_shown(node)} -> {_shown(other)}"
            line = getattr(node, "lineno", first)
            header = node.test.end_lineno if isinstance(node, ast.If) else getattr(node, "end_lineno", line)
            nth = seen[(within, change)]
            seen[(within, change)] += 1
            found.append(Mutant(path, min(first, line), header or line, within, number, variant, change, nth))
    return found


def _homes(tree: ast.Module) -> Iterator[tuple[int, tuple[str, int]]]:
    """Of each node the function that it is in, and the line on which its statement begins."""
    todo: list[tuple[ast.AST, str, int]] = [(tree, "", 1)]
    while todo:
        node, within, first = todo.pop()
        if isinstance(node, ast.stmt):
            first = node.lineno
        yield id(node), (within, first)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            within = f"{within.strip('<>')}.{node.name}".lstrip(".")
            if isinstance(node, ast.ClassDef):
                within = f"<{within}>"
        elif not within and isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            within = f"<{ast.unparse(target)}>"
        todo += [(child, within, first) for child in ast.iter_child_nodes(node)]


def mutated(source: str, mutant: Mutant) -> str:
    """The module with that one change."""
    tree = ast.parse(source)
    node = next(each for number, each in enumerate(ast.walk(tree)) if number == mutant.node)
    other = deepcopy(variants(node)[mutant.variant])
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is node:
                setattr(parent, name, other)
            elif isinstance(value, list):
                value[:] = [other if each is node else each for each in value]
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def drawn(found: list[Mutant], count: int, seed: str) -> list[Mutant]:
    """So many of them, the same for one seed; a change of other lines leaves most of the draw as it was."""
    by_lot = sorted(found, key=lambda each: hashlib.sha256(f"{seed}|{each.id}".encode()).digest())
    return by_lot[:count]
