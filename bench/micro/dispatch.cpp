// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What one datagram costs a member, beside what the cryptography in it costs by itself.
#include <peerkit/crypto/key_ring.hpp>

#include <support/measure.hpp>
#include <support/synthetic_members.hpp>

#include <algorithm>
#include <array>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <sodium.h>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace peerkit;
using synthetic::frames;
using synthetic::peer;
using synthetic::require;

using plain_node = synthetic::node<synthetic::unchecked_identity, synthetic::no_sealing>;
using sealed_node = synthetic::node<synthetic::unchecked_identity, crypto::xchacha_sealing>;
using signed_node = synthetic::node<crypto::ed25519_identity, crypto::xchacha_sealing>;

constexpr std::size_t few = 100, many = 10'000;
constexpr std::size_t per_round = 1024;
constexpr std::size_t rounds = 121;

[[nodiscard]] double nanoseconds(double seconds, std::size_t count) {
    return seconds * 1e9 / static_cast<double>(count);
}

[[nodiscard]] crypto::network_key const& key() {
    static crypto::network_key const made =
        synthetic::must(crypto::network_key::parse("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
                        "no network key");
    return made;
}

/// A node that knows `count` members, and those members.
template <typename Node, typename Signing, typename Sealing>
struct cluster {
    cluster(std::size_t count, Sealing from_node, Sealing from_peers)
        : sealing{std::move(from_peers)}, peers{synthetic::make_peers<Signing>(count)},
          node{std::move(from_node), 4 * many} {
        node.learn(sealing, peers);
    }
    /// Pings of members chosen at random.
    void pings(frames& to, std::size_t count) {
        to.clear();
        for (std::size_t i = 0; i < count; ++i) {
            peer& by = random_peer();
            std::uint64_t const nonce = random();
            to.add(sealing, by, node.id(), [&](wire::packet_writer& packet) { packet.ping(nonce, by.incarnation); });
        }
    }
    [[nodiscard]] peer& random_peer() {
        return peers[static_cast<std::size_t>(uniform(random, std::uint64_t{peers.size()}))];
    }

    Sealing sealing;
    std::vector<peer> peers;
    Node node;
    seeded_rng random{7};
};
struct plain_cluster : cluster<plain_node, synthetic::unchecked_identity, synthetic::no_sealing> {
    explicit plain_cluster(std::size_t count) : cluster{count, {}, {}} {}
};
struct sealed_cluster : cluster<sealed_node, synthetic::unchecked_identity, crypto::xchacha_sealing> {
    explicit sealed_cluster(std::size_t count)
        : cluster{count, crypto::xchacha_sealing{key()}, crypto::xchacha_sealing{key()}} {}
};
struct signed_cluster : cluster<signed_node, crypto::ed25519_identity, crypto::xchacha_sealing> {
    explicit signed_cluster(std::size_t count)
        : cluster{count, crypto::xchacha_sealing{key()}, crypto::xchacha_sealing{key()}} {}
};

/// libsodium alone, over frames of the engine: the same bytes, the same additional data, in place.
class bare_sodium {
public:
    explicit bare_sodium(node_id const& receiver) : receiver_{receiver} {}

    /// Remembers a copy of the frames, and the additional data of each.
    void take(frames& from) {
        copy_ = from;
        extra_.clear();
        for (std::size_t i = 0; i < copy_.size(); ++i)
            extra_.emplace_back(copy_[i], synthetic::network(), receiver_, true, nullptr);
    }
    /// Opens all frames; how many did.
    [[nodiscard]] std::size_t open() {
        std::size_t opened = 0;
        for (std::size_t i = 0; i < copy_.size(); ++i) opened += open(i) ? 1U : 0U;
        return opened;
    }
    /// Opens every frame and seals it again under its nonce; how many opened.
    [[nodiscard]] std::size_t open_and_seal() {
        std::size_t opened = 0;
        for (std::size_t i = 0; i < copy_.size(); ++i) {
            opened += open(i) ? 1U : 0U;
            seal(i);
        }
        return opened;
    }

private:
    static constexpr std::size_t head = wire::envelope::head, tail = wire::envelope::tail;

    [[nodiscard]] static unsigned char* raw(std::byte* at) { return reinterpret_cast<unsigned char*>(at); }
    [[nodiscard]] static unsigned char const* raw(std::byte const* at) {
        return reinterpret_cast<unsigned char const*>(at);
    }
    [[nodiscard]] bool open(std::size_t i) {
        byte_span const frame = copy_[i];
        std::size_t const text = frame.size() - head - tail;
        unsigned char* const at = raw(frame.data() + head);
        byte_view const extra = extra_[i].bytes();
        return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(at, nullptr, at, text, at + text, raw(extra.data()),
                                                                   extra.size(), raw(wire::nonce_of(frame).data()),
                                                                   key_.data()) == 0;
    }
    void seal(std::size_t i) {
        byte_span const frame = copy_[i];
        std::size_t const text = frame.size() - head - tail;
        unsigned char* const at = raw(frame.data() + head);
        byte_view const extra = extra_[i].bytes();
        crypto_aead_xchacha20poly1305_ietf_encrypt_detached(at, at + text, nullptr, at, text, raw(extra.data()),
                                                            extra.size(), nullptr, raw(wire::nonce_of(frame).data()),
                                                            key_.data());
    }

    node_id receiver_;
    crypto::network_key::subkey key_{key().for_suite(crypto::xchacha_sealing::suite)};
    frames copy_;
    std::vector<wire::additional_data> extra_;
};

/// A ping comes in, an ack goes out; sealing left out. Side by side with 100 and 10,000 members.
void dispatch_ping(benchmark::State& state) {
    plain_cluster small{few}, large{many};
    for (auto _ : state) {
        measure::side_by_side taken;
        frames to_small, to_large;
        for (std::size_t round = 0; round < rounds; ++round) {
            small.pings(to_small, per_round);
            large.pings(to_large, per_round);
            std::uint64_t const before = small.node.counters().datagrams_sent + large.node.counters().datagrams_sent;
            small.node.warm();
            large.node.warm();
            taken.add([&] { large.node.receive(to_large); }, [&] { small.node.receive(to_small); });
            require(small.node.counters().datagrams_sent + large.node.counters().datagrams_sent - before ==
                        2 * per_round,
                    "not every ping was answered");
        }
        measure::report("dispatch.ping.ns_10k", nanoseconds(taken.ours(), per_round));
        measure::report("dispatch.ping.flat", taken.ratio());
        state.counters["ns_10k"] = nanoseconds(taken.ours(), per_round);
        state.counters["ns_100"] = nanoseconds(taken.limit(), per_round);
        state.counters["flat"] = taken.ratio();
    }
}
BENCHMARK(dispatch_ping)->Iterations(1)->Unit(benchmark::kMillisecond);

/// A sealed ping comes in, a sealed ack goes out, beside one open and one seal of those bytes.
void dispatch_sealed_ping(benchmark::State& state) {
    sealed_cluster all{many};
    for (auto _ : state) {
        measure::side_by_side taken;
        frames arrived;
        bare_sodium bare{all.node.id()};
        for (std::size_t round = 0; round < rounds; ++round) {
            all.pings(arrived, per_round);
            bare.take(arrived);
            std::uint64_t const before = all.node.counters().datagrams_sent;
            std::size_t opened = 0;
            all.node.warm();
            taken.add([&] { all.node.receive(arrived); }, [&] { opened = bare.open_and_seal(); });
            require(opened == arrived.size(), "bare libsodium did not open the frames");
            require(all.node.counters().datagrams_sent - before == arrived.size(), "not every ping was answered");
        }
        measure::report("dispatch.sealed_ping.vs_limit", taken.ratio());
        state.counters["ns"] = nanoseconds(taken.ours(), per_round);
        state.counters["limit_ns"] = nanoseconds(taken.limit(), per_round);
        state.counters["vs_limit"] = taken.ratio();
    }
}
BENCHMARK(dispatch_sealed_ping)->Iterations(1)->Unit(benchmark::kMillisecond);

/// Packets as full of announcements as they can be, all of them known; sealing left out. Per announcement.
void dispatch_stale_update(benchmark::State& state) {
    plain_cluster all{many};
    constexpr std::size_t packets = per_round / 4, per_packet = 5;
    for (auto _ : state) {
        measure::rounds_taken taken;
        frames arrived;
        std::size_t updates = 0;
        for (std::size_t round = 0; round < rounds; ++round) {
            arrived.clear();
            updates = 0;
            for (std::size_t i = 0; i < packets; ++i) {
                arrived.add(all.sealing, all.random_peer(), all.node.id(), [&](wire::packet_writer& packet) {
                    while (packet.announce(all.random_peer().bytes())) ++updates;
                });
            }
            require(updates == packets * per_packet, "packets hold more or fewer updates than expected");
            std::uint64_t const before = all.node.counters().duplicates;
            all.node.warm();
            taken.time([&] { all.node.receive(arrived); });
            require(all.node.counters().duplicates - before == updates, "not every update was known");
        }
        double const each = nanoseconds(taken.median(), updates);
        measure::report("dispatch.stale_update.ns_10k", each);
        state.counters["ns_10k"] = each;
        state.counters["per_packet"] = static_cast<double>(per_packet);
    }
}
BENCHMARK(dispatch_stale_update)->Iterations(1)->Unit(benchmark::kMillisecond);

/// One datagram with one announcement that is held already; sealing left out. The whole datagram.
void dispatch_duplicate(benchmark::State& state) {
    plain_cluster all{many};
    for (auto _ : state) {
        measure::rounds_taken taken;
        frames arrived;
        for (std::size_t round = 0; round < rounds; ++round) {
            arrived.clear();
            for (std::size_t i = 0; i < per_round; ++i) {
                arrived.add(all.sealing, all.random_peer(), all.node.id(),
                            [&](wire::packet_writer& packet) { packet.announce(all.random_peer().bytes()); });
            }
            std::uint64_t const before = all.node.counters().duplicates;
            all.node.warm();
            taken.time([&] { all.node.receive(arrived); });
            require(all.node.counters().duplicates - before == per_round, "not every announcement was known");
        }
        double const each = nanoseconds(taken.median(), per_round);
        measure::report("dispatch.duplicate.ns", each);
        state.counters["ns"] = each;
    }
}
BENCHMARK(dispatch_duplicate)->Iterations(1)->Unit(benchmark::kMillisecond);

/// Full packets of members not heard of before, from 10,000 to 20,000; signatures and sealing left out. Per member.
void dispatch_new_member(benchmark::State& state) {
    std::vector<peer> peers = synthetic::make_peers<synthetic::unchecked_identity>(2 * many);
    std::span<peer> const known = std::span{peers}.first(many), strangers = std::span{peers}.last(many);
    for (auto _ : state) {
        measure::rounds_taken taken;
        frames arrived;
        for (std::size_t round = 0; round < rounds / 8; ++round) {
            plain_node node{synthetic::no_sealing{}, 4 * many};
            node.learn({}, known);
            arrived.clear();
            plain_node::announce_all(arrived, {}, strangers, node.id());
            auto const pace = std::chrono::milliseconds{1};
            taken.time([&] { node.receive(arrived, pace); });
            require(node.engine().known_count() == 2 * many + 1 && node.engine().queued() == many,
                    "not every stranger became a member");
        }
        double const each = nanoseconds(taken.median(), many);
        measure::report("dispatch.new_member.ns", each);
        state.counters["ns"] = each;
    }
}
BENCHMARK(dispatch_new_member)->Iterations(1)->Unit(benchmark::kMillisecond);

/// Sealed packets full of newer announcements of members, verified and taken over, beside the bare verifications.
void dispatch_verify(benchmark::State& state) {
    constexpr std::size_t count = 100;
    constexpr std::size_t prefix = crypto::announcement_domain.size() + sizeof(network_id::bytes);
    signed_cluster all{many};
    for (auto _ : state) {
        measure::side_by_side taken;
        frames arrived;
        std::vector<std::vector<std::byte>> messages(count);
        for (std::size_t round = 0; round < rounds; ++round) {
            std::size_t const first = round * count % many;
            std::span<peer> const some = std::span{all.peers}.subspan(first, count);
            for (std::size_t i = 0; i < count; ++i) {
                synthetic::announce<crypto::ed25519_identity>(some[i], first + i + 1, some[i].incarnation + 1);
                wire::record_view const record = wire::record_view::trusted(some[i].bytes());
                messages[i].resize(prefix + record.unsigned_part().size());
                byte_span const message{messages[i]};
                copy_bytes(as_bytes(crypto::announcement_domain), message);
                copy_bytes(synthetic::network().bytes, message.subspan(crypto::announcement_domain.size()));
                copy_bytes(record.unsigned_part(), message.subspan(prefix));
            }
            arrived.clear();
            signed_node::announce_all(arrived, all.sealing, some, all.node.id());
            auto const raw = [](byte_view bytes) { return reinterpret_cast<unsigned char const*>(bytes.data()); };
            std::size_t good = 0;
            auto const bare = [&] {
                for (std::size_t i = 0; i < count; ++i) {
                    byte_view const signature = wire::record_view::trusted(some[i].bytes()).signature();
                    good += crypto_sign_verify_detached(raw(signature), raw(messages[i]), messages[i].size(),
                                                        raw(some[i].id.bytes)) == 0
                                ? 1U
                                : 0U;
                }
            };
            all.node.warm();
            taken.add([&] { all.node.receive(arrived, std::chrono::milliseconds{1}); }, bare);
            require(good == count, "bare libsodium did not verify the records");
            for (peer const& p : some) {
                auto const view = all.node.engine().find(p.key);
                require(view && view->incarnation() == p.incarnation, "not every announcement was accepted");
            }
        }
        measure::report("dispatch.verify.vs_limit", 1 / taken.ratio());
        state.counters["per_s"] = count / taken.ours();
        state.counters["limit_per_s"] = count / taken.limit();
        state.counters["vs_limit"] = 1 / taken.ratio();
    }
}
BENCHMARK(dispatch_verify)->Iterations(1)->Unit(benchmark::kMillisecond);

/// Datagrams whose seal does not hold, of the size of a ping and naming real members, beside the bare failed open.
void dispatch_junk(benchmark::State& state) {
    sealed_cluster all{many};
    for (auto _ : state) {
        measure::side_by_side taken;
        frames arrived;
        bare_sodium bare{all.node.id()};
        for (std::size_t round = 0; round < rounds; ++round) {
            all.pings(arrived, per_round);
            for (std::size_t i = 0; i < arrived.size(); ++i) arrived[i].back() ^= std::byte{1};
            bare.take(arrived);
            auto const before = all.node.counters();
            std::size_t opened = 0;
            all.node.warm();
            taken.add([&] { all.node.receive(arrived); }, [&] { opened = bare.open(); });
            auto const after = all.node.counters();
            require(opened == 0, "bare libsodium opened a forged frame");
            require(after.datagrams_accepted == before.datagrams_accepted &&
                        after.datagrams_sent == before.datagrams_sent &&
                        after.refused(gossip::gossip_error::source_over_budget) ==
                            before.refused(gossip::gossip_error::source_over_budget) &&
                        after.malformed - before.malformed == per_round,
                    "forged frames were not refused for their seal");
        }
        measure::report("dispatch.junk.vs_limit", 1 / taken.ratio());
        state.counters["ns"] = nanoseconds(taken.ours(), per_round);
        state.counters["limit_ns"] = nanoseconds(taken.limit(), per_round);
        state.counters["vs_limit"] = 1 / taken.ratio();
    }
}
BENCHMARK(dispatch_junk)->Iterations(1)->Unit(benchmark::kMillisecond);

} // namespace
