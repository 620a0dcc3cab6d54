//! [`Path`]: the place in a document that a report is about.

use crate::value::pointer::{write_index, write_name};
use alloc::{string::String, sync::Arc, vec::Vec};
use core::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

/// Where in a document something is. [`Display`](fmt::Display) spells it as a JSON Pointer, and it
/// compares with texts as one.
///
/// The paths of one report share their steps, and names are shared with the document: a path costs
/// one step of 40 bytes on top of the path of its container, however long the names are. Spelling
/// it costs its length.
///
/// Paths are sorted step by step: an index by its number and before any name, a container before
/// what it holds. The item at index 0 and the field `"0"` are spelled alike, and are not equal.
///
/// # Examples
///
/// ```
/// use rejoin::{Document, Timestamp, document::{Step, Value}};
///
/// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
/// let mut ours = Document::from_value(Value::from_iter([("a/b", vec!["x"])]), us, now)?;
/// let mut theirs = ours.clone();
/// theirs.push("/a~1b", "y", us, now)?;
///
/// let report = ours.merge_reporting(&theirs);
/// let path = &report.changes()[0].path;
/// assert_eq!(path, "/a~1b/1");
/// assert_eq!(path.steps().collect::<Vec<_>>(), [Step::Field("a/b"), Step::Item(1)]);
/// assert_eq!(path.last(), Some(Step::Item(1)));
/// assert_eq!(path.parent().map(ToString::to_string).as_deref(), Some("/a~1b"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Path {
    /// `None` for the root.
    last: Option<Arc<Link>>,
}

struct Link {
    above: Path,
    token: Token,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Link>() == 24, "40 bytes with the counts of its Arc");

#[derive(Clone)]
pub(crate) enum Token {
    Name(Arc<str>),
    Index(usize),
}

/// One step of a [`Path`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step<'a> {
    /// To the item of a list at this index.
    Item(usize),
    /// To the field of an object with this name.
    Field(&'a str),
}

impl Path {
    /// The path of the whole document.
    pub const ROOT: Self = Self { last: None };

    pub(crate) fn below(&self, token: Token) -> Self {
        Self { last: Some(Arc::new(Link { above: self.clone(), token })) }
    }

    /// Whether it is the path of the whole document.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::document::Path;
    ///
    /// assert!(Path::ROOT.is_root());
    /// assert_eq!(Path::ROOT, "");
    /// ```
    pub const fn is_root(&self) -> bool {
        self.last.is_none()
    }

    /// The path of the container that this is in; `None` for the root. O(1).
    ///
    /// [The type](Self) has an example.
    pub fn parent(&self) -> Option<&Self> {
        Some(&self.last.as_ref()?.above)
    }

    /// The last step; `None` for the root. O(1).
    ///
    /// [The type](Self) has an example.
    pub fn last(&self) -> Option<Step<'_>> {
        Some(self.last.as_ref()?.token.step())
    }

    /// The steps from the root. O(depth).
    ///
    /// [The type](Self) has an example.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = Step<'_>> + ExactSizeIterator {
        let links: Vec<&Link> = self.links();
        links.into_iter().map(|link| link.token.step())
    }

    fn upwards(&self) -> impl Iterator<Item = &Link> {
        core::iter::successors(self.last.as_deref(), |link| link.above.last.as_deref())
    }

    fn links(&self) -> Vec<&Link> {
        let mut links: Vec<&Link> = self.upwards().collect();
        links.reverse();
        links
    }
}

impl Token {
    fn step(&self) -> Step<'_> {
        match self {
            Self::Name(name) => Step::Field(name),
            Self::Index(index) => Step::Item(*index),
        }
    }
}

/// Takes text as long as it is how the pattern continues.
struct Matching<'a> {
    rest: &'a str,
}

impl fmt::Write for Matching<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.rest = self.rest.strip_prefix(text).ok_or(fmt::Error)?;
        Ok(())
    }
}

impl Path {
    fn spell(&self, out: &mut impl fmt::Write) -> fmt::Result {
        self.links().into_iter().try_for_each(|link| match &link.token {
            Token::Name(name) => write_name(out, name),
            Token::Index(index) => write_index(out, *index),
        })
    }
}

/// As a JSON Pointer.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spell(f)
    }
}

/// As the text of the JSON Pointer.
impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from(self), f)
    }
}

impl From<&Path> for String {
    fn from(path: &Path) -> Self {
        let mut text = Self::new();
        // Writing into a string cannot fail.
        let _ = path.spell(&mut text);
        text
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        Self::from(&path)
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Path {}

impl PartialOrd for Path {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Path {
    fn cmp(&self, other: &Self) -> Ordering {
        let (ours, theirs) = (self.links(), other.links());
        for (our, their) in ours.iter().zip(&theirs) {
            // Shared steps need not be compared: names may be long.
            let order = if core::ptr::eq(*our, *their) {
                Ordering::Equal
            } else {
                our.token.cmp_to(&their.token)
            };
            if order.is_ne() {
                return order;
            }
        }
        ours.len().cmp(&theirs.len())
    }
}

impl Token {
    fn cmp_to(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Name(ours), Self::Name(theirs)) if Arc::ptr_eq(ours, theirs) => Ordering::Equal,
            _ => self.step().cmp(&other.step()),
        }
    }
}

impl Hash for Path {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.upwards().for_each(|link| link.token.step().hash(state));
    }
}

