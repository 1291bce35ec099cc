"""The house keeps its shape: what `docs/architecture.md` says is checked here.

The rules themselves are in `tests/architecture/source.py`, where each is shown to find
what it forbids.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

from contextd import errors
from tests.architecture import source as rules
from tests.architecture.source import Source

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
PROTOS = sorted(path.relative_to(ROOT) for path in ROOT.glob("proto/contextd/v1/*.proto"))

OPTIONAL_LIBRARIES = frozenset(
    {"faiss", "onnxruntime", "psycopg", "redis", "sentence_transformers"}
)
"""Third parties that an extra brings: imported when asked for."""

P90_LINES = 20
TEST_FILE_LINES = 600
MOCKS_PER_1000 = 5


def sources(folder: str) -> list[Source]:
    """The hand-written Python files below *folder*."""
    return [
        Source.read(path, ROOT)
        for path in sorted(ROOT.glob(f"{folder}/**/*.py"))
        if "_pb2" not in path.name
    ]


CODE = tuple(sources("contextd"))
TESTS = tuple(sources("tests"))


def found(rule: Callable[[Source], list[str]], where: tuple[Source, ...] = CODE) -> list[str]:
    """Everything *rule* finds in *where*."""
    return [violation for source in where for violation in rule(source)]


def expect_none(violations: list[str]) -> None:
    """Fail with every violation on a line of its own."""
    assert not violations, "\n".join(["", *violations])


@pytest.mark.parametrize(
    "rule",
    [
        rules.long_files,
        rules.long_functions,
        rules.many_positionals,
        rules.wide_protocols,
        rules.vague_names,
        rules.mutable_modules,
        rules.silent_excepts,
        rules.silent_exceptions,
    ],
)
def test_the_code_keeps_the_house_rules(rule: Callable[[Source], list[str]]) -> None:
    """No file of the package breaks the rule."""
    expect_none(found(rule))


def test_nine_functions_in_ten_are_short() -> None:
    """The ninetieth percentile of function lengths is at most 20 lines."""
    lengths = sorted(rules.length(f) for source in CODE for f in source.functions())
    assert lengths[len(lengths) * 9 // 10] <= P90_LINES


def test_imports_stand_at_the_top() -> None:
    """Only optional third parties are imported inside a function."""
    expect_none(found(lambda source: rules.hidden_imports(source, OPTIONAL_LIBRARIES)))


def test_only_the_root_knows_time_and_chance() -> None:
    """Clock, ids and randomness are made in the root and the test kit alone."""
    root = ("contextd/app/", "contextd/cli/", "contextd/testing/")
    inner = tuple(source for source in CODE if not source.name.startswith(root))
    expect_none(found(rules.chance_and_clock, inner))


def test_policy_is_pure() -> None:
    """A decision awaits nothing, opens nothing and prints nothing."""
    policy = tuple(source for source in CODE if source.name.startswith("contextd/policy/"))
    assert policy
    expect_none(found(rules.impure, policy))


def test_no_test_skips() -> None:
    """What is missing is a failure; only a shipped suite leaves out what is declared."""
    expect_none(found(rules.skips, TESTS))


def test_imports_follow_the_layers() -> None:
    """The contracts of import-linter in pyproject.toml are kept."""
    lint = Path(sys.executable).with_name("lint-imports")
    outcome = subprocess.run(
        [lint, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


IMPORT_ALL = """
import pkgutil, sys, threading, warnings
warnings.simplefilter("error")
def refuse(event, args):
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen"}:
        raise RuntimeError(f"{event} {args} while importing")
sys.addaudithook(refuse)
import contextd
for module in pkgutil.walk_packages(contextd.__path__, "contextd."):
    if not module.name.endswith(("__main__", "sentence_transformer")):  # the second is an extra
        __import__(module.name)
