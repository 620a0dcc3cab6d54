//! Reads and edits of one node, by one process and by several.

use crate::{
    cluster::{is_installed, shared},
    region::Region,
};
use rejoin::{Document, GCounter, wire};
use rejoin_postgres::{Node, NodeSettings, Store};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn what_is_written_is_read_here_and_by_a_process_that_starts_later() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    assert_eq!(us.value("key").await, 0);
    let token = us.count("key").await;
    us.insert("key", "ana").await;
    assert!(token.to_string().starts_with("us#"));
    assert_eq!((us.value("key").await, us.names("key").await), (1, vec!["ana".to_owned()]));
    let later = us.again().await;
    assert_eq!(later.counts.read("key", Some(&token)).await.unwrap().value(), 1);
    assert_eq!(later.names("key").await, ["ana"]);
    assert_eq!(us.value("other key").await, 0);
}

/// An obvious model: a counter that only grows, and the names inserted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_write_one_key_at_a_time_lose_nothing_and_double_nothing() {
    if !is_installed() {
        return;
    }
    let us = Arc::new(Region::new("us").await);
    let mut tasks = Vec::new();
    for process in 0..3 {
        let region = Arc::new(us.again().await);
        // Two tasks of each process.
        for task in 0..2 {
            let region = Arc::clone(&region);
            tasks.push(tokio::spawn(async move {
                for edit in 0..20 {
                    region.count("key").await;
                    region.insert("key", format!("{process}-{task}-{edit}")).await;
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(us.value("key").await, 120);
    assert_eq!(us.names("key").await.len(), 120);
    assert_eq!(us.number("SELECT count(*) FROM rejoin.delta").await, 240);
    assert_eq!(us.number("SELECT sum(own)::bigint FROM rejoin.document").await, 240);
}

/// An edit in place, a failed compare-and-swap, and a second try on the same copy would give two
/// writes one number, and one that is committed would vanish.
#[tokio::test]
async fn an_edit_that_was_overtaken_is_drafted_anew_on_what_overtook_it() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    let other = us.again().await;
    // Of two elements under one number the greater stays, so each has its turn.
    for (key, mine) in [("a", "abe"), ("z", "zoe")] {
        us.insert(key, "before").await;
        other.names(key).await;
        let mut seen = Vec::new();
        us.names
            .edit(key, |names, me| {
                seen.push(names.len());
                if seen.len() == 1 {
                    insert_meanwhile(&us, key, "other");
                }
                names.insert(mine.into(), me)
            })
            .await
            .unwrap();
        assert_eq!(seen, [1, 2]);
        let mut all = ["before", mine, "other"];
        all.sort_unstable();
        for process in [&us, &other, &us.again().await] {
            assert_eq!(process.names(key).await, all);
        }
    }
    let distinct = "SELECT count(DISTINCT (key, payload)) FROM rejoin.delta";
    assert_eq!(us.number(distinct).await, 6);
}

/// Another process commits while this one is in the middle of an edit.
fn insert_meanwhile(us: &Region, key: &str, name: &str) {
    let (pool, database) = (shared().pool(&us.database), us.database.clone());
    let insert = async || {
        Region::open(pool, "us", database).await.insert(key, name).await;
    };
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(insert());
    };
    std::thread::scope(|scope| _ = scope.spawn(runtime).join());
}

#[tokio::test]
async fn an_edit_that_fails_or_writes_nothing_leaves_everything_as_it_was() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    us.count("key").await;
    let refused = us.counts.edit("key", |count, me| {
        count.increment(5, me).unwrap();
        Err::<GCounter, _>("not enough credit")
    });
    let error = refused.await.unwrap_err();
    assert!(error.is_edit() && !error.is_database());
    assert_eq!(error.to_string(), "not enough credit");
    let nothing = us.names.edit("key", |names, me| names.remove("nobody", me)).await.unwrap();
    assert_eq!(nothing.to_string(), "-");
    assert_eq!(us.value("key").await, 1);
    assert_eq!(us.number("SELECT count(*) FROM rejoin.delta").await, 1);
    us.counts.read("key", Some(&nothing)).await.unwrap();
}

#[tokio::test]
async fn within_a_transaction_an_edit_is_committed_with_the_callers_rows_or_not_at_all() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    us.run("CREATE TABLE login (name text)").await;
    us.count("key").await;
    for commits in [false, true] {
        let mut client = us.pool.get().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        transaction.execute("INSERT INTO login VALUES ('ana')", &[]).await.unwrap();
        for seen in [1, 2] {
            let edit = |count: &mut GCounter, me| {
                assert_eq!(count.value(), seen, "later edits of a transaction see earlier ones");
                count.increment(1, me)
            };
            us.counts.edit_in(&transaction, "key", edit).await.unwrap();
        }
        assert_eq!(us.value("key").await, 1, "the memory of the process has what is committed");
        if commits {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        let expected = if commits { 3 } else { 1 };
        assert_eq!(us.value("key").await, expected);
        assert_eq!(us.again().await.value("key").await, expected);
        assert_eq!(us.number("SELECT count(*) FROM login").await, i64::from(commits));
    }
    us.count("key").await;
    assert_eq!(us.value("key").await, 4);
}

#[tokio::test]
async fn a_transaction_that_holds_a_key_stops_neither_reads_nor_other_keys() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    us.count("key").await;
    let mut client = us.pool.get().await.unwrap();
    let transaction = client.transaction().await.unwrap();
    us.counts.edit_in(&transaction, "key", |it, me| it.increment(1, me)).await.unwrap();
    let waits = us.count("key");
    tokio::pin!(waits);
    let blocked = tokio::time::timeout(Duration::from_millis(100), &mut waits).await;
    assert!(blocked.is_err(), "an edit of the key waits for the transaction");
    assert_eq!(us.value("key").await, 1);
    us.count("other").await;
    transaction.commit().await.unwrap();
    waits.await;
    assert_eq!((us.value("key").await, us.value("other").await), (3, 1));
}

#[tokio::test]
async fn a_request_that_is_repeated_counts_once() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    let other = us.again().await;
    let once = |region: &Region, key: &'static str, request: &'static str| {
        let counts = region.counts.clone();
        async move { counts.edit_once(key, request, |it, me| it.increment(1, me)).await.unwrap() }
    };
    let (first, second, third) =
        tokio::join!(once(&us, "key", "r1"), once(&other, "key", "r1"), once(&us, "key", "r1"));
    assert!(first == second && second == third);
    assert_ne!(once(&us, "key", "r2").await, first);
    once(&us, "other", "r1").await;
    assert_eq!((us.value("key").await, us.value("other").await), (2, 1));
}

