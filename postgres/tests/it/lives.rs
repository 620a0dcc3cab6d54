//! Crashes, failovers and restored backups: nothing that a peer has is lost, nothing is doubled.

use crate::{
    cluster::{Cluster, is_installed},
    feed::pull_all,
    region::Region,
};
use rejoin_postgres::{Link, Node};
use std::time::Duration;

/// Everything by which two regions can be told apart.
async fn assert_same(one: &Region, other: &Region, keys: &[&str]) {
    assert_eq!(one.bytes(keys).await, other.bytes(keys).await);
}

#[tokio::test]
async fn a_cluster_in_recovery_is_refused() {
    if !is_installed() {
        return;
    }
    let primary = Cluster::start();
    let us = Region::on(&primary, "us").await;
    let standby = primary.standby();
    let error = Node::open(standby.pool(&us.database), "us").await.unwrap_err();
    assert!(error.is_in_recovery(), "{error}");
    let eu = Region::new("eu").await;
    let error = Link::new(&eu.node, standby.pool(&us.database)).pull().await.unwrap_err();
    assert!(error.is_in_recovery(), "{error}");
}

/// The copy lacks three writes that a peer has. Under the same id, one new write of the same key
/// would make the old and the new one vanish everywhere.
#[tokio::test]
async fn after_a_failover_to_a_copy_that_lagged_lost_writes_come_back_and_nothing_vanishes() {
    if !is_installed() {
        return;
    }
    let primary = Cluster::start();
    let us = Region::on(&primary, "us").await;
    let eu = Region::new("eu").await;
    let ap = Region::new("ap").await;
    us.insert("key", "before").await;
    us.count("key").await;
    let mut links = [Link::new(&eu.node, us.pool.clone()), Link::new(&ap.node, us.pool.clone())];
    for link in &mut links {
        pull_all(link).await;
    }
    let standby = primary.standby();
    // It receives nothing from here on.
    standby.psql("postgres", "ALTER SYSTEM SET primary_conninfo = ''");
    standby.psql("postgres", "SELECT pg_reload_conf()");
    wait_for(&standby, "SELECT count(*) FROM pg_stat_wal_receiver", "0");
    for name in ["lost-1", "lost-2", "lost-3"] {
        us.insert("key", name).await;
    }
    us.count("key").await;
    let [to_eu, _] = &mut links;
    pull_all(to_eu).await;
    assert_eq!(eu.names("key").await.len(), 4);
    // The primary is cut off, and goes on: a zombie.
    let before = us.node.id();
    standby.promote();
    let promoted = Region::open(standby.pool(&us.database), "us", us.database.clone()).await;
    assert_eq!(promoted.names("key").await, ["before"], "it lagged, or this tests nothing");
    promoted.insert("key", "new").await;
    assert!(promoted.node.id() > before, "a new life");
    us.insert("key", "zombie").await;
    pull_all(to_eu).await;
    // The link follows the new primary; what comes first from there is told apart by timeline.
    let mut links = [
        Link::new(&eu.node, promoted.pool.clone()),
        Link::new(&ap.node, promoted.pool.clone()),
        Link::new(&promoted.node, eu.pool.clone()),
    ];
    for _ in 0..2 {
        for link in &mut links {
            pull_all(link).await;
        }
    }
    let all = ["before", "lost-1", "lost-2", "lost-3", "new", "zombie"];
    for region in [&promoted, &eu, &ap] {
        assert_eq!(region.names("key").await, all, "{}", region.name);
        assert_eq!(region.value("key").await, 2);
        assert_same(region, &eu, &["key"]).await;
    }
}

