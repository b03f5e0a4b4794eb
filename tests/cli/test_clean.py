import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.cli.clean import clean_files
from neurofuse.io import provenance, streams, write_eeg, write_netcdf
from neurofuse.io.modality import MODALITIES

KINDS = {"eeg", "nirs", "recording", "native", "report", "provenance"}


@pytest.fixture(scope="module")
def cleaned(recorded, tmp_path_factory) -> dict[str, Path]:
    """The simulated pair, cleaned by the command in a process of its own."""
    out = tmp_path_factory.mktemp("cleaned") / "out"
    command = [
        sys.executable,
        "-m",
        "neurofuse",
        "clean",
        recorded["eeg"],
        recorded["nirs"],
    ]
    done = subprocess.run(
        [*command, "--offset", "0", "--out", out], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no bar, no chatter where stderr is no terminal
    printed = re.findall(r"^  (.+)$", done.stdout, re.MULTILINE)
    paths = {Path(line) for line in printed}
    described = {path.with_suffix(".json") for path in paths if path.suffix == ".tsv"}
    assert paths | described == set(out.iterdir())
    assert {path.name.removeprefix("simulated_") for path in paths if path.suffix == ".tsv"} == {
        "desc-motion_events.tsv",
        "desc-clean_eeg_channels.tsv",
        "desc-clean_nirs_channels.tsv",
        "desc-confounds_timeseries.tsv",
        "desc-confounds_epochs.tsv",
    }
    lines = done.stdout.splitlines()[-5:]
    starts = ("duration: ", "channel-time: ", "movements found: ", "bad channels: ")
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=False))
    assert "kept" in lines[-1]
    kind = re.compile(r"simulated_desc-clean_(\w+)\.(\w+)$")
    named = {(m[1], m[2]): p for p in paths if (m := kind.search(p.name))}
    return {
        "eeg": named["eeg", "fif"],
        "nirs": named["nirs", "snirf"],
        "recording": named["recording", "nc"],
        "native": named["eeg", "edf"],
        "report": named["report", "html"],
        "provenance": named["provenance", "json"],
    }


def test_all_outputs_are_written_and_no_others(cleaned):
    assert set(cleaned) == KINDS
    others = [p for p in cleaned["eeg"].parent.iterdir() if p not in cleaned.values()]
    assert len(others) == 10  # five tables and their descriptions


def test_outputs_read_back_as_one_recording(cleaned):
    whole = nf.read(cleaned["recording"])
    pair = nf.read(cleaned["eeg"], cleaned["nirs"], offset=0)
    np.testing.assert_array_equal(pair["eeg"].eeg, whole["eeg"].eeg)
    np.testing.assert_allclose(pair["nirs"].intensity, whole["nirs"].intensity, rtol=1e-12)
    native = nf.read(cleaned["native"])
    step = float(np.ptp(whole["eeg"].eeg.values) / 2**15)  # EDF holds 16 bits
    np.testing.assert_allclose(native["eeg"].eeg, whole["eeg"].eeg, atol=step)


def test_the_cleaned_recording_holds_its_gate_and_the_very_samples_outside_it(recorded, cleaned):
    before = nf.read(recorded["eeg"])
    after = nf.read(cleaned["recording"])
    gate = after["eeg"].gate.transpose("channel", "time").values
    assert {"gate"} <= set(after["nirs"].data_vars)
    assert (gate == 0).any()
    closed = gate == 0
    np.testing.assert_array_equal(after["eeg"].eeg.values[closed], before["eeg"].eeg.values[closed])


def test_provenance_names_inputs_and_steps(recorded, cleaned):
    facts = json.loads(cleaned["provenance"].read_text())
    assert [i["name"] for i in facts["inputs"]] == [
        recorded["eeg"].name,
        recorded["nirs"].name,
    ]
    assert all(re.fullmatch(r"[0-9a-f]{64}", i["sha256"]) for i in facts["inputs"])
    assert facts["steps"] == provenance(nf.read(cleaned["recording"]))
    assert facts["steps"][-1]["step"] == "clean"


def test_the_report_is_one_page_that_loads_nothing(cleaned):
    page = cleaned["report"].read_text()
    assert "</html>" in page
    assert not re.search(r"(src|href)=[\"']https?:", page)


