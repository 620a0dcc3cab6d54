//! Stocks that are never overdrawn, whatever the replicas lack of each other.

use crate::{effort::count, replica};
use rejoin::{BoundedCounter, DeltaState, Merge, ReplicaId};

/// A generator that is the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// What really was made and taken, with lost, late, repeated and joined deltas, and with replicas that
/// lose what they had not yet stored and go on under a new incarnation, of which some take over what
/// the last one had left.
#[test]
fn no_history_overdraws() {
    let (mut taken_in_all, mut refused, mut taken_over) = (0, 0, 0);
    for seed in 0..u64::from(count(20_000)) {
        let mut chance = Chance(seed);
        let mut ids = [replica("us"), replica("eu"), replica("ap")];
        let mut states = [BoundedCounter::new(), BoundedCounter::new(), BoundedCounter::new()];
        let mut backups = states.clone();
        let mut deltas = Vec::<BoundedCounter>::new();
        let (mut made, mut taken) = (0, 0);
        for _ in 0..60 {
            let at = chance.of(&[0, 1, 2]);
            let (id, amount) = (ids[at], chance.below(6));
            let state = &mut states[at];
            let edited = match chance.below(10) {
                0 | 1 => {
                    made += amount;
                    Ok(state.increment(amount, id).unwrap())
                }
                2..=4 => state.decrement(amount, id).inspect(|_| taken += amount),
                5 => state.transfer(amount, id, chance.of(&ids)),
                6 => {
                    let other = states[chance.of(&[0, 1, 2])].clone();
                    states[at].merge(&other);
                    continue;
                }
                7 if !deltas.is_empty() => {
                    let last = deltas.len() as u64;
                    let late = &deltas[usize::try_from(chance.below(last)).unwrap()];
                    states[at].apply(late);
                    continue;
                }
                8 => {
                    backups[at] = states[at].clone();
                    continue;
                }
                9 if chance.below(3) == 0 => {
                    states[at] = backups[at].clone();
                    ids[at] = id.with_incarnation(id.incarnation() + 1);
                    if chance.below(2) == 0 {
                        continue;
                    }
                    // It learns all that its last life did, which is over, and alone takes over.
                    let state = &mut states[at];
                    deltas.iter().for_each(|delta| _ = state.apply(delta));
                    let left = u64::try_from(state.rights(id)).unwrap();
                    taken_over += left;
                    state.transfer(left, id, ids[at])
                }
                _ => continue,
            };
            match edited {
                Ok(delta) => deltas.push(delta),
                Err(error) => {
                    assert!(error.is_short() && error.left() < amount.into());
                    refused += 1;
                }
            }
            assert!(taken <= made, "seed {seed}: {taken} of {made}");
        }
        let mut all = BoundedCounter::new();
        deltas.iter().for_each(|delta| _ = all.apply(delta));
        assert_eq!(all.value(), u128::from(made - taken), "seed {seed}");
        let held: u128 = all.by_replica().iter().map(|(_, rights)| rights).sum();
        assert_eq!(held, all.value(), "seed {seed}: all that is left is somebody's");
        taken_in_all += taken;
    }
    assert!(taken_in_all > 0 && refused > 0 && taken_over > 0);
}

#[test]
fn ten_at_one_replica() {
    let [us, eu, ap] = ["us-east-1", "eu-west-1", "ap"].map(replica);
    let mut seats = BoundedCounter::new();
    seats.increment(10, us).unwrap();
    seats.decrement(6, us).unwrap();
    let before = seats.clone();
    let error = seats.decrement(6, us).unwrap_err();
    assert_eq!(
        error.to_string(),
        "replica us-east-1 has 4 rights, fewer than the 6 that are asked for; no other has any"
    );
    seats.transfer(3, us, eu).unwrap();
    let after = seats.clone();
    let error = seats.decrement(2, us).unwrap_err();
    assert_eq!((error.replica(), error.left(), error.elsewhere()), (Some(us), 1, &[(eu, 3)][..]));
    seats.transfer(1, eu, ap).unwrap();
    let error = seats.transfer(2, us, eu).unwrap_err();
    assert_eq!(
        error.to_string(),
        "replica us-east-1 has 1 rights, fewer than the 2 that are asked for; eu-west-1 has 2 that it \
         could transfer, and 1 more have 1"
    );
    assert_ne!((&before, &after), (&after, &seats));
    assert_eq!(seats.by_replica(), [(ap, 1), (eu, 2), (us, 1)]);
    assert_eq!(seats.value(), 4);
}

