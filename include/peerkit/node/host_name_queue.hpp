// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which addresses are to be looked up in reverse DNS, and when: bounded, slow, in the background.
#ifndef PEERKIT_NODE_HOST_NAME_QUEUE_HPP
#define PEERKIT_NODE_HOST_NAME_QUEUE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// True for text that can be shown as the name of a host: what a name server says is anybody's word.
[[nodiscard]] constexpr bool is_host_name(std::string_view text) noexcept {
    auto const parsed = endpoint::parse(text, 1);
    return parsed && parsed->is_host_name() && parsed->host_name() == text;
}

/// Addresses that wait for a name. Each is asked for up to `most_tries` times, again only if the name service could not
/// tell; a few at a time and about one per second. An address that does not fit in is not looked up at all.
class host_name_queue {
public:
    static constexpr std::size_t most_waiting = 64;
    static constexpr std::size_t most_under_way = 4;
    static constexpr std::uint8_t most_tries = 3;
    static constexpr duration gap = std::chrono::seconds{1};
    static constexpr duration patience = std::chrono::seconds{30};  ///< an answer later than this is not waited for
    static constexpr duration try_again = std::chrono::minutes{10}; ///< after the name service could not tell

    /// False if the queue is full. Loopback addresses and those waiting already are passed over.
    bool add(ip_address const& address, time_point now) {
        if (address.is_loopback() || find(address) != nullptr) return true;
        if (entries_.size() >= most_waiting) return false;
        entries_.push_back({address, now, 0, false});
        schedule();
        return true;
    }
    /// When `ask` may have something to ask for.
    [[nodiscard]] time_point next() const noexcept { return next_; }
    /// An address to look up now; none when nothing is due. Ask again after an answer, and when `next` has come.
    [[nodiscard]] std::optional<ip_address> ask(time_point now) {
        if (now < next_) return std::nullopt;
        for (std::size_t i = entries_.size(); i-- > 0;) {
            if (entries_[i].under_way && entries_[i].at <= now) end(i, true, now);
        }
        std::optional<ip_address> made;
        for (entry& e : entries_) {
            if (e.under_way || e.at > now || now < not_before_ || under_way() >= most_under_way) continue;
            e.under_way = true;
            e.at = saturating_add(now, patience);
            ++e.tries;
            not_before_ = saturating_add(now, gap);
            made = e.address;
            break;
        }
        schedule();
        return made;
    }
    /// An answer came. False if it was not asked for. `try_later`: the name service could not tell.
    bool answered(ip_address const& address, bool try_later, time_point now) {
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            if (!entries_[i].under_way || entries_[i].address != address) continue;
            end(i, try_later, now);
            schedule();
            return true;
        }
        return false;
    }
    [[nodiscard]] std::size_t waiting() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t under_way() const noexcept {
        return static_cast<std::size_t>(
            std::count_if(entries_.begin(), entries_.end(), [](entry const& e) { return e.under_way; }));
    }

private:
    struct entry {
        ip_address address;
        time_point at; ///< when it may be asked; while it is under way, when that is given up
        std::uint8_t tries;
        bool under_way;
    };

    [[nodiscard]] entry const* find(ip_address const& address) const noexcept {
        for (entry const& e : entries_) {
            if (e.address == address) return &e;
        }
        return nullptr;
    }
    void end(std::size_t i, bool try_later, time_point now) {
        if (try_later && entries_[i].tries < most_tries) {
            entries_[i].under_way = false;
            entries_[i].at = saturating_add(now, try_again);
        } else {
            entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    void schedule() noexcept {
        bool const room = under_way() < most_under_way;
        next_ = never;
        for (entry const& e : entries_) {
            if (e.under_way)
                next_ = std::min(next_, e.at);
            else if (room)
                next_ = std::min(next_, std::max(e.at, not_before_));
        }
    }

    std::vector<entry> entries_;
    time_point not_before_{};
    time_point next_ = never;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
