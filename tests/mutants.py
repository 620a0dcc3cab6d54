#!/usr/bin/env python3
"""Mutation testing of all of `src/` with one build.

    tests/mutants.py [options of `cargo mutants --list`]     such as --file 'src/causal/*.rs'
    tests/mutants.py --missed       those that were missed the last time, after tests were added
    tests/mutants.py --apart        those that stood apart the last time, each built by `tests/mutants.sh`

`cargo mutants` says what to change. Each function that is changed gets a `match` over a number read
from the environment, with a body for every change, so that nothing is compiled again for the next
mutant, where building each takes a working day. Each test is run once to see which functions it
reaches; a mutant is then shown to the tests that reach its function, the quick ones first. The source
tree is copied before. Survivors that are argued to be equivalent are listed in `.cargo/mutants.toml`.

Prints and keeps, in `target/mutants-report.json`, what became of each mutant and which test caught it.
Apart stand those in constants and what they are computed by, in functions within functions, and in
some that return a type without a name.
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
import time

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
/// The mutant that is switched on; notes the function, which goes by the first of its mutants.
pub(crate) fn mutant(function: usize) -> u32 {
    extern crate std;
    use std::{env::var, fs::File, io::Write, sync::{OnceLock, atomic::{AtomicBool, Ordering}}};
    static ID: OnceLock<u32> = OnceLock::new();
    static LOG: OnceLock<Option<File>> = OnceLock::new();
    static REACHED: [AtomicBool; FUNCTIONS] = [const { AtomicBool::new(false) }; FUNCTIONS];
    if let Some(mut log) = LOG.get_or_init(|| var("REJOIN_REACHED").ok().and_then(|it| File::create(it).ok())).as_ref() {
        if !REACHED[function].swap(true, Ordering::Relaxed) {
            let _ = writeln!(log, "{function}");
        }
    }
    *ID.get_or_init(|| var("REJOIN_MUTANT").map_or(0, |id| id.parse().unwrap_or(0)))
}
"""
MEMORY, JOBS = 8 << 30, os.cpu_count()
# A test that takes no longer, in seconds, is tried before the others.
QUICK = 0.3


def mutants(options):
    command = ["cargo", "mutants", "--list", "--json", *options]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    return dict(enumerate(found, 1))


def ended_before(found, end):
    ends = json.loads(REPORT.read_text())
    return {number: mutant for number, mutant in found.items() if ends.get(mutant["name"]) == end}


def build_those_apart():
    names = (mutant["name"] for mutant in ended_before(mutants([]), "apart").values())
    chosen = (f"--re=^{re.escape(name)}$" for name in names)
    os.execv(ROOT / "tests" / "mutants.sh", ["mutants.sh", *chosen])


def copy_tree():
    shutil.rmtree(TREE.parent, ignore_errors=True)
    shutil.copytree(ROOT, TREE, ignore=shutil.ignore_patterns("target", ".git", "proptest-regressions"))
    (TREE.parent / "shared").symlink_to((ROOT.parent / "shared").resolve())
    # A failing case that is kept would be tried on the mutants after it: leave no room for it.
    for place in [TREE, TREE / "tests", TREE / "src"]:
        (place / "proptest-regressions").touch()


def offset(lines, place):
    return sum(len(line) for line in lines[: place["line"] - 1]) + place["column"] - 1


HEAD = re.compile(r"^( *(?:pub(?:\([a-z: ]+\))? )?)((?:const )?)(fn (\w+))", re.MULTILINE)
# Types without a name that a box can have in place of each body's own.
BOXED = re.compile(r"(?:-> )?impl ((?:DoubleEnded|ExactSize)?Iterator<(?:(?!impl |Clone|use<).)*)$")


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
        first = min(several)
        boxed = BOXED.match(several[first]["function"]["return_type"])
        wrap = f"alloc::boxed::Box::new({{}}) as alloc::boxed::Box<dyn {boxed[1]}>" if boxed else "{}"
        out += text[done:opening] + f"{{ match crate::mutant({first}) {{\n"
        for number, mutant in several.items():
            left, right = (offset(lines, mutant["span"][side]) for side in ("start", "end"))
            body = text[opening:left] + mutant["replacement"] + text[right:end]
            arm = f"{number} => {wrap.replace('{}', body)},\n"
            at = out.count("\n") + 1
            owners.update(dict.fromkeys(range(at, at + arm.count("\n")), {number: "unviable"}))
            out += arm
        # A body that does not fit in its box, though it is not changed.
        at = out.count("\n") + 1
        out += f"_ => {wrap.replace('{}', text[opening:end])} }} }}"
        owners.update(dict.fromkeys(range(at, out.count("\n") + 2), dict.fromkeys(several, "apart")))
        done = end
    return out + text[done:], owners