@pytest.mark.parametrize(("stream", "other"), [("eeg", "nirs"), ("nirs", "eeg")])
def test_one_file_is_cleaned_with_its_single_modality_model(recorded, run, tmp_path, stream, other):
    done = run("clean", recorded[stream], "--out", tmp_path, "--no-report")
    assert done.exit_code == 0, done.stderr
    made = {path.name for path in tmp_path.iterdir()}
    assert not any(f"_{other}." in name or name.endswith(".html") for name in made)
    recording = nf.read(tmp_path / "simulated_desc-clean_recording.nc")
    assert streams(recording) == (stream,)
    assert provenance(recording)[-1]["parameters"]["method"] == stream


def test_a_recording_file_is_taken_too(recorded, run, tmp_path):
    done = run("clean", recorded["recording"], "--out", tmp_path, "--no-report")
    assert done.exit_code == 0, done.stderr
    assert streams(nf.read(tmp_path / "simulated_desc-clean_recording.nc")) == ("eeg", "nirs")


@pytest.mark.slow
def test_a_bids_derivative_is_made_and_added_to(recorded, run, tmp_path):
    source, out = tmp_path / "study", tmp_path / "study" / "derivatives" / "neurofuse"
    source.mkdir()
    (source / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.8.0"}')
    for number in ("01", "02"):
        stem = f"sub-{number}_task-rest"
        eeg, nirs = source / f"{stem}_eeg.edf", source / f"{stem}_nirs.snirf"
        shutil.copy(recorded["eeg"], eeg)
        shutil.copy(recorded["nirs"], nirs)
        command = ("clean", eeg, nirs, "--offset", "0", "--bids", "--no-report", "--out")
        done = run(*command, out)
        assert done.exit_code == 0, done.stderr
    made = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    for kind, suffix in (("eeg", "vhdr"), ("nirs", "snirf")):
        assert f"sub-02/{kind}/sub-02_task-rest_desc-clean_{kind}.{suffix}" in made
    assert "sub-01/sub-01_task-rest_desc-clean_recording.nc" in made
    assert "sub-01/sub-01_task-rest_desc-clean_provenance.json" in made
    assert not any(name.endswith((".fif", ".edf")) for name in made)
    described = json.loads((out / "dataset_description.json").read_text())
    assert described["SourceDatasets"] == [{"URL": "../.."}]
    assert (out / "participants.tsv").read_text().split() == ["participant_id", "sub-01", "sub-02"]
    again = run(*command, out)
    assert again.exit_code == 2
    assert "already" in again.stderr
    other = run(*command, source)
    assert other.exit_code == 2
    assert "another BIDS data set" in other.stderr
    nameless = run("clean", recorded["eeg"], "--bids", "--out", tmp_path / "new")
    assert nameless.exit_code == 2
    assert "no subject and no task" in nameless.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kinds", [("eeg", "nirs"), ("eeg",), ("nirs",)])
def test_the_default_method_is_that_of_python(recorded, tmp_path, kinds):
    paths = [recorded[kind] for kind in kinds]
    files = clean_files(paths, tmp_path / "out", offset=0 if len(paths) > 1 else None, report=False)
    here = nf.read(files["recording"])
    there = nf.clean(nf.read(*paths, offset=0 if len(paths) > 1 else None))
    wanted = "joint" if len(kinds) > 1 else kinds[0]
    for recording in (here, there):
        steps = [step for step in provenance(recording) if step["step"] == "clean"]
        assert [step["parameters"]["method"] for step in steps] == [wanted]
    for kind in kinds:
        name = MODALITIES[kind].variable(here[kind])
        np.testing.assert_array_equal(here[kind][name].values, there[kind][name].values)


def test_the_former_name_of_the_option_still_works(run, recorded, tmp_path):
    done = run("clean", recorded["nirs"], "--model", "tddr", "--no-report", "--out", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert "--model is now --method" in done.stderr
    recording = nf.read(next(tmp_path.glob("*_recording.nc")))
    assert provenance(recording)[-1]["parameters"]["method"] == "tddr"


@pytest.mark.parametrize("suffix", [".bdf", ".vhdr", ".set", ".fif"])
def test_eeg_comes_back_in_the_format_it_came_in(recorded, tmp_path, suffix):
    source = write_eeg(nf.read(recorded["eeg"]), tmp_path / f"sub-07_eeg{suffix}")
    files = clean_files([source], tmp_path / "out", report=False)
    if suffix == ".fif":
        assert "native" not in files
    else:
        assert files["native"].name == f"sub-07_desc-clean_eeg{suffix}"
        again, exact = nf.read(files["native"]), nf.read(files["eeg"])
        np.testing.assert_allclose(again["eeg"].eeg, exact["eeg"].eeg, atol=1e-6)


@pytest.mark.slow
def test_existing_outputs_are_refused_before_reading_and_replaced_on_demand(
    recorded, run, tmp_path
):
    taken = tmp_path / "simulated_desc-clean_report.html"
    taken.write_text("mine")
    refused = run("clean", "simulated_eeg.edf", recorded["nirs"], "--out", tmp_path)
    assert refused.exit_code == 2
    assert f"found {taken.name} in {tmp_path} already" in refused.stderr
    assert [p.name for p in tmp_path.iterdir()] == [taken.name]
    done = run("clean", recorded["eeg"], "--out", tmp_path, "--overwrite")
    assert done.exit_code == 0, done.stderr
    assert "</html>" in taken.read_text()


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("broken model"), 1), (KeyboardInterrupt(), 130)]
)
def test_a_run_that_dies_leaves_nothing(recorded, run, tmp_path, monkeypatch, error, status):
    import neurofuse.fusion.report

    def report(*args, **options):
        raise error

    monkeypatch.setattr(neurofuse.fusion.report, "report", report)
    done = run("clean", recorded["eeg"], "--out", tmp_path / "out")
    assert done.exit_code == status
    assert list(tmp_path.iterdir()) == []


