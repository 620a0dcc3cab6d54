//! Two processes over TCP keep a conversation, a counter and a table of 10,000 counters equal. One is
//! killed in the middle of its edits, and goes on from what it stored.
//!
//! `cargo run --release --example two_regions_tcp`
//!
//! It ends within seconds: with what both hold, or with an error.

use rejoin::{
    Document, PnCounter, ReplicaId, Timestamp,
    document::Value,
    sync::{
        Collection, Direction, Event, Fingerprint, Reconciler, ReconcilerSettings, Session,
        health::{Heartbeat, Link, Position, State, Thresholds},
    },
    wire,
};
use std::{
    collections::BTreeMap,
    env, fs,
    hash::{BuildHasher, RandomState},
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
/// What one session keeps equal.
type Talk = (Document, PnCounter);
type Rows = BTreeMap<Vec<u8>, PnCounter>;

const US: ReplicaId = ReplicaId::named("us-east-1").unwrap();
const EU: ReplicaId = ReplicaId::named("eu-west-1").unwrap();
const ROWS: u32 = 10_000;
/// How often each side edits.
const EDITS: u64 = 200;
const TURN: Duration = Duration::from_millis(5);
/// Turns between two calls of a timer.
const TICK: u64 = 20;
const AT_MOST: Duration = Duration::from_secs(60);

fn main() -> Result {
    let mut arguments = env::args().skip(1);
    match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(me), Some(address), Some(file)) => region(me.parse()?, &address, Path::new(&file)),
        _ => play(),
    }
}

// ---- The two processes, and who kills one.

fn play() -> Result {
    let folder = env::temp_dir().join(format!("two_regions_tcp-{}", process::id()));
    fs::create_dir_all(&folder)?;
    let ended = play_in(&folder);
    fs::remove_dir_all(&folder)?;
    ended
}

fn play_in(folder: &Path) -> Result {
    // A port that is free.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let (tell, told) = mpsc::channel();
    let start = |region: ReplicaId| -> Result<Child> {
        let file = folder.join(region.to_string());
        let mut child = Command::new(env::current_exe()?)
            .args([region.to_string().as_ref(), address.as_ref(), file.as_os_str()])
            .stdout(Stdio::piped())
            .spawn()?;
        let (stdout, tell) = (child.stdout.take(), tell.clone());
        thread::spawn(move || {
            let lines = stdout.into_iter().flat_map(|it| BufReader::new(it).lines());
            lines.map_while(io::Result::ok).all(|line| tell.send((region, line)).is_ok())
        });
        Ok(child)
    };
    let (mut us, mut eu) = (start(US)?, start(EU)?);
    let (begun, mut was_killed) = (Instant::now(), false);
    let mut holds = BTreeMap::new();
    let ended: Result<String> = loop {
        let left = AT_MOST.saturating_sub(begun.elapsed());
        let Ok((region, line)) = told.recv_timeout(left) else {
            break Err("they do not agree".into());
        };
        match line.split_once(": ") {
            Some(("holds", all)) => _ = holds.insert(region, all.to_owned()),
            _ => println!("{:>5} ms  {region}  {line}", begun.elapsed().as_millis()),
        }
        if region == EU && !was_killed && line.starts_with("half") {
            eu.kill()?;
            eu.wait()?;
            println!(
                "{:>5} ms  {region}  is killed, and starts again",
                begun.elapsed().as_millis()
            );
            thread::sleep(Duration::from_millis(700));
            (eu, was_killed) = (start(EU)?, true);
        }
        match (holds.get(&US), holds.get(&EU)) {
            (Some(ours), Some(theirs)) if was_killed && ours == theirs => break Ok(ours.clone()),
            _ => {}
        }
    };
    for child in [&mut us, &mut eu] {
        child.kill()?;
        child.wait()?;
    }
    println!("both hold {}", ended?);
    Ok(())
}

// ---- One process.

/// The kinds of messages.
const SESSION: u8 = 0;
const TABLE: u8 = 1;
const HEARTBEAT: u8 = 2;

