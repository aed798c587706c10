"""Makes a component of a policy in Python. Run by `pointsman plugin build`::

    python3 build.py folder=DIR sdk=DIR wit=DIR out=FILE componentize=PROGRAM

The policy is imported twice: here, to ask what it is, and by componentize-py, in a world with
just the exports and imports that it turned out to need. `sdk` holds the package `pointsman_sdk`,
unless the policy brings its own in `vendor`.
"""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

#: The host's interfaces that a policy gets by importing the module of that name from the SDK.
HOST = ["log", "clock", "random", "kv", "http"]

#: What of a policy's folder is no part of the component.
IGNORED = shutil.ignore_patterns(".*", "__pycache__", "venv", "tests", "fixtures", "*.wasm")

MAIN = """\
from pointsman_sdk._component import exports
from policy import policy

globals().update(exports(policy))
"""


def main(folder: str, sdk: str, wit: str, out: str, componentize: str) -> int:
    with tempfile.TemporaryDirectory(prefix="pointsman-python-") as desk:
        # A copy: links are followed, which componentize-py's sandbox does not, and nothing is left behind.
        staged = Path(desk, "staged")
        shutil.copytree(folder, staged, ignore=IGNORED)
        paths = [str(path) for path in (staged, staged / "vendor", Path(sdk)) if path.is_dir()]
        kinds = ask(paths, folder)
        main_folder = Path(desk, "main")
        main_folder.mkdir()
        (main_folder / "component_main.py").write_text(MAIN)
        command = [componentize, "--quiet", "-d", world(desk, wit, kinds), "-w", "component", "componentize"]
        for path in [str(main_folder), *paths]:
            command += ["-p", path]
        return subprocess.run([*command, "-o", out, "component_main"], env=environment(folder)).returncode


def ask(paths: list[str], folder: str) -> list[str]:
    """The kinds that the policy has."""
    sys.dont_write_bytecode = True
    sys.path[:0] = [*paths, *site_packages(folder)]
    module = importlib.import_module("policy")
    policy = getattr(module, "policy", None)
    if policy is None:
        raise SystemExit(f"{folder}/policy.py has no `policy = Policy(...)`")
    if not policy.kinds:
        raise SystemExit(f"{folder}/policy.py decides nothing: give a function @policy.routing or another kind")
    return policy.describe().kinds


def world(desk: str, wit: str, kinds: list[str]) -> str:
    """The WIT files with a world of just these exports, and imports of what was imported."""
    folder = Path(desk, "wit")
    shutil.copytree(wit, folder)
    imports = [f"import {name};" for name in HOST if f"pointsman_sdk.{name}" in sys.modules]
    exports = [f"export {name};" for name in ["metadata", *kinds]]
    (folder / "component.wit").write_text(f"world component {{ {' '.join(imports + exports)} }}\n")
    return str(folder)


def site_packages(folder: str) -> list[str]:
    """Packages of the policy's own virtual environment."""
    return [str(path) for path in Path(folder, ".venv").glob("lib/python3*/site-packages")]


def environment(folder: str) -> dict[str, str]:
    """With the policy's own virtual environment, whose packages componentize-py then finds."""
    own = Path(folder, ".venv")
    return {**os.environ, "VIRTUAL_ENV": str(own)} if own.is_dir() else dict(os.environ)


if __name__ == "__main__":
    try:
        code = main(**dict(word.split("=", 1) for word in sys.argv[1:]))
    except Exception:
        traceback.print_exc()
        code = 1
    sys.exit(code)
