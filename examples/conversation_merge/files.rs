//! The user's own files: one common ancestor, and what each side made of it.

use crate::{
    Failure,
    args::Paths,
    merging::{Side, fork, import, keyed, merge_in_all_orders},
    table::{self, Names},
};
use rejoin::{DeltaState, Document, ReplicaId, Timestamp, wire};
use serde_json::Value as Json;
use std::{
    collections::btree_map::Entry,
    ffi::OsString,
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    time::{SystemTime, UNIX_EPOCH},
};

pub(crate) fn run(paths: &Paths) -> Result<(), Failure> {
    // All is read before anything is written, so an output may name one of the inputs.
    let mut names = Names::new();
    let (base, sides) = match &paths.base {
        Some(base) => edited(base, &paths.sides, &mut names)?,
        None => (Document::new(), kept(&paths.sides)?),
    };
    let merged = merge_in_all_orders(&base, &sides)?;
    if let Some(keep) = &paths.keep {
        write_output(keep, &wire::to_bytes(&merged.document))?;
    }
    let mut json = format!("{:#}", merged.json);
    json.push('\n');
    if let Some(out) = &paths.out {
        write_output(out, json.as_bytes())?;
        return Ok(table::print(&mut io::stdout().lock(), &merged, &names)?);
    }
    io::stdout().lock().write_all(json.as_bytes())?;
    Ok(table::print(&mut io::stderr().lock(), &merged, &names)?)
}

/// Plain JSON files, and what they started from: each becomes a replica.
fn edited(
    base: &Path,
    sides: &[PathBuf],
    names: &mut Names,
) -> Result<(Document, Vec<Side>), Failure> {
    let base_json = read(base)?;
    let edited: Vec<Json> = sides.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let mut times = seconds_before_now(edited.len());
    let mut next_time = || times.next().unwrap_or_default();
    let origin = name_replica(base, names);
    let imported = import(&base_json, keyed("id")?, origin, next_time())
        .map_err(|error| refuse(base, &error))?;
    let mut forks = Vec::new();
    for (path, json) in sides.iter().zip(&edited) {
        let replica = name_replica(path, names);
        let side = fork(&imported, json, replica, next_time());
        forks.push(side.map_err(|error| refuse(path, &error))?);
    }
    Ok((imported, forks))
}

/// Documents that were kept, by this program or by a service: they know who wrote what.
fn kept(paths: &[PathBuf]) -> Result<Vec<Side>, Failure> {
    let side = |path: &PathBuf| {
        let bytes = fs::read(path).map_err(|error| refuse(path, &error))?;
        let document: Document = if bytes.trim_ascii_start().starts_with(b"{") {
            serde_json::from_slice(&bytes).map_err(|error| refuse(path, &error))?
        } else {
            wire::from_bytes(&bytes).map_err(|error| refuse(path, &error))?
        };
        let delta = document.delta_since(&Document::new().version());
        Ok(Side { document, delta })
    };
    paths.iter().map(side).collect()
}

fn read(path: &Path) -> Result<Json, Failure> {
    let bytes = fs::read(path).map_err(|error| refuse(path, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| refuse(path, &error))
}

fn refuse(path: &Path, error: &dyn fmt::Display) -> Failure {
    Failure::Refused(format!("{}: {error}", path.display()))
}

fn write_output(path: &Path, content: &[u8]) -> Result<(), Failure> {
    write_whole(path, content).map_err(|error| refuse(path, &error))
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
