"""The worker's three threads, without a process: who goes first, who is dropped, who is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from faceloom.errors import LatentError
from faceloom.web.worker.messages import DESK, ENCODE, IMPROVE, QUICK, RAILS
from faceloom.web.worker.process import Job, Worker


class Pipe:
    """The server's end: what was answered."""

    def __init__(self) -> None:
        self.said: list[dict] = []
        self.coming = threading.Condition()

    def send(self, message: dict) -> None:
        with self.coming:
            self.said.append(message)
            self.coming.notify_all()

    def answer(self, number: int, seconds: float = 5) -> dict:
        """Wait for the last word on a job."""
        end = time.monotonic() + seconds
        with self.coming:
            while True:
                for message in self.said:
                    if message["id"] == number and "progress" not in message:
                        return message
                assert self.coming.wait(end - time.monotonic()), self.said


class Desk:
    """Tasks that do what the test wants."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.gate = threading.Event()

    def quick(self, args, tell, pause):
        self.done.append(args["name"])
        return args["name"]

    def gated(self, args, tell, pause):
        self.gate.wait(5)
        self.done.append(args["name"])
        return args["name"]

    def long(self, args, tell, pause):
        self.gate.set()
        for step in range(1000):
            pause()
            tell({"step": step})
            time.sleep(0.005)
        return "whole"

    def fails(self, args, tell, pause):
        raise args["error"]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def worker(desk, pipe) -> Iterator[Worker]:
    names = ("quick", "gated", "long", "fails")
    worker = Worker(pipe, {name: getattr(desk, name) for name in names})
    worker.start()
    return worker


def job(number: int, task: str, rank: int = QUICK, *, key: str = "", n: int = 0, visit: str = "", **args) -> Job:
    return Job(number, task, {"name": str(number), **args}, rank, visit, key, n)


def test_the_newest_preview_is_drawn_and_the_overtaken_are_dropped(worker, pipe, desk):
    worker.put(job(1, "gated", key="ann", n=1))
    time.sleep(0.05)  # it is being drawn
    for number in (2, 3, 4):
        worker.put(job(number, "quick", key="ann", n=number))
    worker.put(job(5, "quick", key="bob", n=1))
    worker.put(job(6, "quick", key="ann", n=3))  # comes late
    desk.gate.set()
    assert pipe.answer(4)["result"] == "4"
    assert pipe.answer(1)["result"] == "1"
    assert pipe.answer(5)["result"] == "5"
    assert {number: pipe.answer(number)["error"]["code"] for number in (2, 3, 6)} == dict.fromkeys((2, 3, 6), "stale")


def test_a_picture_is_drawn_while_a_search_goes_on(worker, pipe, desk):
    worker.put(job(1, "long", ENCODE))
    desk.gate.wait(5)
    begin = time.monotonic()
    worker.put(job(2, "quick"))
    assert pipe.answer(2)["result"] == "2"
    assert time.monotonic() - begin < 0.5
    worker.stop(id=1)
    assert pipe.answer(1)["error"]["code"] == "stopped"


def test_who_has_time_makes_room(worker, pipe, desk):
    worker.put(job(1, "long", IMPROVE))
    desk.gate.wait(5)
    worker.put(job(2, "quick", ENCODE))
    assert pipe.answer(2)["result"] == "2"
    assert pipe.answer(1)["error"]["code"] == "stopped"


def test_a_hand_on_a_slider_holds_improvements_back(worker, pipe, desk):
    worker.put(job(1, "long", IMPROVE))
    desk.gate.wait(5)
    worker.put(job(2, "quick", key="ann", n=1))
    pipe.answer(2)
    time.sleep(0.1)
    steps = len(pipe.said)
    time.sleep(0.3)
    assert len(pipe.said) == steps
    worker.stop(id=1)
    assert pipe.answer(1)["error"]["code"] == "stopped"


def test_the_lowest_rank_goes_first(worker, pipe, desk):
    worker.put(job(1, "gated", ENCODE))
    time.sleep(0.05)
    for number, rank in ((2, IMPROVE), (3, RAILS), (4, ENCODE)):
        worker.put(job(number, "quick", rank))
    desk.gate.set()
    for number in (2, 3, 4):
        pipe.answer(number)
    assert desk.done == ["1", "4", "3", "2"]


def test_a_visit_that_is_over_is_stopped_whole(worker, pipe, desk):
    worker.put(job(1, "long", ENCODE, visit="a"))
    desk.gate.wait(5)
    worker.put(job(2, "quick", ENCODE, visit="a"))
    worker.put(job(3, "quick", ENCODE, visit="b"))
    worker.stop(visit="a")
    assert pipe.answer(1)["error"]["code"] == "stopped"
    assert pipe.answer(2)["error"]["code"] == "stopped"
    assert pipe.answer(3)["result"] == "3"


@pytest.mark.parametrize(
    ("error", "code"),
    [(LatentError("no", "do"), "latent_error"), (MemoryError(), "no_memory"), (ZeroDivisionError(), "internal")],
)
def test_the_worker_outlives_what_goes_wrong(worker, pipe, error, code):
    worker.put(job(1, "fails", DESK, error=error))
    assert pipe.answer(1)["error"]["code"] == code
    worker.put(job(2, "quick", DESK))
    assert pipe.answer(2)["result"] == "2"
