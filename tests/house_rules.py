"""The rules of the house that no linter knows, each a function over a tree of sources that returns sentences.

A function's length is the lines of its body after the docstring: signatures and prose may be as long as they need.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "clustergenie"
NOT_SLICES = {"platform", "cli", "client", "migrations", "__pycache__"}
PUTS_TOGETHER = {"app", "worker", "migrations"}
MAY_BE_OPENED = {"routes", "handlers", "tables"}
SAYS_NOTHING = {"util", "utils", "helper", "helpers", "common", "base", "manager", "managers", "misc"}
IMPURE_MODULES = {"asyncio", "os", "random", "secrets", "socket", "sqlalchemy", "subprocess", "threading", "time"}
IMPURE_CALLS = {"now", "utcnow", "today"}
NEWER_THAN_3_9 = {"tomllib"}
AGENT_BYTES = 40 * 1024


@dataclass(frozen=True)
class Source:
    """One Python file: its path below the root, and its text."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def parts(self) -> tuple[str, ...]:
        """The dotted path below the package: ("jobs", "tables") for src/clustergenie/jobs/tables.py; else empty."""
        prefix = f"src/{PACKAGE}/"
        if not self.path.startswith(prefix):
            return ()
        return tuple(self.path.removeprefix(prefix).removesuffix(".py").split("/"))

    @property
    def is_agent(self) -> bool:
        return self.parts == ("agent",)


def read(root: Path, *folders: str) -> list[Source]:
    """Every Python file in the named folders."""
    files = (file for folder in folders for file in sorted((root / folder).rglob("*.py")))
    return [Source(file.relative_to(root).as_posix(), file.read_text()) for file in files]


def too_long(sources: Iterable[Source]) -> Iterator[str]:
    """Files of more than 300 lines (400 for tests and benchmarks; 40 KB for the agent, which is one file by design)."""
    for source in sources:
        lines, limit = source.text.count("\n"), 300 if source.parts else 400
        if source.is_agent:
            if (size := len(source.text.encode())) > AGENT_BYTES:
                yield f"{source.path}: {size} bytes; the agent may have {AGENT_BYTES}"
        elif lines > limit:
            yield f"{source.path}: {lines} lines; split it by verb, {limit} is the limit"


def long_functions(sources: Iterable[Source]) -> Iterator[str]:
    """Functions whose body has 40 lines or more.

    Not in migrations: one table is one statement, however many columns it has.
    """
    for source in sources:
        if "migrations/versions/" in source.path:
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                if body and (length := (node.end_lineno or 0) - body[0].lineno + 1) >= 40:
                    yield f"{source.path}:{node.lineno}: {node.name} has {length} lines; 39 is the limit"


def empty_names(sources: Iterable[Source]) -> Iterator[str]:
    """Modules and folders whose name says nothing about what is in them."""
    for source in sources:
        for part in source.path.removesuffix(".py").split("/"):
            if SAYS_NOTHING & set(part.split("_")):
                yield f"{source.path}: {part!r} says nothing; name it after what it does"


def undescribed(sources: Iterable[Source]) -> Iterator[str]:
    """Modules that do not open with a line that says what they are for."""
    for source in sources:
        first = (ast.get_docstring(source.tree) or "").split("\n")[0]
        if len(first.split()) < 3 or not first.endswith((".", ":", "?", "…")):
            yield f"{source.path}: open with one line, a sentence, that says what this module is for"


def imports(tree: ast.AST) -> Iterator[tuple[int, str, str | None]]:
    """(line, module, name or None) of each absolute import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((node.lineno, node.module or "", alias.name) for alias in node.names)


def back_doors(sources: Iterable[Source]) -> Iterator[str]:
    """Imports of a slice's inner modules from outside that slice.

    A name that the slice's `__init__` takes from a module of the same name (`from .enqueue import enqueue`) is the
    front door. What puts the processes together may open routes, handlers and tables.
    """
    listed = list(sources)
    modules = {source.parts for source in listed if source.parts}
    slices = {parts[0] for parts in modules if len(parts) > 1} - NOT_SLICES
    front = {source.parts[0]: _bound_names(source.tree) for source in listed if source.parts[1:] == ("__init__",)}
    for source in listed:
        here = source.parts[0] if source.parts else ""
        for line, module, name in imports(source.tree) if here else ():
            steps = module.split(".")
            entered = steps[1] if steps[0] == PACKAGE and len(steps) > 1 else name if module == PACKAGE else None
            if entered not in slices or entered == here:
                continue
            inner = steps[2] if len(steps) > 2 else name if len(steps) > 1 else None
            if inner is None or not _is_module(modules, entered, inner):
                continue
            by_front = len(steps) == 2 and inner in front.get(entered, set())
            if not by_front and not (here in PUTS_TOGETHER and inner in MAY_BE_OPENED):
                yield f"{source.path}:{line}: enter {entered} by its front door, not by {entered}.{inner}"


def _is_module(modules: set[tuple[str, ...]], package: str, name: str) -> bool:
    return any(parts[:2] == (package, name) for parts in modules)


def _bound_names(tree: ast.Module) -> set[str]:
    """What an `__init__` takes out of its own modules, or lists in `__all__`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module and (node.level == 1 or module.count(".") == 2):
                names |= {alias.asname or alias.name for alias in node.names}
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            names |= {item.value for item in ast.walk(node.value) if isinstance(item, ast.Constant)}
    return names


