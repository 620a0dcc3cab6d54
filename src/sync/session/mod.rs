//! [`Session`]: keeps one value equal on two sides of any link.
//!
//! Deltas, joined while they are not acknowledged: Almeida, Shoker and Baquero, *Delta State
//! Replicated Data Types*, 2018, §6; only what was new is told on: Enes, Almeida, Baquero and
//! Leitão, *Efficient Synchronization of State-Based CRDTs*, 2019, §4. Without I/O, as in
//! `quinn-proto` and `rustls`.

mod compare;
mod event;
mod exchange;
mod message;
mod settings;
mod transfer;

pub use event::{Event, SessionError};
pub use settings::SessionSettings;

use crate::{
    known::Known,
    merge::{Delta, DeltaState, Merge},
    replica::ReplicaId,
    sync::Fingerprint,
    wire::Wire,
};
use alloc::{string::String, vec::Vec};
use core::{fmt::Display, mem::take};
use event::Reason;
use message::{Answer, Link, Message, Unread, Verdict};
use transfer::{Incoming, Outgoing};

/// Keeps one value equal on two replicas, over any transport that carries messages: one side of the
/// link. It does no I/O, reads no clock, and does not own the value.
///
/// Its caller does four things:
///
/// - Tells it of every change: [`changed`](Self::changed), for what was edited here and for what
///   came from other peers.
/// - Sends what [`poll_transmit`](Self::poll_transmit) returns, whenever it may have something:
///   after each of the other three. It returns `None` when there is nothing more.
/// - Hands it each message: [`receive`](Self::receive), and looks at the [events](Event).
/// - Calls [`resend`](Self::resend) from a timer, at an interval longer than a round trip.
///
/// **Store before you send.** What `poll_transmit` returns may acknowledge what was received, and
/// may hold what was edited: store the state first, as it was passed in. A replica that forgets what
/// it has told loses it, and must not go on under its replica id.
///
/// # What the transport may do
///
/// Lose messages, repeat, reorder, truncate and damage them: that costs time, and nothing else.
/// Either side may start again from what it stored: it makes a new session with a new number, which
/// the other side notices. No message is larger than the [settings](SessionSettings) say; larger deltas are
/// sent in parts, of which a lost one alone is sent again. A checksum of 48 bits finds damage. It is
/// no signature: where strangers can send, use TLS, and look at deltas before they are applied with
/// [`receive_if`](Self::receive_if).
///
/// # More than two replicas
///
/// One session for each neighbour, over the same state. The delta of an [`Event::Changed`] goes to
/// all sessions except the one from which it came, as an edit goes to all. It holds only what was
/// new, so that it does not go around in circles. Where every replica has a session with every
/// other, tell only edits made here: everybody hears of them at first hand. Comparisons find what a
/// broken link leaves out; see [`SessionSettings::patience`].
///
/// # Cost
///
/// In sync, [`resend`](Self::resend) costs 30 bytes in all: a fingerprint of the
/// [version](DeltaState::version) and its confirmation. A delta costs about 10 bytes beside its own,
/// and an answer of 8. One transfer is under way at a time, and what changes in the meantime is
/// joined into the next. Where nothing is known of the peer, one version crosses the link, two if
/// both sides lack something. The whole state is sent where that is smaller than the delta.
///
/// A session holds what the peer has not acknowledged, joined, and what the peer has sent in parts,
/// up to a [limit](SessionSettings::transfer_bytes). Messages that compare, and those that complete a
/// delta, take the version of the state: O(blocks of 64 writes).
///
/// # Examples
///
/// ```
/// use rejoin::{OrSet, sync::{Event, Session}};
///
/// # fn store<T>(_: &T) {}
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let (mut ours, mut theirs): (OrSet<String>, OrSet<String>) = Default::default();
/// ours.insert("ana".into(), us)?;
/// theirs.insert("bo".into(), eu)?;
///
/// // Numbers chosen at random at each start.
/// let (mut to_eu, mut to_us) = (Session::new(us, 0x5eed), Session::new(eu, 0xfeed));
/// loop {
///     // What an event loop does with two sockets.
///     let (sent, answered) = (to_eu.poll_transmit(&ours), to_us.poll_transmit(&theirs));
///     if sent.is_none() && answered.is_none() {
///         break;
///     }
///     for event in sent.map_or(Ok(vec![]), |message| to_us.receive(&mut theirs, &message))? {
///         if let Event::Changed(delta) = event {
///             store(&delta);        // ... and tell it to the sessions with others
///         }
///     }
///     answered.map_or(Ok(vec![]), |message| to_eu.receive(&mut ours, &message))?;
/// }
/// assert_eq!(ours, theirs);
///
/// let delta = ours.remove("bo", us)?;
/// store(&ours);
/// to_eu.changed(&delta);
/// let message = to_eu.poll_transmit(&ours).unwrap();
/// to_us.receive(&mut theirs, &message)?;
/// assert_eq!(ours, theirs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // each is of its own, and all combine
pub struct Session<T: DeltaState> {
    replica: ReplicaId,
    nonce: u64,
    settings: SessionSettings,
    /// The number with which the peer began.
    peer: Option<u64>,
    /// The peer has shown that it knows our number.
    met: bool,
    /// Something was heard since the last call of `resend`.
    heard: bool,
    /// The peer's state, joined with what is in `offer` and in `unsent`, is at least ours.
    known: bool,
    /// What has changed since the offer, or since the fingerprint in `compared`.
    unsent: T::Delta,
    /// The fingerprint that was told last, as long as it covers all that was not sent.
    compared: Option<Fingerprint>,
    /// Comparisons in a row that differed.
    differing: u32,
    /// A version is to be sent, to ask for what is lacking here.
    asks: bool,
    offer: Option<Offer>,
    /// The number of the last offer.
    offers: u64,
    /// The bytes of the whole state when it was last compared with a delta.
    whole: usize,
    incoming: Option<Incoming>,
    /// The last transfer that was applied, and what was answered.
    applied: Option<(u64, bool)>,
    owes: Owes,
}