struct Region {
    me: ReplicaId,
    file: PathBuf,
    talk: Talk,
    table: Collection<PnCounter>,
    session: Session<Talk>,
    reconciler: Reconciler<PnCounter>,
    link: Link,
    state: State,
    stored: Fingerprint,
    holds: String,
}

fn region(me: ReplicaId, address: &str, file: &Path) -> Result {
    let mut region = Region::load(me, file)?;
    let listener = (me == US).then(|| TcpListener::bind(address)).transpose()?;
    if let Some(listener) = &listener {
        listener.set_nonblocking(true)?;
    }
    let mut wire: Option<Framed> = None;
    let begun = Instant::now();
    for turn in 0.. {
        if begun.elapsed() > AT_MOST {
            return Err("it takes too long".into());
        }
        if wire.is_none() {
            let stream = match &listener {
                Some(listener) => listener.accept().map(|it| it.0),
                None => TcpStream::connect(address),
            };
            wire = stream.ok().map(Framed::new).transpose()?;
        }
        let now = Timestamp::from_millis(u64::try_from(begun.elapsed().as_millis())?);
        let came = wire.as_mut().map_or(Ok(Vec::new()), Framed::read);
        for frame in came.as_ref().into_iter().flatten() {
            region.receive(frame, now);
        }
        region.edit(now)?;
        if turn % TICK == 0 {
            region.tick(turn / TICK, now);
        }
        // What is sent now acknowledges what came.
        region.store()?;
        let sent = match &mut wire {
            Some(wire) => region.send(wire, (turn % TICK == 0).then_some(turn / TICK)),
            None => Ok(()),
        };
        if came.is_err() || sent.is_err() {
            wire = None;
        }
        thread::sleep(TURN);
    }
    Ok(())
}

impl Region {
    /// From its file; where there is none, the conversation as both know it, and in one of the
    /// regions the table.
    fn load(me: ReplicaId, file: &Path) -> Result<Self> {
        let (document, count, rows): (Document, PnCounter, Rows) = if file.exists() {
            wire::from_bytes(&fs::read(file)?)?
        } else {
            let none = Value::from_iter([("messages", Value::Array(Vec::new()))]);
            let import = "import".parse()?;
            let document = Document::from_value(none, import, Timestamp::from_millis(1))?;
            let mut rows = Rows::new();
            for user in 0..if me == US { ROWS } else { 0 } {
                rows.entry(user.to_be_bytes().into()).or_default().increment(1, me)?;
            }
            (document, PnCounter::new(), rows)
        };
        Ok(Self {
            me,
            file: file.to_owned(),
            talk: (document, count),
            table: rows.into_iter().collect(),
            session: Session::new(me, RandomState::new().hash_one(me)),
            reconciler: Reconciler::new(ReconcilerSettings::new()),
            link: Link::with_thresholds(
                Thresholds::new().warn_ms(200).critical_ms(400).calm_ms(100),
            ),
            state: State::Unknown,
            stored: Fingerprint::default(),
            holds: String::new(),
        })
    }

    /// Before the file is replaced it is whole.
    fn store(&mut self) -> Result {
        let holds = Fingerprint::of(&self.talk) + self.table.fingerprint();
        if holds == self.stored {
            return Ok(());
        }
        let rows: Rows =
            self.table.iter().map(|(key, state)| (key.into(), state.clone())).collect();
        let new = self.file.with_extension("new");
        fs::write(&new, wire::to_bytes(&(self.talk.0.clone(), self.talk.1.clone(), rows)))?;
        fs::rename(new, &self.file)?;
        self.stored = holds;
        Ok(())
    }

    fn edits_by(&self, replica: ReplicaId) -> u64 {
        self.talk.1.increments().get(replica)
    }

