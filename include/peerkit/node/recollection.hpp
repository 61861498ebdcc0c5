// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The peers a node would want to know of after a restart: kept up to date, merged with an earlier life, bounded.
#ifndef PEERKIT_NODE_RECOLLECTION_HPP
#define PEERKIT_NODE_RECOLLECTION_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/node/candidate_book.hpp>
#include <peerkit/node/known_candidate.hpp>
#include <peerkit/node/provenance_set.hpp>
#include <peerkit/node/remembered_peer.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// What is worth writing down of other nodes. Everybody the engine knows is in it, the dead and those who said goodbye
/// included: when all nodes of a network were stopped in good order, these are all there are to find it again. So are
/// those of an earlier life who were not met in this one. Beyond `most` the ones heard longest ago are forgotten.
class recollection {
public:
    /// `earlier`: what was written down in an earlier life.
    explicit recollection(std::size_t most, std::vector<remembered_peer> earlier = {})
        : most_{most}, peers_{std::move(earlier)} {
        trim();
    }

    /// The most recently heard first.
    [[nodiscard]] std::vector<remembered_peer> const& peers() const noexcept { return peers_; }

    /// Takes in everybody whom the engine knows now. `clock_ms` is the unix time of `now`. Walks through all members
    /// and copies their records; meant for every few seconds at most.
    template <typename Engine>
    void refresh(Engine const& engine, candidate_book const& book, time_point now, std::int64_t clock_ms) {
        std::unordered_map<std::uint64_t, std::size_t> places; // by short id
        places.reserve(peers_.size());
        for (std::size_t i = 0; i < peers_.size(); ++i) {
            auto const key = wire::record_view::peek(peers_[i].record);
            if (key) places.emplace(static_cast<std::uint64_t>(key->subject), i);
        }
        engine.for_each_member([&](auto const& m) {
            if (m.is_self()) return;
            auto const [at, is_new] = places.try_emplace(static_cast<std::uint64_t>(m.short_id()), peers_.size());
            if (is_new) peers_.emplace_back();
            remembered_peer& peer = peers_[at->second];
            byte_view const record = m.record().bytes();
            if (!std::equal(record.begin(), record.end(), peer.record.begin(), peer.record.end())) {
                peer.record.assign(record.begin(), record.end());
            }
            known_candidate const* const entry = book.find(m.id());
            if (entry != nullptr) peer.sources.insert(entry->sources);
            peer.sources.erase(discovery::provenance::stored);
            if (peer.sources.empty()) peer.sources.insert(discovery::provenance::gossip);
            if (m.reachable()) peer.last_endpoint = m.endpoint();
            if (auto const heard = m.last_heard(now))
                note(peer, now - *heard, clock_ms);
            else if (m.reachable())
                note(peer, now - m.since(), clock_ms);
        });
        trim();
    }

private:
    static void note(remembered_peer& peer, duration ago, std::int64_t clock_ms) noexcept {
        peer.last_heard_ms = clock_ms - std::chrono::duration_cast<std::chrono::milliseconds>(ago).count();
    }
    void trim() {
        std::sort(peers_.begin(), peers_.end(), [](remembered_peer const& a, remembered_peer const& b) {
            if (a.last_heard_ms != b.last_heard_ms) return a.last_heard_ms > b.last_heard_ms;
            return std::lexicographical_compare(a.record.begin(), a.record.end(), b.record.begin(), b.record.end());
        });
        if (peers_.size() > most_) peers_.resize(most_);
    }

    std::size_t most_;
    std::vector<remembered_peer> peers_;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
