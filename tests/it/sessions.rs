//! Sessions, case by case; `network` plays them by the thousand.

use crate::{network::Load, replica};
use rejoin::{
    DeltaState, GCounter, OrSet, PnCounter, ReplicaId,
    sync::{Event, Session, SessionSettings},
    wire,
};

/// One side of a link.
struct Side<T: Load> {
    state: T,
    session: Session<T>,
    /// The messages sent, by their lengths.
    sent: Vec<usize>,
    events: Vec<Event<T::Delta>>,
    /// How many messages were of no use.
    damaged: usize,
}

impl<T: Load> Side<T> {
    fn new(id: ReplicaId, nonce: u64, settings: SessionSettings, state: T) -> Self {
        let session = Session::with(id, nonce, settings);
        Self { state, session, sent: Vec::new(), events: Vec::new(), damaged: 0 }
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        let message = self.session.poll_transmit(&self.state)?;
        self.sent.push(message.len());
        Some(message)
    }

    #[track_caller]
    fn take(&mut self, message: &[u8]) {
        match self.session.receive(&mut self.state, message) {
            Ok(events) => self.events.extend(events),
            Err(error) => {
                assert!(error.is_damaged(), "{error}");
                self.damaged += 1;
            }
        }
    }

    /// The bytes sent since this was asked last.
    fn bytes(&mut self) -> usize {
        self.sent.drain(..).sum()
    }
}

/// Two sides that talk until nothing is left to say; returns how many times they did.
fn talk<T: Load>(a: &mut Side<T>, b: &mut Side<T>) -> usize {
    for round in 0.. {
        let from_a: Vec<_> = std::iter::from_fn(|| a.next()).collect();
        from_a.iter().for_each(|message| b.take(message));
        let from_b: Vec<_> = std::iter::from_fn(|| b.next()).collect();
        from_b.iter().for_each(|message| a.take(message));
        if from_a.is_empty() && from_b.is_empty() {
            return round;
        }
    }
    0
}

fn us() -> ReplicaId {
    replica("us-east-1")
}

fn eu() -> ReplicaId {
    replica("eu-west-1")
}

fn pair_within<T: Load>(settings: SessionSettings, ours: T, theirs: T) -> (Side<T>, Side<T>) {
    (Side::new(us(), 17, settings, ours), Side::new(eu(), 71, settings, theirs))
}

/// Two sides that are in sync.
fn pair<T: Load>(state: T) -> (Side<T>, Side<T>) {
    let (mut a, mut b) = pair_within(SessionSettings::new(), state.clone(), state);
    talk(&mut a, &mut b);
    assert!(a.events.contains(&Event::InSync) && b.events.contains(&Event::InSync));
    assert!(a.session.is_settled() && b.session.is_settled());
    assert_eq!((a.damaged, b.damaged), (0, 0));
    for side in [&mut a, &mut b] {
        (side.sent, side.events) = Default::default();
    }
    (a, b)
}

fn set(elements: impl IntoIterator<Item = u64>, id: ReplicaId) -> OrSet<u64> {
    let mut set = OrSet::new();
    set.extend(elements, id).unwrap();
    set
}

#[test]
fn in_sync_costs_thirty_bytes_and_one_round_trip() {
    let (mut a, mut b) = pair(set(0..1_000, us()));
    for _ in 0..3 {
        a.session.resend();
        assert_eq!(talk(&mut a, &mut b), 1);
        assert_eq!((a.bytes(), b.bytes()), (23, 7));
        assert_eq!(a.events.pop(), Some(Event::InSync));
    }
}

#[test]
fn a_change_is_told_once_and_not_back() {
    let (mut a, mut b) = pair(set([1], us()));
    let delta = a.state.insert(2, us()).unwrap();
    a.session.changed(&delta);
    talk(&mut a, &mut b);
    assert_eq!(a.state, b.state);
    assert_eq!(b.events, [Event::Changed(delta.clone())]);
    assert_eq!(a.bytes(), 10 + wire::to_bytes(&delta).len());
    assert_eq!(b.bytes(), 8, "the answer, and nothing else");
    a.session.resend();
    b.session.resend();
    talk(&mut a, &mut b);
    assert_eq!((a.bytes(), b.bytes()), (30, 30), "it was not kept to be told later");
}

