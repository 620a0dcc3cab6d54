//! [`Rank`]: which of two live writes is later.

use crate::{causal::Dot, time::Stamp};

/// The order among live writes: (time, replica), and for one replica at one time the later write.
pub(crate) type Rank = (Stamp, Dot);
