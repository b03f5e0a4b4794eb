"""Try it on one machine: a server and two centres as processes, over TLS on 127.0.0.1.

    python loopback.py OUT

Everything that it starts ends with it. OUT gets certificates, logs and the trained weights.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = ("anna", "ben")
HOST = "127.0.0.1"
PATIENCE = 900.0  # s; a minute is enough where nothing else runs


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return one.getsockname()[1]


@contextmanager
def started(command: list[str], log: Path, env: dict[str, str]) -> Iterator[subprocess.Popen]:
    """A process with all that it starts in turn, which Flower leaves behind; ended afterwards."""
    with log.open("w") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=said, env=env, start_new_session=True
        )
    try:
        yield process
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, sign)
            except ProcessLookupError:
                break
            time.sleep(2.0)
        process.wait()


def listening(port: int) -> None:
    """Wait until somebody listens on a port."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with socket.socket() as one:
            if one.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.5)
    raise SystemExit(f"nobody listens on port {port}: see the logs")


def run(out: Path) -> str:
    """What `flwr run` says of a federation of `NAMES`; its weights are in out/server."""
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run([HERE / "certificates.sh", out / "tls", HOST], check=True, capture_output=True)
    tls = {name: str(out / "tls" / name) for name in ("ca.pem", "server.pem", "server.key")}
    programs = Path(sys.executable).parent
    env = os.environ | {
        "FLWR_HOME": str(out / "flwr"),
        "FLWR_TELEMETRY_ENABLED": "0",
        "OMP_NUM_THREADS": "1",
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
    port = free_port()
    (out / "flwr").mkdir(exist_ok=True)
    (out / "flwr/config.toml").write_text(
        f'[superlink]\ndefault = "loopback"\n\n[superlink.loopback]\naddress = "{HOST}:{port}"\n'
        f'root-certificates = "{tls["ca.pem"]}"\n'
    )
    certified = [
        *("--ssl-certfile", tls["server.pem"], "--ssl-keyfile", tls["server.key"]),
        *("--ssl-ca-certfile", tls["ca.pem"]),
    ]
    superlink = [
        *("flower-superlink", *certified, "--host", HOST, "--port", str(port)),
        "--disable-runtime-dependency-installation",
    ]
    settings = (
        f'federation="{HERE / "federation.json"}" out="{out / "server"}" centres={len(NAMES)}'
    )
    with ExitStack() as running:
        running.enter_context(started(superlink, out / "superlink.log", env))
        listening(port)
        for name in NAMES:
            command = _node(name, port, tls, certified, out)
            running.enter_context(started(command, out / f"{name}.log", env))
        done = subprocess.run(
            ["flwr", "run", str(HERE), "loopback", "--stream", "--run-config", settings],
            env=env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    return done.stdout + done.stderr


def _node(name: str, port: int, tls: dict[str, str], certified: list[str], out: Path) -> list[str]:
    """The command of a centre."""
    own = f'name="{name}" config="{HERE / "centre.json"}" out="{out / name}"'
    return [
        *("flower-supernode", "--root-certificates", tls["ca.pem"], *certified),
        *("--superlink", f"{HOST}:{port}", "--host", HOST, "--port", str(free_port())),
        *("--node-config", own),
    ]


if __name__ == "__main__":
    print(run(Path(sys.argv[1]).resolve()))
