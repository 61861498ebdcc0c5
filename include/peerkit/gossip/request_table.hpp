// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// This node's own requests and reliable messages: kept until answered, repeated until then, given up in time.
#ifndef PEERKIT_GOSSIP_REQUEST_TABLE_HPP
#define PEERKIT_GOSSIP_REQUEST_TABLE_HPP

#include <peerkit/core/bounded_text.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/outbox.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// One request that waits for its answer.
struct pending_request {
    /// After this many datagrams without an answer the request takes a stream.
    static constexpr unsigned datagrams = 3;
    static constexpr duration longest_wait = std::chrono::seconds{2};

    request_id id{};
    node_id to{};
    bounded_text<limits::topic> topic{};
    std::vector<std::byte> payload{};
    bool confirm_only = false;
    bool by_stream = false; ///< too large for a datagram, or datagrams went unanswered
    stream_id stream{};     ///< under way on this one; zero: none
    std::uint8_t tries = 0;
    duration wait{}; ///< until the next repetition
    time_point next{};
    time_point deadline{};

    /// Arms the next repetition: each wait is twice the one before.
    void tried(time_point now) noexcept {
        if (tries < 255) ++tries;
        next = now + wait;
        wait = std::min(wait * 2, std::max(wait, longest_wait));
    }
};

/// At most `capacity` requests under way. Erased entries keep the memory of small payloads for the next.
class request_table {
public:
    explicit request_table(std::size_t capacity) noexcept : capacity_{capacity} {}

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] bool full() const noexcept { return count_ >= capacity_; }
    /// When the next repetition or deadline is due; `never` if there is none.
    [[nodiscard]] time_point next() const noexcept { return next_; }

    /// The reference is valid until the table changes. To be called only if it is not `full`; `update_next` after the
    /// entry's times were set.
    [[nodiscard]] pending_request& add(request_id id, node_id const& to, std::string_view topic, byte_view payload) {
        if (count_ == entries_.size()) entries_.emplace_back();
        pending_request& made = entries_[count_++];
        auto kept = std::move(made.payload);
        made = pending_request{};
        made.payload = std::move(kept);
        made.payload.assign(payload.begin(), payload.end());
        made.id = id;
        made.to = to;
        made.topic = bounded_text<limits::topic>::cut(topic);
        return made;
    }
    [[nodiscard]] pending_request* find(request_id id) noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            if (entries_[i].id == id) return &entries_[i];
        }
        return nullptr;
    }
    [[nodiscard]] pending_request* on_stream(stream_id stream) noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            if (entries_[i].stream == stream) return &entries_[i];
        }
        return nullptr;
    }
    /// One whose repetition or deadline has come; null if there is none.
    [[nodiscard]] pending_request* due(time_point now) noexcept {
        if (next_ > now) return nullptr;
        for (std::size_t i = 0; i < count_; ++i) {
            if (std::min(entries_[i].next, entries_[i].deadline) <= now) return &entries_[i];
        }
        return nullptr;
    }
    /// Any one; null if there is none.
    [[nodiscard]] pending_request* any() noexcept { return count_ == 0 ? nullptr : &entries_[count_ - 1]; }
    void erase(request_id id) noexcept {
        pending_request* const found = find(id);
        if (found == nullptr) return;
        --count_;
        std::swap(*found, entries_[count_]);
        if (entries_[count_].payload.capacity() > kept_bytes) std::vector<std::byte>{}.swap(entries_[count_].payload);
        update_next();
    }
    void update_next() noexcept {
        next_ = never;
        for (std::size_t i = 0; i < count_; ++i) next_ = std::min({next_, entries_[i].next, entries_[i].deadline});
    }

private:
    static constexpr std::size_t kept_bytes = 1024;

    std::size_t capacity_;
    std::size_t count_ = 0;
    std::vector<pending_request> entries_;
    time_point next_ = never;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
