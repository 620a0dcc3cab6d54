//! The user's own files: one common ancestor, and what each side made of it.

use crate::{
    Failure,
    args::Paths,
    merging::{fork, import, merge_in_all_orders},
    table::{self, Names},
};
use rejoin::{ReplicaId, Timestamp, document::DocumentError};
use serde_json::Value as Json;
use std::{
    collections::btree_map::Entry,
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process,
    time::{SystemTime, UNIX_EPOCH},
};

pub(crate) fn run(paths: &Paths) -> Result<(), Failure> {
    // All is read before anything is written, so `--out` may name one of the inputs.
    let base_json = read(&paths.base)?;
    let edited: Vec<Json> = paths.sides.iter().map(|path| read(path)).collect::<Result<_, _>>()?;

    let mut names = Names::new();
    let mut times = seconds_before_now(edited.len());
    let mut next_time = || times.next().unwrap_or_default();
    let origin = name_replica(&paths.base, &mut names);
    let base = import(&base_json, "id", origin, next_time())
        .map_err(|error| unfit(&paths.base, &error))?;
    let mut sides = Vec::new();
    for (path, json) in paths.sides.iter().zip(&edited) {
        let replica = name_replica(path, &mut names);
        sides.push(fork(&base, json, replica, next_time()).map_err(|error| unfit(path, &error))?);
    }

    let merged = merge_in_all_orders(&base, &sides)?;
    let mut json = format!("{:#}", merged.json);
    json.push('\n');
    if let Some(out) = &paths.out {
        write_whole(out, json.as_bytes())
            .map_err(|error| Failure::Refused(format!("{}: {error}", out.display())))?;
        return Ok(table::print(&mut io::stdout().lock(), &merged, &names)?);
    }
    io::stdout().lock().write_all(json.as_bytes())?;
    Ok(table::print(&mut io::stderr().lock(), &merged, &names)?)
}

fn read(path: &Path) -> Result<Json, Failure> {
    let refuse = |why: String| Failure::Refused(format!("{}: {why}", path.display()));
    let bytes = fs::read(path).map_err(|error| refuse(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))
}

fn unfit(path: &Path, error: &DocumentError) -> Failure {
    Failure::Refused(format!("{}: {error}", path.display()))
}

/// One time for the base and one for each side, a second apart; the last side writes now. Where
/// two sides changed one field, the one named later on the command line is then read.
fn seconds_before_now(sides: usize) -> impl Iterator<Item = Timestamp> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
    let ages_ms = (0..=sides as u64).rev().map(|age| age * 1000);
    ages_ms.map(move |age_ms| Timestamp::from_millis(now_ms.saturating_sub(age_ms)))
}

/// The replica that a file becomes: named by its stem, or by its path where that stem is taken.
/// Two writers must never share an id, so a file given twice is numbered.
fn name_replica(path: &Path, names: &mut Names) -> ReplicaId {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let path = path.display();
    let (mut name, mut copies) = (stem.into_owned(), 0_u64);
    loop {
        let id = name.parse().unwrap_or_else(|_| ReplicaId::hashed(&name));
        if let Entry::Vacant(free) = names.entry(id) {
            free.insert(name);
            return id;
        }
        copies += 1;
        name = if copies == 1 { path.to_string() } else { format!("{path} ({copies})") };
    }
}

/// Writes a file all at once: a reader finds the old content or the new, never half of it.
fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or_else(|| io::Error::other("not the name of a file"))?);
    name.push(format!(".{}.tmp", process::id()));
    let temporary = path.with_file_name(name);
    let written = write_new(&temporary, content).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error that matters is the one before.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(content)?;
    // Before the rename, else a crash can leave the new name with none of the content.
    file.sync_all()
}
