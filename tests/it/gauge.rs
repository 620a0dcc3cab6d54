//! Regions that open and close, die and come back, over a network that loses, repeats and delays;
//! and what each of them reads, by clocks that may be wrong.

use crate::{at, effort::count, encoded::through_bytes, replica};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use rejoin::{
    Delta, DeltaState, Gauge, Known, Liveness, Merge, PnCounter, ReplicaId, Timestamp,
    laws::Invariants,
};
use std::{collections::BTreeMap, time::Duration};

const LEASE: u64 = 30;
const SKEW: u64 = 5;
const REGIONS: usize = 3;

/// What may happen. Messages are counted back from the latest.
#[derive(Clone, Debug)]
enum Step {
    Open {
        at: usize,
        by: u64,
    },
    Close {
        at: usize,
        by: u64,
    },
    /// Renews its lease.
    Beat {
        at: usize,
    },
    Crash {
        at: usize,
    },
    /// Comes back, with nothing or with the copy that it stored.
    Start {
        at: usize,
        empty: bool,
    },
    /// A message arrives, for the first time or once more.
    Deliver {
        message: usize,
        into: usize,
    },
    /// A whole state arrives, with what it tells of others.
    Gossip {
        from: usize,
        into: usize,
    },
    Wait {
        millis: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = || 0..REGIONS;
    let step = prop_oneof![
        6 => (one(), 0..5_u64).prop_map(|(at, by)| Step::Open { at, by }),
        4 => (one(), 0..5_u64).prop_map(|(at, by)| Step::Close { at, by }),
        5 => one().prop_map(|at| Step::Beat { at }),
        1 => one().prop_map(|at| Step::Crash { at }),
        2 => (one(), any::<bool>()).prop_map(|(at, empty)| Step::Start { at, empty }),
        10 => (0..12_usize, one()).prop_map(|(message, into)| Step::Deliver { message, into }),
        3 => (one(), one()).prop_map(|(from, into)| Step::Gossip { from, into }),
        4 => (0..20_u64).prop_map(|millis| Step::Wait { millis }),
    ];
    vec(step, 1..80)
}

/// What one message says of its sender: enough to know all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    life: u32,
    /// Which of the life's messages it is.
    number: usize,
    open: u64,
    until: u64,
}

/// A region: what it runs, and what the model says it knows.
struct Region {
    id: ReplicaId,
    /// Its clock, less the true time.
    clock_off: i64,
    runs: bool,
    open: u64,
    said: Said,
    state: Gauge,
    heard: Liveness,
    /// The model: the last that it knows of each.
    knows: BTreeMap<usize, Said>,
    /// The model: when it came to know it.
    since: BTreeMap<usize, u64>,
}

/// The true time begins late enough for clocks that are slow.
const START: u64 = 10_000_000;

struct World {
    now: u64,
    regions: Vec<Region>,
    messages: Vec<(usize, Said, Gauge)>,
}

impl World {
    fn new(clocks_off: [i64; REGIONS]) -> Self {
        let names = ["us-east-1", "eu-west-1", "ap-south-1"];
        let region = |(name, clock_off): (&str, i64)| Region {
            id: replica(name),
            clock_off,
            runs: true,
            open: 0,
            said: Said { life: 0, number: 0, open: 0, until: 0 },
            state: Gauge::new(),
            heard: Liveness::receipts(Duration::from_millis(LEASE)),
            knows: BTreeMap::new(),
            since: BTreeMap::new(),
        };
        let regions = names.into_iter().zip(clocks_off).map(region).collect();
        Self { now: START, regions, messages: Vec::new() }
    }

    /// What time it is by a region's clock.
    fn clock(&self, at: usize) -> u64 {
        self.now.checked_add_signed(self.regions[at].clock_off).unwrap()
    }

    /// A write of a region that runs; `open` and `until` are the model's.
    fn write(
        &mut self,
        from: usize,
        open: u64,
        until: u64,
        write: impl FnOnce(&mut Gauge, ReplicaId) -> Gauge,
    ) {
        let region = &mut self.regions[from];
        let before = region.state.clone();
        let delta = write(&mut region.state, region.id);
        let mut applied = before;
        applied.apply(&delta);
        assert_eq!(applied, region.state);
        region.open = open;
        let number = region.said.number + usize::from(!delta.is_empty());
        region.said = Said { number, open, until: region.said.until.max(until), ..region.said };
        if !delta.is_empty() {
            let (said, now) = (region.said, self.now);
            region.learn(from, said, now);
            region.heard.hear(region.id, at(now));
            self.messages.push((from, said, delta));
        }
    }

