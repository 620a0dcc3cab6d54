//! What a session tells its caller: [`Event`] and [`SessionError`].

use crate::wire::DecodeError;
use alloc::{boxed::Box, string::String};
use core::{error::Error, fmt};

/// What a message from the peer brought: see [`Session::receive`](super::Session::receive).
///
/// ```
/// use rejoin::{PnCounter, sync::{Event, Session}};
///
/// # fn exchange(a: &mut Session<PnCounter>, of_a: &mut PnCounter, b: &mut Session<PnCounter>,
/// #     of_b: &mut PnCounter) -> Result<Vec<Event<PnCounter>>, Box<dyn std::error::Error>> {
/// #     let mut events = Vec::new();
/// #     loop {
/// #         let to_b = a.poll_transmit(of_a);
/// #         let to_a = b.poll_transmit(of_b);
/// #         if to_a.is_none() && to_b.is_none() { return Ok(events) }
/// #         if let Some(message) = to_b { b.receive(of_b, &message)?; }
/// #         if let Some(message) = to_a { events.extend(a.receive(of_a, &message)?); }
/// #     }
/// # }
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let (mut ours, mut theirs) = (PnCounter::new(), PnCounter::new());
/// theirs.increment(3, eu)?;
/// let (mut to_eu, mut to_us) = (Session::new(us, 17), Session::new(eu, 71));
/// let events = exchange(&mut to_eu, &mut ours, &mut to_us, &mut theirs)?;
/// assert!(events.iter().any(|it| matches!(it, Event::Changed(news) if news.value() == 3)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<D> {
    /// The state has changed, by this delta: the part of what the peer sent that was new here. Tell
    /// the sessions with other peers, and not this one.
    Changed(D),
    /// Both sides hold the same, and nothing is on its way from here.
    InSync,
    /// The peer holds what this replica lacks, and is asked for it.
    Behind,
    /// The peer has refused what was sent, and says why. It is sent again at each
    /// [`resend`](super::Session::resend).
    Refused(String),
    /// The peer knows writes of this replica id that this replica does not know: it runs on a
    /// restored or lagging copy, or another process uses its id. Stop writing under this id, and go
    /// on with a session under a new one. What was lost comes back from the peer.
    LostWrites,
}

/// Why a message was not taken: see [`Session::receive`](super::Session::receive). The state is as
/// it was. Opaque: ask its predicates. The session goes on; whatever the message held is sent again.
///
/// ```
/// use rejoin::{PnCounter, sync::Session};
/// let mut session: Session<PnCounter> = Session::new("us-east-1".parse()?, 17);
/// let error = session.receive(&mut PnCounter::new(), b"what is this?").unwrap_err();
/// assert!(error.is_damaged() && error.as_decode().is_none() && !error.is_limit());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionError(pub(super) Box<Reason>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Damaged,
    SameNonce(u64),
    Limit { claimed: u64, limit: u64 },
    Refused(String),
    Decode(DecodeError),
}

impl SessionError {
    pub(super) fn new(reason: Reason) -> Self {
        Self(Box::new(reason))
    }

    /// The message was damaged on its way, is older than the last start of either side, or was never
    /// one of a session. Nothing has to be done. [The type](Self) has an example.
    pub fn is_damaged(&self) -> bool {
        matches!(*self.0, Reason::Damaged)
    }

    /// The peer began with the same number as this session, or a message came back to its sender.
    /// Begin both with numbers that are chosen at random. [`Session::new`](super::Session::new) has
    /// an example.
    pub fn is_same_nonce(&self) -> bool {
        matches!(*self.0, Reason::SameNonce(_))
    }

    /// The peer sends more at once than the settings allow. It is told. [The type](Self) has an
    /// example.
    pub fn is_limit(&self) -> bool {
        matches!(*self.0, Reason::Limit { .. })
    }

    /// The caller's own rule has refused the delta.
    /// [`receive_if`](super::Session::receive_if) has an example.
    pub fn is_refused(&self) -> bool {
        matches!(*self.0, Reason::Refused(_))
    }

    /// What came whole is not what this type's deltas and versions look like: the peer has another
    /// type, or another release. It is told. [The type](Self) has an example.
    pub fn as_decode(&self) -> Option<&DecodeError> {
        if let Reason::Decode(error) = &*self.0 { Some(error) } else { None }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Reason::Damaged => f.write_str(
                "the message was damaged, or is older than the last start of either side",
            ),
            Reason::SameNonce(nonce) => write!(
                f,
                "both sides of the session began with {nonce}: begin with a number chosen at random"
            ),
            Reason::Limit { claimed, limit } => write!(
                f,
                "the transfer of {claimed} bytes is over the receiver's limit of {limit}: raise it"
            ),
            Reason::Refused(reason) => write!(f, "the delta was refused: {reason}"),
            Reason::Decode(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl Error for SessionError {}

impl From<DecodeError> for SessionError {
    fn from(error: DecodeError) -> Self {
        Self::new(Reason::Decode(error))
    }
}
