//! Histories: replicas that edit, merge, receive and fork, as a seed decides.

use super::{Law, Violation, check, check_two, joined, same};
use crate::{
    merge::{Delta, DeltaState, Merge},
    replica::ReplicaId,
    time::Timestamp,
};
use alloc::{format, string::String, vec, vec::Vec};
use core::fmt::{self, Debug};

/// Checks the laws of [`Merge`] along histories, one for each seed.
///
/// Replicas begin as clones of `start`; they edit, merge states new and old, once and again, and
/// are replaced by forks of old states. At the end all states meet in one. A state is its own delta
/// here. `edit` receives a replica's state, a number below 2¹⁶ that chooses the edit, the replica
/// that writes, and a time that may run backwards. It must do the same whenever it receives the
/// same.
///
/// A seed gives the same history on every machine: up to 20 steps, which cost some 400 merges and
/// clones. Pass `0..1_000`, and `[seed]` to see one failure again.
///
/// # Errors
///
/// The first law that does not hold, with a history from which no step can be left out.
pub fn histories<T: Merge + Clone + PartialEq + Debug>(
    seeds: impl IntoIterator<Item = u64>,
    start: &T,
    edit: impl Fn(&mut T, u64, ReplicaId, Timestamp),
) -> Result<(), Violation> {
    delta_histories(seeds, &Whole(start.clone()), |state, choice, replica, now| {
        edit(&mut state.0, choice, replica, now);
        Some(WholeDelta(Some(state.0.clone())))
    })
}

/// Checks the laws of [`Merge`] and of [`DeltaState`] along histories, one for each seed.
///
/// As [`histories`]; here `edit` returns the delta of what it did, or `None` if the type refused.
/// Deltas are delivered alone and joined, late, again and in any order; replicas also ask one
/// another for what they lack.
///
/// ```
/// use rejoin::{OrSet, laws};
///
/// laws::delta_histories(0..100, &OrSet::new(), |set, choice, replica, _| match choice % 3 {
///     0 => set.remove(&(choice / 3 % 4), replica).ok(),
///     _ => set.insert(choice / 3 % 4, replica).ok(),
/// })?;
/// # Ok::<(), laws::Violation>(())
/// ```
///
/// # Errors
///
/// The first law that does not hold, with a history from which no step can be left out.
pub fn delta_histories<T>(
    seeds: impl IntoIterator<Item = u64>,
    start: &T,
    edit: impl Fn(&mut T, u64, ReplicaId, Timestamp) -> Option<T::Delta>,
) -> Result<(), Violation>
where
    T: DeltaState<Delta: Debug> + Clone + PartialEq + Debug,
{
    for seed in seeds {
        let steps = steps(seed);
        if let Err(violation) = play(start, &edit, &steps) {
            let shortest = shortest(violation, steps, |steps| play(start, &edit, steps));
            return Err(Violation { seed: Some(seed), ..shortest });
        }
    }
    Ok(())
}

/// A state that is its own delta, so that one player plays both kinds of history.
#[derive(Clone, PartialEq)]
struct Whole<T>(T);

impl<T: Debug> Debug for Whole<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Merge> Merge for Whole<T> {
    fn merge(&mut self, other: &Self) -> bool {
        self.0.merge(&other.0)
    }

    fn merge_owned(&mut self, other: Self) -> bool {
        self.0.merge_owned(other.0)
    }
}

/// A whole state, or nothing.
#[derive(Clone)]
struct WholeDelta<T>(Option<T>);

impl<T> Default for WholeDelta<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Debug> Debug for WholeDelta<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(state) => state.fmt(f),
            None => f.write_str("nothing"),
        }
    }
}

impl<T: Merge + Clone> Merge for WholeDelta<T> {
    fn merge(&mut self, other: &Self) -> bool {
        self.0.merge(&other.0)
    }
}

