"""The worker's threads without a process: priorities, replaced previews, cancellation; and the table of tasks."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from faceloom.errors import LatentError
from faceloom.web.worker import messages
from faceloom.web.worker.cache import PreviewKey, VisitErased
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import (
    Done,
    Failed,
    Forget,
    FromWorker,
    Generate,
    PersonRef,
    Priority,
    Progress,
    Render,
    Request,
    Task,
)
from faceloom.web.worker.process import Worker
from faceloom.web.worker.state import WorkerState
from faceloom.web.worker.tasks import HANDLERS, run_task
from tests.web.tiny_booth import TinyStudio


@dataclass(frozen=True)
class Quick(Task[str]):
    """Return the name."""

    name: str


@dataclass(frozen=True)
class Gated(Task[str]):
    """Wait for the gate, then return the name."""

    name: str


@dataclass(frozen=True)
class Long(Task[str]):
    """Open the gate, then take many small steps."""


@dataclass(frozen=True)
class Fail(Task[None]):
    """Raise an error."""

    error: Exception


class Pipe:
    """The server's end of the pipe: collects the answers."""

    def __init__(self) -> None:
        self.messages: list[FromWorker] = []
        self.arrived = threading.Condition()

    def send(self, message: FromWorker) -> None:
        with self.arrived:
            self.messages.append(message)
            self.arrived.notify_all()

    def answer(self, id: int, seconds: float = 5) -> Done | Failed:
        """Wait for the answer to a request."""
        end = time.monotonic() + seconds
        with self.arrived:
            while True:
                for message in self.messages:
                    if isinstance(message, Done | Failed) and message.id == id:
                        return message
                assert self.arrived.wait(end - time.monotonic()), self.messages

    def result(self, id: int) -> Any:
        """Wait for the result of a request."""
        answer = self.answer(id)
        assert isinstance(answer, Done), answer
        return answer.result

    def code(self, id: int) -> str:
        """Wait for the failure of a request and return its code."""
        answer = self.answer(id)
        assert isinstance(answer, Failed), answer
        return answer.failure.code


