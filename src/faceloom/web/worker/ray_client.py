"""Several workers behind one server, as Ray Serve deployments: on this machine, or wherever a Ray cluster reaches.

Each visit stays with one worker, which remembers its weights and what was forgotten; the folder of visits is shared.
Everything above sees one workshop, as ever. Ray comes with the extra `scale`, and is imported when workers are started.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol

from faceloom.errors import MissingExtra
from faceloom.web.worker.client import LOST, WorkerClient
from faceloom.web.worker.messages import Message
from faceloom.web.worker.process import Job, Worker

ONGOING = 1000  # requests that a worker takes: it has a queue of its own, which knows what goes first
PINNED = 4096  # visits whose worker is remembered

log = logging.getLogger("faceloom.booth")


class Hand(Protocol):
    """What the server holds of a worker."""

    def ask(self, message: Message) -> AsyncIterator[Message]:
        """Pass a request on; its progress, and last its answer."""
        ...

    async def tell(self, message: Message) -> None:
        """Pass on what has no answer."""
        ...


class Maker:
    """A worker, as a deployment: the booth's own `Worker`, whose answers go back request by request."""

    def __init__(self, make: Callable[[], Any]) -> None:
        from faceloom.memory import keep_memory
        from faceloom.web.worker.tasks import tasks_of

        keep_memory()
        atelier = make()
        atelier.warm_up()
        self.facts = {"generator": atelier.studio.generator.name, "sliders": bool(atelier.basis)}
        self.answers: dict[int, tuple[asyncio.AbstractEventLoop, asyncio.Queue[Message]]] = {}
        self.worker = Worker(self, tasks_of(atelier))  # type: ignore[arg-type]  # of the pipe it needs `send` only
        self.worker.start()

    def send(self, message: Message) -> None:
        """What the worker answers, from whichever of its threads."""
        known = self.answers.get(message["id"])
        if known:
            loop, queue = known
            loop.call_soon_threadsafe(queue.put_nowait, message)

    async def ask(self, message: Message) -> AsyncIterator[Message]:
        """Do what is asked; progress as it comes, and last the answer."""
        kind, number = message.pop("kind"), message["id"]
        queue: asyncio.Queue[Message] = asyncio.Queue()
        self.answers[number] = asyncio.get_running_loop(), queue
        try:
            if kind == "hello":
                yield {"id": number, "result": self.facts}
                return
            await asyncio.to_thread(self._begin, kind, message)
            while True:
                answer = await queue.get()
                yield answer
                if "progress" not in answer:
                    return
        finally:
            del self.answers[number]

    async def tell(self, message: Message) -> None:
        """Stop something."""
        self.worker.stop(id=message["id"])

    def _begin(self, kind: str, message: Message) -> None:
        if kind == "ask":
            self.worker.put(Job(**message))
        else:
            self.worker.stop(visit=message["visit"])
            self.worker.run(Job(message["id"], "forget", message["args"], -2))


class Workers(WorkerClient):
    """Several workers that look like one. `deploy` starts them and gives a hand of each."""

    def __init__(self, make: Callable[[], Any], deploy: Callable[[Callable[[], Any]], Sequence[Hand]]) -> None:
        super().__init__(make)
        self.deploy = deploy
        self.hands: Sequence[Hand] = ()
        self.pinned: dict[str, int] = {}
        self.at: dict[int, int] = {}
        self.carrying: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the workers; `ready` is set when all of them can serve."""
        self.loop = asyncio.get_running_loop()
        task = self.loop.create_task(self._open())
        self.carrying.add(task)
        task.add_done_callback(self.carrying.discard)

    async def close(self) -> None:
        """End the workers."""
        self.closing = True
        for task in list(self.carrying):
            task.cancel()
        end = getattr(self.deploy, "end", None)
        if end:
            await asyncio.to_thread(end)

    @property
    def alive(self) -> bool:
        """Whether the workers can serve now; one that dies is started again by Ray."""
        return self.ready.is_set()

    async def _open(self) -> None:
        try:
            self.hands = await asyncio.to_thread(self.deploy, self.make)
            for hand in self.hands:
                async for answer in hand.ask({"kind": "hello", "id": 0}):
                    self.facts = {**answer["result"], "workers": len(self.hands)}
        except Exception as error:
            log.exception("the workers could not be started")
            self.error = {"code": "no_workers", "message": f"the workers could not be started: {error}", "hint": ""}
        else:
            self.ready.set()
        self.settled.set()

    def _send(self, message: Message) -> None:
        task = self.loop.create_task(self._carry(message))
        self.carrying.add(task)
        task.add_done_callback(self.carrying.discard)

    async def _carry(self, message: Message) -> None:
        """Take a message to its worker, and its answers back."""
        number = message["id"]
        try:
            if message["kind"] == "stop":
                if number in self.at:
                    await self.hands[self.at[number]].tell(message)
                return
            self.at[number] = self.place_of(message)
            async for answer in self.hands[self.at[number]].ask(message):
                self._take(answer)
        except Exception:
            if not self.closing:
                log.warning("a worker was lost", exc_info=True)
                self._take({"id": number, "error": LOST})
        finally:
            if message["kind"] != "stop":
                self.at.pop(number, None)

    def place_of(self, message: Message) -> int:
        """The worker of a visit: the one that has least to do when the visit first asks for something."""
        visit = message.get("visit") or str(message.get("args", {}).get("folder", "")).rpartition("/")[2]
        if visit not in self.pinned:
            busy = Counter(self.at.values())
            chosen = min(range(len(self.hands)), key=lambda n: (busy[n], list(self.pinned.values()).count(n)))
            if not visit:
                return chosen
            self.pinned[visit] = chosen
            while len(self.pinned) > PINNED:
                del self.pinned[next(iter(self.pinned))]
        return self.pinned[visit]

    def _kill(self) -> None:
        log.error("a worker does not answer: its Ray deployment looks after that")


class OnRay:
    """Starts workers as Ray Serve deployments, in the cluster of RAY_ADDRESS or a local one.

    Raises MissingExtra without Ray.
    """

    def __init__(self, count: int, cores: float = 1.0) -> None:
        if not importlib.util.find_spec("ray"):
            raise MissingExtra("several workers", "scale")
        self.count, self.cores = count, cores
        self.began = False

    def __call__(self, make: Callable[[], Any]) -> Sequence[Hand]:
        """Start them and wait until they run."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
        import ray
        from ray import serve

        if not ray.is_initialized():
            local = (
                {} if os.environ.get("RAY_ADDRESS") else {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
            )
            ray.init(log_to_driver=False, configure_logging=False, **local)
            self.began = True
        serve.start(proxy_location="Disabled")  # the API is ours
        deployment = serve.deployment(Maker).options(
            num_replicas=1, max_ongoing_requests=ONGOING, ray_actor_options={"num_cpus": self.cores}
        )
        bound = [deployment.bind(make) for _ in range(self.count)]
        return [_RayHand(serve.run(one, name=f"faceloom-{n}", route_prefix=None)) for n, one in enumerate(bound)]

    def end(self) -> None:
        """End them, and the local cluster with them."""
        import ray
        from ray import serve

        for n in range(self.count):
            serve.delete(f"faceloom-{n}")
        if self.began:
            serve.shutdown()
            ray.shutdown()


class _RayHand:
    """A deployment's handle."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle

    async def ask(self, message: Message) -> AsyncIterator[Message]:
        async for answer in self.handle.options(stream=True).ask.remote(message):
            yield answer

    async def tell(self, message: Message) -> None:
        await self.handle.tell.remote(message)
