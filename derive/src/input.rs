//! What is derived for: a struct or an enum, its fields, and how each is treated.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Error, Fields, GenericParam, Generics, Ident, Member, Path,
    Result, Visibility, ext::IdentExt, meta::ParseNestedMeta, spanned::Spanned,
};

/// The most fields and variants that a schema names.
const MOST: usize = 255;

/// How a field is treated.
pub(crate) enum How {
    /// By the traits of its type.
    Plain,
    /// Not at all.
    Skip,
    /// By the functions of this module.
    With(Path),
}

pub(crate) struct Field {
    pub(crate) member: Member,
    /// As the schema names it.
    pub(crate) name: String,
    pub(crate) ty: TokenStream,
    pub(crate) vis: Visibility,
    pub(crate) how: How,
    /// Whether bytes may be older than the field.
    pub(crate) is_later: bool,
    /// Where errors point.
    pub(crate) span: Span,
}

impl Field {
    /// A variable for it.
    pub(crate) fn var(&self, prefix: &str) -> Ident {
        format_ident!("__{prefix}{}", self.name)
    }

    pub(crate) fn is_kept(&self) -> bool {
        !matches!(self.how, How::Skip)
    }
}

pub(crate) enum Form {
    Named,
    Tuple,
    Unit,
}

pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) fields: Vec<Field>,
}

pub(crate) enum Shape {
    Struct(Form, Vec<Field>),
    Enum(Vec<Variant>),
}

pub(crate) struct Input {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) generics: Generics,
    pub(crate) shape: Shape,
    /// Where the library is.
    pub(crate) krate: Path,
    /// Later variants are greater.
    pub(crate) is_ordered: bool,
}

impl Input {
    pub(crate) fn new(input: DeriveInput) -> Result<Self> {
        let (mut krate, mut is_ordered) = (syn::parse_quote!(::rejoin), false);
        each_attribute(&input.attrs, |meta| {
            if meta.path.is_ident("crate") {
                krate = meta.value()?.call(Path::parse_mod_style)?;
                // Not of the program, so that its lints do not look at what is derived.
                for segment in &mut krate.segments {
                    segment.ident.set_span(Span::call_site());
                }
            } else if meta.path.is_ident("ordered") && matches!(input.data, Data::Enum(_)) {
                is_ordered = true;
            } else {
                return Err(meta.error(
                    "rejoin has no such attribute here: there is `ordered` for an enum, `crate = \
                     path`, and at a field `skip`, `default` and `with = module`",
                ));
            }
            Ok(())
        })?;
        let shape = match input.data {
            Data::Struct(data) => {
                let (form, fields) = (form(&data.fields), fields(data.fields)?);
                check_later(&fields)?;
                Shape::Struct(form, fields)
            }
            Data::Enum(data) => {
                let variant = |variant: syn::Variant| {
                    each_attribute(&variant.attrs, |meta| {
                        Err(meta.error("rejoin has no attribute for a variant"))
                    })?;
                    let fields = fields(variant.fields)?;
                    if let Some(field) = fields.iter().find(|field| field.is_later) {
                        return Err(Error::new(
                            field.span,
                            "a variant cannot get fields later: add a variant, or hold a struct",
                        ));
                    }
                    Ok(Variant { ident: variant.ident, fields })
                };
                Shape::Enum(data.variants.into_iter().map(variant).collect::<Result<_>>()?)
            }
            Data::Union(data) => {
                return Err(Error::new(
                    data.union_token.span,
                    "a union cannot be derived for: nothing tells which of its fields is there",
                ));
            }
        };
        let this = Self {
            ident: input.ident,
            vis: input.vis,
            generics: input.generics,
            shape,
            krate,
            is_ordered,
        };
        this.check_count()?;
        Ok(this)
    }

    fn check_count(&self) -> Result<()> {
        let (what, count) = match &self.shape {
            Shape::Struct(_, fields) => ("fields", fields.len()),
            Shape::Enum(variants) => {
                let most = variants.iter().map(|variant| variant.fields.len()).max();
                ("variants, or as many fields in one", variants.len().max(most.unwrap_or(0)))
            }
        };
        if count <= MOST {
            return Ok(());
        }
        Err(Error::new(self.ident.span(), format!("at most {MOST} {what}: group them in structs")))
    }

    /// `impl<…> trait for Self where …`, with the bounds given.
    pub(crate) fn header(&self, of: &TokenStream, bounds: &[TokenStream]) -> TokenStream {
        header(&self.ident, &self.generics, of, bounds)
    }

