#!/usr/bin/env python3
"""Takes out one remedy at a time, and tells whether the test that is named after the hazard notices.

    postgres/tests/planted.py            all of them: each is a build and a test
    postgres/tests/planted.py WORD …     those with such a word in their name

Works on a copy of the repository under target/.
"""
import os, pathlib, shutil, subprocess, sys

PLANTED = [
    # name, file, what stands there, what is put in its place, the test
    ("edited in place, then stored", "store.rs",
     "loaded.state.draft(|state| edit(state, life.id))", "edit(&mut loaded.state, life.id)",
     "edits::an_edit_that_was_overtaken"),
    ("no compare-and-swap", "write.rs", "WHERE it.own = $5", "WHERE it.own = it.own",
     "edits::processes_that_write_one_key"),
    ("the same id after a failover", "life.rs", "greatest($1 + 1, extract(epoch FROM clock_timestamp())::bigint - 1577836800)",
     "greatest($1, 1)", "lives::after_a_failover"),
    ("lost writes are not noticed", "link.rs", "if seen > written &&", "if seen < 0 &&",
     "lives::a_disk_snapshot"),
    ("lost writes are not brought back", "link.rs", "if cursor.reclaimed == life.incarnation() {",
     "if cursor.reclaimed >= -1 {", "lives::after_a_failover"),
    ("a cursor without timeline", "link.rs", "if page.peer.epoch != cursor.epoch {",
     "if cursor.epoch.is_empty() {", "lives::after_a_failover"),
    ("the usual outbox", "feed.rs", "AND pg_visible_in_snapshot(it.xid, round.target)",
     "AND it.xid < pg_snapshot_xmin(round.target)", "feed::a_long_transaction"),
    ("a cursor by number", "feed.rs", "OR NOT pg_visible_in_snapshot(it.xid, round.previous))", "OR false)",
     "feed::a_long_transaction"),
    ("each page has a target of its own", "cursor.rs", "(Some(target.to_owned()), true)",
     "(target.strip_prefix('x').map(str::to_owned), true)", "feed::what_commits_between"),
    ("a cursor that trusts snapshots over a crash", "feed.rs", "(it.xid > round.greatest OR NOT", "(NOT",
     "lives::transaction_ids"),
    ("a cache that trusts snapshots over a crash", "loaded.rs", "(xid > $4::text::xid8 OR NOT",
     "($4::text::xid8 IS NULL OR NOT", "lives::transaction_ids"),
    ("arrival touches the document", "arrival.rs", 'let sql = "INSERT INTO rejoin.delta (origin',
     'let sql = "WITH touched AS (UPDATE rejoin.document SET own = own WHERE key = ANY ($4)) '
     'INSERT INTO rejoin.delta (origin', "feed::a_user_who_locks"),
    ("check, then insert", "arrival.rs", "ON CONFLICT (origin, seq) DO NOTHING", "", "feed::two_receivers"),
    ("a lost answer is tried again", "store.rs", "self.find_out(&write, error).await?", "{ let _ = (error, Self::find_out); Stored::Overtaken }",
     "lives::a_write_whose_answer"),
    ("commits that are not on disk", "write.rs", "THEN set_config('synchronous_commit', 'on', true) END",
     "THEN 'off' END", "lives::a_crash_under_load"),
    ("tokens are not waited for", "store.rs", "self.wait_for(token).await?;", "let _ = (token, Self::wait_for);",
     "feed::a_write_is_read_elsewhere"),
    ("requests are not recognized", "write.rs", "(&self.request, Type::TEXT)", "(&None::<&str>, Type::TEXT)",
     "edits::a_request_that_is_repeated"),
    ("a standby is opened", "life.rs", "return Err(Kind::InRecovery.into());", "",
     "lives::a_cluster_in_recovery"),
    ("gates are not asked", "link.rs", "Some(gate) => gate.refusal(&row.key, &row.payload).await?,",
     "Some(gate) => gate.refusal(&row.key, &row.payload).await.map(|_| None)?,", "feed::a_gate"),
    ("a peer may send what is not its own", "link.rs", "_ if !may_come(&row) => {",
     "_ if !may_come(&row) && row.seq < 0 => {", "feed::a_gate"),
    ("writes that arrive are passed on", "link.rs", "iter::zip([mine, theirs], [true, false])",
     "iter::zip([mine, theirs], [true, true])", "feed::three_regions"),
]

root = pathlib.Path(__file__).resolve().parents[2]
copy = root / "target/planted"
words = sys.argv[1:] or [""]
copy.mkdir(parents=True, exist_ok=True)
for name in ["Cargo.toml", "Cargo.lock", "README.md", "clippy.toml", "src", "derive", "benches", "postgres", "docs"]:
    old, new = copy / name, root / name
    if old.is_dir():
        shutil.rmtree(old)
    shutil.copytree(new, old) if new.is_dir() else shutil.copy2(new, old)
(copy / "tests/it").mkdir(parents=True, exist_ok=True)
for name in ["tests/it/main.rs", "tests/forms.rs"]:
    (copy / name).write_text("fn main() {}")
for name in ["own_type", "session_counters", "conversation_merge"]:
    (copy / "examples").mkdir(exist_ok=True)
    (copy / f"examples/{name}.rs").write_text("fn main() {}")

missed = 0
for name, file, old, new, test in PLANTED:
    if not any(word in name for word in words):
        continue
    path = copy / "postgres/src" / file
    text = path.read_text()
    if text.count(old) != 1:
        sys.exit(f"{name}: what is to be replaced is {text.count(old)} times in {file}")
    path.write_text(text.replace(old, new))
    command = ["cargo", "test", "-p", "rejoin-postgres", "--test", "it", "--", test]
    try:
        run = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=240,
                             env={**os.environ, "RUST_BACKTRACE": "0"})
        output = run.stdout + run.stderr
        verdict = "does not compile" if "could not compile" in output else (
            "noticed" if "test result: FAILED" in output else "MISSED")
    except subprocess.TimeoutExpired:
        verdict = "noticed"
    print(f"{verdict}: {name} ({test})", flush=True)
    missed += verdict != "noticed"
    path.write_text(text)
sys.exit(f"{missed} of them were missed" if missed else 0)
