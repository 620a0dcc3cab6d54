//! The health of a link: what real monitors get wrong, each as a test, and random lives of a link
//! beside a model that keeps every look.

use crate::{at, effort::count, encoded::through_bytes, replica};
use proptest::{collection::vec, prelude::*};
use rejoin::{
    DeltaState, OrSet, Timestamp, VectorClock,
    sync::health::{
        Direction, Event, Figure, Flow, Health, Heartbeat, Level, Link, Position, State, Summary,
        Thresholds, Trend,
    },
    wire,
};
use std::num::NonZeroU64;

fn beat(number: u64, head: u64, received: u64) -> Heartbeat {
    Heartbeat::new(number)
        .with_head(Position::new(head))
        .with_received(Position::new(received))
        .with_heard(number)
}

fn seconds(second: u64) -> Timestamp {
    at(1_717_236_600_000 + second * 1_000)
}

fn at_least(number: u64) -> Figure {
    Figure::AtLeast(NonZeroU64::new(number).unwrap())
}

/// Both sides beat and look each second; `tell` gives the peer's heartbeat, if one comes, and ours.
fn play(
    link: &mut Link,
    span: std::ops::Range<u64>,
    tell: impl Fn(u64) -> (Option<Heartbeat>, Heartbeat),
) -> Vec<Event> {
    let mut events = Vec::new();
    for second in span {
        let (theirs, ours) = tell(second);
        if let Some(theirs) = theirs {
            link.heard(seconds(second), &theirs);
        }
        events.extend(link.observe(seconds(second), &ours));
    }
    events
}