#[test]
fn what_is_known_is_not_told_on() {
    let (mut a, mut b) = pair(set([1], us()));
    let old = a.state.insert(2, us()).unwrap();
    b.state.apply(&old);
    let mut both = a.state.insert(3, us()).unwrap();
    let new = both.clone();
    rejoin::Merge::merge(&mut both, &old);
    a.session.changed(&both);
    talk(&mut a, &mut b);
    assert_eq!(b.events, [Event::Changed(new)], "only what was new");
    a.session.changed(&both);
    talk(&mut a, &mut b);
    assert_eq!(b.events.len(), 1, "nothing was new");
}

#[test]
fn what_was_lost_is_sent_again() {
    let (mut a, mut b) = pair(set([1], us()));
    let delta = a.state.insert(2, us()).unwrap();
    a.session.changed(&delta);
    assert!(a.next().is_some(), "and it is lost");
    talk(&mut a, &mut b);
    assert!(!b.state.contains(&2) && !a.session.is_settled());
    a.session.resend();
    talk(&mut a, &mut b);
    assert!(b.state.contains(&2) && a.session.is_settled());

    // The answer is lost.
    let delta = a.state.insert(3, us()).unwrap();
    a.session.changed(&delta);
    let message = a.next().unwrap();
    b.take(&message);
    assert!(b.next().is_some() && !a.session.is_settled());
    a.session.resend();
    talk(&mut a, &mut b);
    assert!(a.session.is_settled());
    let told = b.events.iter().filter(|it| matches!(it, Event::Changed(_)));
    assert_eq!(told.count(), 2, "each change is told once");
}

#[test]
fn what_was_not_told_is_found_by_comparison() {
    let (mut a, mut b) = pair(set([1], us()));
    a.state.insert(2, us()).unwrap();
    b.state.insert(3, eu()).unwrap();
    a.session.resend();
    talk(&mut a, &mut b);
    assert_eq!(a.state, b.state);
    assert_eq!(a.state.len(), 3);
}

/// The peer confirms what we held when we told it, having got it by another way. What has changed
/// since is still to be sent.
#[test]
fn changes_are_kept_while_states_are_compared() {
    let (ours, theirs) = (set([1], us()), set([], eu()));
    let (mut a, mut b) = pair_within(SessionSettings::new(), ours, theirs);
    a.take(&b.next().unwrap());
    let told = a.next().unwrap();
    let delta = a.state.delta_since(&b.state.version());
    b.state.apply(&delta);
    b.session.changed(&delta);
    let since = a.state.insert(2, us()).unwrap();
    a.session.changed(&since);
    b.take(&told);
    assert_eq!(b.events, [Event::InSync]);
    std::iter::from_fn(|| b.next()).for_each(|message| a.take(&message));
    assert!(!a.session.is_settled(), "the peer lacks what has changed since");
    talk(&mut a, &mut b);
    assert_eq!(a.state, b.state);
}

/// What an offer gave is in the answer to a question that comes meanwhile: the answer does not wait
/// until the offer, which may be lost, is acknowledged.
#[test]
fn an_offer_is_given_up_when_a_question_comes() {
    let settings = SessionSettings::new().patience(1);
    let state = set([1], us());
    let (mut a, mut b) = pair_within(settings, state.clone(), state);
    talk(&mut a, &mut b);
    a.state.insert(2, us()).unwrap();
    a.session.resend();
    b.take(&a.next().unwrap());
    let question = b.next().unwrap();
    let delta = a.state.insert(3, us()).unwrap();
    a.session.changed(&delta);
    a.next().expect("an offer, which is lost");
    a.take(&question);
    talk(&mut a, &mut b);
    assert_eq!(a.state, b.state);
}

#[test]
fn with_patience_only_a_difference_that_stays_is_looked_for() {
    let settings = SessionSettings::new().patience(3);
    let (mut a, mut b) = pair_within(settings, set([1], us()), set([1], us()));
    talk(&mut a, &mut b);
    a.state.insert(2, us()).unwrap();
    for differs in [true, true, false] {
        a.session.resend();
        talk(&mut a, &mut b);
        assert_eq!(a.state != b.state, differs);
    }
}

