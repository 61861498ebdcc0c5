// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// world: what the nodes see of each other, and reports.
#ifndef PEERKIT_SIM_IMPL_WORLD_VIEWS_HPP
#define PEERKIT_SIM_IMPL_WORLD_VIEWS_HPP

#include <peerkit/sim/world.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

template <SimulatedNode Node>
bool world<Node>::sees(node_index observer, node_index subject, membership::member_state state) const {
    if (!up(observer)) return false;
    auto const member = node(observer).find(id_of(subject));
    return static_cast<bool>(member) && member->state() == state;
}

template <SimulatedNode Node>
bool world<Node>::all_see_all() const {
    std::size_t present = 0;
    for (resident_type const& r : residents_) present += r.node != nullptr && !r.leaving ? 1 : 0;
    for (resident_type const& r : residents_) {
        if (r.node == nullptr || r.leaving) continue;
        std::size_t alive = 0;
        bool sound = true;
        r.node->for_each_member([&](auto const& m) {
            if (m.state() == membership::member_state::suspect) sound = false;
            if (m.state() != membership::member_state::alive) return;
            node_index const s = index_of(m.id());
            if (s == nobody || !up(s) || residents_[s].leaving) sound = false;
            ++alive;
        });
        if (!sound || alive != present) return false;
    }
    return true;
}

template <SimulatedNode Node>
bool world<Node>::everyone_sees(node_index subject, membership::member_state state) const {
    for (node_index i = 0; i < residents_.size(); ++i) {
        if (i != subject && up(i) && !sees(i, subject, state)) return false;
    }
    return true;
}

template <SimulatedNode Node>
bool world<Node>::gone(node_index subject) const {
    for (node_index i = 0; i < residents_.size(); ++i) {
        if (i != subject && counts(i, subject)) return false;
    }
    return true;
}

template <SimulatedNode Node>
void world<Node>::check_all() {
    for (node_index i = 0; i < residents_.size(); ++i) {
        if (up(i)) audit_.scan(i);
    }
}

template <SimulatedNode Node>
std::string world<Node>::report() const {
    std::string made = "seed " + std::to_string(options_.seed) + ", " + trace::seconds(since_start()) +
                       " s, trace hash " + std::to_string(trace_.hash()) + ", " + std::to_string(running_) + " of " +
                       std::to_string(residents_.size()) + " nodes up, " + std::to_string(audit_.count()) +
                       " violations\n";
    for (violation const& v : audit_.violations()) made.append("  ").append(v.text()).append("\n");
    return made + trace_.text();
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
