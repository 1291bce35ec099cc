"""The rivals: what they are, and the environment of each, made by uv where it is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CACHED_AS = "fb374d419588a4632f3f557e76b4b70aebbca790"
"""The name under which tiktoken looks for the rank file of o200k_base."""


class NotBuilt(Exception):
    """An environment could not be made; the message says what uv said."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A way to remember: `command` starts its worker, `title` is for people."""

    name: str
    title: str
    command: tuple[str, ...]
    environment: str
    packages: tuple[str, ...] = ()


def rivals(build: Path) -> dict[str, Rival]:
    """Return the rivals of versions.toml, with their environments in *build*, by name."""
    told = tomllib.loads((HERE / "versions.toml").read_text(encoding="utf-8"))
    return {
        name: Rival(
            name=name,
            title=own["title"],
            command=(
                str(build / own["environment"] / "bin" / "python"),
                *("-m", f"workers.{own['worker']}", *own.get("arguments", ())),
            ),
            environment=own["environment"],
            packages=(*told["environments"][own["environment"]], *told["shared"]),
        )
        for name, own in told["rivals"].items()
    }


def made(rival: Rival, build: Path) -> bool:
    """Make the environment of *rival* unless it is there with these packages; say if it was made.

    Raises:
        NotBuilt: there is no registry, or it lacks a package.
    """
    place, wanted = build / rival.environment, "\n".join(rival.packages)
    mark = place / "packages.txt"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return False
    build.mkdir(parents=True, exist_ok=True)
    _uv("venv", "--clear", "--python", sys.executable, str(place))
    _uv("pip", "install", "--python", str(place / "bin" / "python"), *rival.packages)
    mark.write_text(wanted, encoding="utf-8")
    return True


def versions(rival: Rival, build: Path) -> dict[str, str]:
    """Return everything that is installed in the environment of *rival*."""
    python = str(build / rival.environment / "bin" / "python")
    listed = json.loads(_uv("pip", "list", "--python", python, "--format", "json"))
    return {each["name"]: each["version"] for each in listed}


def surroundings(build: Path) -> Mapping[str, str]:
    """Return the variables of a worker: where our embedder and the token ranks are found."""
    cache = build / "tiktoken"
    cache.mkdir(parents=True, exist_ok=True)
    ranks = cache / CACHED_AS
    if not ranks.exists():
        ranks.symlink_to(ROOT / "contextd" / "tokenizers" / "data" / "o200k_base.tiktoken")
    paths = os.pathsep.join([str(HERE), str(ROOT)])
    return {**os.environ, "PYTHONPATH": paths, "TIKTOKEN_CACHE_DIR": str(cache)}


def _uv(*arguments: str) -> str:
    command: Sequence[str] = (str(Path(sys.executable).with_name("uv")), "--quiet", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotBuilt(done.stderr.strip()[-600:])
    return done.stdout
