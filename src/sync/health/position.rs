//! [`Position`]: how far a side has come. [`Heartbeat`]: what one side tells the other of itself.

use crate::{
    causal::CausalContext,
    clock::VectorClock,
    version::Version,
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};

/// How far a side has come: an offset in a log, a sequence number, or a count of writes, and the
/// timeline that it is counted on. 16 bytes, `Copy`, ordered by timeline, then by offset.
///
/// After a failover or a restore a database counts on from an earlier offset, on a new timeline.
/// Offsets of two timelines are never subtracted: what is behind is unknown until both sides count
/// on one.
///
/// ```
/// use rejoin::sync::health::Position;
///
/// let before = Position::new(0x16_b374_d848);          // a log position of PostgreSQL
/// let after = Position::on(2, 0x16_b374_0000);         // of the copy that was promoted
/// assert!(after > before);
/// assert_eq!((after.timeline(), after.offset()), (2, 0x16_b374_0000));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Position {
    timeline: u64,
    offset: u64,
}

impl Position {
    /// At this offset, where there is only one timeline. [The type](Self) has an example.
    pub const fn new(offset: u64) -> Self {
        Self::on(0, offset)
    }

    /// At this offset of a timeline. A later timeline has a greater number. [The type](Self) has an
    /// example.
    pub const fn on(timeline: u64, offset: u64) -> Self {
        Self { timeline, offset }
    }

    /// The timeline.
    pub const fn timeline(self) -> u64 {
        self.timeline
    }

    /// The offset on the timeline.
    pub const fn offset(self) -> u64 {
        self.offset
    }

    /// The position that a 32-bit counter means: the nearest to this one whose low 32 bits are
    /// `low`. So a counter that wraps goes on. It must be told before it has counted 2³¹.
    ///
    /// Source: RFC 1982, serial number arithmetic.
    ///
    /// ```
    /// use rejoin::sync::health::Position;
    /// let before = Position::new(u64::from(u32::MAX));
    /// assert_eq!(before.nearest(4).offset(), (1 << 32) + 4);
    /// assert_eq!(before.nearest(u32::MAX - 1).offset(), u64::from(u32::MAX) - 1);
    /// ```
    #[must_use]
    pub const fn nearest(self, low: u32) -> Self {
        #[allow(clippy::cast_possible_truncation)] // the low 32 bits
        let ahead = low.wrapping_sub(self.offset as u32);
        let offset =
            match self.offset.checked_add_signed(i32::from_ne_bytes(ahead.to_ne_bytes()) as i64) {
                Some(offset) => offset,
                None => self.offset.wrapping_add(ahead as u64),
            };
        Self { offset, ..self }
    }
}

/// What one side tells the other of itself, every second or so: that it lives, how far it has
/// written, and what it holds of the other. `Copy`.
///
/// Each part may be unknown; it is then `None` and never zero. A side that never writes says that
/// its head is `Position::new(0)`.
///
/// # Examples
///
/// ```
/// use rejoin::{sync::health::{Heartbeat, Position}, wire};
///
/// let beat = Heartbeat::new(41)
///     .with_head(Position::new(7_000))        // we have written so far,
///     .with_received(Position::new(350))      // hold so much of what you wrote,
///     .with_heard(1_204);                     // and heard your heartbeat 1,204
/// let bytes = wire::to_bytes(&beat);
/// assert_eq!(bytes.len(), 14);
/// assert_eq!(wire::from_bytes::<Heartbeat>(&bytes)?, beat);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Heartbeat {
    /// Another one in each heartbeat, greater than before. A repeat is no sign of life: a receiver
    /// that looks again at the row that it has, looks at the same number.
    pub number: u64,
    /// The number of the last heartbeat that came from the other side.
    pub heard: Option<u64>,
    /// How far this side has written.
    pub head: Option<Position>,
    /// What this side holds of what the other has written, in the other side's positions.
    pub received: Option<Position>,
}

impl Heartbeat {
    /// A sign of life that tells nothing else. [The type](Self) has an example.
    pub const fn new(number: u64) -> Self {
        Self { number, heard: None, head: None, received: None }
    }

    /// With how far this side has written.
    #[must_use]
    pub const fn with_head(self, head: Position) -> Self {
        Self { head: Some(head), ..self }
    }

    /// With what this side holds of the other.
    #[must_use]
    pub const fn with_received(self, received: Position) -> Self {
        Self { received: Some(received), ..self }
    }

    /// With the number of the heartbeat that came last from the other side.
    #[must_use]
    pub const fn with_heard(self, number: u64) -> Self {
        Self { heard: Some(number), ..self }
    }

