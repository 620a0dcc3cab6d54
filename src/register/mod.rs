//! Registers: [`LwwRegister`] keeps the last write, [`MvRegister`] keeps every concurrent one.

mod lww;
mod mv;

pub use lww::{LwwRegister, StampOverflow};
pub use mv::MvRegister;
