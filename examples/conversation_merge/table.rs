//! What each side did, the summary of a merged conversation, and the table of its conflicts.

use crate::merging::Merged;
use rejoin::{
    ReplicaId, Timestamp,
    document::{Change, Conflict, ConflictKind, Contender, Value},
};
use serde_json::Value as Json;
use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// What to call each replica.
pub(crate) type Names = BTreeMap<ReplicaId, String>;

const PATH_CHARS_MAX: usize = 72;
const VALUE_CHARS_MAX: usize = 30;
const CHANGE_CHARS_MAX: usize = 48;
/// How much of what two long values have in common is shown before the place where they differ.
const CONTEXT_CHARS: usize = 10;

pub(crate) fn print(out: &mut dyn Write, merged: &Merged, names: &Names) -> io::Result<()> {
    for field in ["title", "status", "unread"] {
        if let Some(value) = merged.json.get(field) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            writeln!(out, "{field:<10}{}", visible(&text))?;
        }
    }
    if let Some(messages) = merged.json.get("messages").and_then(Json::as_array) {
        writeln!(out, "messages  {}", messages.len())?;
    }
    writeln!(out, "orders    {}, states and deltas: all agree", merged.orders)?;
    writeln!(out, "conflicts {}", merged.conflicts.len())?;
    if merged.conflicts.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let heading = ["path", "what", "winner", "losers", "replica", "time (UTC)"].map(String::from);
    let rows = merged.conflicts.iter().flat_map(|conflict| rows(conflict, names));
    print_columns(out, &[heading].into_iter().chain(rows).collect::<Vec<_>>())
}

/// What one side did, a line each. An item that moved is told of once.
pub(crate) fn print_changes(
    out: &mut dyn Write,
    name: &str,
    time: Timestamp,
    changes: &[Change],
) -> io::Result<()> {
    writeln!(out, "{}, at {}", visible(name), date_and_time(time))?;
    let text = |value: &Value| shortened(&text_of(value), CHANGE_CHARS_MAX);
    let from = |value| changes.iter().find(|it| it.after.is_none() && it.before == value);
    let to = |value| changes.iter().find(|it| it.before.is_none() && it.after == value);
    let row = |change: &Change| {
        let path = || shortened(&change.path.to_string(), PATH_CHARS_MAX);
        Some(match (&change.before, &change.after) {
            (Some(old), Some(new)) => {
                let (old, new) = (text_of(old), text_of(new));
                let same = common_start(&old, &new);
                let [old, new] = [old, new].map(|it| excerpt(&it, same, CHANGE_CHARS_MAX));
                ["  set".into(), path(), format!("{new} (was {old})")]
            }
            (None, Some(new)) => match from(Some(new.clone())) {
                Some(from) => {
                    let was = shortened(&from.path.to_string(), PATH_CHARS_MAX);
                    ["  moved".into(), path(), format!("{} (was {was})", text(new))]
                }
                None => ["  added".into(), path(), text(new)],
            },
            (Some(old), None) if to(Some(old.clone())).is_none() => {
                ["  deleted".into(), path(), text(old)]
            }
            _ => return None,
        })
    };
    print_columns(out, &changes.iter().filter_map(row).collect::<Vec<_>>())?;
    writeln!(out)
}

/// One row for the winner, and below it one for each loser.
fn rows(conflict: &Conflict, names: &Names) -> Vec<[String; 6]> {
    let same = chars_in_common(conflict);
    let path =
        if conflict.path.is_root() { "(the root)".into() } else { conflict.path.to_string() };
    let winner = &conflict.winner;
    let [replica, time] = author(winner, names);
    let what = conflict.kind.to_string();
    let value = |contender: &Contender| match (conflict.kind, contender.claim.value()) {
        (ConflictKind::Move, Some(index)) => format!("at index {index}"),
        _ => value(contender, same),
    };
    let first =
        [shortened(&path, PATH_CHARS_MAX), what, value(winner), String::new(), replica, time];
    let losers = conflict.losers.iter().map(|loser| {
        let [replica, time] = author(loser, names);
        [String::new(), String::new(), String::new(), value(loser), replica, time]
    });
    [first].into_iter().chain(losers).collect()
}

fn author(contender: &Contender, names: &Names) -> [String; 2] {
    let Some(stamp) = contender.stamp else { return ["-".into(), "-".into()] };
    let name = names.get(&stamp.replica).cloned();
    [visible(&name.unwrap_or_else(|| stamp.replica.to_string())), date_and_time(stamp.time)]
}

/// A value as JSON; a message as what it says.
fn text_of(value: &Value) -> String {
    let field = |value: Option<&Value>, name: &str| match value? {
        Value::Object(fields) => fields.get(name).cloned(),
        _ => None,
    };
    match field(field(Some(value), "content").as_ref(), "parts") {
        Some(Value::Array(parts)) if !parts.is_empty() => parts[0].to_string(),
        _ => value.to_string(),
    }
}

/// A value as the table shows it.
fn value(contender: &Contender, chars_in_common: usize) -> String {
    match contender.claim.value() {
        Some(value) => excerpt(&text_of(value), chars_in_common, VALUE_CHARS_MAX),
        None => "(deleted)".into(),
    }
}

/// A short text whole, and of a long one the part where it differs from others.
fn excerpt(text: &str, chars_in_common: usize, chars_max: usize) -> String {
    let skipped = chars_in_common.saturating_sub(CONTEXT_CHARS);
    if skipped < CONTEXT_CHARS || text.chars().count() <= chars_max {
        return shortened(text, chars_max);
    }
    let rest: String = text.chars().skip(skipped).collect();
    format!("…{}", shortened(&rest, chars_max - 1))
}

/// How many characters all values of a conflict begin with.
fn chars_in_common(conflict: &Conflict) -> usize {
    let winner = conflict.winner.claim.value().map(text_of).unwrap_or_default();
    let losers = conflict.losers.iter().filter_map(|loser| loser.claim.value());
    losers.map(|value| common_start(&winner, &text_of(value))).min().unwrap_or(0)
}

fn common_start(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

fn shortened(text: &str, chars_max: usize) -> String {
    let text = visible(text);
    if text.chars().count() <= chars_max {
        return text;
    }
    text.chars().take(chars_max - 1).chain(['…']).collect()
}

/// A line break or an escape sequence in a document must not take over the terminal.
fn visible(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

fn print_columns<const N: usize>(out: &mut dyn Write, rows: &[[String; N]]) -> io::Result<()> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// As `2024-06-01 10:41:42`, by the calendar of Howard Hinnant's `civil_from_days`.
fn date_and_time(time: Timestamp) -> String {
    let seconds = time.as_millis() / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let since_march_of_year_0 = days + 719_468;
    let (era, day) = (since_march_of_year_0 / 146_097, since_march_of_year_0 % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}
