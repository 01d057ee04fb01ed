"""Attacks on the server: slow and half-open connections, hostile paths, numbers and bodies, floods and guesses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from faceloom.cli import main
from faceloom.errors import StoreError
from faceloom.web import connections
from faceloom.web.app import SingleServerLock
from faceloom.web.security import HEADERS, PIN_INTERVAL, PinGuard, RateLimiter, RequestRefused
from faceloom.web.worker.messages import Priority, RenderSeed, Request
from faceloom.web.worker.scheduler import Job, Turns
from tests.web.test_security import send
from tests.web.tiny_server import TOKEN, Client, Server, photo, served

DIGITS = "9" * 5000


@pytest.fixture(autouse=True)
def without_limits_of_earlier_tests(server: Server) -> None:
    server.booth.rate_limiter.requests.clear()


def connect(server: Server, data: bytes = b"") -> socket.socket:
    """Open a connection, and send some bytes."""
    host, port = server.base.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(data)
    return connection


def read_all(connection: socket.socket, seconds: float = 10) -> bytes:
    """Return what the server sends until it closes the connection."""
    connection.settimeout(seconds)
    received = b""
    try:
        while data := connection.recv(4096):
            received += data
    except ConnectionResetError:
        pass
    return received


def has_headers(answer: bytes | httpx.Response) -> bool:
    """Return whether an answer carries every security header once."""
    if isinstance(answer, httpx.Response):
        return all(answer.headers.get_list(name) == [value] for name, value in HEADERS.items())
    lines = answer.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
    return all(lines.count(f"{name}: {value}".lower()) == 1 for name, value in HEADERS.items())


# -- connections ------------------------------------------------------------------------------------------------------


def test_half_open_connections_do_not_starve_others(server):
    """More half-open connections than the server holds at once, in steps so that its backlog is not what is tested."""
    with ExitStack() as stack:
        opened = []
        for number in range(connections.MAX_CONNECTIONS + 10):
            opened.append(stack.enter_context(connect(server, b"GET /api/v1/health HTTP/1.1\r\nHost: ")))
            if number % 50 == 49:
                begin = time.monotonic()
                assert server.client().get("/health").status_code == 200
                assert time.monotonic() - begin < 2
        assert server.client().post("/visits").status_code == 201
        assert len(server.uvicorn.server_state.connections) <= connections.MAX_RECEIVING_PER_ADDRESS + 10
        assert opened[-1].send(b"x")  # the newest is still open


def test_slow_heads_and_bodies_are_ended(server, monkeypatch):
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.6)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.6)
    post = b"POST /api/v1/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999\r\n\r\n"
    for begin in (b"", b"GET / HTTP/1.1\r\nX: ", post):
        with connect(server, begin) as connection:
            start = time.monotonic()
            closed = threading.Event()

            def dribble(connection=connection, closed=closed) -> None:
                while not closed.wait(0.1):
                    try:
                        connection.send(b"a")
                    except OSError:
                        return

            thread = threading.Thread(target=dribble)
            thread.start()
            answer = read_all(connection)
            closed.set()
            thread.join()
            assert time.monotonic() - start < 3
            if begin.startswith(b"GET"):
                assert answer.startswith(b"HTTP/1.1 408 ")
                assert has_headers(answer)


def test_a_client_that_reads_nothing_is_disconnected(server, monkeypatch):
    monkeypatch.setattr(connections, "SEND_SECONDS", 0.5)
    request = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = server.base.removeprefix("http://").split(":")
        connection.connect((host, int(port)))
        client = connection.getsockname()
        connection.sendall(request * 150)  # more than the buffers of the system hold
        end = time.monotonic() + 10
        while any(peer.client == client for peer in list(server.uvicorn.server_state.connections)):
            assert time.monotonic() < end
            time.sleep(0.1)


def test_too_many_open_connections_of_an_address_are_refused(server, monkeypatch):
    client = server.client()
    client.post("/visits")
    monkeypatch.setattr(connections, "MAX_PER_ADDRESS", 8)
    cookie = f"Cookie: visit={client.cookies['visit']}".encode()
    stream = b"GET /api/v1/visit/events HTTP/1.1\r\nHost: 127.0.0.1\r\n" + cookie + b"\r\n\r\n"
    with ExitStack() as stack:
        answers = []
        for _ in range(12):
            connection = stack.enter_context(connect(server, stream))
            answers.append(connection.recv(4096))
        refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
        assert 1 <= len(refused) <= 8  # connections of earlier tests may be open still
        assert all(has_headers(answer) for answer in refused)


# -- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/%00", "/" + "a" * 12000, "/a%00.js", "/%ff%fe", "/..%00/x", "/assets/" + "b" * 300, "/%1b[2J", "/a\\b"]
)
def test_hostile_paths_are_answered_with_4xx_and_headers(server, path):
    with connect(server, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()) as connection:
        answer = read_all(connection)
    assert answer[9:12] in (b"404", b"400")
    assert has_headers(answer)


@pytest.mark.parametrize("garbage", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 40000])
def test_answers_to_garbage_carry_the_headers(server, garbage):
    with connect(server, garbage) as connection:
        answer = read_all(connection)
    assert answer[9:12] in (b"400", b"403")
    assert has_headers(answer)


def test_errors_of_the_server_carry_the_headers(tmp_path, caplog):
    with served(tmp_path) as server:

        def fail() -> None:
            raise ZeroDivisionError

        server.booth.settings = type("Broken", (), {"public": lambda _: fail()})()
        answer = server.client().get("/booth")
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
        assert has_headers(answer)
        assert answer.headers["cache-control"] == "no-store"


def test_chunked_bodies_that_are_too_large_are_answered_413(server, client):
    client.post("/visits")
    client.post("/visit/consent", json={"agreed": True})

    def chunks(count: int):
        yield b'{"state": "'
        for _ in range(count):
            yield b"x" * 65536

    for path in ("/visit/go", "/visit/detect"):
        answer = client.post(path, content=chunks(4), headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
        assert has_headers(answer)
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    begin = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'

    def form():
        yield begin
        for _ in range(340):
            yield bytes(65536)

    answer = client.post("/visit/photo", content=form(), headers=kind)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_numbers_of_thousands_of_digits_are_refused(server, client):
    client.headers["Authorization"] = f"Bearer {TOKEN}"
    client.post("/visits")
    bodies = {"/visit/faces": f'{{"chosen": [{DIGITS}]}}', "/generate": f'{{"seed": {DIGITS}}}'}
    bodies |= {"/operator/login": f'{{"pin": {DIGITS}}}', "/visit/go": f'{{"state": -{DIGITS}e{DIGITS}}}'}
    for path, body in bodies.items():
        answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500, path
        assert has_headers(answer)
    queries = ("/random?seed=", "/random?size=", "/lab/face?cutoff=", "/lab/face?x=", "/random?psi=")
    for path in queries:
        assert client.get(path + DIGITS).status_code == 422, path
    assert client.post("/encode", data={"face": DIGITS}, files={"photo": photo()}).status_code == 422
    for name in ("Range", "If-Range", "If-None-Match"):
        value = f"bytes={DIGITS}-{DIGITS}"
        assert httpx.get(f"{server.base}/icon.svg", headers={name: value}, trust_env=False).status_code < 500
    status, _ = send(server, "POST", "/api/v1/visits", {"Host": "127.0.0.1", "Content-Length": DIGITS})
    assert 400 <= status < 500


@pytest.mark.parametrize("number", [DIGITS, "-1", "1e9", "²", "", "99999999999999999999"])
def test_any_last_event_id_is_answered(server, client, number):
    client.post("/visits")
    with client.stream("GET", "/visit/events", headers={"Last-Event-ID": number.encode()}) as stream:
        assert stream.status_code == 200
        assert next(stream.iter_lines())


@pytest.mark.parametrize("origin", ["http://[", "http://127.0.0.1:99999999", "//", "http://testserver"])
def test_hostile_origins_are_refused(server, origin):
    headers = {"Host": "127.0.0.1", "Origin": origin, "X-Faceloom": "1", "Content-Length": "0"}
    assert send(server, "POST", "/api/v1/visits", headers)[0] == 403


def test_the_host_of_test_clients_is_not_a_name_of_the_server(server):
    assert send(server, "GET", "/api/v1/health", {"Host": "testserver"})[0] == 403


# -- floods and guesses -----------------------------------------------------------------------------------------------


def test_faces_of_the_lab_are_limited(server, client):
    statuses = {client.get("/lab/face", params={"seed": seed, "size": 64}).status_code for seed in range(310)}
    assert statuses == {200, 429}


def test_a_flood_of_faces_does_not_keep_others_waiting(server):
    flood, other = server.client(), server.client()
    other.post("/visits")
    flood.post("/visits")

    def request(client: Client, seed: int) -> float:
        begin = time.monotonic()
        assert client.get("/lab/face", params={"seed": seed, "size": 1024}).status_code == 200
        return time.monotonic() - begin

    times: list[float] = []
    threads = [threading.Thread(target=lambda n=n: times.append(request(flood, n))) for n in range(60)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    waited = request(other, 1000)
    for thread in threads:
        thread.join(60)
    assert waited < max(times) / 4 + 0.5


def job(id: int, client: str = "", *, visit: str = "", priority: Priority = Priority.PREVIEW, key: str = "") -> Job:
    return Job(Request(id, RenderSeed(id, 0.7, 64), priority, visit, key, 0, client))


def test_clients_take_turns_and_sliders_go_first():
    turns = Turns()
    waiting = [job(1, "a"), job(2, "a"), job(3, "a", key="slider"), job(4, visit="b"), job(5, "c"), job(6, "c")]
    order = []
    while waiting:
        chosen = turns.choose(waiting)
        waiting.remove(chosen)
        order.append(chosen.id)
    assert order == [3, 4, 5, 1, 6, 2]


def test_long_work_is_done_in_order():
    turns = Turns()
    waiting = [job(number, name, priority=Priority.ENCODE) for number, name in enumerate("aab")]
    assert [turns.choose(waiting[number:]).id for number in range(3)] == [0, 1, 2]


@pytest.fixture
def own_thread() -> Iterator[ThreadPoolExecutor]:
    """A thread without an event loop: tests in the browser leave theirs running in the main one."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def test_attempts_at_the_pin_are_counted_by_address(own_thread: ThreadPoolExecutor):
    now, slept = [0.0], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    guard = PinGuard(RateLimiter(lambda: now[0]), sleep)

    def tries(client: str, count: int) -> int:
        """Return the number of attempts that were admitted."""
        admitted = 0
        for _ in range(count):
            with contextlib.suppress(RequestRefused):
                own_thread.submit(asyncio.run, guard.admit(client)).result()
                admitted += 1
        return admitted

    assert tries("192.0.2.1", 9) == 5
    assert tries("192.0.2.2", 4) == 4  # another address has attempts of its own
    assert tries("127.0.0.1", 9) == 5
    guard.forgive("127.0.0.1")
    assert tries("127.0.0.1", 1) == 1
    assert tries("2001:db8::1", 3) + tries("2001:db8::2", 3) == 5  # one network of IPv6 counts as one client
    assert slept == []
    guesses = sum(tries(f"198.51.100.{number}", 5) for number in range(100))
    assert guesses <= 20 + 7  # all others together make few attempts, one at a time
    assert slept[-1] > 5
    assert tries("127.0.0.1", 1) == 1  # the operator at the machine is never slowed
    assert slept == sorted(slept)
    now[0] += 100
    assert tries("203.0.113.9", 1) == 1
    assert slept[-1] == 0 or slept[-1] <= PIN_INTERVAL