    fn play(&mut self, step: &Step) {
        match *step {
            Step::Open { at, by } if self.regions[at].runs => {
                let open = self.regions[at].open + by;
                self.write(at, open, 0, |state, id| state.open(by, id).unwrap());
            }
            Step::Close { at, by } if self.regions[at].runs => self.close(at, by),
            Step::Beat { at } if self.regions[at].runs => self.beat(at),
            Step::Crash { at } => self.regions[at].runs = false,
            Step::Start { at, empty } if !self.regions[at].runs => self.regions[at].start(empty),
            Step::Deliver { message, into } if self.regions[into].runs => {
                let Some(place) = self.messages.len().checked_sub(1 + message) else { return };
                let (from, said, delta) = self.messages[place].clone();
                let now = self.now;
                self.regions[into].receive(&through_bytes(&delta), now);
                self.regions[into].learn(from, said, now);
            }
            Step::Gossip { from, into } if self.regions[into].runs && from != into => {
                let (state, knows) =
                    (self.regions[from].state.clone(), self.regions[from].knows.clone());
                let now = self.now;
                self.regions[into].receive(&state, now);
                knows.into_iter().for_each(|(of, said)| self.regions[into].learn(of, said, now));
            }
            Step::Wait { millis } => self.now += millis,
            _ => {}
        }
    }

    fn close(&mut self, from: usize, by: u64) {
        let region = &mut self.regions[from];
        if let Some(open) = region.open.checked_sub(by) {
            return self.write(from, open, 0, |state, id| state.close(by, id).unwrap());
        }
        let before = region.state.clone();
        assert!(region.state.close(by, region.id).unwrap_err().is_not_open());
        assert_eq!(region.state, before, "as it was");
    }

    fn beat(&mut self, from: usize) {
        let (open, until) = (self.regions[from].open, self.clock(from) + LEASE);
        self.write(from, open, until, |state, id| state.renew(id, at(until)).unwrap());
    }

    /// Each reader reads what the model says it should, by leases, by receipt and by lists.
    fn verify(&mut self) {
        for reader in 0..REGIONS {
            let clock = self.clock(reader);
            let now = self.now;
            let names: Vec<_> = self.regions.iter().map(|region| region.id).collect();
            let Region { state, heard, knows, since, .. } = &mut self.regions[reader];
            state.check_invariants().unwrap();
            let sum = |counts: &dyn Fn(usize, &Said) -> bool| {
                let counted = knows.iter().filter(|(of, said)| counts(**of, said));
                counted.map(|(_, said)| u128::from(said.open)).sum::<u128>()
            };
            let leases = Liveness::leases(at(clock), Duration::from_millis(SKEW));
            let by_lease = sum(&|_, said| said.until > 0 && clock < said.until + SKEW);
            assert_eq!(state.value_at(&leases), by_lease);
            heard.set_now(at(now));
            assert_eq!(state.value_at(heard), sum(&|of, _| now - since[&of] < LEASE));
            let members = Liveness::members([names[0], names[2].with_incarnation(77)]);
            assert_eq!(state.value_at(&members), sum(&|of, _| of != 1));
        }
    }

    /// The network is whole again: first comes what was late, and also of the dead; a lease later
    /// all that run send a heartbeat, and all hear from all.
    fn settle(&mut self) {
        self.gossip(|_| true);
        self.now += 3_600_000 + LEASE + SKEW;
        (0..REGIONS).for_each(|at| self.play(&Step::Beat { at }));
        self.gossip(|region| region.runs);
        self.gossip(|region| region.runs);
    }

    fn gossip(&mut self, sends: impl Fn(&Region) -> bool) {
        for from in (0..REGIONS).filter(|from| sends(&self.regions[*from])).collect::<Vec<_>>() {
            (0..REGIONS).for_each(|into| self.play(&Step::Gossip { from, into }));
        }
    }

    fn truth(&self) -> u128 {
        let running = self.regions.iter().filter(|region| region.runs);
        running.map(|region| u128::from(region.open)).sum()
    }
}

