from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

import pytest

from contextd.errors import ConfigInvalid
from contextd.reloading import POLICY, Lookout, Reloading
from contextd.testing.fakes import RecordingObserver

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOADED = ("reloads", (("kind", "test"), ("outcome", "loaded")))
REFUSED = ("reloads", (("kind", "test"), ("outcome", "refused")))


def number(contents: Sequence[bytes]) -> int:
    """Read a number; files that differ do not belong together."""
    if contents[0] == b"bug":
        raise KeyError(contents[0])
    if len(set(contents)) != 1 or not contents[0].isdigit():
        raise ConfigInvalid("is no number")
    return int(contents[0])


class Scene:
    """Files, and what they meant so far."""

    def __init__(self, *paths: Path) -> None:
        self.paths = paths
        self.used: list[int] = []
        self.observer = RecordingObserver()
        self.files = Reloading("test", paths, number, self.used.append)

    def write(self, *contents: str) -> None:
        """Write the files, each its own content or all the same."""
        for path, content in zip(self.paths, contents * len(self.paths), strict=False):
            path.write_text(content, encoding="utf-8")

    def look(self, times: int = 1) -> None:
        """Look whether they have changed."""
        for _ in range(times):
            asyncio.run(self.files.look(self.observer))


def test_a_change_is_put_in_force_once(tmp_path: Path) -> None:
    """Looking at what has not changed does nothing."""
    scene = Scene(tmp_path / "a")
    scene.write("1")
    scene.files.load()
    scene.look(3)
    assert scene.used == [1]
    scene.write("2")
    scene.look(3)
    assert scene.used == [1, 2]
    assert scene.observer.labelled == {LOADED: 1}


@pytest.mark.parametrize("bad", ["x", "bug", None])
def test_what_is_no_good_leaves_the_former_in_force(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, bad: str | None
) -> None:
    """It is said once in the log and the metrics; when it is mended, it is put in force."""
    scene = Scene(tmp_path / "a")
    scene.write("1")
    scene.files.load()
    if bad is None:
        (tmp_path / "a").unlink()
    else:
        scene.write(bad)
    scene.look(3)
    assert scene.used == [1]
    assert scene.observer.labelled == {REFUSED: 1}
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "the former stays in force" in record.message
    scene.write("3")
    scene.look(2)
    assert scene.used == [1, 3]


def test_files_that_belong_together_may_change_one_by_one(tmp_path: Path) -> None:
    """Between the two they are refused; with the second they are taken."""
    scene = Scene(tmp_path / "cert", tmp_path / "key")
    scene.write("1")
    scene.files.load()
    (tmp_path / "cert").write_text("2", encoding="utf-8")
    scene.look(2)
    (tmp_path / "key").write_text("2", encoding="utf-8")
    scene.look(2)
    assert scene.used == [1, 2]
    assert scene.observer.labelled == {REFUSED: 1, LOADED: 1}


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    """What is found between two looks that differ is not judged; what it comes to is."""
    scene = Scene(tmp_path / "a")
    scene.write("1")
    scene.files.load()
    for part in ("", "2", "23", "234"):
        scene.write(part)
        scene.look()
    assert scene.used == [1]
    scene.look()
    assert scene.used == [1, 234]
    assert scene.observer.labelled == {LOADED: 1}
    scene.write("5")
    scene.look()
    scene.write("234")
    scene.look(3)
    assert scene.used == [1, 234]


def test_a_mounted_secret_is_swapped_by_its_link(tmp_path: Path) -> None:
    """Kubernetes writes a new folder and turns a link to it; the files' times may be old."""
    for name, content in (("..1", "1"), ("..2", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(content, encoding="utf-8")
        os.utime(tmp_path / name / "a", (0, 0))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "a").symlink_to("..data/a")
    scene = Scene(tmp_path / "a")
    scene.files.load()
    (tmp_path / "..new").symlink_to("..2")
    (tmp_path / "..new").replace(tmp_path / "..data")
    scene.look(2)
    assert scene.used == [1, 2]


def test_the_first_time_what_is_no_good_is_an_error(tmp_path: Path) -> None:
    """The daemon does not start, and the file is named."""
    scene = Scene(tmp_path / "a")
    with pytest.raises(ConfigInvalid, match=r"cannot read .*/a: No such file"):
        scene.files.load()
    scene.write("x")
    with pytest.raises(ConfigInvalid, match=r"test \(.*/a\): is no number"):
        scene.files.load()


def test_at_once_means_that_the_file_is_whole(tmp_path: Path) -> None:
    """One look is enough then, and what has not changed is not taken again."""
    scene = Scene(tmp_path / "a")
    scene.write("1")
    scene.files.load()
    scene.write("2")
    for _ in range(2):
        asyncio.run(scene.files.look(scene.observer, at_once=True))
    assert scene.used == [1, 2]
    assert scene.observer.labelled == {LOADED: 1}


def test_a_lookout_looks_from_time_to_time_and_when_it_is_asked(tmp_path: Path) -> None:
    """Being asked twice before it looks is being asked once."""

    async def main(scene: Scene, seconds: float, *, ask: bool) -> None:
        lookout = Lookout([scene.files], seconds, scene.observer)
        task = asyncio.create_task(lookout.run())
        scene.write("2")
        if ask:
            lookout.now()
            lookout.now()
        async with asyncio.timeout(20):
            while scene.used != [1, 2]:  # noqa: ASYNC110 - nobody announces it
                await asyncio.sleep(0.005)
        task.cancel()

    for number, (seconds, ask) in enumerate(((0.01, False), (3_600, True))):
        scene = Scene(tmp_path / str(number))
        scene.write("1")
        scene.files.load()
        asyncio.run(main(scene, seconds, ask=ask))


def test_the_policy_is_counted_apart(tmp_path: Path) -> None:
    """Its reloads are not those of keys."""
    scene = Scene(tmp_path / "a")
    scene.files = Reloading(POLICY, scene.paths, number, scene.used.append)
    scene.write("1")
    scene.files.load()
    scene.write("x")
    scene.look(2)
    assert scene.observer.labelled == {("policy_reloads", (("outcome", "refused"),)): 1}
