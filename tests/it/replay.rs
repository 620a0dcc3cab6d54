//! The seeds and the findings of the fuzzers, once more; and what is near to them.

use crate::{
    effort::count,
    encoded::{Sent, bytes, compact, digest, json, kernel, seen},
    hostile::{TARGETS, decoding::tags},
    {at, replica},
};
use rejoin::{
    BoundedCounter, CausalMap, DeltaState, Document, EnableFlag, GCounter, Gauge, LwwRegister,
    Merge, MvRegister, OrMap, OrSet, PnCounter, Presence, VectorClock,
    document::{Rules, Value},
};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

fn folder(kind: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target)
}

/// The files of a folder, by name; none where there is no folder.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// A number that looks like chance, and is the same on every machine.
fn chance(of: impl Hash) -> usize {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    usize::try_from(hasher.finish() >> 33).unwrap()
}

fn mutated(seed: &[u8], round: usize) -> Vec<u8> {
    let mut mutant = seed.to_vec();
    for cut in 0..=chance((round, "cuts")) % 3 {
        let [at, to, byte] = ["at", "to", "byte"].map(|what| chance((round, cut, what)));
        let (at, to) = (at % mutant.len().max(1), to % mutant.len().max(1));
        let byte = u8::try_from(byte % 256).unwrap();
        match chance((round, cut, "how")) % 5 {
            0 => mutant.truncate(at),
            1 => mutant.insert(at, byte),
            2 => mutant.extend_from_within(at.min(to)..at.max(to)),
            _ => mutant.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
        }
    }
    mutant
}

#[test]
fn seeds_and_findings_and_what_is_near_to_them() {
    for (target, body) in TARGETS {
        let seeds = files(&folder("seeds", target));
        assert!(!seeds.is_empty(), "{target} has no seeds");
        for (path, data) in seeds.iter().chain(&files(&folder("findings", target))) {
            println!("{}", path.display());
            body(data);
        }
        for round in 0..usize::try_from(count(2_000).min(2_000)).unwrap() {
            let mutant = mutated(&seeds[round % seeds.len()].1, round);
            println!("{target} {mutant:?}");
            body(&mutant);
        }
    }
}

/// Writes the seeds: `cargo test --test it write_the_seeds -- --ignored`.
#[test]
#[ignore = "writes into the tree"]
fn write_the_seeds() {
    let write = |target: &str, name: &str, data: &[u8]| {
        let folder = folder("seeds", target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), data).unwrap();
    };
    let meeting = forms(&|name, which, json, binary, [ours, theirs]| {
        let body = |bytes: &[u8]| bytes[3 + tags(which).len()..].to_vec();
        let (ours, theirs) = (body(ours), body(theirs));
        let len = u16::try_from(ours.len()).unwrap().to_le_bytes();
        write("decode_wire", name, &[&[which], &len[..], &ours, &theirs].concat());
        write("decode_json", name, &[&[which], json].concat());
        write("decode_binary", name, &[&[which], binary].concat());
    });
    write("amplification", "document", &meeting);
    for (target, seeds) in
        [("histories", 16_u8), ("update", 4), ("pointer", 4), ("clock", 4), ("session", 9)]
    {
        for seed in 0..seeds {
            let length = [64, 400, 3_000][usize::from(seed) % 3];
            let byte = |at| u8::try_from(chance((target, seed, at)) % 256).unwrap();
            let data: Vec<u8> = std::iter::once(seed).chain((1..length).map(byte)).collect();
            write(target, &format!("{seed:02}"), &data);
        }
    }
}

type Write<'a> = &'a dyn Fn(&str, u8, &[u8], &[u8], [&[u8]; 2]);

