// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Requests of others: each reaches the host at most once, and its answer is kept for those who ask again.
#ifndef PEERKIT_GOSSIP_SERVED_REQUESTS_HPP
#define PEERKIT_GOSSIP_SERVED_REQUESTS_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/wire/user_message.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// One request of somebody else.
struct served_request {
    short_id from{};
    std::uint64_t id = 0; ///< by the requester's count
    request_id handle{};  ///< by this node's
    bool waiting = false; ///< for the host's answer
    wire::response_status status{};
    stream_id stream{}; ///< where the requester waits for the answer; zero: for a datagram
    time_point until{}; ///< remembered until the requester has given up for certain
    std::vector<std::byte> answer{};
};

/// A request is named by who asks and the id it chose. It is remembered until its patience is over, and so cannot be
/// carried out twice, whatever is repeated or recorded. At most `capacity` are remembered; when they are all still
/// needed, or one requester has a quarter of them and more than half are taken, a new one is refused as busy. Answers
/// are kept up to `max_bytes` together; one that finds no room is sent once and not again.
class served_requests {
public:
    served_requests(std::size_t capacity, std::size_t max_bytes) noexcept
        : capacity_{std::min<std::size_t>(capacity, 0xffff)}, max_bytes_{max_bytes} {}

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t answer_bytes() const noexcept { return bytes_; }

    /// Null if it was not heard of.
    [[nodiscard]] served_request* find(short_id from, std::uint64_t id) noexcept {
        for (std::size_t i = 0; i < ids_.size(); ++i) {
            if (ids_[i] == id && entries_[i].from == from) return &entries_[i];
        }
        return nullptr;
    }
    /// A request that waits for the host's answer; null if it does not, or is forgotten.
    [[nodiscard]] served_request* find(request_id handle) noexcept {
        for (served_request& e : entries_) {
            if (e.handle == handle) return e.waiting ? &e : nullptr;
        }
        return nullptr;
    }
    /// Remembers a request that `find` does not know. Null: busy.
    [[nodiscard]] served_request* add(short_id from, std::uint64_t id, time_point until, time_point now) {
        served_request* place = nullptr;
        if (entries_.size() >= capacity_ / 2) place = crowded(from, now);
        if (place == nullptr) {
            if (refused_) return nullptr;
            entries_.emplace_back();
            ids_.push_back(0);
            place = &entries_.back();
        }
        bytes_ -= place->answer.size();
        place->answer.clear();
        place->from = from;
        place->id = id;
        place->handle = request_id{++last_};
        place->waiting = true;
        place->status = {};
        place->stream = {};
        place->until = until;
        ids_[static_cast<std::size_t>(place - entries_.data())] = id;
        return place;
    }
    /// The host's answer is known.
    void answered(served_request& of, wire::response_status status, byte_view answer) {
        of.waiting = false;
        of.status = status;
        if (bytes_ + answer.size() > max_bytes_) return forget_answer(of);
        of.answer.assign(answer.begin(), answer.end());
        bytes_ += answer.size();
    }

    /// 0, or: 66 over a cap, 67 the bytes are miscounted.
    [[nodiscard]] int check_invariants() const noexcept {
        if (entries_.size() > capacity_ || bytes_ > max_bytes_) return 66;
        std::size_t counted = 0;
        for (served_request const& e : entries_) counted += e.answer.size();
        return counted == bytes_ && ids_.size() == entries_.size() ? 0 : 67;
    }

private:
    /// Somebody asks again for an answer that was too much to keep: it hears that this node is busy.
    static void forget_answer(served_request& of) noexcept { of.status = wire::response_status::busy; }

    /// An entry nobody needs any more; null with `refused_` saying whether there is room for another.
    [[nodiscard]] served_request* crowded(short_id from, time_point now) noexcept {
        std::size_t same = 0;
        served_request* over = nullptr;
        for (served_request& e : entries_) {
            if (e.until <= now)
                over = over == nullptr || e.until < over->until ? &e : over;
            else if (e.from == from)
                ++same;
        }
        refused_ = over == nullptr && (entries_.size() >= capacity_ || same > capacity_ / 4);
        return over;
    }

    std::size_t capacity_;
    std::size_t max_bytes_;
    std::vector<served_request> entries_;
    std::vector<std::uint64_t> ids_; ///< of the entries: what is searched
    std::size_t bytes_ = 0;
    std::uint64_t last_ = 0;
    bool refused_ = false;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
