// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Checks that the events of one observer form the promised language, subject by subject.
#ifndef PEERKIT_TESTS_SUPPORT_EVENT_LANGUAGE_HPP
#define PEERKIT_TESTS_SUPPORT_EVENT_LANGUAGE_HPP

#include <peerkit/core/node_id.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/membership/member_state.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace tests {

/// (up (updated | suspected | refuted)* (dead | left) removed?)* with suspected and refuted in turn, and incarnations
/// that never go back while a member is remembered.
class event_language {
public:
    /// What is wrong with this event after those before it; empty if nothing is.
    std::string take(peerkit::gossip::event const& e) {
        using peerkit::gossip::event_kind;
        if (e.kind > event_kind::member_removed) return {};
        view& v = views_[e.subject];
        std::string const wrong = fault(v, e);
        if (!wrong.empty())
            return wrong + " (" + std::string{to_string(e.kind)} + " of " + to_string(e.subject.short_id()) + ")";
        switch (e.kind) {
        case event_kind::member_up: v.now = state::up; break;
        case event_kind::member_suspected: v.now = state::suspected; break;
        case event_kind::member_refuted: v.now = state::up; break;
        case event_kind::member_dead:
        case event_kind::member_left: v.now = state::gone; break;
        case event_kind::member_removed: v = {}; return {};
        default: break;
        }
        v.incarnation = e.incarnation;
        return {};
    }

    /// Compares what the events told with what the node shows; empty if they agree.
    template <typename Node>
    [[nodiscard]] std::string compare(Node const& node) const {
        std::string wrong;
        std::size_t shown = 0, told = 0;
        node.for_each_member([&](auto const& m) {
            if (m.is_self()) return;
            auto const found = views_.find(m.id());
            state const now = found == views_.end() ? state::unknown : found->second.now;
            bool const up = now == state::up || now == state::suspected;
            bool const suspected = m.state() == peerkit::membership::member_state::suspect;
            if (m.reachable()) ++shown;
            if (m.reachable() != up) wrong = "reachable and told disagree";
            if (up && suspected != (now == state::suspected)) wrong = "suspected and told disagree";
        });
        for (auto const& [id, v] : views_) told += v.now == state::up || v.now == state::suspected ? 1U : 0U;
        return shown == told ? wrong : "told of " + std::to_string(told) + " members, shows " + std::to_string(shown);
    }

private:
    enum class state : std::uint8_t { unknown, up, suspected, gone };
    struct view {
        state now = state::unknown;
        std::uint64_t incarnation = 0;
    };

    static std::string fault(view const& v, peerkit::gossip::event const& e) {
        using peerkit::gossip::event_kind;
        bool const up = v.now == state::up || v.now == state::suspected;
        if (v.now != state::unknown && e.incarnation < v.incarnation) return "the incarnation went back";
        switch (e.kind) {
        case event_kind::member_up: return up ? "up twice" : "";
        case event_kind::member_suspected: return v.now == state::up ? "" : "suspected without being up";
        case event_kind::member_refuted: return v.now == state::suspected ? "" : "refuted without being suspected";
        case event_kind::member_updated:
        case event_kind::member_dead:
        case event_kind::member_left: return up ? "" : "not up";
        case event_kind::member_removed: return v.now == state::gone ? "" : "removed without being gone";
        default: return "";
        }
    }

    std::map<peerkit::node_id, view> views_;
};

} // namespace tests

#endif
