//! How documents and deltas are written out and read in, checked on the way.

#[cfg(feature = "serde")]
mod form;
mod intake;
mod wire;
