// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The twin of bench_live with foca: the same scenarios, one line of JSON each.
//
// usage: compare-foca join NODES LIMIT | detect NODES KILLS | idle NODES SECONDS | broadcast NODES COUNT | micro
//
// Config::new_lan of the number of nodes and the postcard codec: not encrypted, nothing signed, an identity is an address
// and a counter. foca does no I/O; here it runs on tokio, as its own example does, a task per node on two threads.
mod micro;

use foca::{BroadcastHandler, Config, Foca, Identity, Invalidates, Notification, PostcardCodec, Runtime, Timer};
use rand::{SeedableRng, rngs::StdRng};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, VecDeque},
    net::SocketAddrV4,
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{net::UdpSocket, sync::mpsc};

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Id {
    pub addr: SocketAddrV4,
    pub bump: u16,
}
impl Identity for Id {
    type Addr = SocketAddrV4;
    fn renew(&self) -> Option<Self> {
        Some(Id { addr: self.addr, bump: self.bump.wrapping_add(1) })
    }
    fn addr(&self) -> SocketAddrV4 {
        self.addr
    }
    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.bump > adversary.bump
    }
}

pub fn process_seconds() -> f64 {
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut used) }, 0);
    let of = |t: libc::timeval| t.tv_sec as f64 + 1e-6 * t.tv_usec as f64;
    of(used.ru_utime) + of(used.ru_stime)
}

#[derive(Default)]
struct Death {
    killed: Option<Instant>,
    first: Option<Instant>,
    last: Option<Instant>,
    told: usize,
}
#[derive(Default)]
struct Seen {
    pairs: usize,
    most: Option<Instant>, // when 99 of 100 pairs knew each other
    complete: usize,
    completed: Option<Instant>,
    deaths: HashMap<SocketAddrV4, Death>,
    false_dead: usize,
    arrived: HashMap<u32, (usize, Option<Instant>)>,
}
#[derive(Default)]
struct Shared {
    wanted: usize,
    packets: AtomicU64,
    bytes: AtomicU64,
    seen: Mutex<Seen>,
}

/// Broadcasts are passed on when they are new.
struct Handler {
    known: HashSet<u32>,
    of: Arc<Shared>,
}
struct Key;
impl Invalidates for Key {
    fn invalidates(&self, _: &Self) -> bool {
        false
    }
}
impl BroadcastHandler<Id> for Handler {
    type Key = Key;
    type Error = std::io::Error;
    fn receive_item(&mut self, data: &[u8], _: Option<&Id>) -> Result<Option<Key>, Self::Error> {
        let Some(head) = data.first_chunk::<4>() else { return Ok(None) };
        let id = u32::from_be_bytes(*head);
        if !self.known.insert(id) {
            return Ok(None);
        }
        let mut seen = self.of.seen.lock().unwrap();
        let arrived = seen.arrived.entry(id).or_default();
        *arrived = (arrived.0 + 1, Some(Instant::now()));
        Ok(Some(Key))
    }
}

/// What foca wants done, until it is done.
struct Wishes {
    to_send: VecDeque<(Id, Vec<u8>)>,
    timers: BinaryHeap<Reverse<(Instant, u64, TimerOf)>>,
    timer: u64,
    alive: usize,
    full: bool,
    of: Arc<Shared>,
}
#[derive(PartialEq, Eq)]
struct TimerOf(Timer<Id>);
impl PartialOrd for TimerOf {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for TimerOf {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.partial_cmp(&other.0).unwrap_or(std::cmp::Ordering::Equal)
    }
}
impl Runtime<Id> for &mut Wishes {
    fn notify(&mut self, told: Notification<'_, Id>) {
        match told {
            Notification::MemberUp(_) => {
                self.alive += 1;
                let mut seen = self.of.seen.lock().unwrap();
                seen.pairs += 1;
                if seen.most.is_none() && seen.pairs * 100 >= self.of.wanted * (self.of.wanted - 1) * 99 {
                    seen.most = Some(Instant::now());
                }
            }
            Notification::MemberDown(who) => {
                self.alive -= 1;
                let mut seen = self.of.seen.lock().unwrap();
                match seen.deaths.get_mut(&who.addr) {
                    Some(death) => {
                        death.told += 1;
                        death.last = Some(Instant::now());
                        death.first = death.first.or(death.last);
                    }
                    None => seen.false_dead += 1,
                }
            }
            _ => return,
        }
        let full = self.alive + 1 == self.of.wanted;
        if full != self.full {
            self.full = full;
            let mut seen = self.of.seen.lock().unwrap();
            seen.complete = if full { seen.complete + 1 } else { seen.complete - 1 };
            seen.completed = Some(Instant::now());
        }
    }
    fn send_to(&mut self, to: Id, data: &[u8]) {
        self.to_send.push_back((to, data.to_vec()));
    }
    fn submit_after(&mut self, event: Timer<Id>, after: Duration) {
        self.timer += 1;
        self.timers.push(Reverse((Instant::now() + after, self.timer, TimerOf(event))));
    }
}

