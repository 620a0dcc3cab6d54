//! `derive(Merge)`: each field on its own; of an ordered enum the greater variant.

use crate::input::{Field, How, Input, Shape, Variant};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Error, Path, Result};

pub(crate) fn derive(input: &Input) -> Result<TokenStream> {
    match &input.shape {
        Shape::Struct(_, fields) => Ok(structure(input, fields)),
        Shape::Enum(variants) => choice(input, variants),
    }
}

fn structure(input: &Input, fields: &[Field]) -> TokenStream {
    let krate = &input.krate;
    let header =
        input.header(&quote!(#krate::Merge), &input.bounds(fields, &quote!(#krate::Merge)));
    let kept = || fields.iter().filter(|field| field.is_kept());
    let merge = kept().map(|field| {
        let member = &field.member;
        merge(krate, field, &quote!(&mut self.#member), &quote!(&other.#member))
    });
    let merge_owned = kept().map(|field| {
        let member = &field.member;
        merge_owned(krate, field, &quote!(&mut self.#member), &quote!(other.#member))
    });
    quote! {
        #header {
            fn merge(&mut self, other: &Self) -> bool {
                let _ = other;
                false #(| #merge)*
            }

            fn merge_owned(&mut self, other: Self) -> bool {
                let _ = &other;
                false #(| #merge_owned)*
            }
        }
    }
}

pub(crate) fn merge(
    krate: &Path,
    field: &Field,
    ours: &TokenStream,
    theirs: &TokenStream,
) -> TokenStream {
    let Field { ty, span, .. } = field;
    match &field.how {
        How::With(path) => quote!(#path::merge(#ours, #theirs)),
        How::Plain | How::Skip => {
            quote_spanned!(*span=> <#ty as #krate::Merge>::merge(#ours, #theirs))
        }
    }
}

fn merge_owned(
    krate: &Path,
    field: &Field,
    ours: &TokenStream,
    theirs: &TokenStream,
) -> TokenStream {
    let Field { ty, span, .. } = field;
    match &field.how {
        How::With(path) => quote!(#path::merge(#ours, &#theirs)),
        How::Plain | How::Skip => {
            quote_spanned!(*span=> <#ty as #krate::Merge>::merge_owned(#ours, #theirs))
        }
    }
}

fn choice(input: &Input, variants: &[Variant]) -> Result<TokenStream> {
    if !input.is_ordered {
        return Err(Error::new(
            input.ident.span(),
            "an enum is a lattice only if its variants have an order: otherwise two replicas that hold \
             different variants have nothing to agree on. Write `#[rejoin(ordered)]` above the enum if a \
             later variant is to replace an earlier one for good, such as a state that only advances. \
             Else keep it in a `LwwRegister`, where the last write stays, or in an `MvRegister`",
        ));
    }
    let fields = || variants.iter().flat_map(|variant| &variant.fields);
    if let Some(field) = fields().find(|field| !field.is_kept()) {
        return Err(Error::new(
            field.span,
            "a field of an enum cannot be skipped: where the variant is replaced, so is the field",
        ));
    }
    let krate = &input.krate;
    let mut bounds = input.bounds(fields(), &quote!(#krate::Merge));
    if !input.generics.params.is_empty() {
        bounds.push(quote!(Self: ::core::clone::Clone));
    }
    let header = input.header(&quote!(#krate::Merge), &bounds);
    let ranks = variants
        .iter()
        .enumerate()
        .map(|(rank, Variant { ident, .. })| quote!(Self::#ident { .. } => #rank));
    let merges = variants.iter().map(|variant| same_variant(krate, variant));
    Ok(quote! {
        #header {
            fn merge(&mut self, other: &Self) -> bool {
                let rank = |this: &Self| -> usize { match *this { #(#ranks,)* } };
                match ::core::cmp::Ord::cmp(&rank(self), &rank(other)) {
                    ::core::cmp::Ordering::Greater => return false,
                    ::core::cmp::Ordering::Less => {
                        *self = ::core::clone::Clone::clone(other);
                        return true;
                    }
                    ::core::cmp::Ordering::Equal => {}
                }
                #[allow(unreachable_patterns)] // of an enum of one variant
                match (self, other) {
                    #(#merges)*
                    _ => false,
                }
            }
        }
    })
}

fn same_variant(krate: &Path, variant: &Variant) -> TokenStream {
    let Variant { ident, fields } = variant;
    let members: Vec<_> = fields.iter().map(|field| &field.member).collect();
    let ours: Vec<_> = fields.iter().map(|field| field.var("ours_")).collect();
    let theirs: Vec<_> = fields.iter().map(|field| field.var("theirs_")).collect();
    let each = fields.iter().map(|field| {
        let (ours, theirs) = (field.var("ours_"), field.var("theirs_"));
        merge(krate, field, &quote!(#ours), &quote!(#theirs))
    });
    quote! {
        (Self::#ident { #(#members: #ours),* }, Self::#ident { #(#members: #theirs),* }) => {
            false #(| #each)*
        }
    }
}
