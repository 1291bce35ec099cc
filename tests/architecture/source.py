"""The house rules, each a function from a parsed file to the places that break it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FUNCTION_LINES = 50
FILE_LINES = 400
POSITIONAL = 5
PROTOCOL_METHODS = 7
REASON_WORDS = 2

Function = ast.FunctionDef | ast.AsyncFunctionDef

FORBIDDEN_FILES = {"base", "common", "core", "helpers", "manager", "misc", "service", "utils"}
FORBIDDEN_NAMES = re.compile(r"(Impl|Manager|Helper|Handler|Data|Info)$")

FRESH_MUTABLES = {
    "Condition", "ContextVar", "Counter", "Event", "Lock", "OrderedDict", "ProcessPoolExecutor",
    "Queue", "RLock", "Semaphore", "SimpleQueue", "ThreadPoolExecutor", "WeakKeyDictionary",
    "WeakValueDictionary", "bytearray", "defaultdict", "deque", "dict", "get_event_loop", "list",
    "local", "new_event_loop", "set",
}  # fmt: skip
READ_ONLY = {"Collection", "Container", "Iterable", "Mapping", "Sequence", "Set"}

WALL_CLOCK = {"time", "time_ns", "localtime", "gmtime"}
NOW = {"now", "today", "utcnow"}
CHANCE = {"random", "secrets", "uuid"}
SKIPS = {"SkipTest", "importorskip", "skip", "skipIf", "skipTest", "skipUnless", "skipif"}


@dataclass(frozen=True)
class Source:
    """One Python file."""

    name: str
    text: str

    @classmethod
    def read(cls, path: Path, root: Path) -> Source:
        """Read *path*; its name is the path below *root*."""
        return cls(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the file."""
        return self.text.splitlines()

    def at(self, node: ast.AST, what: str) -> str:
        """Name a place and what is wrong there."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}: {what}"

    def functions(self) -> Iterator[Function]:
        """Every function and method."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))


def length(function: Function) -> int:
    """Lines from `def` to the end, the docstring left out: it costs no reading of code."""
    body = function.body
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (body[0].end_lineno or body[0].lineno) - body[0].lineno + 1
    return lines


def long_files(source: Source) -> list[str]:
    """A file is read in one sitting."""
    count = len(source.lines)
    return [f"{source.name}: {count} lines"] if count > FILE_LINES else []


def long_functions(source: Source) -> list[str]:
    """A function fits on a screen."""
    return [
        source.at(function, f"{function.name} has {length(function)} lines")
        for function in source.functions()
        if length(function) > FUNCTION_LINES
    ]


def many_positionals(source: Source) -> list[str]:
    """More than a handful of arguments are named at the call."""

    def count(function: Function) -> int:
        names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        return len(names) - (bool(names) and names[0] in {"self", "cls"})

    return [
        source.at(function, f"{function.name} has {count(function)} positional parameters")
        for function in source.functions()
        if count(function) > POSITIONAL
    ]


def wide_protocols(source: Source) -> list[str]:
    """A port is small enough to fake by hand."""
    return [
        source.at(node, f"{node.name} has {methods} methods")
        for node in source.classes()
        if any(name_of(base) == "Protocol" for base in node.bases)
        and (methods := sum(isinstance(item, Function) for item in node.body)) > PROTOCOL_METHODS
    ]


def vague_names(source: Source) -> list[str]:
    """A name says what a thing is for."""
    stem = source.name.rsplit("/", 1)[-1].removesuffix(".py")
    files = [f"{source.name}: a file called {stem}"] if stem in FORBIDDEN_FILES else []
    return files + [
        source.at(node, f"a class called {node.name}")
        for node in source.classes()
        if FORBIDDEN_NAMES.search(node.name)
    ]


def hidden_imports(source: Source, optional: frozenset[str]) -> list[str]:
    """Imports stand at the top; only *optional* third parties may be imported when needed."""
    return [
        source.at(node, f"{function.name} imports {module}")
        for function in source.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in imported(node)
        if module.split(".")[0] not in optional
    ]


def mutable_modules(source: Source) -> list[str]:
    """Importing a module defines names; it makes nothing that changes later."""
    found = [
        source.at(node, f"{', '.join(node.names)} is reassigned from a function")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Global)
    ]
    for statement in source.tree.body:
        if isinstance(statement, ast.Assign):
            exported = any(name_of(target) == "__all__" for target in statement.targets)
            if is_mutable(statement.value) and not exported:
                found.append(source.at(statement, "a mutable value; annotate it read-only"))
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            frozen = read_only(statement.annotation) and not is_fresh(statement.value)
            if is_mutable(statement.value) and not frozen:
                found.append(source.at(statement, "a mutable value; annotate it read-only"))
        elif isinstance(statement, Function):
            found.extend(
                source.at(statement, f"{statement.name} has a cache without a bound")
                for decorator in statement.decorator_list
                if is_boundless_cache(decorator)
            )
    return found


