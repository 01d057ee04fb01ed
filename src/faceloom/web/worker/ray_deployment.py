"""Workers as Ray Serve deployments, in a local cluster or in the cluster of RAY_ADDRESS.

Ray comes with the extra `scale`, and is imported when workers are started.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from faceloom.errors import MissingExtra
from faceloom.web.worker.messages import Cancel, CannotStart, Forget, FromWorker, Progress, Ready, Request
from faceloom.web.worker.process import Worker
from faceloom.web.worker.ray_client import Answer, RemoteWorker

if TYPE_CHECKING:  # at run time this would load torch in the server
    from faceloom.web.worker.studio import BoothStudio

MAX_REQUESTS = 1000  # requests that Ray passes to a worker at once: the worker has a queue with priorities of its own


class DeployedWorker:
    """A `Worker` in a deployment, which returns the answers of each request as a stream."""

    def __init__(self, make_studio: Callable[[], BoothStudio]) -> None:
        from faceloom.memory import keep_memory
        from faceloom.web.worker.state import WorkerState
        from faceloom.web.worker.tasks import run_task

        keep_memory()
        state = WorkerState(make_studio())
        state.warm_up()
        self.facts = state.ready()
        self.streams: dict[int, tuple[asyncio.AbstractEventLoop, asyncio.Queue[Answer]]] = {}
        self.worker = Worker(self._send, partial(run_task, state), state.forget)
        self.worker.start()

    async def describe(self) -> Ready:
        """Return the facts of the worker."""
        return self.facts

    async def ask(self, message: Request | Forget) -> AsyncIterator[Answer]:
        """Pass a message to the worker; yield its progress reports, and its answer last."""
        answers: asyncio.Queue[Answer] = asyncio.Queue()
        self.streams[message.id] = asyncio.get_running_loop(), answers
        try:
            await asyncio.to_thread(self.worker.take, message)
            while True:
                answer = await answers.get()
                yield answer
                if not isinstance(answer, Progress):
                    return
        finally:
            del self.streams[message.id]

    async def cancel(self, message: Cancel) -> None:
        """Cancel a request."""
        self.worker.take(message)

    def _send(self, message: FromWorker) -> None:
        """Pass an answer from a thread of the worker to the stream of its request."""
        if isinstance(message, Ready | CannotStart):
            return
        stream = self.streams.get(message.id)
        if stream:
            loop, answers = stream
            loop.call_soon_threadsafe(answers.put_nowait, message)


class RayDeployment:
    """Workers as Ray Serve deployments, in the cluster of RAY_ADDRESS or in a local one. Raises MissingExtra.

    `count` is the number of workers; `cores` the processor cores that Ray reserves for each.
    """

    def __init__(self, count: int, cores: float = 1.0) -> None:
        if not importlib.util.find_spec("ray"):
            raise MissingExtra("several workers", "scale")
        self.count, self.cores = count, cores
        self.started_cluster = False

    def start(self, make_studio: Callable[[], BoothStudio]) -> Sequence[RemoteWorker]:
        """Start the workers and wait until they run."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray must not report usage statistics
        import ray
        from ray import serve

        if not ray.is_initialized():
            local = (
                {} if os.environ.get("RAY_ADDRESS") else {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
            )
            ray.init(log_to_driver=False, configure_logging=False, **local)
            self.started_cluster = True
        serve.start(proxy_location="Disabled")  # the server has its own API
        deployment = serve.deployment(DeployedWorker).options(
            num_replicas=1, max_ongoing_requests=MAX_REQUESTS, ray_actor_options={"num_cpus": self.cores}
        )
        applications = [deployment.bind(make_studio) for _ in range(self.count)]
        return [
            _RayWorker(serve.run(application, name=f"faceloom-{number}", route_prefix=None))
            for number, application in enumerate(applications)
        ]

    def stop(self) -> None:
        """End the workers, and the local cluster if this object started it."""
        import ray
        from ray import serve

        for number in range(self.count):
            serve.delete(f"faceloom-{number}")
        if self.started_cluster:
            serve.shutdown()
            ray.shutdown()


class _RayWorker:
    """A worker behind the handle of a Ray Serve deployment."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle

    async def describe(self) -> Ready:
        facts: Ready = await self.handle.describe.remote()
        return facts

    async def ask(self, message: Request | Forget) -> AsyncIterator[Answer]:
        async for answer in self.handle.options(stream=True).ask.remote(message):
            yield answer

    async def cancel(self, message: Cancel) -> None:
        await self.handle.cancel.remote(message)