impl<T: Merge + Clone> Delta for WholeDelta<T> {
    fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl<T: Merge + Clone> DeltaState for Whole<T> {
    type Delta = WholeDelta<T>;
    type Version = ();

    fn version(&self) {}

    fn delta_since(&self, (): &()) -> WholeDelta<T> {
        WholeDelta(Some(self.0.clone()))
    }

    fn apply(&mut self, delta: &WholeDelta<T>) -> bool {
        delta.0.as_ref().is_some_and(|state| self.0.merge(state))
    }
}

const REPLICAS: usize = 3;
const STEPS_MAX: usize = 20;

#[derive(Clone, Copy)]
enum Action {
    Edit,
    Merge,
    Deliver,
    Fork,
}

/// Every step draws all of these, whatever its action needs.
#[derive(Clone, Copy)]
struct Step {
    action: Action,
    at: usize,
    /// Earlier steps, whose states or deltas it takes; 0 is the start.
    of: [usize; 2],
    choice: u64,
    now: Timestamp,
}

fn steps(seed: u64) -> Vec<Step> {
    let mut random = Random(seed);
    let count = 1 + random.below(STEPS_MAX);
    let step = |number| Step {
        action: match random.below(10) {
            0..5 => Action::Edit,
            5..7 => Action::Merge,
            7..9 => Action::Deliver,
            _ => Action::Fork,
        },
        at: random.below(REPLICAS),
        // Recent steps more often than old ones.
        of: [(); 2].map(|()| random.below(number).max(random.below(number))),
        choice: random.draw().into(),
        now: Timestamp::from_millis(u64::from(random.draw()) % 32),
    };
    (1..=count).map(step).collect()
}

/// Splitmix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
struct Random(u64);

impl Random {
    fn draw(&mut self) -> u16 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 48) as u16
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.draw()) % bound
    }
}

/// Leaves out steps, one at a time, as long as some law is still broken.
fn shortest(
    mut violation: Violation,
    mut steps: Vec<Step>,
    play: impl Fn(&[Step]) -> Result<(), Violation>,
) -> Violation {
    let mut at = 0;
    while at < steps.len() {
        let mut fewer = steps.clone();
        fewer.remove(at);
        for of in fewer[at..].iter_mut().flat_map(|later| &mut later.of) {
            *of -= usize::from(*of > at);
        }
        match play(&fewer) {
            Err(shorter) => (violation, steps, at) = (shorter, fewer, 0),
            Ok(()) => at += 1,
        }
    }
    violation
}

/// What every function below asks of a type.
trait State: DeltaState<Delta: Debug> + Clone + PartialEq + Debug {}
impl<T: DeltaState<Delta: Debug> + Clone + PartialEq + Debug> State for T {}

type Edit<'a, T> =
    &'a dyn Fn(&mut T, u64, ReplicaId, Timestamp) -> Option<<T as DeltaState>::Delta>;

fn play<T: State>(start: &T, edit: Edit<'_, T>, steps: &[Step]) -> Result<(), Violation> {
    let replicas = [0, 1, 2].map(|at| (name(at), start.clone()));
    let script = vec![format!("all start from {start:?}")];
    let mut world = World { edit, replicas, log: vec![(start.clone(), None)], script };
    let played = steps.iter().try_for_each(|step| world.step(step)).and_then(|()| world.finish());
    played.map_err(|violation| Violation { script: world.script, ..violation })
}

/// One letter for each replica and each fork, in an order that is not theirs.
fn name(at: usize) -> ReplicaId {
    const LETTERS: &[u8; REPLICAS + STEPS_MAX] = b"hqdwbtkzmafucxgoyiplves";
    let mut bytes = [0; 16];
    bytes[0] = LETTERS[at];
    ReplicaId::from_bytes(bytes)
}

struct World<'a, T: DeltaState> {
    edit: Edit<'a, T>,
    replicas: [(ReplicaId, T); REPLICAS],
    /// What each step left: a replica's state, and its delta if it was an edit.
    log: Vec<(T, Option<T::Delta>)>,
    script: Vec<String>,
}