enum Command {
    Announce(Id),
    Broadcast(Vec<u8>),
    Crash,
}

async fn run(id: Id, socket: UdpSocket, mut commands: mpsc::UnboundedReceiver<Command>, of: Arc<Shared>) {
    let config = Config::new_lan(NonZeroU32::new(of.wanted as u32).unwrap());
    let handler = Handler { known: HashSet::new(), of: of.clone() };
    let mut foca = Foca::with_custom_broadcast(
        id.clone(),
        config,
        StdRng::seed_from_u64(id.addr.port() as u64 ^ rand::random::<u64>()),
        PostcardCodec,
        handler,
    );
    let mut wishes =
        Wishes { to_send: VecDeque::new(), timers: BinaryHeap::new(), timer: 0, alive: 0, full: false, of: of.clone() };
    let mut room = vec![0u8; 2048];
    loop {
        let due = wishes.timers.peek().map_or_else(|| Instant::now() + Duration::from_secs(3600), |t| t.0.0);
        tokio::select! {
            got = socket.recv_from(&mut room) => if let Ok((size, _)) = got {
                let _ = foca.handle_data(&room[..size], &mut wishes);
            },
            command = commands.recv() => match command {
                Some(Command::Announce(to)) => { let _ = foca.announce(to, &mut wishes); }
                Some(Command::Broadcast(data)) => { let _ = foca.add_broadcast(&data); }
                Some(Command::Crash) | None => return,
            },
            _ = tokio::time::sleep_until(due.into()) => {}
        }
        let now = Instant::now();
        while wishes.timers.peek().is_some_and(|t| t.0.0 <= now) {
            let Reverse((_, _, timer)) = wishes.timers.pop().unwrap();
            let _ = foca.handle_timer(timer.0, &mut wishes);
        }
        while let Some((to, data)) = wishes.to_send.pop_front() {
            of.packets.fetch_add(1, Relaxed);
            of.bytes.fetch_add(data.len() as u64, Relaxed);
            let _ = socket.send_to(&data, to.addr).await;
        }
    }
}

