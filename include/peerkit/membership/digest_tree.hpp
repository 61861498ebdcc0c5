// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A summary of the reachable members: two nodes compare a few numbers instead of all they hold.
#ifndef PEERKIT_MEMBERSHIP_DIGEST_TREE_HPP
#define PEERKIT_MEMBERSHIP_DIGEST_TREE_HPP

#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

namespace detail {

/// The step and the final function of SplitMix64 (Steele, Lea, Flood 2014).
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t z) noexcept {
    z += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
}

} // namespace detail

/// 64 bits that stand for one version of one member's record; part of the protocol (docs/wire.md). `mark` is the
/// record's first signature word, so that two records with one incarnation differ, too. Not secret and not resistant
/// to its subject, who can make its own records look alike: it hides nothing but its own news.
[[nodiscard]] constexpr std::uint64_t fingerprint(short_id key, std::uint64_t incarnation,
                                                  std::uint64_t mark) noexcept {
    return detail::mixed(detail::mixed(detail::mixed(static_cast<std::uint64_t>(key)) ^ incarnation) ^ mark);
}

/// The same for one entry of a member's map: its version and first signature word. The sum over a member's entries is
/// added to the fingerprint of the member.
[[nodiscard]] constexpr std::uint64_t entry_fingerprint(std::uint64_t version, std::uint64_t mark) noexcept {
    return detail::mixed(detail::mixed(version) ^ mark);
}

/// Some ranges of short ids, all `2^(64 - bits)` wide: range `i` holds the ids whose first `bits` bits are `i`. Kept
/// ascending; finding the range of an id costs one table look-up when it is in none, which is the common case.
class key_ranges {
public:
    static constexpr unsigned most_bits = 32;

    /// Room for as many ranges as the sums of one packet tell apart.
    key_ranges() { ranges_.reserve(256); }

    /// Forgets all ranges. `bits` at most `most_bits`.
    void reset(unsigned bits) noexcept {
        bits_ = std::min(bits, most_bits);
        ranges_.clear();
        touched_.fill(0);
    }
    /// `range` is above all those added before; false, and nothing added, if it is not, or does not exist.
    bool add(std::uint32_t range) {
        if (bits_ < most_bits && range >> bits_ != 0) return false;
        if (!ranges_.empty() && range <= ranges_.back()) return false;
        ranges_.push_back(range);
        std::uint64_t const first = bits_ == 0 ? 0 : std::uint64_t{range} << (64U - bits_);
        std::uint64_t const last = bits_ == 0 ? ~std::uint64_t{0} : first | (~std::uint64_t{0} >> bits_);
        for (std::uint64_t byte = first >> 56U; byte <= last >> 56U; ++byte)
            touched_[byte >> 6U] |= std::uint64_t{1} << (byte & 63U);
        return true;
    }

    [[nodiscard]] unsigned bits() const noexcept { return bits_; }
    [[nodiscard]] std::size_t size() const noexcept { return ranges_.size(); }
    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
    [[nodiscard]] std::uint32_t operator[](std::size_t i) const noexcept { return ranges_[i]; }

    static constexpr std::size_t none = ~std::size_t{0};
    /// Which of the ranges holds `key`: its place among them, or `none`.
    [[nodiscard]] std::size_t place_of(short_id key) const noexcept {
        auto const word = static_cast<std::uint64_t>(key);
        if ((touched_[word >> 62U] >> (word >> 56U & 63U) & 1U) == 0) return none;
        auto const range = static_cast<std::uint32_t>(bits_ == 0 ? 0 : word >> (64U - bits_));
        auto const at = std::lower_bound(ranges_.begin(), ranges_.end(), range);
        return at != ranges_.end() && *at == range ? static_cast<std::size_t>(at - ranges_.begin()) : none;
    }

private:
    unsigned bits_ = 0;
    std::vector<std::uint32_t> ranges_;
    std::array<std::uint64_t, 4> touched_{}; ///< which first bytes of an id can be in a range
};

/// Sums of the fingerprints of all reachable members: of all, and of each of 256 ranges of short ids. A change of one
/// member costs one addition each. Tombstones count nothing: how long they are kept differs from node to node.
///
/// Sums and not hashes over sorted lists, so that the order of changes does not matter; wrapping, so that taking away
/// is exact. Deeper ranges are summed up from the rows when somebody asks: a Merkle tree as in Dynamo (DeCandia et al.
/// 2007), of which only the first levels are stored.
class digest_tree {
public:
    static constexpr unsigned top_bits = 8;

    void add(short_id key, std::uint64_t print) noexcept {
        sums_[top_of(key)] += print;
        root_ += print;
    }
    void remove(short_id key, std::uint64_t print) noexcept {
        sums_[top_of(key)] -= print;
        root_ -= print;
    }

    [[nodiscard]] std::uint64_t root() const noexcept { return root_; }
    /// The sum of range `range` of the `2^bits` widest; `bits` at most `top_bits`.
    [[nodiscard]] std::uint64_t sum(unsigned bits, std::uint32_t range) const noexcept {
        std::size_t const width = std::size_t{1} << (top_bits - std::min(bits, top_bits));
        std::uint64_t total = 0;
        for (std::size_t i = range * width, end = std::min((range + 1) * width, sums_.size()); i < end; ++i)
            total += sums_[i];
        return total;
    }
    [[nodiscard]] friend bool operator==(digest_tree const&, digest_tree const&) noexcept = default;

private:
    [[nodiscard]] static constexpr std::size_t top_of(short_id key) noexcept {
        return static_cast<std::size_t>(static_cast<std::uint64_t>(key) >> (64U - top_bits));
    }

    std::uint64_t root_ = 0;
    std::array<std::uint64_t, std::size_t{1} << top_bits> sums_{};
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
