//! [`Token`]: a write, for whoever wants to read it elsewhere.

use crate::error::{Error, Kind};
use rejoin::ReplicaId;
use std::{fmt, str::FromStr};

/// A write, for whoever wants to read it in another process or another region:
/// [`Store::read`](crate::Store::read) waits until it is there. It prints as a short text, such as
/// for a cookie or a header, and is read from it again. `Copy`.
///
/// The default is no write, and is there everywhere: it is what an edit returns that wrote nothing.
///
/// ```
/// use rejoin_postgres::Token;
///
/// let token: Token = "us-east-1#217823000:42".parse()?;
/// assert_eq!(token.to_string(), "us-east-1#217823000:42");
/// assert_eq!(Token::default().to_string().parse::<Token>()?, Token::default());
/// # Ok::<(), rejoin_postgres::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Token(Option<(ReplicaId, i64)>);

impl Token {
    pub(crate) fn new(origin: ReplicaId, seq: i64) -> Self {
        Self(Some((origin, seq)))
    }

    pub(crate) fn row(self) -> Option<(ReplicaId, i64)> {
        self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((origin, seq)) => write!(f, "{origin}:{seq}"),
            None => f.write_str("-"),
        }
    }
}

impl FromStr for Token {
    type Err = Error;

    /// Reads what [`Display`](fmt::Display) wrote.
    ///
    /// # Errors
    ///
    /// If it is anything else. Tokens may come from users: a forged one costs a wait.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "-" {
            return Ok(Self::default());
        }
        let refuse = || Error::from(Kind::Token(text.chars().take(80).collect()));
        let (origin, seq) = text.rsplit_once(':').ok_or_else(refuse)?;
        let is_number = !seq.is_empty() && seq.bytes().all(|it| it.is_ascii_digit());
        let seq = Some(seq).filter(|_| is_number).and_then(|seq| seq.parse().ok());
        Ok(Self::new(origin.parse().map_err(|_| refuse())?, seq.ok_or_else(refuse)?))
    }
}