def is_fresh(value: ast.expr) -> bool:
    """Whether *value* is an empty container or a lock: made to be filled later."""
    if isinstance(value, ast.Call):
        return name_of(value.func) in FRESH_MUTABLES and not value.args
    return (isinstance(value, ast.List | ast.Set) and not value.elts) or (
        isinstance(value, ast.Dict) and not value.keys
    )


def is_mutable(value: ast.expr) -> bool:
    """Whether evaluating *value* makes something that can change."""
    if isinstance(value, ast.Call):
        return name_of(value.func) in FRESH_MUTABLES
    return isinstance(
        value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    )


def read_only(annotation: ast.expr) -> bool:
    """Whether *annotation* promises not to change the value (Final alone does not)."""
    if isinstance(annotation, ast.Subscript):
        if name_of(annotation.value) == "Final":
            return read_only(annotation.slice)
        return name_of(annotation.value) in READ_ONLY
    return name_of(annotation) in READ_ONLY


def is_boundless_cache(decorator: ast.expr) -> bool:
    """Whether *decorator* keeps every result for ever."""
    if isinstance(decorator, ast.Call):
        bounds = [*decorator.args, *(keyword.value for keyword in decorator.keywords)]
        unbound = any(isinstance(b, ast.Constant) and b.value is None for b in bounds)
        return name_of(decorator.func) == "lru_cache" and unbound
    return name_of(decorator) == "cache"


def chance_and_clock(source: Source) -> list[str]:
    """Time, chance and ids come in as arguments; only the root makes them."""
    found = [
        source.at(node, f"imports {module}")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in imported(node)
        if module.split(".")[0] in CHANCE
        or (module.startswith("time.") and module.split(".")[1] in WALL_CLOCK)
    ]
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner, name = name_of(node.func.value), node.func.attr
        wall = owner == "time" and name in WALL_CLOCK
        now = owner in {"datetime", "date"} and name in NOW
        if wall or now or (owner == "os" and name == "urandom"):
            found.append(source.at(node, f"calls {owner}.{name}"))
    return found


def impure(source: Source) -> list[str]:
    """A decision awaits nothing and says nothing."""
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    return [
        source.at(node, type(node).__name__)
        for node in ast.walk(source.tree)
        if isinstance(node, waiting)
        or (isinstance(node, ast.Call) and name_of(node.func) in {"print", "open", "input"})
    ]


def silent_excepts(source: Source) -> list[str]:
    """A broad `except` ends by raising again, or says there and then why it is broad."""
    return [
        source.at(node, "a broad except without its reason")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler)
        and is_broad(node.type)
        and not raises_again(node)
        and not any(has_reason(line, ONLY_NOQA) for line in source.lines[node.lineno - 1 :][:2])
    ]


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether the handler only tidies up and lets the error pass."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def is_broad(caught: ast.expr | None) -> bool:
    """Whether *caught* takes errors nobody thought of."""
    if isinstance(caught, ast.Tuple):
        return any(is_broad(item) for item in caught.elts)
    return caught is None or name_of(caught) in {"Exception", "BaseException"}


ONLY_NOQA = re.compile(r"#\s*noqa(:\s*[A-Z]+[0-9]+(\s*,\s*[A-Z]+[0-9]+)*)?")
EXCEPTIONS = (
    ONLY_NOQA,
    re.compile(r"#\s*type:\s*ignore(\[[\w\-, ]+\])?"),
    re.compile(r"#\s*pragma:\s*no (cover|branch)"),
)


def has_reason(line: str, directive: re.Pattern[str]) -> bool:
    """Whether a comment on *line* says something beside *directive*."""
    comment = line[line.find("#") :] if "#" in line else ""
    return len(re.findall(r"\w+", directive.sub("", comment))) >= REASON_WORDS


def silent_exceptions(source: Source) -> list[str]:
    """Whoever switches a check off says why on that line."""
    return [
        f"{source.name}:{number}: {found.group().strip()} without its reason"
        for number, line in enumerate(source.lines, 1)
        for directive in EXCEPTIONS
        if (found := directive.search(line)) and not has_reason(line[found.start() :], directive)
    ]


def skips(source: Source) -> list[str]:
    """What a test needs is there or the test fails; an extra has its own marker and run."""
    return [
        source.at(node, f"{name_of(node)}: a test does not skip")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Name | ast.Attribute) and name_of(node) in SKIPS
    ]


def name_of(node: ast.expr) -> str:
    """The last part of a dotted name, without its subscript; "" for anything else."""
    if isinstance(node, ast.Subscript):
        return name_of(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """What *node* imports, as dotted names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module or '.'}.{alias.name}" for alias in node.names]
