// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Everything that happened as one 64-bit number, and the last lines of it for people.
#ifndef PEERKIT_SIM_TRACE_HPP
#define PEERKIT_SIM_TRACE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// Number of a node in its world, from 0 in order of birth; stays the same across restarts.
using node_index = std::uint32_t;
/// No node of this world.
inline constexpr node_index nobody = ~node_index{0};

/// What a line of the trace tells.
enum class trace_kind : std::uint8_t {
    started,
    tick,
    datagram,
    dial_opened,
    dial_accepted,
    frame,
    stream_closed,
    candidates,
    discovery_failed,
    event,
    call,
    crashed,
    paused,
    resumed,
    delivery,
};

[[nodiscard]] constexpr std::string_view to_string(trace_kind kind) noexcept {
    switch (kind) {
    case trace_kind::started: return "started";
    case trace_kind::tick: return "tick";
    case trace_kind::datagram: return "datagram";
    case trace_kind::dial_opened: return "dial opened";
    case trace_kind::dial_accepted: return "dial accepted";
    case trace_kind::frame: return "frame";
    case trace_kind::stream_closed: return "stream closed";
    case trace_kind::candidates: return "candidates";
    case trace_kind::discovery_failed: return "discovery failed";
    case trace_kind::event: return "event";
    case trace_kind::call: return "call";
    case trace_kind::crashed: return "crashed";
    case trace_kind::paused: return "paused";
    case trace_kind::resumed: return "resumed";
    case trace_kind::delivery: return "delivery";
    }
    return "unknown";
}

namespace detail {
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
    return x ^ (x >> 32);
}
[[nodiscard]] inline std::uint64_t load_little(std::byte const* from) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        std::uint64_t word = 0;
        std::memcpy(&word, from, sizeof word);
        return word;
    } else {
        std::uint64_t word = 0;
        for (std::size_t i = 8; i-- > 0;) word = word << 8U | std::to_integer<std::uint64_t>(from[i]);
        return word;
    }
}
} // namespace detail

/// A fast hash for traces, the same everywhere. Not for adversaries.
[[nodiscard]] inline std::uint64_t hash_bytes(byte_view bytes) noexcept {
    constexpr std::uint64_t a = 0x9e3779b97f4a7c15ULL, b = 0xc2b2ae3d27d4eb4fULL;
    std::uint64_t one = a + bytes.size(), two = b;
    std::byte const* at = bytes.data();
    std::size_t left = bytes.size();
    auto const absorb = [](std::uint64_t& lane, std::uint64_t word, std::uint64_t factor) {
        lane = (lane ^ word) * factor;
        lane ^= lane >> 32U; // or the top bit of one word would be undone by a bit of the next
    };
    for (; left >= 16; left -= 16, at += 16) {
        absorb(one, detail::load_little(at), a);
        absorb(two, detail::load_little(at + 8), b);
    }
    for (; left >= 8; left -= 8, at += 8) absorb(one, detail::load_little(at), a);
    std::uint64_t tail = 0;
    for (std::size_t i = 0; i < left; ++i) tail = tail << 8U | std::to_integer<std::uint64_t>(at[i]);
    absorb(two, tail, a);
    return detail::mix(one ^ std::rotl(two, 17));
}

/// One thing that happened. `detail` is the hash of the bytes, or what kind of event or error.
struct trace_line {
    duration when{}; ///< since the world began
    trace_kind kind{};
    node_index from = nobody;
    node_index to = nobody;
    std::uint32_t size = 0;
    std::uint64_t detail = 0;
};

/// Hashes every line and keeps the last few. Integers only, so the hash is the same with every compiler.
class trace {
public:
    /// `keep` lines are remembered; 0 for none.
    explicit trace(std::size_t keep = 0) : kept_(keep) {}

    void note(trace_line const& line) noexcept {
        auto const when = static_cast<std::uint64_t>(line.when.count());
        std::uint64_t const who = std::uint64_t{line.from} << 32U | line.to;
        std::uint64_t const what = line.detail ^ std::uint64_t{line.size} << 8U ^ static_cast<std::uint64_t>(line.kind);
        hash_ = detail::mix((hash_ + when) * 0x9e3779b97f4a7c15ULL ^ std::rotl(who, 23) ^ what);
        if (!kept_.empty()) kept_[static_cast<std::size_t>(count_ % kept_.size())] = line;
        ++count_;
    }

    [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
    /// Lines noted so far.
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

    /// The remembered lines, oldest first, one per line of text.
    [[nodiscard]] std::string text() const {
        std::string made;
        std::uint64_t const have = count_ < kept_.size() ? count_ : kept_.size();
        for (std::uint64_t i = count_ - have; i < count_; ++i) {
            append(made, kept_[static_cast<std::size_t>(i % kept_.size())]);
        }
        return made;
    }

    /// Virtual time as seconds with microseconds: "12.345678".
    [[nodiscard]] static std::string seconds(duration d) {
        auto const micro = d.count() / 1000;
        std::string const fraction = std::to_string(micro % 1000000);
        return std::to_string(micro / 1000000) + "." + std::string(6 - fraction.size(), '0') + fraction;
    }

private:
    static void append(std::string& to, trace_line const& line) {
        to.append(seconds(line.when)).append(" ").append(to_string(line.kind));
        if (line.from != nobody) to.append(" from ").append(std::to_string(line.from));
        if (line.to != nobody) to.append(" to ").append(std::to_string(line.to));
        if (line.size != 0) to.append(", ").append(std::to_string(line.size)).append(" bytes");
        to.append(", ").append(std::to_string(line.detail)).append("\n");
    }

    std::vector<trace_line> kept_;
    std::uint64_t hash_ = 0x706565726b697431ULL;
    std::uint64_t count_ = 0;
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