    /// A bound for the type of each field, also where no parameter decides it: so the compiler says
    /// once what a field lacks, and takes it for given in all the code that is derived. A field that
    /// holds the type itself has none, since it would ask for itself.
    pub(crate) fn bounds<'a>(
        &self,
        fields: impl IntoIterator<Item = &'a Field>,
        bound: &TokenStream,
    ) -> Vec<TokenStream> {
        let plain = fields.into_iter().filter(|field| matches!(field.how, How::Plain));
        let others = plain.filter(|field| !self.is_within(field));
        let bound = |Field { ty, span, .. }: &Field| {
            let bound = located(bound, *span);
            quote_spanned!(*span=> #ty: #bound)
        };
        others.map(bound).collect()
    }

    /// Whether the field holds values of the type itself.
    pub(crate) fn is_within(&self, field: &Field) -> bool {
        mentions(&field.ty, &self.ident) || mentions(&field.ty, &format_ident!("Self"))
    }

    /// The parameters that none of these fields is made of, as a type.
    pub(crate) fn unused<'a>(
        &self,
        fields: &(impl Iterator<Item = &'a Field> + Clone),
    ) -> Option<TokenStream> {
        let unused = |param: &&GenericParam| {
            !fields.clone().any(|field| mentions(&field.ty, &name_of(param)))
        };
        let parts: Vec<_> = self
            .generics
            .params
            .iter()
            .filter(unused)
            .filter_map(|param| match param {
                GenericParam::Lifetime(param) => {
                    let lifetime = &param.lifetime;
                    Some(quote!(&#lifetime ()))
                }
                GenericParam::Type(param) => Some(param.ident.to_token_stream()),
                GenericParam::Const(_) => None,
            })
            .collect();
        (!parts.is_empty()).then(|| quote!(::core::marker::PhantomData<fn() -> (#(#parts,)*)>))
    }
}

pub(crate) fn header(
    ident: &Ident,
    generics: &Generics,
    of: &TokenStream,
    bounds: &[TokenStream],
) -> TokenStream {
    let (params, args, _) = generics.split_for_impl();
    let clause = clause(generics, bounds);
    let of = (!of.is_empty()).then(|| quote!(#of for));
    quote! {
        #[automatically_derived]
        impl #params #of #ident #args #clause
    }
}

/// The bounds of the type itself, and these.
pub(crate) fn clause(generics: &Generics, bounds: &[TokenStream]) -> TokenStream {
    let own = generics.where_clause.iter().flat_map(|clause| clause.predicates.iter());
    let all: Vec<_> = own.map(ToTokens::to_token_stream).chain(bounds.iter().cloned()).collect();
    if all.is_empty() { TokenStream::new() } else { quote!(where #(#all,)*) }
}

fn name_of(param: &GenericParam) -> Ident {
    match param {
        GenericParam::Lifetime(param) => param.lifetime.ident.clone(),
        GenericParam::Type(param) => param.ident.clone(),
        GenericParam::Const(param) => param.ident.clone(),
    }
}

fn mentions(tokens: &TokenStream, param: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *param,
        TokenTree::Group(group) => mentions(&group.stream(), param),
        _ => false,
    })
}

/// Code that is derived, where errors in it point at `span`. Lints on what programs write leave it
/// alone.
fn derived_at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

fn located(tokens: &TokenStream, span: Span) -> TokenStream {
    relocated(tokens.clone(), |_| span)
}

fn relocated(tokens: TokenStream, at: impl Fn(Span) -> Span + Copy) -> TokenStream {
    let moved = tokens.into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            let mut moved = Group::new(group.delimiter(), relocated(group.stream(), at));
            moved.set_span(group.span());
            token = moved.into();
        }
        token.set_span(at(token.span()));
        token
    });
    moved.collect()
}

const fn form(fields: &Fields) -> Form {
    match fields {
        Fields::Named(_) => Form::Named,
        Fields::Unnamed(_) => Form::Tuple,
        Fields::Unit => Form::Unit,
    }
}

fn fields(fields: Fields) -> Result<Vec<Field>> {
    let members: Vec<_> = fields.members().collect();
    fields
        .into_iter()
        .zip(members)
        .map(|(field, member)| {
            let (how, is_later) = how(&field.attrs)?;
            let name = match &member {
                Member::Named(ident) => ident.unraw().to_string(),
                Member::Unnamed(index) => index.index.to_string(),
            };
            let span = derived_at(field.ty.span());
            let ty = relocated(field.ty.into_token_stream(), derived_at);
            Ok(Field { member, name, ty, vis: field.vis, how, is_later, span })
        })
        .collect()
}

fn how(attributes: &[Attribute]) -> Result<(How, bool)> {
    let (mut how, mut is_later) = (How::Plain, false);
    each_attribute(attributes, |meta| {
        if meta.path.is_ident("default") {
            is_later = true;
            return Ok(());
        }
        if !matches!(how, How::Plain) {
            return Err(meta.error("a field has one of `skip` and `with`, once"));
        }
        if meta.path.is_ident("skip") {
            how = How::Skip;
        } else if meta.path.is_ident("with") {
            let value = meta.value()?;
            if value.peek(syn::LitStr) {
                return Err(value.error("write the path of the module without quotes"));
            }
            how = How::With(value.call(Path::parse_mod_style)?);
        } else {
            return Err(meta.error(
                "rejoin has no such attribute for a field: there are `skip`, which leaves it out, \
                 `default`, for one that was added later, and `with = module`, whose functions stand \
                 in for the traits",
            ));
        }
        Ok(())
    })?;
    Ok((how, is_later))
}

/// Fields are added at the end of structs.
fn check_later(fields: &[Field]) -> Result<()> {
    let mut kept =
        fields.iter().filter(|field| field.is_kept()).skip_while(|field| !field.is_later);
    match kept.find(|field| !field.is_later) {
        None => Ok(()),
        Some(field) => Err(Error::new(
            field.span,
            "a field after one that is `#[rejoin(default)]` must be so too: older bytes can only lack \
             the last fields",
        )),
    }
}

fn each_attribute(
    attributes: &[Attribute],
    mut each: impl FnMut(ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    let ours = attributes.iter().filter(|attribute| attribute.path().is_ident("rejoin"));
    ours.into_iter().try_for_each(|attribute| attribute.parse_nested_meta(&mut each))
}
