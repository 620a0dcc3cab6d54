//! `derive(DeltaState)`: the delta and the version have one part for each field.

use crate::{
    input::{Field, How, Input, Shape},
    parts::Parts,
};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Error, Member, Result};

pub(crate) fn derive(input: &Input) -> Result<TokenStream> {
    let Shape::Struct(form, fields) = &input.shape else {
        return Err(Error::new(
            input.ident.span(),
            "only a struct has deltas of its own: one for each field. Keep this enum in a register or a \
             set, whose deltas carry it",
        ));
    };
    let krate = &input.krate;
    let kept: Vec<_> = fields.iter().filter(|field| field.is_kept()).collect();
    let delta = Parts::new(input, form, &kept, "Delta");
    let version = Parts::new(input, form, &kept, "Version");
    let state = state(input, fields, &delta, &version);
    let lifted = lifted(input, &delta);
    let (merge, is_delta, known) = (merge(&delta), is_delta(&delta), known(&version));
    let name = &input.ident;
    let of = format!("What edits of a [`{name}`] did: a delta for each of its fields.");
    let delta_type = delta.define(&of, true);
    let of =
        format!("What a [`{name}`] holds, without its content: a version for each of its fields.");
    let version_type = version.define(&of, false);
    let wires = [&delta, &version].map(|parts| parts.wire(krate));
    Ok(quote! {
        #state #delta_type #lifted #merge #is_delta #version_type #known #(#wires)*
    })
}