def apart(found, constant):
    """The mutants that a switch cannot hold: in functions that have to be constant, in most that
    return a type without a name, and in those that are within others."""
    odd = {number for number, mutant in found.items() if not mutant.get("function")}
    spans = {}
    for number, mutant in found.items():
        if number not in odd:
            span = mutant["function"]["span"]
            spans[number] = mutant["file"], *((span[side]["line"], span[side]["column"]) for side in ("start", "end"))
    distinct = set(spans.values())
    for number, (file, start, end) in spans.items():
        text = (ROOT / file).read_text()
        lines = text.splitlines(keepends=True)
        start_at, end_at = (offset(lines, {"line": at[0], "column": at[1]}) for at in (start, end))
        head = head_of(text, start_at)
        inner = any(file == other[0] and other[1] < start and end <= other[2] for other in distinct)
        nameless = "impl " in (returned := found[number]["function"]["return_type"]) and (
            not BOXED.match(returned) or "return" in text[body_of(text, start_at):end_at]
        )
        if inner or nameless or head[2] and head[4] in constant:
            odd.add(number)
    return odd


def write_switches(viable, constant):
    """Writes every file with the mutants that are left; whose line is whose."""
    owners = {}
    plain = lambda head: head[0] if head[4] in constant else head[1] + head[3]
    for file in sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.rs")):
        group = {number: mutant for number, mutant in viable.items() if mutant["file"] == file}
        text, owners[file] = switched((ROOT / file).read_text(), group)
        text = HEAD.sub(plain, text)
        if file == "src/lib.rs":
            text += SWITCH.replace("FUNCTIONS", str(max(viable, default=0) + 1))
        (TREE / file).write_text(text)
    return owners


def cargo(*command, **options):
    return subprocess.run(["cargo", *command], cwd=TREE, env=ENV, stdout=subprocess.PIPE, text=True, **options)


def errors(*targets):
    checked = cargo("check", "-p", "rejoin", *targets, "--all-features", "--profile", "mutants", "--message-format=json", stderr=subprocess.DEVNULL)
    messages = (json.loads(line).get("message") or {} for line in checked.stdout.splitlines())
    return checked.returncode, [it for it in messages if it.get("level") == "error" and it["spans"]]


def have_to_be_constant():
    """The names of functions that constants are computed by."""
    names = set()
    while True:
        write_switches({}, names)
        code, found = errors("--tests")
        said = [re.match(r"cannot call non-const [^`]*`(?:.*::)?(\w+)(?:::<.*>)?`", it["message"]) for it in found]
        more = {it[1] for it in said if it} - names
        if not more:
            if code:
                sys.exit("the unchanged library does not compile: " + "; ".join(it["message"] for it in found))
            return names
        names |= more


def unviable(owners):
    """The mutants that do not compile as the compiler sees them now, or not in a switch."""
    bad, elsewhere = {}, []
    code, found = errors("--lib")
    for message in found:
        hit = {}
        for span in (span for span in message["spans"] if span["is_primary"]):
            for at in range(span["line_start"], span["line_end"] + 1):
                hit |= owners.get(span["file_name"], {}).get(at, {})
        bad |= hit
        if not hit:
            elsewhere.append("{message} {spans[0][file_name]}:{spans[0][line_start]}\n".format(**message))
    if not bad and code:
        sys.exit("".join(elsewhere) or "the unchanged library does not compile")
    return bad


