//! [`Observed`]: a kernel and the index over it. A flag, a register, a set and a map are each one of
//! these, and say here once what they have in common.

use super::{
    Adopt, Blocks, Digest, DotKernel, Page, Slot,
    journal::{Journal, Noted},
};
use crate::{error::WriteError, replica::ReplicaId};
use alloc::vec::Vec;
use core::hash::Hash;
use smallvec::SmallVec;

/// An index that can be made anew from the kernel that it is over.
pub(crate) trait Index<P>: Page<P> + Default {
    fn over(kernel: &DotKernel<P>) -> Self;

    /// Whether it lists exactly what is alive.
    #[cfg(any(test, feature = "laws"))]
    fn check(&self, kernel: &DotKernel<P>) -> Result<(), &'static str>;
}

/// No index.
impl<P> Index<P> for () {
    fn over(_: &DotKernel<P>) -> Self {}

    #[cfg(any(test, feature = "laws"))]
    fn check(&self, _: &DotKernel<P>) -> Result<(), &'static str> {
        Ok(())
    }
}

#[derive(Clone)]
pub(crate) struct Observed<P, I = ()> {
    kernel: DotKernel<P>,
    index: Noted<P, I>,
}

impl<P, I: Default> Default for Observed<P, I> {
    fn default() -> Self {
        Self::of(DotKernel::new(), I::default())
    }
}

impl<P, I> Observed<P, I> {
    pub(crate) fn kernel(&self) -> &DotKernel<P> {
        &self.kernel
    }

    pub(crate) fn index(&self) -> &I {
        &self.index.page
    }

    /// Edits what the index keeps besides what is alive.
    pub(crate) fn with_index(&mut self, edit: impl FnOnce(&mut I, &Blocks<P>)) {
        edit(&mut self.index.page, self.kernel.blocks());
    }

    pub(crate) fn blocks(&self) -> &Blocks<P> {
        self.kernel.blocks()
    }

    /// The payload of a live dot.
    pub(crate) fn get(&self, slot: Slot) -> Option<&P> {
        self.kernel.blocks().get(slot)
    }

    pub(crate) fn digest(&self) -> Digest {
        self.kernel.digest()
    }

    /// A kernel, and the index over it.
    pub(crate) fn of(kernel: DotKernel<P>, index: I) -> Self {
        Self { kernel, index: Noted { page: index, journal: Journal::default() } }
    }
}

/// A kernel from outside; the index is rebuilt. O(size).
impl<P, I: Index<P>> From<DotKernel<P>> for Observed<P, I> {
    fn from(kernel: DotKernel<P>) -> Self {
        let index = I::over(&kernel);
        Self::of(kernel, index)
    }
}

#[cfg(any(test, feature = "laws"))]
impl<P: Hash, I: Index<P>> Observed<P, I> {
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        self.kernel.check_invariants()?;
        self.index.page.check(&self.kernel)
    }
}

impl<P: Clone + Ord + Hash, I: Index<P> + Adopt<P>> Observed<P, I> {
    pub(crate) fn merge(&mut self, other: &Self) -> bool {
        self.apply(&other.kernel)
    }

    pub(crate) fn merge_owned(&mut self, other: Self) -> bool {
        if self.kernel.is_empty() && !self.index.journal.is_open() {
            *self = other;
            return !self.kernel.is_empty();
        }
        self.merge(&other)
    }

    pub(crate) fn apply(&mut self, delta: &DotKernel<P>) -> bool {
        self.index.journal.joins(&self.kernel, delta);
        self.kernel.join(delta, &mut self.index)
    }

    pub(crate) fn apply_owned(&mut self, delta: DotKernel<P>) -> bool {
        if self.kernel.is_empty() && !self.index.journal.is_open() {
            *self = delta.into();
            return !self.kernel.is_empty();
        }
        self.apply(&delta)
    }

    pub(crate) fn delta_since(&self, peer: &Digest) -> DotKernel<P> {
        self.kernel.part(self.kernel.context_since(peer))
    }

    /// Writes `payload` over the live dots in `over`; returns the delta.
    pub(crate) fn write(
        &mut self,
        payload: P,
        over: &[Slot],
        replica: ReplicaId,
    ) -> Result<DotKernel<P>, WriteError> {
        self.commit(Some(payload), over, replica)
    }

    /// Writes many items as one delta: `write` makes each a payload, and finds the live dots that
    /// it is written over. Nothing is written if the replica has fewer writes left than there are
    /// items.
    pub(crate) fn write_all<W>(
        &mut self,
        items: Vec<W>,
        mut write: impl FnMut(&Self, W) -> (P, SmallVec<[Slot; 4]>),
        replica: ReplicaId,
    ) -> Result<DotKernel<P>, WriteError> {
        let last = self.kernel.minted(replica);
        if u64::MAX - last < items.len() as u64 {
            return Err(WriteError::counter_overflow(replica));
        }
        self.index.expect(self.kernel.blocks(), items.len());
        let mut killed = Vec::new();
        for item in items {
            let (payload, over) = write(self, item);
            self.kernel.commit(Some(payload), &over, replica, &mut self.index, &mut killed)?;
        }
        self.index.journal.minted(&self.kernel, replica, last);
        Ok(self.kernel.delta_after(replica, last, killed.into_iter()))
    }

