//! Three regions on three PostgreSQL clusters, written in all of them at a time, while links are cut,
//! a cluster is killed and a user holds a lock. Then: was anything lost, doubled, or different?
//!
//! ```sh
//! cargo run --release -p rejoin-postgres --example three_regions
//! ```
//!
//! It starts the clusters itself, in temporary folders, and removes them.

#[path = "../../tests/it/cluster.rs"]
#[allow(dead_code, clippy::expect_used)]
mod cluster;
#[path = "../../tests/it/proxy.rs"]
#[allow(dead_code, clippy::unwrap_used)]
mod proxy;
mod region;

use cluster::Cluster;
use proxy::Proxy;
use region::{Anything, Check, Region, Tally};
use rejoin_postgres::Link;
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::sleep};

const NAMES: [&str; 3] = ["us-east-1", "eu-west-1", "ap-south-1"];
const SECONDS: u64 = 20;

/// What happens when, by the second.
const PLAN: [(u64, &str); 6] = [
    (4, "ap-south-1 is cut off"),
    (9, "ap-south-1 is back"),
    (11, "eu-west-1 is killed"),
    (13, "eu-west-1 starts again"),
    (15, "a user of us-east-1 locks a document"),
    (18, "the user lets go"),
];

#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn main() -> Result<(), Anything> {
    if !cluster::is_installed() {
        return Ok(());
    }
    println!("starting three clusters");
    let mut clusters = NAMES.map(|_| Cluster::start());
    let mut regions = Vec::new();
    for (cluster, name) in clusters.iter().zip(NAMES) {
        regions.push(Arc::new(Region::open(cluster.pool("postgres"), name).await?));
    }
    let (proxies, links) = connect(&clusters, &regions);
    let writers: Vec<_> = regions.iter().map(|it| tokio::spawn(Arc::clone(it).write())).collect();

    print!("{:>3}", "s");
    for name in NAMES {
        print!(" {name:>11} {:>7}", "behind");
    }
    println!("   edits acknowledged, and how many of the others' are not here yet");
    let mut lock = None;
    for second in 1..=SECONDS {
        let what = PLAN.iter().find(|(at, _)| *at == second).map_or("", |(_, what)| what);
        match second {
            4 => of_region(&proxies, 2).for_each(Proxy::cut),
            9 => of_region(&proxies, 2).for_each(Proxy::mend),
            11 => clusters[1].kill(),
            13 => clusters[1].resume(),
            15 => lock = Some(regions[0].hold_lock(Duration::from_secs(3))),
            _ => {}
        }
        sleep(Duration::from_secs(1)).await;
        print_row(second, &regions, what).await;
    }
    if let Some(lock) = lock {
        lock.await??;
    }
    for region in &regions {
        region.stop();
    }
    let mut tally = Tally::default();
    for writer in writers {
        tally += writer.await?;
    }
    let settled = settle(&regions).await;
    print_row(SECONDS, &regions, "nobody writes any more").await;
    let is_right = summary(&tally, settled, &regions).await?;
    links.iter().for_each(JoinHandle::abort);
    if is_right { Ok(()) } else { Err("something is not as it should be".into()) }
}

/// A link from each region to each other, by a socket that can be cut: (here, there, its proxy).
type Proxies = Vec<(usize, usize, Proxy)>;

fn connect(clusters: &[Cluster], regions: &[Arc<Region>]) -> (Proxies, Vec<JoinHandle<()>>) {
    let (mut proxies, mut links) = (Vec::new(), Vec::new());
    for (here, region) in regions.iter().enumerate() {
        for (there, cluster) in clusters.iter().enumerate().filter(|(there, _)| *there != here) {
            let proxy = Proxy::start(cluster.socket());
            let link = Link::new(&region.node, proxy.pool("postgres"));
            links.push(tokio::spawn(async {
                link.run().await;
            }));
            proxies.push((here, there, proxy));
        }
    }
    (proxies, links)
}

/// The links to and from a region.
fn of_region(proxies: &Proxies, region: usize) -> impl Iterator<Item = &Proxy> {
    let touches =
        move |(here, there, _): &&(usize, usize, Proxy)| [*here, *there].contains(&region);
    proxies.iter().filter(touches).map(|(_, _, proxy)| proxy)
}

async fn print_row(second: u64, regions: &[Arc<Region>], what: &str) {
    print!("{second:>3}");
    let mut written = Vec::new();
    for region in regions {
        written.push(region.rows("mine").await);
    }
    for (at, region) in regions.iter().enumerate() {
        let others = written.iter().enumerate().filter(|(other, _)| *other != at);
        // Unknown is not 0: while a cluster is down nobody knows what it has.
        let others: Option<i64> = others.map(|(_, rows)| *rows).sum();
        let here = region.rows("NOT mine").await;
        let behind =
            others.zip(here).map_or("?".into(), |(all, here)| (all - here).max(0).to_string());
        print!(" {:>11} {behind:>7}", region.acknowledged());
    }
    println!("   {what}");
}

/// Waits until every region has what all have written; whether that came to be.
async fn settle(regions: &[Arc<Region>]) -> bool {
    for _ in 0..300 {
        let mut rows = Vec::new();
        let mut all = Some(0);
        for region in regions {
            all = all.zip(region.rows("mine").await).map(|(all, mine)| all + mine);
            rows.push(region.rows("true").await);
        }
        if all.is_some() && rows.iter().all(|rows| *rows == all) {
            return true;
        }
        sleep(Duration::from_millis(100)).await;
    }
    false
}

async fn summary(tally: &Tally, settled: bool, regions: &[Arc<Region>]) -> Result<bool, Anything> {
    let checks = Check::all(tally, settled, regions).await?;
    println!();
    for Check { what, found, is_right } in &checks {
        println!("{} {what}: {found}", if *is_right { "ok   " } else { "WRONG" });
    }
    Ok(checks.iter().all(|check| check.is_right))
}
