// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// In which ways something was found, one bit each, and how far each way is to be trusted.
#ifndef PEERKIT_NODE_PROVENANCE_SET_HPP
#define PEERKIT_NODE_PROVENANCE_SET_HPP

#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>

#include <cstdint>
#include <string>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// A set of `discovery::provenance`. `unknown` is an element like the others.
class provenance_set {
public:
    constexpr provenance_set() noexcept = default;
    // NOLINTNEXTLINE(google-explicit-constructor): one provenance is a set of one
    constexpr provenance_set(discovery::provenance one) noexcept : bits_{bit(one)} {}

    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
    [[nodiscard]] constexpr bool contains(discovery::provenance one) const noexcept { return (bits_ & bit(one)) != 0; }
    constexpr void insert(provenance_set others) noexcept { bits_ |= others.bits_; }
    constexpr void erase(provenance_set others) noexcept { bits_ &= ~others.bits_; }
    [[nodiscard]] friend constexpr provenance_set operator|(provenance_set left, provenance_set right) noexcept {
        left.insert(right);
        return left;
    }
    /// Bit n is the provenance of number n: the form in which sets are stored.
    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
    /// The set of that form; bits that stand for nothing, as a later version may have written, are left out.
    [[nodiscard]] static constexpr provenance_set from_bits(std::uint32_t bits) noexcept {
        std::uint32_t const known = (bit(discovery::provenance::command) << 1U) - 1U;
        provenance_set made;
        made.bits_ = bits & known;
        return made;
    }

    /// Calls `f(provenance)` for every element, in ascending order.
    template <typename F>
    constexpr void for_each(F&& f) const {
        for (unsigned i = 0; i < 32; ++i) {
            if ((bits_ >> i & 1U) != 0) f(static_cast<discovery::provenance>(i));
        }
    }
    /// "static+dns"; empty for the empty set.
    [[nodiscard]] std::string to_string() const {
        std::string text;
        for_each([&](discovery::provenance one) {
            if (!text.empty()) text += '+';
            text += discovery::to_string(one);
        });
        return text;
    }
    [[nodiscard]] friend constexpr bool operator==(provenance_set, provenance_set) noexcept = default;

private:
    [[nodiscard]] static constexpr std::uint32_t bit(discovery::provenance one) noexcept {
        return std::uint32_t{1} << (static_cast<unsigned>(one) & 31U);
    }
    std::uint32_t bits_ = 0;
};

/// The sources of what is known through announcements only.
inline constexpr provenance_set learnt_from_members =
    provenance_set{discovery::provenance::gossip} | discovery::provenance::inbound;

/// What is out of date as soon as the node in question announces itself or says goodbye.
inline constexpr provenance_set superseded_by_members = learnt_from_members | discovery::provenance::stored;

/// Who is behind a source. Decides who makes room for whom, and which addresses a source may name.
enum class trust : std::uint8_t {
    stranger, ///< anyone who reaches this node: the local link, other members
    service,  ///< something that was set up to be asked: DNS, a tailnet, a registry
    user,     ///< written on this machine: the host program, its files, its environment
};

[[nodiscard]] constexpr trust trust_of(discovery::provenance from) noexcept {
    using enum discovery::provenance;
    switch (from) {
    case static_list:
    case host:
    case file:
    case environment:
    case command: return trust::user;
    case tailscale:
    case dns:
    case registry:
    case stored: return trust::service;
    case unknown:
    case mdns:
    case gossip:
    case inbound: return trust::stranger;
    }
    return trust::stranger;
}

/// That of the most trusted element.
[[nodiscard]] constexpr trust trust_of(provenance_set set) noexcept {
    trust most = trust::stranger;
    set.for_each([&](discovery::provenance one) {
        if (trust_of(one) > most) most = trust_of(one);
    });
    return most;
}

} // namespace node
PEERKIT_END_NAMESPACE

#endif
