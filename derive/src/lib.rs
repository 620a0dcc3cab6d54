#![doc = include_str!("../README.md")]

mod delta;
mod input;
mod merge;
mod parts;
mod wire;

use input::Input;
use proc_macro::TokenStream;
use syn::{DeriveInput, Error, Result, parse_macro_input};

/// `rejoin::Merge` for a struct: each field on its own; and for an enum whose variants have an order.
/// The [crate] has examples.
///
/// Attributes of fields: `skip`, `with = module`; of an enum: `ordered`; of both: `crate = path`.
#[proc_macro_derive(Merge, attributes(rejoin))]
pub fn merge(input: TokenStream) -> TokenStream {
    derived(parse_macro_input!(input), merge::derive)
}

/// `rejoin::DeltaState` for a struct: makes the types `…Delta` and `…Version` beside it. The
/// [crate] has examples.
///
/// Attributes of fields: `skip`, `default`, `with = module`; of the struct: `crate = path`.
#[proc_macro_derive(DeltaState, attributes(rejoin))]
pub fn delta_state(input: TokenStream) -> TokenStream {
    derived(parse_macro_input!(input), delta::derive)
}

/// `rejoin::wire::Wire` for a struct or an enum: its fields one after the other, and their names and
/// types in the envelope. The [crate] has examples.
///
/// Attributes of fields: `skip`, `default`, `with = module`; of both: `crate = path`.
#[proc_macro_derive(Wire, attributes(rejoin))]
pub fn wire(input: TokenStream) -> TokenStream {
    derived(parse_macro_input!(input), wire::derive)
}

fn derived(
    input: DeriveInput,
    derive: impl FnOnce(&Input) -> Result<proc_macro2::TokenStream>,
) -> TokenStream {
    Input::new(input)
        .and_then(|input| derive(&input))
        .unwrap_or_else(Error::into_compile_error)
        .into()
}
