// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Members that exist only on the wire, and an engine that believes in them: what the dispatch benchmarks run on.
#ifndef PEERKIT_BENCH_SUPPORT_SYNTHETIC_MEMBERS_HPP
#define PEERKIT_BENCH_SUPPORT_SYNTHETIC_MEMBERS_HPP

#include <peerkit/core/limits.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/frame.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/network_name.hpp>
#include <peerkit/crypto/secure_rng.hpp>
#include <peerkit/gossip/engine.hpp>
#include <peerkit/gossip/policies.hpp>

#include <algorithm>
#include <array>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace synthetic {

using namespace peerkit;

/// Ends the program: a benchmark that did not do its work must not report how fast it was.
inline void require(bool held, char const* what) {
    if (held) return;
    std::fprintf(stderr, "benchmark: %s\n", what);
    std::exit(1);
}
/// The value of a result that cannot be an error here.
template <typename T>
[[nodiscard]] T must(result<T>&& made, char const* what) {
    require(made.has_value(), what);
    return *std::move(made);
}

/// Leaves frames as they are: for figures that leave sealing out.
struct no_sealing {
    static constexpr std::uint8_t suite = wire::suites::xchacha20poly1305;
    [[nodiscard]] std::uint32_t key_id() const noexcept { return 1; }
    [[nodiscard]] bool knows(std::uint32_t id) const noexcept { return id == 1; }
    void seal(crypto::nonce_view, byte_view, byte_span) const noexcept {}
    [[nodiscard]] bool open(std::uint32_t, crypto::nonce_view, byte_view, byte_span) const noexcept { return true; }
};
static_assert(crypto::check_frame_sealing<no_sealing>());

/// Signs cheaply and believes everything: for figures that leave signatures out.
class unchecked_identity {
public:
    explicit unchecked_identity(std::uint64_t seed) noexcept : of_{seed} {}
    [[nodiscard]] node_id id() const noexcept { return of_.id(); }
    [[nodiscard]] crypto::signature sign(byte_view message) const noexcept { return of_.sign(message); }
    [[nodiscard]] static bool verify(node_id const&, byte_view, byte_view) noexcept { return true; }

private:
    crypto::fake_identity of_;
};
static_assert(crypto::check_signing<unchecked_identity>());

template <typename Signing>
[[nodiscard]] Signing make_identity(std::uint64_t number) {
    if constexpr (std::is_same_v<Signing, crypto::ed25519_identity>) {
        std::array<std::byte, crypto::ed25519_identity::seed_size> seed{};
        seeded_rng words{number};
        for (std::size_t i = 0; i < seed.size(); i += 8) store_big(seed.data() + i, words());
        return must(crypto::ed25519_identity::from_seed(seed), "no identity");
    } else {
        return Signing{number};
    }
}

[[nodiscard]] inline network_id network() noexcept { return crypto::network_id_of("bench"); }

/// What a worker of some company's cluster says of itself: records of 200 to 215 bytes, every size as often.
[[nodiscard]] inline description describe(std::size_t number) {
    std::string const digits = std::to_string(1'000'000 + number).substr(1);
    auto const byte = [&](unsigned shift) { return static_cast<std::uint8_t>(number >> shift & 0xffU); };
    description d;
    d.name = "worker-" + digits;
    d.api_port = 8000;
    d.version = "2.14.3";
    d.addresses = {
        {ip_address::v4(10, byte(16), byte(8), byte(0)), 9000, address_kind::local},
        {ip_address::v4(100, static_cast<std::uint8_t>(64 + byte(16)), byte(8), byte(0)), 9000, address_kind::overlay}};
    d.roles = {"worker"};
    d.labels = {{"rack", digits}, {"zone", "eu-west-1a"}};
    d.services = {{"tasks", 7100, std::string{"build=0123456789abcdef"}.substr(0, 6 + number % 16)}};
    return d;
}

/// One member: its record, its endpoint, and what it needs to speak.
struct peer {
    std::vector<std::byte> record;
    node_id id;
    short_id key{};
    ip_endpoint from;
    std::uint64_t incarnation = 0;
    std::uint64_t frames = 0;

    [[nodiscard]] byte_view bytes() const noexcept { return record; }
};

template <typename Signing>
void announce(peer& p, std::size_t number, std::uint64_t incarnation) {
    Signing const identity = make_identity<Signing>(number);
    description d = describe(number);
    require(normalize(d).has_value(), "the description is not valid");
    std::array<std::byte, limits::record> room;
    auto const record = must(crypto::sign_record(identity, network(), d, incarnation, false, room), "no record");
    p.record.assign(record.bytes().begin(), record.bytes().end());
    p.id = record.id();
    p.key = record.short_id();
    p.from = record.first_endpoint();
    p.incarnation = incarnation;
}

template <typename Signing>
[[nodiscard]] std::vector<peer> make_peers(std::size_t count) {
    std::vector<peer> made(count);
    for (std::size_t i = 0; i < count; ++i) announce<Signing>(made[i], i + 1, 1);
    return made;
}

