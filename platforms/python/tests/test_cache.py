"""Compiled code runs outside the sandbox: only this user's own is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from refund_node.cache import Cache, open_cache


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_what_is_kept_is_found(folder: Path) -> None:
    Cache(folder).keep("one", b"code")
    assert Cache(folder).load("one") == b"code"
    assert Cache(folder).load("other") is None


def test_a_file_from_elsewhere_is_not(folder: Path, tmp_path: Path) -> None:
    theirs = Cache(tmp_path / "theirs")
    theirs.keep("one", b"evil")
    Cache(folder).keep("one", b"code")
    (kept,) = folder.glob("*.compiled")
    (planted,) = (tmp_path / "theirs").glob("*.compiled")
    kept.write_bytes(planted.read_bytes())
    assert Cache(folder).load("one") is None
    kept.write_bytes(b"")
    assert Cache(folder).load("one") is None


def test_nor_a_good_file_under_another_name(folder: Path) -> None:
    cache = Cache(folder)
    cache.keep("one", b"code")
    (one,) = folder.glob("*.compiled")
    cache.keep("two", b"other")
    (two,) = set(folder.glob("*.compiled")) - {one}
    two.write_bytes(one.read_bytes())
    assert cache.load("two") is None


def test_nor_one_that_was_changed(folder: Path) -> None:
    cache = Cache(folder)
    cache.keep("one", b"code")
    (kept,) = folder.glob("*.compiled")
    kept.write_bytes(kept.read_bytes()[:-1] + b"X")
    assert cache.load("one") is None


def test_a_folder_or_key_that_others_may_use_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Cache(folder)
    assert (folder.stat().st_mode & 0o777, (folder / "key").stat().st_mode & 0o777) == (0o700, 0o600)
    monkeypatch.setenv("REFUND_NODE_CACHE", str(folder))
    assert open_cache() is not None
    (folder / "key").chmod(0o644)
    assert open_cache() is None
    (folder / "key").chmod(0o600)
    folder.chmod(0o770)
    assert open_cache() is None
    folder.chmod(0o700)
    link = folder.parent / "link"
    link.symlink_to(folder)
    monkeypatch.setenv("REFUND_NODE_CACHE", str(link))
    assert open_cache() is None
    monkeypatch.setenv("REFUND_NODE_CACHE", "off")
    assert open_cache() is None


def test_old_files_go(folder: Path) -> None:
    cache = Cache(folder)
    for number in range(12):
        cache.keep(str(number), b"code")
    assert len(list(folder.glob("*.compiled"))) == 8
    assert cache.load("11") == b"code"
