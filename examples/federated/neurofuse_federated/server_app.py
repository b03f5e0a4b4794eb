"""The server: neurofuse's rounds, whose messages Flower carries."""

import logging
import time
from collections.abc import Mapping

from flwr.app import ConfigRecord, Context, Message, RecordDict  # pyright: ignore[reportMissingImports]
from flwr.serverapp import Grid, ServerApp  # pyright: ignore[reportMissingImports]

from neurofuse.models.federated.server import Server
from neurofuse_federated import CONTENT

LOOK = 1.0  # s between looks for centres

app = ServerApp()


class Nodes:
    """A link to the centres behind Flower's nodes."""

    def __init__(self, grid: Grid):
        self.grid = grid
        self.names: dict[int, str] = {}  # by node

    def centres(self) -> list[str]:
        """Names of the centres that are connected."""
        nodes = list(self.grid.get_node_ids())
        new = {node: b"" for node in nodes if node not in self.names}
        answers = self._answers(new, "query", 60.0)
        self.names |= {node: name.decode() for node, name in answers.items()}
        return sorted(self.names[node] for node in nodes if node in self.names)

    def wait_for(self, count: int, patience: float) -> list[str]:
        """Wait until so many centres are connected, or no longer than `patience` [s]."""
        until = time.monotonic() + patience
        while len(self.centres()) < count and time.monotonic() < until:
            time.sleep(LOOK)
        return self.centres()

    def exchange(self, messages: Mapping[str, bytes], patience: float) -> dict[str, bytes]:
        """Answers by centre; those that gave none within `patience` [s] are missing."""
        nodes = {name: node for node, name in self.names.items()}
        asked = {nodes[name]: message for name, message in messages.items()}
        answers = self._answers(asked, "train", patience)
        return {self.names[node]: answer for node, answer in answers.items()}

    def _answers(self, asked: Mapping[int, bytes], kind: str, patience: float) -> dict[int, bytes]:
        messages = [
            Message(
                RecordDict({CONTENT: ConfigRecord({CONTENT: content})}),
                dst_node_id=node,
                message_type=kind,
            )
            for node, content in asked.items()
        ]
        replies = self.grid.send_and_receive(messages, timeout=patience) if messages else ()
        return {
            reply.metadata.src_node_id: reply.content[CONTENT][CONTENT]
            for reply in replies
            if not reply.has_error()
        }


@app.main()
def main(grid: Grid, context: Context) -> None:
    """All rounds; the weights are in the server's folder afterwards."""
    logging.getLogger("neurofuse").setLevel(logging.INFO)
    config = context.run_config
    server = Server(str(config["federation"]), str(config["out"]), resume=bool(config["resume"]))
    nodes = Nodes(grid)
    joined = nodes.wait_for(int(config["centres"]), server.federation.patience)
    print("training with", ", ".join(joined), flush=True)
    print("trained:", server.run(nodes), flush=True)
    for line in server.record.summary(server.federation.delta):
        print(line, flush=True)