/// Frames as they arrive, one behind the other.
class frames {
public:
    struct one {
        std::size_t offset, size;
        ip_endpoint from;
    };

    void clear() {
        bytes_.clear();
        frames_.clear();
    }
    [[nodiscard]] std::size_t size() const noexcept { return frames_.size(); }
    [[nodiscard]] byte_span operator[](std::size_t i) noexcept {
        return byte_span{bytes_}.subspan(frames_[i].offset, frames_[i].size);
    }
    [[nodiscard]] ip_endpoint const& from(std::size_t i) const noexcept { return frames_[i].from; }

    /// A datagram of `by` to `to` (no node: to whoever receives it) whose messages `fill` writes.
    template <typename Sealing, typename Fill>
    void add(Sealing const& sealing, peer& by, node_id const& to, Fill&& fill) {
        std::array<std::byte, limits::datagram> room;
        wire::packet_writer packet{byte_span{room}.subspan(wire::envelope::head, limits::packet)};
        fill(packet);
        wire::envelope head;
        head.sender = by.key;
        head.session = 1;
        head.counter = ++by.frames;
        head.random = head.counter * 0x9e3779b97f4a7c15ULL;
        byte_span const frame = crypto::seal_frame(sealing, head, network(), to, nullptr, room, packet.size());
        frames_.push_back({bytes_.size(), frame.size(), by.from});
        bytes_.insert(bytes_.end(), frame.begin(), frame.end());
    }

private:
    std::vector<std::byte> bytes_;
    std::vector<one> frames_;
};

/// The `lan` numbers, but with nothing scheduled: what is measured is dispatch, without a timer in between.
[[nodiscard]] inline gossip::tunables without_timers(std::size_t max_members) {
    gossip::tunables t = gossip::lan();
    t.probe_period = t.exchange_period = t.contact_period = t.stream_timeout = std::chrono::hours{10'000};
    t.tombstone_time = std::chrono::hours{40'000};
    t.retransmit_factor = 1; // the queue is empty sooner after loading
    t.max_members = max_members;
    return t;
}

/// An engine with its outbox and its clock.
template <typename Signing, typename Sealing>
class node {
public:
    using engine_type = gossip::engine<gossip::policies<Signing, Sealing, crypto::secure_rng>>;

    node(Sealing sealing, std::size_t max_members)
        : engine_{make_identity<Signing>(0),
                  std::move(sealing),
                  must(crypto::secure_rng::make(), "no entropy"),
                  {network(), describe(0), without_timers(max_members), 1}} {
        require(engine_.start(now_, out_).has_value(), "the engine did not start");
        out_.clear();
    }

    [[nodiscard]] engine_type& engine() noexcept { return engine_; }
    [[nodiscard]] gossip::counters const& counters() const noexcept { return engine_.counters(); }
    [[nodiscard]] node_id const& id() const noexcept { return engine_.id(); }

    /// Takes in every frame, as a shell would, `gap` apart.
    void receive(frames& arrived, duration gap = std::chrono::microseconds{10}) {
        for (std::size_t i = 0; i < arrived.size(); ++i) {
            now_ += gap;
            engine_.on_datagram(arrived[i], arrived.from(i), now_, out_);
            out_.clear();
        }
    }
    /// Lets gossip run until no update is left to spread.
    void settle() {
        while (engine_.queued() != 0) {
            now_ = std::max(now_, engine_.next_deadline());
            engine_.on_tick(now_, out_);
            out_.clear();
        }
    }
    /// Brings what is held of the members back into the caches, as in a node that has just been at work.
    void warm() const {
        unsigned sum = 0;
        engine_.for_each_member([&](gossip::member_view const& m) {
            for (std::byte const b : m.record().bytes()) sum += std::to_integer<unsigned>(b);
        });
        benchmark::DoNotOptimize(sum);
    }
    /// Tells the engine of all members and lets the news die down.
    void learn(Sealing const& sealing, std::span<peer> members) {
        tell(sealing, members);
        settle();
    }
    void tell(Sealing const& sealing, std::span<peer> members) {
        frames arrived;
        announce_all(arrived, sealing, members, id());
        // Signature checks are rationed: at this pace none is refused.
        receive(arrived, std::chrono::milliseconds{1});
        require(engine_.known_count() >= members.size() + 1, "members are missing");
    }
    /// Datagrams with as many announcements each as fit, every one sent by one of those announced.
    static void announce_all(frames& to, Sealing const& sealing, std::span<peer> members, node_id const& receiver) {
        for (std::size_t at = 0; at < members.size();) {
            to.add(sealing, members[at], receiver, [&](wire::packet_writer& packet) {
                while (at < members.size() && packet.announce(members[at].bytes())) ++at;
            });
        }
    }

private:
    engine_type engine_;
    gossip::outbox out_;
    time_point now_{std::chrono::hours{1}};
};

} // namespace synthetic

#endif
