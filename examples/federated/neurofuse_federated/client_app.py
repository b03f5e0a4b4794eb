"""A centre: what runs where the recordings are.

`flower-supernode --node-config 'name="anna" config="/data/anna.json" out="/data/anna"'` says which.
"""

from flwr.app import ConfigRecord, Context, Message, RecordDict  # pyright: ignore[reportMissingImports]
from flwr.clientapp import ClientApp  # pyright: ignore[reportMissingImports]

from neurofuse.models.federated.centre import Centre
from neurofuse_federated import CONTENT

app = ClientApp()


@app.query()
def name(message: Message, context: Context) -> Message:
    """Who this is."""
    return _reply(message, str(context.node_config["name"]).encode())


@app.train()
def train(message: Message, context: Context) -> Message:
    """One round. Each may run in a process of its own: the centre's state is in its folder."""
    own = context.node_config
    centre = Centre(str(own["name"]), str(own["config"]), str(own["out"]))
    return _reply(message, centre.answer(message.content[CONTENT][CONTENT]))


def _reply(message: Message, content: bytes) -> Message:
    return Message(RecordDict({CONTENT: ConfigRecord({CONTENT: content})}), reply_to=message)