def binaries():
    built = cargo("test", "-p", "rejoin", "-p", "rejoin-tests", "--no-run", "--profile", "mutants", "--lib", "--test", "it", "--message-format=json", check=True)
    lines = map(json.loads, built.stdout.splitlines())
    found = {line["target"]["name"]: line["executable"] for line in lines if line.get("executable")}
    return [found["rejoin"], found["it"]]


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # Should this script be killed, what runs for ever ends all the same.
    resource.setrlimit(resource.RLIMIT_CPU, (600, 600))


def run(binary, tests, env, seconds=600):
    """What became of some tests: the first that fails, `timeout`, or nothing."""
    started = subprocess.Popen(
        [binary, "--test-threads=1", "--exact", *tests],
        cwd=TREE, env=ENV | env, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limit, start_new_session=True,
    )
    late = []
    timer = threading.Timer(seconds, lambda: (late.append(1), os.killpg(started.pid, signal.SIGKILL)))
    timer.start()
    failed = next((line.split()[1] for line in started.stdout if line.rstrip().endswith("... FAILED")), None)
    timer.cancel()
    if failed:
        os.killpg(started.pid, signal.SIGKILL)
    code = started.wait()
    started.stdout.close()
    return failed or ("timeout" if late else f"exit {code}" if code else None)


def reached_by(binary, test):
    """The functions that a test reaches, and the seconds it takes. A test that counts what is
    allocated may not bear the switches: it is left out."""
    log = TREE.parent / f"reached-{test}"
    started = time.monotonic()
    if failed := run(binary, [test], {}):
        print(f"left out: {test}, which fails without a mutant: {failed}", flush=True)
        return None
    took = time.monotonic() - started
    run(binary, [test], {"REJOIN_REACHED": str(log)})
    return binary, test, took, set(map(int, log.read_text().split())) if log.exists() else set()


def all_tests(pool):
    """Every test but those of the corpus, which takes long and has a mutant's worth of small ones."""
    jobs = []
    for binary in binaries():
        listed = subprocess.run([binary, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout
        names = re.findall(r"^(.*): test$", listed, re.MULTILINE)
        jobs += [pool.submit(reached_by, binary, name) for name in names if not name.startswith("corpus::")]
    return sorted(filter(None, (job.result() for job in jobs)), key=lambda it: it[2])


def outcome(number, function, tests):
    """What became of a mutant: the first test that fails, `timeout`, or `missed`."""
    reaching = [it for it in tests if function in it[3]]
    for quick in (True, False):
        for binary in sorted({it[0] for it in tests}, reverse=True):
            chosen = [it for it in reaching if it[0] == binary and (it[2] < QUICK) == quick]
            seconds = 5 + 3 * sum(it[2] for it in chosen)
            names = [it[1] for it in chosen]
            if names and (end := run(binary, names, {"REJOIN_MUTANT": str(number)}, seconds)):
                return end
    return "missed"


def functions_of(viable):
    """By which number each mutant's function goes: that of its first mutant."""
    first = {}
    key = lambda mutant: (mutant["file"], json.dumps(mutant["function"]["span"]))
    for number, mutant in sorted(viable.items()):
        first.setdefault(key(mutant), number)
    return {number: first[key(mutant)] for number, mutant in viable.items()}


def main():
    if sys.argv[1:] == ["--apart"]:
        build_those_apart()
    again = sys.argv[1:] == ["--missed"]
    found = ended_before(mutants([]), "missed") if again else mutants(sys.argv[1:])
    copy_tree()
    constant = have_to_be_constant()
    odd = apart(found, constant)
    viable = {number: mutant for number, mutant in found.items() if number not in odd}
    report = json.loads(REPORT.read_text()) if again else {}
    report |= {found[number]["name"]: "apart" for number in odd}
    while bad := unviable(write_switches(viable, constant)):
        print(f"{len(bad)} do not compile", flush=True)
        for number, end in bad.items():
            report[viable.pop(number)["name"]] = end
    functions = functions_of(viable)
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        tests = all_tests(pool)
        print(f"{len(viable)} mutants, {len(tests)} tests", flush=True)
        jobs = {pool.submit(outcome, number, functions[number], tests): number for number in viable}
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
