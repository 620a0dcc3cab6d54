//! PostgreSQL clusters that a test starts, and that end with it, whatever becomes of the test.

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio_postgres::NoTls;

/// Where Debian puts the programs of the server, newest version last; elsewhere they are in `PATH`.
fn programs() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let look = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut folders: Vec<_> = versions.map(|it| it.path().join("bin")).collect();
        folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        folders.retain(|it| it.join("initdb").exists() && it.join("postgres").exists());
        folders.sort();
        folders.pop()
    };
    FOUND.get_or_init(look).as_deref()
}

/// Whether PostgreSQL is installed. If it is not, prints that the tests are skipped.
pub(crate) fn is_installed() -> bool {
    let found = programs().is_some();
    if !found {
        println!(
            "skipped: no PostgreSQL found (apt-get install postgresql), so nothing was tested"
        );
    }
    found
}

/// A script that is run as a user who may start a server, in the folder of its programs.
fn script(text: &str, arguments: &[&str]) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|it| it.stdout == b"0\n");
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    let path = programs().expect("PostgreSQL is installed").as_os_str().to_owned();
    let path = [path.to_string_lossy().as_ref(), "/usr/local/bin:/usr/bin:/bin"].join(":");
    command.args(["-euc", text, "sh"]).args(arguments);
    command.env("PATH", path).env("LC_ALL", "C.UTF-8").current_dir("/tmp");
    command
}

fn run(text: &str, arguments: &[&str]) -> String {
    let output = script(text, arguments).output().expect("a shell starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A cluster of which the files have been made, and no more: copied for each.
fn template() -> &'static str {
    static MADE: OnceLock<(String, Child)> = OnceLock::new();
    let make = || {
        let folder = run(
            "folder=$(mktemp -d /tmp/rejoin-XXXXXX)
             initdb --pgdata=\"$folder/data\" --auth=trust --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
               --no-sync >/dev/null
             echo \"$folder\"",
            &[],
        );
        // The folder goes when this process does, which closes the pipe.
        let mut keeper = script("read -r _ || true; rm -rf \"$1\"", &[&folder]);
        let keeper = keeper.stdin(Stdio::piped()).spawn().expect("a shell starts");
        (folder, keeper)
    };
    &MADE.get_or_init(make).0
}

/// A cluster that listens on a socket of its own and on nothing else. It is stopped, and its files
/// are removed, when it is dropped or when the process ends.
pub(crate) struct Cluster {
    folder: String,
    keeper: Option<Child>,
}

/// A shell script that starts a server, and stops it on request or when the test process has ended.
const KEEP: &str = r#"
    postgres -D "$1/data" -k "$1" -c listen_addresses= -c fsync=off -c shared_buffers=16MB \
      -c max_connections=200 -c autovacuum=off -c logging_collector=off \
      -c max_wal_senders=4 -c wal_level=replica >>"$1/log" 2>&1 &
    server=$!
    for _ in $(seq 600); do
      if psql -h "$1" -U postgres -Atc 'SELECT 1' postgres >/dev/null 2>&1; then break; fi
      kill -0 "$server" 2>/dev/null || break
      sleep 0.02
    done
    echo up
    read -r word || word=remove
    case "$word" in
      kill) kill -KILL "$server" $(cat "/proc/$server/task/$server/children") ;;
      *) kill -INT "$server" ;;
    esac 2>/dev/null || true
    wait "$server" || true
    [ "$word" = remove ] && rm -rf "$1"
    echo down
"#;

impl Cluster {
    /// A new cluster.
    pub(crate) fn start() -> Self {
        let from = template();
        let folder = run(
            "folder=$(mktemp -d /tmp/rejoin-XXXXXX); cp -a \"$1/data\" \"$folder/data\"; echo \"$folder\"",
            &[from],
        );
        let mut cluster = Self { folder, keeper: None };
        cluster.resume();
        cluster
    }

    /// A copy of the files while the server is not running, or of a standby.
    pub(crate) fn copy_files(&self) -> Self {
        let folder = run(
            "folder=$(mktemp -d /tmp/rejoin-XXXXXX); cp -a \"$1/data\" \"$folder/data\"; echo \"$folder\"",
            &[&self.folder],
        );
        Self { folder, keeper: None }
    }

    /// A standby of this cluster, which follows it.
    pub(crate) fn standby(&self) -> Self {
        let folder = run(
            "folder=$(mktemp -d /tmp/rejoin-XXXXXX)
             pg_basebackup -h \"$1\" -U postgres -D \"$folder/data\" -R -X stream -c fast >/dev/null
             echo \"$folder\"",
            &[&self.folder],
        );
        let mut standby = Self { folder, keeper: None };
        standby.resume();
        standby
    }

    /// Makes a standby the primary.
    pub(crate) fn promote(&self) {
        run("pg_ctl -D \"$1/data\" -w promote >/dev/null", &[&self.folder]);
    }

    /// Runs a script on its files while the server is stopped; `$1` is the folder.
    pub(crate) fn change_files(&self, script: &str) {
        run(script, &[&self.folder]);
    }

    /// Starts the server, where it was stopped or killed.
    pub(crate) fn resume(&mut self) {
        let mut keeper = script(KEEP, &[&self.folder]);
        let mut keeper = keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let mut line = String::new();
        let said = keeper.stdout.as_mut().map(|it| BufReader::new(it).read_line(&mut line));
        assert!(matches!(said, Some(Ok(_))) && line == "up\n", "no server in {}", self.folder);
        self.keeper = Some(keeper);
    }

    /// Ends the server at once, as a crash does.
    pub(crate) fn kill(&mut self) {
        self.end("kill");
    }

    /// Ends the server in order.
    pub(crate) fn stop(&mut self) {
        self.end("stop");
    }

    fn end(&mut self, word: &str) {
        if let Some(mut keeper) = self.keeper.take() {
            if let Some(mut pipe) = keeper.stdin.take() {
                _ = writeln!(pipe, "{word}");
            }
            _ = keeper.wait();
        }
    }

    /// The folder of its socket.
    pub(crate) fn socket(&self) -> &str {
        &self.folder
    }

    /// A pool of connections to one of its databases.
    pub(crate) fn pool(&self, database: &str) -> Pool {
        pool(&self.folder, database)
    }

    /// Makes an empty database with a name that no other has.
    pub(crate) fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        run("createdb -h \"$1\" -U postgres \"$2\"", &[&self.folder, &name]);
        name
    }

    /// Runs a statement by `psql`, as somebody else would; returns what it prints.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> String {
        run(
            "psql -h \"$1\" -U postgres -v ON_ERROR_STOP=1 -Atqc \"$3\" \"$2\"",
            &[&self.folder, database, sql],
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end("remove");
        run("rm -rf \"$1\"", &[&self.folder]);
    }
}

/// A pool of connections by a socket in this folder.
pub(crate) fn pool(folder: &str, database: &str) -> Pool {
    pool_of(12, folder, database)
}

/// One that opens at most this many.
pub(crate) fn pool_of(connections: usize, folder: &str, database: &str) -> Pool {
    let mut config = tokio_postgres::Config::new();
    config.host_path(folder).user("postgres").dbname(database);
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(config, NoTls, manager);
    Pool::builder(manager).max_size(connections).build().expect("a pool without timeouts is one")
}

/// A cluster that all tests share which harm none.
pub(crate) fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(Cluster::start)
}
