"""Sessions that install the built wheel: on each Python of setup.cfg that is here, and with the oldest packages.

`make wheel-test` builds the wheel and runs them all; `nox -s "wheel-3.12"` one of them.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
from pathlib import Path

import nox

HERE = Path(__file__).parent
BUILT = HERE / "build/wheel"

SETUP = configparser.ConfigParser()
SETUP.read(HERE / "setup.cfg", encoding="utf-8")
PYTHONS = re.findall(r"Python :: (3\.\d+)$", SETUP["metadata"]["classifiers"], re.MULTILINE)
TEST_PACKAGES = ("hypothesis", "pytest", "pytest-randomly", "pytest-xdist")

# Units, and a whole deployment in the offline world.
FAST = ("tests/unit", "tests/functional/test_deploy.py")
# And what reads files of the package, finds its parts by name, or starts it as a program.
WHOLE = (
    *("tests/unit", "tests/examples", "tests/install/test_bundle.py", "tests/functional/test_cli.py"),
    *("tests/functional/test_cost.py", "tests/functional/test_deploy.py"),
)

nox.options.error_on_missing_interpreters = False
# pyenv's own commands know only the Pythons that it is told to use.
found = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin"))
os.environ["PATH"] = os.pathsep.join([*map(str, found), os.environ["PATH"]])


@nox.session(python=PYTHONS)
def wheel(session: nox.Session) -> None:
    """The tests from the installed wheel: all that need it on the first Python, the fast ones on the others."""
    session.install("--quiet", f"{_wheel()}[offline,tunnel]", *TEST_PACKAGES)
    _test(session, WHOLE if session.python == PYTHONS[0] else FAST)


@nox.session(python=PYTHONS[0])
def oldest(session: nox.Session) -> None:
    """The fast tests with the oldest packages that setup.cfg allows."""
    session.install("--quiet", f"{_wheel()}[offline,tunnel]", *TEST_PACKAGES, *_oldest())
    # It is about services that the library does not use yet, as the newest botocore describes them.
    _test(session, (*FAST, "--ignore=tests/unit/test_creates.py"))


def _wheel() -> Path:
    (built,) = BUILT.glob("*.whl")
    return built


def _oldest() -> list[str]:
    """Each package that setup.cfg names for those who use the library, in its lowest version."""
    extras = SETUP["options.extras_require"]
    named = "\n".join([SETUP["options"]["install_requires"], extras["offline"], extras["tunnel"]])
    lowest = dict(re.findall(r"^([\w-]+)(?:\[[\w,]+\])?>=([\d.]+)", named, re.MULTILINE))
    return [f"{name}=={version}" for name, version in lowest.items()]


def _test(session: nox.Session, tests: tuple[str, ...]) -> None:
    """Run tests in a folder that has no source tree of the package."""
    folder = Path(session.create_tmp()) / "run"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("tests", "examples", "docs"):
        shutil.copytree(HERE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "README.md", "README.ja.md"):
        shutil.copy(HERE / name, folder)
    session.chdir(folder)
    session.run("python", "-c", "import dify_aws, sys; sys.exit('site-packages' not in dify_aws.__file__)")
    ignored = ("tests/examples/test_notebook.py", "tests/examples/test_names_in_docs.py")
    session.run(
        *("python", "-m", "pytest", "-q", "-n", os.environ.get("WORKERS", "2"), "--dist", "worksteal"),
        *("-k", "not linked_files", *(f"--ignore={name}" for name in ignored), *tests, *session.posargs),
    )