/// A delta, or a version that asks for one, or both, on its way to the peer.
#[derive(Clone, Debug)]
struct Offer {
    transfer: Outgoing,
    /// It has a version.
    asks: bool,
    /// It has a delta.
    gives: bool,
}

/// What is to be sent as soon as the caller asks.
#[derive(Clone, Debug, Default)]
struct Owes {
    greeting: bool,
    answer: Option<Answer>,
    /// The peer's fingerprint, which is ours too.
    matching: Option<Fingerprint>,
    comparison: bool,
}

impl<T> Session<T>
where
    T: DeltaState<Delta: Wire, Version: Wire + Known>,
{
    /// A session with a peer of which nothing is known yet. `replica` is the id under which this
    /// side writes. `nonce` is a number that no earlier session of this link began with, and not the
    /// peer's: choose it at random. O(1).
    ///
    /// ```
    /// use rejoin::{PnCounter, sync::Session};
    /// use std::hash::{BuildHasher, RandomState};
    ///
    /// let nonce = RandomState::new().hash_one(0);
    /// let mut session: Session<PnCounter> = Session::new("us-east-1".parse()?, nonce);
    /// let greeting = session.poll_transmit(&PnCounter::new()).unwrap();
    ///
    /// let error = session.receive(&mut PnCounter::new(), &greeting).unwrap_err();
    /// assert!(error.is_same_nonce(), "it talks to itself");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(replica: ReplicaId, nonce: u64) -> Self {
        Self::with(replica, nonce, SessionSettings::new())
    }

    /// The same, with other settings. O(1). [`SessionSettings`] has an example.
    pub fn with(replica: ReplicaId, nonce: u64, settings: SessionSettings) -> Self {
        Self {
            replica,
            nonce,
            settings,
            peer: None,
            met: false,
            heard: false,
            known: false,
            unsent: T::Delta::default(),
            compared: None,
            differing: 0,
            asks: false,
            offer: None,
            offers: 0,
            whole: 0,
            incoming: None,
            applied: None,
            owes: Owes { greeting: true, ..Owes::default() },
        }
    }

    /// Notes that the state has changed by `delta`: by an edit here, or by what another session
    /// received. Not by what this session received. O(delta), plus the join. [The type](Self) has an
    /// example.
    pub fn changed(&mut self, delta: &T::Delta) {
        // Otherwise a version is to be exchanged, and brings it.
        if self.known || self.compared.is_some() || self.offer.is_some() {
            self.unsent.merge(delta);
        }
    }

    /// Notes that time has passed: what was not acknowledged is sent again, and where all was, the
    /// states are compared. Call it from a timer, such as once a second; and when the transport has
    /// connected again. O(1).
    ///
    /// ```
    /// use rejoin::{PnCounter, sync::Session};
    ///
    /// let counter = PnCounter::new();
    /// let mut session = Session::new("us-east-1".parse()?, 17);
    /// let lost = session.poll_transmit(&counter);
    /// assert!(session.poll_transmit(&counter).is_none());
    /// session.resend();
    /// assert_eq!(session.poll_transmit(&counter), lost);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resend(&mut self) {
        let waits = self.compared.is_some() || self.offer.is_some();
        let silent = !take(&mut self.heard) && waits;
        self.owes.greeting |= !self.met || silent || !self.known && self.offer.is_none();
        if let Some(offer) = &mut self.offer {
            offer.transfer.probe();
        } else {
            self.owes.comparison = !self.owes.greeting;
        }
        // The peer may have given it up.
        self.incoming = self.incoming.take().and_then(Incoming::waited);
        if let Some(incoming) = &self.incoming {
            let verdict = Verdict::Missing(incoming.gaps());
            self.owes.answer = Some(Answer { number: incoming.number, verdict });
        }
    }

    /// Whether the peer has acknowledged all that has changed here. O(1).
    ///
    /// ```
    /// use rejoin::{PnCounter, sync::Session};
    /// let session: Session<PnCounter> = Session::new("us-east-1".parse()?, 17);
    /// assert!(!session.is_settled(), "nothing is known of the peer");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_settled(&self) -> bool {
        self.known && self.unsent.is_empty() && self.offer.is_none()
    }

    /// The next message to send, if there is one. **Store the state first**, as it is passed in: the
    /// message may acknowledge what is in it. O(message); where it begins a delta or compares, O(the
    /// delta, and the version of the state). [The type](Self) has an example.
    pub fn poll_transmit(&mut self, state: &T) -> Option<Vec<u8>> {
        if take(&mut self.owes.greeting) {
            return Some(self.greeting(state));
        }
        let link = (self.nonce, self.peer?);
        if let Some(answer) = self.owes.answer.take() {
            return Some(Message::Answer(answer).to_bytes(link, None));
        }
        if let Some(meant) = self.owes.matching.take() {
            return Some(Message::Match.to_bytes(link, Some(meant)));
        }
        if self.offer.is_none() {
            self.offer = self.next_offer(state);
        }
        if let Some(offer) = &mut self.offer {
            self.owes.comparison = false;
            return offer.transfer.next_part().map(|part| part.to_bytes(link, None));
        }
        take(&mut self.owes.comparison).then(|| self.comparison(state, link))
    }

    /// Takes a message from the peer; returns what it brought. The state is changed only by what has
    /// arrived whole. O(message), and where it compares or completes a delta O(the delta, and the
    /// version of the state). [The type](Self) has an example.
    ///
    /// # Errors
    ///
    /// [`SessionError`] if the message is of no use, or holds what is not accepted. The state is as
    /// it was, and the session goes on: log it.
    pub fn receive(
        &mut self,
        state: &mut T,
        message: &[u8],
    ) -> Result<Vec<Event<T::Delta>>, SessionError> {
        self.receive_if(state, message, |_, _| Ok::<(), &str>(()))
    }

    /// The same, where `accept` sees each delta before it is applied, and may refuse it with a
    /// reason. The peer is told the reason, up to 160 bytes of it.
    ///
    /// ```
    /// use rejoin::{PnCounter, sync::{Event, Session}};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let (mut ours, mut theirs) = (PnCounter::new(), PnCounter::new());
    /// ours.increment(1_000_000, us)?;
    /// let (mut to_eu, mut to_us) = (Session::new(us, 17), Session::new(eu, 71));
    /// let few = |_: &PnCounter, delta: &PnCounter| {
    ///     if delta.value() < 1_000 { Ok(()) } else { Err("too many at once") }
    /// };
    /// let (mut refused, mut told) = (0, Vec::new());
    /// for _ in 0..4 {
    ///     while let Some(message) = to_us.poll_transmit(&theirs) {
    ///         told.extend(to_eu.receive(&mut ours, &message)?);
    ///     }
    ///     while let Some(message) = to_eu.poll_transmit(&ours) {
    ///         let result = to_us.receive_if(&mut theirs, &message, few);
    ///         refused += usize::from(result.is_err_and(|error| error.is_refused()));
    ///     }
    /// }
    /// assert_eq!((refused, theirs.value()), (1, 0));
    /// assert!(told.contains(&Event::Refused("the delta was refused: too many at once".into())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive), and if `accept` has refused the delta.
    pub fn receive_if<E: Display>(
        &mut self,
        state: &mut T,
        message: &[u8],
        accept: impl FnOnce(&T, &T::Delta) -> Result<(), E>,
    ) -> Result<Vec<Event<T::Delta>>, SessionError> {
        let link: Option<Link> = self.peer.map(|peer| (peer, self.nonce));
        let message = message::read(message, link, self.compared).map_err(|why| match why {
            Unread::Damaged => SessionError::new(Reason::Damaged),
            Unread::Malformed(error) => error.into(),
        })?;
        if let Message::Greeting { nonce, peer, fingerprint } = message {
            return self.on_greeting(state, nonce, peer, fingerprint);
        }
        // Whoever made it for this link has heard our greeting.
        (self.met, self.heard) = (true, true);
        match message {
            Message::Comparison { fingerprint } => Ok(self.on_fingerprint(state, fingerprint)),
            Message::Match => Ok(self.on_match()),
            Message::Part { number, total, offset, bytes } => {
                let whole = self.on_part(number, total, offset, bytes)?;
                whole.map_or(Ok(Vec::new()), |whole| self.on_whole(state, number, &whole, accept))
            }
            Message::Answer(answer) => Ok(self.on_answer(answer)),
            Message::Greeting { .. } => Ok(Vec::new()),
        }
    }

    fn refuse(&mut self, number: u64, error: SessionError) -> SessionError {
        let reason: String = alloc::format!("{error}");
        self.owes.answer = Some(Answer { number, verdict: Verdict::Refused(reason) });
        error
    }
}
