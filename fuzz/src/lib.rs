//! The bodies of the fuzz targets, which are those that the tests replay.

#![allow(dead_code, unused_imports, clippy::unwrap_used, clippy::panic)]

#[path = "../../tests/it/cpu.rs"]
mod cpu;
#[path = "../../tests/it/cursors.rs"]
mod cursors;
#[path = "../../tests/it/effort.rs"]
mod effort;
#[path = "../../tests/it/encoded.rs"]
mod encoded;
#[path = "../../tests/it/history.rs"]
mod history;
#[path = "../../tests/it/hostile/mod.rs"]
mod hostile;
#[path = "../../tests/it/small.rs"]
mod small;
#[path = "../../tests/it/spec/mod.rs"]
mod spec;
#[path = "../../tests/it/tried.rs"]
mod tried;
#[path = "../../tests/it/world.rs"]
mod world;

/// Runs the body of a target.
///
/// # Panics
///
/// On a finding, or if there is no such target.
pub fn run(target: &str, data: &[u8]) {
    let (_, body) = hostile::TARGETS.iter().find(|it| it.0 == target).expect("a target");
    body(data);
}
