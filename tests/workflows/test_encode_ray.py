"""Many photos in S3, encoded on Ray Data, of which an actor is killed. `make test-ray` installs what this needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray.data")
pytest.importorskip("s3fs")
pytest.importorskip("moto.server")
pytestmark = pytest.mark.models

PROGRAM = """
import io, os, signal, sys
from pathlib import Path

import boto3, psutil
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer("127.0.0.1", 0)
server.start()
endpoint = "http://{}:{}".format(*server.get_host_and_port())
keys = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1"}
os.environ |= keys

from faceloom.invert.budget import EncodeConfig
from faceloom.likeness import Likeness
from faceloom.workflows.encode_many.executors import encode_here
from faceloom.workflows.encode_many.ray_data import encode_on_ray
from faceloom.workflows.encode_many.run import encode_many
from faceloom.workflows.studio import Studio

studio, config, folder = Studio(), EncodeConfig(None, 1, tune=False), Path(sys.argv[1])
bucket = boto3.resource("s3").create_bucket(Bucket="faces")
for seed in range(3):
    content = io.BytesIO()
    studio.render(studio.generate(seed), 256).save(content, "PNG")
    (folder / f"{seed}.png").write_bytes(content.getvalue())
    bucket.put_object(Key=f"photos/{seed}.png", Body=content.getvalue())
bucket.put_object(Key="photos/bad.jpg", Body=b"no picture")

killed = []

def kill_one(outcome):
    for process in psutil.Process().children(recursive=True) if not killed else ():
        if "PhotoActor" in " ".join(process.cmdline()):
            os.kill(process.pid, signal.SIGKILL)
            killed.append(process.pid)
            return

arguments = {"config": config, "every_face": True}
on_ray = encode_many(studio, ["s3://faces/photos"], "s3://faces/out", executor=encode_on_ray(1), on_outcome=kill_one,
                     **arguments)
again = encode_many(studio, ["s3://faces/photos"], "s3://faces/out", **arguments)
here = encode_many(studio, [folder], folder / "out", executor=encode_here, **arguments)
names = sorted(item.key for item in bucket.objects.filter(Prefix="out/") if item.key.endswith(".likeness"))
near = []
for name in names:
    bucket.download_file(name, str(folder / "one.likeness"))
    one, other = Likeness.load(folder / "one.likeness"), Likeness.load(folder / "out" / Path(name).name)
    near.append(bool((one.w_plus - other.w_plus).abs().max() < 1e-2))
print(len(killed), on_ray.encoded, on_ray.reasons, len(again.skipped), again.encoded, here.encoded, near)
server.stop()
"""


def test_photos_in_s3_are_encoded_although_an_actor_dies(tmp_path: Path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    expected = "1 3 {'image_error': 1} 3 0 3 [True, True, True]"
    assert expected in result.stdout.splitlines(), result.stdout + result.stderr[-3000:]  # Ray prints lines of its own