impl Region {
    /// It knows now what was said; what it knew before is no news.
    fn learn(&mut self, of: usize, said: Said, now: u64) {
        let known = self.knows.get(&of).copied();
        if known.is_none_or(|known| (known.life, known.number) < (said.life, said.number)) {
            self.knows.insert(of, said);
            self.since.insert(of, now);
        }
    }

    fn receive(&mut self, delta: &Gauge, now: u64) {
        let news = delta.delta_since(&self.state);
        assert_eq!(news.is_empty(), self.state.version().covers(&delta.version()));
        news.by_replica().for_each(|row| self.heard.hear(row.replica(), at(now)));
        let before = self.state.clone();
        assert_eq!(self.state.apply(delta), !news.is_empty());
        assert_eq!(
            before.partial_cmp(&self.state),
            Some(if news.is_empty() {
                std::cmp::Ordering::Equal
            } else {
                std::cmp::Ordering::Less
            })
        );
    }

    fn start(&mut self, empty: bool) {
        let life = self.said.life + 1;
        (self.runs, self.open) = (true, 0);
        self.id = self.id.with_incarnation(life);
        self.said = Said { life, number: 0, open: 0, until: 0 };
        self.heard = Liveness::receipts(Duration::from_millis(LEASE));
        if empty {
            self.state = Gauge::new();
            self.knows.clear();
            self.since.clear();
        } else {
            // What is stored is known, but was not heard in this life.
            self.since.values_mut().for_each(|since| *since = 0);
        }
    }
}

fn play(steps: &[Step], clocks_off: [i64; REGIONS]) -> World {
    let mut world = World::new(clocks_off);
    for step in steps {
        world.play(step);
        world.verify();
    }
    world
}