fn wait_for(cluster: &Cluster, sql: &str, answer: &str) {
    for _ in 0..600 {
        if cluster.psql("postgres", sql) == answer {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{sql} is not {answer}");
}

/// A copy of the files that is started without recovery stays on its timeline: only a peer can tell.
#[tokio::test]
async fn a_disk_snapshot_that_was_restored_begins_a_new_life_when_a_peer_is_pulled() {
    if !is_installed() {
        return;
    }
    let mut cluster = Cluster::start();
    let us = Region::on(&cluster, "us").await;
    let eu = Region::new("eu").await;
    us.insert("key", "before").await;
    cluster.stop();
    let mut copy = cluster.copy_files();
    cluster.resume();
    us.insert("key", "lost").await;
    us.count("key").await;
    pull_all(&mut Link::new(&eu.node, us.pool.clone())).await;
    drop(cluster);
    copy.resume();
    let restored = Region::open(copy.pool(&us.database), "us", us.database.clone()).await;
    assert_eq!(restored.node.id(), us.node.id(), "alone it cannot know");
    pull_all(&mut Link::new(&restored.node, eu.pool.clone())).await;
    assert!(restored.node.id() > us.node.id());
    assert_eq!(restored.names("key").await, ["before", "lost"]);
    restored.insert("key", "new").await;
    restored.count("key").await;
    pull_all(&mut Link::new(&eu.node, restored.pool.clone())).await;
    assert_eq!(eu.names("key").await, ["before", "lost", "new"]);
    assert_eq!((eu.value("key").await, restored.value("key").await), (2, 2));
    assert_same(&eu, &restored, &["key"]).await;
}

/// Transactions that had ended, but of which nothing was on disk, are forgotten by a crash, and their
/// ids are given out again: snapshots from before the crash count what comes under them as seen.
#[tokio::test]
async fn transaction_ids_that_come_again_after_a_crash_hide_nothing() {
    if !is_installed() {
        return;
    }
    let mut cluster = Cluster::start();
    cluster.stop();
    // What is not committed is written to disk later than this test takes.
    cluster.change_files("echo 'wal_writer_delay = 10s' >>\"$1/data/postgresql.conf\"");
    cluster.resume();
    let us = Region::on(&cluster, "us").await;
    let eu = Region::new("eu").await;
    us.count("key").await;
    let mut link = Link::new(&eu.node, us.pool.clone());
    pull_all(&mut link).await;
    for _ in 0..40 {
        us.run("BEGIN; SELECT pg_current_xact_id(); ROLLBACK").await;
    }
    // Both the link and the memory of the process see a snapshot behind all of these.
    pull_all(&mut link).await;
    assert_eq!(us.value("key").await, 1);
    let xmin = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
    let before = us.number(xmin).await;
    cluster.kill();
    cluster.resume();
    let later = us.again().await;
    assert!(us.number(xmin).await < before, "ids come again, or this tests nothing");
    for _ in 0..5 {
        later.count("key").await;
    }
    assert_eq!(us.value("key").await, 6, "the memory of a process that lived on");
    assert_eq!(pull_all(&mut link).await.inserted, 5);
    assert_eq!(eu.value("key").await, 6);
}

/// The database restarts on another timeline while a process goes on.
#[tokio::test]
async fn a_process_that_lives_through_a_failover_goes_on_in_the_new_life() {
    if !is_installed() {
        return;
    }
    let mut primary = Cluster::start();
    let us = Region::on(&primary, "us").await;
    us.count("key").await;
    let before = us.node.id();
    primary.stop();
    // As a failover with the same address: the files go on, on a timeline of their own.
    primary.change_files("touch \"$1/data/standby.signal\"");
    primary.resume();
    primary.promote();
    us.count("key").await;
    assert!(us.node.id() > before);
    assert_eq!(us.value("key").await, 2);
    assert_eq!(us.number("SELECT count(DISTINCT origin) FROM rejoin.delta").await, 2);
}

/// A crash under load: what was acknowledged is there, once, and what failed is there or is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_under_load_loses_and_doubles_nothing() {
    if !is_installed() {
        return;
    }
    let mut cluster = Cluster::start();
    let us = Region::on(&cluster, "us").await;
    // Also on a server that is set not to wait for the disk.
    cluster.psql("postgres", "ALTER SYSTEM SET synchronous_commit = off");
    cluster.psql("postgres", "SELECT pg_reload_conf()");
    let mut writers = Vec::new();
    for _ in 0..4 {
        let counts = us.counts.clone();
        writers.push(tokio::spawn(async move {
            let (mut acknowledged, mut unknown) = (0_u128, 0_u128);
            for _ in 0..150 {
                match counts.edit("key", |it, me| it.increment(1, me)).await {
                    Ok(_) => acknowledged += 1,
                    Err(error) if error.is_outcome_unknown() => unknown += 1,
                    Err(error) => {
                        assert!(error.is_database(), "{error}");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
            (acknowledged, unknown)
        }));
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    tokio::task::block_in_place(|| {
        cluster.kill();
        cluster.resume();
    });
    let (mut least, mut most) = (0, 0);
    for writer in writers {
        let (acknowledged, unknown) = writer.await.unwrap();
        least += acknowledged;
        most += acknowledged + unknown;
    }
    let value = us.again().await.value("key").await;
    assert!(least > 0 && (least..=most).contains(&value), "{least} ≤ {value} ≤ {most}");
    assert_eq!(us.value("key").await, value);
}

/// The connection breaks after the write was sent, before its answer comes: seen from outside, the
/// reply to the commit is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_was_lost_is_found_and_not_doubled() {
    if !is_installed() {
        return;
    }
    let us = Region::new("us").await;
    us.count("key").await;
    let proxy = crate::proxy::Proxy::start(crate::cluster::shared().socket());
    let through = Region::open(proxy.pool(&us.database), "us", us.database.clone()).await;
    through.value("key").await;
    // The answer to the next write is swallowed, and the connection with it.
    proxy.swallow_answer_to("swap");
    through.count("key").await;
    assert_eq!(proxy.swallowed(), 1, "it was, or this tests nothing");
    assert_eq!((through.value("key").await, us.value("key").await), (2, 2));
    assert_eq!(us.number("SELECT count(*) FROM rejoin.delta").await, 2);
}
