// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Whom this node has forgotten: so that old news of them do not bring them back.
#ifndef PEERKIT_MEMBERSHIP_FORGOTTEN_HPP
#define PEERKIT_MEMBERSHIP_FORGOTTEN_HPP

#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace membership {

/// Remembers the last incarnation of members that are not remembered otherwise, a bounded number of them: of two that
/// fall to one place the later stays, so that nobody is held back wrongly for long, and somebody may be let in that
/// should not be. Sixteen bytes a place, taken when the first member is forgotten. Not thread safe.
class forgotten {
public:
    static constexpr std::size_t places = 1024;

    void add(short_id key, std::uint64_t incarnation) {
        if (held_.empty()) held_.resize(places);
        held_[place_of(key)] = {key, incarnation};
    }
    /// Whether that incarnation, or a later one, was forgotten.
    [[nodiscard]] bool covers(short_id key, std::uint64_t incarnation) const noexcept {
        if (held_.empty()) return false;
        entry const& found = held_[place_of(key)];
        return found.key == key && incarnation <= found.incarnation;
    }

private:
    struct entry {
        short_id key{};
        std::uint64_t incarnation = 0;
    };
    [[nodiscard]] static std::size_t place_of(short_id key) noexcept {
        return static_cast<std::size_t>(static_cast<std::uint64_t>(key) % places);
    }

    std::vector<entry> held_;
};

} // namespace membership
PEERKIT_END_NAMESPACE

#endif
