//! Each write of an [`Edit`](super::Edit), as an edit of its own.

use super::{Document, DocumentDelta, DocumentError, Input, Overwritten};
use crate::{replica::ReplicaId, time::Now};
use alloc::vec::Vec;

/// Makes each function of this table an edit of one write.
macro_rules! one_write_edits {
    (impl Document {$(
        $(#[doc = $example:literal])+
        pub fn $name:ident$(<$value:lifetime>)?($($arg:ident: $type:ty),*);
    )+}) => {
        /// Edits of one write.
        impl Document {
            $(
                #[doc = concat!("[`Edit::", stringify!($name), "`] as an edit of its own; returns its delta.")]
                ///
                /// # Errors
                ///
                #[doc = concat!("As [`Edit::", stringify!($name), "`]; the document is as it was.")]
                ///
                /// # Examples
                ///
                /// ```
                /// # use rejoin::{Document, Timestamp, document::Value};
                /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
                $(#[doc = $example])+
                /// # Ok::<(), Box<dyn std::error::Error>>(())
                /// ```
                ///
                #[doc = concat!("[`Edit::", stringify!($name), "`]: super::Edit::", stringify!($name))]
                pub fn $name$(<$value>)?(
                    &mut self,
                    $($arg: $type,)*
                    replica: ReplicaId,
                    now: impl Into<Now>,
                ) -> Result<DocumentDelta, DocumentError> {
                    let mut edit = self.edit(replica, now);
                    edit.$name($($arg),*)?;
                    Ok(edit.commit())
                }
            )+
        }
    };
}

one_write_edits! {
impl Document {
    /// let mut document = Document::new();
    /// let delta = document.set("/title", "Booking", us, now)?;
    /// assert_eq!(delta.write_count(), 2);                     // the root, and the field
    pub fn set<'v>(pointer: &str, value: impl Into<Input<'v>>);

    /// let mut document = Document::new();
    /// document.set("/title", "Booking", us, now)?;
    /// document.remove("/title", us, now)?;
    /// assert_eq!(document.to_string(), "{}");
    /// assert!(document.remove("/title", us, now)?.is_empty());
    pub fn remove(pointer: &str);

    /// let mut document = Document::from_value(Value::from(vec!["b"]), us, now)?;
    /// document.insert("/0", "a", us, now)?;
    /// assert_eq!(document.to_string(), r#"["a","b"]"#);
    pub fn insert<'v>(pointer: &str, value: impl Into<Input<'v>>);

    /// let mut document = Document::from_value(Value::from(vec!["a"]), us, now)?;
    /// document.push("", "b", us, now)?;
    /// assert_eq!(document.to_string(), r#"["a","b"]"#);
    pub fn push<'v>(list: &str, value: impl Into<Input<'v>>);

    /// let mut document = Document::from_value(Value::from(vec!["a", "b"]), us, now)?;
    /// document.move_item("/0", 1, us, now)?;
    /// assert_eq!(document.to_string(), r#"["b","a"]"#);
    pub fn move_item(pointer: &str, to: usize);

    /// let mut document = Document::new();
    /// document.increment("/unread", 2, us, now)?;
    /// assert_eq!(document.get("/unread"), Some(2.into()));
    pub fn increment(pointer: &str, by: u64);

    /// let mut document = Document::new();
    /// document.decrement("/balance", 2, us, now)?;
    /// assert_eq!(document.get("/balance"), Some((-2).into()));
    pub fn decrement(pointer: &str, by: u64);

    /// let mut document = Document::new();
    /// document.increment("/unread", 2, us, now)?;
    /// document.reset("/unread", us, now)?;
    /// assert_eq!(document.get("/unread"), Some(0.into()));
    pub fn reset(pointer: &str);

    /// let mut document = Document::from_value(Value::from_iter([("title", "Booking")]), us, now)?;
    /// document.update(Value::from_iter([("title", "Booking Help")]), us, now)?;
    /// assert_eq!(document.get("/title"), Some("Booking Help".into()));
    pub fn update<'v>(value: impl Into<Input<'v>>);

    /// # use rejoin::Merge;
    /// # let eu = "eu-west-1".parse()?;
    /// let mut ours = Document::new();
    /// ours.set("/title", "Booking", us, now)?;
    /// let mut theirs = ours.clone();
    /// ours.set("/title", "Help", us, now)?;
    /// theirs.set("/title", "Assistance", eu, now)?;
    /// ours.merge(&theirs);
    /// ours.resolve("/title", "Booking Help", us, now)?;
    /// assert!(ours.conflicts().is_empty());
    pub fn resolve<'v>(pointer: &str, value: impl Into<Input<'v>>);
}
}

impl Document {
    /// [`Edit::update_from`] as an edit of its own; returns its delta, and what it has overwritten.
    /// To refuse a save that overwrites something, begin an [`edit`](Self::edit) and drop it.
    ///
    /// # Errors
    ///
    /// As [`Edit::update_from`]; the document is as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::Value};
    /// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// # let now = Timestamp::from_millis(1);
    /// let mut document = Document::from_value(Value::from_iter([("title", "Booking")]), us, now)?;
    /// let read = document.to_value();
    /// document.set("/status", "open", eu, now)?;
    /// let new = Value::from_iter([("title", "Booking Help")]);
    /// let (delta, overwritten) = document.update_from(&read, &new, us, now)?;
    /// assert_eq!(delta.write_count(), 1);
    /// assert!(overwritten.is_empty());
    /// assert_eq!(document.to_string(), r#"{"status":"open","title":"Booking Help"}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Edit::update_from`]: super::Edit::update_from
    pub fn update_from<'r, 'n>(
        &mut self,
        read: impl Into<Input<'r>>,
        new: impl Into<Input<'n>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<(DocumentDelta, Vec<Overwritten>), DocumentError> {
        let mut edit = self.edit(replica, now);
        let overwritten = edit.update_from(read, new)?;
        Ok((edit.commit(), overwritten))
    }
}
