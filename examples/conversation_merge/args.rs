//! The command line.

use crate::Failure;
use std::{ffi::OsString, path::PathBuf};

pub(crate) const HELP: &str = "\
Merges JSON documents that several sides edited apart, field by field.

  conversation_merge
      Merge the bundled support conversation, as three regions edited it.

  conversation_merge BASE OURS THEIRS... [--out FILE]
      Merge your own files; BASE is what all of them started from. Each file is a replica
      named after it. Where two changed one field, the later on the command line is read.
      The items of an array `messages` are told apart by their `id`, other items by content.
      The merged JSON goes to standard output, the summary to standard error; with --out
      the JSON goes to FILE, all of it or nothing, and the summary to standard output.

  conversation_merge --corpus FILE
      Read conversation trees (JSON Lines, a `prompt` with nested `replies`), edit each in
      three regions, merge states and shuffled deltas in many orders, and compare. Replies
      become one list of `messages` first, told apart by their `message_id`.

  conversation_merge --help

Exit code: 0 merged, 1 the replicas disagree (a bug), 2 the input cannot be used.
";

/// What the command line asks for.
pub(crate) enum Task {
    Help,
    Bundled,
    Files(Paths),
    Corpus(PathBuf),
}

pub(crate) struct Paths {
    pub(crate) base: PathBuf,
    pub(crate) sides: Vec<PathBuf>,
    pub(crate) out: Option<PathBuf>,
}

pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Task, Failure> {
    let mut args = args;
    let (mut files, mut out, mut corpus) = (Vec::new(), None, None);
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--help" | "-h") => return Ok(Task::Help),
            Some("--out") => set_once(&mut out, "--out", args.next())?,
            Some("--corpus") => set_once(&mut corpus, "--corpus", args.next())?,
            Some(option) if option.starts_with('-') => {
                return refuse(format!("unknown option {option}; see --help"));
            }
            _ => files.push(PathBuf::from(arg)),
        }
    }
    match (corpus, files.len(), out) {
        (Some(corpus), 0, None) => Ok(Task::Corpus(corpus)),
        (Some(_), ..) => refuse("--corpus takes one file and nothing else; see --help"),
        (None, 0, None) => Ok(Task::Bundled),
        (None, 0..=2, _) => {
            refuse("BASE and at least two files edited from it are needed; see --help")
        }
        (None, _, out) => {
            let sides = files.split_off(1);
            Ok(Task::Files(Paths { base: files.remove(0), sides, out }))
        }
    }
}

fn set_once(
    slot: &mut Option<PathBuf>,
    option: &str,
    value: Option<OsString>,
) -> Result<(), Failure> {
    let value = value.filter(|it| !it.is_empty() && !it.to_string_lossy().starts_with("--"));
    match value {
        None => refuse(format!("{option} needs a file name after it; see --help")),
        Some(_) if slot.is_some() => refuse(format!("{option} is given twice; see --help")),
        Some(value) => {
            *slot = Some(value.into());
            Ok(())
        }
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Refused(why.into()))
}
