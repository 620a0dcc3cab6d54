//! `skip`, `with`, `crate`.

use crate::replica;
use rejoin::{
    DeltaState, GCounter, Merge, laws,
    wire::{self, Wire},
};
use std::cell::Cell;

/// The greatest temperature, of a type that no trait is implemented for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Celsius(f32);

mod greatest {
    use super::Celsius;
    use rejoin::{
        Max, Merge,
        wire::{DecodeError, Reader, Schema, Wire, Writer},
    };

    /// The bits of a temperature, or nothing.
    #[derive(Clone, Debug, Default, PartialEq, Merge, Wire)]
    pub(crate) struct Delta(Option<Max<u32>>);

    impl rejoin::Delta for Delta {
        fn is_empty(&self) -> bool {
            self.0.is_none()
        }
    }

    pub(crate) type Version = ();

    fn rank(it: Celsius) -> u32 {
        it.0.to_bits()
    }

    pub(crate) fn merge(ours: &mut Celsius, theirs: &Celsius) -> bool {
        let grows = rank(*theirs) > rank(*ours);
        if grows {
            *ours = *theirs;
        }
        grows
    }

    pub(crate) fn version(_: &Celsius) {}

    pub(crate) fn delta_since(it: &Celsius, (): &()) -> Delta {
        Delta(Some(Max(rank(*it))))
    }

    pub(crate) fn apply(it: &mut Celsius, delta: &Delta) -> bool {
        delta.0.is_some_and(|delta| merge(it, &Celsius(f32::from_bits(delta.0))))
    }

    pub(crate) fn schema(schema: &mut Schema) {
        schema.named("Celsius");
    }

    pub(crate) fn encode(it: &Celsius, out: &mut Writer) {
        rank(*it).encode(out);
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Celsius, DecodeError> {
        Ok(Celsius(f32::from_bits(u32::decode(input)?)))
    }
}

/// A path that a program may have renamed.
mod renamed {
    pub(crate) use rejoin::*;
}

#[derive(Clone, Debug, Default, Merge, DeltaState, Wire)]
#[rejoin(crate = crate::attributes::renamed)]
struct Weather(
    #[rejoin(skip)] Cell<u32>,
    #[rejoin(with = greatest)] Celsius,
    GCounter,
    #[rejoin(default, with = greatest)] Celsius,
);

/// A skipped field is not the replicas' business.
impl PartialEq for Weather {
    fn eq(&self, other: &Self) -> bool {
        (self.1, &self.2, self.3) == (other.1, &other.2, other.3)
    }
}

#[test]
fn fields_that_are_treated_otherwise_keep_the_laws() {
    laws::delta_histories(0..300, &Weather::default(), |weather, choice, by, _| {
        weather.0.set(weather.0.get() + 1);
        let hotter = Celsius((choice % 50) as f32);
        Some(match choice % 3 {
            0 => {
                greatest::merge(&mut weather.1, &hotter);
                WeatherDelta::field_1(greatest::delta_since(&weather.1, &()))
            }
            1 => {
                greatest::merge(&mut weather.3, &hotter);
                WeatherDelta::field_3(greatest::delta_since(&weather.3, &()))
            }
            _ => WeatherDelta::field_2(weather.2.increment(1, by).ok()?),
        })
    })
    .unwrap();
}

#[test]
fn a_skipped_field_stays_where_it_is() {
    let (mut ours, mut theirs) = (Weather::default(), Weather::default());
    ours.0.set(1);
    theirs.0.set(2);
    theirs.2.increment(1, replica("us")).unwrap();
    assert!(ours.merge(&theirs));
    ours.draft(|ours| ours.0.set(9));
    assert_eq!(ours.0.get(), 1);
    let read: Weather = wire::from_bytes(&wire::to_bytes(&ours)).unwrap();
    assert_eq!((read.0.get(), &read), (0, &ours));
    let schema = wire::Schema::of::<Weather>();
    assert_eq!(schema.to_string(), "Weather { 1: Celsius, 2: GCounter, 3: Celsius }");
}
