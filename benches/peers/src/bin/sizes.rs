//! Bytes of a delta, and heap bytes of a document: `cargo run --release --bin sizes`.

use allocation_counter::measure;
use rejoin_peers::{
    Peer, Result,
    automerge::Automerge,
    conversation::{Change, Side, conversation},
    crdts::Crdts,
    dson::Dson,
    loro::Loro,
    rejoin::Rejoin,
    yrs::Yrs,
};
use serde_json::Value;

fn main() -> Result {
    println!("{:24} {:>12} {:>14} {:>14}", "bytes", "delta, 1 + 1", "heap, 200", "heap, 2,000");
    row::<Rejoin>()?;
    row::<Automerge>()?;
    row::<Loro>()?;
    row::<Yrs>()?;
    row::<Crdts>()?;
    row::<Dson>()?;
    let bare = |messages| heap(messages, |json| Ok(json.clone()));
    println!("{:24} {:>12} {:>14} {:>14}", "serde_json::Value", "none", bare(200)?, bare(2_000)?);
    Ok(())
}

fn row<P: Peer>() -> Result {
    let mut document = P::build(&conversation(200), 1)?.fork(2)?;
    let delta = document.write(&Change::new(Side::Ours, 200, 1, 1))?;
    let heap = |messages| heap(messages, |json| P::build(json, 1));
    let bytes = P::encode(&delta).map_or_else(|_| "none".into(), |bytes| bytes.len().to_string());
    println!("{:24} {bytes:>12} {:>14} {:>14}", P::NAME, heap(200)?, heap(2_000)?);
    Ok(())
}

/// What is still allocated once a document is built.
fn heap<T>(messages: usize, build: impl FnOnce(&Value) -> Result<T>) -> Result<i64> {
    let json = conversation(messages);
    let mut built = None;
    let info = measure(|| built = Some(build(&json)));
    built.transpose()?;
    Ok(info.bytes_current)
}
