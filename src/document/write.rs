//! [`Write`]: one write to a document, the payload of its kernel.

use super::{path::Path, value::Value};
use crate::{causal::Dot, time::Timestamp};

/// One write: a scalar or an array at a path, or the mark of an object there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Write {
    pub(super) path: Path,
    /// When, by the writer's clock or just after all it had seen here.
    pub(super) time: Timestamp,
    /// A scalar, an array, or for an object's mark the empty object.
    pub(super) value: Value,
    /// The write that made this field, if this one changed it: handed on from change to change.
    /// A replica that has seen it and holds nothing here has seen the field deleted.
    pub(super) birth: Option<Dot>,
}

impl Write {
    pub(super) fn is_mark(&self) -> bool {
        matches!(self.value, Value::Object(_))
    }
}
