//! What code that was derived calls.

pub use alloc::vec::Vec;

/// Edits a whole that was made of parts that belong elsewhere, and gives it `back` when the edit
/// ends, also if it panics.
pub fn lent<T, R>(whole: T, edit: impl FnOnce(&mut T) -> R, back: impl FnMut(&mut T)) -> R {
    struct Lent<T, B: FnMut(&mut T)>(T, B);
    impl<T, B: FnMut(&mut T)> Drop for Lent<T, B> {
        fn drop(&mut self) {
            (self.1)(&mut self.0);
        }
    }
    edit(&mut Lent(whole, back).0)
}
