"""LangGraph's checkpoints on SQLite, each read and each write one job of one worker thread.

The library's asynchronous saver hops threads for every statement, see docs/decisions/0004.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite import SqliteSaver

T = TypeVar("T")
Telling = Callable[[Exception], Exception]
"""Says in a sentence what a failing file needs."""

_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000")


class CheckpointFile(SqliteSaver):
    """What a graph that is run asynchronously needs of a saver; listing checkpoints is not part of it."""

    def __init__(
        self, connection: sqlite3.Connection, serde: SerializerProtocol, told: Telling
    ) -> None:
        super().__init__(connection, serde=serde)
        self._told = told
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="checkpoints")

    @classmethod
    async def open(cls, path: Path, serde: SerializerProtocol, told: Telling) -> "CheckpointFile":
        """Open the file and make its tables. This and every other method raises what `told` makes of errors."""
        try:
            connection = sqlite3.connect(path, check_same_thread=False)
        except sqlite3.Error as error:
            raise told(error) from error
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            file = cls(connection, serde, told)
            await file._in_worker(file.setup)
        except sqlite3.Error as error:
            connection.close()
            raise told(error) from error
        except BaseException:
            connection.close()
            raise
        return file

    async def close(self) -> None:
        """Let what is being written be written, then let go of the file."""
        await asyncio.to_thread(self._worker.shutdown)
        self.conn.close()

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await self._in_worker(lambda: self.get_tuple(config))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return await self._in_worker(lambda: self.put(config, checkpoint, metadata, new_versions))

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        await self._in_worker(lambda: self.put_writes(config, writes, task_id, task_path))

    async def check(self) -> None:
        """Read and be able to write, or raise what `told` makes of it."""

        def look() -> None:
            self.conn.execute("BEGIN IMMEDIATE")
            self.conn.execute("SELECT count(*) FROM (SELECT 1 FROM checkpoints LIMIT 1)")
            self.conn.rollback()

        await self._in_worker(look)

    async def forget(self, thread_id: str) -> None:
        """Delete what is remembered of a conversation."""
        await self._in_worker(lambda: self.delete_thread(thread_id))

    async def _in_worker(self, job: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, job)
        except (sqlite3.Error, ValueError) as error:
            # What can't be decoded is a ValueError.
            raise self._told(error) from error