class FakeTasks:
    """Runs the tasks of these tests."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.forgotten: list[tuple[str, str]] = []
        self.gate = threading.Event()

    def run(self, task: Task[Any], context: TaskContext) -> Any:
        match task:
            case Quick():
                self.done.append(task.name)
                return task.name
            case Gated():
                self.gate.wait(5)
                self.done.append(task.name)
                return task.name
            case Long():
                self.gate.set()
                for step in range(1000):
                    context.check_cancelled()
                    context.report(step)
                    time.sleep(0.005)
                return "finished"
            case Fail():
                raise task.error

    def forget(self, folder: str, prefix: str) -> None:
        self.forgotten.append((folder, prefix))


@pytest.fixture
def tasks() -> FakeTasks:
    return FakeTasks()


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def worker(tasks: FakeTasks, pipe: Pipe) -> Iterator[Worker]:
    worker = Worker(pipe.send, tasks.run, tasks.forget)
    worker.start()
    return worker


def request(
    id: int,
    make: Callable[[str], Task[Any]] = Quick,
    priority: Priority = Priority.PREVIEW,
    *,
    key: str = "",
    sequence: int = 0,
    visit: str = "",
) -> Request:
    return Request(id, make(str(id)), priority, visit, key, sequence)


def long(name: str) -> Long:
    return Long()


def test_the_newest_preview_is_drawn_and_replaced_ones_are_dropped(worker: Worker, pipe: Pipe, tasks: FakeTasks):
    worker.put(request(1, Gated, key="ann", sequence=1))
    time.sleep(0.05)  # until it runs
    for id in (2, 3, 4):
        worker.put(request(id, key="ann", sequence=id))
    worker.put(request(5, key="bob", sequence=1))
    worker.put(request(6, key="ann", sequence=3))  # arrives late
    tasks.gate.set()
    assert pipe.result(4) == "4"
    assert pipe.result(1) == "1"
    assert pipe.result(5) == "5"
    assert {id: pipe.code(id) for id in (2, 3, 6)} == dict.fromkeys((2, 3, 6), "stale")


def test_a_picture_is_drawn_during_an_encoding(worker: Worker, pipe: Pipe, tasks: FakeTasks):
    worker.put(request(1, long, Priority.ENCODE))
    tasks.gate.wait(5)
    start = time.monotonic()
    worker.put(request(2))
    assert pipe.result(2) == "2"
    assert time.monotonic() - start < 0.5
    worker.cancel(id=1)
    assert pipe.code(1) == "stopped"


def test_background_work_makes_room_for_an_encoding(worker: Worker, pipe: Pipe, tasks: FakeTasks):
    worker.put(request(1, long, Priority.IMPROVE))
    tasks.gate.wait(5)
    worker.put(request(2, Quick, Priority.ENCODE))
    assert pipe.result(2) == "2"
    assert pipe.code(1) == "stopped"


def test_background_work_pauses_after_a_preview(worker: Worker, pipe: Pipe, tasks: FakeTasks):
    worker.put(request(1, long, Priority.IMPROVE))
    tasks.gate.wait(5)
    worker.put(request(2, key="ann", sequence=1))
    pipe.answer(2)
    time.sleep(0.1)
    reports = len(pipe.messages)
    time.sleep(0.3)
    assert len(pipe.messages) == reports
    worker.cancel(id=1)
    assert pipe.code(1) == "stopped"


def test_the_lowest_priority_value_runs_first(worker: Worker, pipe: Pipe, tasks: FakeTasks):
    worker.put(request(1, Gated, Priority.ENCODE))
    time.sleep(0.05)
    for id, priority in ((2, Priority.IMPROVE), (3, Priority.CALIBRATE), (4, Priority.ENCODE)):
        worker.put(request(id, Quick, priority))
    tasks.gate.set()
    for id in (2, 3, 4):
        pipe.answer(id)
    assert tasks.done == ["1", "4", "3", "2"]


def test_all_requests_of_a_visit_are_canceled(worker: Worker, pipe: Pipe, tasks: FakeTasks):
    worker.put(request(1, long, Priority.ENCODE, visit="a"))
    tasks.gate.wait(5)
    worker.put(request(2, Quick, Priority.ENCODE, visit="a"))
    worker.put(request(3, Quick, Priority.ENCODE, visit="b"))
    worker.take(Forget(4, "a", "folder", "prefix"))
    assert pipe.result(4) is None
    assert tasks.forgotten == [("folder", "prefix")]
    assert pipe.code(1) == "stopped"
    assert pipe.code(2) == "stopped"
    assert pipe.result(3) == "3"


def test_reports_reach_the_server(worker: Worker, pipe: Pipe, tasks: FakeTasks):
    worker.put(request(1, long, Priority.ENCODE))
    tasks.gate.wait(5)
    time.sleep(0.1)
    worker.cancel(id=1)
    pipe.answer(1)
    reports = [message.report for message in pipe.messages if isinstance(message, Progress)]
    assert reports == list(range(len(reports)))
    assert reports


@pytest.mark.parametrize(
    ("error", "code"),
    [(LatentError("no", "do"), "latent_error"), (MemoryError(), "no_memory"), (ZeroDivisionError(), "internal")],
)
def test_the_worker_survives_errors(worker: Worker, pipe: Pipe, error: Exception, code: str):
    worker.put(request(1, lambda name: Fail(error), Priority.INTERACTIVE))
    assert pipe.code(1) == code
    worker.put(request(2, Quick, Priority.INTERACTIVE))
    assert pipe.result(2) == "2"


def test_every_task_has_a_handler_of_its_types():
    declared = {value for value in vars(messages).values() if inspect.isclass(value) and issubclass(value, Task)} - {
        Task
    }
    assert set(HANDLERS) == declared
    for message, handler in HANDLERS.items():
        (base,) = message.__orig_bases__  # type: ignore[attr-defined]
        hints = get_type_hints(handler)
        assert hints["task"] is message
        assert (hints["return"],) == get_args(base), message


def test_files_of_an_erased_visit_are_not_written(tmp_path: Path):
    state = WorkerState(TinyStudio())
    context = TaskContext(lambda report: None, lambda: None)
    folder, person = str(tmp_path / "visit"), PersonRef(str(tmp_path / "visit"), "ann")
    run_task(state, Generate(folder, "ann", 1, 0.7), context)
    run_task(state, Generate(folder, "bob", 2, 0.7), context)
    assert run_task(state, Render(person, 64), context).startswith(b"\xff\xd8")
    key = PreviewKey.of(person, "age", 4.0, 64)
    state.previews.add(key, b"jpeg")
    state.forget(folder, "ann")
    assert state.previews.get(key) is None
    state.previews.add(key, b"jpeg")
    assert state.previews.get(key) is None
    with pytest.raises(VisitErased):
        run_task(state, Generate(folder, "ann", 1, 0.7), context)
    run_task(state, Generate(folder, "bob", 2, 0.7), context)
    state.forget(folder)
    with pytest.raises(VisitErased):
        run_task(state, Generate(folder, "bob", 2, 0.7), context)