struct Cluster {
    of: Arc<Shared>,
    nodes: Vec<(Id, mpsc::UnboundedSender<Command>)>,
}
impl Cluster {
    async fn make(size: usize) -> Cluster {
        let of = Arc::new(Shared { wanted: size, ..Default::default() });
        let mut nodes = Vec::new();
        for _ in 0..size {
            let socket = UdpSocket::bind("127.0.0.1:0").await.expect("no socket");
            let std::net::SocketAddr::V4(addr) = socket.local_addr().unwrap() else { unreachable!() };
            let id = Id { addr, bump: 0 };
            let (tell, commands) = mpsc::unbounded_channel();
            tokio::spawn(run(id.clone(), socket, commands, of.clone()));
            nodes.push((id, tell));
        }
        Cluster { of, nodes }
    }
    fn tell(&self, node: usize, what: Command) {
        let _ = self.nodes[node].1.send(what);
    }
    /// All announce themselves to the first one at the same moment; returns when every node sees all. After the limit
    /// it tells how many do.
    async fn join(&self, limit: Duration) -> Joined {
        let begun = Instant::now();
        for i in 1..self.nodes.len() {
            self.tell(i, Command::Announce(self.nodes[0].0.clone()));
        }
        loop {
            {
                let seen = self.of.seen.lock().unwrap();
                let all = seen.complete == self.of.wanted;
                if all || begun.elapsed() > limit {
                    let after = |at: Option<Instant>| at.map_or(limit, |at| at.duration_since(begun)).as_secs_f64();
                    return Joined {
                        all: if all { after(seen.completed) } else { limit.as_secs_f64() },
                        complete: seen.complete,
                        most: after(seen.most),
                    };
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
struct Joined {
    all: f64,
    complete: usize,
    most: f64,
}

pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}
fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((q * values.len() as f64) as usize).min(values.len() - 1)]
}

const LIMIT: Duration = Duration::from_secs(60);

async fn join(size: usize, limit: u64) -> String {
    let before = process_seconds();
    let all = Cluster::make(size).await;
    let Joined { all: took, complete, most } = all.join(Duration::from_secs(limit)).await;
    format!(
        "{{\"all_see_all_s\": {took}, \"complete\": {complete}, \"most_pairs_s\": {most}, \"cpu_ms_per_node\": {}, \
         \"bytes_per_node\": {}}}",
        (process_seconds() - before) * 1e3 / size as f64,
        all.of.bytes.load(Relaxed) as f64 / size as f64
    )
}

async fn detect(size: usize, kills: usize) -> String {
    let all = Cluster::make(size).await;
    all.join(LIMIT).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    for i in size - kills..size {
        let death = Death { killed: Some(Instant::now()), ..Default::default() };
        all.of.seen.lock().unwrap().deaths.insert(all.nodes[i].0.addr, death);
        all.tell(i, Command::Crash);
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    let (mut firsts, mut alls) = (Vec::new(), Vec::new());
    for i in size - kills..size {
        let begun = Instant::now();
        loop {
            {
                let seen = all.of.seen.lock().unwrap();
                let death = &seen.deaths[&all.nodes[i].0.addr];
                if death.told >= size - kills {
                    let after = |at: Option<Instant>| at.unwrap().duration_since(death.killed.unwrap()).as_secs_f64();
                    firsts.push(after(death.first));
                    alls.push(after(death.last));
                    break;
                }
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "not everybody knows of a crash");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    format!(
        "{{\"first_s\": {}, \"all_s\": {}, \"false_dead\": {}}}",
        median(&mut firsts),
        median(&mut alls),
        all.of.seen.lock().unwrap().false_dead
    )
}

async fn idle(size: usize, seconds: u64) -> String {
    let all = Cluster::make(size).await;
    all.join(LIMIT).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let (packets, bytes) = (all.of.packets.load(Relaxed), all.of.bytes.load(Relaxed));
    let (processor, begun) = (process_seconds(), Instant::now());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let per = begun.elapsed().as_secs_f64() * size as f64;
    format!(
        "{{\"cpu_ms_per_s\": {}, \"bytes_per_s\": {}, \"datagrams_per_s\": {}}}",
        (process_seconds() - processor) * 1e3 / per,
        (all.of.bytes.load(Relaxed) - bytes) as f64 / per,
        (all.of.packets.load(Relaxed) - packets) as f64 / per
    )
}

/// Tells all nodes 256 bytes, again and again, from a different node each time.
async fn broadcast(size: usize, count: usize) -> String {
    let all = Cluster::make(size).await;
    all.join(LIMIT).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (mut took, mut missed) = (Vec::new(), 0);
    for i in 0..count {
        let id = i as u32 + 1;
        let mut data = vec![0u8; 256];
        data[..4].copy_from_slice(&id.to_be_bytes());
        let begun = Instant::now();
        all.tell(i * 7 % size, Command::Broadcast(data));
        loop {
            let (arrived, last) = all.of.seen.lock().unwrap().arrived.get(&id).copied().unwrap_or_default();
            if arrived == size {
                took.push(last.unwrap().duration_since(begun).as_secs_f64() * 1e3);
                break;
            }
            if begun.elapsed() > Duration::from_secs(10) {
                missed += size - arrived;
                took.push(10_000.0); // it is at least that
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    format!(
        "{{\"p50_ms\": {}, \"p99_ms\": {}, \"missed\": {missed}}}",
        quantile(&mut took, 0.5),
        quantile(&mut took, 0.99)
    )
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |i: usize| arguments.get(i).and_then(|a| a.parse::<usize>().ok()).expect("a number is missing");
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let figures = match arguments.get(1).map(String::as_str) {
        Some("join") => threads.block_on(join(number(2), number(3) as u64)),
        Some("detect") => threads.block_on(detect(number(2), number(3))),
        Some("idle") => threads.block_on(idle(number(2), number(3) as u64)),
        Some("broadcast") => threads.block_on(broadcast(number(2), number(3))),
        Some("micro") => micro::micro(),
        _ => panic!("usage: join NODES LIMIT | detect NODES KILLS | idle NODES SECONDS | broadcast NODES COUNT | micro"),
    };
    println!("{figures}");
    std::process::exit(0);
}