    /// The heads and what was received of two sides, ours first, from their
    /// [versions](crate::DeltaState::version): counts of writes. The numbers are still to be set.
    /// O(size of both).
    ///
    /// A side that lacks nothing but the knowledge that something was removed lacks one.
    ///
    /// ```
    /// use rejoin::{DeltaState, OrSet, sync::health::{Heartbeat, Position}};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let (mut ours, mut theirs) = (OrSet::new(), OrSet::new());
    /// ours.extend([1, 2, 3], us)?;
    /// theirs.insert(4, eu)?;
    /// let [we, they] = Heartbeat::of_versions(&ours.version(), &theirs.version());
    /// assert_eq!((we.head, they.received), (Some(Position::new(3)), Some(Position::new(0))));
    /// assert_eq!((they.head, we.received), (Some(Position::new(1)), Some(Position::new(0))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_versions(ours: &Version, theirs: &Version) -> [Self; 2] {
        let reached = |head: &Version, by: &Version| {
            let missing = count(&head.0.seen().difference(by.0.seen()));
            let missing = missing.max(u128::from(!by.covers(head)));
            (count(head.0.seen()), missing)
        };
        Self::pair(reached(ours, theirs), reached(theirs, ours))
    }

    /// As [`of_versions`](Self::of_versions), from the clocks of two sides. O(replicas).
    ///
    /// ```
    /// use rejoin::{VectorClock, sync::health::{Heartbeat, Position}};
    ///
    /// let mut ours = VectorClock::new();
    /// ours.increment("us-east-1".parse()?)?;
    /// let [we, they] = Heartbeat::of_clocks(&ours, &VectorClock::new());
    /// assert_eq!((we.head, they.received), (Some(Position::new(1)), Some(Position::new(0))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_clocks(ours: &VectorClock, theirs: &VectorClock) -> [Self; 2] {
        let sum = |clock: &VectorClock| clock.iter().map(|(_, count)| u128::from(count)).sum();
        let (all_ours, all_theirs, both): (u128, u128, u128) =
            (sum(ours), sum(theirs), sum(&ours.meet(theirs)));
        Self::pair(
            (all_ours, all_ours.saturating_sub(both)),
            (all_theirs, all_theirs.saturating_sub(both)),
        )
    }

    /// Of how many writes each side has, and how many of them the other lacks.
    fn pair(ours: (u128, u128), theirs: (u128, u128)) -> [Self; 2] {
        let place = |number: u128| Position::new(u64::try_from(number).unwrap_or(u64::MAX));
        let head = |of: (u128, u128)| place(of.0);
        let received = |of: (u128, u128)| {
            let missing = u64::try_from(of.1).unwrap_or(u64::MAX);
            Position::new(head(of).offset.saturating_sub(missing))
        };
        [(ours, theirs), (theirs, ours)]
            .map(|(own, other)| Self::new(0).with_head(head(own)).with_received(received(other)))
    }

    /// The same with another number.
    ///
    /// ```
    /// use rejoin::sync::health::Heartbeat;
    /// assert_eq!(Heartbeat::new(1).with_number(2), Heartbeat::new(2));
    /// ```
    #[must_use]
    pub const fn with_number(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// The timeline that it comes from, as far as it says.
    pub(super) fn timeline(&self) -> Option<u64> {
        self.head.map(Position::timeline)
    }
}

/// How many writes were seen.
fn count(seen: &CausalContext) -> u128 {
    let runs = seen.replicas().flat_map(|replica| seen.intervals(replica));
    runs.map(|run| u128::from(run.end().saturating_sub(*run.start())) + 1).sum()
}

/// The number; a byte with one bit for each of `heard`, `head` and `received` that is told; and
/// those: a position is its timeline and its offset.
impl Wire for Heartbeat {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Heartbeat);
    }

    fn encode(&self, out: &mut Writer) {
        out.varint(self.number);
        let told = [self.heard.is_some(), self.head.is_some(), self.received.is_some()];
        out.byte(told.iter().rev().fold(0, |bits, bit| bits << 1 | u8::from(*bit)));
        self.heard.into_iter().for_each(|heard| out.varint(heard));
        for position in self.head.into_iter().chain(self.received) {
            out.varint(position.timeline);
            out.varint(position.offset);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let number = input.varint()?;
        let told = input.byte()?;
        if told >= 1 << 3 {
            return Err(input.malformed("a heartbeat tells what this release does not know"));
        }
        let heard = (told & 1 != 0).then(|| input.varint()).transpose()?;
        let mut position = |bit: u8| {
            let mut read = || Ok(Position::on(input.varint()?, input.varint()?));
            (told & bit != 0).then(&mut read).transpose()
        };
        Ok(Self { number, heard, head: position(2)?, received: position(4)? })
    }
}
