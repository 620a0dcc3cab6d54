//! `derive(Wire)`: one field after the other, and in columns one column for each.

use crate::input::{Field, How, Input, Shape, Variant};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Error, Ident, Path, Result, ext::IdentExt};

pub(crate) fn derive(input: &Input) -> Result<TokenStream> {
    let krate = &input.krate;
    let bound = quote!(#krate::wire::Wire);
    match &input.shape {
        Shape::Struct(_, fields) => {
            let bounds = input.bounds(fields.iter().filter(|field| field.is_kept()), &bound);
            let header = input.header(&bound, &bounds);
            let in_rows = fields.iter().any(|field| input.is_within(field));
            Ok(structure(krate, &header, &input.ident, fields, in_rows, None))
        }
        Shape::Enum(variants) if variants.is_empty() => Err(Error::new(
            input.ident.span(),
            "an enum without variants has no values, so it has no bytes",
        )),
        Shape::Enum(variants) => {
            let fields = variants.iter().flat_map(|variant| &variant.fields);
            let header = input.header(&bound, &input.bounds(fields, &bound));
            Ok(choice(krate, &header, &input.ident, variants))
        }
    }
}

/// The bytes of a struct: `in_rows` if many of them have no columns, because it holds itself, and the
/// columns within columns would have no end. One without fields is written as `()`, since every value takes a byte.
pub(crate) fn structure(
    krate: &Path,
    header: &TokenStream,
    ident: &Ident,
    fields: &[Field],
    in_rows: bool,
    marker: Option<TokenStream>,
) -> TokenStream {
    let name = ident.unraw().to_string();
    let [schema, later] = [false, true]
        .map(|is_later| schema(krate, fields.iter().filter(|field| field.is_later == is_later)));
    let (mut encode, mut decode, mut number) = (TokenStream::new(), TokenStream::new(), 0_usize);
    for field in fields {
        let member = &field.member;
        let mut call = self::decode(krate, field);
        if field.is_kept() {
            let call = self::encode(krate, field, &quote!(&self.#member));
            encode.extend(quote!(#call;));
        }
        if field.is_kept() && field.is_later {
            let default = default(field);
            call = quote!(if input.has_field::<Self>(#number) { #call } else { #default });
        }
        decode.extend(quote!(#member: #call,));
        number += usize::from(field.is_kept());
    }
    decode.extend(marker.clone());
    let unit = !fields.iter().any(Field::is_kept);
    let encode_unit = unit.then(|| quote!(<() as #krate::wire::Wire>::encode(&(), out);));
    let decode_unit = unit.then(|| quote!(<() as #krate::wire::Wire>::decode(input)?;));
    let decode_unit = decode_unit.or_else(|| {
        let was_unit = was_unit(fields)?;
        Some(quote!(if #was_unit { <() as #krate::wire::Wire>::decode(input)?; }))
    });
    let in_rows = in_rows || fields.iter().any(|field| matches!(field.how, How::With(_)));
    let columns = (!in_rows).then(|| columns(krate, fields, marker));
    quote! {
        #header {
            fn schema(schema: &mut #krate::wire::Schema) {
                schema.structure::<Self>(#name, &[#schema], &[#later]);
            }

            fn encode(&self, out: &mut #krate::wire::Writer) {
                #encode #encode_unit
            }

            fn decode(
                input: &mut #krate::wire::Reader<'_>,
            ) -> ::core::result::Result<Self, #krate::wire::DecodeError> {
                input.nested(|input| {
                    #decode_unit
                    ::core::result::Result::Ok(Self { #decode })
                })
            }

            #columns
        }
    }
}

/// Whether the bytes are of the struct when it had no field, if it once had none.
fn was_unit(fields: &[Field]) -> Option<TokenStream> {
    let first = fields.iter().find(|field| field.is_kept())?;
    first.is_later.then(|| quote!(!input.has_field::<Self>(0)))
}

/// Fields that are written by functions of their own have no columns; then nor has the struct.
fn columns(krate: &Path, fields: &[Field], marker: Option<TokenStream>) -> TokenStream {
    let wire = quote!(#krate::wire::Wire);
    let (mut encode, mut decode) = (TokenStream::new(), TokenStream::new());
    let (mut next, mut parts) = (TokenStream::new(), TokenStream::new());
    let mut number = 0_usize;
    let units = quote! {
        let mut units = ::core::iter::IntoIterator::into_iter(
            <() as #wire>::decode_column(count, input)?,
        );
    };
    if let Some(was_unit) = was_unit(fields) {
        decode = quote!(if #was_unit { <() as #wire>::decode_column(count, input)?; });
    }
    for field in fields {
        let Field { member, ty, span, .. } = field;
        let column = field.var("column_");
        if !field.is_kept() {
            let default = default(field);
            parts.extend(quote!(#member: #default,));
            continue;
        }
        encode.extend(quote_spanned! {*span=>
            <#ty as #wire>::encode_column(
                ::core::iter::Iterator::map(
                    ::core::clone::Clone::clone(&values),
                    |value: &'__a Self| &value.#member,
                ),
                out,
            );
        });
        let mut read = quote_spanned!(*span=> <#ty as #wire>::decode_column(count, input)?);
        if field.is_later {
            let default = default(field);
            read = quote! {
                if input.has_field::<Self>(#number) {
                    #read
                } else {
                    ::core::iter::Iterator::collect(::core::iter::Iterator::take(
                        ::core::iter::repeat_with(|| #default),
                        count,
                    ))
                }
            };
        }
        decode.extend(quote!(let mut #column = ::core::iter::IntoIterator::into_iter(#read);));
        next.extend(quote!(let #column = ::core::iter::Iterator::next(&mut #column)?;));
        parts.extend(quote!(#member: #column,));
        number += 1;
    }
    parts.extend(marker);
    if number == 0 {
        encode = quote! {
            <() as #wire>::encode_column(::core::iter::Iterator::map(values, |_| &()), out);
        };
        decode = units;
        next = quote!(::core::iter::Iterator::next(&mut units)?;);
    }
    quote! {
        fn encode_column<'__a>(
            values: impl ::core::iter::Iterator<Item = &'__a Self> + ::core::clone::Clone,
            out: &mut #krate::wire::Writer,
        )
        where
            Self: '__a,
        {
            #encode
        }

        fn decode_column(
            count: usize,
            input: &mut #krate::wire::Reader<'_>,
        ) -> ::core::result::Result<#krate::__private::Vec<Self>, #krate::wire::DecodeError> {
            if count == 0 {
                return ::core::result::Result::Ok(#krate::__private::Vec::new());
            }
            input.nested(|input| {
                #decode
                let value = || {
                    #next
                    ::core::option::Option::Some(Self { #parts })
                };
                ::core::result::Result::Ok(::core::iter::Iterator::collect(
                    ::core::iter::from_fn(value),
                ))
            })
        }
    }
}

fn choice(krate: &Path, header: &TokenStream, ident: &Ident, variants: &[Variant]) -> TokenStream {
    let name = ident.unraw().to_string();
    let schemas = variants.iter().map(|Variant { ident, fields }| {
        let (name, schema) = (ident.unraw().to_string(), schema(krate, fields));
        quote!((#name, &[#schema]))
    });
    let encodes = (0_u8..).zip(variants).map(|(at, Variant { ident, fields })| {
        let kept: Vec<_> = fields.iter().filter(|field| field.is_kept()).collect();
        let vars: Vec<_> = kept.iter().map(|field| field.var("")).collect();
        let members = kept.iter().map(|field| &field.member);
        let each = kept.iter().zip(&vars).map(|(field, var)| encode(krate, field, &quote!(#var)));
        quote! {
            Self::#ident { #(#members: #vars,)* .. } => {
                out.byte(#at);
                #(#each;)*
            }
        }
    });
    let decodes = (0_u8..).zip(variants).map(|(at, Variant { ident, fields })| {
        let members = fields.iter().map(|field| &field.member);
        let each = fields.iter().map(|field| decode(krate, field));
        quote!(#at => ::core::result::Result::Ok(Self::#ident { #(#members: #each,)* }),)
    });
    quote! {
        #header {
            fn schema(schema: &mut #krate::wire::Schema) {
                schema.choice::<Self>(#name, &[#(#schemas),*]);
            }

            fn encode(&self, out: &mut #krate::wire::Writer) {
                match self { #(#encodes)* }
            }

            fn decode(
                input: &mut #krate::wire::Reader<'_>,
            ) -> ::core::result::Result<Self, #krate::wire::DecodeError> {
                input.nested(|input| match input.byte()? {
                    #(#decodes)*
                    _ => ::core::result::Result::Err(
                        input.malformed("an enum has no variant of this number"),
                    ),
                })
            }
        }
    }
}

fn schema<'a>(krate: &Path, fields: impl IntoIterator<Item = &'a Field>) -> TokenStream {
    let kept = fields.into_iter().filter(|field| field.is_kept());
    let each = kept.map(|field| {
        let Field { name, ty, span, .. } = field;
        let schema = match &field.how {
            How::With(path) => quote!(#path::schema),
            How::Plain | How::Skip => quote_spanned!(*span=> <#ty as #krate::wire::Wire>::schema),
        };
        quote!((#name, #schema as fn(&mut #krate::wire::Schema)))
    });
    quote!(#(#each),*)
}

fn encode(krate: &Path, field: &Field, value: &TokenStream) -> TokenStream {
    let Field { ty, span, .. } = field;
    match &field.how {
        How::With(path) => quote!(#path::encode(#value, out)),
        How::Plain | How::Skip => {
            quote_spanned!(*span=> <#ty as #krate::wire::Wire>::encode(#value, out))
        }
    }
}

fn decode(krate: &Path, field: &Field) -> TokenStream {
    let Field { ty, span, .. } = field;
    match &field.how {
        How::With(path) => quote!(#path::decode(input)?),
        How::Skip => default(field),
        How::Plain => quote_spanned!(*span=> <#ty as #krate::wire::Wire>::decode(input)?),
    }
}

fn default(Field { ty, span, .. }: &Field) -> TokenStream {
    quote_spanned!(*span=> <#ty as ::core::default::Default>::default())
}