#[tokio::test]
async fn a_token_of_a_write_that_is_not_here_is_waited_for_and_then_refused() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    let settings = NodeSettings::new().patience(Duration::from_millis(50));
    let node = settings.open(us.pool.clone(), "us").await.unwrap();
    let counts: Store<GCounter> = Store::new(&node, "counts");
    let token = "eu#7:1".parse().unwrap();
    let error = counts.read("key", Some(&token)).await.unwrap_err();
    assert!(error.is_not_yet() && error.to_string().contains("eu#7:1"), "{error}");
}

#[tokio::test]
async fn memory_that_holds_little_changes_nothing_but_the_cost() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    let small = NodeSettings::new().cache_bytes(0).open(us.pool.clone(), "us").await.unwrap();
    let counts: Store<GCounter> = Store::new(&small, "counts");
    for round in 1..=3 {
        for key in ["a", "b", "c"] {
            counts.edit(key, |it, me| it.increment(1, me)).await.unwrap();
            assert_eq!(counts.read(key, None).await.unwrap().value(), round);
        }
    }
}

#[tokio::test]
async fn one_name_read_as_two_types_is_an_error_and_no_panic() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    us.count("key").await;
    let wrong: Store<Document> = Store::new(&us.node, "counts");
    let error = wrong.read("key", None).await.unwrap_err().to_string();
    assert!(error.contains("\"key\" in store \"counts\""), "{error}");
    assert_eq!(us.value("key").await, 1);
}

/// Documents with rules keep them, however they were loaded.
#[tokio::test]
async fn documents_keep_the_rules_that_they_begin_with() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    let open = |node: &Node| {
        let rules = rejoin::document::Rules::new().counter("/unread").unwrap();
        Store::with_empty(node, "chats", move || Document::with_rules(rules.clone()))
    };
    let now = rejoin::Timestamp::from_millis(1);
    let chats = open(&us.node);
    chats.edit("c", |chat, me| chat.set("/unread", 2, me, now)).await.unwrap();
    let again = open(&us.again().await.node);
    let chat = again.read("c", None).await.unwrap();
    assert_ne!(chat.rules(), &rejoin::document::Rules::new());
    let bytes = wire::to_bytes(&chats.read("c", None).await.unwrap());
    assert_eq!(bytes, wire::to_bytes(&chat));
}
