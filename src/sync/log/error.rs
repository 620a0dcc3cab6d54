//! [`LogError`]: a position that a log cannot take or answer for.

use core::{error::Error, fmt};

/// A position that a [`Log`](super::Log) cannot take, or can no longer answer for. `Copy`; it
/// prints as one line. The type of the log has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogError(pub(super) Reason);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    OutOfOrder { position: u64, last: u64 },
    Cut { position: u64, next: u64 },
}

impl LogError {
    /// A delta was appended at or before the last position.
    pub const fn is_out_of_order(&self) -> bool {
        matches!(self.0, Reason::OutOfOrder { .. })
    }

    /// The history at this position was cut.
    pub const fn is_cut(&self) -> bool {
        matches!(self.0, Reason::Cut { .. })
    }

    /// The position that was asked for.
    pub const fn position(&self) -> u64 {
        match self.0 {
            Reason::OutOfOrder { position, .. } | Reason::Cut { position, .. } => position,
        }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reason::OutOfOrder { position, last } => write!(
                f,
                "position {position} is not after {last}, the last of the log: append what was \
                 committed in the order of its positions"
            ),
            Reason::Cut { position, next } => write!(
                f,
                "position {position} was cut: the next that is kept is {next}; a cut keeps the \
                 positions that it is given"
            ),
        }
    }
}

impl Error for LogError {}