    /// Removes the live dots in `over`, and writes `payloads`, each under a dot of its own; returns
    /// the delta, which is empty if there is neither. Nothing is done if the replica has too few
    /// writes left.
    pub(crate) fn change(
        &mut self,
        mut payloads: Vec<P>,
        over: &[Slot],
        replica: ReplicaId,
    ) -> Result<DotKernel<P>, WriteError> {
        if payloads.len() > 1 {
            let mut over = Some(over);
            let write = |_: &Self, payload| (payload, over.take().unwrap_or_default().into());
            return self.write_all(payloads, write, replica);
        }
        match payloads.pop() {
            Some(payload) => self.write(payload, over, replica),
            None => self.erase(over, replica),
        }
    }

    /// Removes the live dots in `over`, all by one dot; returns the delta, which is empty if there
    /// are none.
    pub(crate) fn erase(
        &mut self,
        over: &[Slot],
        replica: ReplicaId,
    ) -> Result<DotKernel<P>, WriteError> {
        if over.is_empty() {
            return Ok(DotKernel::new());
        }
        self.commit(None, over, replica)
    }

    fn commit(
        &mut self,
        payload: Option<P>,
        over: &[Slot],
        replica: ReplicaId,
    ) -> Result<DotKernel<P>, WriteError> {
        if self.index.journal.is_open() {
            return self.commit_noted(payload, over, replica);
        }
        self.kernel.commit_one(payload, over, replica, &mut self.index.page)
    }

    /// The same in a draft.
    #[cold]
    fn commit_noted(
        &mut self,
        payload: Option<P>,
        over: &[Slot],
        replica: ReplicaId,
    ) -> Result<DotKernel<P>, WriteError> {
        let last = self.kernel.minted(replica);
        let delta = self.kernel.commit_one(payload, over, replica, &mut self.index)?;
        self.index.journal.minted(&self.kernel, replica, last);
        Ok(delta)
    }
}

impl<P: Clone + Hash, I: Page<P>> Observed<P, I> {
    /// Begins a draft.
    pub(crate) fn begin(&mut self) {
        self.index.journal.begin();
    }

    /// Ends the last draft: all is as it was when it began.
    pub(crate) fn take_back(&mut self) {
        self.index.take_back(&mut self.kernel);
    }
}

/// Equal means converged: what is alive, and what was ever seen.
impl<P: PartialEq, I> PartialEq for Observed<P, I> {
    fn eq(&self, other: &Self) -> bool {
        self.kernel == other.kernel
    }
}