    /// A message, a count, and a row.
    fn edit(&mut self, now: Timestamp) -> Result {
        let number = self.edits_by(self.me) + 1;
        if number > EDITS {
            return Ok(());
        }
        let text = format!("{} says {number}", self.me);
        let said = self.talk.0.push("/messages", text, self.me, now)?;
        let counted = self.talk.1.increment(1, self.me)?;
        self.session.changed(&(said, counted));
        let user = u32::try_from(number * 37)? % ROWS;
        self.table.edit(&user.to_be_bytes(), |open| open.increment(1, self.me))?;
        if number == EDITS / 2 {
            println!("half of my edits are made");
        }
        Ok(())
    }

    /// Messages that are of no use are dropped: what they held is sent again.
    fn receive(&mut self, frame: &[u8], now: Timestamp) {
        match frame.split_first() {
            Some((&SESSION, message)) => {
                let events = self.session.receive(&mut self.talk, message).unwrap_or_default();
                if events.contains(&Event::LostWrites) {
                    println!("this copy is older than what it sent");
                }
            }
            Some((&TABLE, message)) => _ = self.reconciler.receive(&mut self.table, message),
            Some((&HEARTBEAT, message)) => {
                if let Ok(beat) = wire::from_bytes(message) {
                    self.link.heard(now, &beat);
                }
            }
            _ => {}
        }
    }

    fn heartbeat(&self, number: u64) -> Heartbeat {
        let peer = if self.me == US { EU } else { US };
        Heartbeat::new(number)
            .with_head(Position::new(self.edits_by(self.me)))
            .with_received(Position::new(self.edits_by(peer)))
    }

    /// What a timer does.
    fn tick(&mut self, number: u64, now: Timestamp) {
        self.session.resend();
        self.reconciler.resend();
        if self.me == US && !self.reconciler.is_running() {
            self.reconciler.start(Direction::Both);
        }
        self.link.observe(now, &self.heartbeat(number));
        let state = self.link.health().state();
        if state != self.state {
            println!("the peer was {:?}, and is {state:?}", self.state);
            self.state = state;
        }
        let (talk, table) = (Fingerprint::of(&self.talk), self.table.fingerprint());
        let (messages, rows) =
            (self.talk.0.at("/messages").map_or(0, |it| it.len()), self.table.len());
        let holds = format!(
            "{messages} messages, {} counts, {rows} rows; {talk} {table}",
            self.talk.1.value()
        );
        if [US, EU].iter().all(|it| self.edits_by(*it) == EDITS) && holds != self.holds {
            println!("holds: {holds}");
            self.holds = holds;
        }
    }

    fn send(&mut self, wire: &mut Framed, tick: Option<u64>) -> Result {
        if let Some(number) = tick {
            wire.write(HEARTBEAT, &wire::to_bytes(&self.heartbeat(number)))?;
        }
        while let Some(message) = self.session.poll_transmit(&self.talk) {
            wire.write(SESSION, &message)?;
        }
        while let Some(message) = self.reconciler.poll_transmit(&mut self.table)? {
            wire.write(TABLE, &message)?;
        }
        Ok(())
    }
}

// ---- Messages on a stream: a length of four bytes, a byte with the kind, the message.

struct Framed {
    stream: TcpStream,
    came: Vec<u8>,
}

impl Framed {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        stream.set_write_timeout(Some(Duration::from_secs(1)))?;
        Ok(Self { stream, came: Vec::new() })
    }

    fn write(&mut self, kind: u8, message: &[u8]) -> Result {
        let len = u32::try_from(message.len() + 1)?.to_be_bytes();
        self.stream.write_all(&[&len[..], &[kind], message].concat())?;
        Ok(())
    }

    /// What has come whole.
    fn read(&mut self) -> Result<Vec<Vec<u8>>> {
        let mut some = [0; 1 << 14];
        match self.stream.read(&mut some) {
            Ok(0) => return Err("the peer has gone".into()),
            Ok(len) => self.came.extend_from_slice(&some[..len]),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
        let mut frames = Vec::new();
        while let Some((len, rest)) = self.came.split_first_chunk::<4>() {
            let len = usize::try_from(u32::from_be_bytes(*len))?;
            let Some(frame) = rest.get(..len) else { break };
            frames.push(frame.to_vec());
            self.came.drain(..4 + len);
        }
        Ok(frames)
    }
}