def test_the_fraction_done_rises_to_one(recorded, tmp_path):
    steps: list[tuple[float, str | None]] = []
    clean_files(
        [recorded["nirs"]],
        tmp_path,
        report=False,
        step=lambda fraction, label=None: steps.append((fraction, label)),
    )
    fractions = [fraction for fraction, _ in steps]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)
    assert "cleaning" in [label for _, label in steps]


def test_half_a_second_is_cleaned_and_its_table_is_one_epoch(tmp_path):
    recording = nf.simulate(10, seed=5, eeg_montage=["C3", "C4"], nirs_montage=None)[1]
    write_netcdf(recording.sel(time=slice(0, 0.5)), tmp_path / "half.nc")
    made = clean_files([tmp_path / "half.nc"], tmp_path / "out", report=False)
    assert len(made["eeg_confounds"].read_text("utf-8").splitlines()) == 2


def test_a_self_test_without_a_report_is_refused(tmp_path):
    with pytest.raises(nf.NeurofuseError, match="neurofuse check"):
        clean_files([tmp_path / "a.edf"], tmp_path, report=False, self_test=True)


def test_two_ways_of_alignment_are_refused(recorded, run, tmp_path):
    done = run("clean", recorded["eeg"], recorded["nirs"], "--out", tmp_path / "out",
               "--offset", "0", "--align", "events")  # fmt: skip
    assert done.exit_code == 2
    assert "--offset 0 and --align events" in done.stderr


@pytest.mark.slow
def test_a_real_recording(data_dir, run, tmp_path):
    folder = data_dir / "simultaneous" / "openmuse_worn" / "aligned"
    eeg, nirs = next(folder.glob("*.edf")), next(folder.glob("*.snirf"))
    done = run("clean", eeg, nirs, "--offset", "0", "--out", tmp_path, "--no-report")
    assert done.exit_code == 0, done.stderr
    recording = nf.read(next(tmp_path.glob("*_recording.nc")))
    assert streams(recording) == ("eeg", "nirs")


def test_outputs_that_a_later_run_does_not_make_are_named(recorded, tmp_path, caplog):
    """A report of an earlier run beside the results of another method is no report of these."""
    for report in (True, False):
        assert "earlier run" not in caplog.text
        clean_files(
            [recorded["nirs"]], tmp_path, method="uncorrected", report=report, overwrite=True
        )
    assert "simulated_desc-clean_report.html are of an earlier run and stay" in caplog.text


def test_movements_are_marked_on_request(recorded, run, tmp_path):
    plain, marked = tmp_path / "plain", tmp_path / "marked"
    command = ("clean", recorded["eeg"], "--no-report", "--out")
    for out, options in ((plain, ()), (marked, ("--annotate", "motion"))):
        done = run(*command, out, *options)
        assert done.exit_code == 0, done.stderr
        for name in ("simulated_desc-clean_eeg.fif", "simulated_desc-clean_eeg.edf"):
            events = nf.read(out / name)["events"].to_dataset()
            found = [str(text).endswith("BAD_motion") for text in events.description.values]
            assert any(found) == bool(options)