/// Two values of each type, one after the other. Returns two documents and a delta.
#[allow(clippy::too_many_lines)] // a list
fn forms(write: Write<'_>) -> Vec<u8> {
    fn two<T: Sent>(write: Write<'_>, name: &str, which: u8, ours: &T, theirs: &T) {
        let json = format!("{} {}", json(ours), json(theirs));
        let binary = [compact(ours), compact(theirs)].concat();
        write(name, which, json.as_bytes(), &binary, [&bytes(ours), &bytes(theirs)]);
    }
    fn fork<T>(
        write: Write<'_>,
        name: &str,
        which: u8,
        mut ours: T,
        edit: impl Fn(&mut T, &str),
    ) -> [T; 2]
    where
        T: Clone + Merge + Sent,
    {
        edit(&mut ours, "us-east-1");
        let mut theirs = ours.clone();
        edit(&mut theirs, "eu-west-1");
        edit(&mut ours, "us-east-1");
        ours.merge(&theirs);
        edit(&mut ours, "us-east-1");
        edit(&mut theirs, "eu-west-1");
        two(write, name, which, &ours, &theirs);
        [ours, theirs]
    }
    let now = at(1_000);
    fork(write, "vector_clock", 0, VectorClock::new(), |it, id| {
        it.increment(replica(id)).unwrap();
    });
    fork(write, "g_counter", 1, GCounter::new(), |it, id| {
        it.increment(300, replica(id)).unwrap();
    });
    fork(write, "pn_counter", 2, PnCounter::new(), |it, id| {
        it.increment(3, replica(id)).unwrap();
        it.decrement(7, replica(id)).unwrap();
    });
    fork(write, "bounded_counter", 26, BoundedCounter::new(), |it, id| {
        it.increment(9, replica(id)).unwrap();
        it.decrement(3, replica(id)).unwrap();
        it.transfer(2, replica(id), replica("ap")).unwrap();
    });
    fork(write, "gauge", 23, Gauge::new(), |it, id| {
        it.open(3, replica(id)).unwrap();
        it.close(2, replica(id)).unwrap();
        it.renew(replica(id), now).unwrap();
    });
    fork(write, "presence", 27, Presence::new(), |it, id| {
        it.join("ana".to_owned(), 7_u64, replica(id)).unwrap();
        it.join("bo".to_owned(), 8, replica(id)).unwrap();
        it.leave("ana", replica(id)).unwrap();
        it.renew(replica(id), now).unwrap();
    });
    fork(write, "lww_register", 3, LwwRegister::new(), |it, id| {
        it.set(id.to_owned(), replica(id), now).unwrap();
    });
    fork(write, "mv_register", 4, MvRegister::new(), |it, id| {
        it.set(id.to_owned(), replica(id)).unwrap();
    });
    fork(write, "enable_flag", 5, EnableFlag::new(), |it, id| {
        it.enable(replica(id)).unwrap();
    });
    let [set, _] = fork(write, "or_set", 6, OrSet::new(), |it, id| {
        it.extend(["a".to_owned(), "b".to_owned(), id.to_owned()], replica(id)).unwrap();
        it.remove("b", replica(id)).unwrap();
    });
    fork(write, "or_map", 7, OrMap::new(), |it, id| {
        it.insert("a".to_owned(), 1_u64, replica(id), now).unwrap();
        it.insert(id.to_owned(), 2, replica(id), now).unwrap();
        it.remove("a", replica(id)).unwrap();
    });
    fork(write, "causal_map_of_counters", 24, CausalMap::<_, PnCounter>::new(), |it, id| {
        it.entry("a".to_owned()).increment(3, replica(id)).unwrap();
        it.remove(id, replica(id)).unwrap();
        it.entry(id.to_owned()).decrement(1, replica(id)).unwrap();
    });
    let maps = CausalMap::<_, CausalMap<_, OrSet<_>>>::new();
    fork(write, "causal_map_of_maps", 25, maps, |it, id| {
        it.remove(&7, replica(id)).unwrap();
        it.entry(7).entry(id.to_owned()).insert(3_u64, replica(id)).unwrap();
        it.entry(8_u64).entry("a".to_owned()).insert(3, replica(id)).unwrap();
    });
    let kernel = kernel::<String>(&set);
    two(write, "kernel", 8, &kernel, &kernel);
    two(write, "context", 12, &seen(&set), &seen(&set));
    two(write, "digest", 13, &digest(&set.version()), &digest(&set.version()));

    let content = serde_json::json!({
        "title": "Booking", "n": [1, -2, 0.5, {"deep": [null, true]}], "empty": {}, "unread": 2,
        "messages": [{"id": "m1", "text": "Hello"}, {"id": "m2", "text": "Hi"}],
    });
    let keys = Rules::new().keyed("/messages", "id").unwrap();
    let start = Document::from_json_with(keys, &content, replica("us-east-1"), now).unwrap();
    let edit = |it: &mut Document, id: &str| {
        let id = replica(id);
        it.increment("/unread", 1, id, now).unwrap();
        it.move_item("/messages/0", 1, id, now).unwrap();
        it.push("/n", Value::from(7), id, now).unwrap();
        it.set("/title", Value::from("Booking Help"), id, now).unwrap();
    };
    let [ours, theirs] = fork(write, "document", 9, start, edit);
    let mut ours = ours;
    let delta = ours.remove("/messages/0", replica("us-east-1"), now).unwrap();
    two(write, "delta", 11, &delta, &ours.delta_since(&theirs.version()));
    let three = [&bytes(&ours)[4..], &bytes(&theirs)[4..], &bytes(&delta)[4..]];
    let both = [three[0].len(), three[1].len()].map(|len| u16::try_from(len).unwrap());
    let lens = both.map(u16::to_le_bytes).concat();
    two(write, "id", 14, &replica("us-east-1"), &rejoin::ReplicaId::from_u128(1 << 100));
    let stamp = rejoin::Stamp { time: now, replica: replica("us-east-1") };
    two(write, "stamp", 15, &stamp, &stamp);
    two(write, "timestamp", 16, &now, &at(u64::MAX));
    two(write, "value", 17, &Value::try_from(&content).unwrap(), &Value::Null);
    [&lens[..], &three.concat()].concat()
}
