"""The queue of tasks where there is no Redis: a folder with a file for each message, as kombu's filesystem transport has it.

kombu 5.7.0 (`kombu/transport/filesystem.py`) creates a message's file and fills it afterwards, and lets what it cannot
read end the worker that came upon it. Here a file appears with all of its content, and what cannot be read is moved to a
folder of its own and logged.
"""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError, SerializationError, SerializerNotInstalled
from kombu.transport import filesystem, virtual
from kombu.transport.filesystem import LOCK_EX, exchange_queue_t, lock
from kombu.utils.json import dumps, loads
from kombu.utils.objects import cached_property

log = logging.getLogger(__name__)

MALFORMED = (
    ValueError, LookupError, TypeError, AttributeError, RecursionError, SerializationError, SerializerNotInstalled,
)  # fmt: skip
"""What kombu and Celery raise where a message is at fault."""
UNREADABLE = (OSError, *MALFORMED)
LARGEST_BYTES = 16 * 1024 * 1024
MOST_KEPT = 100
LONGEST_KEPT_SECONDS = 30 * 24 * 3600
DRAFT = ".new"
DRAFT_IS_STALE_SECONDS = 3600


def write_whole(file: Path, content: str) -> None:
    """Write a file that appears under its name with all of its content, or not at all."""
    draft = file.with_name(file.name + DRAFT)
    try:
        draft.write_text(content)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


