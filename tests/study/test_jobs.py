import sys

from study.jobs import run_chains


def command(text):
    return [sys.executable, "-c", text]


def test_chains_run_once_in_order_and_fail_alone(tmp_path):
    trace = tmp_path / "trace"
    note = f"import sys; open({str(trace)!r}, 'a').write('%s ')"
    chains = [
        ("good", [(tmp_path / "a.done", command(note % "a")), (tmp_path / "b.done", command(note % "b"))]),
        ("bad", [(tmp_path / "c.done", command("print('why'); raise SystemExit(3)")), (tmp_path / "d.done", [])]),
    ]
    said = []
    assert run_chains(chains, jobs=2, say=said.append) == 1
    assert trace.read_text().split() == ["a", "b"]
    assert not (tmp_path / "c.done").exists() and "why" in (tmp_path / "c.log").read_text()
    assert any("bad: failed with code 3" in line and "c.log" in line for line in said)
    # What is done is not done again; what failed is tried again.
    chains[1] = ("bad", [(tmp_path / "c.done", command(note % "c"))])
    assert run_chains(chains, jobs=1, say=said.append) == 0
    assert trace.read_text().split() == ["a", "b", "c"]


def test_a_mark_that_the_command_makes_is_kept(tmp_path):
    mark = tmp_path / "results.json"
    run_chains([("one", [(mark, command(f"open({str(mark)!r}, 'w').write('7')"))])], jobs=1, say=lambda line: None)
    assert mark.read_text() == "7"
