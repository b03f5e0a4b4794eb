"""The page about federated training: differences by person, and what counts as reached."""

from benchmarks.federated.arms import ALONE, CENTRES, FEDERATED, LABS, TOGETHER
from benchmarks.federated.scores import of_centre
from benchmarks.federated.tables import (
    EVERYONE,
    FEDAVG,
    OWN,
    answers,
    over_seeds,
    table,
    weakest,
    with_alone,
)

PEOPLE = [
    "clean/finemi/sub-02",
    "clean/finemi/sub-08",
    "dev/nirx_video_2hz/sub-3",
    "dev/else/sub-9",
]


def everybody(*errors):
    return dict(zip(PEOPLE, errors, strict=True))


FOUND = {
    (TOGETHER, 0): everybody(-4.0, -5.0, -6.0, -3.0),
    (TOGETHER, 1): everybody(-6.0, -5.0, -6.0, -3.0),
    (FEDAVG, 0): everybody(-4.9, -4.9, -5.3, -3.1),
    **{(ALONE + name, 0): everybody(-3.0, -3.0, -4.0, -1.0 - k) for k, name in enumerate(CENTRES)},
}


def test_every_person_of_a_centre_is_trained_on_there_alone():
    assert set(LABS) == set(CENTRES)
    trained = [person for own in CENTRES.values() for person in own]
    assert len(trained) == len(set(trained))
    for centre, own in CENTRES.items():
        assert all(of_centre(person, centre) for person in own)


def test_seeds_are_averaged_and_centres_alone_are_two_rows():
    scores = with_alone(over_seeds(FOUND))
    assert scores[TOGETHER][PEOPLE[0]] == -5.0
    assert scores[EVERYONE][PEOPLE[3]] == -2.5
    assert set(scores[OWN]) == set(PEOPLE[:3])  # nobody's person is not there


def test_the_weakest_centre_is_the_one_whose_people_lose_most():
    scores = over_seeds(FOUND)
    centre, lost = weakest(scores[FEDAVG], scores[TOGETHER])
    assert centre == "NIRSport2-2Hz"
    assert abs(lost - 0.7) < 1e-9


def test_answers_name_what_was_reached_and_what_was_not():
    scores = with_alone(over_seeds(FOUND))
    told = answers(scores, {FEDAVG: 11.9})
    assert "; reached: at most 12 MB for each centre in all: 11.9 MB" in told
    assert told.startswith("reached: FedAvg at most 0.3 dB from central training: +0.20 dB")
    assert "not reached: the weakest centre at most 0.5 dB: +0.70 dB (NIRSport2-2Hz)" in told
    assert "Taking part pays: every interval" in told
    worse = scores | {EVERYONE: scores[FEDAVG]}
    assert "Taking part is not shown to pay here" in answers(worse, {FEDAVG: 11.9})
    worse |= {OWN: {person: scores[FEDAVG][person] for person in PEOPLE[:3]}}
    assert "Taking part does not pay here" in answers(worse, {FEDAVG: 11.9})


def test_a_row_for_each_model_with_differences_by_person():
    scores = with_alone(over_seeds(FOUND))
    rows = {row[0]: row for row in table(scores, {FEDAVG: 11.9}).rows}
    assert list(rows) == [TOGETHER, FEDAVG, EVERYONE, OWN]
    assert rows[FEDAVG][2].startswith("0.20 [")
    assert rows[FEDAVG][4:] == ["+0.70 (NIRSport2-2Hz)", "11.9"]
    assert rows[TOGETHER][3].startswith("-0.20 [")
    assert next(iter(FEDERATED)) == FEDAVG
