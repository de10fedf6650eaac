"""The copies of the archives in a bucket of BACKUP_S3_URL, which speaks the protocol of S3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote, urlsplit

from . import BackupError
from .folder import sorted_names

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config, S3Store

CONNECT: Final = timedelta(seconds=5)
# A server that accepts and never answers is given up after these times.
ANSWER: Final = timedelta(seconds=10)  # all of a short question
SILENCE: Final = timedelta(seconds=30)  # in a download
PART: Final = timedelta(minutes=2)  # of an upload: 5 MB, four at once, need 1.4 Mbit/s
RETRY: Final = timedelta(seconds=60)  # what fails at once is tried again for so long


class Bucket:
    """A folder of a bucket."""

    def __init__(self, text: str) -> None:
        self._text = text

    def upload(self, path: Path, name: str) -> None:
        """Send a file in parts; it is there when all parts are."""
        import obstore

        with self._store() as store, suppress(FileNotFoundError):
            obstore.head(store, name)  # is anybody there?
        with self._store({"timeout": PART}, RETRY) as store:
            obstore.put(store, name, path, max_concurrency=4)
        with self._store() as store:
            size = obstore.head(store, name)["size"]
        if size != path.stat().st_size:
            raise BackupError(f"S3: {name} arrived with {size} bytes, not {path.stat().st_size}")

    def download(self, name: str, target: Path) -> None:
        """Fetch a file."""
        import obstore

        options: ClientConfig = {"read_timeout": SILENCE, "timeout": timedelta(days=1)}
        with self._store(options, RETRY) as store, target.open("xb") as file:
            for part in obstore.get(store, name).stream():
                file.write(part)

    def sizes(self) -> dict[str, int]:
        """Return the archives, the newest first, with their size in bytes."""
        import obstore

        with self._store() as store:
            found = {item["path"]: item["size"] for page in obstore.list(store) for item in page}
        return {name: found[name] for name in sorted_names(found)}

    def delete(self, name: str) -> None:
        """Delete a file."""
        import obstore

        with self._store() as store:
            obstore.delete(store, name)

    @contextmanager
    def _store(
        self, options: ClientConfig | None = None, retry: timedelta = ANSWER
    ) -> Iterator[S3Store]:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        url = urlsplit(self._text)
        bucket, _, prefix = url.path.strip("/").partition("/")
        host = url.netloc.rpartition("@")[2]
        config: S3Config = {
            "endpoint": f"{url.scheme}://{host}",
            "virtual_hosted_style_request": False,
            "region": parse_qs(url.query).get("region", ["us-east-1"])[0],
        }
        if url.username and url.password:  # else those of AWS_ variables, or of the machine's role
            config["access_key_id"] = unquote(url.username)
            config["secret_access_key"] = unquote(url.password)
        try:
            yield S3Store(
                bucket,
                prefix=prefix or None,
                config=config,
                client_options={
                    "allow_http": url.scheme == "http",
                    "connect_timeout": CONNECT,
                    "timeout": ANSWER,
                    **(options or {}),
                },
                retry_config={"max_retries": 5, "retry_timeout": retry},
            )
        # A missing bucket is a FileNotFoundError; the address in the text has no key in it.
        except (BaseError, FileNotFoundError) as error:
            lines = [line.strip() for line in str(error).splitlines()]
            raise BackupError(f"S3: {lines[0]}") from None