#[track_caller]
fn try_histories(clocks_off: impl Strategy<Value = [i64; REGIONS]>, then: impl Fn(World)) {
    let config = ProptestConfig {
        cases: count(20_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&(steps(), clocks_off), |(steps, clocks_off)| {
            then(play(&steps, clocks_off));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// Clocks that agree within the skew: in the end all that run read the truth, by leases and by
/// receipt.
#[test]
fn crashes_restarts_and_late_messages_end_in_the_truth() {
    try_histories([0..=2_i64, -2..=0, -2..=2], |mut world| {
        world.settle();
        world.verify();
        let truth = world.truth();
        for reader in (0..REGIONS).filter(|at| world.regions[*at].runs) {
            let now = world.clock(reader);
            let region = &world.regions[reader];
            let leases = Liveness::leases(at(now), Duration::from_millis(SKEW));
            assert_eq!(region.state.value_at(&leases), truth, "by leases");
            assert_eq!(region.state.value_at(&region.heard), truth, "by receipt");
            let alive = world.regions.iter().filter(|region| region.runs).map(|it| it.id);
            assert_eq!(region.state.value_at(&Liveness::members(alive)), truth, "by members");
        }
    });
}

/// Clocks that are off by up to two hours. Leases then say what the model says that they say;
/// receipts still end in the truth.
#[test]
fn receipts_end_in_the_truth_whatever_the_clocks_say() {
    let off = || prop_oneof![Just(0), -3_600_000..=3_600_000_i64];
    try_histories([off(), off(), off()], |mut world| {
        world.settle();
        world.verify();
        let truth = world.truth();
        for region in world.regions.iter().filter(|region| region.runs) {
            assert_eq!(region.state.value_at(&region.heard), truth);
        }
    });
}

fn us() -> ReplicaId {
    replica("us-east-1")
}

fn eu() -> ReplicaId {
    replica("eu-west-1")
}

/// By leases, with clocks that agree within two seconds.
fn value(gauge: &Gauge, now_s: u64) -> u128 {
    gauge.value_at(&Liveness::leases(at(now_s * 1_000), Duration::from_secs(2)))
}

const fn s(seconds: u64) -> Timestamp {
    at(seconds * 1_000)
}

/// Its peer, and what the region had sent last.
fn a_region_that_dies() -> (Gauge, Gauge) {
    let (mut ours, mut theirs) = (Gauge::new(), Gauge::new());
    ours.renew(us(), s(30)).unwrap();
    let last = ours.open(10, us()).unwrap();
    theirs.renew(eu(), s(30)).unwrap();
    theirs.open(65, eu()).unwrap();
    theirs.apply(&last);
    (theirs, last)
}

#[test]
fn a_region_dies_with_10_sessions() {
    let (mut theirs, last) = a_region_that_dies();
    assert_eq!(value(&theirs, 20), 75);
    theirs.renew(eu(), s(90)).unwrap();
    assert_eq!(value(&theirs, 31), 75, "within the skew");
    assert_eq!(value(&theirs, 32), 65, "a lease later");
    assert!(!theirs.apply(&last), "late messages of the dead change nothing");
    assert_eq!(value(&theirs, 32), 65);

    let mut counter = PnCounter::new();
    counter.increment(10, us()).unwrap();
    counter.increment(65, eu()).unwrap();
    assert_eq!(counter.value(), 75, "and a counter says so forever");
}

#[test]
fn a_region_dies_with_10_sessions_and_returns_with_one() {
    let (mut theirs, last) = a_region_that_dies();
    theirs.renew(eu(), s(90)).unwrap();
    let again = us().with_incarnation(1);
    let mut ours = Gauge::new();
    let mut delta = ours.renew(again, s(70)).unwrap();
    delta.merge(&ours.open(1, again).unwrap());
    for order in [[&delta, &last], [&last, &delta]] {
        let mut theirs = theirs.clone();
        for delta in order {
            theirs.apply(delta);
        }
        assert_eq!(value(&theirs, 20), 66, "also before the old lease is over");
        assert_eq!(value(&theirs, 50), 66);
        assert_eq!(value(&theirs, 72), 65);
    }
}

#[test]
fn a_region_restarts_from_its_copy_and_closes_what_its_last_life_opened() {
    let (theirs, last) = a_region_that_dies();
    let again = us().with_incarnation(1);
    let mut ours = theirs;
    let before = ours.clone();
    let error = ours.close(1, again).unwrap_err();
    assert!(error.is_not_open() && !error.is_superseded() && !error.is_counter_overflow());
    assert_eq!(error.replica(), Some(again));
    assert!(error.to_string().contains("us-east-1#1 has 0 open"), "{error}");
    assert_eq!(ours, before, "the new life has not begun");
    ours.open(2, again).unwrap();
    assert!(ours.close(3, again).unwrap_err().to_string().contains("has 2 open"));
    ours.close(2, again).unwrap();
    ours.renew(again, s(30)).unwrap();
    ours.apply(&last);
    assert_eq!(value(&ours, 20), 65);

    let error = ours.close(1, us()).unwrap_err();
    assert!(error.is_superseded() && !error.is_not_open() && error.replica() == Some(us()));
    assert!(ours.open(1, us()).unwrap_err().is_superseded());
    assert!(ours.renew(us(), s(99)).unwrap_err().is_superseded());
    let message = "replica us-east-1 was followed by incarnation 1; write under a greater one";
    assert_eq!(error.to_string(), message);
}

/// The old process runs on, cut off, while a new one took its name: two writers, but two lives.
#[test]
fn a_process_that_does_not_know_it_was_replaced_counts_nothing() {
    let mut old = Gauge::new();
    old.renew(us(), s(30)).unwrap();
    old.open(10, us()).unwrap();
    let mut new = Gauge::new();
    new.renew(us().with_incarnation(1), s(30)).unwrap();
    new.open(4, us().with_incarnation(1)).unwrap();
    old.open(5, us()).unwrap();
    old.renew(us(), s(3_600)).unwrap();
    let (mut here, mut there) = (old.clone(), new.clone());
    here.merge(&new);
    there.merge(&old);
    assert_eq!((value(&here, 20), value(&here, 40)), (4, 0));
    assert_eq!(here, there);
    assert!(here.open(1, us()).unwrap_err().is_superseded(), "and now it learns");
}

#[test]
fn a_new_life_that_has_nothing_to_say_opens_nothing() {
    let (mut theirs, last) = a_region_that_dies();
    let delta = Gauge::new().open(0, us().with_incarnation(1)).unwrap();
    assert!(!delta.is_empty());
    theirs.apply(&delta);
    theirs.apply(&last);
    assert_eq!(theirs.value_at(&Liveness::members([us(), eu()])), 65);
    assert_eq!(theirs.row(us()).map(|row| row.replica()), Some(us().with_incarnation(1)));
    assert!(Gauge::new().open(0, us()).unwrap().is_empty(), "the first life is there already");
    assert!(Gauge::new().close(0, us()).unwrap().is_empty());
    assert!(Gauge::new().renew(us(), at(0)).unwrap().is_empty(), "the epoch is no lease");
}

/// Two survivors that both know of a death: neither takes anything off, and nothing comes off twice.
/// Nor does the dead stay: not in what is counted, and not in who is listed.
#[test]
fn p33_dead_members() {
    let (first, last) = a_region_that_dies();
    let mut second = Gauge::new();
    second.renew(replica("ap-south-1"), s(90)).unwrap();
    second.open(3, replica("ap-south-1")).unwrap();
    let (mut first, mut second) = (first, second);
    first.renew(eu(), s(90)).unwrap();
    second.apply(&last);
    for _ in 0..3 {
        first.merge(&second);
        second.merge(&first);
        second.apply(&last);
    }
    assert_eq!(first, second);
    for survivor in [first, second] {
        assert_eq!(value(&survivor, 20), 78);
        assert_eq!(value(&survivor, 40), 68, "ten came off, once");
        let now = Liveness::leases(s(40), Duration::from_secs(2));
        let alive = survivor.by_replica().filter(|row| now.is_alive(row.replica(), row.until()));
        let alive: Vec<_> = alive.map(|row| row.replica()).collect();
        assert_eq!(alive, [replica("ap-south-1"), eu()]);
    }
}

/// A region that starts again and again, and dies each time, costs one row.
#[test]
fn a_crash_loop_leaves_one_row() {
    let mut gauge = Gauge::new();
    let mut late = Vec::new();
    for life in 0..1_000 {
        late.push(gauge.open(10, us().with_incarnation(life)).unwrap());
    }
    late.iter().for_each(|delta| assert!(!gauge.apply(delta)));
    assert_eq!(gauge.by_replica().len(), 1);
    assert_eq!(gauge.value_at(&Liveness::members([us()])), 10);
}

/// An hour fast, and an hour slow: the region's own clock, which its leases are by.
#[test]
fn a_region_whose_clock_is_an_hour_off() {
    const HOUR: u64 = 3_600;
    let with_clock = |clock_s: u64| {
        let mut gauge = Gauge::new();
        gauge.renew(us(), s(clock_s + 30)).unwrap();
        gauge.open(10, us()).unwrap();
        gauge
    };
    let now = 2 * HOUR;
    let (fast, slow) = (with_clock(now + HOUR), with_clock(now - HOUR));
    // By leases: the fast one counts an hour too long, and the slow one not at all ...
    assert_eq!(
        (value(&fast, now), value(&fast, now + HOUR), value(&fast, now + HOUR + 32)),
        (10, 10, 0)
    );
    assert_eq!(value(&slow, now), 0);
    // ... unless the allowance is as large as the fault, and then the dead count for that long.
    let allowed = |now_s| Liveness::leases(s(now_s), Duration::from_secs(HOUR + 2));
    assert_eq!(slow.value_at(&allowed(now)), 10);
    assert_eq!((slow.value_at(&allowed(now + 31)), slow.value_at(&allowed(now + 32))), (10, 0));
    // By receipt and by members: no matter.
    for gauge in [fast, slow] {
        let mut heard = Liveness::receipts(Duration::from_secs(30));
        heard.hear(us(), s(7));
        assert_eq!(gauge.value_at(&heard), 10);
        heard.set_now(s(36));
        assert_eq!(gauge.value_at(&heard), 10);
        heard.set_now(s(37));
        assert_eq!(gauge.value_at(&heard), 0);
        assert_eq!(gauge.value_at(&Liveness::members([us()])), 10);
        assert_eq!(gauge.value_at(&Liveness::members([eu()])), 0);
    }
}

/// And the reader's: it is as if all others' were off the other way.
#[test]
fn a_reader_whose_clock_is_an_hour_off() {
    const HOUR: u64 = 3_600;
    let now = 2 * HOUR;
    let mut gauge = Gauge::new();
    gauge.renew(us(), s(now + 30)).unwrap();
    gauge.open(10, us()).unwrap();
    assert_eq!(value(&gauge, now + HOUR), 0, "fast: everyone is thought dead");
    assert_eq!(value(&gauge, now + 60 - HOUR), 10, "slow: the dead still count");
    // A monotonic clock knows nothing of either; one that is set back counts the dead for longer.
    let mut heard = Liveness::receipts(Duration::from_secs(30));
    heard.hear(us(), s(now));
    heard.set_now(s(now - HOUR));
    assert_eq!(gauge.value_at(&heard), 10);
    heard.hear(us(), s(now - HOUR));
    heard.set_now(s(now - HOUR + 30));
    assert_eq!(gauge.value_at(&heard), 0, "what was heard last says when, not what was latest");
}

/// The last time there is, and skews without end.
#[test]
fn leases_at_the_end_of_time() {
    let mut gauge = Gauge::new();
    gauge.renew(us(), at(u64::MAX)).unwrap();
    gauge.open(1, us()).unwrap();
    let read = |now, skew| gauge.value_at(&Liveness::leases(at(now), skew));
    assert_eq!(read(u64::MAX - 1, Duration::ZERO), 1);
    assert_eq!(read(u64::MAX - 1, Duration::MAX), 1);
    assert_eq!(read(u64::MAX, Duration::MAX), 0, "nothing is later");
    let delta = Gauge::new().open(2, us().with_incarnation(1)).unwrap();
    gauge.apply(&delta);
    assert_eq!(gauge.value_at(&Liveness::leases(at(5), Duration::MAX)), 0, "a new life has none");
}

#[test]
fn counts_at_the_end_of_64_bits() {
    let mut gauge = Gauge::new();
    gauge.open(u64::MAX, us()).unwrap();
    gauge.open(u64::MAX, eu()).unwrap();
    let before = gauge.clone();
    assert!(gauge.open(1, us()).unwrap_err().is_counter_overflow());
    assert_eq!(gauge, before);
    let all = Liveness::members([us(), eu(), us()]);
    assert_eq!(gauge.value_at(&all), 2 * u128::from(u64::MAX));
    gauge.close(u64::MAX, us()).unwrap();
    assert_eq!(gauge.value_at(&all), u128::from(u64::MAX));
    assert!(gauge.close(1, us()).unwrap_err().is_not_open());
    gauge.open(1, us().with_incarnation(1)).unwrap();
    assert_eq!(gauge.value_at(&all), u128::from(u64::MAX) + 1, "a new life counts from nothing");
    let last = us().with_incarnation(u32::MAX);
    gauge.open(3, last).unwrap();
    assert_eq!(gauge.row(us()).map(|row| row.open()), Some(3));
}

/// Versions tell of a life that went on elsewhere.
#[test]
fn a_copy_that_lags_is_told_from_one_that_does_not() {
    let mut ours = Gauge::new();
    ours.open(1, us()).unwrap();
    let backup = ours.clone();
    ours.close(1, us()).unwrap();
    assert!(ours.exceeds(&backup, us()) && !backup.exceeds(&ours, us()));
    assert!(!ours.exceeds(&backup, eu()) && !ours.exceeds(&ours, us()));
    let mut later = backup.clone();
    later.open(1, us().with_incarnation(1)).unwrap();
    assert!(later.exceeds(&ours, us().with_incarnation(1)));
    assert!(!later.exceeds(&ours, us()), "a new life says nothing of the one before");
    assert!(later.covers(&ours) && !ours.covers(&later));
    assert!(ours.exceeds(&Gauge::new(), us()));
}

/// Many names, at every place: the join of a few and of many, against rows one by one.
#[test]
fn a_few_rows_find_their_place_among_many() {
    let id = |number: u128| ReplicaId::from_u128(number);
    let of = |numbers: &mut dyn Iterator<Item = u128>| {
        let mut gauge = Gauge::new();
        numbers.for_each(|number| _ = gauge.open(5, id(number)).unwrap());
        gauge
    };
    let all = of(&mut (0..70).map(|number| number * 2));
    for number in 0..141_u128 {
        let mut delta = of(&mut [number, number + 2, 400].into_iter());
        delta.open(2, id(number)).unwrap();
        let (mut here, mut there) = (all.clone(), delta.clone());
        assert!(here.merge(&delta) && there.merge(&all));
        assert_eq!(here, there);
        assert!(!here.merge(&delta) && !here.merge(&all));
        here.check_invariants().unwrap();
        let open = |number| here.row(id(number)).map_or(0, |row| row.open());
        assert_eq!((open(number), open(number + 2), open(400)), (7, 5, 5));
        let even = number % 2 == 0;
        let known = if even { usize::from(number < 140) + usize::from(number < 138) } else { 0 };
        assert_eq!(here.by_replica().len(), 73 - known);
        assert_eq!(all.delta_since(&delta).by_replica().len(), 70 - known);
    }
}
