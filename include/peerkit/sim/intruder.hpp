// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A stranger on the network: random, truncated, altered, padded and replayed packets from its own randomness.
#ifndef PEERKIT_SIM_INTRUDER_HPP
#define PEERKIT_SIM_INTRUDER_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/sim/trace.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// What the intruder does. It overhears packets but has no key. Its randomness is its own, so a world with it takes
/// the same course as one without: comparing the two trace hashes is the strictest test that strangers change nothing.
struct intruder_options {
    std::uint32_t packets_per_second = 0; ///< in the whole world; 0 switches it off
    bool replays = true;                  ///< also sends again, unchanged, what was delivered before
    std::size_t remembered = 256;         ///< packets it has at hand
};

enum class noise_kind : std::uint8_t { random, random_body, truncated, altered, padded, replayed };

[[nodiscard]] constexpr std::string_view to_string(noise_kind kind) noexcept {
    switch (kind) {
    case noise_kind::random: return "random bytes";
    case noise_kind::random_body: return "random bytes behind a genuine head";
    case noise_kind::truncated: return "a truncated packet";
    case noise_kind::altered: return "a packet with flipped bits";
    case noise_kind::padded: return "a packet with bytes added";
    case noise_kind::replayed: return "a replayed packet";
    }
    return "unknown";
}

/// Makes the packets; the world delivers them.
class intruder {
public:
    struct shot {
        noise_kind kind{};
        node_index to = nobody;
        ip_endpoint from;
        std::size_t size = 0;
    };

    intruder(intruder_options const& options, std::uint64_t seed) : options_{options}, rng_{seed} {}

    [[nodiscard]] bool active() const noexcept { return options_.packets_per_second != 0; }
    [[nodiscard]] duration interval() const noexcept {
        return duration{1'000'000'000 / std::max<duration::rep>(1, options_.packets_per_second)};
    }

    /// A packet was delivered to `to` in that life of its. One of eight is remembered.
    void overhear(node_index to, std::uint32_t life, ip_endpoint const& from, byte_view bytes) {
        if (options_.remembered == 0 || uniform(rng_, std::uint64_t{8}) != 0) return;
        if (heard_.size() < options_.remembered) {
            heard_.emplace_back();
            next_ = heard_.size() - 1;
        } else {
            next_ = (next_ + 1) % heard_.size();
        }
        packet& kept = heard_[next_];
        kept.to = to;
        kept.life = life;
        kept.from = from;
        kept.size = std::min(bytes.size(), kept.bytes.size());
        copy_bytes(bytes.first(kept.size), kept.bytes);
    }

    /// Fills `out` (at least `limits::datagram` bytes). `alive(to, life)` tells whether that life of a node still runs;
    /// a replay to a later life would be a different fault. The shot has no target if nothing suitable was at hand.
    template <typename Alive>
    [[nodiscard]] shot forge(std::size_t nodes, byte_span out, Alive&& alive) {
        shot made;
        made.kind = static_cast<noise_kind>(uniform(rng_, std::uint64_t{options_.replays ? 6U : 5U}));
        made.from = stranger();
        if (made.kind == noise_kind::random) {
            made.to = static_cast<node_index>(uniform(rng_, std::uint64_t{nodes}));
            made.size = static_cast<std::size_t>(uniform(rng_, std::uint64_t{limits::datagram + 1}));
            scramble(out.first(made.size));
            return made;
        }
        if (heard_.empty()) return made;
        packet const& model = heard_[static_cast<std::size_t>(uniform(rng_, std::uint64_t{heard_.size()}))];
        bool const spoofed = happens(rng_, 500'000);
        if (model.size == 0 || !alive(model.to, model.life)) return made;
        made.to = model.to;
        made.size = model.size;
        if (spoofed || made.kind == noise_kind::replayed) made.from = model.from;
        copy_bytes({model.bytes.data(), model.size}, out);
        switch (made.kind) {
        case noise_kind::random_body:
            scramble(out.first(made.size).subspan(std::min<std::size_t>(14, made.size - 1)));
            break;
        case noise_kind::truncated:
            made.size = static_cast<std::size_t>(uniform(rng_, std::uint64_t{model.size}));
            break;
        case noise_kind::altered: {
            // Distinct bits, so that they cannot undo each other.
            std::uint64_t const flips = 1 + uniform(rng_, std::uint64_t{4}), bits = model.size * 8;
            std::uint64_t const first = uniform(rng_, bits);
            for (std::uint64_t i = 0; i < flips; ++i) {
                std::uint64_t const bit = (first + i * 37) % bits;
                if (i != 0 && bit == first) break;
                out[static_cast<std::size_t>(bit / 8)] ^= static_cast<std::byte>(1U << bit % 8);
            }
            break;
        }
        case noise_kind::padded: {
            std::uint64_t const room = limits::datagram - model.size;
            if (room == 0) return shot{};
            std::uint64_t const more = 1 + uniform(rng_, room);
            scramble(out.subspan(made.size, static_cast<std::size_t>(more)));
            made.size += static_cast<std::size_t>(more);
            break;
        }
        case noise_kind::random:
        case noise_kind::replayed: break;
        }
        return made;
    }

private:
    struct packet {
        node_index to = nobody;
        std::uint32_t life = 0;
        ip_endpoint from;
        std::size_t size = 0;
        std::array<std::byte, limits::datagram> bytes{};
    };

    [[nodiscard]] ip_endpoint stranger() noexcept {
        std::uint64_t const word = rng_();
        return {ip_address::v4(203, 0, 113, static_cast<std::uint8_t>(word & 0xffU)),
                static_cast<std::uint16_t>(1024 + (word >> 8U) % 60000)};
    }
    void scramble(byte_span bytes) noexcept {
        for (std::byte& b : bytes) b = static_cast<std::byte>(rng_() & 0xffU);
    }

    intruder_options options_;
    seeded_rng rng_;
    std::vector<packet> heard_;
    std::size_t next_ = 0;
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
