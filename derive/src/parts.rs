//! A struct that has a part for each field of another: its delta or its version.

use crate::{
    input::{Field, Form, How, Input, clause, header},
    wire,
};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Member, Path, Visibility};

pub(crate) struct Parts<'a> {
    pub(crate) input: &'a Input,
    form: &'a Form,
    pub(crate) ident: Ident,
    pub(crate) fields: Vec<Field>,
    /// The type of a field that only uses parameters up, if one is needed.
    marker: Option<TokenStream>,
    bounds: Vec<TokenStream>,
}

impl<'a> Parts<'a> {
    /// `what` is the name of the associated type that each part is.
    pub(crate) fn new(input: &'a Input, form: &'a Form, of: &[&Field], what: &str) -> Self {
        let krate = &input.krate;
        let what_ident = Ident::new(what, Span::call_site());
        let part = |(index, field): (u32, &&Field)| {
            let Field { ty, span, vis, name, is_later, .. } = field;
            let ty = match &field.how {
                How::With(path) => quote!(#path::#what_ident),
                How::Plain | How::Skip => {
                    quote_spanned!(*span=> <#ty as #krate::DeltaState>::#what_ident)
                }
            };
            // Where a field before it is skipped, the one of a tuple has another place.
            let member = match &field.member {
                Member::Unnamed(at) => Member::Unnamed(syn::Index { index, span: at.span }),
                named @ Member::Named(_) => named.clone(),
            };
            let (name, vis, span, is_later) = (name.clone(), vis.clone(), *span, *is_later);
            Field { member, name, ty, vis, how: How::Plain, is_later, span }
        };
        let fields = (0..).zip(of).map(part).collect();
        let bounds = input.bounds(of.iter().copied(), &quote!(#krate::DeltaState));
        let marker = input.unused(&of.iter().copied());
        Self { input, form, ident: format_ident!("{}{what}", input.ident), fields, marker, bounds }
    }

    /// `impl<…> trait for Self where …`, with these bounds and those that the type has.
    pub(crate) fn header(&self, of: &TokenStream, bounds: &[TokenStream]) -> TokenStream {
        let bounds = [&self.bounds, bounds].concat();
        header(&self.ident, &self.input.generics, of, &bounds)
    }

    /// A bound for each part that does not hold the type itself. It names a lifetime, so that it may
    /// be false where the type has no parameters: then the trait is not implemented, which is no
    /// error.
    pub(crate) fn where_all(&self, bound: &TokenStream) -> Vec<TokenStream> {
        let parts = self.fields.iter().filter(|field| !self.input.is_within(field));
        parts.map(|Field { ty, .. }| quote!(for<'__a> #ty: #bound)).collect()
    }

    pub(crate) fn define(&self, doc: &str, is_open: bool) -> TokenStream {
        let Self { input, ident, .. } = self;
        let (params, vis) = (&input.generics.params, &input.vis);
        let clause = clause(&input.generics, &self.bounds);
        let private = Visibility::Inherited;
        let fields = self.fields.iter().map(|Field { member, name, ty, vis, .. }| {
            let vis = if is_open { vis } else { &private };
            let doc = format!("Of the field `{name}`.");
            let named = name_of(member);
            quote!(#[doc = #doc] #vis #named #ty)
        });
        let marker = self.marker.iter().map(|ty| {
            let named = matches!(self.form, Form::Named).then(|| quote!(__unused:));
            quote!(#named #ty)
        });
        let fields = quote!(#(#fields,)* #(#marker,)*);
        let body = match self.form {
            Form::Named => quote!(#clause { #fields }),
            Form::Tuple => quote!((#fields) #clause;),
            Form::Unit => quote!(#clause;),
        };
        let (default, clone) = (self.default(), self.clone());
        let (debug, equal) = (self.debug(), self.equal());
        quote! {
            #[doc = #doc]
            #[allow(dead_code)]
            #vis struct #ident <#params> #body

            #default #clone #debug #equal
        }
    }

    /// The marker where a value is made.
    pub(crate) fn marker(&self) -> Option<TokenStream> {
        self.marker_member().map(|marker| quote!(#marker: ::core::marker::PhantomData,))
    }

    fn marker_member(&self) -> Option<Member> {
        self.marker.as_ref().map(|_| match self.form {
            Form::Named => Member::Named(Ident::new("__unused", Span::call_site())),
            _ => Member::from(self.fields.len()),
        })
    }

    fn default(&self) -> TokenStream {
        let header = self.header(&quote!(::core::default::Default), &[]);
        let members = self.fields.iter().map(|field| field.member.clone());
        let members = members.chain(self.marker_member());
        quote! {
            #header {
                fn default() -> Self {
                    Self { #(#members: ::core::default::Default::default(),)* }
                }
            }
        }
    }

    fn clone(&self) -> TokenStream {
        let header = self.header(&quote!(::core::clone::Clone), &[]);
        let members: Vec<_> = self.fields.iter().map(|field| &field.member).collect();
        let marker = self.marker();
        quote! {
            #header {
                fn clone(&self) -> Self {
                    Self {
                        #(#members: ::core::clone::Clone::clone(&self.#members),)*
                        #marker
                    }
                }
            }
        }
    }

    fn debug(&self) -> TokenStream {
        let bound = quote!(::core::fmt::Debug);
        let header = self.header(&bound, &self.where_all(&bound));
        let title = self.ident.to_string();
        let fields = self.fields.iter().map(|Field { member, name, .. }| match self.form {
            Form::Tuple => quote!(.field(&self.#member)),
            Form::Named | Form::Unit => quote!(.field(#name, &self.#member)),
        });
        let how = match self.form {
            Form::Named => quote!(f.debug_struct(#title) #(#fields)* .finish()),
            Form::Tuple => quote!(f.debug_tuple(#title) #(#fields)* .finish()),
            Form::Unit => quote!(f.write_str(#title)),
        };
        quote! {
            #header {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #how
                }
            }
        }
    }

    fn equal(&self) -> TokenStream {
        let bound = quote!(::core::cmp::PartialEq);
        let header = self.header(&bound, &self.where_all(&bound));
        let members: Vec<_> = self.fields.iter().map(|field| &field.member).collect();
        quote! {
            #header {
                fn eq(&self, other: &Self) -> bool {
                    let _ = other;
                    true #(&& ::core::cmp::PartialEq::eq(&self.#members, &other.#members))*
                }
            }
        }
    }

    pub(crate) fn wire(&self, krate: &Path) -> TokenStream {
        let bound = quote!(#krate::wire::Wire);
        let header = self.header(&bound, &self.where_all(&bound));
        let in_rows = self.fields.iter().any(|field| self.input.is_within(field));
        wire::structure(krate, &header, &self.ident, &self.fields, in_rows, self.marker())
    }
}

fn name_of(member: &Member) -> Option<TokenStream> {
    match member {
        Member::Named(ident) => Some(quote!(#ident:)),
        Member::Unnamed(_) => None,
    }
}
