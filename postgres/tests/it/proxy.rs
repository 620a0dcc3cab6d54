//! A link that can be broken: connections to a server by way of a socket that stands between.

use crate::cluster::pool;
use deadpool_postgres::Pool;
use std::{
    fs,
    io::{Read, Write},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    thread,
};

/// The name that clients look for in a folder.
const SOCKET: &str = ".s.PGSQL.5432";

#[derive(Default)]
struct Orders {
    is_cut: AtomicBool,
    /// What goes through now.
    open: Mutex<Vec<UnixStream>>,
    /// Once this word was sent, nothing comes back any more.
    swallow: Mutex<Option<&'static str>>,
    swallowed: AtomicU32,
    /// Bytes that servers have sent.
    brought: AtomicU64,
}

pub(crate) struct Proxy {
    folder: String,
    orders: Arc<Orders>,
}

impl Proxy {
    /// Before the server whose socket is in this folder.
    pub(crate) fn start(server: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("rejoin-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let listener = UnixListener::bind(folder.join(SOCKET)).unwrap();
        let proxy = Self { folder: folder.to_string_lossy().into_owned(), orders: Arc::default() };
        let (server, orders) = (format!("{server}/{SOCKET}"), Arc::clone(&proxy.orders));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = UnixStream::connect(&server) else { continue };
                let (back, forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let orders = Arc::clone(&orders);
                let mut open = orders.open.lock().unwrap();
                if orders.is_cut.load(Ordering::Relaxed) {
                    continue;
                }
                open.extend([back.try_clone().unwrap(), forth.try_clone().unwrap()]);
                drop(open);
                let also = Arc::clone(&orders);
                thread::spawn(move || ask(forth, server, &orders));
                thread::spawn(move || answer(back, client, &also));
            }
        });
        proxy
    }

    pub(crate) fn pool(&self, database: &str) -> Pool {
        pool(&self.folder, database)
    }

    /// Ends all connections, and lets none through until it is mended.
    pub(crate) fn cut(&self) {
        let mut open = self.orders.open.lock().unwrap();
        self.orders.is_cut.store(true, Ordering::Relaxed);
        for stream in open.drain(..) {
            _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn mend(&self) {
        self.orders.is_cut.store(false, Ordering::Relaxed);
    }

    /// The next request with this word reaches the server, and its answer reaches nobody.
    pub(crate) fn swallow_answer_to(&self, word: &'static str) {
        *self.orders.swallow.lock().unwrap() = Some(word);
    }

    /// Bytes that the server has sent.
    pub(crate) fn brought(&self) -> u64 {
        self.orders.brought.load(Ordering::Relaxed)
    }

    pub(crate) fn swallowed(&self) -> u32 {
        self.orders.swallowed.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.folder);
    }
}

/// From the client to the server.
fn ask(mut client: UnixStream, mut server: UnixStream, orders: &Orders) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let bytes = &buffer[..length];
        let mut swallow = orders.swallow.lock().unwrap();
        let is_meant =
            swallow.is_some_and(|word| bytes.windows(word.len()).any(|it| it == word.as_bytes()));
        if is_meant {
            *swallow = None;
            drop(swallow);
            // Nothing goes back from here on; the request goes through all the same.
            orders.swallowed.fetch_add(1, Ordering::Relaxed);
            _ = client.shutdown(Shutdown::Write);
            _ = server.write_all(bytes);
            // A server that has written its answer has committed.
            thread::sleep(std::time::Duration::from_millis(200));
            break;
        }
        drop(swallow);
        if server.write_all(bytes).is_err() {
            break;
        }
    }
    _ = server.shutdown(Shutdown::Both);
    _ = client.shutdown(Shutdown::Both);
}

/// From the server to the client.
fn answer(mut server: UnixStream, mut client: UnixStream, orders: &Orders) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        orders.brought.fetch_add(length as u64, Ordering::Relaxed);
        if client.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    _ = client.shutdown(Shutdown::Both);
}