/// The states that were told of a direction, in order.
fn told(events: &[Event], of: Direction) -> Vec<State> {
    let state = |event: &Event| match event {
        Event::State { direction, to, .. } if *direction == of => Some(*to),
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

/// A link that has idled for 20 s: we have written 70, the peer 500, and all of it arrived.
fn idle() -> Link {
    let mut link = Link::new();
    play(&mut link, 0..20, |n| (Some(beat(n, 500, 70)), beat(n, 70, 500)));
    assert_eq!(link.health().state(), State::Streaming);
    link
}

#[test]
fn nothing_reads_zero_where_nothing_is_known() {
    let mut link = Link::new();
    assert_eq!(*link.health(), Health::default());
    let events = link.observe(seconds(0), &beat(0, 70, 500));
    assert_eq!(events, [], "unknown it was");
    for flow in [link.health().inbound, link.health().outbound] {
        assert_eq!(flow, Flow::default());
        assert_eq!((flow.state, flow.level), (State::Unknown, None));
        assert_eq!((flow.behind, flow.lag_ms), (Figure::Unknown, Figure::Unknown));
        assert_eq!((flow.contact_ms, flow.news_ms), (None, None));
        assert_eq!((flow.rate, flow.trend), (None, None));
    }
    for direction in [Direction::Inbound, Direction::Outbound] {
        let summary = link.summary(direction);
        assert_eq!((summary.looks, summary.worst), (1, State::Unknown));
        assert_eq!((summary.behind_known, summary.behind_average), (0, None));
        assert_eq!((summary.lag_ms_average, summary.lag_ms_max), (None, None));
    }
    assert_eq!(Link::new().summary(Direction::Inbound).worst, State::Unknown);
    assert_eq!(Link::new().summary(Direction::Inbound), Summary::default());

    // Contact alone tells no figure; and a peer that is never heard of is not there.
    link.heard(seconds(1), &Heartbeat::new(1));
    link.observe(seconds(1), &beat(1, 70, 500));
    assert_eq!(link.health().inbound.contact_ms, Some(0));
    assert_eq!(link.health().inbound.behind.at_least(), None);
    assert_eq!(link.health().state(), State::Unknown);
    let mut alone = Link::new();
    let events = play(&mut alone, 0..32, |n| (None, beat(n, 70, 500)));
    assert_eq!(told(&events, Direction::Inbound), [State::Disconnected]);
}

#[test]
fn an_idle_link_streams_though_its_last_write_is_long_ago() {
    let mut link = Link::new();
    let events = play(&mut link, 0..7_200, |n| {
        let written = n.min(10);
        (Some(beat(n, written, written)), beat(n, written, written))
    });
    let Health { inbound, outbound, .. } = *link.health();
    for flow in [inbound, outbound] {
        assert_eq!((flow.state, flow.level), (State::Streaming, Some(Level::Fine)));
        assert_eq!((flow.behind, flow.lag_ms), (Figure::Exactly(0), Figure::Exactly(0)));
        assert_eq!(flow.news_ms, Some(7_189_000), "grows, and says nothing");
        assert_eq!(flow.contact_ms, Some(0));
        assert_eq!(flow.rate.map(|rate| rate.positions), Some(0));
        assert_eq!(flow.trend, Some(Trend::Steady));
    }
    assert_eq!(told(&events, Direction::Inbound), [State::Streaming]);
}

#[test]
fn a_link_that_stalls_with_megabytes_behind_streams_on_neither_side() {
    const BEHIND: u64 = 21 << 20;
    // The sender writes on, and its connection looks alive; the receiver has applied all it got.
    let (mut sender, mut receiver) = (idle(), idle());
    play(&mut sender, 20..30, |n| (None, beat(n, 70 + BEHIND, 500)));
    play(&mut receiver, 20..30, |n| (None, beat(n, 70, 500)));
    let seen = sender.health().outbound;
    assert_eq!((seen.state, seen.behind), (State::Lagging, Figure::Exactly(BEHIND)));
    assert_eq!((seen.level, seen.lag_ms), (Some(Level::Warn), Figure::Exactly(9_000)));
    let seen = receiver.health().inbound;
    assert_eq!((seen.state, seen.contact_ms), (State::Lagging, Some(10_000)));
    assert_eq!((seen.behind, seen.lag_ms), (Figure::Unknown, Figure::Unknown), "not 0");
    // And for longer there is no link at all.
    let events = play(&mut receiver, 30..81, |n| (None, beat(n, 70, 500)));
    assert_eq!(told(&events, Direction::Inbound), [State::Disconnected]);
    assert_eq!(receiver.health().level(), Some(Level::Act));
    assert_eq!(receiver.summary(Direction::Inbound).worst, State::Disconnected);
}

#[test]
fn a_row_that_is_read_again_is_no_heartbeat() {
    // The receiver looks at its own copy of the heartbeat row, and takes it for the peer's word.
    let mut link = idle();
    let row = beat(19, 500, 70);
    for second in 20..60 {
        assert!(!link.heard(seconds(second), &row));
        link.observe(seconds(second), &beat(second, 70, 500));
    }
    assert_eq!(link.health().state(), State::Disconnected);
    assert_eq!(link.health().inbound.contact_ms, Some(40_000));
    assert_eq!(link.health().inbound.behind, Figure::Unknown);
}

#[test]
fn what_is_known_to_lack_in_a_silence_is_a_lower_bound() {
    let mut link = idle();
    play(&mut link, 20..21, |n| (Some(beat(n, 800, 70)), beat(n, 70, 500)));
    assert_eq!(link.health().inbound.behind, Figure::Exactly(300));
    play(&mut link, 21..40, |n| (None, beat(n, 70, 500)));
    assert_eq!(link.health().inbound.behind, at_least(300));
    assert_eq!(link.health().inbound.lag_ms, at_least(19_000));
}

#[test]
fn the_clock_of_the_peer_does_not_matter() {
    // Its heartbeats are numbered by its clock: an hour ahead, then set right, then an hour slow.
    let mut link = Link::new();
    let number = |second: u64| match second {
        0..100 => 10_000 + 3_600 + second,
        100..200 => 10_000 + second,
        _ => 10_000 - 3_600 + second,
    };
    let mut states = Vec::new();
    for second in 0..300 {
        let theirs = beat(second, second * 10, second).with_number(number(second));
        assert!(link.heard(seconds(second), &theirs), "a sign of life all the same");
        link.observe(seconds(second), &beat(second, second, second * 10));
        states.push(link.health().state());
        assert!(link.health().inbound.contact_ms == Some(0));
        let behind = link.health().inbound.behind.at_least();
        assert!(behind.is_none_or(|behind| behind == 0), "{second}: {behind:?}");
    }
    let is_odd = |state: &State| *state != State::Streaming;
    assert!(states.iter().filter(|state| is_odd(state)).count() <= 4, "{states:?}");
    assert!(!states.iter().any(|state| *state > State::Unknown), "{states:?}");
    assert_eq!(link.health().inbound.behind, Figure::Exactly(0));
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let mut link = idle();
    let (back, beats) = (at(1_717_236_600_000 - 3_600_000), 20..40);
    let mut events = Vec::new();
    for n in beats {
        let now = back.saturating_add(std::time::Duration::from_secs(n));
        link.heard(now, &beat(n, 500 + n, 70));
        events.extend(link.observe(now, &beat(n, 70, 500 + n)));
        assert_eq!(link.health().inbound.contact_ms, Some(0));
    }
    assert_eq!(events, []);
    // It works as before: a cut is noticed after as long as ever.
    for n in 40..60 {
        let now = back.saturating_add(std::time::Duration::from_secs(n));
        link.observe(now, &beat(n, 70, 539));
    }
    assert_eq!(link.health().inbound.contact_ms, Some(20_000));
    assert_eq!(link.health().state(), State::Lagging);
}

#[test]
fn a_clock_that_jumps_an_hour_ahead_disconnects_nobody() {
    let mut link = idle();
    let later = |n: u64| seconds(3_600 + n);
    let mut events = link.observe(later(20), &beat(20, 70, 500));
    assert_eq!(link.health().inbound.contact_ms, Some(3_601_000), "as far as the clock tells");
    assert_eq!(link.health().state(), State::Unknown);
    link.heard(later(21), &beat(20, 500, 70));
    events.extend(link.observe(later(21), &beat(21, 70, 500)));
    assert_eq!(link.health().state(), State::Streaming);
    let expected = [State::Unknown, State::Streaming];
    assert_eq!(told(&events, Direction::Inbound), expected);
    assert_eq!(told(&events, Direction::Outbound), expected);

    // Who looks once a minute notices a cut at the second look.
    let mut link = idle();
    let states = [60, 120, 180].map(|second| {
        link.observe(seconds(second), &beat(second, 70, 500));
        link.health().state()
    });
    assert_eq!(states, [State::Unknown, State::Disconnected, State::Disconnected]);
}

#[test]
fn a_failover_is_a_new_timeline_and_nothing_is_subtracted_across_it() {
    let mut link = idle();
    let promoted = |n: u64, offset| beat(n, 0, 70).with_head(Position::on(1, offset));
    // The copy that was promoted lacked 100, and numbers its heartbeats from 0.
    let events = play(&mut link, 20..22, |n| (Some(promoted(n - 20, 400 + n)), beat(n, 70, 500)));
    assert!(events.contains(&Event::NewTimeline { direction: Direction::Inbound, from: 0, to: 1 }));
    assert_eq!(link.health().inbound.behind, Figure::Unknown, "neither 0 nor 2^64 - 79");
    assert_eq!((link.health().inbound.lag_ms, link.health().inbound.rate), (Figure::Unknown, None));
    assert_eq!(link.health().state(), State::Unknown);
    // This side has scanned what is there, and counts on the new timeline.
    let ours = |n: u64, offset| beat(n, 70, 0).with_received(Position::on(1, offset));
    play(&mut link, 22..24, |n| (Some(promoted(n - 20, 425)), ours(n, 420)));
    assert_eq!(link.health().inbound.behind, Figure::Exactly(5));
    play(&mut link, 24..26, |n| (Some(promoted(n - 20, 425)), ours(n, 425)));
    assert_eq!(link.health().inbound.state, State::Streaming);
    // The old primary is a zombie: it beats on, and counts for nothing.
    for second in 26..62 {
        assert!(!link.heard(seconds(second), &beat(second, 900, 70)));
        link.observe(seconds(second), &ours(second, 425));
    }
    assert_eq!(link.health().state(), State::Disconnected);
}

#[test]
fn a_restore_on_the_same_timeline_is_unknown_until_the_receiver_goes_back_too() {
    let mut link = idle();
    let events = play(&mut link, 20..21, |n| (Some(beat(n, 400, 70)), beat(n, 70, 500)));
    assert!(events.contains(&Event::WentBack { direction: Direction::Inbound }));
    // It writes 401 to 600 anew. Whoever compares positions would say that nothing is lacking.
    play(&mut link, 21..60, |n| (Some(beat(n, 400 + 5 * (n - 20), 70)), beat(n, 70, 500)));
    assert_eq!(link.health().inbound.behind, Figure::Unknown);
    assert_eq!(link.health().inbound.state, State::Unknown);
    assert_eq!(link.health().outbound.state, State::Streaming, "the other direction is as it was");
    play(&mut link, 60..61, |n| (Some(beat(n, 600, 70)), beat(n, 70, 400)));
    assert_eq!(link.health().inbound.behind, Figure::Exactly(200));
    play(&mut link, 61..62, |n| (Some(beat(n, 600, 70)), beat(n, 70, 600)));
    assert_eq!(link.health().inbound.state, State::Streaming);
}

#[test]
fn a_peer_that_knows_more_of_our_writes_than_we_do_is_told_once() {
    let mut link = Link::new();
    let events = play(&mut link, 0..5, |n| (Some(beat(n, 500, 73)), beat(n, 70, 500)));
    let ahead: Vec<_> =
        events.iter().filter(|event| matches!(event, Event::PeerAhead { .. })).collect();
    assert_eq!(ahead, [&Event::PeerAhead { received: 73, head: 70 }]);
    assert_eq!(link.health().outbound.behind, Figure::Unknown, "not 0");
    assert_eq!(link.health().outbound.state, State::Unknown);
    // A life of our own that begins anew: it is told on another timeline.
    let ours = |n: u64| beat(n, 0, 500).with_head(Position::on(1, 70));
    let theirs = |n: u64| beat(n, 500, 0).with_received(Position::on(1, 70));
    play(&mut link, 5..7, |n| (Some(theirs(n)), ours(n)));
    assert_eq!(link.health().outbound.state, State::Streaming);

    // What comes between two looks is no sign of that.
    let mut link = idle();
    link.heard(seconds(20), &beat(20, 500, 90));
    assert_eq!(link.observe(seconds(20), &beat(20, 90, 500)), []);
}

#[test]
fn counters_that_wrap_go_on_or_are_unknown() {
    // 32 bits: told as the nearest position.
    let (mut link, mut head) = (Link::new(), Position::new(u64::from(u32::MAX) - 100));
    for second in 0..20 {
        head = head.nearest(u32::MAX.wrapping_add(u32::try_from(second).unwrap() * 20));
        link.heard(seconds(second), &Heartbeat::new(second).with_head(head));
        let received = Position::new(head.offset() - 1);
        link.observe(seconds(second), &Heartbeat::new(second).with_received(received));
        assert_eq!(link.health().inbound.behind, Figure::Exactly(1));
    }
    assert_eq!(head.offset(), (1 << 32) + 379);
    let cases = [
        (0, 5, 5),
        (0, u32::MAX, u64::from(u32::MAX)),
        (1 << 32, u32::MAX, (1 << 32) - 1),
        (7, 7, 7),
        (u64::MAX, 3, 3),
        (u64::MAX, u32::MAX - 1, u64::MAX - 1),
    ];
    for (from, low, to) in cases {
        assert_eq!(Position::on(3, from).nearest(low), Position::on(3, to));
    }
    // 64 bits: the sender is past the end, the receiver is not.
    let mut link = Link::new();
    let (last, theirs) = (u64::MAX - 3, |n, head| Heartbeat::new(n).with_head(Position::new(head)));
    let ours = |n, received| Heartbeat::new(n).with_received(Position::new(received));
    play(&mut link, 0..3, |n| (Some(theirs(n, last)), ours(n, last)));
    play(&mut link, 3..5, |n| (Some(theirs(n, 6)), ours(n, last)));
    assert_eq!(link.health().inbound.behind, Figure::Unknown, "not 2^64 - 9");
    play(&mut link, 5..7, |n| (Some(theirs(n, 6)), ours(n, 6)));
    assert_eq!(link.health().inbound.behind, Figure::Exactly(0));
    assert_eq!(link.health().inbound.state, State::Streaming);
}

#[test]
fn heartbeats_out_of_order_do_not_turn_figures_back() {
    let mut link = Link::new();
    for (second, number) in [0, 1, 2, 5, 3, 4, 6, 8, 7, 9].into_iter().enumerate() {
        let second = second as u64;
        link.heard(seconds(second), &beat(number, number * 100, 70));
        let events = link.observe(seconds(second), &beat(second, 70, 300));
        assert!(!events.contains(&Event::WentBack { direction: Direction::Inbound }));
    }
    assert_eq!(link.health().inbound.behind, Figure::Exactly(600));
}

#[test]
fn a_peer_that_numbers_anew_is_taken_at_its_word_after_a_while() {
    let mut link = idle();
    let events = play(&mut link, 20..40, |n| (Some(beat(n - 20, 500 + n, 70)), beat(n, 70, 520)));
    assert_eq!(link.health().inbound.behind, Figure::Exactly(19));
    assert!(!told(&events, Direction::Inbound).contains(&State::Disconnected));
}

#[test]
fn a_link_that_is_cut_one_way_is_disconnected_that_way() {
    let mut link = idle();
    // Their heartbeats come, and say that ours do not.
    let events =
        play(&mut link, 20..60, |n| (Some(beat(n, 500, 70).with_heard(19)), beat(n, 70, 500)));
    assert_eq!(link.health().inbound.state, State::Streaming);
    let outbound = link.health().outbound;
    assert_eq!((outbound.state, outbound.contact_ms), (State::Disconnected, Some(40_000)));
    assert_eq!(told(&events, Direction::Outbound), [State::Lagging, State::Disconnected]);
    assert_eq!(outbound.behind, Figure::Exactly(0), "it has acknowledged all");
    // Where we send none, none is missed.
    let mut link = idle();
    play(&mut link, 20..60, |n| (Some(beat(n, 500, 70).with_heard(19)), beat(19, 70, 500)));
    assert_eq!(link.health().outbound.state, State::Streaming);
}

#[test]
fn a_delay_around_a_threshold_is_told_once() {
    let mut link = idle();
    // For a minute, every other look is a little more than 5 s late.
    let mut events = Vec::new();
    for look in 0..60 {
        let now = seconds(20 + look);
        let acknowledged =
            if look % 2 == 0 { 70 + look - 5.min(look) } else { 70 + look - 6.min(look) };
        link.heard(now, &beat(20 + look, 500, acknowledged));
        events.extend(link.observe(now, &beat(20 + look, 71 + look, 500)));
    }
    let lagging = told(&events, Direction::Outbound);
    assert_eq!(lagging, [State::Lagging], "{lagging:?}");
    // It is better when it has been for 5 s.
    let after = |n: u64| (Some(beat(n, 500, 130)), beat(n, 130, 500));
    let events = play(&mut link, 80..85, after);
    assert_eq!(told(&events, Direction::Outbound), []);
    assert_eq!(link.health().outbound.state, State::Streaming, "though it is");
    let events = play(&mut link, 85..87, after);
    assert_eq!(told(&events, Direction::Outbound), [State::Streaming]);
}

#[test]
fn levels_are_passed_at_their_thresholds() {
    let levels = |limits: Thresholds, lags: &[u64]| -> Vec<Option<Level>> {
        let level = |lag: &u64| {
            let mut link = Link::with_thresholds(limits);
            link.heard(at(0), &Heartbeat::new(0).with_received(Position::new(0)));
            link.observe(at(0), &Heartbeat::new(0).with_head(Position::new(0)));
            link.observe(at(1), &Heartbeat::new(1).with_head(Position::new(9)));
            // Contact as ever, so that it is the lag that counts.
            for now in (2..=1 + lag).step_by(500).chain([1 + lag]) {
                link.heard(at(now), &Heartbeat::new(now).with_received(Position::new(0)));
                link.observe(at(now), &Heartbeat::new(now).with_head(Position::new(9)));
            }
            assert_eq!(link.health().outbound.lag_ms, Figure::Exactly(*lag));
            link.health().level()
        };
        lags.iter().map(level).collect()
    };
    let [fine, warn, critical, act] =
        [Level::Fine, Level::Warn, Level::Critical, Level::Act].map(Some);
    let lags = [5_000, 5_001, 30_000, 30_001, 60_000, 60_001];
    assert_eq!(levels(Thresholds::new(), &lags), [fine, warn, warn, critical, critical, act]);
    let few = Thresholds::new().warn_ms(10).critical_ms(20).act_ms(7_000);
    assert_eq!(levels(few, &[7_001]), [act]);
    assert_eq!(levels(few.warn_ms(8_000).critical_ms(9_000), &[7_000]), [fine]);
}

#[test]
fn whoever_comes_back_catches_up_before_it_streams() {
    let mut link = Link::new();
    // 20,000 behind from the first look, and 1,500 come in a second.
    let received = |n: u64| (n * 1_500).min(20_000 + n);
    let events =
        play(&mut link, 0..40, |n| (Some(beat(n, 20_000 + n, 0)), beat(n, 0, received(n))));
    assert_eq!(told(&events, Direction::Inbound), [State::CatchingUp, State::Streaming]);
    assert_eq!(link.health().inbound.trend, Some(Trend::Shrinking));
    // Since when it lacked what it did at first is not known.
    let mut link = Link::new();
    play(&mut link, 0..4, |n| (Some(beat(n, 20_000, 0)), beat(n, 0, received(n))));
    assert_eq!(link.health().inbound.lag_ms, at_least(3_000));
    // And who stops on the way lags.
    play(&mut link, 4..20, |n| (Some(beat(n, 20_000, 0)), beat(n, 0, received(3))));
    assert_eq!(link.health().inbound.state, State::Lagging);
    // After a cut it is the same.
    let mut link = idle();
    play(&mut link, 20..60, |n| (None, beat(n, 70, 500)));
    play(&mut link, 60..62, |n| (Some(beat(n, 9_000, 70)), beat(n, 70, 600 + n)));
    assert_eq!(link.health().inbound.state, State::CatchingUp);
    assert_eq!(link.health().inbound.lag_ms, at_least(1_000));
    // Whoever is written to faster than it receives does not catch up.
    let mut link = Link::new();
    play(&mut link, 0..60, |n| (Some(beat(n, 20_000 + n * 900, 0)), beat(n, 0, n * 100)));
    let inbound = link.health().inbound;
    assert_eq!((inbound.state, inbound.trend), (State::Lagging, Some(Trend::Growing)));
    assert!((inbound.rate.unwrap().per_second() - 100.0).abs() < 1e-9);
}

#[test]
fn positions_from_versions_count_what_is_lacking() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut ours = OrSet::new();
    ours.extend(0..10, us).unwrap();
    let mut theirs = ours.clone();
    theirs.remove(&3, eu).unwrap();
    ours.insert(20, us).unwrap();
    ours.insert(21, us).unwrap();
    let [we, they] = Heartbeat::of_versions(&ours.version(), &theirs.version());
    let position = |offset| Some(Position::new(offset));
    assert_eq!((we.head, they.received), (position(12), position(10)));
    assert_eq!((they.head, we.received), (position(11), position(10)));
    // Both have seen the same, but one lacks a removal: that is not 0.
    let mut first = OrSet::new();
    let arrives = first.insert(1, us).unwrap();
    let mut second = first.clone();
    second.insert(1, eu).unwrap();
    let mut third = second.clone();
    let arrives_too = third.insert(1, replica("ap")).unwrap();
    let mut lacks = OrSet::new();
    assert!(lacks.apply(&arrives) && lacks.apply(&arrives_too));
    let [they, we] = Heartbeat::of_versions(&third.version(), &lacks.version());
    assert_eq!((they.head, we.received), (position(3), position(2)));
    assert_eq!((we.head, they.received), (position(3), position(3)));
    let mut clocks = [VectorClock::new(), VectorClock::new()];
    for id in [us, us, eu] {
        clocks[0].increment(id).unwrap();
    }
    clocks[1].increment(eu).unwrap();
    clocks[1].increment(eu).unwrap();
    let [we, they] = Heartbeat::of_clocks(&clocks[0], &clocks[1]);
    assert_eq!((we.head, they.received), (position(3), position(1)));
    assert_eq!((they.head, we.received), (position(2), position(1)));
    let same = Heartbeat::of_versions(&ours.version(), &ours.version());
    assert_eq!(same.map(|it| (it.head, it.received)), [(position(12), position(12)); 2]);
}

#[test]
fn a_link_is_stored_and_goes_on() {
    let mut link = idle();
    let text = serde_json::to_string(&link).unwrap();
    let mut stored: Link = serde_json::from_str(&text).unwrap();
    assert_eq!(stored, link);
    let tell = |n: u64| (Some(beat(n, 500 + n, 70)), beat(n, 70 + n, 500));
    assert_eq!(play(&mut stored, 20..40, tell), play(&mut link, 20..40, tell));
    assert_eq!(stored, link);
    let health = serde_json::to_value(link.health()).unwrap();
    assert_eq!(health["inbound"]["behind"], serde_json::json!({"exactly": 39}));
    assert_eq!(health["inbound"]["state"], "lagging");
    let unknown = serde_json::to_value(Health::default()).unwrap();
    assert_eq!(unknown["inbound"]["behind"], "unknown");
    assert_eq!(unknown["inbound"]["contact_ms"], serde_json::Value::Null);
    assert!(serde_json::from_str::<Figure>(r#"{"at_least":0}"#).is_err(), "says nothing");
    let event = Event::WentBack { direction: Direction::Inbound };
    let text = serde_json::to_string(&event).unwrap();
    assert_eq!(text, r#"{"went_back":{"direction":"inbound"}}"#);
    assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
}

#[test]
fn a_link_takes_bounded_memory() {
    let mut link = Link::new();
    let mut longest = 0;
    for second in 0..20_000 {
        if second % 40 < 20 {
            link.heard(seconds(second), &beat(second, second * 1_000, 0));
        }
        link.observe(seconds(second), &beat(second, second * 7, second));
        if second % 97 == 0 {
            longest = longest.max(serde_json::to_vec(&link).unwrap().len());
        }
    }
    assert!((5_000..40_000).contains(&longest), "{longest} bytes as text");
    // Nor does a peer that goes to and fro while nobody looks.
    for number in 20_000..30_000 {
        link.heard(seconds(20_000), &beat(number, number % 2, 0));
    }
    let used = allocation_counter::measure(|| drop(link.clone()));
    assert!((1..=16 << 10).contains(&used.bytes_max), "{} bytes", used.bytes_max);
    let events = link.observe(seconds(20_000), &beat(20_000, 0, 0));
    assert!((1..30).contains(&events.len()), "{} events", events.len());
}

#[test]
fn heartbeats_have_bytes() {
    let position = |offset| Position::on(offset % 3, offset);
    for told in 0..8_u8 {
        let mut beat = Heartbeat::new(u64::from(told) * 1_000);
        beat.heard = (told & 1 != 0).then_some(u64::MAX);
        beat.head = (told & 2 != 0).then(|| position(7_000));
        beat.received = (told & 4 != 0).then(|| position(u64::MAX));
        assert_eq!(through_bytes(&beat), beat);
        let bytes = wire::to_bytes(&beat);
        for len in 0..bytes.len() {
            assert!(wire::from_bytes::<Heartbeat>(&bytes[..len]).is_err());
        }
    }
    let mut bytes = wire::to_bytes(&Heartbeat::new(1));
    *bytes.last_mut().unwrap() = 8;
    assert!(wire::from_bytes::<Heartbeat>(&bytes).unwrap_err().is_malformed());
}

/// What one look was told of a direction.
#[derive(Clone, Copy, Debug)]
struct Seen {
    at: u64,
    /// The receiver's, and both, if they are known.
    got: Option<u64>,
    offsets: Option<(u64, u64)>,
    is_fresh: bool,
    contact_at: Option<u64>,
    /// Whether contact came again since the look before, after it had been away.
    is_back: bool,
}

/// Keeps every look, and answers from all of them.
#[derive(Default)]
struct Model(Vec<(Seen, Figure, Figure, State)>);

const WINDOW: u64 = 60_000;
const SLOT: u64 = WINDOW / 30;

impl Model {
    fn known(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.0.iter().filter_map(|it| it.0.offsets.map(|(head, got)| (it.0.at, head, got)))
    }

    /// The looks of the window.
    fn window(&self) -> &[(Seen, Figure, Figure, State)] {
        let slot = self.0.last().map_or(0, |last| last.0.at / SLOT);
        let is_in = |it: &(Seen, Figure, Figure, State)| it.0.at / SLOT + 30 > slot;
        &self.0[self.0.iter().position(is_in).unwrap_or(0)..]
    }

    /// Those since contact came back.
    fn recent(&self) -> &[(Seen, Figure, Figure, State)] {
        let window = self.window();
        &window[window.iter().rposition(|it| it.0.is_back).unwrap_or(0)..]
    }

    fn look(&mut self, seen: Seen) -> Flow {
        self.0.push((seen, Figure::Unknown, Figure::Unknown, State::Unknown));
        let figure = |number: u64, is_exact| match number {
            _ if is_exact => Figure::Exactly(number),
            0 => Figure::Unknown,
            _ => at_least(number),
        };
        let behind =
            seen.offsets.map_or(Figure::Unknown, |(head, got)| figure(head - got, seen.is_fresh));
        // The first look at which the head was further than the receiver is now.
        let lacking = |got| self.known().find(|it| it.1 > got).map(|it| it.0);
        let is_caught_up = |got: u64| {
            let begun = self.0.iter().rposition(|it| it.0.is_back).unwrap_or(0);
            let of_then = self.0[begun..].iter().find_map(|it| it.0.offsets);
            of_then.is_some_and(|(head, _)| got >= head)
        };
        let lag = seen.offsets.map_or(Figure::Unknown, |(_, got)| {
            let lag = lacking(got).map_or(0, |since| seen.at - since);
            figure(lag, seen.is_fresh && is_caught_up(got))
        });
        let last = self.0.len() - 1;
        let is_begun = seen.offsets.is_some_and(|(_, got)| is_caught_up(got));
        (self.0[last].1, self.0[last].2) = (behind, lag);
        let state = self.state(seen, is_begun);
        self.0[last].3 = state;
        let silence = seen.at - seen.contact_at.unwrap_or(self.0[0].0.at);
        let delay = lag.at_least().unwrap_or(0).max(silence);
        let level = match delay {
            _ if state == State::Unknown => None,
            60_001.. => Some(Level::Act),
            30_001.. => Some(Level::Critical),
            5_001.. => Some(Level::Warn),
            _ => Some(Level::Fine),
        };
        let mut flow = Flow::default();
        (flow.state, flow.level, flow.behind, flow.lag_ms) = (state, level, behind, lag);
        flow.news_ms = self.moved().map(|moved| seen.at - moved);
        flow.trend = self.trend();
        flow
    }

    /// When the receiver went on last.
    fn moved(&self) -> Option<u64> {
        let known = self.0.iter().filter_map(|it| Some((it.0.at, it.0.got?)));
        let known: Vec<_> = known.collect();
        known.windows(2).rev().find(|it| it[1].1 > it[0].1).map(|it| it[1].0)
    }

    fn trend(&self) -> Option<Trend> {
        let mut slots: Vec<(u64, Vec<u64>)> = Vec::new();
        for (seen, behind, ..) in self.recent() {
            let Some(behind) = behind.at_least() else { continue };
            match slots.last_mut().filter(|it| it.0 == seen.at / SLOT) {
                Some(slot) => slot.1.push(behind),
                None => slots.push((seen.at / SLOT, vec![behind])),
            }
        }
        let half = slots.len() / 2;
        let average = |slots: &[(u64, Vec<u64>)]| {
            let all: Vec<u64> = slots.iter().flat_map(|it| it.1.clone()).collect();
            (!all.is_empty()).then(|| all.iter().sum::<u64>() / all.len() as u64)
        };
        let (old, new) = (average(&slots[..half])?, average(&slots[slots.len() - half..])?);
        Some(match 10 * new {
            new if new > 11 * old => Trend::Growing,
            new if new < 9 * old => Trend::Shrinking,
            _ => Trend::Steady,
        })
    }

    fn state(&self, seen: Seen, is_begun: bool) -> State {
        let (_, behind, lag, _) = *self.0.last().unwrap();
        let Some(contact_at) = seen.contact_at else {
            let is_long = seen.at - self.0[0].0.at > 30_000;
            return if is_long { State::Disconnected } else { State::Unknown };
        };
        match seen.at - contact_at {
            30_001.. => return State::Disconnected,
            5_001.. => return State::Lagging,
            _ if behind == Figure::Unknown => return State::Unknown,
            _ => {}
        }
        if lag.at_least().unwrap_or(0) <= 5_000 && is_begun {
            return State::Streaming;
        }
        let begun = self.0.iter().rposition(|it| it.0.is_back).unwrap_or(0);
        let begun = self.0[begun..].iter().find(|it| it.0.offsets.is_some()).map(|it| it.0.at);
        let last = self.moved().max(begun.filter(|_| !is_begun));
        let moves = last.is_some_and(|last| seen.at - last <= 5_000);
        match self.trend() {
            None | Some(Trend::Shrinking) if moves => State::CatchingUp,
            _ => State::Lagging,
        }
    }

    fn summary(&self) -> Summary {
        let of = |figure: fn(&(Seen, Figure, Figure, State)) -> Figure| {
            let known: Vec<u64> =
                self.window().iter().filter_map(|it| figure(it).at_least()).collect();
            let average = known.iter().sum::<u64>().checked_div(known.len() as u64);
            (known.len() as u64, average, known.into_iter().max())
        };
        let mut summary = Summary::default();
        summary.looks = self.window().len() as u64;
        summary.worst = self.window().iter().map(|it| it.3).max().unwrap_or_default();
        (summary.behind_known, summary.behind_average, summary.behind_max) = of(|it| it.1);
        (summary.lag_known, summary.lag_ms_average, summary.lag_ms_max) = of(|it| it.2);
        summary
    }
}

/// One step of a life: how long it takes, what both sides write, what arrives, and whether the link
/// is up.
type Step = (u64, (u64, u64), (u64, u64), u8);

fn lives() -> impl Strategy<Value = Vec<Step>> {
    let pause = prop_oneof![9 => 1..2_000_u64, 1 => 2_000..20_000_u64];
    let written = prop_oneof![3 => Just(0), 3 => 1..50_u64, 1 => 500..5_000_u64];
    let arrived = prop_oneof![2 => Just(0), 4 => 1..100_u64, 1 => Just(u64::MAX)];
    let step = (pause, (written.clone(), written), (arrived.clone(), arrived), 0..8_u8);
    vec(step, 1..50)
}

/// The lag may be told too long by a 32nd of what is lacking, where many marks were joined. With
/// fewer than 64 looks there are none.
#[track_caller]
fn check(link: &Link, flow: Flow, expected: Flow, model: &Model, of: Direction) {
    let mut compared = flow;
    (compared.contact_ms, compared.rate) = (expected.contact_ms, expected.rate);
    assert_eq!(compared, expected, "{of:?}");
    assert_eq!(link.summary(of), model.summary(), "{of:?}");
    let known: Vec<_> =
        model.recent().iter().filter_map(|it| it.0.offsets.map(|got| (it.0.at, got.1))).collect();
    let ends = known.first().zip(known.last()).filter(|(first, last)| first.0 < last.0);
    let rate = ends.map(|(first, last)| (last.1 - first.1, last.0 - first.0));
    assert_eq!(flow.rate.map(|rate| (rate.positions, rate.over_ms.get())), rate, "{of:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: count(20_000), failure_persistence: None, ..<_>::default() })]

    #[test]
    fn a_link_answers_as_one_that_keeps_every_look(steps in lives()) {
        let (mut link, mut inbound, mut outbound) = (Link::new(), Model::default(), Model::default());
        let (mut now, mut heads, mut got) = (0, (0, 0), (0_u64, 0_u64));
        let (mut heard, mut is_up, mut cut) = (None::<(u64, Heartbeat)>, true, 0);
        for (number, (pause, written, arrived, link_turns)) in steps.into_iter().enumerate() {
            let number = number as u64;
            now += if number > 0 { pause } else { 0 };
            heads = (heads.0 + written.0, heads.1 + written.1);
            is_up ^= link_turns == 0;
            cut = if is_up { 0 } else { cut + 1 };
            let mut is_back = false;
            if is_up {
                got.0 = got.0.saturating_add(arrived.0).min(heads.1);
                got.1 = got.1.saturating_add(arrived.1).min(heads.0);
                let theirs = Heartbeat::new(number)
                    .with_head(Position::new(heads.1))
                    .with_received(Position::new(got.1));
                prop_assert!(link.heard(at(now), &theirs));
                is_back = heard.is_some_and(|(at, _)| now - at > 30_000);
                heard = Some((now, theirs));
            }
            let ours = Heartbeat::new(number)
                .with_head(Position::new(heads.0))
                .with_received(Position::new(got.0));
            link.observe(at(now), &ours);
            let contact_at = heard.map(|it| it.0);
            let offset = |position: Option<Position>| position.map(Position::offset);
            let head = heard.and_then(|it| offset(it.1.head));
            let is_fresh = heard.is_some_and(|it| now - it.0 <= 5_000);
            let expected = inbound.look(Seen {
                at: now, got: Some(got.0), offsets: head.map(|head| (head, got.0)), is_fresh, contact_at, is_back,
            });
            check(&link, link.health().inbound, expected, &inbound, Direction::Inbound);
            prop_assert_eq!(link.health().inbound.contact_ms, contact_at.map(|at| now - at));
            let acknowledged = heard.and_then(|it| offset(it.1.received));
            let expected = outbound.look(Seen {
                at: now, got: acknowledged, offsets: acknowledged.map(|got| (heads.0, got)), is_fresh: true, contact_at,
                is_back: false,
            });
            check(&link, link.health().outbound, expected, &outbound, Direction::Outbound);
        }
    }

    /// Many more marks than are kept: the lag is never told too short, nor much too long.
    #[test]
    fn a_lag_is_never_told_too_short(
        steps in vec((1..3_000_u64, 0..20_u64, prop_oneof![6 => Just(0), 1 => 1..40_u64]), 100..400),
    ) {
        let (mut link, mut now, mut head, mut got) = (Link::new(), 0, 0, 0_u64);
        let mut heads = Vec::new();
        for (number, (pause, written, arrived)) in steps.into_iter().enumerate() {
            now += pause;
            head += written;
            got = (got + arrived).min(head);
            heads.push((now, head));
            let number = number as u64;
            link.heard(at(now), &Heartbeat::new(number).with_received(Position::new(got)));
            link.observe(at(now), &Heartbeat::new(number).with_head(Position::new(head)));
            let since = heads.iter().find(|it| it.1 > got).map(|it| it.0);
            let lag = since.map_or(0, |since| now - since);
            let told = link.health().outbound.lag_ms.at_least().unwrap_or(0);
            prop_assert!(lag <= told && told <= lag + now / 32 + 1, "{lag} told as {told} at {now}");
        }
    }

    /// Whatever is told, in whatever order, by whatever clocks.
    #[test]
    fn no_input_is_too_odd(
        steps in vec(
            (any::<u64>(), any::<bool>(), 0..4_u64, vec(prop_oneof![Just(None), any::<u64>().prop_map(Some), (0..3_u64).prop_map(Some)], 5)),
            0..40,
        ),
        limits in vec(prop_oneof![Just(0), Just(u64::MAX), 0..100_u64], 5),
    ) {
        let thresholds = Thresholds::new().warn_ms(limits[0]).critical_ms(limits[1]).act_ms(limits[2])
            .calm_ms(limits[3]).window_ms(limits[4]);
        let mut link = Link::with_thresholds(thresholds);
        for (now, is_theirs, number, parts) in steps {
            let position = |at: usize| Some(Position::on(parts[at]? % 3, parts[at + 1]?));
            let mut beat = Heartbeat::new(number);
            (beat.heard, beat.head, beat.received) = (parts[0], position(1), position(3));
            if is_theirs {
                link.heard(at(now), &beat);
            } else {
                link.observe(at(now), &beat);
            }
            let health = *link.health();
            for flow in [health.inbound, health.outbound] {
                prop_assert_eq!(flow.level.is_none(), flow.state == State::Unknown);
                prop_assert!(flow.state != State::Streaming || flow.behind != Figure::Unknown);
            }
            let text = serde_json::to_string(&link).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Link>(&text).unwrap(), &link);
        }
    }
}
