// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What two nodes send each other to find out that they agree on 10,000 members, and what if they do not.
#include <support/measure.hpp>
#include <support/synthetic_members.hpp>

#include <peerkit/crypto/fake.hpp>
#include <peerkit/gossip/engine.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <span>
#include <vector>

namespace {

using namespace peerkit;
using namespace std::chrono_literals;

/// Compares a thousand times a second, so that it soon is the other node's turn; the rest stands still.
struct restless : gossip::digest_ranges {
    [[nodiscard]] duration period(duration, std::size_t) const noexcept { return 1ms; }
};
using node_engine = gossip::engine<gossip::policies<synthetic::unchecked_identity, crypto::fake_sealing, seeded_rng,
                                                    gossip::accept_announcements, restless>>;

/// One of two nodes that hear only each other.
struct side {
    side(std::size_t number, std::size_t members)
        : engine{synthetic::make_identity<synthetic::unchecked_identity>(number),
                 crypto::fake_sealing{1},
                 seeded_rng{number},
                 {synthetic::network(), synthetic::describe(number), synthetic::without_timers(members + 2), 1}} {
        synthetic::require(engine.start(time_point{1h}, out).has_value(), "the engine did not start");
        out.clear();
    }
    void know(synthetic::peer const& p) {
        synthetic::require(engine.introduce(p.bytes(), time_point{1h}, out).has_value(), "a record was refused");
        out.clear();
    }

    node_engine engine;
    gossip::outbox out;
};

struct cost {
    std::uint64_t bytes = 0;     ///< of datagrams and stream frames, both ways
    std::uint64_t datagrams = 0; ///< both ways
    std::uint64_t dials = 0;
    std::uint64_t rounds = 0; ///< comparisons until both hold the same
    double seconds = 0;       ///< processor time of both
};

class pair_of_nodes {
public:
    pair_of_nodes(std::size_t members) : a_{members + 1, members}, b_{members + 2, members} {}

    side& a() { return a_; }
    side& b() { return b_; }

    void introduce() {
        synthetic::peer p;
        for (auto [from, to] : {std::pair{&a_, &b_}, std::pair{&b_, &a_}}) {
            auto const self = from->engine.find(from->engine.id());
            p.record.assign(self->record().bytes().begin(), self->record().bytes().end());
            to->know(p);
        }
    }
    /// News spreads to nobody before they compare.
    void settle() {
        for (side* s : {&a_, &b_}) {
            while (s->engine.queued() != 0) {
                now_ = std::max(now_, s->engine.next_deadline());
                s->engine.on_tick(now_, s->out);
                s->out.clear();
            }
        }
    }

    /// Lets `a` compare with `b` until they agree, `most` times at most.
    cost compare(std::size_t most) {
        cost spent;
        while (spent.rounds < most) {
            now_ = std::max(now_, a_.engine.next_deadline());
            a_.engine.on_tick(now_, a_.out);
            std::uint64_t const asked = b_.engine.counters().comparisons;
            auto const before = spent;
            spent.seconds += measure::seconds([&] { deliver(spent); });
            if (b_.engine.counters().comparisons == asked) {
                spent = before; // it was somebody else's turn, who is not there
                continue;
            }
            ++spent.rounds;
            if (a_.engine.alive_count() == b_.engine.alive_count() && same()) break;
            settle();
        }
        return spent;
    }
    [[nodiscard]] bool same() {
        std::uint64_t sums[2] = {0, 0};
        for (std::size_t i = 0; i < 2; ++i) {
            (i == 0 ? a_ : b_).engine.for_each_member([&](gossip::member_view const& m) {
                sums[i] += membership::fingerprint(m.id().short_id(), m.incarnation(), 0);
            });
        }
        return sums[0] == sums[1];
    }

private:
    /// Carries datagrams to and fro until there are none.
    void deliver(cost& spent) {
        struct travelling {
            std::vector<std::byte> bytes;
            bool to_b;
        };
        std::vector<travelling> way;
        auto const collect = [&](side& from, bool to_b) {
            for (std::size_t i = 0; i < from.out.size(); ++i) {
                gossip::action const action = from.out[i];
                if (action.kind == gossip::action_kind::open_stream) ++spent.dials;
                if (action.kind != gossip::action_kind::send_datagram) continue;
                way.push_back({{action.bytes.begin(), action.bytes.end()}, to_b});
            }
            from.out.clear();
        };
        collect(a_, true);
        for (std::size_t i = 0; i < way.size(); ++i) {
            spent.bytes += way[i].bytes.size();
            ++spent.datagrams;
            side& to = way[i].to_b ? b_ : a_;
            side& from = way[i].to_b ? a_ : b_;
            now_ += 100us;
            ip_endpoint const where = from.engine.find(from.engine.id())->endpoint();
            bool const to_b = way[i].to_b;
            std::vector<std::byte> bytes = std::move(way[i].bytes);
            to.engine.on_datagram(bytes, where, now_, to.out);
            collect(to, !to_b);
        }
    }

    side a_, b_;
    time_point now_{1h};
};

void print(char const* what, cost const& c) {
    std::printf("%s: %llu bytes in %llu datagrams, %llu comparisons, %llu dials, %.0f us of processor\n", what,
                static_cast<unsigned long long>(c.bytes), static_cast<unsigned long long>(c.datagrams),
                static_cast<unsigned long long>(c.rounds), static_cast<unsigned long long>(c.dials), c.seconds * 1e6);
}

/// Half of `differing` members known to one side only, the other half newer on the other.
cost with_difference(std::size_t members, std::size_t differing, double& record_size) {
    pair_of_nodes nodes{members};
    std::vector<synthetic::peer> peers = synthetic::make_peers<synthetic::unchecked_identity>(members);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < members; ++i) {
        synthetic::peer& p = peers[i];
        bytes += p.record.size();
        bool const differs = i < differing;
        if (!differs || i % 2 == 0) nodes.a().know(p);
        if (differs && i % 2 != 0) {
            nodes.a().know(p);
            synthetic::announce<synthetic::unchecked_identity>(p, i + 1, 2);
        }
        if (!differs || i % 2 != 0) nodes.b().know(p);
    }
    record_size = static_cast<double>(bytes) / static_cast<double>(members);
    nodes.introduce();
    nodes.settle();
    return nodes.compare(20);
}

} // namespace

int main() {
    constexpr std::size_t members = 10'000;
    double size = 0;
    cost const same = with_difference(members, 0, size);
    print("10,000 members, all the same", same);
    synthetic::require(same.rounds == 1 && same.datagrams == 2 && same.dials == 0, "nodes that agree do not notice");
    measure::report("antientropy.in_sync_bytes_10k", static_cast<double>(same.bytes));
    for (std::size_t const differing : {1, 10, 100, 1000}) {
        cost const spent = with_difference(members, differing, size);
        double const ratio = static_cast<double>(spent.bytes) / (static_cast<double>(differing) * size);
        print((std::to_string(differing) + " of them differ").c_str(), spent);
        std::printf("    %.2f bytes sent per byte of the records that differ, which are of %.0f bytes\n", ratio, size);
        if (differing == 100) measure::report("antientropy.bytes_per_diff", ratio);
    }
    return 0;
}
