//! Links: what one region writes arrives in the others, once, whatever happens.

use crate::{
    cluster::{is_installed, pool_of, shared},
    proxy::Proxy,
    region::Region,
};
use rejoin::{ReplicaId, sync::Gate};
use rejoin_postgres::{Link, Pulled};
use std::time::Duration;

/// Pulls until nothing more comes.
pub(crate) async fn pull_all(link: &mut Link) -> Pulled {
    let mut all = Pulled::default();
    loop {
        let pulled = link.pull().await.unwrap();
        all += pulled;
        if !pulled.more {
            all.more = false;
            return all;
        }
    }
}

fn counts(pulled: &Pulled) -> (u64, u64, u64, u64) {
    (pulled.offered, pulled.inserted, pulled.refused, pulled.diverged)
}

#[tokio::test]
async fn three_regions_that_write_the_same_keys_end_with_the_same_bytes_and_no_echo() {
    if !is_installed() {
        return;
    }
    let regions = [Region::new("us").await, Region::new("eu").await, Region::new("ap").await];
    let mut links = Vec::new();
    for here in &regions {
        for there in regions.iter().filter(|it| it.name != here.name) {
            links.push(Link::new(&here.node, there.pool.clone()).batch(7));
        }
    }
    let mut arrived = Pulled::default();
    for round in 0..6 {
        for region in &regions {
            for edit in 0..5 {
                region.count("a").await;
                region.insert("b", format!("{}-{round}-{edit}", region.name)).await;
            }
        }
        // Some links fall behind, and take two rounds at a time.
        for (at, link) in links.iter_mut().enumerate() {
            if (at + round) % 3 != 0 {
                arrived += link.pull().await.unwrap();
            }
        }
    }
    for link in &mut links {
        arrived += pull_all(link).await;
    }
    // 180 writes, each brought to two others once; nothing was offered twice or where it came from.
    assert_eq!(counts(&arrived), (360, 360, 0, 0));
    let bytes = regions[0].bytes(&["a", "b"]).await;
    for region in &regions {
        assert_eq!(region.value("a").await, 90);
        assert_eq!(region.names("b").await.len(), 90);
        assert_eq!(region.bytes(&["a", "b"]).await, bytes, "{}", region.name);
        assert_eq!(region.number("SELECT count(*) FROM rejoin.delta").await, 180);
        assert_eq!(region.number("SELECT count(*) FROM rejoin.delta WHERE mine").await, 60);
    }
    for link in &mut links {
        assert_eq!(counts(&pull_all(link).await), (0, 0, 0, 0));
    }
}

/// The usual outbox, which takes what is before the oldest open transaction, would wait for it; one
/// that goes by numbers would pass over what it commits later.
#[tokio::test]
async fn a_long_transaction_holds_up_nothing_and_is_not_missed() {
    if !is_installed() {
        return;
    }
    let (us, eu) = (Region::new("us").await, Region::new("eu").await);
    let mut link = Link::new(&eu.node, us.pool.clone()).batch(3);
    let mut client = us.pool.get().await.unwrap();
    let long = client.transaction().await.unwrap();
    us.counts.edit_in(&long, "long", |it, me| it.increment(1, me)).await.unwrap();
    let elsewhere = shared().pool("postgres");
    let mut elsewhere = elsewhere.get().await.unwrap();
    let idle = elsewhere.transaction().await.unwrap();
    idle.query("SELECT pg_current_xact_id()::text", &[]).await.unwrap();
    for edit in 1..=10 {
        us.count("key").await;
        pull_all(&mut link).await;
        assert_eq!(eu.value("key").await, edit, "while two transactions are open");
    }
    us.count("other").await;
    let more = pull_all(&mut link).await;
    assert_eq!(counts(&more), (1, 1, 0, 0), "what came before is not offered again");
    assert_eq!(eu.value("long").await, 0);
    long.commit().await.unwrap();
    assert_eq!(counts(&pull_all(&mut link).await), (1, 1, 0, 0));
    assert_eq!(eu.value("long").await, 1);
    idle.rollback().await.unwrap();
    assert_eq!(counts(&pull_all(&mut link).await), (0, 0, 0, 0));
}

