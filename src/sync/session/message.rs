//! [`Message`]: what sessions tell one another, and its bytes. `docs/wire.md` has the layout.

use crate::{
    sync::Fingerprint,
    wire::{DecodeError, Limits, Reader, Wire, Writer},
};
use alloc::{string::String, vec::Vec};
use core::ops::Range;
use siphasher::sip128::{Hasher128, SipHasher24};

/// The bytes of the check that follows the tag.
const CHECK: usize = 6;

/// The bytes of a message that are not part of what is transferred, at most: the tag, the check,
/// and three numbers.
pub(super) const OVERHEAD: usize = 1 + CHECK + 30;

/// The most gaps that one message lists, of at most 20 bytes each.
pub(super) const GAPS: usize = 8;

/// The most bytes of a reason.
const REASON: usize = 160;

/// The version of the protocol, as a greeting tells it.
const PROTOCOL: u8 = 1;

const GREETING: u8 = 1;
const REPLY: u8 = 2;
const COMPARISON: u8 = 3;
const MATCH: u8 = 4;
const WHOLE: u8 = 5;
const PART: u8 = 6;
const APPLIED: u8 = 7;
const COVERED: u8 = 8;
const MISSING: u8 = 9;
const REFUSED: u8 = 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// Who is there, whom it believes to talk to, and the fingerprint of its version.
    Greeting {
        nonce: u64,
        peer: Option<u64>,
        fingerprint: Fingerprint,
    },
    /// The fingerprint of a version.
    Comparison {
        fingerprint: Fingerprint,
    },
    /// The fingerprint told last is that of the sender too. The check says which one is meant.
    Match,
    /// Bytes of a transfer.
    Part {
        number: u64,
        total: u64,
        offset: u64,
        bytes: &'a [u8],
    },
    Answer(Answer),
}

/// What became of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) number: u64,
    pub(super) verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is in the state. `covered`: so is everything that the version in it has seen.
    Applied {
        covered: bool,
    },
    /// These bytes have not arrived.
    Missing(Vec<Range<u64>>),
    Refused(String),
}

/// The two sessions of a link, the sender first: the nonces that they began with.
pub(super) type Link = (u64, u64);

/// A greeting is for whoever hears it.
const ANYONE: Link = (0, 0);

impl Message<'_> {
    /// The bytes on a link; of a match, given the fingerprint that is meant.
    pub(super) fn to_bytes(&self, link: Link, meant: Option<Fingerprint>) -> Vec<u8> {
        let mut out = Writer::default();
        let tag = self.write(&mut out);
        let body = out.into_bytes();
        let link = if tag <= REPLY { ANYONE } else { link };
        let check = check(link, tag, &body, meant.filter(|_| tag == MATCH));
        [&[tag][..], &check, &body].concat()
    }

    fn write(&self, out: &mut Writer) -> u8 {
        match self {
            Self::Greeting { nonce, peer, fingerprint } => {
                out.byte(PROTOCOL);
                out.bytes(&nonce.to_be_bytes());
                if let Some(peer) = peer {
                    out.bytes(&peer.to_be_bytes());
                }
                fingerprint.encode(out);
                if peer.is_some() { REPLY } else { GREETING }
            }
            Self::Comparison { fingerprint } => {
                fingerprint.encode(out);
                COMPARISON
            }
            Self::Match => MATCH,
            Self::Part { number, total, offset, bytes } => {
                out.varint(*number);
                let is_whole = *total == bytes.len() as u64;
                if !is_whole {
                    out.varint(*total);
                    out.varint(*offset);
                }
                out.bytes(bytes);
                if is_whole { WHOLE } else { PART }
            }
            Self::Answer(answer) => answer.write(out),
        }
    }
}

impl Answer {
    fn write(&self, out: &mut Writer) -> u8 {
        out.varint(self.number);
        match &self.verdict {
            Verdict::Applied { covered: false } => APPLIED,
            Verdict::Applied { covered: true } => COVERED,
            Verdict::Missing(gaps) => {
                out.count(gaps.len());
                let mut before = 0;
                for gap in gaps {
                    out.varint(gap.start - before);
                    out.varint(gap.end - gap.start - 1);
                    before = gap.end;
                }
                MISSING
            }
            Verdict::Refused(reason) => {
                out.bytes(cut(reason).as_bytes());
                REFUSED
            }
        }
    }
}

/// As much of a reason as is told.
fn cut(reason: &str) -> &str {
    let end = (0..=REASON.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
    end.and_then(|end| reason.get(..end)).unwrap_or_default()
}

/// Why a message was not read.
pub(super) enum Unread {
    /// It was not made for this link, or not by this protocol, or was damaged on the way.
    Damaged,
    Malformed(DecodeError),
}

/// Reads what came over a link. `meant`: the fingerprint that this side told last.
pub(super) fn read(
    bytes: &[u8],
    link: Option<Link>,
    meant: Option<Fingerprint>,
) -> Result<Message<'_>, Unread> {
    let (&tag, rest) = bytes.split_first().ok_or(Unread::Damaged)?;
    let (told, body) = rest.split_at_checked(CHECK).ok_or(Unread::Damaged)?;
    let link = if tag <= REPLY { ANYONE } else { link.ok_or(Unread::Damaged)? };
    if told != check(link, tag, body, meant.filter(|_| tag == MATCH)) {
        return Err(Unread::Damaged);
    }
    let mut input = Reader::new(body, &Limits::default()).map_err(Unread::Malformed)?;
    read_body(tag, &mut input).map_err(Unread::Malformed)
}