fn state(input: &Input, fields: &[Field], delta: &Parts<'_>, version: &Parts<'_>) -> TokenStream {
    let krate = &input.krate;
    let (_, args, _) = input.generics.split_for_impl();
    let kept: Vec<_> = fields.iter().filter(|field| field.is_kept()).collect();
    let whole = quote!(#krate::DeltaState + ::core::clone::Clone + ::core::default::Default);
    let mut bounds = input.bounds(kept.iter().copied(), &whole);
    if !input.generics.params.is_empty() {
        let copied = fields.iter().filter(|field| !matches!(field.how, How::Plain));
        bounds.extend(copied.map(|Field { ty, .. }| quote!(#ty: ::core::clone::Clone)));
        bounds.push(quote!(Self: #krate::Merge));
    }
    let header = input.header(&quote!(#krate::DeltaState), &bounds);
    let parts: Vec<_> = delta.fields.iter().map(|field| &field.member).collect();
    let each = |call: &dyn Fn(&Field, &Member, &TokenStream) -> TokenStream| -> Vec<TokenStream> {
        kept.iter().zip(&parts).map(|(field, part)| call(field, part, &of(input, field))).collect()
    };
    let versions = each(
        &|Field { member, span, .. }, _, of| quote_spanned!(*span=> #of version(&self.#member)),
    );
    let sinces = each(
        &|Field { member, span, .. }, part, of| quote_spanned!(*span=> #of delta_since(&self.#member, &peer.#part)),
    );
    let applies = each(
        &|Field { member, span, .. }, part, of| quote_spanned!(*span=> #of apply(&mut self.#member, &delta.#part)),
    );
    let applies_owned = each(&|Field { member, how, span, .. }, part, of| match how {
        How::With(_) => quote!(#of apply(&mut self.#member, &delta.#part)),
        How::Plain | How::Skip => {
            quote_spanned!(*span=> #of apply_owned(&mut self.#member, delta.#part))
        }
    });
    let draft = draft(input, fields);
    let [delta_marker, version_marker] = [delta, version].map(Parts::marker);
    let (delta, version) = (&delta.ident, &version.ident);
    quote! {
        #header {
            type Delta = #delta #args;
            type Version = #version #args;

            fn version(&self) -> Self::Version {
                #version { #(#parts: #versions,)* #version_marker }
            }

            fn delta_since(&self, peer: &Self::Version) -> Self::Delta {
                let _ = peer;
                #delta { #(#parts: #sinces,)* #delta_marker }
            }

            fn apply(&mut self, delta: &Self::Delta) -> bool {
                let _ = delta;
                false #(| #applies)*
            }

            fn apply_owned(&mut self, delta: Self::Delta) -> bool {
                let _ = &delta;
                false #(| #applies_owned)*
            }

            #draft
        }
    }
}

/// What a function of a field's type, or of its module, begins with.
fn of(input: &Input, field: &Field) -> TokenStream {
    let (Field { ty, span, .. }, krate) = (field, &input.krate);
    match &field.how {
        How::With(path) => quote!(#path::),
        How::Plain | How::Skip => quote_spanned!(*span=> <#ty as #krate::DeltaState>::),
    }
}

/// Drafts each field, and lends them to a whole that is edited: what cannot be drafted is copied.
fn draft(input: &Input, fields: &[Field]) -> TokenStream {
    let krate = &input.krate;
    let (mut parts, mut back) = (TokenStream::new(), TokenStream::new());
    let (mut lent, mut taken) = (Vec::new(), TokenStream::new());
    for field in fields {
        let Field { member, span, how, .. } = field;
        let var = field.var("");
        taken.extend(quote!(#member: #var,));
        if let How::Plain = how {
            parts.extend(quote_spanned!(*span=> #member: ::core::mem::take(#var),));
            back.extend(quote_spanned!(*span=> ::core::mem::swap(#var, &mut whole.#member);));
            lent.push(field);
        } else {
            parts.extend(quote_spanned!(*span=> #member: ::core::clone::Clone::clone(#var),));
        }
    }
    let inner = quote! {
        #krate::__private::lent(Self { #parts }, edit, |whole| {
            let _ = &whole;
            #back
        })
    };
    let nested = lent.iter().rfold(inner, |inner, field| {
        let (of, var) = (of(input, field), field.var(""));
        quote_spanned!(field.span=> #of draft(#var, |#var| #inner))
    });
    quote! {
        fn draft<__R>(&mut self, edit: impl ::core::ops::FnOnce(&mut Self) -> __R) -> __R
        where
            Self: ::core::clone::Clone,
        {
            let Self { #taken } = self;
            #nested
        }
    }
}

/// A constructor for each field.
fn lifted(input: &Input, delta: &Parts<'_>) -> TokenStream {
    if delta.fields.is_empty() {
        return TokenStream::new();
    }
    let constructors = delta.fields.iter().map(|Field { member, name, ty, vis, span, .. }| {
        let constructor = match member {
            Member::Named(ident) => ident.clone(),
            Member::Unnamed(_) => format_ident!("field_{name}"),
        };
        let doc =
            format!("The delta of edits of the field `{name}` alone of a [`{}`].", input.ident);
        quote_spanned! {*span=>
            #[doc = #doc]
            #[must_use]
            #vis fn #constructor(delta: #ty) -> Self {
                Self { #member: delta, ..::core::default::Default::default() }
            }
        }
    });
    let header = delta.header(&TokenStream::new(), &[]);
    quote! {
        #[allow(dead_code, clippy::needless_update, clippy::same_name_method)]
        #header {
            #(#constructors)*
        }
    }
}

fn merge(delta: &Parts<'_>) -> TokenStream {
    let krate = &delta.input.krate;
    let header = delta.header(&quote!(#krate::Merge), &[]);
    let members: Vec<_> = delta.fields.iter().map(|field| &field.member).collect();
    quote! {
        #header {
            fn merge(&mut self, other: &Self) -> bool {
                let _ = other;
                false #(| #krate::Merge::merge(&mut self.#members, &other.#members))*
            }

            fn merge_owned(&mut self, other: Self) -> bool {
                let _ = &other;
                false #(| #krate::Merge::merge_owned(&mut self.#members, other.#members))*
            }
        }
    }
}

fn is_delta(delta: &Parts<'_>) -> TokenStream {
    let krate = &delta.input.krate;
    let header = delta.header(&quote!(#krate::Delta), &[]);
    let members: Vec<_> = delta.fields.iter().map(|field| &field.member).collect();
    quote! {
        #header {
            fn is_empty(&self) -> bool {
                true #(&& #krate::Delta::is_empty(&self.#members))*
            }

            fn latest(&self) -> ::core::option::Option<#krate::Timestamp> {
                let latest = ::core::option::Option::None;
                #(let latest = ::core::cmp::Ord::max(latest, #krate::Delta::latest(&self.#members));)*
                latest
            }
        }
    }
}

fn known(version: &Parts<'_>) -> TokenStream {
    let krate = &version.input.krate;
    let known = quote!(#krate::Known);
    let header = version.header(&known, &version.where_all(&known));
    let members: Vec<_> = version.fields.iter().map(|field| &field.member).collect();
    quote! {
        #header {
            fn meet(&self, other: &Self) -> Self {
                let _ = other;
                #[allow(unused_mut)]
                let mut met = ::core::clone::Clone::clone(self);
                #(met.#members = #known::meet(&self.#members, &other.#members);)*
                met
            }

            fn covers(&self, other: &Self) -> bool {
                let _ = other;
                true #(&& #known::covers(&self.#members, &other.#members))*
            }

            fn beyond(&self, other: &Self, each: &mut dyn ::core::ops::FnMut(#krate::ReplicaId)) {
                let _ = (other, &each);
                #(#known::beyond(&self.#members, &other.#members, each);)*
            }
        }
    }
}
