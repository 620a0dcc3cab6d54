//! Several threads of one region write to one row: load, edit, compare-and-swap, and repeat the edit
//! if somebody was faster.
//!
//! `cargo run --example database_row`

use rejoin::{OrSet, ReplicaId, SetDelta, wire};
use std::{
    error::Error,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

const US: ReplicaId = ReplicaId::named("us-east-1").unwrap();

type Failure = Box<dyn Error + Send + Sync>;

/// A table with one row, in memory. Put your database in its place.
struct Table {
    row: Mutex<(u64, Vec<u8>)>,
    lost_races: AtomicU32,
}

impl Table {
    /// `SELECT version, state FROM state WHERE id = $1`
    fn load(&self) -> Result<(u64, Vec<u8>), Failure> {
        Ok(self.row.lock().map_err(|_| "another thread panicked")?.clone())
    }

    /// `UPDATE state SET version = version + 1, state = $3 WHERE id = $1 AND version = $2`
    fn swap(&self, seen: u64, state: Vec<u8>) -> Result<bool, Failure> {
        let mut row = self.row.lock().map_err(|_| "another thread panicked")?;
        let is_newest = row.0 == seen;
        if is_newest {
            *row = (seen + 1, state);
        }
        Ok(is_newest)
    }
}

/// Adds a session to the row; returns the delta, which is stored and may be sent now.
fn open(table: &Table, session: &str) -> Result<SetDelta<String>, Failure> {
    loop {
        let (version, state) = table.load()?;
        let mut sessions: OrSet<String> = wire::from_bytes(&state)?;
        let delta = sessions.insert(session.into(), US)?;
        if table.swap(version, wire::to_bytes(&sessions))? {
            return Ok(delta);
        }
        // The copy above is dropped: merging, storing or sending it would give two writes one number.
        table.lost_races.fetch_add(1, Ordering::Relaxed);
    }
}

fn main() -> Result<(), Failure> {
    let empty = wire::to_bytes(&OrSet::<String>::new());
    let table = Table { row: Mutex::new((0, empty)), lost_races: AtomicU32::new(0) };
    thread::scope(|scope| -> Result<(), Failure> {
        let open_many =
            |worker| (0..50).try_for_each(|it| open(&table, &format!("{worker}-{it}")).map(drop));
        let workers = [1, 2, 3, 4].map(|worker| scope.spawn(move || open_many(worker)));
        workers.into_iter().try_for_each(|it| it.join().map_err(|_| "a thread panicked")?)
    })?;

    let (version, state) = table.load()?;
    let sessions: OrSet<String> = wire::from_bytes(&state)?;
    println!("{} sessions are open, after {version} writes", sessions.len());
    println!("{} edits were repeated", table.lost_races.load(Ordering::Relaxed));
    assert_eq!(sessions.len(), 200);
    Ok(())
}