class Channel(filesystem.Channel):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._immovable: set[Path] = set()

    @cached_property
    def unreadable_folder(self) -> Path:
        return Path(self.transport_options["unreadable_folder"])

    # Messages

    def _put(self, queue: str, payload: dict[str, Any], **_options: Any) -> None:
        file = Path(self.data_folder_out, f"{time.time_ns():020}_{uuid4()}.{queue}.msg")
        try:
            write_whole(file, dumps(payload))
        except OSError as error:
            raise ChannelError(f"Cannot write {file}") from error

    def _get(self, queue: str) -> dict[str, Any]:
        return self._take(queue)[1]

    def _get_and_deliver(self, queue: str, callback: Callable[[dict[str, Any], str], None]) -> None:
        """Hand the next message over; put it aside where the receiver cannot make sense of it."""
        file, payload = self._take(queue)
        try:
            callback(payload, queue)
        except MALFORMED as error:
            self.qos.ack(payload["properties"]["delivery_tag"])
            self._put_aside(file, error, content=dumps(payload))

    def _take(self, queue: str) -> tuple[Path, dict[str, Any]]:
        """Take the oldest message that can be read; raise `Empty` where there is none."""
        folder = Path(self.data_folder_in)
        for file in sorted(folder.iterdir()):
            if file.suffix == DRAFT:
                self._put_aside_stale(file)
            elif file.name.partition(".")[2] == f"{queue}.msg" and file not in self._immovable:
                try:
                    payload = self._read(file)
                    file.unlink()
                except FileNotFoundError:
                    continue  # another reader was faster
                except UNREADABLE as error:
                    self._put_aside(file, error)
                else:
                    return file, payload
        raise Empty

    def _read(self, file: Path) -> dict[str, Any]:
        """Return the message of a file, or raise one of `UNREADABLE`."""
        if not file.is_file() or file.stat().st_size > LARGEST_BYTES:
            raise ValueError("not a file, or too large")
        payload: dict[str, Any] = loads(file.read_bytes())
        message = self.Message(payload, channel=self)
        # By these it is acknowledged, and put back where nobody acknowledged it.
        if not isinstance(message.delivery_tag, str) or not {"exchange", "routing_key"} <= message.delivery_info.keys():
            raise ValueError("no delivery tag, exchange or routing key")
        return payload

    # What cannot be read

    def _put_aside(self, file: Path, reason: Exception, content: str | None = None) -> None:
        """Move a file to where nobody reads it, or write there what it held; keep a bounded number of such files."""
        aside = self.unreadable_folder / file.name
        try:
            self.unreadable_folder.mkdir(mode=0o700, exist_ok=True)
            if content is None:
                file.replace(aside)
            else:
                aside.write_text(content)
            os.utime(aside, follow_symlinks=False)
        except FileNotFoundError:
            return  # another reader was faster
        except OSError as error:
            self._immovable.add(file)
            log.error("%s cannot be read (%s: %s), nor moved: %s", file, type(reason).__name__, reason, error)
            return
        log.warning("Put aside what cannot be read as a message: %s (%s: %s)", aside, type(reason).__name__, reason)
        with suppress(OSError):  # another process may be removing the same ones
            self._remove_old_ones()

    def _put_aside_stale(self, draft: Path) -> None:
        """Put aside what a killed writer left behind."""
        with suppress(FileNotFoundError):
            if time.time() - draft.lstat().st_mtime > DRAFT_IS_STALE_SECONDS:
                self._put_aside(draft, ValueError("its writer was killed"))

    def _remove_old_ones(self) -> None:
        oldest = time.time() - LONGEST_KEPT_SECONDS
        newest_first = sorted(self.unreadable_folder.iterdir(), key=lambda file: file.lstat().st_mtime, reverse=True)
        for number, file in enumerate(newest_first):
            if number >= MOST_KEPT or file.lstat().st_mtime < oldest:
                if file.is_dir() and not file.is_symlink():
                    shutil.rmtree(file, ignore_errors=True)
                else:
                    file.unlink(missing_ok=True)

    # Which queues an exchange leads to

    def get_table(self, exchange: str) -> list[exchange_queue_t]:
        """Return the bindings in the exchange's file, and this process's own, which a lost file does not take along."""
        try:
            noted = self._noted(exchange)
        except UNREADABLE:
            with self._changing(exchange) as noted:
                pass
        return list(dict.fromkeys([*self._own(exchange), *noted]))

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str | None, queue: str) -> None:
        with self._changing(exchange) as noted:
            binding = exchange_queue_t(routing_key or "", pattern or "", queue)
            noted[:] = dict.fromkeys([binding, *noted])

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str | None, *_args: Any, **_options: Any
    ) -> None:
        self._purge(queue)
        binding = exchange_queue_t(routing_key or "", pattern or "", queue)
        own = self.state.exchanges.get(exchange, {}).get("table", [])
        own[:] = [meta for meta in own if tuple(part or "" for part in meta) != binding]
        with self._changing(exchange) as noted:
            noted[:] = [other for other in noted if other != binding]

    def _own(self, exchange: str) -> list[exchange_queue_t]:
        table = self.state.exchanges.get(exchange, {}).get("table", [])
        return [exchange_queue_t(*(part or "" for part in meta)) for meta in table]

    def _noted(self, exchange: str) -> list[exchange_queue_t]:
        """Return the bindings in the exchange's file, or raise one of `UNREADABLE`."""
        try:
            rows = loads(self._exchange_file(exchange).read_bytes())
        except FileNotFoundError:
            return []
        table = [exchange_queue_t(*row) for row in rows]
        if not all(isinstance(part, str) for row in table for part in row):
            raise ValueError("not a table of bindings")
        return table

    @contextmanager
    def _changing(self, exchange: str) -> Iterator[list[exchange_queue_t]]:
        """Let the block change the bindings that are noted, one process at a time; begin anew where they are unreadable."""
        file = self._exchange_file(exchange)
        with file.with_name(f"{file.name}.lock").open("w") as gate:
            lock(gate, LOCK_EX)
            try:
                table = self._noted(exchange)
            except UNREADABLE as error:
                self._put_aside(file, error)
                table = self._own(exchange)
            before = list(table)
            yield table
            if table != before or not file.exists():
                write_whole(file, dumps(table))


class Transport(filesystem.Transport):
    Channel = Channel
    global_state = virtual.BrokerState()