#[test]
fn either_side_starts_again_from_what_it_stored() {
    for restarts in [true, false] {
        let (mut a, mut b) = pair(set([1], us()));
        let stored = a.state.clone();
        for element in 2..5 {
            a.session.changed(&a.state.insert(element, us()).unwrap());
            talk(&mut a, &mut b);
        }
        assert_eq!(b.state.len(), 4);
        // Back to the older state, and under a new id on the side that writes.
        if restarts {
            a = Side::new(replica("us-east-2"), 18, SessionSettings::new(), stored);
        } else {
            b = Side::new(eu(), 72, SessionSettings::new(), stored);
        }
        a.session.changed(&a.state.insert(9, replica("us-east-2")).unwrap());
        talk(&mut a, &mut b);
        a.session.resend();
        talk(&mut a, &mut b);
        assert_eq!(a.state, b.state);
        assert_eq!(b.state.len(), 5);
    }
}

#[test]
fn a_restart_is_noticed_whatever_is_on_its_way() {
    let (mut a, mut b) = pair(set([1], us()));
    a.session.changed(&a.state.insert(2, us()).unwrap());
    let late = a.next().unwrap();
    b = Side::new(eu(), 72, SessionSettings::new(), b.state);
    let error = b.session.receive(&mut b.state, &late).unwrap_err();
    assert!(error.is_damaged(), "it was made for an earlier life: {error}");
    talk(&mut a, &mut b);
    assert_eq!(a.state, b.state);

    // Under its old number, which it should not have.
    b = Side::new(eu(), 72, SessionSettings::new(), set([1], us()));
    talk(&mut a, &mut b);
    assert_eq!(a.state, b.state);
}

#[test]
fn a_lost_part_alone_is_sent_again() {
    let settings = SessionSettings::new().message_bytes(300);
    let ours = set((0..4_000).map(|it| it * 1_000_003), us());
    let (mut a, mut b) = pair_within(settings, ours, OrSet::new());
    let mut lost = 0;
    for round in 0..10 {
        let messages: Vec<_> = std::iter::from_fn(|| a.next()).collect();
        for (at, message) in messages.iter().enumerate() {
            assert!(message.len() <= 300);
            // The first time: one in ten, and the last.
            if messages.len() > 50 && (at % 10 == 0 || at + 1 == messages.len()) {
                lost += 1;
                continue;
            }
            b.take(message);
        }
        std::iter::from_fn(|| b.next()).for_each(|message| a.take(&message));
        if a.state == b.state {
            assert!(round > 2);
            break;
        }
        a.session.resend();
    }
    assert_eq!(a.state, b.state);
    let whole = wire::to_bytes(&a.state).len();
    assert!(lost > 5);
    // What was lost, one probe, and the greetings.
    let again = a.bytes() - whole - whole / 250 * 30;
    assert!(again <= lost * 300 + 600, "{again} bytes more than the state, {lost} parts lost");
}

#[test]
fn parts_that_are_not_followed_by_others_are_not_waited_for() {
    let settings = SessionSettings::new().message_bytes(300);
    let (mut a, mut b) = pair_within(settings, set([1], us()), set([1], us()));
    talk(&mut a, &mut b);
    let delta = a.state.extend(100..1_000, us()).unwrap();
    a.session.changed(&delta);
    let part = a.next().unwrap();
    b.take(&part);
    // The rest comes by way of a third replica, so it is not sent any more.
    b.state.apply(&delta);
    b.session.resend();
    while let Some(message) = b.next() {
        a.take(&message);
    }
    assert!(a.session.is_settled());
    a.state.insert(2, us()).unwrap();
    for _ in 0..10 {
        a.session.resend();
        b.session.resend();
        talk(&mut a, &mut b);
    }
    assert_eq!(a.state, b.state);
}

#[test]
fn the_state_is_sent_where_it_is_smaller_than_the_delta() {
    let (mut a, mut b) = pair(OrSet::<u64>::new());
    // A delta for each second write: its context is in ten thousand pieces.
    for element in 0..100_000 {
        let delta = a.state.insert(element % 3, us()).unwrap();
        if element % 2 == 0 {
            a.session.changed(&delta);
        }
    }
    talk(&mut a, &mut b);
    assert_eq!(a.state, b.state);
    assert!(a.bytes() < 500);
}