alive = [thread.name for thread in threading.enumerate()]
assert alive == ["MainThread"], alive
"""


def test_importing_does_nothing() -> None:
    """Every module can be imported without environment, network, process or thread."""
    outcome = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr


def leaves(error: type[errors.ContextdError]) -> Iterator[type[errors.ContextdError]]:
    """The classes of the tree below *error* that have no subclass in `contextd.errors`."""
    children = [c for c in error.__subclasses__() if c.__module__ == errors.__name__]
    for child in children:
        yield from leaves(child)
    if not children:
        yield error


@pytest.mark.parametrize("error", sorted(leaves(errors.ContextdError), key=str))
def test_every_error_has_a_status(error: type[errors.ContextdError]) -> None:
    """The table of `rpc/status.py` has a row for each leaf of the error tree."""
    assert error in importlib.import_module("contextd.rpc.status").STATUS


def test_the_error_tree_is_drawn_whole() -> None:
    """The picture at the top of `errors.py` names every error."""
    drawn = set(re.findall(r"\w+", errors.__doc__ or ""))
    assert {name for name in vars(errors) if isinstance(getattr(errors, name), type)} <= drawn


def methods(node: ast.ClassDef) -> set[str]:
    """The names of the methods that the class itself has."""
    return {item.name for item in node.body if isinstance(item, rules.Function)}


@pytest.mark.parametrize(
    ("folder", "port"),
    [
        ("stores", {"append", "read", "delete", "ready"}),
        ("embedders", {"embed", "model_id"}),
        ("summarizers", {"write"}),
    ],
)
def test_every_adapter_passes_the_conformance_suite(folder: str, port: set[str]) -> None:
    """Each adapter X has a class TestX in `tests/conformance` that runs the suite on it."""
    code = [source for source in CODE if source.name.startswith(f"contextd/{folder}/")]
    adapters = {n.name for source in code for n in source.classes() if port <= methods(n)}
    suites = {
        node.name
        for source in TESTS
        if source.name.startswith("tests/conformance/")
        for node in source.classes()
        if any(rules.name_of(base).endswith("Contract") for base in node.bases)
    }
    assert adapters
    assert {f"Test{name}" for name in adapters} <= suites


# ── the contract ──────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> FileDescriptorSet:
    """The proto files with their comments."""
    out = tmp_path_factory.mktemp("proto") / "contract.binpb"
    protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I", "proto", "--include_source_info"]
    subprocess.run([*protoc, f"--descriptor_set_out={out}", *PROTOS], cwd=ROOT, check=True)
    return FileDescriptorSet.FromString(out.read_bytes())


Path_ = tuple[int, ...]


def named(file: FileDescriptorProto) -> Iterator[tuple[Path_, str]]:
    """Everything that has a name in *file*, with its source path."""
    for number, message in enumerate(file.message_type):
        yield from in_message((4, number), message)
    for number, enum in enumerate(file.enum_type):
        yield from in_enum((5, number), enum)
    for number, service in enumerate(file.service):
        yield from in_service((6, number), service)


def in_message(path: Path_, message: DescriptorProto) -> Iterator[tuple[Path_, str]]:
    """A message, its fields, and what is nested in it (map entries have no source)."""
    if message.options.map_entry:
        return
    yield path, message.name
    for number, field in enumerate(message.field):
        yield (*path, 2, number), f"{message.name}.{field.name}"
    for number, nested in enumerate(message.nested_type):
        yield from in_message((*path, 3, number), nested)
    for number, enum in enumerate(message.enum_type):
        yield from in_enum((*path, 4, number), enum)
    for number, oneof in enumerate(message.oneof_decl):
        if not oneof.name.startswith("_"):  # a proto3 optional
            yield (*path, 8, number), f"{message.name}.{oneof.name}"


def in_enum(path: Path_, enum: EnumDescriptorProto) -> Iterator[tuple[Path_, str]]:
    """An enum and its values."""
    yield path, enum.name
    for number, value in enumerate(enum.value):
        yield (*path, 2, number), value.name


def in_service(path: Path_, service: ServiceDescriptorProto) -> Iterator[tuple[Path_, str]]:
    """A service and its calls."""
    yield path, service.name
    for number, method in enumerate(service.method):
        yield (*path, 2, number), f"{service.name}.{method.name}"


def uncommented(files: FileDescriptorSet) -> list[str]:
    """What of the contract has no comment above it."""
    missing = []
    for file in files.file:
        comments = {tuple(at.path): at.leading_comments for at in file.source_code_info.location}
        missing += [name for path, name in named(file) if not comments.get(path, "").strip()]
    return missing


def test_the_contract_is_commented(contract: FileDescriptorSet) -> None:
    """Every message, field, enum value, service and call says what it is."""
    assert sum(1 for file in contract.file for _ in named(file)) > 100
    expect_none(uncommented(contract))


def test_a_missing_comment_is_found(contract: FileDescriptorSet) -> None:
    """A field without a comment is reported by name."""
    bare = FileDescriptorSet.FromString(contract.SerializeToString())
    common = next(file for file in bare.file if file.name.endswith("common.proto"))
    del common.source_code_info.location[:]
    assert "SessionRef.tenant_id" in uncommented(bare)


# ── the tests, and everything else that is committed ──────────────────────────────────


def test_test_files_are_short() -> None:
    """A test file has at most 600 lines."""
    expect_none([s.name for s in TESTS if len(s.lines) > TEST_FILE_LINES])


def test_the_tests_use_fakes() -> None:
    """There are at most five mocks in a thousand lines of tests."""
    mock = re.compile(r"\b(Magic|Async)?Mock\(|\bpatch(\.object)?\(|monkeypatch\.setattr\(")
    mocks = [line for source in TESTS for line in source.lines if mock.search(line)]
    assert len(mocks) * 1000 <= MOCKS_PER_1000 * sum(len(s.lines) for s in TESTS)


HOSTS = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(com|org)|proxy\.golang\.org|--index[-]url")
PLACES = re.compile(r"(?<![\w.~-])/(home|root|work|Users)/(?!nonroot)")


def committed() -> list[Path]:
    """The files git knows; in an unpacked archive, all but what is hidden or built."""
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        known = {path for path in ROOT.iterdir() if path.name not in {"build", "dist"}}
        visible = [path for path in known if not path.name.startswith(".")]
        return [path for place in visible for path in (place, *place.rglob("*")) if path.is_file()]
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_nothing_is_tied_to_one_machine() -> None:
    """No committed file names a package registry's host or a path of somebody's machine."""
    tied = []
    for path in committed():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        tied += [
            f"{path.relative_to(ROOT)}: {match.group()}"
            for pattern in (HOSTS, PLACES)
            for match in pattern.finditer(text)
        ]
    expect_none(tied)


def test_the_shipped_data_is_in_the_package() -> None:
    """Data files lie inside `contextd/`, where the wheel takes them from."""
    shipped = {path.name for path in ROOT.glob("contextd/**/*") if path.suffix != ".py"}
    assert {
        "py.typed",
        "model.safetensors",
        "o200k_base.tiktoken",
        "cl100k_base.tiktoken",
    } <= shipped