/// A restored copy does not know what it had taken: under its old id it would take it again.
#[test]
fn a_restored_copy_begins_without_rights() {
    let us = replica("us");
    let mut seats = BoundedCounter::new();
    seats.increment(1, us).unwrap();
    let mut restored = seats.clone();
    seats.decrement(1, us).unwrap();
    let reborn = us.with_incarnation(1);
    assert_eq!(restored.decrement(1, reborn).unwrap_err().elsewhere(), [(us, 1)]);

    // Once all of the old life is known, what it had left can be taken over.
    restored.merge(&seats);
    restored.increment(2, us).unwrap();
    restored.transfer(2, us, reborn).unwrap();
    restored.decrement(2, reborn).unwrap();
    assert_eq!(restored.value(), 0);
}

/// Why only one may take over: each of two that do writes what it knows, and neither is refused.
#[test]
fn two_that_take_over_one_life_overdraw() {
    let [us, eu] = ["us", "eu"].map(replica);
    let mut before = BoundedCounter::new();
    before.increment(10, us).unwrap();
    // The second is another replica; or a later life, restored from before the first took over.
    for second in [eu, us.with_incarnation(2)] {
        let mut all = BoundedCounter::new();
        for heir in [us.with_incarnation(1), second] {
            let mut state = before.clone();
            state.transfer(10, us, heir).unwrap();
            state.decrement(10, heir).unwrap();
            all.merge(&state);
        }
        assert_eq!((all.value(), all.by_replica()), (0, Vec::new()), "20 of 10 are taken");
    }
}

#[test]
fn what_was_used_before_the_rights_arrive_counts_as_nothing() {
    let [us, eu] = ["us", "eu"].map(replica);
    let mut in_us = BoundedCounter::new();
    let made = in_us.increment(5, us).unwrap();
    let given = in_us.transfer(5, us, eu).unwrap();
    let mut in_eu = BoundedCounter::new();
    in_eu.apply(&given);
    assert_eq!((in_eu.value(), in_eu.rights(eu), in_eu.rights(us)), (0, 5, 0));
    let used = in_eu.decrement(3, eu).unwrap();
    assert_eq!((in_eu.value(), in_eu.rights(eu)), (0, 2));
    in_eu.apply(&made);
    assert_eq!((in_eu.value(), in_eu.rights(us)), (2, 0));
    let mut reader = BoundedCounter::new();
    reader.apply(&used);
    assert_eq!((reader.value(), reader.rights(eu)), (0, 0));
}

#[test]
fn numbers_at_the_end_of_64_bits() {
    let [us, eu] = ["us", "eu"].map(replica);
    let mut stock = BoundedCounter::new();
    stock.increment(u64::MAX, us).unwrap();
    let full = stock.clone();
    assert!(stock.increment(1, us).unwrap_err().is_counter_overflow());
    stock.increment(u64::MAX, eu).unwrap();
    assert_eq!(stock.value(), u128::from(u64::MAX) * 2);
    stock.transfer(u64::MAX, us, eu).unwrap();
    stock.decrement(u64::MAX, eu).unwrap();
    let before = stock.clone();
    let error = stock.decrement(1, eu).unwrap_err();
    assert!(!error.is_short() && error.as_write().unwrap().is_counter_overflow());
    assert_eq!((error.replica(), error.left(), error.elsewhere().len()), (Some(eu), 0, 0));
    assert_eq!(error.to_string(), error.as_write().unwrap().to_string());
    assert_eq!(stock, before);
    assert!(full < stock && full.partial_cmp(&full).is_some());
    let mut other = BoundedCounter::new();
    other.increment(1, ReplicaId::from_u128(3)).unwrap();
    assert_eq!(stock.partial_cmp(&other), None);
}