#[test]
fn who_runs_on_a_restored_copy_is_told() {
    let (mut a, mut b) = pair(set([1], us()));
    let backup = a.state.clone();
    a.session.changed(&a.state.insert(2, us()).unwrap());
    talk(&mut a, &mut b);
    assert!(!a.events.contains(&Event::LostWrites) && !b.events.contains(&Event::LostWrites));

    // Told by the peer's version or by its delta, whoever asks.
    for (ours, theirs) in [(18, 71), (80, 71)] {
        let mut a = Side::new(us(), ours, SessionSettings::new(), backup.clone());
        let mut b = Side::new(eu(), theirs, SessionSettings::new(), b.state.clone());
        talk(&mut a, &mut b);
        assert!(a.events.contains(&Event::LostWrites));
        assert!(!b.events.contains(&Event::LostWrites));
        assert_eq!(a.state, b.state, "what was lost is back");
    }

    // Heard later, by way of a third replica.
    let (mut a, mut c) = pair(backup);
    let lost = b.state.delta_since(&c.state.version());
    c.state.apply(&lost);
    c.session.changed(&lost);
    talk(&mut a, &mut c);
    assert!(a.events.contains(&Event::LostWrites));
}

#[test]
fn a_peer_that_sends_too_much_is_told() {
    let (mut a, _) = pair_within(SessionSettings::new(), set(0..10_000, us()), OrSet::new());
    let small = SessionSettings::new().transfer_bytes(100);
    let mut b = Side::new(eu(), 71, small, OrSet::new());
    let mut refused = 0;
    for _ in 0..4 {
        std::iter::from_fn(|| b.next()).for_each(|message| a.take(&message));
        for message in std::iter::from_fn(|| a.next()) {
            let result = b.session.receive(&mut b.state, &message);
            refused += usize::from(result.is_err_and(|error| error.is_limit()));
        }
    }
    assert_eq!(refused, 1);
    let told = |event: &Event<_>| matches!(event, Event::Refused(why) if why.contains("limit"));
    assert!(a.events.iter().any(told));
    assert!(b.state.is_empty());
}

#[test]
fn a_peer_of_another_type_is_told() {
    let mut a = Side::new(us(), 17, SessionSettings::new(), set([1], us()));
    let mut counter = PnCounter::new();
    counter.increment(1, eu()).unwrap();
    let mut theirs = Session::new(eu(), 71);
    let mut wrong = 0;
    for _ in 0..3 {
        for message in std::iter::from_fn(|| a.next()) {
            let result = theirs.receive(&mut counter, &message);
            wrong += usize::from(result.is_err_and(|it| it.as_decode().is_some()));
        }
        while let Some(message) = theirs.poll_transmit(&counter) {
            if let Ok(events) = a.session.receive(&mut a.state, &message) {
                a.events.extend(events);
            } else {
                wrong += 1;
            }
        }
    }
    assert!(wrong > 0);
    assert_eq!((a.state.len(), counter.value()), (1, 1), "both are as they were");
}

/// Bytes for versions, both ways, and for deltas: whoever knows nothing asks once, and twice only if
/// both sides lack something.
#[test]
fn one_version_crosses_the_link_where_one_side_lacks_nothing() {
    for (ours, theirs) in [(set(0..100, us()), OrSet::new()), (OrSet::new(), set(0..100, us()))] {
        let delta = wire::to_bytes(&ours).len().max(wire::to_bytes(&theirs).len());
        let (mut a, mut b) = pair_within(SessionSettings::new(), ours, theirs);
        talk(&mut a, &mut b);
        assert_eq!(a.state, b.state);
        assert!(a.session.is_settled() && b.session.is_settled());
        assert!(a.bytes() + b.bytes() < delta + 190);
    }
}

#[test]
fn a_session_is_a_few_lines_for_a_counter_too() {
    let (mut ours, mut theirs) = (GCounter::new(), GCounter::new());
    let (mut a, mut b) = (Session::new(us(), 1), Session::new(eu(), 2));
    for by in 1..100 {
        a.changed(&ours.increment(by, us()).unwrap());
        b.changed(&theirs.increment(by, eu()).unwrap());
        while let Some(message) = a.poll_transmit(&ours) {
            b.receive(&mut theirs, &message).unwrap();
        }
        while let Some(message) = b.poll_transmit(&theirs) {
            a.receive(&mut ours, &message).unwrap();
        }
    }
    // What changed while the last delta was under way.
    while let Some(message) = a.poll_transmit(&ours) {
        b.receive(&mut theirs, &message).unwrap();
    }
    assert_eq!(ours, theirs);
    assert_eq!(ours.value(), 2 * 99 * 100 / 2);
}
