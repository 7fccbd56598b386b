"""The house rules, read off the source. Each comes with an offence, which shows that the rule can be broken."""

import ast
import re
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from dataclasses import dataclass

import pytest

from tests.house.source import ROOT, Source, files, imports, mentions, sources

LIBRARY = "dify_aws/"

LONG = (
    "dify_aws/aws/client.py",
    "dify_aws/engine/resource.py",
    "dify_aws/engine/stack.py",
    "dify_aws/host/ssh/ssh_host.py",
    "dify_aws/iam_policies/grants.py",
    "dify_aws/offline/corrections/ec2/instances.py",
    "dify_aws/resources/ec2/instance.py",
)
"""Files of more than one noun, which are still to be split. Nothing is added here."""


@dataclass(frozen=True)
class Rule:
    """What must not be, the files where it must not be, and a file that has it."""

    says: str
    holds_in: Callable[[Source], bool]
    breaches: Callable[[Source], Iterator[int]]
    offence: Source


def _library_but(*exempt: str) -> Callable[[Source], bool]:
    return lambda source: source.within(LIBRARY) and not source.within(*exempt)


def _importing(*packages: str) -> Callable[[Source], Iterator[int]]:
    def breaches(source: Source) -> Iterator[int]:
        return (
            line for line, name in imports(source.tree) if f"{name}.".startswith(tuple(f"{one}." for one in packages))
        )

    return breaches


def _using(*names: str) -> Callable[[Source], Iterator[int]]:
    """Used by its full name, or imported out of its module."""

    def breaches(source: Source) -> Iterator[int]:
        yield from (line for line, name in mentions(source.tree) if name in names)
        yield from (line for line, name in imports(source.tree) if name in names)

    return breaches


def _naming(*texts: str) -> Callable[[Source], Iterator[int]]:
    """In a string of its own, not in a sentence."""

    def breaches(source: Source) -> Iterator[int]:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Constant) and node.value in texts:
                yield node.lineno

    return breaches


def _vague(source: Source) -> Iterator[int]:
    if set(re.split(r"[/._]", source.path)) & {"util", "utils", "helper", "helpers", "common", "manager", "managers"}:
        yield 1


def _without_docstring(source: Source) -> Iterator[int]:
    if not ast.get_docstring(source.tree):
        yield 1


def _field_lists(source: Source) -> Iterator[int]:
    for number, line in enumerate(source.text.splitlines(), start=1):
        if re.match(r"\s*:(param|type|returns?|rtype|raises?)\b[^:]*: ", line):
            yield number


def _too_long(source: Source) -> Iterator[int]:
    if (lines := source.text.count("\n")) > 250:
        yield lines


def _module_state(source: Source) -> Iterator[int]:
    displays = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    makers = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict"}
    for node in source.tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        made = isinstance(node.value, ast.Call) and ast.unparse(node.value.func).split(".")[-1] in makers
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if (made or isinstance(node.value, displays)) and not all(
            name.isupper() or (name.startswith("__") and name.endswith("__")) for name in names
        ):
            yield node.lineno


def _skipping(source: Source) -> Iterator[int]:
    for line, name in mentions(source.tree):
        if re.fullmatch(
            r"(pytest\.(mark\.)?|unittest\.)(skip|skipif|skipIf|skipUnless|xfail|importorskip|expectedFailure)", name
        ):
            yield line


