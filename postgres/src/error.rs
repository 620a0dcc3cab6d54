//! [`Error`]: why something was not done.

use crate::token::Token;
use rejoin::{ReplicaIdError, wire::DecodeError};
use std::{error::Error as StdError, fmt, time::Duration};

type Cause = Box<dyn StdError + Send + Sync>;

/// Why something was not done. The size of a pointer. It prints in one line what went wrong and the
/// way out; predicates tell cases apart, and [`source`](StdError::source) is the cause.
#[derive(Debug)]
pub struct Error(Box<Kind>);

#[derive(Debug)]
pub(crate) enum Kind {
    Database(tokio_postgres::Error),
    Pool(deadpool_postgres::PoolError),
    Schema { found: i32, needed: i32 },
    InRecovery,
    Region(ReplicaIdError),
    OtherRegion { found: String, asked: String },
    SameRegion(String),
    NeverOpened,
    Closed,
    Malformed { what: String, error: DecodeError },
    Edit(Cause),
    Contended { what: String, attempts: u32 },
    NotYet { token: Token, waited: Duration },
    OutcomeUnknown { what: String, error: Option<Error> },
    Token(String),
}

impl Error {
    /// The database could not be reached or refused: try again later. The edit, if it was one, was
    /// not stored.
    pub fn is_database(&self) -> bool {
        matches!(*self.0, Kind::Database(_) | Kind::Pool(_))
    }

    /// The closure that was to edit failed with an error of its own, which is the
    /// [`source`](StdError::source). Nothing was stored.
    pub fn is_edit(&self) -> bool {
        matches!(*self.0, Kind::Edit(_))
    }

    /// Others were faster each time. Nothing was stored.
    pub fn is_contended(&self) -> bool {
        matches!(*self.0, Kind::Contended { .. })
    }

    /// The write that a token stands for has not arrived here in time.
    pub fn is_not_yet(&self) -> bool {
        matches!(*self.0, Kind::NotYet { .. })
    }

    /// The cluster failed over before it said whether the edit was stored, or cannot be asked. What
    /// is repeated now may count twice, unless it is recognized by its
    /// [request](crate::Store::edit_once).
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(*self.0, Kind::OutcomeUnknown { .. })
    }

    /// The cluster is a standby, or is being recovered. It takes no writes.
    pub fn is_in_recovery(&self) -> bool {
        matches!(*self.0, Kind::InRecovery)
    }

    /// Whether the connection was lost, so that nothing is known of what was asked.
    pub(crate) fn lost_connection(&self) -> bool {
        match &*self.0 {
            Kind::Database(error) => is_lost(error),
            Kind::Pool(_) => true,
            _ => false,
        }
    }

    /// Whether a row would have been there twice under this unique index.
    pub(crate) fn violates(&self, index: &str) -> bool {
        let Kind::Database(error) = &*self.0 else { return false };
        error.as_db_error().is_some_and(|error| error.constraint() == Some(index))
    }

    pub(crate) fn edit(error: impl Into<Cause>) -> Self {
        Kind::Edit(error.into()).into()
    }
}

/// The server ended the session, or nothing came from it.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    // Class 57P is an operator's intervention, such as a shutdown; 08 a connection exception.
    let is_end = |code: &str| code.starts_with("57P") || code.starts_with("08");
    let is_io = || error.source().is_some_and(<dyn StdError>::is::<std::io::Error>);
    match error.code() {
        Some(code) => is_end(code.code()),
        None => error.is_closed() || is_io(),
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Kind::Database(error).into()
    }
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            error => Kind::Pool(error).into(),
        }
    }
}

impl From<ReplicaIdError> for Error {
    fn from(error: ReplicaIdError) -> Self {
        Kind::Region(error).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Database(error) => match error.as_db_error() {
                Some(said) => write!(f, "the database refused: {said}"),
                None => write!(f, "the database could not be asked: {error}"),
            },
            Kind::Pool(error) => write!(f, "the database could not be reached: {error}"),
            Kind::Schema { found: 0, .. } => {
                write!(f, "the database has no tables of rejoin: call rejoin_postgres::install")
            }
            Kind::Schema { found, needed } if found > needed => write!(
                f,
                "the tables are of version {found}, and this release knows {needed}: use a later release"
            ),
            Kind::Schema { found, needed } => write!(
                f,
                "the tables are of version {found}, and {needed} is needed: call rejoin_postgres::install"
            ),
            Kind::InRecovery => {
                write!(f, "the cluster is in recovery and takes no writes: connect to the primary")
            }
            Kind::Region(error) => error.fmt(f),
            Kind::OtherRegion { found, asked } => write!(
                f,
                "the database is that of region {found}, not of {asked}: connect to another, or open {found}"
            ),
            Kind::SameRegion(region) => write!(
                f,
                "the peer is of this node's own region {region}: a link needs the database of another"
            ),
            Kind::NeverOpened => {
                write!(f, "the peer's database was never opened as a node: open it once")
            }
            Kind::Closed => write!(f, "the database kept changing while it was opened: try again"),
            Kind::Malformed { what, error } => write!(f, "{what} cannot be read: {error}"),
            Kind::Edit(error) => error.fmt(f),
            Kind::Contended { what, attempts } => write!(
                f,
                "{what} was written by others {attempts} times in a row: try again, or edit it less often"
            ),
            Kind::NotYet { token, waited } => write!(
                f,
                "the write {token} has not arrived here within {} ms: try again, or read without it",
                waited.as_millis()
            ),
            Kind::OutcomeUnknown { what, error } => {
                write!(f, "whether the edit of {what} was stored is not known: ")?;
                match error {
                    Some(error) => write!(f, "{error}"),
                    None => f.write_str("the cluster failed over"),
                }
            }
            Kind::Token(text) => write!(f, "{text:?} is not a token: it must be as a token prints"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.0 {
            Kind::Database(error) => Some(error),
            Kind::OutcomeUnknown { error: Some(error), .. } => Some(error),
            Kind::Pool(error) => Some(error),
            Kind::Region(error) => Some(error),
            Kind::Malformed { error, .. } => Some(error),
            Kind::Edit(error) => Some(&**error),
            _ => None,
        }
    }
}
