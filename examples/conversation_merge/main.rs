//! Merges a conversation that three regions edited while the link between them was down.
//!
//! Each side is a replica: it forks the common ancestor, takes its edits in with
//! [`Document::update`](rejoin::Document::update), and meets the others. Whatever the order of the
//! meetings, the result must be the same: the program merges in several and checks that.
//!
//! ```text
//! cargo run --example conversation_merge
//! cargo run --example conversation_merge -- BASE OURS THEIRS… [--out FILE] [--keep FILE]
//! cargo run --example conversation_merge -- --states FILE FILE… [--out FILE] [--keep FILE]
//! cargo run --release --example conversation_merge -- --corpus ../shared/data/oasst_en_100_tree.jsonl
//! ```

mod args;
mod bundled;
mod corpus;
mod edits;
mod files;
mod merging;
mod random;
mod table;

use args::Task;
use rejoin::document::DocumentError;
use std::{
    env, fmt,
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

/// Why the program ends without a result.
enum Failure {
    /// The input or the arguments are of no use; says which and why.
    Refused(String),
    /// Two orders of merging led to different documents, which must never happen.
    Disagreed(String),
    /// The result could not be printed.
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => f.write_str(why),
            Self::Disagreed(what) => write!(f, "the replicas disagree: {what}"),
            Self::Output(error) => write!(f, "cannot print the result: {error}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        Self::Refused(error.to_string())
    }
}

fn run() -> Result<(), Failure> {
    match args::parse(env::args_os().skip(1))? {
        Task::Help => Ok(io::stdout().lock().write_all(args::HELP.as_bytes())?),
        Task::Bundled => bundled::run(),
        Task::Files(paths) => files::run(&paths),
        Task::Corpus(path) => corpus::run(&path),
    }
}

fn main() -> ExitCode {
    let Err(failure) = run() else { return ExitCode::SUCCESS };
    let code = match &failure {
        // A reader that has seen enough (`| head`) is no failure.
        Failure::Output(error) if error.kind() == ErrorKind::BrokenPipe => {
            return ExitCode::SUCCESS;
        }
        Failure::Disagreed(_) => 1,
        Failure::Refused(_) | Failure::Output(_) => 2,
    };
    // One line, even if a file name or a field has a line break in it. If standard error is
    // closed too, nothing is left to be done.
    let line = failure.to_string().replace(char::is_control, " ");
    let _ = writeln!(io::stderr(), "conversation_merge: {line}");
    ExitCode::from(code)
}
