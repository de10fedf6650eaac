"""Encrypted files of any size: AES-256-GCM in chunks, so that nothing unchecked is ever read.

A file is MAGIC, a salt, a check of the key, then the chunks. Salt and key make the key of this
file. The nonce of a chunk is its number and whether it is the last one, so that chunks which are
missing, exchanged or cut off are noticed: the STREAM construction, https://eprint.iacr.org/2015/189
"""

import hmac
import io
import os
from base64 import urlsafe_b64decode
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from typing_extensions import Buffer

from . import BackupError, DamageError

MAGIC: Final = b"backup-aes-gcm-1"
SALT_BYTES: Final = 32
CHECK_BYTES: Final = 16
HEADER_BYTES: Final = len(MAGIC) + SALT_BYTES + CHECK_BYTES
TAG_BYTES: Final = 16
CHUNK_BYTES: Final = 1024 * 1024


class Encrypted(io.RawIOBase):
    """Encrypts what is written to it; `finish` writes the last chunk, without which it is void."""

    def __init__(self, target: BinaryIO, keys: str) -> None:
        super().__init__()
        salt = os.urandom(SALT_BYTES)
        self._cipher, check = _file_key(keys.split(",")[0], salt)
        self._target = target
        self._buffer = bytearray()
        self._number = 0
        target.write(MAGIC + salt + check)

    def writable(self) -> bool:
        """Say what this file is for."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Encrypt; a part is kept back, as the last chunk is made by `finish`."""
        self._buffer += data
        while len(self._buffer) > CHUNK_BYTES:
            self._seal(bytes(self._buffer[:CHUNK_BYTES]), last=False)
            del self._buffer[:CHUNK_BYTES]
        return memoryview(data).nbytes

    def finish(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._buffer), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, None))
        self._number += 1


class Decrypted(io.RawIOBase):
    """Reads what `Encrypted` wrote with one of these keys; raises BackupError if it is not that."""

    def __init__(self, source: BinaryIO, keys: str) -> None:
        super().__init__()
        header = source.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            raise DamageError("the backup is damaged: it was cut off")
        salt, check = header[len(MAGIC) : -CHECK_BYTES], header[-CHECK_BYTES:]
        candidates = (_file_key(key, salt) for key in keys.split(","))
        found = [cipher for cipher, of_key in candidates if hmac.compare_digest(of_key, check)]
        if not found:
            raise BackupError("BACKUP_ENCRYPTION_KEY lacks the key that this backup was made with")
        self._cipher = found[0]
        self._source = source
        self._number = 0
        self._plain = b""
        self._next: bytes | None = source.read(CHUNK_BYTES + TAG_BYTES)  # None: the end was seen

    def readable(self) -> bool:
        """Say what this file is for."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Give out decrypted bytes, 0 at the end."""
        target = memoryview(buffer).cast("B")
        if not self._plain and self._next is not None:
            self._plain = self._open(self._next)
        count = min(len(target), len(self._plain))
        target[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _open(self, chunk: bytes) -> bytes:
        self._next = self._source.read(CHUNK_BYTES + TAG_BYTES) or None
        nonce = _nonce(self._number, last=self._next is None)
        self._number += 1
        try:
            return self._cipher.decrypt(nonce, chunk, None)
        except InvalidTag:
            raise DamageError("the backup is damaged: it was changed or cut off") from None


def is_encrypted(source: BinaryIO) -> bool:
    """Whether the file, which is left at its start, is one of ours."""
    start = source.read(len(MAGIC))
    source.seek(0)
    return start == MAGIC


def _file_key(key: str, salt: bytes) -> tuple[AESGCM, bytes]:
    """Return the cipher of one file, and bytes that tell whether a key is the right one."""
    derivation = HKDF(SHA256(), 32 + CHECK_BYTES, salt, info=MAGIC)
    derived = derivation.derive(urlsafe_b64decode(key.strip()))
    return AESGCM(derived[:32]), derived[32:]


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])
