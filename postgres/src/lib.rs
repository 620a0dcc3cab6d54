#![doc = include_str!("../README.md")]

mod admit;
mod arrival;
mod backoff;
mod cache;
mod cursor;
mod error;
mod feed;
mod life;
mod link;
mod loaded;
mod node;
mod repair;
mod schema;
mod store;
mod token;
mod write;

pub use error::Error;
pub use link::{Link, Pulled};
pub use node::{Node, NodeSettings};
pub use schema::install;
pub use store::{Replicated, Store};
pub use token::Token;
