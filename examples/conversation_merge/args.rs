//! The command line.

use crate::Failure;
use std::{ffi::OsString, path::PathBuf};

pub(crate) const HELP: &str = "\
Merges JSON documents that several sides edited independently, field by field.

  conversation_merge
      Merge the bundled support conversation, as three regions edited it.

  conversation_merge BASE OURS THEIRS... [--out FILE]
      Merge your own files. BASE is what they all started from. Each other file is a
      replica with the file's name. If two files changed the same field, the later one on
      the command line wins. The items of an array `messages` are told apart by their `id`,
      other items by their content.
      The merged JSON goes to standard output, the summary to standard error. With --out
      the JSON goes to FILE, all of it or nothing, and the summary to standard output.

  conversation_merge --states FILE FILE... [--out FILE]
      Merge documents that were stored: as canonical bytes, or as the JSON of their writes.
      `--keep FILE`, here and above, stores the merged document as canonical bytes.

  conversation_merge --corpus FILE
      Read conversation trees (JSON Lines, a `prompt` with nested `replies`), edit each in
      three regions, merge states and shuffled deltas in many orders, and compare. First,
      replies become one list of `messages`, told apart by their `message_id`.

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
    /// What all of them started from; `None` if the sides are stored documents.
    pub(crate) base: Option<PathBuf>,
    pub(crate) sides: Vec<PathBuf>,
    pub(crate) out: Option<PathBuf>,
    pub(crate) keep: Option<PathBuf>,
}

pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Task, Failure> {
    let mut args = args;
    let (mut files, mut out, mut keep, mut corpus) = (Vec::new(), None, None, None);
    let mut states = false;
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--help" | "-h") => return Ok(Task::Help),
            Some("--out") => set_once(&mut out, "--out", args.next())?,
            Some("--keep") => set_once(&mut keep, "--keep", args.next())?,
            Some("--states") => states = true,
            Some("--corpus") => set_once(&mut corpus, "--corpus", args.next())?,
            Some(option) if option.starts_with('-') => {
                return refuse(format!("unknown option {option}; see --help"));
            }
            _ => files.push(PathBuf::from(arg)),
        }
    }
    let alone = files.is_empty() && out.is_none() && keep.is_none() && !states;
    match (corpus, files.len()) {
        (Some(corpus), _) if alone => Ok(Task::Corpus(corpus)),
        (Some(_), _) => refuse("--corpus takes one file and nothing else; see --help"),
        (None, _) if alone => Ok(Task::Bundled),
        (None, 0 | 1) if states => refuse("at least two documents are needed; see --help"),
        (None, _) if states => Ok(Task::Files(Paths { base: None, sides: files, out, keep })),
        (None, 0..=2) => {
            refuse("BASE and at least two files edited from it are needed; see --help")
        }
        (None, _) => {
            let sides = files.split_off(1);
            Ok(Task::Files(Paths { base: files.pop(), sides, out, keep }))
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
