// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One place to call as the book keeps it: its addresses with their sources, and what became of the last call.
#ifndef PEERKIT_NODE_KNOWN_CANDIDATE_HPP
#define PEERKIT_NODE_KNOWN_CANDIDATE_HPP

#include <peerkit/core/bounded_text.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/node/provenance_set.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// What became of the latest call of a candidate.
enum class call_result : std::uint8_t {
    untried,  ///< not called yet
    called,   ///< called, and nothing heard so far
    answered, ///< a member of the network answered
    refused,  ///< the connection or the exchange failed; `last_call::why` says how
};

[[nodiscard]] constexpr std::string_view to_string(call_result what) noexcept {
    switch (what) {
    case call_result::untried: return "untried";
    case call_result::called: return "called";
    case call_result::answered: return "answered";
    case call_result::refused: return "refused";
    }
    return "unknown";
}

struct last_call {
    call_result what = call_result::untried;
    time_point when{};        ///< of the call, or of what came of it
    ip_endpoint where{};      ///< the address that was called
    short_id by{};            ///< who answered
    std::optional<error> why; ///< for `refused`
};

/// One address of a candidate.
struct known_place {
    ip_endpoint where;
    provenance_set kept;    ///< sources that do not take back what they said: the host, other members
    provenance_set named;   ///< strategies, until they answer without it
    provenance_set renewed; ///< of these, those that named it in answer number `answer`
    std::uint32_t answer = 0;
    time_point good_until{}; ///< an answer without it takes it back only then

    [[nodiscard]] provenance_set sources() const noexcept { return kept | named; }
};

/// A candidate in the book. What is public is for reading; the book and the `call_decider` write it.
struct known_candidate {
    static constexpr std::uint8_t no_place = 0xff;

    node_id id;                        ///< zero: not known
    std::string name;                  ///< what a source or reverse DNS calls it; empty: see `display_name`
    std::vector<known_place> places;   ///< at least one, at most `limits::addresses`
    std::vector<label> labels;         ///< of the sources, unverified
    provenance_set sources;            ///< of all its places
    trust standing = trust::stranger;  ///< of its most trusted source
    trust name_from = trust::stranger; ///< of the source of its name
    discovery::presence state = discovery::presence::unknown;
    bounded_text<31> strategy; ///< the last one that named it; empty: none did
    last_call last;

    // For whoever decides when to call it.
    std::uint32_t unanswered = 0;         ///< times all its addresses were called in vain since the last answer
    std::uint8_t proven_place = no_place; ///< where it answered last
    std::uint8_t tried = 0;               ///< a bit for each place: called in this round
    std::vector<ip_endpoint> services;    ///< ports of its last announcement, see `fallback_order`
    short_id member{};                    ///< who was found there last
    std::uint32_t answer = 0;             ///< number of the last answer of the strategies it was in
    discovery::presence state_before = discovery::presence::unknown; ///< according to the answer before that
    bool used = false;                                               ///< false: a free row of the book

    /// True if some strategy or the host named it; false if it is known through members only.
    [[nodiscard]] bool sought() const noexcept {
        provenance_set others = sources;
        others.erase(learnt_from_members);
        return !others.empty();
    }
    [[nodiscard]] bool has(ip_endpoint const& where) const noexcept {
        for (known_place const& p : places) {
            if (p.where == where) return true;
        }
        return false;
    }
    /// Its name, or its first IP address.
    [[nodiscard]] std::string display_name() const {
        if (!name.empty() || places.empty()) return name;
        return places.front().where.address.to_string();
    }
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
