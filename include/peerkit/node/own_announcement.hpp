// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What discovery strategies may read and change of this node's own announcement.
#ifndef PEERKIT_NODE_OWN_ANNOUNCEMENT_HPP
#define PEERKIT_NODE_OWN_ANNOUNCEMENT_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/description_edit.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/crypto/challenge.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/gossip/member_view.hpp>
#include <peerkit/gossip/outbox.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// The label in which a node tells others which registry it uses: "host:port", or "scheme://host:port".
inline constexpr std::string_view registry_label = "registry";
/// Registries that a strategy is told of at most.
inline constexpr std::size_t most_registries = 8;

/// Whether a text can be what `registry_label` says: a host and a port, and before them the name of a protocol or none
/// (letters, digits, '+', '-' and '.', as in RFC 3986, section 3.1). What the name means is the strategies' business.
[[nodiscard]] inline bool is_registry_text(std::string_view text) noexcept {
    if (text.size() > limits::label_value) return false;
    if (std::size_t const at = text.find("://"); at != std::string_view::npos) {
        auto const letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
        std::string_view const scheme = text.substr(0, at);
        if (scheme.empty() || !letter(scheme.front())) return false;
        for (char const c : scheme) {
            if (!letter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.') return false;
        }
        text.remove_prefix(at + 3);
    }
    auto const where = endpoint::parse(text, 0);
    return where && *where;
}

/// What has an announcement of its own: a `node_logic`, whatever its policies.
template <typename Logic>
concept Announcing =
    requires(Logic const& logic, Logic& changing, byte_view bytes, description d, time_point now, gossip::outbox& out) {
        logic.find(logic.id());
        { logic.running() } -> std::convertible_to<bool>;
        { logic.engine().network() } -> std::convertible_to<network_id>;
        { logic.engine().sign_challenge(bytes) } -> std::same_as<result<crypto::signature>>;
        { logic.engine().self() } -> std::convertible_to<description>;
        { changing.update(d, now, out) } -> std::same_as<result<void>>;
    };

/// The registries that other members use, the most frequent first. What members write there is checked.
template <typename Logic>
[[nodiscard]] std::vector<std::string> announced_registries(Logic const& of) {
    std::vector<std::string_view> all;
    of.for_each_member([&](gossip::member_view const& m) {
        if (m.is_self() || !m.reachable()) return;
        auto const text = m.record().label_value(registry_label);
        if (text && is_registry_text(*text)) all.push_back(*text);
    });
    std::sort(all.begin(), all.end());
    std::vector<std::pair<std::size_t, std::string_view>> counted;
    for (std::size_t i = 0; i < all.size();) {
        auto const next = static_cast<std::size_t>(
            std::upper_bound(all.begin() + static_cast<std::ptrdiff_t>(i), all.end(), all[i]) - all.begin());
        counted.emplace_back(next - i, all[i]);
        i = next;
    }
    std::stable_sort(counted.begin(), counted.end(), [](auto const& a, auto const& b) { return a.first > b.first; });
    if (counted.size() > most_registries) counted.resize(most_registries);
    std::vector<std::string> best;
    for (auto const& [times, text] : counted) best.emplace_back(text);
    return best;
}

/// Answers `discovery::read_announcement`.
/// @par Errors `unavailable` (the node does not run), `bad_option` (the challenge is longer than one may be)
template <Announcing Logic>
[[nodiscard]] result<discovery::announcement> read_own_announcement(Logic const& of, byte_view challenge) {
    using discovery::discovery_error;
    auto const self = of.find(of.id());
    if (!of.running() || !self) return fail(discovery_error::unavailable, 0, "announcement");
    discovery::announcement made;
    byte_view const record = self->record().bytes();
    made.record.assign(record.begin(), record.end());
    made.network = of.engine().network();
    if (!challenge.empty()) {
        if (challenge.size() > crypto::largest_challenge) {
            return fail(discovery_error::bad_option, challenge.size(), "challenge");
        }
        auto const proof = of.engine().sign_challenge(challenge);
        if (!proof) return fail(proof.error());
        made.proof = *proof;
    }
    made.registries = announced_registries(of);
    return made;
}

/// Carries out `discovery::use_registry`: announces the label, or, with an empty text, takes it back. Nothing happens
/// if that is what is announced already.
/// @par Errors `unavailable` (the node does not run), `bad_option` (the text is no `is_registry_text`); those of
/// `gossip::engine::update`, where the announcement has no room for it
template <Announcing Logic>
[[nodiscard]] result<void> announce_registry(Logic& of, std::string_view text, time_point now, gossip::outbox& out) {
    using discovery::discovery_error;
    if (!of.running() || of.engine().leaving()) return fail(discovery_error::unavailable, 0, "announcement");
    if (!text.empty() && !is_registry_text(text)) return fail(discovery_error::bad_option, 0, "registry");
    description changed = of.engine().self();
    auto const at = std::find_if(changed.labels.begin(), changed.labels.end(),
                                 [](label const& l) { return l.key == registry_label; });
    bool const there = at != changed.labels.end();
    if (there ? at->value == text : text.empty()) return {};
    auto const edited = text.empty() ? erase_label(changed, registry_label) : set_label(changed, registry_label, text);
    if (!edited) return edited;
    return of.update(std::move(changed), now, out);
}

/// The node that strategies run for, as a driver sees it. Empty functions: it runs for none.
struct announcing_node {
    std::function<result<discovery::announcement>(byte_view challenge)> read;
    std::function<result<void>(std::string_view registry)> use_registry;
    std::function<std::uint64_t()> incarnation;

    [[nodiscard]] explicit operator bool() const noexcept { return read && use_registry && incarnation; }
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