/// What a state and its delta do as every [`Observed`] does: `state` is the field that holds it,
/// and a delta is a newtype over its kernel. The longer form says what each impl asks of the parameters.
macro_rules! observed {
    ($state:ident and $delta:ident of <$($param:ident),*> $(, $latest:ident)?) => {
        $crate::causal::observed! {
            $state and $delta of <$($param),*> $(, $latest)? where
            any {}
            merge { $($param: Clone + Ord + core::hash::Hash,)* }
            equal { $($param: PartialEq,)* }
            eq { $($param: Eq,)* }
            debug { $($param: core::fmt::Debug,)* }
            check { $($param: Eq + core::hash::Hash,)* }
            wire { $($param: $crate::wire::Wire + Eq + core::hash::Hash,)* }
            serialize { $($param: serde::Serialize,)* }
            deserialize { $($param: serde::Deserialize<'de> + Eq + core::hash::Hash,)* }
        }
    };
    ($state:ident and $delta:ident of <$($param:ident),*> $(, $latest:ident)? where
     any { $($any:tt)* }
     merge { $($merge:tt)* }
     equal { $($equal:tt)* }
     eq { $($eq:tt)* }
     debug { $($debug:tt)* }
     check { $($check:tt)* }
     wire { $($wire:tt)* }
     serialize { $($serialize:tt)* }
     deserialize { $($deserialize:tt)* }) => {
        impl<$($param),*> $crate::Merge for $state<$($param),*>
        where
            $($merge)*
        {
            fn merge(&mut self, other: &Self) -> bool {
                self.state.merge(&other.state)
            }

            fn merge_owned(&mut self, other: Self) -> bool {
                self.state.merge_owned(other.state)
            }
        }

        impl<$($param),*> $crate::DeltaState
            for $state<$($param),*>
        where
            $($merge)*
        {
            type Delta = $delta<$($param),*>;
            type Version = $crate::Version;

            fn version(&self) -> $crate::Version {
                $crate::Version(self.state.digest())
            }

            fn delta_since(&self, peer: &$crate::Version) -> $delta<$($param),*> {
                $delta(self.state.delta_since(&peer.0))
            }

            fn apply(&mut self, delta: &$delta<$($param),*>) -> bool {
                self.state.apply(&delta.0)
            }

            fn apply_owned(&mut self, delta: $delta<$($param),*>) -> bool {
                self.state.apply_owned(delta.0)
            }

            fn draft<R>(&mut self, edit: impl FnOnce(&mut Self) -> R) -> R {
                $crate::causal::draft(self, edit)
            }
        }

        impl<$($param),*> $crate::causal::Drafted
            for $state<$($param),*>
        where
            $($merge)*
        {
            fn begin(&mut self) {
                self.state.begin();
            }

            fn take_back(&mut self) {
                self.state.take_back();
            }
        }

        /// Equal means converged: also what was seen, not only what is read.
        impl<$($param),*> PartialEq for $state<$($param),*>
        where
            $($equal)*
        {
            fn eq(&self, other: &Self) -> bool {
                self.state == other.state
            }
        }

        impl<$($param),*> Eq for $state<$($param),*> where $($eq)* {}

        /// As the kernel below; the index is rebuilt.
        impl<$($param),*> $crate::wire::Wire
            for $state<$($param),*>
        where
            $($wire)*
        {
            fn schema(schema: &mut $crate::wire::Schema) {
                schema.tag($crate::wire::Tag::$state);
                $($param::schema(schema);)*
            }

            fn encode(&self, out: &mut $crate::wire::Writer) {
                self.state.kernel().encode(out);
            }

            fn decode(
                input: &mut $crate::wire::Reader<'_>,
            ) -> Result<Self, $crate::wire::DecodeError> {
                let kernel = $crate::causal::DotKernel::decode(input)?;
                Ok(Self { state: kernel.into() })
            }
        }

        #[cfg(feature = "serde")]
        impl<$($param),*> serde::Serialize for $state<$($param),*>
        where
            $($serialize)*
        {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.state.kernel().serialize(serializer)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de, $($param),*>
            serde::Deserialize<'de> for $state<$($param),*>
        where
            $($deserialize)*
        {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let kernel = $crate::causal::DotKernel::deserialize(deserializer)?;
                Ok(Self { state: kernel.into() })
            }
        }

        impl<$($param),*> $state<$($param),*>
        where
            $($any)*
        {
            /// What it is made of. O(replicas and gaps). [`Stats`](crate::Stats) has an example.
            pub fn stats(&self) -> $crate::Stats {
                self.state.kernel().stats()
            }
        }

        #[cfg(feature = "laws")]
        impl<$($param),*> $state<$($param),*>
        where
            $($check)*
        {
            pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
                self.state.check_invariants()
            }
        }

        impl<$($param),*> $delta<$($param),*>
        where
            $($any)*
        {
            /// Whether nothing was done. The delta of a remove is not empty. O(1).
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl<$($param),*> Default for $delta<$($param),*>
        where
            $($any)*
        {
            fn default() -> Self {
                Self($crate::causal::DotKernel::new())
            }
        }

        impl<$($param),*> core::fmt::Debug for $delta<$($param),*>
        where
            $($debug)*
        {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.debug(f, stringify!($delta))
            }
        }

        impl<$($param),*> PartialEq for $delta<$($param),*>
        where
            $($equal)*
        {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }

        impl<$($param),*> Eq for $delta<$($param),*> where $($eq)* {}

        impl<$($param),*> $crate::Merge for $delta<$($param),*>
        where
            $($merge)*
        {
            fn merge(&mut self, other: &Self) -> bool {
                self.0.merge(&other.0)
            }

            fn merge_owned(&mut self, other: Self) -> bool {
                self.0.merge_owned(other.0)
            }
        }

        impl<$($param),*> $crate::Delta for $delta<$($param),*>
        where
            $($merge)*
        {
            fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
            $(
                fn latest(&self) -> Option<$crate::Timestamp> {
                    self.$latest()
                }
            )?
        }

        /// As the state that it brings about.
        impl<$($param),*> $crate::wire::Wire
            for $delta<$($param),*>
        where
            $($wire)*
        {
            fn schema(schema: &mut $crate::wire::Schema) {
                schema.tag($crate::wire::Tag::$delta);
                $($param::schema(schema);)*
            }

            fn encode(&self, out: &mut $crate::wire::Writer) {
                self.0.encode(out);
            }

            fn decode(
                input: &mut $crate::wire::Reader<'_>,
            ) -> Result<Self, $crate::wire::DecodeError> {
                $crate::causal::DotKernel::decode(input).map(Self)
            }
        }

        #[cfg(feature = "serde")]
        impl<$($param),*> serde::Serialize for $delta<$($param),*>
        where
            $($serialize)*
        {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de, $($param),*>
            serde::Deserialize<'de> for $delta<$($param),*>
        where
            $($deserialize)*
        {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::causal::DotKernel::deserialize(deserializer).map(Self)
            }
        }

        #[cfg(feature = "laws")]
        impl<$($param),*> $delta<$($param),*>
        where
            $($check)*
        {
            pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
                self.0.check_invariants()
            }
        }
    };
}
pub(crate) use observed;