impl PartialEq<str> for Path {
    fn eq(&self, text: &str) -> bool {
        let mut matching = Matching { rest: text };
        self.spell(&mut matching).is_ok() && matching.rest.is_empty()
    }
}

impl PartialEq<&str> for Path {
    fn eq(&self, text: &&str) -> bool {
        *self == **text
    }
}

impl PartialEq<String> for Path {
    fn eq(&self, text: &String) -> bool {
        *self == **text
    }
}

impl PartialEq<Path> for str {
    fn eq(&self, path: &Path) -> bool {
        *path == *self
    }
}

impl PartialEq<Path> for &str {
    fn eq(&self, path: &Path) -> bool {
        *path == **self
    }
}

/// As the text of the JSON Pointer.
#[cfg(feature = "serde")]
impl serde::Serialize for Path {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The way to the node that a walk has reached; a path is made only when asked for.
pub(super) struct Way<'a> {
    above: Option<(&'a Way<'a>, Token)>,
    path: core::cell::OnceCell<Path>,
}

impl<'a> Way<'a> {
    pub(crate) const fn root() -> Self {
        Self { above: None, path: core::cell::OnceCell::new() }
    }

    /// The way that leads along a path.
    pub(super) fn of(path: Path) -> Self {
        Self { above: None, path: path.into() }
    }

    pub(crate) const fn below(&'a self, token: Token) -> Self {
        Self { above: Some((self, token)), path: core::cell::OnceCell::new() }
    }

    pub(crate) fn path(&self) -> Path {
        let path = self.path.get_or_init(|| match &self.above {
            None => Path::ROOT,
            Some((above, token)) => above.path().below(token.clone()),
        });
        path.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Step, Token};
    use alloc::{format, string::String, vec, vec::Vec};

    fn path(steps: &[Step<'_>]) -> Path {
        steps.iter().fold(Path::ROOT, |path, step| {
            path.below(match step {
                Step::Field(name) => Token::Name((*name).into()),
                Step::Item(index) => Token::Index(*index),
            })
        })
    }

    #[test]
    fn a_path_compares_with_its_text_and_no_other() {
        let path = path(&[Step::Field("a/~"), Step::Item(10), Step::Field("")]);
        assert_eq!(format!("{path} {path:?}"), "/a~1~0/10/ \"/a~1~0/10/\"");
        assert_eq!(path, "/a~1~0/10/");
        for other in ["", "/a~1~0/10", "/a~1~0/1", "/a~1~0/10//", "/a~1~0/10/x", "/a/~/10/"] {
            assert_ne!(path, other);
        }
        assert!(Path::ROOT == "" && Path::ROOT != "/");
        let text = String::from(&path);
        assert_eq!((text.as_str(), path == text), ("/a~1~0/10/", true));
        assert_eq!(String::from(path.clone()), text);
        let other = String::from("/a~1~0/10");
        assert!(path != other && *text.as_str() == path && *other.as_str() != path);
        assert!(text.as_str() == path && other.as_str() != path);
    }

    #[test]
    fn paths_of_the_same_steps_have_one_hash() {
        let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
        let hash = |steps: &[Step<'_>]| hasher.hash_one(path(steps));
        let two = [Step::Field("a"), Step::Item(1)];
        assert_eq!(hash(&two), hash(&two));
        for other in [&[][..], &two[..1], &[Step::Field("a"), Step::Item(2)]] {
            assert_ne!(hash(&two), hash(other));
        }
    }

    #[test]
    fn paths_are_sorted_by_their_steps() {
        let steps: [&[Step<'_>]; 8] = [
            &[],
            &[Step::Item(2)],
            &[Step::Item(2), Step::Item(0)],
            &[Step::Item(10)],
            &[Step::Field("")],
            &[Step::Field("10")],
            &[Step::Field("2")],
            &[Step::Field("a"), Step::Field("b")],
        ];
        let sorted: Vec<Path> = steps.map(path).into();
        let mut shuffled = vec![3, 0, 7, 1, 5, 2, 6, 4].into_iter().map(|at| sorted[at].clone());
        let mut again: Vec<Path> = shuffled.by_ref().collect();
        again.sort();
        let told = |paths: &[Path]| -> Vec<String> { paths.iter().map(String::from).collect() };
        assert_eq!(told(&again), told(&sorted));
        assert_ne!(path(&[Step::Item(1)]), path(&[Step::Field("1")]), "of one spelling");
    }

    #[test]
    fn a_path_knows_its_container_and_its_last_step() {
        let two = path(&[Step::Field("a"), Step::Item(1)]);
        assert_eq!(
            (two.parent(), two.last()),
            (Some(&path(&[Step::Field("a")])), Some(Step::Item(1)))
        );
        assert_eq!((Path::ROOT.parent(), Path::ROOT.last()), (None, None));
        assert!(Path::ROOT.is_root() && !two.is_root());
        assert_eq!(two.steps().rev().collect::<Vec<_>>(), [Step::Item(1), Step::Field("a")]);
    }
}
