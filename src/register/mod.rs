//! Registers: [`LwwRegister`] keeps the last write, [`MvRegister`] keeps every concurrent one.

mod lww;
mod mv;

pub use lww::LwwRegister;
pub use mv::{MvRegister, RegisterDelta, Values};
