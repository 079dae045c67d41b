"""Compile `runut/native` into the wheel where there is a C compiler, and do without where not.

An editable installation gets its modules in place. `RUNUT_NATIVE=no` builds the plain wheel.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = Path("runut", "native")


class NativeModules(BuildHookInterface):
    """Builds the compiled modules; a wheel that has them is one of this machine and Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile, and say why not where it cannot be done."""
        if self.target_name != "wheel":
            return
        for old in Path(self.root, NATIVE).glob("*.so"):
            old.unlink()
        if os.environ.get("RUNUT_NATIVE", "").lower() in {"no", "0", "off", "false"}:
            return
        try:
            _compile(Path(self.root))
        except (Exception, SystemExit) as error:
            self.app.display_warning(f"nothing is compiled, Runut is slower without: {error}")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["artifacts"].append(f"{NATIVE.as_posix()}/*.so")


def _compile(root: Path, pattern: str = "*") -> None:
    """Each module whose name fits, beside its source; what comes about on the way goes away."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    before = Path.cwd()
    os.chdir(root)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            modules = [
                Extension(
                    ".".join((*NATIVE.parts, source.stem)),
                    [str(source)],
                    extra_compile_args=["-g0"],
                )
                for source in sorted(NATIVE.glob(f"{pattern}.pyx"))
            ]
            made = Distribution(
                {"ext_modules": cythonize(modules, build_dir=scratch, quiet=True)}
            ).get_command_obj("build_ext")
            made.inplace, made.build_temp = True, scratch
            made.ensure_finalized()
            made.run()
    finally:
        os.chdir(before)


if __name__ == "__main__":  # while working on one: python hatch_build.py sha256
    _compile(Path(__file__).resolve().parent, *sys.argv[1:])