fn read_body<'a>(tag: u8, input: &mut Reader<'a>) -> Result<Message<'a>, DecodeError> {
    let message = match tag {
        GREETING | REPLY => {
            if input.byte()? != PROTOCOL {
                return Err(input.malformed("a greeting is of another protocol"));
            }
            let nonce = read_u64(input)?;
            let peer = if tag == REPLY { Some(read_u64(input)?) } else { None };
            Message::Greeting { nonce, peer, fingerprint: Fingerprint::decode(input)? }
        }
        COMPARISON => Message::Comparison { fingerprint: Fingerprint::decode(input)? },
        MATCH => Message::Match,
        WHOLE | PART => read_part(tag, input)?,
        APPLIED | COVERED | MISSING | REFUSED => Message::Answer(read_answer(tag, input)?),
        _ => return Err(input.malformed("a message of no known kind")),
    };
    if !input.rest().is_empty() {
        return Err(input.malformed("something follows the message"));
    }
    Ok(message)
}

fn read_part<'a>(tag: u8, input: &mut Reader<'a>) -> Result<Message<'a>, DecodeError> {
    let number = input.varint()?;
    let told = if tag == PART { Some((input.varint()?, input.varint()?)) } else { None };
    let bytes = input.bytes(input.rest().len())?;
    let len = bytes.len() as u64;
    let (total, offset) = told.unwrap_or((len, 0));
    let fits = offset.checked_add(len).is_some_and(|end| end <= total);
    if len == 0 || !fits || told.is_some() && total == len {
        return Err(input.malformed("a part does not lie within its whole"));
    }
    Ok(Message::Part { number, total, offset, bytes })
}

fn read_answer(tag: u8, input: &mut Reader<'_>) -> Result<Answer, DecodeError> {
    let number = input.varint()?;
    let verdict = match tag {
        MISSING => Verdict::Missing(read_gaps(input)?),
        REFUSED => {
            let reason = input.bytes(input.rest().len())?;
            let reason = core::str::from_utf8(reason).ok().filter(|it| it.len() <= REASON);
            Verdict::Refused(reason.ok_or_else(|| input.malformed("no short text"))?.into())
        }
        _ => Verdict::Applied { covered: tag == COVERED },
    };
    Ok(Answer { number, verdict })
}

fn read_gaps(input: &mut Reader<'_>) -> Result<Vec<Range<u64>>, DecodeError> {
    let count = input.count()?;
    if count > GAPS {
        return Err(input.malformed("too many gaps"));
    }
    let (mut gaps, mut before) = (Vec::new(), 0_u64);
    for at in 0..count {
        let (skipped, len) = (input.varint()?, input.varint()?);
        let start = before.checked_add(skipped).filter(|_| at == 0 || skipped > 0);
        let end = start.and_then(|start| start.checked_add(len)?.checked_add(1));
        let gap = start.zip(end).ok_or_else(|| input.malformed("gaps are out of order"))?;
        gaps.push(gap.0..gap.1);
        before = gap.1;
    }
    Ok(gaps)
}

fn read_u64(input: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let bytes = input.bytes(8)?.try_into();
    Ok(bytes.map_or(0, u64::from_be_bytes))
}

/// Six bytes by which a message shows that it was made for this link, and arrived as it was sent.
/// No signature: the nonces travel in the greetings.
fn check(link: Link, tag: u8, body: &[u8], meant: Option<Fingerprint>) -> [u8; CHECK] {
    let mut hasher = SipHasher24::new_with_keys(link.0, link.1);
    core::hash::Hasher::write_u8(&mut hasher, tag);
    core::hash::Hasher::write(&mut hasher, body);
    if let Some((high, low)) = meant.map(Fingerprint::to_parts) {
        core::hash::Hasher::write(&mut hasher, &high.to_be_bytes());
        core::hash::Hasher::write(&mut hasher, &low.to_be_bytes());
    }
    let hash = hasher.finish128().h1.to_be_bytes();
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Answer, Message, Verdict, read};
    use crate::sync::Fingerprint;
    use alloc::{vec, vec::Vec};

    fn all() -> Vec<Message<'static>> {
        let fingerprint = Fingerprint::from_parts(1, 2);
        let answer = |verdict| Message::Answer(Answer { number: 300, verdict });
        vec![
            Message::Greeting { nonce: 7, peer: None, fingerprint },
            Message::Greeting { nonce: 7, peer: Some(u64::MAX), fingerprint },
            Message::Comparison { fingerprint },
            Message::Match,
            Message::Part { number: 1, total: 3, offset: 0, bytes: &[1, 2, 3] },
            Message::Part { number: 1, total: 9, offset: 4, bytes: &[1, 2, 3] },
            answer(Verdict::Applied { covered: false }),
            answer(Verdict::Applied { covered: true }),
            answer(Verdict::Missing(vec![0..5, 9..10])),
            answer(Verdict::Refused("no".into())),
        ]
    }

    #[test]
    fn what_is_written_is_read_on_its_link_alone() {
        let meant = Some(Fingerprint::from_parts(3, 4));
        for message in all() {
            let bytes = message.to_bytes((1, 2), meant);
            assert_eq!(read(&bytes, Some((1, 2)), meant).ok(), Some(message.clone()));
            let greets = matches!(message, Message::Greeting { .. });
            assert_eq!(read(&bytes, Some((2, 1)), meant).is_ok(), greets);
            assert_eq!(read(&bytes, None, meant).is_ok(), greets);
            let is_match = message == Message::Match;
            assert_eq!(read(&bytes, Some((1, 2)), None).is_err(), is_match);
        }
    }

    #[test]
    fn what_is_damaged_is_not_read() {
        for bytes in all().iter().map(|it| it.to_bytes((1, 2), None)) {
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x10;
                assert!(read(&damaged, Some((1, 2)), None).is_err());
                assert!(read(&bytes[..at], Some((1, 2)), None).is_err());
            }
        }
    }
}
