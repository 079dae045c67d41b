"""Compiled modules: there where a compiler is, left out where none is or nobody wants them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from sysconfig import get_path

from runut import native
from tests.builders import ROOT


def told(variables: dict[str, str], *command: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout + done.stderr


def wheel(folder: Path, variables: dict[str, str]) -> tuple[str, str]:
    """The name of a wheel of this tree, and what was said while it was built."""
    said = told(variables, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    [built] = folder.glob("*.whl")
    return built.name, said


def test_where_there_is_a_compiler_all_compiled_modules_are_there_and_used() -> None:
    has_compiler = bool(shutil.which("cc")) and Path(get_path("include"), "Python.h").exists()
    said = told({"RUNUT_NATIVE": ""}, "-c", "from runut import native; print(native.IS_USED)")
    assert said == f"{has_compiler}\n"
    folder = Path(native.__file__).parent
    sources = {one.stem for one in folder.glob("*.pyx")}
    assert {one.stem.split(".")[0] for one in folder.glob("*.so")} == (
        sources if has_compiler else set()
    )


def test_they_can_be_left_unused() -> None:
    asked = "from runut import native; import runut.log_reader; print(native.IS_USED)"
    assert told({"RUNUT_NATIVE": "no"}, "-c", asked) == "False\n"


def test_a_wheel_without_them_installs_anywhere(tmp_path: Path) -> None:
    name, said = wheel(tmp_path, {"RUNUT_NATIVE": "no"})
    assert name.endswith("-py3-none-any.whl")
    assert "compiled" not in said


def test_where_nothing_can_be_compiled_the_wheel_is_plain_and_the_build_says_so(
    tmp_path: Path,
) -> None:
    name, said = wheel(tmp_path, {"RUNUT_NATIVE": "", "CC": "no-such-compiler"})
    assert name.endswith("-py3-none-any.whl")
    assert "nothing is compiled" in said
    assert "no-such-compiler" in said