RULES = [
    Rule(
        "boto3 and botocore are imported in dify_aws/aws and dify_aws/offline only",
        _library_but("dify_aws/aws/", "dify_aws/offline/"),
        _importing("boto3", "botocore"),
        Source("dify_aws/walk.py", "def f():\n    from botocore.exceptions import ClientError\n"),
    ),
    Rule(
        "moto is imported in dify_aws/offline only",
        _library_but("dify_aws/offline/"),
        _importing("moto"),
        Source("dify_aws/aws/client.py", "import moto.ec2\n"),
    ),
    Rule(
        "paramiko is imported in dify_aws/host/ssh/ssh_host.py and dify_aws/offline only",
        _library_but("dify_aws/host/ssh/ssh_host.py", "dify_aws/offline/"),
        _importing("paramiko"),
        Source("dify_aws/host/host.py", "import paramiko\n"),
    ),
    Rule(
        "only dify_aws/aws/retry_rules.py and dify_aws/offline/clock.py sleep",
        _library_but("dify_aws/aws/retry_rules.py", "dify_aws/offline/clock.py"),
        _using("time.sleep"),
        Source("dify_aws/aws/waiters.py", "import time\nwait = time.sleep\n"),
    ),
    Rule(
        "the library neither prints nor asks nor exits; its command line may print and exit",
        _library_but("dify_aws/__main__.py"),
        _using("print", "input", "sys.exit", "exit", "quit", "os._exit"),
        Source("dify_aws/deployment.py", "import sys\nsys.exit(1)\n"),
    ),
    Rule(
        "nobody is asked behind the back of who calls: the command line reads what it was handed",
        _library_but(),
        _using("input", "getpass.getpass"),
        Source("dify_aws/__main__.py", "input('sure?')\n"),
    ),
    Rule(
        "only a topology knows at which addresses the host and its parts are",
        _library_but("dify_aws/topologies/", "dify_aws/offline/", "dify_aws/resources/"),
        _naming("instance/host", "elastic-ip/host", "volume/data", "key-pair/host", "topic/alarms"),
        Source("dify_aws/verbs/status.py", 'host = found["instance/host"]\n'),
    ),
    Rule(
        "no module is called utils, helpers, common or manager",
        lambda source: True,
        _vague,
        Source("tests/support/aws_helpers.py", ""),
    ),
    Rule(
        "every module begins with a docstring",
        lambda source: True,
        _without_docstring,
        Source("tests/unit/test_it.py", "# A comment is none.\nimport os\n"),
    ),
    Rule(
        "docstrings are in Google style",
        lambda source: True,
        _field_lists,
        Source("dify_aws/it.py", '"""It.\n\n:param name: its name.\n"""'),
    ),
    Rule(
        "no file of the library is over 250 lines",
        _library_but(*LONG),
        _too_long,
        Source("dify_aws/deployment.py", "pass\n" * 251),
    ),
    Rule(
        "a module holds no state that can change: its lists, dicts and sets are UPPER_CASE tables",
        _library_but(),
        _module_state,
        Source("dify_aws/aws/read_cache.py", "_seen: dict[str, str] = {}\n"),
    ),
    Rule(
        "no test is skipped or expected to fail, but for those that need a machine or an account",
        lambda source: source.within("tests/") and not source.within("tests/e2e/", "tests/live/"),
        _skipping,
        Source("tests/unit/test_it.py", "@pytest.mark.skipif(True)\ndef test_it(): ...\n"),
    ),
    Rule(
        "nothing is mocked: a fake is passed in",
        lambda source: True,
        _importing("unittest.mock", "mock", "pytest_mock"),
        Source("tests/unit/test_it.py", "from unittest import mock\n"),
    ),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.says)
def test_rule_holds(rule: Rule) -> None:
    """No file of the project breaks the rule."""
    broken = [
        f"{source.path}:{line}" for source in sources() if rule.holds_in(source) for line in rule.breaches(source)
    ]
    assert not broken, rule.says


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.says)
def test_rule_sees_its_offence(rule: Rule) -> None:
    """The rule finds what it forbids, so its silence means something."""
    assert rule.holds_in(rule.offence)
    assert list(rule.breaches(rule.offence))


def test_public_names_are_sorted() -> None:
    """dify_aws.__all__ is a sorted list without twins: there is one place for each name."""
    tree = ast.parse((ROOT / "dify_aws/__init__.py").read_text())
    (names,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    assert list(names) == sorted(set(names))


def test_setup_names_every_package() -> None:
    """A folder that setup.cfg does not name is missing from the wheel, and nothing else tells."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    named = set(setup["options"]["packages"].split()) - {"dify_aws.templates"}
    folders = {source.path.rpartition("/")[0].replace("/", ".") for source in sources() if source.within(LIBRARY)}
    assert named == folders


def test_no_path_of_a_machine() -> None:
    """No file names a folder that exists on one machine only."""
    # /home/dify is inside a container of Dify.
    path = re.compile(r"""(?:^|[\s"'`=(:\[])/(?:home(?!/dify\b)|root|work|Users)/""", re.MULTILINE)
    assert path.search("cd /" + "home/me")
    result = []
    for name in sorted(files()):
        try:
            text = (ROOT / name).read_text()
        except UnicodeDecodeError:
            continue
        result += [f"{name}:{text.count(chr(10), 0, found.start()) + 1}" for found in path.finditer(text)]
    assert not result


def test_readme_opens_with_the_two_commands() -> None:
    """A newcomer finds how to run the main job and how to run the tests."""
    readme = (ROOT / "README.md").read_text()
    assert "make quickstart" in readme
    assert "make test" in readme
