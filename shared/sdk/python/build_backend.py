"""Builds the wheel with the standard library alone, so that pip downloads no build tool.

The functions are the hooks of PEP 517. Version and metadata stand in pyproject.toml.
"""

from __future__ import annotations

import base64
import hashlib
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def _setting(name: str) -> str:
    found = re.search(rf'^{name} = "(.*)"$', (HERE / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"pyproject.toml has no {name}")
    return found[1]


def _sources() -> list[Path]:
    return sorted([*HERE.glob("stille/*.py"), HERE / "stille" / "py.typed"])


def _metadata() -> str:
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {_setting('name')}",
        f"Version: {_setting('version')}",
        f"Summary: {_setting('description')}",
        f"Requires-Python: {_setting('requires-python')}",
        "Description-Content-Type: text/markdown",
        "",
        (HERE / "README.md").read_text(encoding="utf-8"),
    ]
    return "\n".join(lines)


def build_wheel(
    wheel_directory: str, _config_settings: dict[str, Any] | None = None, _metadata_directory: str | None = None
) -> str:
    """Write the wheel and return its name."""
    version = _setting("version")
    info = f"stille-{version}.dist-info"
    files = {path.relative_to(HERE).as_posix(): path.read_bytes() for path in _sources()}
    files[f"{info}/METADATA"] = _metadata().encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: stille\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = ""
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = f"stille-{version}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel


def build_sdist(sdist_directory: str, _config_settings: dict[str, Any] | None = None) -> str:
    """Write the source archive and return its name."""
    folder = f"stille-{_setting('version')}"
    metadata = Path(sdist_directory) / "PKG-INFO"
    metadata.write_text(_metadata(), encoding="utf-8")
    with tarfile.open(Path(sdist_directory) / f"{folder}.tar.gz", "w:gz") as archive:
        for path in [*_sources(), HERE / "pyproject.toml", HERE / "README.md", HERE / "build_backend.py"]:
            archive.add(path, f"{folder}/{path.relative_to(HERE).as_posix()}")
        archive.add(metadata, f"{folder}/PKG-INFO")
    metadata.unlink()
    return f"{folder}.tar.gz"