def test_a_wrong_pin_of_others_does_not_lock_the_operator_out(server, client):
    for _ in range(6):
        client.post("/operator/login", json={"pin": "x"})
    server.booth.rate_limiter.requests.pop(("pin", "127.0.0.1"))
    assert client.post("/operator/login", json={"pin": "123456"}).status_code == 204
    for pin in (b'"\\ud800"', b'"\xff"', b'"\\u0000"', b"[" * 50_000):
        answer = client.post(
            "/operator/login", content=b'{"pin": ' + pin + b"}", headers={"Content-Type": "application/json"}
        )
        assert 400 <= answer.status_code < 500


def test_the_limiter_forgets_the_oldest_clients():
    now = [0.0]
    limiter = RateLimiter(lambda: now[0])
    for number in range(20_000):
        now[0] += 1
        limiter.check("kind", f"client {number}", 5, 60)
    assert len(limiter.requests) <= 4097
    assert ("kind", "client 19999") in limiter.requests


# -- a second booth ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["booth", "--no-browser"], ["serve"]])
def test_a_second_booth_on_a_folder_ends_with_one_line(tmp_path, monkeypatch, command, capfd):
    monkeypatch.setattr("faceloom.assets.cache.open_asset", lambda name: Path(name))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with SingleServerLock(tmp_path):
        run = CliRunner().invoke(main.app, [*command, "--port", port, "--home", str(tmp_path)])
        assert isinstance(run.exception, StoreError)
        monkeypatch.setattr("sys.argv", ["faceloom", *command, "--port", port, "--home", str(tmp_path)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.run()
    assert ended.value.code == 1
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "another booth uses this folder" in lines[0]
