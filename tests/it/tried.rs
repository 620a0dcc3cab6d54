//! A join that is tried first: the report is the one that the join gives, and nothing was done.

use crate::encoded::bytes;
use rejoin::{
    DeltaState, Document,
    document::{DocumentDelta, Report},
    laws::Invariants,
};

/// Tries what would be joined, checks that nothing is done, and then does it; the report.
fn tried(
    before: &Document,
    preview: impl Fn(&mut Document) -> Report,
    join: impl Fn(&mut Document) -> Report,
) -> Report {
    let mut document = before.clone();
    let foreseen = preview(&mut document);
    assert_eq!(document, *before, "a preview changes nothing");
    assert_eq!(bytes(&document), bytes(before));
    assert_eq!(document.version(), before.version());
    assert_eq!(document.to_string(), before.to_string());
    assert_eq!(document.conflicts(), before.conflicts());
    assert_eq!(document.check_invariants(), Ok(()));
    assert_eq!(preview(&mut document), foreseen, "as often as you like");
    let mut joined = before.clone();
    assert_eq!(foreseen, join(&mut joined), "what it reports comes about");
    join(&mut document);
    assert_eq!(document, joined, "and comes about as if nobody had asked");
    assert_eq!(bytes(&document), bytes(&joined));
    assert_eq!(document.version(), joined.version());
    assert_eq!(document.check_invariants(), Ok(()));
    assert_eq!(preview(&mut document), Report::default(), "nothing is left to do");
    assert_eq!(document, joined);
    foreseen
}

pub(crate) fn tried_delta(before: &Document, delta: &DocumentDelta) -> Report {
    tried(before, |it| it.preview(delta), |it| it.apply_reporting(delta))
}

pub(crate) fn tried_merge(before: &Document, other: &Document) -> Report {
    tried(before, |it| it.preview_merge(other), |it| it.merge_reporting(other))
}
