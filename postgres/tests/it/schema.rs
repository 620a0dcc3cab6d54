//! Installing, and what is refused.

use crate::{
    cluster::{is_installed, shared},
    region::Region,
};
use rejoin_postgres::{Node, Token, install};

#[tokio::test]
async fn installing_twice_at_a_time_and_again_does_nothing_more() {
    if !is_installed() {
        return;
    }
    let pool = shared().pool(&shared().database());
    let once = || async { install(&mut pool.get().await.unwrap()).await };
    let (first, second, third) = tokio::join!(once(), once(), once());
    first.and(second).and(third).unwrap();
    once().await.unwrap();
    let client = pool.get().await.unwrap();
    let rows = client.query("SELECT version FROM rejoin.migration", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), [1]);
}

#[tokio::test]
async fn what_cannot_be_opened_is_refused_with_the_way_out() {
    if !is_installed() {
        return;
    }
    let pool = shared().pool(&shared().database());
    let refusal = |name: &'static str| {
        let pool = pool.clone();
        async move { Node::open(pool, name).await.unwrap_err().to_string() }
    };
    let missing = "the database has no tables of rejoin: call rejoin_postgres::install";
    assert_eq!(refusal("us").await, missing);
    install(&mut pool.get().await.unwrap()).await.unwrap();
    assert!(refusal("us east").await.contains("is not a replica id"));
    Node::open(pool.clone(), "us").await.unwrap();
    assert!(refusal("eu").await.starts_with("the database is that of region us, not of eu"));
    pool.get()
        .await
        .unwrap()
        .execute("INSERT INTO rejoin.migration VALUES (9)", &[])
        .await
        .unwrap();
    assert!(refusal("us").await.contains("use a later release"));
    assert!(install(&mut pool.get().await.unwrap()).await.is_err());
}

#[tokio::test]
async fn a_user_who_is_no_superuser_is_enough() {
    if !is_installed() {
        return;
    }
    let database = shared().database();
    shared().psql(
        &database,
        &format!("CREATE ROLE {database} LOGIN; GRANT CREATE ON DATABASE {database} TO {database}"),
    );
    let mut config = tokio_postgres::Config::new();
    config.host_path(shared().socket()).user(&database).dbname(&database);
    let manager = deadpool_postgres::Manager::new(config, tokio_postgres::NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).build().unwrap();
    install(&mut pool.get().await.unwrap()).await.unwrap();
    let region = Region::open(pool, "us", database).await;
    region.count("key").await;
    assert_eq!(region.value("key").await, 1);
}

#[test]
fn tokens_are_read_as_they_print_and_nothing_else_is() {
    for text in
        ["-", "us-east-1:0", "us-east-1#217823000:42", "67e55044-10b1-426f-9247-bb680e5fe0c8:1"]
    {
        assert_eq!(text.parse::<Token>().unwrap().to_string(), text);
    }
    for text in ["", ":", "us", "us:", "us:-1", "us:+1", "us:99999999999999999999", "u s:1", "--"] {
        let error = text.parse::<Token>().unwrap_err().to_string();
        assert!(error.contains("is not a token"), "{text}: {error}");
    }
}
