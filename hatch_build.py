"""Compile `runut/native` into the wheel where there is a C compiler, and do without where not.

An editable installation has the modules beside their sources, a wheel inside. `RUNUT_NATIVE=no`
builds the plain wheel.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from contextlib import chdir
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
NATIVE = Path("runut", "native")


class NativeModules(BuildHookInterface):
    """Builds the compiled modules; a wheel that has them is one of this machine and Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say why not where it cannot be done."""
        if self.target_name != "wheel":
            return
        is_editable = version == "editable"
        if is_editable:  # what an earlier one left would go on being used
            for old in (ROOT / NATIVE).glob("*.so"):
                old.unlink()
        if not _is_wanted():
            return
        into = ROOT if is_editable else self._scratch()
        try:
            made = compile_modules(sorted((ROOT / NATIVE).glob("*.pyx")), into)
        except (Exception, SystemExit) as error:  # distutils exits where there is no compiler
            self.app.display_warning(f"nothing is compiled, and Runut slower for it: {error}")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        if not is_editable:
            build_data["force_include"] |= {
                str(one): one.relative_to(into).as_posix() for one in made
            }

    def _scratch(self) -> Path:
        """A directory that is there until the wheel is made."""
        self._made = tempfile.TemporaryDirectory()
        return Path(self._made.name)


def compile_modules(sources: Iterable[Path], into: Path) -> list[Path]:
    """Each module under `into`, at its place in the package; nothing else stays."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    with chdir(ROOT), tempfile.TemporaryDirectory() as scratch:
        modules = [
            Extension(
                ".".join((*NATIVE.parts, source.stem)),
                [str(source.relative_to(ROOT))],
                extra_compile_args=["-g0"],
            )
            for source in sources
        ]
        build = Distribution(
            {"ext_modules": cythonize(modules, build_dir=scratch, quiet=True)}
        ).get_command_obj("build_ext")
        build.build_lib, build.build_temp = str(into), scratch
        build.ensure_finalized()
        build.run()
        return [Path(one) for one in build.get_outputs()]


def _is_wanted() -> bool:
    return os.environ.get("RUNUT_NATIVE", "").lower() not in {"no", "0", "off", "false"}


if __name__ == "__main__":  # while working on one of them: python hatch_build.py NAME
    named = [ROOT / NATIVE / f"{name}.pyx" for name in sys.argv[1:]]
    compile_modules(named or sorted((ROOT / NATIVE).glob("*.pyx")), ROOT)
