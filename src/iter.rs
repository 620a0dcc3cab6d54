//! What all named iterators have in common.

/// Implements a named iterator, which is a newtype over another: `Iterator` from both ends, with an
/// exact length, `FusedIterator`, `Clone` and `Debug`.
macro_rules! iterator {
    ($name:ident<$life:lifetime $(, $param:ident $(: ($($bound:tt)+))?)*>
     of $item:ty = |$found:pat_param| $make:expr) => {
        impl<$life $(, $param)*> Clone for $name<$life $(, $param)*> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<$life $(, $param $(: $($bound)+)?)*> Iterator for $name<$life $(, $param)*> {
            type Item = $item;

            fn next(&mut self) -> Option<$item> {
                self.0.next().map(|$found| $make)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }

            fn fold<Acc, Fold: FnMut(Acc, $item) -> Acc>(self, first: Acc, mut fold: Fold) -> Acc {
                self.0.fold(first, |all, $found| fold(all, $make))
            }
        }

        impl<$life $(, $param $(: $($bound)+)?)*> DoubleEndedIterator
            for $name<$life $(, $param)*>
        {
            fn next_back(&mut self) -> Option<$item> {
                self.0.next_back().map(|$found| $make)
            }
        }

        impl<$life $(, $param $(: $($bound)+)?)*> ExactSizeIterator
            for $name<$life $(, $param)*>
        {
        }

        impl<$life $(, $param $(: $($bound)+)?)*> core::iter::FusedIterator
            for $name<$life $(, $param)*>
        {
        }

        impl<$life $(, $param $(: $($bound)+)?)*> core::fmt::Debug
            for $name<$life $(, $param)*>
        where
            $item: core::fmt::Debug,
        {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_list().entries(self.clone()).finish()
            }
        }
    };
}
pub(crate) use iterator;