impl<T: State> World<'_, T> {
    fn step(&mut self, step: &Step) -> Result<(), Violation> {
        let Step { action, at, of, choice, now } = *step;
        let (id, state) = self.replicas[at].clone();
        let fork = name(REPLICAS + self.log.len() - 1);
        self.script.push(match action {
            Action::Edit => format!("{id} edits: choice {choice}, now {now}"),
            Action::Merge => format!("{id} merges what step {} left", of[0]),
            Action::Deliver => format!("{id} receives what was written by steps {of:?}"),
            Action::Fork => format!("{fork} takes the place of {id}, from step {}", of[0]),
        });
        let taken = &self.log[of[0]].0;
        let (id, state, delta) = match action {
            Action::Edit => {
                let (after, delta) = self.edit(&state, choice, id, now)?;
                (id, after, delta)
            }
            Action::Merge => (id, merged(&state, taken, choice)?, None),
            Action::Deliver => (id, self.deliver(&state, of)?, None),
            Action::Fork => (fork, taken.clone(), None),
        };
        self.replicas[at] = (id, state.clone());
        self.log.push((state, delta));
        Ok(())
    }

    fn edit(
        &self,
        a: &T,
        choice: u64,
        id: ReplicaId,
        now: Timestamp,
    ) -> Result<(T, Option<T::Delta>), Violation> {
        let mut after = a.clone();
        let delta = (self.edit)(&mut after, choice, id, now);
        match &delta {
            None => same(Law::Refused, &[a], &after, a)?,
            Some(b) => {
                check_two(a, &after)?;
                same(Law::Upward, &[a, &after], &joined(a, &after), &after)?;
                same(Law::Delta, &[a, b], &applied(a, b)?, &after)?;
            }
        }
        Ok((after, delta))
    }

    fn deliver(&self, a: &T, of: [usize; 2]) -> Result<T, Violation> {
        let [b, c] = of.map(|of| self.log[of].1.as_ref());
        // Where only one of the two steps was an edit, its delta is received twice.
        let (Some(b), Some(c)) = (b.or(c), c.or(b)) else { return Ok(a.clone()) };
        let (message, apart) = (applied(a, &joined(b, c))?, applied(&applied(a, c)?, b)?);
        same(Law::Message, &[a, b, c], &message, &apart)?;
        Ok(message)
    }

    fn finish(&self) -> Result<(), Violation> {
        check(&self.replicas.each_ref().map(|replica| replica.1.clone()))?;
        let states = self.log.iter().map(|left| &left.0);
        let deltas = self.log.iter().filter_map(|left| left.1.as_ref());
        let all = self.all(states.clone(), T::merge);
        same(Law::Convergent, &[], &all, &self.all(states.rev(), T::merge))?;
        same(Law::Deltas, &[], &self.all(deltas.clone(), T::apply), &all)?;
        same(Law::Deltas, &[], &self.all(deltas.rev(), T::apply), &all)?;
        let nothing = T::Delta::default();
        same(Law::Empty, &[&nothing], &nothing.is_empty(), &true)
    }

    fn all<'p, P: 'p>(
        &self,
        parts: impl Iterator<Item = &'p P>,
        join: impl Fn(&mut T, &P) -> bool,
    ) -> T {
        let mut all = self.log[0].0.clone();
        parts.for_each(|part| _ = join(&mut all, part));
        all
    }
}

/// `a` with all of `b`, or with what it lacks of it: by law the same, but other code of the type.
fn merged<T: State>(a: &T, b: &T, choice: u64) -> Result<T, Violation> {
    check_two(a, b)?;
    let (ab, since) = (joined(a, b), applied(a, &b.delta_since(&a.version()))?);
    same(Law::DeltaSince, &[a, b], &since, &ab)?;
    // A peer that knows nothing is sent everything.
    let whole = applied(a, &b.delta_since(&T::Version::default()))?;
    same(Law::DeltaSince, &[a, b], &whole, &ab)?;
    Ok(if choice % 2 == 0 { ab } else { since })
}

fn applied<T: State>(a: &T, b: &T::Delta) -> Result<T, Violation> {
    let (mut after, mut owned) = (a.clone(), a.clone());
    let changed = after.apply(b);
    same(Law::Honest, &[a, b], &changed, &(after != *a))?;
    let owned_changed = owned.apply_owned(b.clone());
    same(Law::ApplyOwned, &[a, b], &(owned_changed, &owned), &(changed, &after))?;
    if b.is_empty() {
        same(Law::Empty, &[a, b], &after, a)?;
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn histories_have_one_step_to_twenty() {
        let lengths: BTreeSet<usize> = (0..1_000).map(|seed| steps(seed).len()).collect();
        assert_eq!(lengths, (1..=STEPS_MAX).collect());
    }

    #[test]
    fn a_state_that_is_a_delta_is_told_as_it_is() {
        assert_eq!(format!("{:?}", [WholeDelta(Some(1)), WholeDelta(None)]), "[1, nothing]");
    }

    /// What equality does not tell: how a state came to be.
    #[derive(Clone, Debug)]
    struct Made {
        merged: bool,
    }

    impl PartialEq for Made {
        fn eq(&self, _: &Self) -> bool {
            true
        }
    }

    impl Merge for Made {
        fn merge(&mut self, _: &Self) -> bool {
            self.merged = true;
            false
        }
    }

    impl DeltaState for Made {
        type Delta = ();
        type Version = ();

        fn version(&self) {}

        fn delta_since(&self, (): &()) {}

        fn apply(&mut self, (): &()) -> bool {
            false
        }
    }

    /// So that a state that only a merge breaks is edited next, and one that only a delta does.
    #[test]
    fn what_goes_on_was_merged_or_got_what_it_lacked() {
        let fresh = Made { merged: false };
        let made = [0, 1, 2, 3].map(|choice| merged(&fresh, &fresh, choice).map(|it| it.merged));
        assert_eq!(made, [Ok(true), Ok(false), Ok(true), Ok(false)]);
    }
}