def impure_plans(sources: Iterable[Source]) -> Iterator[str]:
    """Plans that read a clock, do I/O or draw random numbers."""
    for source in sources:
        if source.parts[-1:] != ("plan",):
            continue
        for line, module, _ in imports(source.tree):
            if module.split(".")[0] in IMPURE_MODULES:
                yield f"{source.path}:{line}: a plan may not import {module}"
        for node in ast.walk(source.tree):
            if isinstance(node, ast.AsyncFunctionDef):
                yield f"{source.path}:{node.lineno}: a plan does not wait"
            if isinstance(node, ast.Call) and _called(node) in IMPURE_CALLS | {"open", "print"}:
                yield f"{source.path}:{node.lineno}: a plan may not call {_called(node)}()"


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def agent_needs(sources: Iterable[Source]) -> Iterator[str]:
    """Whatever would keep agent.py from running alone on a bare Python 3.9."""
    for source in sources:
        if not source.is_agent:
            continue
        try:
            tree = ast.parse(source.text, feature_version=(3, 9))
        except SyntaxError as error:
            yield f"{source.path}:{error.lineno}: not Python 3.9: {error.msg}"
            continue
        futures = {name for _, module, name in imports(tree) if module == "__future__"}
        for line, module, _ in imports(tree):
            if module.split(".")[0] not in sys.stdlib_module_names - NEWER_THAN_3_9:
                yield f"{source.path}:{line}: {module} is not in the standard library of Python 3.9"
        if "annotations" not in futures and re.search(r"(:|->) *[\w\[\], .]+ \| ", source.text):
            yield f"{source.path}: `X | Y` in annotations needs `from __future__ import annotations` on Python 3.9"


def importers_of(name: str, sources: Iterable[Source]) -> Iterator[str]:
    """Who imports clustergenie.<name>, which stands apart."""
    for source in sources:
        for line, module, what in imports(source.tree):
            if source.parts[:1] != (name,) and f"{module}.{what}.".startswith(f"{PACKAGE}.{name}."):
                yield f"{source.path}:{line}: {name} stands apart and is not imported here"


def imports_of_ours(name: str, sources: Iterable[Source]) -> Iterator[str]:
    """What clustergenie.<name> imports of the rest of the package, but for its version: it stands apart."""
    for source in sources:
        if source.parts[:1] == (name,):
            for line, module, what in imports(source.tree):
                ours = module.split(".")[0] == PACKAGE and what != "__version__"
                if ours and not f"{module}.{what}.".startswith(f"{PACKAGE}.{name}."):
                    yield f"{source.path}:{line}: {name} stands apart, but imports {module}"


def subclasses(cls: type) -> Iterator[type]:
    """All descendants of a class."""
    for child in cls.__subclasses__():
        yield child
        yield from subclasses(child)


def untold_problems(base: type) -> Iterator[str]:
    """Problems without a sentence for the user, without a status of their own, or with a taken name."""
    names: dict[str, type] = {}
    for cls in dict.fromkeys(subclasses(base)):
        sentence = (cls.__dict__.get("__doc__") or "").strip().split("\n")[0]
        if not re.fullmatch(r"[A-Z].+\.", sentence):
            yield f"{cls.__name__}: its docstring is read by users, so it opens with a sentence"
        if cls.status == base.status or not 400 <= cls.status <= 599:
            yield f"{cls.__name__}: {cls.status} is not a status that tells a client anything"
        if (other := names.setdefault(cls.type_name(), cls)) is not cls:
            yield f"{cls.__module__}.{cls.__name__}: {other.__module__} already has a {cls.type_name()!r}"
