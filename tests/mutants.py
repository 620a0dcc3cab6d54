#!/usr/bin/env python3
"""Mutation testing of all of `src/` with one build.

    tests/mutants.py [options of `cargo mutants --list`]     such as --file 'src/causal/*.rs'
    tests/mutants.py --missed       those that were missed the last time, after tests were added

`cargo mutants` says what to change. Each function that is changed gets a `match` over a number read
from the environment, with a body for every change, so that nothing is compiled again for the next
mutant: all of them take minutes, where building each takes a working day. The source tree is copied
first. Survivors that are argued to be equivalent are listed in `.cargo/mutants.toml`.

Prints and keeps, in `target/mutants-report.json`, what became of each mutant and which test caught it.
Those that stand apart (in constant functions, in functions that return a type without a name) are
for `tests/mutants.sh`, which builds each.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
TREE = ROOT / "target" / "mutants-tree" / "main"
REPORT = ROOT / "target" / "mutants-report.json"
ENV = {
    "REJOIN_HISTORIES": "60",
    "REJOIN_OPERATIONS": "2",
    "PROPTEST_MAX_SHRINK_ITERS": "0",
    "CARGO_PROFILE_MUTANTS_OPT_LEVEL": "1",
    "CARGO_PROFILE_MUTANTS_INCREMENTAL": "false",
    "CARGO_TARGET_DIR": str(ROOT / "target" / "mutants-build"),
    "RUSTFLAGS": "--cap-lints=warn",
} | dict(os.environ)
SWITCH = """
pub(crate) fn mutant() -> u32 {
    extern crate std;
    static ID: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *ID.get_or_init(|| std::env::var("REJOIN_MUTANT").map_or(0, |id| id.parse().unwrap_or(0)))
}
"""
TIMEOUT, MEMORY, JOBS = 120, 8 << 30, 2


def mutants(options):
    command = ["cargo", "mutants", "--list", "--json", *options]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    return dict(enumerate(found, 1))


def missed_before(found):
    ends = json.loads(REPORT.read_text())
    return {number: mutant for number, mutant in found.items() if ends.get(mutant["name"]) == "missed"}


def copy_tree():
    shutil.rmtree(TREE.parent, ignore_errors=True)
    shutil.copytree(ROOT, TREE, ignore=shutil.ignore_patterns("target", ".git", "proptest-regressions"))
    (TREE.parent / "shared").symlink_to((ROOT.parent / "shared").resolve())
    # A failing case that is kept would be tried on the mutants after it: leave no room for it.
    for place in [TREE, TREE / "tests", TREE / "src"]:
        (place / "proptest-regressions").touch()


def offset(lines, place):
    return sum(len(line) for line in lines[: place["line"] - 1]) + place["column"] - 1


HEAD = re.compile(r"^ *(?:pub(?:\([a-z]+\))? )?((?:const )?)fn ", re.MULTILINE)


def head_of(text, start):
    """The head of the function whose first comment or attribute, or `fn`, is at `start`."""
    return HEAD.search(text, text.rfind("\n", 0, start) + 1)


def body_of(text, start):
    """Where the braces of a function's body open: the first outside of its parameters."""
    depth = 0
    for at in range(head_of(text, start).end(), len(text)):
        depth += (text[at] in "([") - (text[at] in ")]")
        if text[at] == "{" and depth == 0:
            return at
    raise ValueError("a function without a body")


def switched(text, group):
    """`text` with a body for each mutant of `group`, and which lines belong to which mutant."""
    lines = text.splitlines(keepends=True)
    functions = collections.defaultdict(dict)
    for number, mutant in group.items():
        span = mutant["function"]["span"]
        functions[offset(lines, span["start"]), offset(lines, span["end"])][number] = mutant
    out, done, owners = "", 0, {}
    for (start, end), several in sorted(functions.items()):
        opening = body_of(text, start)
        out += text[done:opening] + "{ match crate::mutant() {\n"
        for number, mutant in several.items():
            left, right = (offset(lines, mutant["span"][side]) for side in ("start", "end"))
            arm = f"{number} => {text[opening:left]}{mutant['replacement']}{text[right:end]}\n"
            first = out.count("\n") + 1
            owners.update(dict.fromkeys(range(first, first + arm.count("\n")), number))
            out += arm
        out += f"_ => {text[opening:end]} }} }}"
        done = end
    return out + text[done:], owners


