//! Bytes of deltas, documents and sets, and heap bytes of documents: `cargo run --release --bin sizes`.

use allocation_counter::measure;
use rejoin_peers::{
    Peer, Result,
    automerge::Automerge,
    conversation::{Change, Side, conversation},
    crdts::Crdts,
    dson::Dson,
    loro::Loro,
    rejoin::Rejoin,
    sets,
    yrs::Yrs,
};
use serde_json::Value;

fn main() -> Result {
    println!(
        "{:24} {:>12} {:>14} {:>14} {:>14} {:>14}",
        "bytes", "delta, 1 + 1", "saved, 200", "saved, 2,000", "heap, 200", "heap, 2,000"
    );
    row::<Rejoin>()?;
    row::<Automerge>()?;
    row::<Loro>()?;
    row::<Yrs>()?;
    row::<Crdts>()?;
    row::<Dson>()?;
    let postcard = |messages| Crdts::build(&conversation(messages), 1)?.postcard();
    println!(
        "{:24} {:>12} {:>14} {:>14}",
        "crdts, postcard",
        "",
        bytes(postcard(200)),
        bytes(postcard(2_000))
    );
    let bare = |messages| heap(messages, |json| Ok(json.clone()));
    let text =
        |messages| bytes(Ok(serde_json::to_vec(&conversation(messages)).unwrap_or_default()));
    println!(
        "{:24} {:>12} {:>14} {:>14} {:>14} {:>14}",
        "serde_json::Value",
        "none",
        text(200),
        text(2_000),
        bare(200)?,
        bare(2_000)?
    );

    println!("\n{:24} {:>12} {:>14}", "set of 100,000 u64", "bytes", "an element");
    for (name, bytes) in sets::encoded()? {
        println!("{name:24} {bytes:>12} {:>14.2}", bytes as f64 / sets::ELEMENTS as f64);
    }
    Ok(())
}

fn row<P: Peer>() -> Result {
    let mut document = P::build(&conversation(200), 1)?.fork(2)?;
    let delta = document.write(&Change::new(Side::Ours, 200, 1, 1))?;
    let heap = |messages| heap(messages, |json| P::build(json, 1));
    let saved = |messages| bytes(P::build(&conversation(messages), 1).and_then(|mut it| it.save()));
    println!(
        "{:24} {:>12} {:>14} {:>14} {:>14} {:>14}",
        P::NAME,
        bytes(P::encode(&delta)),
        saved(200),
        saved(2_000),
        heap(200)?,
        heap(2_000)?
    );
    Ok(())
}

/// How many; none where the library has no bytes.
fn bytes(encoded: Result<Vec<u8>>) -> String {
    encoded.map_or_else(|_| "none".into(), |bytes| bytes.len().to_string())
}

/// What is still allocated once a document is built.
fn heap<T>(messages: usize, build: impl FnOnce(&Value) -> Result<T>) -> Result<i64> {
    let json = conversation(messages);
    let mut built = None;
    let info = measure(|| built = Some(build(&json)));
    built.transpose()?;
    Ok(info.bytes_current)
}
