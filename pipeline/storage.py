"""Where a lake or an archive lies: local paths and object-store URIs through the same calls."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

#: The names under which delta-rs and pyarrow know the same S3 option.
_S3_ARGUMENTS = {
    "AWS_ACCESS_KEY_ID": "access_key",
    "AWS_SECRET_ACCESS_KEY": "secret_key",
    "AWS_SESSION_TOKEN": "session_token",
    "AWS_REGION": "region",
    "AWS_ENDPOINT_URL": "endpoint_override",
}
#: Attempts at one request to S3, as many as delta-rs makes; pyarrow's own three do not outlast throttling.
_S3_ATTEMPTS = 11
#: How the names of options begin that only delta-rs' commits use.
_DELTA_OPTIONS = ("aws_s3_allow_unsafe_rename", "aws_s3_locking_provider", "delta_dynamo", "allow_unsafe_rename")
_TAKEN_FOR_FINAL = "Failed to flush response stream"


@dataclass(frozen=True)
class Storage:
    """A root URI and the options to reach it. Small enough to send to every worker.

    ``options`` uses delta-rs names (AWS_ENDPOINT_URL …); what is absent comes from the environment.
    """

    root: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def at(cls, uri: str | Path, options: Mapping[str, str] | None = None) -> Storage:
        """A storage at ``uri``; a local path is made absolute, so workers elsewhere mean the same."""
        text = str(uri)
        if urlsplit(text).scheme in ("", "file"):
            text = str(Path(text.removeprefix("file://")).expanduser().resolve())
        return cls(text.rstrip("/"), dict(options or {}))

    @property
    def is_local(self) -> bool:
        return "://" not in self.root

    def filesystem(self) -> pafs.FileSystem:
        """The pyarrow filesystem that holds the root."""
        if self.is_local:
            return pafs.LocalFileSystem()
        if urlsplit(self.root).scheme in ("s3", "s3a"):
            return _s3(self.options)
        return cast(pafs.FileSystem, pafs.FileSystem.from_uri(self.root)[0])

    def path(self, *parts: str) -> str:
        """The path of a file below the root, as ``filesystem`` spells it."""
        base = self.root
        if not self.is_local:
            split = urlsplit(self.root)
            base = f"{split.netloc}{split.path}"
        return "/".join([base, *parts])

    def uri(self, *parts: str) -> str:
        """The URI of a file below the root, as delta-rs and users spell it."""
        return "/".join([self.root, *parts])

    def open_input(self, *parts: str) -> IO[bytes]:
        """Open a file for reading at any offset. Raises FileNotFoundError."""
        return cast(IO[bytes], self.open_path(self.path(*parts)))

    def open_path(self, path: str) -> pa.NativeFile:
        """The same by a path as ``filesystem`` spells it."""
        return self.readable().open_input_file(path)

    def readable(self) -> pafs.FileSystem:
        """The filesystem for readers that open files themselves, such as datasets: the same, but that its reads outlast
        refusals of an object store."""
        found = self.filesystem()
        return found if self.is_local else pafs.PyFileSystem(_PatientReader(found))

    def read_bytes(self, *parts: str) -> bytes:
        """The whole file. Raises FileNotFoundError."""
        with self.open_input(*parts) as stream:
            return stream.read()

    def write_bytes(self, data: bytes, *parts: str) -> None:
        """Write a whole file; on local disk a reader sees the old file or the new one, never half."""
        path = self.path(*parts)
        if not self.is_local:
            with self.filesystem().open_output_stream(path) as stream:
                stream.write(data)
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        temporary = f"{path}.{os.getpid()}.tmp"
        with open(temporary, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)

    def exists(self, *parts: str) -> bool:
        return self.size(*parts) is not None

    def size(self, *parts: str) -> int | None:
        """Size of a file in bytes; None when there is no such file."""
        info = self.filesystem().get_file_info(self.path(*parts))
        return cast(int, info.size) if info.type == pafs.FileType.File else None

    def make_folder(self, *parts: str) -> None:
        """Make a folder where the storage has folders."""
        if self.is_local:
            Path(self.path(*parts)).mkdir(parents=True, exist_ok=True)

    def walk(self, *parts: str) -> Iterator[pafs.FileInfo]:
        """Every file below a folder; none when the folder does not exist."""
        selector = pafs.FileSelector(self.path(*parts), recursive=True, allow_not_found=True)
        yield from (info for info in self.filesystem().get_file_info(selector) if info.is_file)

    def delete(self, *parts: str) -> None:
        """Delete a file; a file that is gone already is no error."""
        try:
            self.filesystem().delete_file(self.path(*parts))
        except FileNotFoundError:
            return

    def delta_options(self) -> dict[str, str]:
        """Options as delta-rs wants them."""
        options = dict(self.options)
        if options.get("AWS_ENDPOINT_URL", os.environ.get("AWS_ENDPOINT_URL", "")).startswith("http://"):
            options.setdefault("AWS_ALLOW_HTTP", "true")
        return options

    def object_store(self, timeout_s: float = 30.0) -> Any:
        """The same bucket through obstore, for what pyarrow cannot do: writes on a condition, and uploads that make no
        object when they break off. ``timeout_s`` is for one request."""
        from obstore.store import from_url

        options = {name.lower(): value for name, value in self.delta_options().items()}
        insecure = options.pop("aws_allow_http", options.pop("allow_http", "false")).lower() == "true"
        config: Any = {name: value for name, value in options.items() if not name.startswith(_DELTA_OPTIONS)}
        return from_url(self.root, config=config, client_options={"allow_http": insecure, "timeout": f"{timeout_s:g}s"})


class _Patient:
    """A file of an object store whose reads are tried again after a refusal that pyarrow's client takes for final.

    The refusal's own words, a few hundred bytes of XML, are put where the bytes asked for should go; where these are
    fewer, the client calls it an internal failure and does not retry (it does where there is room).
    """

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close

    @property
    def closed(self) -> bool:
        return bool(self._stream.closed)

    def read(self, size: int | None = None) -> bytes:
        start = self._stream.tell()
        for attempt in range(1, _S3_ATTEMPTS):
            try:
                return cast(bytes, self._stream.read(size))
            except OSError as error:
                if _TAKEN_FOR_FINAL not in str(error):
                    raise
                self._stream.seek(start)
                time.sleep(random.uniform(0.0, min(5.0, 0.05 * 2**attempt)))  # noqa: S311 - jitter, not a secret
        return cast(bytes, self._stream.read(size))


class _PatientReader(pafs.FileSystemHandler):  # type: ignore[misc, no-any-unimported, unused-ignore]
    """Files of another filesystem, opened as :class:`_Patient`; for reading only."""

    def __init__(self, filesystem: pafs.FileSystem) -> None:
        self._filesystem = filesystem

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _PatientReader) and bool(self._filesystem.equals(other._filesystem))

    def __hash__(self) -> int:
        return hash(self.get_type_name())

    def open_input_file(self, path: str) -> pa.NativeFile:
        return pa.PythonFile(_Patient(self._filesystem.open_input_file(path)), mode="r")

    open_input_stream = open_input_file

    def get_type_name(self) -> str:
        return f"patient {self._filesystem.type_name}"

    def get_file_info(self, paths: Any) -> Any:
        return self._filesystem.get_file_info(paths)

    def get_file_info_selector(self, selector: Any) -> Any:
        return self._filesystem.get_file_info(selector)

    def normalize_path(self, path: str) -> str:
        return str(self._filesystem.normalize_path(path))

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise PermissionError("this filesystem is for reading")

    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = delete_file = _refuse
    move = copy_file = open_output_stream = open_append_stream = _refuse


def _s3(options: Mapping[str, str]) -> pafs.FileSystem:
    """Pyarrow's own S3 client; it reads keys and region from the environment, but not the endpoint."""
    known = {**{name: os.environ[name] for name in ("AWS_ENDPOINT_URL",) if name in os.environ}, **options}
    arguments = {_S3_ARGUMENTS[name]: value for name, value in known.items() if name in _S3_ARGUMENTS}
    endpoint = arguments.get("endpoint_override", "")
    if "://" in endpoint:
        arguments["scheme"], arguments["endpoint_override"] = endpoint.split("://", 1)
    # A small file opened late is one put: a third of the requests, and no upload that a kill leaves half done.
    return pafs.S3FileSystem(
        **arguments, retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=_S3_ATTEMPTS), allow_delayed_open=True
    )
