"""Rounds of a federation: equal to plain training, robust, and sparing with what they tell."""

import json

import pytest
import torch
from safetensors.torch import load_file

from neurofuse.io.errors import NeurofuseError, ParameterError
from neurofuse.models.federated.link import Together
from neurofuse.models.federated.message import pack, unpack
from neurofuse.models.federated.record import ROUNDS
from neurofuse.models.federated.update import Update
from neurofuse.models.federated.weights import trained_in, whole
from neurofuse.models.training.train import train
from tests.models.federated.conftest import TRAINING


class Listening(Together):
    """A link that keeps messages, and loses those to centres that are dead."""

    def __init__(self, centres, dead=(), dead_from=0):
        super().__init__(centres)
        self.dead, self.dead_from, self.exchanges = dead, dead_from, 0
        self.sent: list[bytes] = []
        self.answered: list[bytes] = []

    def exchange(self, messages, patience):
        gone = self.dead if self.exchanges >= self.dead_from else ()
        self.exchanges += 1
        answers = super().exchange({n: m for n, m in messages.items() if n not in gone}, patience)
        self.sent += messages.values()
        self.answered += answers.values()
        return answers


def rows(server):
    return [json.loads(r) for r in (server.record.folder / ROUNDS).read_text().splitlines()]


def test_one_centre_alone_is_plain_training_bit_for_bit(make_server, make_centre, tmp_path):
    plain = train(TRAINING | {"steps": 4}, tmp_path / "plain")
    ours = make_server(local_steps=2, precision="double").run(Together([make_centre("anna")]))
    one, other = (load_file(w.parent / "state.safetensors") for w in (plain, ours))
    names = [name for name in one if name.startswith("model.")]
    assert len(names) > 100
    assert all(torch.equal(one[name], other[name]) for name in names)
    assert plain.read_bytes() == ours.read_bytes()


def test_stopped_and_resumed_ends_at_the_same_weights(make_server, make_centre):
    whole_run = make_server().run(Together([make_centre("anna")]))
    make_server(folder="parts").take_round(Together([make_centre("anna", folder="again")]))
    server = make_server(folder="parts", resume=True)
    assert server.round == 1
    parts = server.run(Together([make_centre("anna", folder="again")]))  # a new one, of its folder
    assert whole_run.read_bytes() == parts.read_bytes()
    with pytest.raises(ParameterError, match="an earlier run"):
        make_server(folder="parts")
    with pytest.raises(ParameterError, match="begun with another proximal"):
        make_server(folder="parts", resume=True, proximal=1.0)


def test_only_weights_and_counts_leave_a_centre(make_server, make_centre):
    server, link = make_server(), Listening([make_centre("anna")])
    server.run(link)
    allowed = {n: w.shape for n, w in trained_in(server.model).items()}
    for message in link.answered:
        facts, tensors = unpack(message)
        assert facts.keys() == {"kind", "centre", "round", "windows", "people"}
        assert facts["people"] == {"eeg": 1, "nirs": 1}
        assert {n: t.shape for n, t in tensors.items()}.items() <= allowed.items()
    told = unpack(link.sent[0])[0]["federation"]["training"]
    assert not {"own", "start", "corpus"} & told.keys()
    # two bytes a weight, both ways: 20 rounds of the packaged model of one modality are 11.7 MB
    count = sum(w.numel() for w in allowed.values())
    assert len(link.answered[1]) < 2 * count + 30_000
    assert len(link.sent[1]) < 2 * count + 30_000
    assert rows(server)[1]["traffic"]["anna"] == len(link.sent[1]) + len(link.answered[1])


def test_a_modality_is_averaged_over_the_centres_that_have_it(make_server, make_centre):
    server = make_server(precision="double", training=TRAINING | {"warm_steps": 0})
    before = whole(server.model)
    both, eeg_alone = make_centre("both"), make_centre("eeg", seed=77)
    updates = [c.train(0, before, server.federation) for c in (both, eeg_alone)]
    assert updates[1].people == {"eeg": 1}
    assert any("nirs" in name for name in updates[0].change)
    assert not any(".nirs." in name for name in updates[1].change)
    after = server.aggregate(updates)
    for name, change in updates[0].change.items():
        other = updates[1].change.get(name)
        mean = change if other is None else (change + other) / 2
        assert torch.equal(after[name], (before[name].double() + mean).float()), name


