//! What an edit costs, counted in bytes of the log.

use crate::{
    cluster::{Cluster, is_installed, shared},
    feed::pull_all,
    proxy::Proxy,
    region::Region,
};
use rejoin_postgres::Link;

/// The log that an edit takes on average, in bytes.
async fn log_per_edit(region: &Region, key: &str, edits: i64) -> i64 {
    let position = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
    let before = region.number(position).await;
    for edit in 0..edits {
        region.insert(key, format!("measured-{edit}")).await;
    }
    (region.number(position).await - before) / edits
}

/// Where the state were written at each edit, a hundred times the state would be a hundred times the log.
#[tokio::test]
async fn an_edit_takes_the_log_of_its_delta_and_not_of_its_state() {
    if !is_installed() {
        return;
    }
    let cluster = Cluster::start();
    let us = Region::on(&cluster, "us").await;
    let mut logs = Vec::new();
    for (key, elements) in [("small", 20), ("large", 2_000)] {
        let fill = |names: &mut rejoin::OrSet<String>, me| {
            names.extend((0..elements).map(|it| format!("element-{it}")), me)
        };
        us.names.edit(key, fill).await.unwrap();
        // Pages that are touched for the first time are logged whole.
        log_per_edit(&us, key, 20).await;
        logs.push(log_per_edit(&us, key, 50).await);
    }
    let [small, large] = logs[..] else { panic!("two were measured") };
    println!("log per edit: {small} bytes with 20 elements, {large} with 2,000");
    assert!(small > 0 && large < small * 3 / 2, "{small} and {large} bytes");
    assert!(large < 2_000, "{large} bytes");
}

/// What a delta takes on a link, and what it takes to compare it where everything is here already.
#[tokio::test]
async fn a_link_brings_what_is_new_and_compares_by_keys() {
    if !is_installed() {
        return;
    }
    let (us, eu) = (Region::new("us-east-1").await, Region::new("eu-west-1").await);
    for edit in 0..500 {
        us.insert("key", format!("element-{edit}")).await;
    }
    let payload = us.number("SELECT sum(length(payload))::bigint / 500 FROM rejoin.delta").await;
    let proxy = Proxy::start(shared().socket());
    let mut link = Link::new(&eu.node, proxy.pool(&us.database));
    pull_all(&mut link).await;
    let first = proxy.brought();
    for edit in 0..500 {
        us.insert("key", format!("another-{edit}")).await;
    }
    pull_all(&mut link).await;
    let new = (proxy.brought() - first) / 500;
    // As after a failover: another life.
    us.run("UPDATE rejoin.node SET incarnation = incarnation + 1").await;
    let before = proxy.brought();
    assert_eq!(pull_all(&mut link).await.offered, 0);
    let compared = (proxy.brought() - before) / 1_000;
    println!("on the link: {new} bytes for a delta of {payload}, {compared} where it is known");
    assert!(new < 200, "{new} bytes for a delta of {payload}");
    assert!(compared < 120, "{compared} bytes for a delta that is known");
    let before = proxy.brought();
    for _ in 0..10 {
        assert_eq!(pull_all(&mut link).await.offered, 0);
    }
    let idle = (proxy.brought() - before) / 10;
    println!("idle: {idle} bytes");
}