/// What commits between two pages of one round, before where the first ended.
#[tokio::test]
async fn what_commits_between_two_pages_is_brought_by_the_next_round() {
    if !is_installed() {
        return;
    }
    let (us, eu) = (Region::new("us").await, Region::new("eu").await);
    let mut link = Link::new(&eu.node, us.pool.clone()).batch(2);
    link.pull().await.unwrap();
    let mut client = us.pool.get().await.unwrap();
    let early = client.transaction().await.unwrap();
    us.counts.edit_in(&early, "early", |it, me| it.increment(1, me)).await.unwrap();
    for _ in 0..5 {
        us.count("key").await;
    }
    assert!(link.pull().await.unwrap().more);
    early.commit().await.unwrap();
    // Another process goes on where this one stopped.
    let mut link = Link::new(&eu.node, us.pool.clone()).batch(2);
    assert_eq!(counts(&pull_all(&mut link).await), (4, 4, 0, 0));
    assert_eq!((eu.value("key").await, eu.value("early").await), (5, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_and_two_receivers_of_one_peer_that_are_stopped_at_any_time() {
    if !is_installed() {
        return;
    }
    let (us, eu) = (Region::new("us").await, Region::new("eu").await);
    let mut writers = Vec::new();
    for writer in 0..4 {
        let counts = us.counts.clone();
        writers.push(tokio::spawn(async move {
            for edit in 0..50 {
                let key = format!("{}", (writer + edit) % 5);
                counts.edit(&key, |it, me| it.increment(1, me)).await.unwrap();
            }
        }));
    }
    for stop in 0..30_u64 {
        let run = || {
            let link = Link::new(&eu.node, us.pool.clone()).batch(5);
            link.pauses(Duration::from_millis(1), Duration::from_millis(2)).run()
        };
        let both = async { tokio::join!(run(), run()) };
        // Dropped wherever it is.
        _ = tokio::time::timeout(Duration::from_millis(3 + stop * 7 % 23), both).await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    pull_all(&mut Link::new(&eu.node, us.pool.clone())).await;
    let keys = ["0", "1", "2", "3", "4"];
    let mut sum = 0;
    for key in keys {
        sum += eu.value(key).await;
    }
    assert_eq!(sum, 200);
    assert_eq!(eu.number("SELECT count(*) FROM rejoin.delta").await, 200);
    assert_eq!(eu.bytes(&keys).await, us.bytes(&keys).await);
}

/// Check-then-insert would fail on the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_receivers_that_bring_the_same_rows_at_a_time_both_succeed() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    for round in 0..5 {
        let eu = Region::new("eu").await;
        for _ in 0..40 {
            us.count("key").await;
        }
        let mut links = [0, 1, 2].map(|_| Link::new(&eu.node, us.pool.clone()));
        let [one, two, three] = &mut links;
        let all = tokio::join!(pull_all(one), pull_all(two), pull_all(three));
        let inserted = all.0.inserted + all.1.inserted + all.2.inserted;
        assert_eq!(inserted, 40 * (round + 1));
        assert_eq!(eu.value("key").await, u128::from(inserted));
    }
}

/// A link that is cut, again and again, under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_cut_and_mended_goes_on_where_it_was() {
    if !is_installed() {
        return;
    }
    let (us, eu) = (Region::new("us").await, Region::new("eu").await);
    let proxy = Proxy::start(shared().socket());
    let link = Link::new(&eu.node, proxy.pool(&us.database)).batch(4);
    let run = tokio::spawn(link.run());
    let mut last = None;
    for edit in 0..60 {
        last = Some(us.count("key").await);
        if edit % 10 == 3 {
            proxy.cut();
        } else if edit % 10 == 7 {
            proxy.mend();
        }
    }
    proxy.mend();
    assert_eq!(eu.counts.read("key", last.as_ref()).await.unwrap().value(), 60);
    assert_eq!(eu.bytes(&["key"]).await, us.bytes(&["key"]).await);
    run.abort();
}

/// Arrival is a pure insert: where it updated a row of the document, one lock would stop the stream.
#[tokio::test]
async fn a_user_who_locks_a_document_stops_no_arrival() {
    if !is_installed() {
        return;
    }
    let (us, eu) = (Region::new("us").await, Region::new("eu").await);
    eu.count("key").await;
    let mut client = eu.pool.get().await.unwrap();
    let lock = client.transaction().await.unwrap();
    lock.execute("SELECT FROM rejoin.document WHERE key = 'key' FOR UPDATE", &[]).await.unwrap();
    us.count("key").await;
    let mut link = Link::new(&eu.node, us.pool.clone());
    let pulled = tokio::time::timeout(Duration::from_secs(20), pull_all(&mut link)).await;
    assert_eq!(counts(&pulled.expect("it does not wait for the lock")), (1, 1, 0, 0));
    assert_eq!(eu.value("key").await, 2, "nor does a read");
    lock.rollback().await.unwrap();
}

#[tokio::test]
async fn a_gate_refuses_before_anything_is_inserted_and_the_rest_goes_on() {
    if !is_installed() {
        return;
    }
    let (us, eu) = (Region::new("us").await, Region::new("eu").await);
    let names = |names: [&str; 2]| names.map(|it| it.parse::<ReplicaId>().unwrap());
    let writers = names(["us", "eu"]);
    let mut link =
        Link::new(&eu.node, us.pool.clone()).gate(&eu.counts, move || Gate::new().writers(writers));
    us.count("key").await;
    // A program in us that writes under a name which is not its own.
    let forge =
        |count: &mut rejoin::GCounter, _| count.increment(1_000, names(["mallory", "us"])[0]);
    us.counts.edit("key", forge).await.unwrap();
    us.count("other").await;
    // And rows that are not of its region, or no deltas at all.
    us.run(
        "INSERT INTO rejoin.delta (origin, seq, store, key, payload, at, mine) VALUES
           ('ap#1', 1, 'names', 'key', '', 0, true), ('us#1', 1, 'counts', 'junk', 'junk', 0, true)",
    )
    .await;
    let pulled = pull_all(&mut link).await;
    let reasons = eu.reasons().await;
    assert_eq!(counts(&pulled), (5, 2, 3, 0), "{reasons:?}");
    assert_eq!((eu.value("key").await, eu.value("other").await), (1, 1));
    for (told, why) in
        reasons.iter().zip(["the delta is of ap#1, which us", "mallory", "not written by rejoin"])
    {
        assert!(told.contains(why), "{reasons:?}");
    }
    us.count("key").await;
    assert_eq!(counts(&pull_all(&mut link).await), (1, 1, 0, 0));
}

#[tokio::test]
async fn a_write_is_read_elsewhere_by_its_token_and_not_before() {
    if !is_installed() {
        return;
    }
    let (us, eu) = (Region::new("us").await, Region::new("eu").await);
    let link = Link::new(&eu.node, us.pool.clone());
    let run = tokio::spawn(link.run());
    for edit in 1..=20 {
        let token = us.count("key").await;
        assert_eq!(eu.counts.read("key", Some(&token)).await.unwrap().value(), edit);
    }
    run.abort();
}

/// Whoever waits for a second connection while holding the first would wait forever.
#[tokio::test]
async fn pools_of_one_connection_are_enough() {
    if !is_installed() {
        return;
    }
    let (us, eu) = (Region::new("us").await, Region::new("eu").await);
    let narrow = async |region: &Region| {
        let pool = pool_of(1, shared().socket(), &region.database);
        Region::open(pool, region.name, region.database.clone()).await
    };
    let all = async {
        let (us, eu) = (narrow(&us).await, narrow(&eu).await);
        let mut link = Link::new(&eu.node, us.pool.clone()).gate(&eu.counts, Gate::new).batch(2);
        for request in ["1", "2", "3"] {
            us.count("key").await;
            us.counts.edit_once("key", request, |it, me| it.increment(1, me)).await.unwrap();
        }
        // The life ends while the process goes on.
        us.run("UPDATE rejoin.node SET timeline = 99").await;
        us.count("key").await;
        pull_all(&mut link).await;
        link.repair().await.unwrap();
        assert_eq!((us.value("key").await, eu.value("key").await), (7, 7));
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("nobody waits for themselves");
}

#[tokio::test]
async fn peers_that_cannot_be_pulled_are_refused_with_the_way_out() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    let empty = shared().pool(&shared().database());
    let own = Link::new(&us.node, us.pool.clone()).pull().await.unwrap_err().to_string();
    assert!(own.contains("of this node's own region us"), "{own}");
    rejoin_postgres::install(&mut empty.get().await.unwrap()).await.unwrap();
    let error = Link::new(&us.node, empty).pull().await.unwrap_err().to_string();
    assert!(error.contains("open it once"), "{error}");
}

/// A region that starts empty while one of the others is gone for good.
#[tokio::test]
async fn repair_brings_what_others_have_of_a_region_that_is_gone() {
    if !is_installed() {
        return;
    }
    let (us, eu, new) = (Region::new("us").await, Region::new("eu").await, Region::new("ap").await);
    for edit in 0..60 {
        us.insert("key", format!("us-{edit}")).await;
        eu.insert("key", format!("eu-{edit}")).await;
    }
    pull_all(&mut Link::new(&eu.node, us.pool.clone())).await;
    let mut link = Link::new(&new.node, eu.pool.clone()).batch(8);
    pull_all(&mut link).await;
    assert_eq!(new.names("key").await.len(), 60);
    let repaired = link.repair().await.unwrap();
    assert_eq!((repaired.offered, repaired.inserted, repaired.diverged), (60, 60, 0));
    assert_eq!(new.bytes(&["key"]).await, eu.bytes(&["key"]).await);
    // A few that are missing in the middle.
    new.run("DELETE FROM rejoin.delta WHERE seq % 31 = 5").await;
    let missing =
        u64::try_from(120 - new.number("SELECT count(*) FROM rejoin.delta").await).unwrap();
    let repaired = link.repair().await.unwrap();
    assert_eq!((repaired.offered, repaired.inserted), (missing, missing));
    assert_eq!(link.repair().await.unwrap(), Pulled::default());
    assert_eq!(new.number("SELECT count(*) FROM rejoin.delta WHERE mine").await, 0);
}