def apart(found):
    """The mutants that a switch cannot hold: in functions that are constant, that return a type
    without a name, or that are within others."""
    odd = {number for number, mutant in found.items() if not mutant.get("function")}
    spans = {}
    for number, mutant in found.items():
        if number not in odd:
            span = mutant["function"]["span"]
            spans[number] = mutant["file"], *((span[side]["line"], span[side]["column"]) for side in ("start", "end"))
    distinct = set(spans.values())
    for number, (file, start, end) in spans.items():
        text = (ROOT / file).read_text()
        head = head_of(text, offset(text.splitlines(keepends=True), {"line": start[0], "column": start[1]}))
        inner = any(file == other[0] and other[1] < start and end <= other[2] for other in distinct)
        if inner or head[1] or "impl " in found[number]["function"]["return_type"]:
            odd.add(number)
    return odd


def write_switches(viable):
    """Writes every file with the mutants that are left; whose line is whose."""
    owners = {}
    for file in sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.rs")):
        group = {number: mutant for number, mutant in viable.items() if mutant["file"] == file}
        text, owners[file] = switched((ROOT / file).read_text(), group)
        (TREE / file).write_text(text + (SWITCH if file == "src/lib.rs" else ""))
    return owners


def cargo(*command, **options):
    return subprocess.run(["cargo", *command], cwd=TREE, env=ENV, stdout=subprocess.PIPE, text=True, **options)


def unviable(owners):
    """The mutants that do not compile, as the compiler sees them now."""
    bad, elsewhere = set(), []
    checked = cargo("check", "--lib", "--all-features", "--profile", "mutants", "--message-format=json", stderr=subprocess.DEVNULL)
    for line in checked.stdout.splitlines():
        message = json.loads(line).get("message") or {}
        if message.get("level") != "error" or not message["spans"]:
            continue
        hit = {
            owners.get(span["file_name"], {}).get(at)
            for span in message["spans"] if span["is_primary"]
            for at in range(span["line_start"], span["line_end"] + 1)
        } - {None}
        bad |= hit
        if not hit:
            elsewhere.append("{message} {spans[0][file_name]}:{spans[0][line_start]}\n".format(**message))
    if not bad and checked.returncode:
        sys.exit("".join(elsewhere) or "the unchanged library does not compile")
    return bad


def binaries():
    built = cargo("test", "--no-run", "--profile", "mutants", "--lib", "--test", "it", "--message-format=json", check=True)
    lines = map(json.loads, built.stdout.splitlines())
    found = {line["target"]["name"]: line["executable"] for line in lines if line.get("executable")}
    return [found["rejoin"], found["it"]]


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def outcome(number, tests):
    """What became of a mutant: the first test that fails, `timeout`, or `missed`."""
    for binary in tests:
        run = subprocess.Popen(
            [binary, "--test-threads=2", "--skip", "corpus::"],
            cwd=TREE, env=ENV | {"REJOIN_MUTANT": str(number)}, text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limit, start_new_session=True,
        )
        late = []
        timer = threading.Timer(TIMEOUT, lambda: (late.append(1), os.killpg(run.pid, signal.SIGKILL)))
        timer.start()
        failed = next((line.split()[1] for line in run.stdout if line.rstrip().endswith("... FAILED")), None)
        timer.cancel()
        if failed:
            os.killpg(run.pid, signal.SIGKILL)
        code = run.wait()
        run.stdout.close()
        if failed or late or code:
            return failed or ("timeout" if late else f"exit {code}")
    return "missed"


def main():
    again = sys.argv[1:] == ["--missed"]
    found = missed_before(mutants([])) if again else mutants(sys.argv[1:])
    copy_tree()
    odd = apart(found)
    viable = {number: mutant for number, mutant in found.items() if number not in odd}
    report = json.loads(REPORT.read_text()) if again else {}
    report |= {found[number]["name"]: "apart" for number in odd}
    while bad := unviable(write_switches(viable)):
        print(f"{len(bad)} do not compile", flush=True)
        for number in bad:
            report[viable.pop(number)["name"]] = "unviable"
    tests = binaries()
    if (control := outcome(0, tests)) != "missed":
        sys.exit(f"the unchanged library fails: {control}")
    print(f"{len(viable)} mutants to test", flush=True)
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        jobs = {pool.submit(outcome, number, tests): number for number in viable}
        for at, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            name = viable[jobs[job]]["name"]
            report[name] = job.result()
            if report[name] in ("missed", "timeout"):
                print(f"{at}: {report[name]}: {name}", flush=True)
            if at % 50 == 0:
                REPORT.write_text(json.dumps(report, indent=1))
                print(f"{at} of {len(viable)}", flush=True)
    REPORT.write_text(json.dumps(report, indent=1))
    kinds = ("apart", "unviable", "missed", "timeout")
    counts = collections.Counter(end if end in kinds else "caught" for end in report.values())
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
