//! The tables of BENCHMARKS.md, as Markdown: `cargo run --release --bin table [SECTION ...]`.
//!
//! `table growth` takes names of scripts, a greatest number of edits and a budget after it, such as
//! `table growth middle board 10000 20s`.

use rejoin_peers::{Result, clocks, documents, growth, race::print, sets, writers};
use std::process::Command;

fn main() -> Result {
    let mut asked: Vec<String> = std::env::args().skip(1).collect();
    let growth_at = asked.iter().position(|it| it == "growth").map_or(asked.len(), |it| it + 1);
    let scripts = asked.split_off(growth_at);
    let wanted = |section: &str| asked.is_empty() || asked.iter().any(|it| it == section);
    head();
    if wanted("clocks") {
        print("Clocks", &[clocks::compares()?, clocks::merges()?].concat());
        print("Counters", &clocks::counters()?);
    }
    if wanted("sets") {
        print(
            "Sets: 100,000 random `u64`",
            &[sets::local()?, sets::merges()?, sets::deltas()?].concat(),
        );
        println!("\nBytes of heap an element:\n");
        for (name, bytes) in sets::heap()? {
            println!("- {name}: {bytes:.1}");
        }
    }
    if wanted("documents") {
        print("Documents: a conversation of 20, 200 and 2,000 messages", &documents::rows()?);
    }
    if wanted("writers") {
        sizes(
            "524,288 writes of one field by one replica, bytes saved",
            &writers::writes_of_one_field()?,
        );
        sizes("1,000,000 times added and removed, bytes saved", &writers::cycles_of_one_element()?);
        let (bytes, rows) = writers::replicas()?;
        println!("\n### Writers\n");
        for (replicas, bytes) in bytes {
            println!("- {replicas} writers of one element each: {bytes:.1} bytes a writer");
        }
        print("Writers: merges", &rows);
    }
    if wanted("growth") {
        growth::print(&scripts)?;
    }
    Ok(())
}

fn sizes(title: &str, sizes: &[(&str, usize)]) {
    println!("\n### {title}\n");
    for (name, bytes) in sizes {
        println!("- {name}: {bytes}");
    }
}

/// When, where, and of which versions.
fn head() {
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        let text = output.and_then(|it| String::from_utf8(it.stdout).ok()).unwrap_or_default();
        text.trim().to_owned()
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(" an unknown CPU");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{}, {cores} cores of {}; {}; {}",
        told("date", &["+%F"]),
        model.trim_start_matches([':', '\t', ' ']),
        told("rustc", &["--version"]),
        peers(),
    );
}

/// The peers with their versions, as this package pins them.
fn peers() -> String {
    let pinned = |line: &str| {
        let (name, rest) = line.split_once(" = ")?;
        let (_, version) = rest.split_once("\"=")?;
        let is_peer = ["automerge", "crdts", "dson", "loro", "vclock", "yrs"].contains(&name);
        is_peer.then(|| format!("{name} {}", version.split('"').next().unwrap_or_default()))
    };
    let peers: Vec<String> = include_str!("../../Cargo.toml").lines().filter_map(pinned).collect();
    peers.join(", ")
}