def test_centres_count_as_their_people(make_server):
    server = make_server(weighting="size", precision="double")
    name, weight = next(iter(trained_in(server.model).items()))
    before = weight.clone()
    ones = torch.ones_like(before).double()
    updates = [
        Update("a", 0, {name: 0.1 * ones}, 1, {"eeg": 1}),
        Update("b", 0, {name: 0.5 * ones}, 1, {"eeg": 2, "nirs": 1}),
    ]
    torch.testing.assert_close(server.aggregate(updates)[name], before + 0.4)


def test_a_proximal_term_keeps_centres_near(make_server, make_centre):
    server = make_server(local_steps=3, training=TRAINING | {"warm_steps": 9})
    begin, far = whole(server.model), server.federation
    near = far.model_copy(update={"proximal": 1000.0})
    norms = [make_centre(f"c{k}").train(0, begin, plan).norm for k, plan in enumerate((far, near))]
    assert norms[1] < 0.9 * norms[0]
    lone = make_centre("eeg", seed=77).train(0, begin, near)
    assert not any(".nirs." in name for name in lone.change)


def test_a_round_goes_on_without_a_centre_that_died_and_says_so(make_server, make_centre, caplog):
    centres = [make_centre(name) for name in ("anna", "ben")]
    server = make_server(patience=7.0)
    server.run(Listening(centres, dead=("ben",), dead_from=1))
    first, second = rows(server)
    assert first["centres"] == ["anna", "ben"]
    assert second["centres"] == ["anna"]
    assert "no answer within 7 s" in second["missing"]["ben"]
    assert "round 2 went on without ben" in caplog.text


def test_nobody_left_is_an_error_and_no_round(make_server, make_centre):
    server = make_server()
    with pytest.raises(NeurofuseError, match=r"round 1 with 0 centres \(anna: no answer"):
        server.run(Listening([make_centre("anna")], dead=("anna",)))
    assert server.round == 0


def test_a_centre_that_lost_the_weights_gets_all_of_them(make_server, make_centre):
    server, link = make_server(), Listening([make_centre("anna")])
    server.take_round(link)
    assert unpack(link.sent[0])[0]["since"] == ""
    fresh = Listening([make_centre("anna", folder="empty")])
    server.take_round(fresh)
    kinds = [unpack(message)[0]["kind"] for message in fresh.answered]
    assert kinds == ["lost", "update"]
    assert len(fresh.sent[1]) > 1.4 * len(fresh.sent[0])


def test_a_failure_at_a_centre_is_told_with_its_reason(make_server, make_centre, monkeypatch):
    def nothing(plan, centre):
        raise ParameterError(f"centre {centre} without a recording", "one", "add files")

    good, bad = make_centre("anna"), make_centre("ben")
    server = make_server()
    server.take_round(Together([good]))
    monkeypatch.setattr("neurofuse.models.federated.centre.corpus_of", nothing)
    server.take_round(Together([good, bad]))
    assert "ben without a recording" in rows(server)[1]["missing"]["ben"]


@pytest.mark.usefixtures("_recordings")
@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x80\x04K\x01.",
        pack({"kind": "joke"}),
        pack({"kind": "train"}),
        pack({"kind": "train", "round": 30, "since": "", "federation": {"training": {}}}),
        pack({"kind": "train", "round": 3, "since": "", "federation": {"training": {}}}),
        pack({"kind": "mask", "keys": []}),
        pack({"kind": "mask", "round": 0, "attempt": 0, "keys": {}, "factor": 1}),
    ],
)
def test_a_centre_answers_nonsense_with_a_failure(make_centre, message):
    assert unpack(make_centre("anna").answer(message))[0]["kind"] == "failed"
