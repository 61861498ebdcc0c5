// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What one message costs foca: the twin of bench/micro/dispatch.cpp.
use crate::{Id, median, process_seconds};
use foca::{AccumulatingRuntime, Config, Foca, Member, NoCustomBroadcast, PostcardCodec, Timer};
use rand::{SeedableRng, rngs::StdRng};
use std::{hint::black_box, net::Ipv4Addr, num::NonZeroU32};

type Node = Foca<Id, PostcardCodec, StdRng, NoCustomBroadcast>;
const MEMBERS: usize = 10_000;

fn id(number: usize) -> Id {
    let n = number as u32;
    Id { addr: std::net::SocketAddrV4::new(Ipv4Addr::from(0x0a00_0000 + n), 7000), bump: 0 }
}
fn node(number: usize) -> Node {
    node_seeded(number, 0)
}
fn node_seeded(number: usize, seed: u64) -> Node {
    Foca::new(
        id(number),
        Config::new_lan(NonZeroU32::new(MEMBERS as u32).unwrap()),
        StdRng::seed_from_u64(number as u64 ^ seed << 32),
        PostcardCodec,
    )
}
/// What the node sends to `to`, and nothing else.
fn sent(runtime: &mut AccumulatingRuntime<Id>, to: &Id) -> Option<Vec<u8>> {
    let mut found = None;
    while let Some((dst, data)) = runtime.to_send() {
        if &dst == to {
            found = Some(data.to_vec());
        }
    }
    found
}

/// The first gossip of a member that has just heard of `news`, to node 0.
fn gossip(of: usize, news: &[usize]) -> Vec<u8> {
    // Whom it gossips to is random.
    for attempt in 0..1000 {
        let mut teller = node_seeded(of, attempt);
        let mut runtime = AccumulatingRuntime::new();
        teller.apply_many(std::iter::once(Member::alive(id(0))), false, &mut runtime).unwrap();
        teller.apply_many(news.iter().map(|&n| Member::alive(id(n))), true, &mut runtime).unwrap();
        while runtime.to_send().is_some() {}
        teller.gossip(&mut runtime).unwrap();
        if let Some(data) = sent(&mut runtime, &id(0)) {
            return data;
        }
    }
    panic!("nothing was said to node 0");
}
fn ping() -> Vec<u8> {
    let mut asker = node(1);
    let mut runtime = AccumulatingRuntime::new();
    asker.apply_many(std::iter::once(Member::alive(id(0))), false, &mut runtime).unwrap();
    let mut timers = Vec::new();
    while let Some((_, timer)) = runtime.to_schedule() {
        timers.push(timer);
    }
    while runtime.to_send().is_some() {}
    for timer in timers {
        if matches!(timer, Timer::ProbeRandomMember(_)) {
            asker.handle_timer(timer, &mut runtime).unwrap();
        }
    }
    sent(&mut runtime, &id(0)).expect("no ping")
}

fn drain(runtime: &mut AccumulatingRuntime<Id>) {
    while let Some(m) = runtime.to_send() {
        black_box(m);
    }
    while runtime.to_schedule().is_some() {}
    while runtime.to_notify().is_some() {}
}

pub fn micro() -> String {
    const PER_PACKET: usize = 12;
    let packets: Vec<Vec<u8>> = (1..=MEMBERS)
        .collect::<Vec<_>>()
        .chunks(PER_PACKET)
        .map(|news| gossip(MEMBERS + 1 + news[0], news))
        .collect();
    let mut known = node(0);
    let mut runtime = AccumulatingRuntime::new();
    let before = process_seconds();
    for packet in &packets {
        known.handle_data(packet, &mut runtime).unwrap();
        drain(&mut runtime);
    }
    let fresh = (process_seconds() - before) * 1e9 / MEMBERS as f64;
    assert!(known.num_members() >= MEMBERS, "members are missing");
    // The news dies down, so that answers are bare.
    while known.updates_backlog() != 0 {
        known.gossip(&mut runtime).unwrap();
        drain(&mut runtime);
    }
    let question = ping();
    let (mut stale, mut pings) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let before = process_seconds();
        for packet in &packets {
            known.handle_data(packet, &mut runtime).unwrap();
            drain(&mut runtime);
        }
        stale.push((process_seconds() - before) * 1e9 / MEMBERS as f64);
        const COUNT: usize = 20_000;
        let before = process_seconds();
        let mut answers = 0;
        for _ in 0..COUNT {
            known.handle_data(&question, &mut runtime).unwrap();
            while let Some(m) = runtime.to_send() {
                black_box(m);
                answers += 1;
            }
        }
        pings.push((process_seconds() - before) * 1e9 / COUNT as f64);
        assert_eq!(answers, COUNT);
    }
    format!(
        "{{\"ping_ns\": {}, \"stale_update_ns\": {}, \"new_member_ns\": {fresh}}}",
        median(&mut pings),
        median(&mut stale)
    )
}
